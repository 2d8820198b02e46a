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
import os
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import _bootstrap, import_module
from sys import _getframe
from typing import Any

from .asking import IMPORT_NAME, passes_on, seeker
from .inertkeys import InertKey, put_first
from .sites import looks_itself
from .territory import Reach, Territory

_HOSTS_BUILTINS = vars(builtins)
_ABSENT: Any = object()


class PlainKey(InertKey):
    """A key of `sys.modules` that is a plain name to the code of one realm."""

    def __hash__(self) -> int:
        return hash(self.plain)

    def __eq__(self, other: object) -> bool:
        if other is self:
            return True
        try:
            # The host's own import statements and looks, by far the most frequent, are not to cost more than they must.
            # What is asked here is what `seeker` would ask, but for the name that a statement means.
            frame = _getframe(1)
            if (
                frame.f_builtins is _HOSTS_BUILTINS
                and not passes_on(frame.f_globals["__name__"])
                and (frame.f_code.co_code[frame.f_lasti] == IMPORT_NAME or looks_itself(frame, self.plain))
            ):
                return False
        except ValueError:
            frame = None
        except (KeyError, TypeError):
            pass  # it is called nothing
        if not isinstance(other, str) or not str.__eq__(self.plain, other):
            return False
        if _thread.met is not None:
            _thread.met.append(self)
            return False
        if _thread.hidden is not None and str.__eq__(self, _thread.hidden):
            # Another who has asked the finder does not look again, and what it looks for later is not meant.
            _thread.hidden = None
            if frame is not None and frame.f_code.co_name == "_find_spec":
                return False
        full = str.__str__(self)
        # From here on another thread may have made the key inert: where an audit hook is told of it.
        if self.prefix is not None and full not in _thread.creating:
            return False
        reach = seeker(self.plain, entered=True, above=1)
        if reach is None or full != (
            reach.full(self.plain) if self.prefix is None else PlainKey._full_here(self, reach)
        ):
            return False
        PlainKey._bring_up_to_date(self, full)
        return True

    def _full_here(self, reach: Reach) -> str | None:
        return str.__str__(self) if reach.territory.prefix == self.prefix else None

    def _bring_up_to_date(self, full: str) -> None:
        """See to it that the key has the realm's module, or None if the realm has none of that name."""
        modules = sys.modules
        module: Any = modules.get(full)
        if module is None and any(full.startswith(f"{each}.") for each in _thread.creating):
            return  # a part of an extension that is being made, which it enters itself
        if module is None and full not in _thread.creating:
            try:
                module = import_module(full)
            except ModuleNotFoundError as error:
                if not f"{full}.".startswith(f"{error.name}."):
                    raise
        with _meeting():  # it is to be found, and nothing that it equals
            entered = modules.get(self, _ABSENT)
        if entered is not module:
            KEYS.bring_up_to_date(self, module)


class _Thread(threading.local):
    """What the running thread is about."""

    met: list[PlainKey] | None = None
    """The keys that a look for a name has come across, if that is what is asked."""
    hidden: str | None = None
    """The full name of the module that is not to be found by its plain name the next time."""
    creating: tuple[str, ...] = ()
    """The extension modules that are being made."""


_thread = _Thread()


@contextmanager
def _meeting() -> Iterator[list[PlainKey]]:
    """Within, no key equals a name for this thread; those are told that a look for one has come across."""
    met: list[PlainKey] = []
    outer, _thread.met = _thread.met, met
    try:
        yield met
    finally:
        _thread.met = outer


