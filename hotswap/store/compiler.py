"""The helper that byte-compiles outside the serving process; also importable, where no helper can be had.

    host --(optimize, jobs)--> helper --(sizes, failure)--> host

Run as `python -I -S compiler.py MAGIC IDLE`. It greets, answers one request after another, and ends when its standard
input closes (the host is gone) or nothing was asked for IDLE seconds. Messages are marshalled: importing json would
double the time the helper takes to start, and a helper whose byte code has another magic number than the host's does
not greet at all.
"""

from __future__ import annotations

import marshal
import os
import select
import sys
from importlib.util import MAGIC_NUMBER, source_hash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, BinaryIO, TypeAlias

    Job: TypeAlias = tuple[str, str, Sequence[str]]
    """A directory, where it will lie when its modules are imported, and its modules (relative POSIX paths)."""
    Failure: TypeAlias = tuple[int, str, str]
    """What made the disk refuse: errno, text, file."""

GREETING = "hotswap compiler"
_UNCHECKED_HASH = (1).to_bytes(4, "little")
"""Flags of a pyc that is valid whatever becomes of its source (PEP 552): site dirs never change."""


def pyc_name(module: str, optimize: int) -> str:
    """Where the byte code of a module belongs (PEP 3147, PEP 488).

    `importlib.util.cache_from_source` would follow the host's pycache prefix and leave the site dir.
    """
    folder, slash, file = module.rpartition("/")
    level = f".opt-{optimize}" if optimize else ""
    return f"{folder}{slash}__pycache__/{file.removesuffix('.py')}.{sys.implementation.cache_tag}{level}.pyc"


def _compile(root: str, shown: str, module: str, optimize: int) -> int | None:
    with open(f"{root}/{module}", "rb") as file:  # noqa: PTH123 - importing pathlib costs more than compiling
        source = file.read()
    try:
        code = compile(source, f"{shown}/{module}", "exec", dont_inherit=True, optimize=optimize)
        content = marshal.dumps(code)
    except Exception:
        return None  # it may be meant for other versions of Python; if not, its import says what is wrong
    target = f"{root}/{pyc_name(module, optimize)}"
    folder = target.rpartition("/")[0]
    try:
        os.mkdir(folder)  # noqa: PTH102 - not its parents: they may have been swept since the host was killed
    except FileExistsError:
        pass  # if it is no directory, opening says so
    try:
        with open(target, "xb") as file:  # noqa: PTH123
            return file.write(b"".join([MAGIC_NUMBER, _UNCHECKED_HASH, source_hash(source), content]))
    except OSError as error:
        error.filename = target  # writing knows only the descriptor
        raise


def compile_jobs(optimize: int, jobs: Sequence[Job]) -> tuple[list[dict[str, int]], Failure | None]:
    """Byte-compile the modules of each job, as far as they compile.

    Returns:
        For each job: name of the pyc -> its size in bytes; and what the disk refused, which ends the work.
    """
    sizes: list[dict[str, int]] = []
    try:
        for root, shown, modules in jobs:
            made = ((pyc_name(module, optimize), _compile(root, shown, module, optimize)) for module in modules)
            sizes.append({name: size for name, size in made if size is not None})
    except OSError as error:
        return sizes, (error.errno or 0, error.strerror or str(error), os.fsdecode(error.filename or ""))
    return sizes, None


def serve(requests: BinaryIO, replies: BinaryIO, idle: float) -> None:
    """Answer requests until there are no more, or none came for `idle` seconds."""
    waiting = select.poll()
    waiting.register(requests, select.POLLIN)
    answer: Any = GREETING
    try:
        while True:
            marshal.dump(answer, replies)
            replies.flush()
            if not waiting.poll(idle * 1000):
                return
            optimize, jobs = marshal.load(requests)
            answer = compile_jobs(optimize, jobs)
    except (EOFError, BrokenPipeError):
        return  # the host is gone


if __name__ == "__main__" and sys.argv[1] == MAGIC_NUMBER.hex():
    serve(sys.stdin.buffer, sys.stdout.buffer, float(sys.argv[2]))
