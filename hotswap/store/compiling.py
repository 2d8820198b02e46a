"""The host's side of the byte-compiling helper."""

from __future__ import annotations

import logging
import marshal
import os
import select
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from typing import IO, Any, cast

from . import compiler

_START_SECONDS = 10.0
"""How long an interpreter may take to greet before it is taken for something else."""

_Process = subprocess.Popen[bytes]


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    return cast("IO[bytes]", stream)  # both ends are pipes, always


class ByteCompiler:
    """Byte-compiles in a helper process, so that the serving process makes no pause for it.

    The helper is started on first need and reused. Where none can be started (a frozen program, another program that
    embeds Python) compiling happens in process. One that dies twice over the same modules is not followed: they stay
    without byte code, for what kills an interpreter while compiling would kill the host as well.
    """

    def __init__(self, *, logger: logging.Logger, idle: float = 60.0, executable: str | None = None) -> None:
        self._logger = logger
        self._idle = idle
        self._executable = sys.executable if executable is None else executable
        self._mutex = threading.Lock()
        self._helper: _Process | None = None
        self._end_helper: Callable[[], object] = lambda: None
        self._greeted = False
        self._owner = os.getpid()
        self._in_process = ""
        """Why there can be no helper."""

    @property
    def pid(self) -> int | None:
        """The helper's process id; None while there is none."""
        return self._helper.pid if self._helper else None

    def start(self) -> None:
        """Begin to start the helper, and do not wait for it."""
        with self._mutex:
            self._start()

    def compile(self, jobs: Sequence[compiler.Job]) -> list[dict[str, int]]:
        """Byte-compile the modules of each job at the host's optimisation level, as far as they compile.

        Returns:
            For each job: name of the pyc -> its size in bytes.

        Raises:
            OSError: The disk refused.
        """
        with self._mutex:
            try:
                sizes, failure = self._ask(sys.flags.optimize, jobs)
            except BaseException:  # Ctrl-C above all: the answer would be taken for that to the next request
                self._discard()
                raise
        if failure is not None:
            raise OSError(*failure)
        return sizes

    def close(self) -> None:
        """End the helper; the next need starts a new one."""
        with self._mutex:
            self._discard()

    def _ask(self, optimize: int, jobs: Sequence[compiler.Job]) -> tuple[list[dict[str, int]], Any]:
        for _ in range(2):  # the first may have ended just now because it was idle
            helper = self._ready()
            if helper is None:
                return compiler.compile_jobs(optimize, jobs)
            try:
                stdin = _pipe(helper.stdin)
                marshal.dump((optimize, list(jobs)), stdin)
                stdin.flush()
                return cast("tuple[list[dict[str, int]], Any]", marshal.load(_pipe(helper.stdout)))
            except (OSError, EOFError, ValueError, TypeError):
                self._discard()
        roots = ", ".join(shown for _, shown, _ in jobs)
        self._logger.warning("the compiling helper died twice; without byte code: %s", roots)
        return [{} for _ in jobs], None

    def _start(self) -> None:
        if self._helper is not None and (self._owner != os.getpid() or self._helper.poll() is not None):
            self._discard()
        if self._helper is not None or self._in_process:
            return
        name = Path(self._executable).name.lower()
        if getattr(sys, "frozen", False) or not name.startswith(("python", "pypy")):
            self._give_up(f"{self._executable or 'this program'} is no Python interpreter")
            return
        command = [self._executable, "-I", "-S", "-W", "ignore", "-X", f"utf8={sys.flags.utf8_mode}"]
        try:
            self._helper = subprocess.Popen(
                [*command, compiler.__file__, MAGIC_NUMBER.hex(), str(self._idle)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                process_group=0,  # Ctrl-C at a terminal is meant for the host
            )
        except OSError as error:
            self._give_up(str(error))
            return
        self._owner, self._greeted = os.getpid(), False
        # A host that ends without closing its store leaves no process, and nothing for the interpreter to warn of.
        self._end_helper = weakref.finalize(self, _end, self._helper, self._owner)

    def _ready(self) -> _Process | None:
        self._start()
        if self._helper is None or self._greeted:
            return self._helper
        waiting = select.poll()
        waiting.register(_pipe(self._helper.stdout), select.POLLIN)
        try:
            self._greeted = bool(waiting.poll(_START_SECONDS * 1000)) and (
                marshal.load(_pipe(self._helper.stdout)) == compiler.GREETING
            )
        except (EOFError, ValueError, TypeError):
            pass
        if not self._greeted:
            self._discard()
            self._give_up(f"{self._executable} does not run the helper")
        return self._helper

    def _give_up(self, reason: str) -> None:
        self._in_process = reason
        self._logger.warning("byte-compiling in process, which pauses other threads: %s", reason)

    def _discard(self) -> None:
        self._helper = None
        self._end_helper()


def _end(helper: _Process, owner: int) -> None:
    """End a helper, if that has not been done, and close its pipes."""
    if owner == os.getpid():
        helper.kill()  # it keeps nothing; a forked child may hold its standard input open
        helper.wait()
    else:
        helper.returncode = 0  # another process's child: only its parent can wait for it
    for stream in (_pipe(helper.stdin), _pipe(helper.stdout)):
        try:
            stream.close()
        except BrokenPipeError:  # what had been buffered for a helper that is gone
            pass
