"""Plain names for C code, each seen by its own realm only.

C code reads `sys.modules["numpy"]` itself: `PyImport_Import` after it has called `__import__`, Cython without asking
anyone. So the plain name has to be in there while another copy, or none, is the host's under the same name. What makes
both true is the key: a `PlainKey` has the hash of the plain name and equals it only for code that reaches the realm
(`seeker`). For everybody else it is a key like any other that happens to share a hash. So there is no window: nothing
has to be put in place and taken away around a call, no thread sees what another one needs, and two realms with two
copies have a key each. As text a key is the module's full name, so that who lists `sys.modules` finds a true name.

A dict finds the key that was there first. A key is therefore put before the host's own entry of that name, in one step
in which no other thread runs (`_put_first`): where the host has the name already the entries change places, and where
it imports the name later the finder puts the keys there before (`guard`).

Rejected: putting modules under their plain names for as long as an extension initialises (other threads find them, and
those that look late do not); leaving them there (the host can import what it lacks); a module that dispatches by
attribute (a host without the package must get ModuleNotFoundError, and types compared by identity are not attributes).
"""

from __future__ import annotations

import builtins
import operator
import sys
import threading
from collections.abc import Iterable
from functools import partial
from importlib import import_module
from itertools import compress
from sys import _getframe
from typing import Any

from .asking import IMPORT_NAME, passes_on, seeker
from .territory import Reach, Territory

_STDLIB = frozenset(sys.stdlib_module_names)
_HOSTS_BUILTINS = vars(builtins)
_ABSENT: Any = object()


class _InertKey(str):
    """A key that equals its own text, without any Python code being run to find out."""

    plain: str

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str.__str__(self),)  # for who sends a list of `sys.modules` somewhere


class PlainKey(_InertKey):
    """A key of `sys.modules` that is a plain name to the code of one realm."""

    def __hash__(self) -> int:
        return hash(self.plain)

    def __eq__(self, other: object) -> bool:
        if other is self:
            return True
        try:
            # An import statement of the host's, by far the most frequent, is not to cost more than it must. What is
            # asked here is what `seeker` would ask.
            frame = _getframe(1)
            if (
                frame.f_builtins is _HOSTS_BUILTINS
                and frame.f_code.co_code[frame.f_lasti] == IMPORT_NAME
                and not passes_on(frame.f_globals["__name__"])
            ):
                return False
        except (ValueError, KeyError, TypeError):
            pass  # no frame, or one that is called nothing
        if not isinstance(other, str) or not str.__eq__(self.plain, other):
            return False
        if _thread.probed is not None:
            is_it = _thread.probed is self
            _thread.met = is_it
            return is_it
        if _thread.hidden is self:
            _thread.hidden = None
            return False
        reach = seeker(self.plain, entered=True, above=1)
        if reach is None:
            return False
        full = reach.full(self.plain)
        if not str.__eq__(self, full):
            return False
        self._bring_up_to_date(full)
        return True

    def _bring_up_to_date(self, full: str) -> None:
        """See to it that the key has the realm's module, or None if the realm has none of that name."""
        modules = sys.modules
        module: Any = modules.get(full)
        if module is None and full not in _thread.creating:
            try:
                module = import_module(full)
            except ModuleNotFoundError as error:
                if not f"{full}.".startswith(f"{error.name}."):
                    raise
        if dict.get(modules, self) is not module:
            modules.update({self: module})


class _Thread(threading.local):
    """What the running thread is about."""

    probed: PlainKey | None = None
    """The key that is asked whether it comes first."""
    met = False
    """True if it does."""
    hidden: PlainKey | None = None
    """The key that is not to be found the next time."""
    creating: tuple[str, ...] = ()
    """The extension modules that are being made."""


_thread = _Thread()


class creating:
    """While an extension module is made, C code that asks for it by its plain name finds that it is not there yet."""

    def __init__(self, full: str) -> None:
        self._full = full

    def __enter__(self) -> None:
        self._outer = _thread.creating
        _thread.creating = (*self._outer, self._full)

    def __exit__(self, *exc: object) -> None:
        _thread.creating = self._outer


class PlainKeys:
    """All the plain names that realms have in `sys.modules`."""

    def __init__(self) -> None:
        self._keys: dict[str, PlainKey] = {}
        self._lock = threading.RLock()

    def put(self, names: Reach | Territory, name: str) -> None:
        """From now on C code that reaches a realm's module finds it under its plain name."""
        full = names.full(name)
        if full == name or name.partition(".")[0] in _STDLIB:
            return
        with self._lock:
            if full not in self._keys:
                key = PlainKey(full)
                key.plain = name
                self._put_first(key)
                self._keys[full] = key
            else:
                self._check(self._keys[full])

    def guard(self, own: Territory) -> None:
        """Let no code of a realm find what the host has imported under a name that is the realm's own."""
        if own.all_tops.isdisjoint(sys.modules):
            return  # the finder sees to what the host imports later
        for name in list(sys.modules):
            if type(name) is str and name.partition(".")[0] in own.all_tops and own.owns(name):
                self.put(own, name)

    def drop(self, prefix: str) -> None:
        """Take the names of a realm away."""
        with self._lock:
            for full in [full for full in self._keys if full.startswith(prefix)]:
                sys.modules.pop(self._keys.pop(full), None)

    def hide_once(self, full: str) -> None:
        """Let the next look of this thread not find a key, if it is there."""
        _thread.hidden = self._keys.get(full)

    def check(self) -> None:
        """See to it that every key still comes before the host's entry of that name.

        An entry that comes later may get ahead of a key if what stood in the dict between the two has been deleted.
        """
        with self._lock:
            for key in self._keys.values():
                self._check(key)

    def _check(self, key: PlainKey) -> None:
        _thread.probed, _thread.met = key, False
        try:
            sys.modules.get(key.plain)
            is_first = _thread.met
        finally:
            _thread.probed = None
        if not is_first:
            sys.modules.pop(key, None)
            self._put_first(key)

    def _put_first(self, key: PlainKey) -> None:
        _put_first(key, [each for each in self._keys.values() if each is not key and each.plain == key.plain])

    def of(self, prefix: str) -> list[str]:
        """The plain names that a realm has in `sys.modules`."""
        return [key.plain for full, key in list(self._keys.items()) if full.startswith(prefix)]


KEYS = PlainKeys()


def _put_first(key: PlainKey, same: Iterable[PlainKey]) -> None:
    """Put a key into `sys.modules` before any other that equals the same name.

    All of it happens inside one call of a C function that runs no Python code, so that no other thread can run in
    between and miss the host's module: the keys are inert meanwhile, and `dict.update` takes their hashes as they are.
    """
    modules = sys.modules
    entry = {key: modules.get(str.__str__(key))}
    taken: list[Any] = []
    hosts = compress(zip([key.plain], taken), map(partial(operator.is_not, _ABSENT), taken))  # noqa: B905 - read later
    steps = [
        *(partial(setattr, each, "__class__", _InertKey) for each in (key, *same)),
        partial(taken.extend, map(modules.pop, [key.plain], [_ABSENT])),
        partial(modules.update, entry),
        partial(modules.update, hosts),
        *(partial(setattr, each, "__class__", PlainKey) for each in (key, *same)),
    ]
    list(map(operator.call, steps))
