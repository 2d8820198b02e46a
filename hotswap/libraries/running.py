"""Runs an installer, line by line, with an end to it."""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence

from ..errors import FetchError

LAST_LINES = 20
"""Lines of an installer's output that its error shows."""
_LOOK_AGAIN = 0.1
"""Seconds after which it is looked whether anybody still waits for an installer that says nothing."""
_PASSWORD = re.compile(r"(?<=://)[^/\s]+(?=@)")
_NOISE = re.compile(r"WARNING: Retrying \(Retry\(|Looking in links: ")


class Progress:
    """One line on the terminal that says what is being fetched; nothing where stderr is no terminal."""

    def __init__(self) -> None:
        self._shown = sys.stderr is not None and sys.stderr.isatty()

    def say(self, text: str) -> None:
        """Show this in place of what was shown before."""
        if self._shown:
            columns = shutil.get_terminal_size().columns
            line = "".join(character if character.isprintable() else " " for character in text.strip())
            sys.stderr.write(f"\r\x1b[2K{line[: max(columns - 1, 20)]}")
            sys.stderr.flush()

    def end(self) -> None:
        """Leave the line empty."""
        if self._shown:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()


def discreet(text: str) -> str:
    """The text without users and passwords of addresses, which pip leaves out of most of its lines and not of all."""
    return _PASSWORD.sub("****", text)


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    timeout: float,
    progress: Progress,
    doing: str,
    *,
    tool: str,
    check: Callable[[], None],
) -> None:
    """Run a command to its end.

    Args:
        command: Program and arguments.
        environment: Of the process.
        timeout: Seconds after which it is killed.
        progress: Is told each line of its output.
        doing: What it is for, for messages.
        tool: What it is called in messages.
        check: Called again and again; what it raises kills it.

    Raises:
        FetchError: It cannot be started, failed, or took too long; with the last lines of its output.
    """
    lines: deque[str] = deque(maxlen=LAST_LINES)
    try:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,  # so that what it starts can be ended with it
        )
    except OSError as error:
        raise FetchError(f"{doing}: {command[0]} cannot be started: {error.strerror}") from None
    end = time.monotonic() + timeout

    def look() -> None:
        check()
        if time.monotonic() > end:
            raise FetchError(f"{doing}: took longer than {timeout:g} s and was ended", output="\n".join(lines))

    with _ended(process):
        for line in map(discreet, _lines(process, look)):
            if line.strip() and not _NOISE.search(line):
                lines.append(line.rstrip())
                progress.say(f"{doing}: {line}")
        status = _status(process, look)
    if status:
        raise FetchError(f"{doing}: {tool} ended with {status}", output="\n".join(lines))


def _lines(process: subprocess.Popen[bytes], look: Callable[[], None]) -> Iterator[str]:
    """The lines that a process prints, as they come."""
    assert process.stdout is not None
    descriptor = process.stdout.fileno()
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest = ""
    while True:
        look()
        if waiting.poll(_LOOK_AGAIN * 1000):
            data = os.read(descriptor, 1 << 16)
            *whole, rest = (rest + decoder.decode(data, final=not data)).split("\n")
            yield from whole
            if not data:
                yield rest
                return


def _status(process: subprocess.Popen[bytes], look: Callable[[], None]) -> int:
    """The exit status of a process that prints no more."""
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(_LOOK_AGAIN)
        look()


@contextlib.contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """On the way out of a wait that was given up, or interrupted (Ctrl-C), no process is left behind."""
    with process:
        try:
            yield
        except BaseException:
            if process.returncode is None:  # pragma: no branch - else it has ended just now
                # With its children: uv runs pip as one, which holds the output open.
                os.killpg(process.pid, signal.SIGKILL)
            raise
