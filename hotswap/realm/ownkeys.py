"""Names of a version that has a successor: its own objects are pickled by them, and what others read goes further.

While a version goes, two things look the same: pickle saves one of its objects, imports `__module__` and compares what
it finds there with the object; and pickle loads what names that module, for which the successor is to answer by now.
What differs is the string that `sys.modules` is asked for: an object's `__module__` is the `__name__` of its module,
an `OwnName`; in a pickle it is text. So the modules stand in `sys.modules` under an `OwnKey`, which equals its name if
it is asked for by an `OwnName`, or by the version's own code; for everybody else only as long as the version is live,
or in use. What does not find it there goes to the finder, see `succession`. A module that is imported later gets its
key when its import is done; until then others find what stands for it under an `OthersKey`.

Only a version that has a successor in memory has such keys, and in a child process each of several versions that are
open there: asking them takes microseconds.
"""

from __future__ import annotations

import operator
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Protocol

from .executing import readers
from .naming import namespace_of
from .ownnames import OwnName, exact
from .succession import Former


class _Key(str):
    """A key that equals its own text."""

    owner: Owner
    exact: str

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str.__str__(self),)  # for who sends a list of `sys.modules` somewhere


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


class OthersKey(_Key):
    """A key of `sys.modules` for what stands for a module of such a version that the version has not imported."""

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        if other is self:
            return True
        if not isinstance(other, str) or not str.__eq__(self, other):
            return False
        return not answers(self.owner)


def answers(owner: Owner) -> bool:
    """True if a version that has a successor answers for what the running code looks for."""
    reach = next(readers(owner.plugin), None)
    return reach.territory.prefix == owner.prefix if reach is not None else not owner.gives_way


class WatchedSpec(ModuleSpec):
    """Says when the import of its module is done, and is an ordinary spec from then on.

    Who imports it makes no difference: an import statement of the version's, pickle, or `importlib` for the host.
    Rejected: a key at the beginning of the import, which takes the module out of `sys.modules` and puts it back.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "_initializing" and not value:
            self.__class__ = ModuleSpec  # type: ignore[assignment]
            if OWN_KEYS:  # who puts keys from now on sees that the import is done
                OWN_KEYS.imported(self.name)


@dataclass(slots=True)
class _Own:
    """The keys of one realm."""

    owner: Owner
    former: Callable[[str], ModuleType]
    keys: dict[str, OwnKey] = field(default_factory=dict)
    others: dict[str, OthersKey] = field(default_factory=dict)

    def add(self, module: ModuleType) -> None:
        """Give a module that is imported its key."""
        named = (namespace_of(module) or {}).get("__name__")
        if not isinstance(named, str) or sys.modules.get(exact(named)) is not module:
            return  # a module may have given itself another name
        name = exact(named)
        key = OwnKey(name)
        key.owner, key.exact = self.owner, named
        others = self.others.pop(name, None)
        former = _unkeyed(sys.modules.get(others)) if others is not None else None
        _put(key, module, former or self.former(name), others)
        self.keys[name] = key


class OwnKeys:
    """The realms whose modules have such keys."""

    def __init__(self) -> None:
        self._own: dict[str, _Own] = {}
        self._lock = threading.RLock()

    def put(self, owner: Owner, former: Callable[[str], ModuleType]) -> None:
        """A realm has a successor.

        Args:
            owner: The realm.
            former: Makes what others find instead of one of its modules.
        """
        with self._lock:
            if owner.prefix not in self._own:
                own = self._own[owner.prefix] = _Own(owner, former)
                for module in owner.loaded():
                    if not getattr((namespace_of(module) or {}).get("__spec__"), "_initializing", False):
                        own.add(module)

    def take(self, prefix: str) -> None:
        """A realm has none any more, or is about to be closed."""
        with self._lock:
            if (own := self._own.pop(prefix, None)) is not None:
                for key in (*own.keys.values(), *own.others.values()):
                    _take(key)

    @staticmethod
    def watched(spec: ModuleSpec | None) -> ModuleSpec | None:
        """The spec of a module that is about to be imported by a realm which may get a successor meanwhile."""
        if spec is not None:
            spec.__class__ = WatchedSpec
        return spec

    def imported(self, name: str) -> None:
        """The import of a module is done, or has failed."""
        with self._lock:
            own = self._own.get(_prefix(name))
            if own is not None and name not in own.keys:
                module = sys.modules.get(name)
                if isinstance(module, ModuleType) and not isinstance(module, Former):
                    own.add(module)

    def key_for_others(self, owner: Owner, name: str) -> OthersKey | None:
        """The key for what others find instead of a module that the realm has not imported; None if it has."""
        with self._lock:
            own = self._own.get(owner.prefix)
            if own is None or name in own.keys:
                return None
            key = own.others.get(name)
            if key is None:
                key = own.others[name] = OthersKey(name)
                key.owner, key.exact = owner, name
            return key

    def modules(self, prefix: str) -> list[ModuleType]:
        """The modules of a realm that have such keys."""
        own = self._own.get(prefix)
        return [sys.modules[key] for key in list(own.keys.values())] if own is not None else []

    def has(self, name: str) -> bool:
        """True if a module has such a key."""
        own = self._own.get(_prefix(name))
        return own is not None and name in own.keys

    def __contains__(self, prefix: str) -> bool:
        return prefix in self._own

    def __len__(self) -> int:
        return len(self._own)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._own))


OWN_KEYS = OwnKeys()


def _prefix(name: str) -> str:
    """What the names of a realm begin with."""
    return ".".join(name.split(".", 3)[:3]) + "."


def _put(key: OwnKey, module: ModuleType, former: ModuleType, others: OthersKey | None) -> None:
    """Put a module under its own key, and before the former one that others are to find.

    All of it happens inside one call of a C function that runs no Python code, so that no other thread finds neither.
    """
    modules, name = sys.modules, str.__str__(key)
    steps: list[Any] = [
        partial(setattr, key, "__class__", _DeafKey),
        *([partial(setattr, others, "__class__", _DeafKey), partial(modules.pop, others, None)] if others else []),
        partial(modules.pop, name, None),
        partial(modules.update, {key: module}),
        partial(modules.update, {name: former}),
        partial(setattr, key, "__class__", OwnKey),
    ]
    list(map(operator.call, steps))


def _take(key: _Key) -> None:
    """Put what a key stands for under its plain name again."""
    modules, name = sys.modules, str.__str__(key)
    module = modules.get(key)
    if isinstance(key, OwnKey):
        steps: list[Any] = [partial(modules.update, {name: module})]
    else:
        # Unless the import of the module itself is under way.
        former = _unkeyed(module)
        steps = [partial(modules.setdefault, name, former)] if former is not None else []
    list(map(operator.call, [partial(setattr, key, "__class__", _DeafKey), *steps, partial(modules.pop, key, None)]))


def _unkeyed(module: object) -> Former | None:
    """A former module that is to stand under its plain name from now on; None if it is none."""
    if not isinstance(module, Former):
        return None
    module.__key__ = module.__name__
    module.__spec__ = None  # it has the other key as its name, and by that the realm
    return module
