"""A registry of C++ types for each realm, where extensions would otherwise share one through the interpreter.

pybind11 keeps the types of all extensions of a process in one registry, which the first extension makes and puts into
the interpreter's state dict, and which refuses a type that is in it already: a second copy of an extension does not
load. The key there is a string, looked for once by every extension, while it initialises. So a realm has a key of its
own there, equal to that string only if it is an extension of this realm that initialises at this moment, and before the
string itself, as in `plainkeys`; who else asks finds what was there without it.

With pybind11 the value is a capsule with a pointer to the registry, which may be null: it has not been made yet.
Source: https://github.com/pybind/pybind11/blob/v2.13.6/include/pybind11/detail/internals.h, `get_internals`; the same
since version 5 of what it calls internals (earlier ones are kept in the builtins, which every realm has its own of).

nanobind does the same, but ends the process. It has no registry that is yet to be made, and puts its key together at
run time. So what has been put there is given to whom it belongs when an extension of a realm has been made, and what is
the host's gets a key of its own too, which extensions of realms do not find while they initialise.
Source: https://github.com/wjakob/nanobind/blob/v2.2.0/src/nb_internals.cpp, `init`.
"""

from __future__ import annotations

import ctypes
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from sys import _getframe
from typing import Any

from .asking import ANCHOR, TRAMPOLINE
from .inertkeys import InertKey, put_first

_ID = re.compile(rb"__pybind11_internals_v(5|11|12)_(?!\w*_call_once)\w+__(?=\0)")
"""Under which the registry is kept; the versions are those that are known to take a null pointer for none."""
_CACHE = "__pybind11_module_cache"
_BEGIN = b"__pybind11_internals_v"
_NANOBIND = "__nb_internals_"
_HOST = ""
"""In place of the prefix of a realm."""


class RegistryKey(InertKey):
    """A key of the interpreter's state dict that is a registry's to the extensions of one realm, while they initialise.

    As text it is the realm's prefix and the registry's key. With no prefix it is that to everybody else.
    """

    prefix: str

    def __hash__(self) -> int:
        return hash(self.plain)

    def __eq__(self, other: object) -> bool:
        if other is self:
            return True
        if not isinstance(other, str):
            return False
        frame = _getframe(0).f_back
        realms = frame is not None and frame.f_code is TRAMPOLINE
        prefix = frame.f_builtins[ANCHOR].reach.territory.prefix if frame is not None and realms else _HOST
        return bool(prefix == self.prefix) and str.__eq__(self.plain, other)


class Registries:
    """The registries that realms have."""

    def __init__(self) -> None:
        self._keys: dict[tuple[str, str], RegistryKey] = {}
        self._pointers: list[Any] = []
        self._nanobind: set[str] = set()
        """Prefixes of realms that have extensions made with it."""
        self._making: list[str] = []
        """Prefixes of the realms whose extensions initialise now, each called by the one before."""
        self._lock = threading.Lock()

    def provide(self, content: bytes, prefix: str) -> None:
        """See to it that an extension finds its realm's registry.

        Neither a key nor what it leads to is ever taken away: the code that knows it stays in memory, too.

        Args:
            content: The constants in the file of the extension.
            prefix: Of its realm.
        """
        at = content.find(_BEGIN)
        while at >= 0:
            found = _ID.match(content, at)
            if found is not None:
                self._provide(found[0].decode(), prefix)
            at = content.find(_BEGIN, at + 1)
        if content.find(_NANOBIND.encode()) >= 0:
            self._give(self._made_by())
            self._nanobind.add(prefix)

    @contextmanager
    def making(self, prefix: str) -> Iterator[None]:
        """While an extension of a realm is made, and what it puts into the state dict is the realm's."""
        if prefix in self._nanobind:
            self._give(self._made_by())
        self._making.append(prefix)
        try:
            yield
        finally:
            if prefix in self._nanobind:
                self._give(prefix)
            self._making.remove(prefix)

    def forget(self, prefix: str) -> None:
        """A realm has been closed: what pybind11 has noted of its modules, by their full names, goes."""
        cache = _state().get(_CACHE, {})
        for name in [name for name in cache if name.startswith(prefix)]:
            del cache[name]

    def _made_by(self) -> str:
        """Whose the registries of nanobind are that have no key yet."""
        return next((prefix for prefix in reversed(self._making) if prefix in self._nanobind), _HOST)

    def _give(self, prefix: str) -> None:
        """The registries of nanobind that have no key get one."""
        with self._lock:
            state = _state()
            for plain, registry in list(state.items()):
                if type(plain) is str and plain.startswith(_NANOBIND) and (plain, prefix) not in self._keys:
                    key = RegistryKey((prefix or "the host's ") + plain)
                    key.plain, key.prefix = plain, prefix
                    put_first(state, key, registry, self._same(plain), instead=True)
                    self._keys[plain, prefix] = key

    def _provide(self, plain: str, prefix: str) -> None:
        with self._lock:
            if (plain, prefix) in self._keys:
                return
            key = RegistryKey(prefix + plain)
            key.plain, key.prefix = plain, prefix
            pointer = (ctypes.c_void_p * 1)()
            self._pointers.append(pointer)
            put_first(_state(), key, _capsule(ctypes.addressof(pointer), None, None), self._same(plain))
            self._keys[plain, prefix] = key

    def _same(self, plain: str) -> list[RegistryKey]:
        return [each for each in self._keys.values() if each.plain == plain]


REGISTRIES = Registries()


def _function(name: str, result: Any, *arguments: Any) -> Any:
    # Not from `ctypes.pythonapi` itself, whose functions are everybody's.
    return ctypes.PYFUNCTYPE(result, *arguments)((name, ctypes.pythonapi))


_interpreter = _function("PyInterpreterState_Get", ctypes.c_void_p)
_state_dict = _function("PyInterpreterState_GetDict", ctypes.c_void_p, ctypes.c_void_p)
_capsule = _function("PyCapsule_New", ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)


def _state() -> dict[Any, Any]:
    """The state dict of the interpreter."""
    state: dict[Any, Any] = ctypes.cast(_state_dict(_interpreter()), ctypes.py_object).value
    return state
