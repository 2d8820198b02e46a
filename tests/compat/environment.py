"""The host's environment and the wheels of both sides, made once and kept in a cache directory."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from catalogue import HERE, HOST_REQUIREMENTS, PYTHON, Case, Suite

CHECKOUT = HERE.parent.parent


class Cache:
    """What is fetched and made, complete or absent.

    Args:
        root: Made if absent. `wheels/` is common to all versions of Python.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.wheels = self.root / "wheels"
        self.sets = self.root / f"sets-{PYTHON}"
        self.host = self.root / f"host-{PYTHON}"
        self.sdists = self.root / "sdists"
        self.scratch = self.root / "scratch"
        self.results = self.root / "results"
        for directory in (self.wheels, self.sets, self.sdists, self.scratch, self.results):
            directory.mkdir(parents=True, exist_ok=True)

    @property
    def python(self) -> Path:
        """The host's interpreter."""
        return self.host / "bin" / "python"

    def make_host(self) -> None:
        """Make the host's environment, unless it is there with the very same requirements."""
        text = "\n".join([*HOST_REQUIREMENTS, sys.version])
        marker = self.host / f"complete-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        if marker.exists():
            return
        shutil.rmtree(self.host, ignore_errors=True)
        _run(sys.executable, "-m", "venv", str(self.host))
        _run(str(self.python), "-m", "pip", "install", "-q", "--only-binary", ":all:", *HOST_REQUIREMENTS)
        marker.touch()

    @contextmanager
    def snapshot(self) -> Iterator[Path]:
        """A copy of hotswap as it is now, so that one run is of one state: the directory to be put on the path."""
        with tempfile.TemporaryDirectory(dir=self.scratch) as directory:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(CHECKOUT / "hotswap", Path(directory, "hotswap"), ignore=ignored)
            check = f"import sys; sys.path.insert(0, {directory!r}); import hotswap; hotswap.PluginManager"
            _run(str(self.python), "-c", check)
            yield Path(directory)

    def wheel_set(self, case: Case, version: str) -> list[Path]:
        """The wheels of one side with all they require, fetched unless they are there.

        Raises:
            subprocess.CalledProcessError: pip found no such set of wheels.
        """
        return self.wheels_of(case.name, version, case.requirements(version))

    def wheels_of(self, name: str, version: str, requirements: Sequence[str]) -> list[Path]:
        """The wheels that meet some requirements, fetched unless they are there."""
        key = hashlib.sha256("\n".join(requirements).encode()).hexdigest()[:12]
        record = self.sets / f"{name}-{version}-{key}.json"
        if not record.exists():
            with tempfile.TemporaryDirectory(dir=self.scratch) as fresh:
                options = ("-q", "-d", fresh, "--only-binary", ":all:", "--find-links", str(self.wheels))
                _run(str(self.python), "-m", "pip", "download", *options, *requirements)
                names = sorted(path.name for path in Path(fresh).iterdir())
                for name in names:
                    os.replace(Path(fresh) / name, self.wheels / name)  # noqa: PTH105
            staging = record.with_suffix(f".{os.getpid()}")
            staging.write_text(json.dumps(names))
            staging.replace(record)
        return [self.wheels / name for name in json.loads(record.read_text())]

    def sdist(self, suite: Suite) -> Path:
        """The unpacked source distribution of a suite."""
        target = self.sdists / f"{suite.name}-{suite.version}"
        if not target.exists():
            with tempfile.TemporaryDirectory(dir=self.scratch) as fresh:
                options = ("-q", "-d", fresh, "--no-deps", "--no-binary", ":all:")
                _run(str(self.python), "-m", "pip", "download", *options, f"{suite.name}=={suite.version}")
                (archive,) = Path(fresh).iterdir()
                shutil.unpack_archive(archive, f"{fresh}/unpacked", filter="data")
                (tree,) = Path(fresh, "unpacked").iterdir()
                tree.rename(target)
        return target


def unpack(wheels: Sequence[Path], target: Path) -> None:
    """Unpack wheels beside one another, as installing them into a directory would."""
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(target)
    for data in target.glob("*.data"):
        for scheme in ("purelib", "platlib"):
            if (data / scheme).is_dir():
                shutil.copytree(data / scheme, target, dirs_exist_ok=True)
        shutil.rmtree(data)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write(f"{' '.join(command)}\n{done.stderr}")
        done.check_returncode()
