"""Wheels from an index, by way of an installer that is there: uv where it is installed, else pip.

    requirements --uv pip compile | pip install --dry-run--> pins --pip download--> wheels in the wheelhouse

The installer resolves once for itself, to know what to download; the host's versions go along, so that it does not
fetch what would be shared. What a plugin gets of all that is decided by the resolver alone. uv can resolve and not
download, so pip does that also where uv is: the environment's own, or one that uv runs.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version

from ..errors import FetchError
from ..model import Sharing, canonical
from .advising import advice, telling
from .running import LAST_LINES, Progress, discreet, run

TIMEOUT = 900.0
"""Seconds after which one run of an installer counts as hanging."""

_ELSEWHERE = ("INDEX", "EXTRA_INDEX", "FIND_LINKS", "NO_INDEX", "DEFAULT_INDEX")
_CONFLICT = ("ResolutionImpossible", "conflict", "constraint", "Could not find a version")
_UNREACHABLE = "Could not fetch URL"
_IN_THE_WAY = re.compile(r"\(constraint\) ([\w.-]+)==")


class Fetcher:
    """Fetches wheels.

    Args:
        index: True: the indexes that the installer is configured for. A text: this one alone.
        wheelhouse: Where the wheels go; made on demand.
        find_links: Directories in which the installer finds wheels too.
        logger: Is told what is fetched.
        timeout: Seconds for one run of an installer.
        check: Called again and again while an installer runs: what it raises ends it, and nothing has been fetched.
    """

    def __init__(
        self,
        index: bool | str,
        wheelhouse: Path,
        find_links: Sequence[Path] = (),
        *,
        logger: logging.Logger,
        timeout: float = TIMEOUT,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._index = index
        self.wheelhouse = wheelhouse
        self._find_links = [directory for directory in (*find_links, wheelhouse) if any(directory.glob("*.whl"))]
        self._logger = logger
        self._timeout = timeout
        self._check = check
        self._progress = Progress()

    def fetch(
        self, requirements: Sequence[str], host: Mapping[str, Version], sharing: Sharing, *, what_for: str = ""
    ) -> list[Path]:
        """Fetch what these requirements and theirs need beside the host.

        Returns:
            The wheels, in the wheelhouse.

        Raises:
            FetchError: There is no installer, or it failed.
        """
        doing = discreet(f"fetching {', '.join(requirements)}{f' for {what_for}' if what_for else ''}")
        with self._work(doing) as scratch:
            named = {canonical(Requirement(text).name) for text in requirements}
            soft = {n: v for n, v in host.items() if n not in named and n not in sharing.private}
            hard = {n: v for n, v in host.items() if n in sharing.share}
            uv = find_uv()
            resolve = partial(self._resolve_by_uv, uv) if uv else self._resolve_by_pip
            pins = resolve(scratch, requirements, soft, hard, doing)
            return self._download(scratch, [pin for pin in pins if not _is_hosts(pin, soft)], doing)

    def fetch_alone(self, requirements: Sequence[str], *, what_for: str = "") -> list[Path]:
        """Fetch the best wheels of these distributions, and nothing that they require.

        Raises:
            FetchError: There is no installer, or it failed.
        """
        doing = discreet(f"fetching {', '.join(requirements)}{f' for {what_for}' if what_for else ''}")
        with self._work(doing) as scratch:
            return self._download(scratch, requirements, doing)

    @contextmanager
    def _work(self, doing: str) -> Iterator[Path]:
        self._logger.info("%s", doing)
        self._progress.say(doing)
        try:
            self.wheelhouse.mkdir(parents=True, exist_ok=True)
            # Beside the wheels, so that each gets there by a rename.
            with tempfile.TemporaryDirectory(prefix=".fetch-", dir=self.wheelhouse) as scratch:
                yield Path(scratch)
        finally:
            self._progress.end()

    def _resolve_by_uv(
        self,
        uv: str,
        scratch: Path,
        requirements: Sequence[str],
        soft: Mapping[str, Version],
        hard: Mapping[str, Version],
        doing: str,
    ) -> list[str]:
        asked, pinned, constraints = scratch / "asked.txt", scratch / "pinned.txt", scratch / "constraints.txt"
        _write(asked, requirements)
        _write(constraints, _pins(hard))
        _write(pinned, _pins(soft))  # uv prefers the versions that its output has already
        command = [uv, "pip", "compile", str(asked), "--output-file", str(pinned), "--constraints", str(constraints)]
        command += ["--python", sys.executable, "--no-python-downloads", "--only-binary", ":all:", "--no-progress"]
        command += ["--generate-hashes", "--no-header", "--no-annotate", "--color", "never", "--quiet"]
        if self._index is True:
            command += ["--emit-index-url", "--emit-find-links"]
        else:
            command += ["--no-config"]
        self._run("uv", [*command, *self._links()], scratch, doing)
        return [line for line in _joined_lines(pinned.read_text("utf-8")) if line]

    def _resolve_by_pip(
        self,
        scratch: Path,
        requirements: Sequence[str],
        soft: Mapping[str, Version],
        hard: Mapping[str, Version],
        doing: str,
    ) -> list[str]:
        asked, report, constraints = scratch / "asked.txt", scratch / "report.json", scratch / "constraints.txt"
        _write(asked, requirements)
        command = [*self._pip(), "install", "--dry-run", "--ignore-installed", "--report", str(report)]
        command += ["--requirement", str(asked), "--constraint", str(constraints), *self._wheels_alone()]
        kept = dict(soft)
        while True:
            _write(constraints, _pins({**kept, **hard}))
            try:
                self._run("pip", command, scratch, doing)
                break
            except FetchError as error:
                # Not everything can be shared. pip knows no preferences, but says which constraints were in the way.
                unreachable = _UNREACHABLE in error.output
                if not kept or unreachable or not any(word in error.output for word in _CONFLICT):
                    raise
                named = {canonical(name) for name in _IN_THE_WAY.findall(error.output)} & kept.keys()
                kept = {name: version for name, version in kept.items() if named and name not in named}
        return [_pin_of(item) for item in json.loads(report.read_bytes())["install"]]

    def _download(self, scratch: Path, pins: Sequence[str], doing: str) -> list[Path]:
        pinned, wheels = scratch / "wanted.txt", scratch / "wheels"
        _write(pinned, pins)
        command = [*self._pip(), "download", "--no-deps", "--dest", str(wheels), "--requirement", str(pinned)]
        self._run("pip", [*command, *self._wheels_alone()], scratch, doing)
        fetched = []
        for wheel in sorted(wheels.glob("*.whl")):
            fetched.append(wheel.replace(self.wheelhouse / wheel.name))
            self._logger.info("fetched %s", fetched[-1])
        return fetched

    def _wheels_alone(self) -> list[str]:
        return ["--only-binary", ":all:", *self._links()]

    def _links(self) -> list[str]:
        return [option for directory in self._find_links for option in ("--find-links", str(directory))]

    def _pip(self) -> list[str]:
        """The command that runs pip.

        Raises:
            FetchError: There is none.
        """
        options = ["--disable-pip-version-check", "--no-input", "--no-color"]
        if importlib.util.find_spec("pip") is not None:
            return [sys.executable, "-m", "pip", *options]
        uv = find_uv()
        if uv is not None:
            return [uv, "tool", "run", "--quiet", "--python", sys.executable, "pip", *options]
        raise FetchError(
            f"there is no installer in {sys.prefix}: install pip or uv beside the host,"
            " or put the wheels into a directory of find_links="
        )

    def _run(self, tool: str, command: Sequence[str], scratch: Path, doing: str) -> None:
        log = scratch / "pip.log"
        logged = ["--log", str(log)] if tool == "pip" else []
        index = self._index if isinstance(self._index, str) else "as configured"
        self._logger.debug("%s", discreet(f"{' '.join(command)} (index: {index})"))
        try:
            run(
                [*command, *logged],
                self._environment(tool),
                self._timeout,
                self._progress,
                doing,
                tool=tool,
                check=self._check,
            )
        except FetchError as error:
            said = [discreet(line) for line in telling(log.read_text("utf-8", "replace"))] if log.is_file() else []
            output = "\n".join([error.output, *said[-LAST_LINES:]]).strip()
            raise FetchError(error.message, output=output, way_out=advice(output)) from None

    def _environment(self, tool: str) -> dict[str, str]:
        """The environment of an installer: the index is told by it, because others can read arguments."""
        environment = dict(os.environ)
        if isinstance(self._index, str):
            # One index means one: what the installer is configured for beside it could answer for the same names.
            for prefix in ("PIP", "UV"):
                beside = tuple(f"{prefix}_{name}" for name in _ELSEWHERE)
                for name in [name for name in environment if name.startswith(beside)]:
                    del environment[name]
            environment["PIP_CONFIG_FILE"] = os.devnull
            environment["PIP_INDEX_URL" if tool == "pip" else "UV_DEFAULT_INDEX"] = self._index
        return environment


def find_uv() -> str | None:
    """The uv of this environment, or else the one on PATH."""
    beside = Path(sys.executable).parent / "uv"
    return str(beside) if os.access(beside, os.X_OK) else shutil.which("uv")


def _write(path: Path, lines: Sequence[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")


def _pins(versions: Mapping[str, Version]) -> list[str]:
    return [f"{name}=={version}" for name, version in sorted(versions.items())]


def _joined_lines(text: str) -> list[str]:
    """The logical lines of a requirements file."""
    return [" ".join(line.split()) for line in text.replace("\\\n", " ").splitlines()]


def _pin_of(item: Mapping[str, Any]) -> str:
    """A requirement for exactly one item of pip's report.

    Source: https://pip.pypa.io/en/stable/reference/installation-report/
    """
    digest = item["download_info"].get("archive_info", {}).get("hashes", {}).get("sha256")
    pin = f"{item['metadata']['name']}=={item['metadata']['version']}"
    return f"{pin} --hash=sha256:{digest}" if digest else pin


def _is_hosts(pin: str, host: Mapping[str, Version]) -> bool:
    """True if a pin is of what the host has."""
    try:
        requirement = Requirement(pin.partition(" --hash")[0])
    except InvalidRequirement:
        return False  # an option
    version = host.get(canonical(requirement.name))
    return version is not None and str(requirement.specifier) == f"=={version}"
