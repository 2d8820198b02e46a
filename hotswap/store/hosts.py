"""Which site dirs the living processes use.

Each says so in `hosts/<pid>-<random>.json`, which it keeps locked for as long as it lives.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
from collections.abc import Collection, Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from hotswap.errors import StateDirError

from .layout import Layout
from .lock import FileLock


@dataclass(frozen=True, slots=True)
class Living:
    """What the host files say."""

    digests: frozenset[str]
    """What living processes use."""
    dead: tuple[Path, ...]
    """Files of processes that are gone."""


def _in_use(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def living(directory: Path) -> Living:
    """Read the host files; only for the holder of their lock.

    Raises:
        StateDirError: A living process's file cannot be read, so nobody knows what it uses.
    """
    digests: set[str] = set()
    dead = []
    for path in sorted(directory.glob("*.json")):
        if not _in_use(path):
            dead.append(path)
            continue
        try:
            digests.update(json.loads(path.read_bytes())["digests"])
        except (ValueError, KeyError, TypeError) as error:
            way_out = "end the process whose id begins its name"
            raise StateDirError(f"{path}: does not say which site dirs its process uses ({error}); {way_out}") from None
    return Living(frozenset(digests), tuple(dead))


def used_by(pid: int) -> Iterator[Path]:
    """The state dirs that a process uses, by the host files that it has open; none where there is no `/proc`.

    The kernel tells it of processes of the same user only.
    """
    descriptors = Path(f"/proc/{pid}/fd")
    name = re.compile(rf"{pid}-[0-9a-f]+\.json")
    with suppress(OSError):
        for descriptor in descriptors.iterdir():
            with suppress(OSError):
                file = descriptor.readlink()
                if file.parent.name == "hosts" and name.fullmatch(file.name):
                    yield file.parent.parent


class Hosts:
    """What this process uses.

    The lock of a host file is inherited by forked children, as is the code they use; so a changed set goes to a new
    file, and the old one is removed only if no child holds it.

    Attributes:
        lock: Held while a host file changes, and while somebody decides by them; never for long.
    """

    def __init__(self, layout: Layout, timeout: float) -> None:
        self.lock = FileLock(layout.hosts / "lock", timeout)
        self._layout = layout
        self._pid = os.getpid()
        self._path: Path | None = None
        self._descriptor = -1
        self._digests: frozenset[str] = frozenset()

    def add(self, digests: Collection[str]) -> None:
        """Say that this process uses these site dirs too."""
        if self._digests.issuperset(digests) and self._path and self._pid == os.getpid() and self._path.exists():
            return
        self._layout.make()
        with self.lock.held():
            self._write(self._digests.union(digests))

    def set(self, digests: Collection[str]) -> None:
        """Say that this process uses these site dirs and no others."""
        self._layout.make()
        with self.lock.held():
            self._write(frozenset(digests))

    def close(self) -> None:
        """Say that this process uses no site dir any more."""
        if self._path is not None:
            with self.lock.held() if self._path.exists() else nullcontext():  # the state dir may have been removed
                self._release()
        self._digests = frozenset()

    def _write(self, digests: frozenset[str]) -> None:
        path = self._layout.hosts / f"{os.getpid()}-{secrets.token_hex(4)}.json"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            with open(descriptor, "wb", closefd=False) as file:
                file.write(json.dumps({"pid": os.getpid(), "digests": sorted(digests)}).encode())
        except BaseException:
            os.close(descriptor)
            path.unlink()
            raise
        self._release()
        self._pid, self._path, self._descriptor, self._digests = os.getpid(), path, descriptor, digests

    def _release(self) -> None:
        if self._path is not None:
            os.close(self._descriptor)
            if self._path.exists() and not _in_use(self._path):
                self._path.unlink()
        self._path = None
