"""A directory of wheels."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from ..errors import Fault, UsageError
from ..model import Candidate, Finding, Pending
from .fingerprint import Clock, Identity, hash_file, identity, settled, shown


class WheelDir:
    """Every `*.whl` that lies directly in a directory.

    Hidden files, directories and files of other names are ignored, so that a wheel can be written beside its final
    name and renamed into place. Hashes are remembered for as long as a file's stat does not change.
    """

    def __init__(self, path: str | os.PathLike[str], *, clock: Clock = time.time_ns) -> None:
        self._given = os.fspath(path)
        self._clock = clock
        self._known: dict[str, tuple[Identity, Candidate]] = {}
        self.path = Path(self._given).absolute()
        """The directory; relative to the working directory at the time this object was made."""

    def __str__(self) -> str:
        return os.path.join(self._given, "")  # noqa: PTH118 - a Path drops the slash that says "directory"

    def __repr__(self) -> str:
        return f"WheelDir({self._given!r})"

    def find(self) -> Finding:
        """List the wheels that are there now, by their file names; nothing is opened but to be hashed.

        Raises:
            UsageError: The directory does not exist, is none, or cannot be read.
        """
        now = self._clock()
        known, still_known = self._known, {}
        candidates: list[Candidate] = []
        pending: list[Pending] = []
        faults: list[Fault] = []
        for entry in self._entries():
            try:
                status = entry.stat(follow_symlinks=False)
                seen = known.get(entry.name)
                if seen is not None and seen[0] == identity(status):
                    found: Candidate | Pending | Fault | None = seen[1]
                else:
                    found = self._examine(Path(entry.path), status, now)
            except FileNotFoundError:
                continue  # gone since the directory was listed
            except OSError as error:
                found = _unreadable(Path(entry.path), error)
            if isinstance(found, Candidate):
                candidates.append(found)
                if settled(status, now):
                    still_known[entry.name] = (identity(status), found)
            elif isinstance(found, Pending):
                pending.append(found)
            elif found is not None:
                faults.append(found)
        self._known = still_known
        return Finding(tuple(candidates), pending=tuple(pending), faults=tuple(faults))

    def _entries(self) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.path) as entries:
                wheels = [entry for entry in entries if entry.name.endswith(".whl") and entry.name[0] != "."]
        except FileNotFoundError:
            raise UsageError(f"{shown(self.path)} does not exist: create it and put wheels into it") from None
        except NotADirectoryError:
            raise UsageError(
                f"{shown(self.path)} is not a directory: name the directory that holds the wheels"
            ) from None
        except OSError as error:
            raise UsageError(
                f"{shown(self.path)} cannot be read ({error.strerror}): let this process read it, or name another"
            ) from None
        return sorted(wheels, key=lambda entry: entry.name)

    def _examine(self, path: Path, status: os.stat_result, now: int) -> Candidate | Pending | Fault | None:
        if stat.S_ISDIR(status.st_mode):
            return None
        if stat.S_ISLNK(status.st_mode):
            return Fault(shown(path), "is a symbolic link, which is not followed", "put the wheel itself here")
        if not stat.S_ISREG(status.st_mode):
            return Fault(shown(path), "is not a regular file", "put a wheel here, or remove it")
        try:
            name, version = _parse(path.name)
        except ValueError as error:
            return Fault(
                shown(path),
                f"is not named as a wheel is: {error}",
                "give it back the name it was built under",
            )
        if not status.st_size and not settled(status, now):
            return Pending(path, "still being written", name)
        digest = hash_file(path, status)
        if digest is None:
            return Pending(path, "still being written", name)
        return Candidate(name, version, path, digest, str(self))


def _parse(file_name: str) -> tuple[str, Version]:
    """Canonical name and version in a wheel's file name; raises ValueError if it is not a wheel's.

    Source: https://packaging.python.org/en/latest/specifications/binary-distribution-format/#file-name-convention
    """
    if not file_name.isprintable():
        raise ValueError("it has characters that cannot be printed")
    name, version, _build, _tags = parse_wheel_filename(file_name)
    return str(canonicalize_name(name, validate=True)), version


def _unreadable(path: Path, error: OSError) -> Fault:
    return Fault(shown(path), f"cannot be read: {error.strerror}", "let this process read it, or remove it")
