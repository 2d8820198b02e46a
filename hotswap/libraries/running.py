"""Runs an installer, line by line, with an end to it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..errors import FetchError

LAST_LINES = 20
"""Lines of an installer's output that its error shows."""


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


def run(command: Sequence[str], environment: Mapping[str, str], timeout: float, progress: Progress, doing: str) -> None:
    """Run a command to its end.

    Args:
        command: Program and arguments.
        environment: Of the process.
        timeout: Seconds after which it is killed.
        progress: Is told each line of its output.
        doing: What it is for, for messages.

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
            text=True,
            encoding="utf-8",
            errors="replace",
            process_group=0,  # so that what it starts can be ended with it
        )
    except OSError as error:
        raise FetchError(f"{doing}: {command[0]} cannot be started: {error.strerror}") from None
    with _ended(process), _killed_after(process, timeout) as late:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip():
                lines.append(line.rstrip())
                progress.say(f"{doing}: {line}")
        status = process.wait()
    if late.is_set():
        raise FetchError(f"{doing}: took longer than {timeout:g} s and was ended", output="\n".join(lines))
    if status:
        raise FetchError(f"{doing}: {Path(command[0]).name} ended with {status}", output="\n".join(lines))


@contextlib.contextmanager
def _ended(process: subprocess.Popen[str]) -> Iterator[None]:
    """On the way out of an interrupted wait (Ctrl-C) no process is left behind."""
    with process:
        try:
            yield
        except BaseException:
            _kill(process)
            raise


def _kill(process: subprocess.Popen[str]) -> None:
    """Kill it and its children: uv runs pip as one, which holds the output open."""
    if process.returncode is None:  # pragma: no branch - else it has ended just now, and the number may be another's
        os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def _killed_after(process: subprocess.Popen[str], timeout: float) -> Iterator[threading.Event]:
    late = threading.Event()

    def kill() -> None:
        late.set()
        _kill(process)

    timer = threading.Timer(timeout, kill)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()
