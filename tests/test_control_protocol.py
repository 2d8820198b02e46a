from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from hotswap.control import Exit, RemoteError
from hotswap.control.exits import describe, exit_code
from hotswap.control.protocol import Request, decode_reply, encode_error, encode_result, read_line
from hotswap.errors import (
    ControlError,
    Fault,
    NotLoadedError,
    ReloadVetoError,
    StateDirError,
    UnknownDependencyError,
    WheelError,
)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_request_survives_the_way():
    """A request that is encoded and decoded is the same request."""
    request = Request("prune", {"dry_run": True}, debug=True)

    assert Request.decode(request.encode()) == request


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"reload", "the request is not JSON"),
        (b"\xff", "the request is not JSON"),
        (b"[" * 60_000, "the request is not JSON"),
        (b"[]", "the request is no JSON object"),
        (b"{}", "version None"),
        (b'{"version": 2, "command": "ping"}', "version 2 of the control protocol, not 1"),
        (b'{"version": 1, "command": 1, "arguments": {}, "debug": false}', "needs command"),
        (b'{"version": 1, "command": "ping", "arguments": [], "debug": false}', "needs command"),
        (b'{"version": 1, "command": "ping", "arguments": {}, "debug": 0}', "needs command"),
    ],
)
def test_bad_request_is_refused(line, complaint):
    """Whatever is no request of this version is refused by a sentence that says why."""
    with pytest.raises(ControlError, match=complaint):
        Request.decode(line)


def test_reply_is_a_result_an_error_or_refused():
    """A reply gives its result, raises its error, or is refused if it has neither."""
    error = WheelError("alpha", [Fault("RECORD", "is missing", "build it anew")])

    assert decode_reply(encode_result({"pid": 1})) == {"pid": 1}
    with pytest.raises(RemoteError, match="RECORD: is missing") as caught:
        decode_reply(encode_error(describe(error)))
    assert caught.value.report["faults"] == [{"where": "RECORD", "what": "is missing", "way_out": "build it anew"}]
    assert describe(caught.value) == describe(error)
    with pytest.raises(ControlError, match="neither result nor error"):
        decode_reply(b'{"version": 1}')


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StateDirError("full"), Exit.STATE_DIR),
        (ControlError("nobody"), Exit.CONTROL),
        (NotLoadedError("not yet"), Exit.USAGE),
        (WheelError("alpha", []), Exit.PLUGINS),
        (UnknownDependencyError("beta asks for alpha"), Exit.PLUGINS),
        (ReloadVetoError("no"), Exit.PLUGINS),
        (PermissionError("dist"), Exit.USAGE),
        (ZeroDivisionError(), Exit.INTERNAL),
        (RemoteError({"type": "X", "message": "x", "faults": [], "exit_code": 4}), Exit.STATE_DIR),
    ],
)
def test_exit_code_says_whose_fault_it_was(error, code):
    """Each kind of error has the exit code of who is at fault."""
    assert exit_code(error) == code


def test_description_has_notes_and_with_debug_the_traceback():
    """An error's notes are part of its message, a mute one has its type for one, a traceback comes on demand."""
    error = ReloadVetoError("alpha raised")
    error.add_note("also: beta raised")

    assert describe(error)["message"] == "alpha raised\nalso: beta raised"
    assert describe(ZeroDivisionError())["message"] == "ZeroDivisionError"
    assert "traceback" not in describe(error)
    assert "ReloadVetoError: alpha raised" in describe(error, debug=True)["traceback"]


def test_lines_are_read_whatever_pieces_they_come_in(pair):
    """Two lines in one piece and one line in two pieces are three lines, and then the peer has hung up."""
    ours, theirs = pair
    buffer = bytearray()

    theirs.sendall(b"one\ntwo\nthr")
    assert read_line(ours, buffer, limit=10, seconds=None) == b"one"
    assert read_line(ours, buffer, limit=10, seconds=9) == b"two"
    theirs.sendall(b"ee\nfo")
    theirs.shutdown(socket.SHUT_WR)
    assert read_line(ours, buffer, limit=None, seconds=9) == b"three"
    assert read_line(ours, buffer, limit=10, seconds=9) is None


def test_line_that_does_not_end_is_refused(pair):
    """More bytes than the limit without the end of a line are refused, however long they go on."""
    ours, theirs = pair
    theirs.sendall(b"x" * 11)

    with pytest.raises(ControlError, match="more than 10 bytes"):
        read_line(ours, bytearray(), limit=10, seconds=9)


def test_the_time_limit_is_for_the_whole_line(pair):
    """A peer that has sent half a line in time does not get more time for the other half."""
    ours, theirs = pair
    theirs.sendall(b"half")

    with pytest.raises(TimeoutError):
        read_line(ours, bytearray(), limit=10, seconds=0.01)


def test_messages_are_lines_of_json():
    """Line breaks in a message do not break the line."""
    line = encode_result({"text": "one\ntwo"})

    assert line.count(b"\n") == 1
    assert json.loads(line) == {"version": 1, "ok": True, "result": {"text": "one\ntwo"}}