class PlainKeys:
    """All the plain names that realms have in `sys.modules`."""

    def __init__(self) -> None:
        self._open: set[str] = set()
        """The prefixes of the realms that may have keys."""
        self._keys: dict[str, PlainKey] = {}
        self._held: list[PlainKey] = []
        self._lock = threading.RLock()

    def unlock(self) -> None:  # pragma: no cover - where nothing is measured
        """In a forked process: a thread that held the lock is not there, and imports are not to wait for it."""
        self._lock = threading.RLock()

    @staticmethod
    def host_has(name: str) -> bool:
        """True if the host has a module of that name in `sys.modules`."""
        with _meeting():
            return name in sys.modules

    def admit(self, prefix: str) -> None:
        """A realm may have names from now on, until they are dropped."""
        with self._lock:
            self._open.add(prefix)

    def put(self, names: Reach | Territory, name: str) -> None:
        """From now on C code that reaches a realm's module finds it under its plain name, unless that is closed."""
        full = names.full(name)
        if full == name or name.partition(".")[0] in sys.stdlib_module_names:
            return
        with self._lock:
            if full.removesuffix(name) not in self._open:
                return  # who asks has seen the realm before it was closed
            if full not in self._keys:
                self._keys[full] = key = _key(full, name)
                self._put_first(key)
            else:
                self._check(self._keys[full])

    @contextmanager
    def creating(self, own: Territory, full: str, names: Iterable[str]) -> Iterator[None]:
        """While an extension module is made, C code that asks for it by its plain name finds that it is not there yet.

        Args:
            own: Whose it is.
            full: Its full name.
            names: Plain names by which it may enter itself into `sys.modules`: it finds them taken, if not by the host
                then by a key. Those that are the realm's stay, others are the module's for this time.
        """
        held = []
        with self._lock:
            for name in names:
                self.put(own, name)
                if (
                    own.full(name) == name
                    and name.partition(".")[0] not in sys.stdlib_module_names
                    and name not in sys.modules
                ):
                    held.append(key := _key(full, name))
                    key.prefix = own.prefix
                    self._held.append(key)
                    self._put_first(key)
        outer = _thread.creating
        _thread.creating = (*outer, full)
        try:
            yield
        finally:
            _thread.creating = outer
            with self._lock:
                for part in [each for each in self._keys if each.startswith(f"{full}.")]:
                    if (module := dict.get(sys.modules, self._keys[part])) is not None:
                        sys.modules.setdefault(part, module)
                for key in held:
                    self._take_away(key)
                    self._held.remove(key)

    def guard(self, own: Territory) -> None:
        """Let no code of a realm find what the host has imported under a name that is the realm's own."""
        # What is being imported at this moment has its lock; what the host imports later the finder sees to.
        locks: dict[str, object] = getattr(_bootstrap, "_module_locks", {})
        for name in (*locks, *sys.modules):
            if type(name) is str and name.partition(".")[0] in own.all_tops and own.owns(name):
                self.put(own, name)

    def drop(self, prefix: str) -> None:
        """Take the names of a realm away."""
        with self._lock:
            self._open.discard(prefix)
            for full in [full for full in self._keys if full.startswith(prefix)]:
                self._take_away(self._keys[full])
                del self._keys[full]

    def hide_once(self, full: str) -> None:
        """Let the next look of this thread not find a key, if it is there, and the importing machinery that looks."""
        _thread.hidden = full if full in self._keys else None

    def check(self) -> None:
        """See to it that every key still comes before the host's entry of that name.

        An entry that comes later may get ahead of a key if what stood in the dict between the two has been deleted.
        """
        with self._lock:
            for key in list(self._keys.values()):
                self._check(key)

    def bring_up_to_date(self, key: PlainKey, module: Any) -> None:
        """What a key has in `sys.modules` is that module, unless another key has come in its place meanwhile."""
        with self._lock:
            if self._keys.get(str.__str__(key)) is key or any(each is key for each in self._held):
                with _meeting():
                    sys.modules[key] = module

    def renew(self, name: str) -> None:
        """The host is about to have a module of that name: no place before its keys may be vacant."""
        with self._lock:
            for key in [key for key in self._keys.values() if key.plain == name]:
                self._replace(key)

    def _check(self, key: PlainKey) -> None:
        if not any(each is key for each in self._met(key.plain)):
            self._replace(key)

    def _replace(self, key: PlainKey) -> None:
        """Put another key there, so that there is one all the time, and keep the one that comes first."""
        new = _key(str.__str__(key), key.plain)
        self._put_first(new, key)
        if next(each for each in self._met(key.plain) if each is key or each is new) is new:
            self._keys[str.__str__(key)], new = new, key
        self._take_away(new)

    @staticmethod
    def _take_away(key: PlainKey) -> None:
        with _meeting():  # and not an entry that it equals, should that come before it
            sys.modules.pop(key, None)

    def _met(self, plain: str) -> list[PlainKey]:
        """The keys of a name that come before the host's entry, in the order in which they are found."""
        with _meeting() as met:
            sys.modules.get(plain)
        return met

    def _put_first(self, key: PlainKey, *others: PlainKey) -> None:
        modules = sys.modules
        known = (*self._keys.values(), *self._held, *others)
        same = [each for each in known if each is not key and each.plain == key.plain]
        put_first(modules, key, modules.get(str.__str__(key)), same)

    def of(self, prefix: str) -> list[str]:
        """The plain names that a realm has in `sys.modules`."""
        return [key.plain for full, key in list(self._keys.items()) if full.startswith(prefix)]


KEYS = PlainKeys()
os.register_at_fork(after_in_child=KEYS.unlock)


def _key(full: str, plain: str) -> PlainKey:
    key = PlainKey(full)
    key.plain = plain
    return key
