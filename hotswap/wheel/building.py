"""From a source tree to a wheel, through the project's own PEP 517 backend."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from ..errors import BuildError, Fault, MissingExtraError
from ..model import Candidate, Project
from .reading import read_wheel
from .recipe import ConfigSettings
from .tree import walk

if TYPE_CHECKING:
    import build

_WITHOUT_ISOLATION = "install what it needs, or build in isolation: leave out --no-isolation"

SHOWN_LINES = 15
"""Lines of a failed backend's output that the error message shows; `BuildError.output` has all of them."""


def build_wheel(
    project: Path,
    output_dir: Path,
    *,
    isolated: bool = True,
    config_settings: ConfigSettings | None = None,
    on_output: Callable[[str], None] | None = None,
) -> Path:
    """Build a project's wheel into `output_dir`, where it appears whole or not at all.

    Args:
        project: The directory with `pyproject.toml` (or `setup.py`).
        output_dir: Made if absent; a wheel of the same file name is replaced.
        isolated: Build in an environment of its own with the backend's requirements, as pip does; otherwise they have
            to be installed in the running one.
        config_settings: Passed on to the backend.
        on_output: Gets each line of the backend's output as it comes, without its end.

    Returns:
        The path of the wheel.

    Raises:
        BuildError: The backend failed, or made no wheel; `output` is what it printed.
        MissingExtraError: The extra [build] is not installed.
    """
    try:
        import build
        import build.env
    except ImportError:
        raise MissingExtraError("building a plugin from source", "build") from None
    output = _Output(on_output)
    settings = dict(config_settings or {})
    output_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=output_dir) as temporary:
        try:
            with _builder(project, isolated, settings, output) as builder:
                built = Path(builder.build("wheel", temporary, settings))
        except _MissingError as error:
            raise BuildError(project.resolve().name, [Fault(str(project), str(error), _WITHOUT_ISOLATION)]) from None
        except (build.BuildException, build.BuildBackendException, build.FailedProcessError) as error:
            raise _failure(project, str(error), output) from None
        except subprocess.CalledProcessError as error:  # installing the backend's requirements
            output.add(error.stdout)
            output.add(error.stderr)
            raise _failure(project, "cannot install what its build needs", output) from None
        try:
            parse_wheel_filename(built.name)
            return built.replace(output_dir / built.name)
        except (InvalidWheelFilename, OSError) as error:
            raise _failure(project, f"its build backend made no wheel: {error}", output) from None


@contextlib.contextmanager
def _builder(
    project: Path, isolated: bool, settings: ConfigSettings, output: _Output
) -> Iterator[build.ProjectBuilder]:
    import build
    import build.env

    if not isolated:
        builder = build.ProjectBuilder(project, sys.executable, output.run)
        # A backend that is not installed cannot be asked what else it needs.
        missing = {chain for required in builder.build_system_requires for chain in build.check_dependency(required)}
        if missing := missing or builder.check_dependencies("wheel", settings):
            raise _MissingError(sorted({chain[-1] for chain in missing}))
        yield builder
        return
    with build.env.DefaultIsolatedEnv() as environment:
        builder = build.ProjectBuilder.from_isolated_env(environment, project, output.run)
        environment.install(builder.build_system_requires)
        environment.install(builder.get_requires_for_build("wheel", settings))
        yield builder


class _MissingError(Exception):
    """What the build needs is not installed."""

    def __init__(self, requirements: Sequence[str]) -> None:
        super().__init__(f"its build needs {', '.join(requirements)}")


class _Output:
    """Runs the backend's processes and keeps what they print."""

    def __init__(self, on_line: Callable[[str], None] | None) -> None:
        self._on_line = on_line
        self._lines: list[str] = []

    def add(self, text: str | bytes | None) -> None:
        text = text.decode(errors="replace") if isinstance(text, bytes) else text or ""
        for line in text.splitlines():
            self._lines.append(line)
            if self._on_line is not None:
                self._on_line(line)

    def run(self, cmd: Sequence[str], cwd: str | None = None, extra_environ: Mapping[str, str] | None = None) -> None:
        with subprocess.Popen(
            cmd,
            cwd=cwd,
            env={**os.environ, **(extra_environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    self.add(line)
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, cmd)

    def __str__(self) -> str:
        return "\n".join(self._lines)

    def tail(self) -> str:
        return "\n".join(self._lines[-SHOWN_LINES:])


def _failure(project: Path, what: str, output: _Output) -> BuildError:
    last = output.tail()
    way_out = f"the last lines it printed:\n{last}\n" if last else ""
    return BuildError(project.resolve().name, [Fault(str(project), what, way_out)], output=str(output))


class Builder:
    """Builds projects, and builds nothing where nothing has changed.

    Args:
        scratch: Where built wheels are kept, one directory per project and state of its files.
    """

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._built: dict[str, Candidate] = {}

    def build(self, project: Project) -> Candidate:
        """The project's wheel, built anew only if a file of the project has changed since it was built last.

        A file counts as changed when its size or modification time has. A backend that writes into its source tree
        makes the next call build once more.

        Raises:
            BuildError: See `build_wheel`.
            MissingExtraError: See `build_wheel`.
        """
        home = self._scratch / _digest([str(project.path.resolve())])
        kept = home / _digest(self._signature(project))
        candidate = self._built.get(str(kept))
        offer = (project.source, project.in_host)
        if candidate is None or (candidate.source, candidate.in_host) != offer or not candidate.path.exists():
            wheel = next(iter(kept.glob("*.whl")), None) or build_wheel(project.path, kept, isolated=project.isolated)
            name, version, _, _ = parse_wheel_filename(wheel.name)
            digest = read_wheel(wheel, name).digest
            candidate = Candidate(name, version, wheel, digest, project.source, in_host=project.in_host)
            self._forget(home, kept)
            self._built[str(kept)] = candidate
        return candidate

    def _forget(self, home: Path, kept: Path) -> None:
        for older in home.iterdir():
            if older != kept:
                shutil.rmtree(older, ignore_errors=True)
                self._built.pop(str(older), None)

    def _signature(self, project: Project) -> Iterator[str]:
        yield f"{sys.implementation.cache_tag} {project.isolated}"
        yield from sorted(
            f"{file.relative}\0{file.status.st_size}\0{file.status.st_mtime_ns}"
            for file in walk(project.path, [self._scratch.resolve()])
        )


def _digest(parts: Iterator[str] | Sequence[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:20]
