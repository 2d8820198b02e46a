"""Names of a version that has a successor: its own objects are pickled by them, and what others read goes further.

While a version goes, two things look the same: pickle saves one of its objects, imports `__module__` and compares what
it finds there with the object; and pickle loads what names that module, for which the successor is to answer by now.
What differs is the string that `sys.modules` is asked for: an object's `__module__` is the `__name__` of its module,
an `OwnName`; in a pickle it is text. So the modules stand in `sys.modules` under an `OwnKey`, which equals its name if
it is asked for by an `OwnName`, or by the version's own code; for everybody else only as long as the version is live,
or in use. What does not find it there goes to the finder, see `succession`.

Only a version that has a successor in memory has such keys: asking them takes microseconds.
"""

from __future__ import annotations

import operator
import sys
import threading
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any, Protocol

from .ownnames import OwnName, exact
from .succession import readers


class _Key(str):
    """A key that equals its own text."""

    owner: Owner
    exact: str

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (self.exact,)  # for who sends a list of `sys.modules` somewhere


class _DeafKey(_Key):
    """A key that equals nothing but itself, without any Python code being run to find out."""

    __hash__ = str.__hash__
    __eq__ = str.__lt__  # type: ignore[assignment]


class Owner(Protocol):
    """Whose modules they are."""

    prefix: str
    plugin: str
    gives_way: bool
    """True if its successor answers for all that is read."""

    def loaded(self) -> list[ModuleType]:
        """Its modules."""
        ...


class OwnKey(_Key):
    """A key of `sys.modules` for the module of a version that has a successor."""

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        if other is self or other is self.exact:
            return True
        if not isinstance(other, str) or not str.__eq__(self, other):
            return False
        return type(other) is OwnName or answers(self.owner)


def answers(owner: Owner) -> bool:
    """True if a version that has a successor answers for what the running code looks for."""
    reach = next(readers(owner.plugin), None)
    return reach.territory.prefix == owner.prefix if reach is not None else not owner.gives_way


class OwnKeys:
    """The realms whose modules have such keys."""

    def __init__(self) -> None:
        self._keys: dict[str, list[OwnKey]] = {}
        self._lock = threading.RLock()

    def put(self, owner: Owner, former: Callable[[str], ModuleType]) -> None:
        """A realm has a successor.

        Args:
            owner: The realm.
            former: Makes what others find instead of one of its modules.
        """
        with self._lock:
            if owner.prefix not in self._keys:
                keys = self._keys[owner.prefix] = []
                for module in owner.loaded():
                    name = exact(module.__name__)
                    if sys.modules.get(name) is module:  # a module may have given itself another name
                        key = OwnKey(name)
                        key.owner, key.exact = owner, name
                        _put(key, module, former(name))
                        keys.append(key)

    def take(self, prefix: str) -> None:
        """A realm has none any more, or is about to be closed."""
        with self._lock:
            for key in self._keys.pop(prefix, ()):
                _take(key)

    def modules(self, prefix: str) -> list[ModuleType]:
        """The modules of a realm that have such keys."""
        return [sys.modules[key] for key in list(self._keys.get(prefix, ()))]

    def __contains__(self, prefix: str) -> bool:
        return prefix in self._keys


OWN_KEYS = OwnKeys()


def _put(key: OwnKey, module: ModuleType, former: ModuleType) -> None:
    """Put a module under its own key, and before the former one that others are to find.

    All of it happens inside one call of a C function that runs no Python code, so that no other thread finds neither.
    """
    modules = sys.modules
    steps: list[Any] = [
        partial(setattr, key, "__class__", _DeafKey),
        partial(modules.pop, key.exact, None),
        partial(modules.update, {key: module}),
        partial(modules.update, {key.exact: former}),
        partial(setattr, key, "__class__", OwnKey),
    ]
    list(map(operator.call, steps))


def _take(key: OwnKey) -> None:
    """Put a module under its plain name again."""
    module = sys.modules[key]
    steps: list[Any] = [
        partial(setattr, key, "__class__", _DeafKey),
        partial(sys.modules.update, {key.exact: module}),
        partial(sys.modules.pop, key),
    ]
    list(map(operator.call, steps))
