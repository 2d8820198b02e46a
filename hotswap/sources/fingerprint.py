"""Is this still the file that was seen before, and what is its sha256?"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

Clock = Callable[[], int]
"""Nanoseconds since the epoch, as `time.time_ns`."""

Identity = tuple[int, int, int, int, int]

FRESH_NS = 2_000_000_000
"""What changed less than this long ago may change again unseen: two writes within one tick of the file system's clock
leave the same stat. Kernels tick every 1-10 ms, but network and FAT file systems store whole and even seconds."""


def identity(status: os.stat_result) -> Identity:
    """Device, inode, size and times: a file whose identity has not changed has not changed, once it has settled."""
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def settled(status: os.stat_result, now: int, age: int = FRESH_NS) -> bool:
    """True if the last change, by the time no program can set (ctime), is more than `age` nanoseconds before `now`."""
    return now - status.st_ctime_ns > age


def hash_file(path: Path, expected: os.stat_result) -> str | None:
    """sha256 of a regular file, hexadecimal; None if it is not, or does not stay, the file that `expected` describes.

    Raises:
        OSError: It cannot be opened or read, or it is a symbolic link.
    """
    # O_NONBLOCK: should a FIFO have taken the file's place, opening it must not wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        if identity(os.fstat(file.fileno())) != identity(expected):
            return None
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return digest if identity(os.fstat(file.fileno())) == identity(expected) else None


def shown(path: Path) -> str:
    """The path as it can be printed on one line: control characters and undecodable bytes are escaped."""
    text = os.fspath(path)
    return text if text.isprintable() else ascii(text)
