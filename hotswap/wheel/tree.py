"""The files of a project that count as its source."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import BuildError, Fault

_IGNORED = frozenset(
    {
        ".eggs",
        ".git",
        ".hg",
        ".idea",
        ".mypy_cache",
        ".nox",
        ".pdm-build",
        ".pytest_cache",
        ".ruff_cache",
        ".svn",
        ".tox",
        ".venv",
        ".vscode",
        "__pycache__",
        "node_modules",
    }
)
_IGNORED_BEGINNING = ".hotswap"
"""A state dir, and what a build that was killed leaves in the directory that its wheels should go to."""
_IGNORED_ENDINGS = (".egg-info", ".pyc")
_VENV = "pyvenv.cfg"
"""Makes a directory a virtual environment, whatever it is called."""
_IGNORED_AT_THE_TOP = frozenset({"build", "dist"})
"""Deeper down they may be packages of the project."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a project."""

    relative: str
    """POSIX path relative to the project's directory."""
    path: Path
    status: os.stat_result
    foreign: bool = False
    """True if it lies outside the project, and a symbolic link leads there."""

    @property
    def executable(self) -> bool:
        """True if anybody may execute it."""
        return bool(self.status.st_mode & 0o111)


def walk(project: Path, skip: Collection[Path] = ()) -> Iterator[SourceFile]:
    """The files of a project, without caches, build output and version control.

    Symbolic links are followed, but not in circles, nor to a directory that the project lies in.

    Args:
        project: The project's directory.
        skip: Resolved directories inside it whose files are none of the project's.

    Raises:
        BuildError: A directory cannot be read.
    """
    root = project.resolve()
    return _walk(project, "", root, frozenset([*skip, *root.parents]), foreign=False)


def unreadable(project: Path, path: Path, error: OSError) -> BuildError:
    """The error that a file or directory of the project cannot be read."""
    return BuildError(project.resolve().name, [Fault(str(path), f"cannot be read: {error.strerror}")])


def _is_ignored(name: str, *, at_top: bool) -> bool:
    made = at_top and (name in _IGNORED_AT_THE_TOP or name.endswith(".whl"))
    return made or name in _IGNORED or name.startswith(_IGNORED_BEGINNING) or name.endswith(_IGNORED_ENDINGS)


def _walk(project: Path, prefix: str, root: Path, closed: frozenset[Path], *, foreign: bool) -> Iterator[SourceFile]:
    directory = project / prefix
    try:
        entries = list(os.scandir(directory))
    except OSError as error:
        raise unreadable(project, directory, error) from None
    if prefix and any(entry.name == _VENV for entry in entries):
        return
    closed |= {directory.resolve()}
    for entry in entries:
        if _is_ignored(entry.name, at_top=not prefix):
            continue
        path = Path(entry.path)
        outside = not path.resolve().is_relative_to(root) if entry.is_symlink() else foreign
        try:
            status = entry.stat()
        except OSError:  # a symlink to nothing, or gone a moment ago
            continue
        if stat.S_ISDIR(status.st_mode):
            if path.resolve() not in closed:
                yield from _walk(project, f"{prefix}{entry.name}/", root, closed, foreign=outside)
        elif stat.S_ISREG(status.st_mode):  # reading a FIFO would wait for its writer
            yield SourceFile(f"{prefix}{entry.name}", path, status, outside)


class SourceTree:
    """The files under one directory of a project, as if a wheel brought them (see `Files`).

    Args:
        sources: All files of the project.
        directory: POSIX path relative to the project, or "" for the project's directory itself.
        package: Where its files would lie in a wheel: the path of a package, or "" for the root.
        faults: Takes what cannot be read.
    """

    def __init__(self, sources: Collection[SourceFile], directory: str, package: str, faults: list[Fault]) -> None:
        inside = f"{directory}/" if directory else ""
        outside = f"{package}/" if package else ""
        self._files = {
            f"{outside}{file.relative.removeprefix(inside)}": file
            for file in sources
            if file.relative.startswith(inside)
        }
        self._faults = faults

    @property
    def paths(self) -> Collection[str]:
        """See `Files`."""
        return self._files.keys()

    def read(self, path: str) -> bytes | None:
        """See `Files`."""
        try:
            return self._files[path].path.read_bytes()
        except OSError as error:
            self._faults.append(Fault(self.shown(path), f"cannot be read: {error.strerror}"))
            return None

    def shown(self, path: str) -> str:
        """Where a file really lies, for messages; what is none of the files comes back as it is."""
        return str(self._files[path].path) if path in self._files else path
