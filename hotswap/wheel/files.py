"""The files of a plugin, whether packed in a wheel or installed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from ..errors import Fault
from ..model import TreeFile
from .archive import Archive, BadStreamError
from .headers import Member, shown


class Files(Protocol):
    """The files that will lie in a site dir, by their POSIX path there."""

    @property
    def paths(self) -> Collection[str]:
        """Every file's path."""
        ...

    def read(self, path: str) -> bytes | None:
        """One file's content; None if it cannot be read, which is then among the faults."""
        ...


class PackedFiles:
    """The files of a wheel that will lie in the site dir; contents are inflated when asked for."""

    def __init__(self, archive: Archive, placed: Mapping[str, str], faults: list[Fault]) -> None:
        members = {member.name: member for member in archive.members}
        self._archive = archive
        self._members = {path: members[name] for path, name in placed.items()}
        self._faults = faults

    @property
    def paths(self) -> Collection[str]:
        """See `Files`."""
        return self._members.keys()

    def read(self, path: str) -> bytes | None:
        """See `Files`."""
        return self.read_member(self._members[path])

    def read_member(self, member: Member) -> bytes | None:
        """The content of any member, whether it will lie in the site dir or not."""
        try:
            return self._archive.inflate(member)
        except BadStreamError as error:
            self._faults.append(Fault(shown(member.name), str(error)))
            return None


class InstalledFiles:
    """The files of an installed distribution."""

    def __init__(self, tree: Iterable[TreeFile], faults: list[Fault]) -> None:
        self._tree = {file.relative: file for file in tree if not _is_outside(file.relative)}
        self._faults = faults

    @property
    def paths(self) -> Collection[str]:
        """See `Files`."""
        return self._tree.keys()

    def read(self, path: str) -> bytes | None:
        """See `Files`."""
        try:
            return self._tree[path].path.read_bytes()
        except OSError as error:
            what = f"cannot be read: {error.strerror}"
            self._faults.append(Fault(str(self._tree[path].path), what, "install it anew"))
            return None


def _is_outside(relative: str) -> bool:
    """True for what lies beside the site dir (scripts) or is made by installing (compiled code)."""
    parts = relative.split("/")
    return ".." in parts or "__pycache__" in parts or relative.startswith("/")
