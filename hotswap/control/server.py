"""Serving the control socket of a state dir."""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import shutil
import socket
import tempfile
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ControlError, HotswapError
from .address import SOCKET, address, unix_socket
from .answers import Answers
from .client import ControlClient, NoHostError
from .exits import RemoteError, describe
from .protocol import MAX_REQUEST, Request, encode_error, encode_result, read_line

if TYPE_CHECKING:
    import asyncio

    from ..manager import PluginManager

_IDLE = 30.0
"""Seconds that a peer may take over a request, and over taking in a part of the reply."""
_LOCK_TIMEOUT = 10.0
"""Seconds to wait while another process opens or closes a control socket here; either takes a fraction of one."""
_PAUSE = 0.2
"""Seconds before the next try, when the process is out of file descriptors."""
_NURSERY = ".control-"

_logger = logging.getLogger("hotswap.control")


class ControlServer:
    """Lets processes of the same user look at a manager and have it reload, through a Unix socket in its state dir.

    Each connection has a daemon thread of its own. The socket is there, for its owner alone and already listening, at
    one instant: it is made in a private directory and renamed into place.

    Args:
        manager: What is served.
        loop: Where reloads run (`areload`), so that asynchronous plugins can be awaited; None: `reload` in the
            connection's thread.
        idle: Seconds that a peer may take over a request.

    Raises:
        ControlError: Another process serves this state dir, or the socket cannot be made.
    """

    def __init__(
        self, manager: PluginManager, loop: asyncio.AbstractEventLoop | None = None, *, idle: float = _IDLE
    ) -> None:
        self.path: Path = manager.state_dir / SOCKET
        self._answers = Answers(manager, loop)
        self._idle = idle
        self._peers: set[socket.socket] = set()
        self._closing = threading.Event()
        self._listener, self._status = self._open()
        _servers.add(self)
        self._thread = threading.Thread(target=self._accept, name="hotswap-control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Remove the socket and hang up on who asks for nothing; requests on their way are still answered."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._wake.send(b".")
        self._thread.join()
        _servers.discard(self)
        with contextlib.suppress(OSError, HotswapError), self._lock():
            # Whoever removed the state dir may have made it anew and serve it by now.
            if os.path.samestat(self.path.lstat(), self._status):
                self.path.unlink()
        self._selector.close()
        for each in (self._listener, self._wake, self._woken):
            each.close()
        for peer in list(self._peers):
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RD)

    def forked(self) -> None:  # pragma: no cover - a child that was killed or has called os._exit reports nothing
        """In a forked child: let go of the sockets, which would seem alive after the parent has died."""
        self._selector.close()
        for each in (self._listener, self._wake, self._woken, *self._peers):
            each.close()
        self._closing.set()

    # ------------------------------------------------------------------------------------------------- opening

    def _open(self) -> tuple[socket.socket, os.stat_result]:
        try:
            # In static mode nothing else lies there, so nobody may have made it yet.
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with unix_socket(), address(self.path):
                pass  # it can be done at all
            with self._lock():
                self._refuse_second()
                for leftover in self.path.parent.glob(f"{_NURSERY}*"):
                    shutil.rmtree(leftover)
                return self._listen()
        except OSError as error:
            raise ControlError(f"cannot open {self.path}: {error.strerror}; choose another state dir") from None

    def _lock(self) -> contextlib.AbstractContextManager[None]:
        from ..store.lock import FileLock  # in memory by now; the command line, which imports this room, does without

        return FileLock(self.path.with_suffix(".lock"), _LOCK_TIMEOUT).held()

    def _refuse_second(self) -> None:
        """Raise if somebody answers; a socket on which nobody does is left by a process that was killed."""
        try:
            who = f"process {ControlClient(self.path.parent).request('ping')['pid']}"
        except NoHostError:
            return
        except (ControlError, RemoteError, KeyError) as error:
            who = f"somebody who does not answer as a host does ({error})"
        raise ControlError(
            f"{self.path.parent} is served already, by {who}: choose another state dir, or end that process"
        )

    def _listen(self) -> tuple[socket.socket, os.stat_result]:
        with (
            contextlib.ExitStack() as undo,
            tempfile.TemporaryDirectory(prefix=_NURSERY, dir=self.path.parent) as nursery,
        ):
            listener = undo.enter_context(unix_socket())
            self._wake, self._woken = map(undo.enter_context, socket.socketpair())
            self._selector = undo.enter_context(selectors.DefaultSelector())
            self._selector.register(listener, selectors.EVENT_READ)
            self._selector.register(self._woken, selectors.EVENT_READ)
            newborn = Path(nursery, SOCKET)
            with address(newborn) as name:
                listener.bind(name)
            newborn.chmod(0o600)
            listener.listen()
            listener.setblocking(False)  # who has hung up meanwhile must not make `accept` wait for the next
            status = newborn.lstat()
            newborn.rename(self.path)
            undo.pop_all()
        return listener, status

    # ------------------------------------------------------------------------------------------------- serving

    def _accept(self) -> None:
        number = 0
        while True:
            self._selector.select()
            if self._closing.is_set():
                return
            try:
                peer, _ = self._listener.accept()
            except OSError as error:  # out of file descriptors: the peer stays in the queue
                _logger.warning("cannot accept connections for now: %s", error)
                self._closing.wait(_PAUSE)
                continue
            self._peers.add(peer)
            number += 1
            name = f"hotswap-control-{number}"
            threading.Thread(target=self._converse, args=(peer,), name=name, daemon=True).start()

    def _converse(self, peer: socket.socket) -> None:
        """Answer one request after the other until the peer hangs up."""
        buffer = bytearray()
        try:
            with peer:
                try:
                    while (line := read_line(peer, buffer, limit=MAX_REQUEST, seconds=self._idle)) is not None:
                        self._send(peer, self._reply(line))
                except ControlError as error:
                    self._send(peer, encode_error(describe(error)))
        except OSError as error:  # TimeoutError among them
            _logger.debug("a peer was given up: %s", error)
        finally:
            self._peers.discard(peer)

    def _send(self, peer: socket.socket, reply: bytes) -> None:
        peer.settimeout(self._idle)
        peer.sendall(reply)

    def _reply(self, line: bytes) -> bytes:
        debug = False
        try:
            request = Request.decode(line)
            debug = request.debug
            _logger.debug("asked to %s", request.command)
            return encode_result(self._answers(request))
        except Exception as error:
            if not isinstance(error, HotswapError):
                # As text: a handler that keeps its records would keep the plugins' code with the traceback.
                _logger.error("a request failed:\n%s", describe(error, debug=True)["traceback"])
            return encode_error(describe(error, debug=debug))


_servers: weakref.WeakSet[ControlServer] = weakref.WeakSet()


def _after_fork() -> None:  # pragma: no cover - as above
    for server in list(_servers):
        server.forked()


os.register_at_fork(after_in_child=_after_fork)
