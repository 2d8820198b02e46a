"""Asking a running host."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import ControlError
from .address import SOCKET, address, unix_socket
from .protocol import Request, decode_reply, read_line

PATIENCE = 5.0
"""Seconds within which a host that lives says so; what it is asked to do may then take as long as it takes."""


class NoHostError(ControlError):
    """Nobody serves the state dir."""


class ControlClient:
    """Asks the host that serves a state dir.

    Args:
        state_dir: The host's.
        debug: Have errors come with the host's traceback.
        patience: Seconds to wait for a sign of life before each request.
    """

    def __init__(self, state_dir: str | os.PathLike[str], *, debug: bool = False, patience: float = PATIENCE) -> None:
        self.state_dir = Path(state_dir)
        self._path = self.state_dir.absolute() / SOCKET
        self._debug = debug
        self._patience = patience

    def request(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Have the host carry out a command, and return its result.

        Raises:
            ControlError: No host is running on this state dir (`NoHostError`), or it does not answer as it should.
            RemoteError: The host could not do it.
        """
        with self._connected() as peer:
            buffer = bytearray()
            self._exchange(peer, buffer, Request("ping"), self._patience)
            return self._exchange(peer, buffer, Request(command, arguments, self._debug), None)

    @contextmanager
    def _connected(self) -> Iterator[socket.socket]:
        with unix_socket() as peer:
            peer.settimeout(self._patience)
            try:
                with address(self._path) as name:
                    peer.connect(name)
            except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
                way_out = "start one that calls manager.serve_control(), or name its state dir"
                raise NoHostError(f"no host is running on {self.state_dir}: {way_out}") from None
            except BlockingIOError:  # what Linux says if its queue is full
                raise ControlError(
                    f"the host on {self.state_dir} takes no more connections: it hangs, or is too busy"
                ) from None
            except OSError as error:
                raise ControlError(f"{self._path} cannot be reached: {error.strerror}") from None
            yield peer

    def _exchange(
        self, peer: socket.socket, buffer: bytearray, request: Request, seconds: float | None
    ) -> dict[str, Any]:
        try:
            peer.settimeout(self._patience)
            peer.sendall(request.encode())
            line = read_line(peer, buffer, limit=None, seconds=seconds)
        except TimeoutError:
            raise self._silent() from None
        except OSError:
            line = None
        if line is None:
            raise ControlError(f"the host on {self.state_dir} hung up before it answered {request.command}")
        return decode_reply(line)

    def _silent(self) -> ControlError:
        return ControlError(f"the host on {self.state_dir} has not answered for {self._patience:g} seconds")
