"""The native stack of the running thread: the file of every function on it."""

from __future__ import annotations

import _ctypes
import ctypes
from typing import Any, NamedTuple

_EVAL = "_PyEval_EvalFrameDefault"


class _Info(ctypes.Structure):
    _fields_ = (
        ("file", ctypes.c_char_p),
        ("base", ctypes.c_void_p),
        ("symbol", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
    )


class Place(NamedTuple):
    """Where a return address lies."""

    file: str
    is_eval: bool
    """True for the interpreter's loop: Python code that was called from C."""


class Unwinder:
    """Reads the stack with the C library's `backtrace` and `dladdr`.

    Source: https://sourceware.org/glibc/manual/latest/html_node/Backtraces.html
    """

    def __init__(self) -> None:
        # Not with the interpreter's lock released: what is read must not go on meanwhile.
        library = ctypes.PyDLL(None)
        self._backtrace: Any = getattr(library, "backtrace", None)
        self._dladdr: Any = getattr(library, "dladdr", None)
        self._places: dict[int, Place] = {}
        self.interpreter = self._file_of_eval() if self._backtrace and self._dladdr else None
        """The file of the interpreter; None where the stack cannot be read."""
        self.standard = getattr(_ctypes, "__file__", "/builtin/").rpartition("/")[0] + "/"
        """The directory of the standard library's own extensions."""

    def forget(self) -> None:
        """An address may be another library's by now."""
        self._places = {}

    def addresses(self, depth: int) -> bytes:
        """The return addresses on the stack, from the innermost function outwards, as they lie in memory.

        Args:
            depth: How many at most; every one takes time.
        """
        found = (ctypes.c_void_p * depth)()
        self._backtrace(found, depth)
        return bytes(found)

    def places(self, addresses: bytes) -> list[Place]:
        """Where return addresses lie."""
        places = self._places
        return [
            places.get(address) or places.setdefault(address, self._place(address))
            for address in filter(None, memoryview(addresses).cast("P"))
        ]

    def _place(self, address: int) -> Place:
        info = _Info()
        if not self._dladdr(ctypes.c_void_p(address), ctypes.byref(info)):
            return Place("", False)
        return Place((info.file or b"").decode(errors="replace"), info.symbol == _EVAL.encode())

    def _file_of_eval(self) -> str | None:
        function = getattr(ctypes.pythonapi, _EVAL, None)
        address = ctypes.cast(function, ctypes.c_void_p).value if function is not None else None
        return self._place(address).file if address else None
