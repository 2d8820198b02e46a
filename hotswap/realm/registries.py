"""A registry of C++ types for each realm, where extensions would otherwise share one through the interpreter.

pybind11 keeps the types of all extensions of a process in one registry, which the first extension makes and puts into
the interpreter's state dict, and which refuses a type that is in it already: a second copy of an extension does not
load. The key there is a string, looked for once by every extension, while it initialises. So a realm has a key of its
own there, equal to that string only if it is an extension of this realm that initialises at this moment, and before the
string itself, as in `plainkeys`; who else asks finds what was there without it.

The value is a capsule with a pointer to the registry, which may be null: it has not been made yet.
Source: https://github.com/pybind/pybind11/blob/v2.13.6/include/pybind11/detail/internals.h, `get_internals`; the same
since version 5 of what it calls internals (earlier ones are kept in the builtins, which every realm has its own of).
"""

from __future__ import annotations

import ctypes
import mmap
import re
import threading
from sys import _getframe
from typing import Any

from .asking import ANCHOR, TRAMPOLINE
from .inertkeys import InertKey, put_first

_ID = re.compile(rb"__pybind11_internals_v(5|11|12)_(?!\w*_call_once)\w+__(?=\0)")
"""Under which the registry is kept; the versions are those that are known to take a null pointer for none."""
_CACHE = "__pybind11_module_cache"
_BEGIN = b"__pybind11_internals_v"


class RegistryKey(InertKey):
    """A key of the interpreter's state dict that is a registry's to the extensions of one realm, while they initialise.

    As text it is the realm's prefix and the registry's key.
    """

    prefix: str

    def __hash__(self) -> int:
        return hash(self.plain)

    def __eq__(self, other: object) -> bool:
        if other is self:
            return True
        frame = _getframe(0).f_back
        if frame is None or frame.f_code is not TRAMPOLINE or not isinstance(other, str):
            return False
        anchor = frame.f_builtins[ANCHOR]
        is_its_own: bool = anchor.reach.territory.prefix == self.prefix
        return is_its_own and str.__eq__(self.plain, other)


class Registries:
    """The registries that realms have."""

    def __init__(self) -> None:
        self._keys: dict[tuple[str, str], RegistryKey] = {}
        self._pointers: list[Any] = []
        self._lock = threading.Lock()

    def provide(self, content: mmap.mmap, prefix: str) -> None:
        """See to it that an extension finds its realm's registry.

        Neither a key nor what it leads to is ever taken away: the code that knows it stays in memory, too.

        Args:
            content: The file of the extension.
            prefix: Of its realm.
        """
        at = content.find(_BEGIN)
        while at >= 0:
            found = _ID.match(content, at)
            if found is not None:
                self._provide(found[0].decode(), prefix)
            at = content.find(_BEGIN, at + 1)

    def forget(self, prefix: str) -> None:
        """A realm has been closed: what pybind11 has noted of its modules, by their full names, goes."""
        cache = _state().get(_CACHE, {})
        for name in [name for name in cache if name.startswith(prefix)]:
            del cache[name]

    def _provide(self, plain: str, prefix: str) -> None:
        with self._lock:
            if (plain, prefix) in self._keys:
                return
            key = RegistryKey(prefix + plain)
            key.plain, key.prefix = plain, prefix
            pointer = (ctypes.c_void_p * 1)()
            self._pointers.append(pointer)
            same = [each for each in self._keys.values() if each.plain == plain]
            put_first(_state(), key, _capsule(ctypes.addressof(pointer), None, None), same)
            self._keys[plain, prefix] = key


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
