"""One request and one reply, each a line of JSON in UTF-8.

{"version": 1, "command": "reload", "arguments": {}, "debug": false}
{"version": 1, "ok": true, "result": {...}}
{"version": 1, "ok": false, "error": {"type": ..., "message": ..., "faults": [...], "exit_code": ...}}
"""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass, field
from typing import Any

from ..errors import ControlError
from .exits import ErrorReport, RemoteError

VERSION = 1
MAX_REQUEST = 64 * 1024
"""Bytes; the longest request there is takes some hundred."""
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks for."""

    command: str
    arguments: dict[str, Any] = field(default_factory=dict)
    debug: bool = False
    """True if an error is to come with its traceback."""

    def encode(self) -> bytes:
        """The request as a line."""
        return _encode({"command": self.command, "arguments": self.arguments, "debug": self.debug})

    @classmethod
    def decode(cls, line: bytes) -> Request:
        """Read a line that anybody may have sent.

        Raises:
            ControlError: It is not a request in this version of the protocol.
        """
        message = _decode(line, "the request")
        command, arguments, debug = (message.get(key) for key in ("command", "arguments", "debug"))
        if not isinstance(command, str) or not isinstance(arguments, dict) or not isinstance(debug, bool):
            raise ControlError("the request needs command (a string), arguments (an object) and debug (true or false)")
        return cls(command, arguments, debug)


def encode_result(result: dict[str, Any]) -> bytes:
    """The reply to a request that went well, as a line."""
    return _encode({"ok": True, "result": result})


def encode_error(report: ErrorReport) -> bytes:
    """The reply to a request that did not go well, as a line."""
    return _encode({"ok": False, "error": report})


def decode_reply(line: bytes) -> dict[str, Any]:
    """The result in a reply.

    Raises:
        RemoteError: The reply is an error.
        ControlError: It is not a reply in this version of the protocol.
    """
    message = _decode(line, "the host's reply")
    result, error = message.get("result"), message.get("error")
    if isinstance(error, dict):
        raise RemoteError(error)  # type: ignore[arg-type]  # the version says that it is one
    if not isinstance(result, dict):
        raise ControlError("the host's reply has neither result nor error")
    return result


def read_line(peer: socket.socket, buffer: bytearray, *, limit: int | None, seconds: float | None) -> bytes | None:
    """The next line that a peer sends, without its end; None if it hangs up before the line is complete.

    Args:
        peer: A connected socket; its timeout is changed.
        buffer: What came after the line before; keep it for the next call.
        limit: Bytes that may come without the end of a line.
        seconds: How long the whole line may take.

    Raises:
        ControlError: More came; what follows in the buffer is no line.
        TimeoutError: It took longer.
        OSError: The connection broke.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    while (end := buffer.find(b"\n")) < 0:
        if limit is not None and len(buffer) > limit:
            raise ControlError(f"the request has more than {limit} bytes")
        # A peer that sends a byte now and then must not be waited for forever: the deadline is for the line.
        peer.settimeout(None if deadline is None else max(0.001, deadline - time.monotonic()))
        chunk = peer.recv(_CHUNK)
        if not chunk:
            return None
        buffer += chunk
    line = bytes(buffer[:end])
    del buffer[: end + 1]
    return line


def _encode(message: dict[str, Any]) -> bytes:
    return json.dumps({"version": VERSION, **message}, separators=(",", ":")).encode() + b"\n"


def _decode(line: bytes, what: str) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        raise ControlError(f"{what} is not JSON") from None
    if not isinstance(message, dict):
        raise ControlError(f"{what} is no JSON object")
    if message.get("version") != VERSION:
        raise ControlError(
            f"{what} is in version {message.get('version')!r} of the control protocol, not {VERSION}:"
            " use the command line of the hotswap that the host runs"
        )
    return message
