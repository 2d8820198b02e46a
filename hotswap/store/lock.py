"""One lock for all processes and threads."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hotswap.errors import StateDirError

_FIRST_PAUSE = 0.001
_LONGEST_PAUSE = 0.05
_PID_WIDTH = 20


class FileLock:
    """An exclusive lock on a file, which the operating system gives back when its holder dies (POSIX only).

    Each holder opens the file anew, so the lock also excludes the threads of one process; it cannot be nested.
    """

    def __init__(self, path: Path, timeout: float) -> None:
        self._path = path
        self._timeout = timeout

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait for the lock and hold it.

        Raises:
            StateDirError: Another holder kept it for longer than the timeout; the message has its process id.
            OSError: The file cannot be opened.
        """
        descriptor = self._acquire()
        try:
            self._sign(descriptor)
            yield
        finally:
            # Closing alone would leave it to a child that was forked meanwhile.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)

    @staticmethod
    def _sign(descriptor: int) -> None:
        try:
            os.pwrite(descriptor, f"{os.getpid():<{_PID_WIDTH}}".encode(), 0)
        except OSError:  # on a full disk the name is wanting, but pruning must go on
            pass

    def _acquire(self) -> int:
        deadline = time.monotonic() + self._timeout
        pause = _FIRST_PAUSE
        while True:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(descriptor), self._path.stat()):
                    return descriptor
            except (BlockingIOError, FileNotFoundError):  # held; or removed, and then it excludes nobody
                pass
            except BaseException:
                os.close(descriptor)
                raise
            holder = os.pread(descriptor, _PID_WIDTH, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            if time.monotonic() >= deadline:
                raise StateDirError(
                    f"{self._path}: locked by process {holder or 'unknown'} for more than {self._timeout:g} seconds; "
                    "wait for it or end it, or choose another state dir"
                )
            # The kernel could wake us, but it knows no timeout.
            time.sleep(min(pause, max(0.0, deadline - time.monotonic())))
            pause = min(2 * pause, _LONGEST_PAUSE)
