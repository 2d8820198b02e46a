"""Where the control socket lies, and how it is reached where its path is too long for the system."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import ControlError

SOCKET = "control.sock"
LONGEST = 103
"""Bytes that fit into `sun_path` beside its NUL: Linux has 108 (unix(7)), the BSDs and macOS have 104 (unix(4))."""
_DESCRIPTORS = Path("/proc/self/fd")


@contextmanager
def address(path: Path) -> Iterator[str]:
    """A name to bind or connect the socket at `path` by, valid inside the `with`.

    Raises:
        ControlError: The path is too long, and this system has no way round it.
        OSError: Its directory cannot be opened.
    """
    if len(os.fsencode(path)) <= LONGEST:
        yield str(path)
        return
    if not _DESCRIPTORS.is_dir():
        raise ControlError(
            f"{path} is too long for a Unix socket on this system, which takes {LONGEST} bytes:"
            " choose a state dir with a shorter path"
        )
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield str(_DESCRIPTORS / str(directory) / path.name)
    finally:
        os.close(directory)


def unix_socket() -> socket.socket:
    """A Unix stream socket that is not connected.

    Raises:
        ControlError: This platform has none.
    """
    if not hasattr(socket, "AF_UNIX"):
        raise ControlError("Python has no Unix sockets on this platform: reload from inside the host")
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
