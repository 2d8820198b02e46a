"""The files of an installed distribution, by its RECORD."""

from __future__ import annotations

import csv
import os
import posixpath
import stat
from collections.abc import Iterable
from pathlib import Path

from ..errors import Fault
from ..model import Candidate, TreeFile
from .fingerprint import Identity, hash_file, identity, settled, shown

REINSTALL = "reinstall the distribution, e.g. with pip install --force-reinstall"


class BrokenTreeError(Exception):
    """The distribution is not whole, or changes while it is read; `faults` says where."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(map(str, self.faults)))


class Tree:
    """The files of one installed distribution; their hashes are remembered while their stat does not change."""

    def __init__(self, dist_info: Path) -> None:
        self._site = str(dist_info.parent)
        self._record = dist_info / "RECORD"
        self._listed: tuple[Identity, tuple[str, ...]] | None = None
        self._hashed: dict[str, tuple[Identity, TreeFile]] = {}
        self.candidate: Candidate | None = None
        """What was made of the last reading."""

    def read(self, now: int) -> tuple[TreeFile, ...]:
        """The files as they are now, by relative path; `now` is the time in nanoseconds, taken before the call.

        Raises:
            BrokenTreeError: A file is missing, unreadable, or changed meanwhile.
        """
        places = self._places(now)
        files, hashed, anew = [], {}, False
        for relative, (path, status) in places.items():
            mark, seen = identity(status), self._hashed.get(path)
            if seen is None or seen[0] != mark:
                seen, anew = (mark, _hash(relative, path, status)), True
            files.append(seen[1])
            if settled(status, now):
                hashed[path] = seen
        # Files of two versions may have been read, each one whole, if an installer was at work meanwhile.
        if anew and _identities(self._places(now)) != _identities(places):
            raise BrokenTreeError([Fault(shown(self._record.parent), "changed while it was read", "try again")])
        self._hashed = hashed
        return tuple(files)

    def _places(self, now: int) -> dict[str, tuple[str, os.stat_result]]:
        """Relative path -> where the file really lies, and its stat, for every file that RECORD lists."""
        places, faults = {}, []
        for relative in self._relatives(now):
            place = _locate(self._site, relative)
            if isinstance(place, Fault):
                faults.append(place)
            else:
                places[relative] = place
        if faults:
            raise BrokenTreeError(faults)
        return places

    def _relatives(self, now: int) -> tuple[str, ...]:
        try:
            status = self._record.stat()
            if self._listed is not None and self._listed[0] == identity(status):
                return self._listed[1]
            relatives = read_record(self._record)
        except (OSError, ValueError) as error:
            raise BrokenTreeError([_fault(self._record, "cannot be read", error)]) from None
        if not relatives:
            raise BrokenTreeError([Fault(shown(self._record), "lists no files", REINSTALL)])
        self._listed = (identity(status), relatives) if settled(status, now) else None
        return relatives


def read_record(record: Path) -> tuple[str, ...]:
    """The POSIX paths, sorted, of the files that a site dir needs; relative to the directory that holds the dist-info.

    What lies outside (scripts in `../../bin`, shared data) is left out, and so is byte code, which hotswap makes anew.
    Source: https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file

    Raises:
        OSError: It cannot be read.
        ValueError: It is not UTF-8, or not CSV.
    """
    try:
        rows = list(csv.reader(record.read_bytes().decode().splitlines()))
    except csv.Error as error:
        raise ValueError(str(error)) from None
    return tuple(sorted({path for row in rows if row and _belongs(path := posixpath.normpath(row[0]))}))


def _belongs(path: str) -> bool:
    if path.startswith(("/", "../")) or path in ("..", "."):
        return False
    return "__pycache__" not in path.split("/") and not path.endswith(".pyc")


def _locate(site: str, relative: str) -> tuple[str, os.stat_result] | Fault:
    """Where a file of RECORD really lies, and its stat.

    Symbolic links are followed: some installers make every file a link into their cache, and whoever may write links
    into an environment may as well write code into it.
    """
    path = os.path.join(site, relative)  # noqa: PTH118 - a Path for every file at every look costs more than its stat
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            path = os.path.realpath(path, strict=True)
            status = os.lstat(path)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        return _fault(Path(path), "is listed in RECORD, but cannot be found", error)
    if not stat.S_ISREG(status.st_mode):
        return Fault(shown(Path(path)), "is listed in RECORD, but is not a regular file", REINSTALL)
    return path, status


def _hash(relative: str, path: str, status: os.stat_result) -> TreeFile:
    try:
        digest = hash_file(Path(path), status)
    except OSError as error:
        raise BrokenTreeError([_fault(Path(path), "cannot be read", error)]) from None
    if digest is None:
        raise BrokenTreeError([Fault(shown(Path(path)), "changed while it was read", "try again")])
    return TreeFile(relative, Path(path), digest, status.st_size)


def _identities(places: dict[str, tuple[str, os.stat_result]]) -> dict[str, tuple[str, Identity]]:
    return {relative: (path, identity(status)) for relative, (path, status) in places.items()}


def _fault(path: Path, what: str, error: OSError | ValueError) -> Fault:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return Fault(shown(path), f"{what}: {reason}", REINSTALL)
