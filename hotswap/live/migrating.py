"""Migrations: how a type reads the data that an older version of its plugin wrote."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from packaging.version import InvalidVersion, Version

from .data import Data

_DECLARED = "__live_migrations__"
"""In the namespace of a class; unlike a name bound to each, it survives a name that is used twice, and the making of a
second class by `dataclass(slots=True)` or attrs."""

Declaration = TypeVar("Declaration")


WRITTEN: ContextVar[Data] = ContextVar("hotswap.live.WRITTEN")
"""The data that is being read."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One declared migration."""

    before: Version
    function: Any
    """As the class body has it: a function, a staticmethod, a classmethod, or another callable."""

    def is_due(self, version: Version) -> bool:
        """True if data that this version wrote has the older form: 2.0.dev1 writes that of 2.0 already.

        Where `before` is a pre-release itself, it is taken at its word.
        """
        if version.is_prerelease and not self.before.is_prerelease:
            of_post = f".post{version.post}" if version.pre is None and version.post is not None else ""
            version = Version(version.base_version + of_post)
        return version < self.before

    def __call__(self, cls: type, fields: dict[str, Any]) -> Any:
        """Run it; the fields are its own to change."""
        bind = getattr(type(self.function), "__get__", None)  # functools.partial has it since Python 3.13
        return (bind(self.function, None, cls) if bind is not None else self.function)(fields)


class MigrationFailed(Exception):
    """A migration raised, or returned no dict; told in words, because an exception holds the code that raised it."""


def migration(*, before: str) -> Callable[[Declaration], Declaration]:
    """Declare, in the body of a type, how the fields of older data become those of version `before`.

    It marks a function, staticmethod or classmethod that takes the plain fields (a dict with str keys) of data which a
    version earlier than `before` wrote, and returns those of `before`. Several run in ascending order, each only for
    data older than itself. Any name will do, `_` several times too.

    Args:
        before: A version of the type's plugin, e.g. "2.0".

    Raises:
        ValueError: It is no version.
        TypeError: It marks something else, or stands outside of a class body.
    """
    try:
        version = Version(before)
    except InvalidVersion:
        raise ValueError(f'migration(before={before!r}): no version; write it like "2.0"') from None

    def declare(declared: Declaration) -> Declaration:
        namespace = sys._getframe(1).f_locals
        if "__qualname__" not in namespace:
            raise TypeError(f"migration(before={before!r}) belongs into the body of the class whose data it reads")
        if not callable(getattr(declared, "__func__", declared)) or isinstance(declared, type):
            raise TypeError(f"migration(before={before!r}) marks functions, and {declared!r} is none")
        namespace[_DECLARED] = (*namespace.get(_DECLARED, ()), Migration(version, declared))
        return declared

    return declare


def migrations_of(cls: type) -> tuple[Migration, ...]:
    """All that a class and its bases declare, in the order in which they run."""
    declared = [each for base in reversed(cls.__mro__) for each in vars(base).get(_DECLARED, ())]
    return tuple(sorted(declared, key=lambda each: each.before))  # stable: bases first


def too_late(cls: type, version: Version) -> Iterator[Migration]:
    """Those that a class itself declares for later versions than its own: they would change what it writes itself."""
    return (each for each in vars(cls).get(_DECLARED, ()) if each.is_due(version))


def migrated(cls: type, due: Iterable[Migration], fields: dict[str, Any]) -> dict[str, Any]:
    """The fields after these migrations; those given stay as they are.

    Raises:
        MigrationFailed: One of them raised, or returned something else.
    """
    for each in due:
        failure = f"migration(before={str(each.before)!r}) of {cls.__name__}"
        try:
            # A copy, because the data is not lost if this or a later step fails.
            result = each(cls, copy.deepcopy(fields))
        except Exception as error:
            text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            failure = f"{failure} raised {text} ({_place(error)})"
        else:
            if type(result) is dict and all(type(key) is str for key in result):
                fields = result
                continue
            failure = f"{failure} returned a {type(result).__name__} and not the dict of fields"
        raise MigrationFailed(failure)
    return fields


def _place(error: Exception) -> str:
    """Where it was raised; read without the source, which would be remembered."""
    inner = error.__traceback__
    while inner is not None and inner.tb_next is not None:
        inner = inner.tb_next
    return f"{inner.tb_frame.f_code.co_filename}:{inner.tb_lineno}" if inner is not None else ""
