"""A wheel file's bytes, read once while somebody else may be writing it."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from ..errors import Fault, UnfinishedWheelError, WheelError

MAX_WHEEL_SIZE = 1 << 30
"""Bytes; the whole wheel is held in memory while it is checked."""

_RETRY = "it is tried again at the next reload"


@dataclass(frozen=True, slots=True)
class WheelBytes:
    """The bytes of a wheel file and when the file last changed."""

    data: bytes
    digest: str
    """sha256, hexadecimal."""
    changed: float
    """Seconds since the epoch: the later of mtime and ctime."""


def read_wheel(path: Path, plugin: str) -> WheelBytes:
    """Read a wheel file; the file is opened once, so that what is checked is what was opened.

    Never mapped into memory: a writer that truncates a mapped file kills the process with SIGBUS.

    Raises:
        WheelError: It is a symlink, no regular file, too large, or cannot be read.
        UnfinishedWheelError: It went away, or changed while it was being read.
    """
    try:
        # O_NONBLOCK: opening a FIFO would otherwise wait for its writer
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise _unfinished(path, plugin, "is gone since it was found") from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _refused(path, plugin, "is a symlink", "put the wheel itself there") from None
        raise _refused(path, plugin, f"cannot be read: {error.strerror}") from None
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise _refused(path, plugin, "is not a regular file")
        if before.st_size > MAX_WHEEL_SIZE:
            raise _refused(path, plugin, f"has {before.st_size} bytes, more than the limit of {MAX_WHEEL_SIZE}")
        data = file.readall()
        if _identity(os.fstat(descriptor)) != _identity(before) or len(data) != before.st_size:
            raise _unfinished(path, plugin, "changed while it was being read")
    return WheelBytes(data, hashlib.sha256(data).hexdigest(), max(before.st_mtime, before.st_ctime))


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _refused(path: Path, plugin: str, what: str, way_out: str = "") -> WheelError:
    return WheelError(plugin, [Fault(str(path), what, way_out)])


def _unfinished(path: Path, plugin: str, what: str) -> UnfinishedWheelError:
    return UnfinishedWheelError(plugin, [Fault(str(path), what, _RETRY)])
