"""What private libraries leave in tables of the standard library: it goes when their realm is closed.

    table  <-  entry  <-  class, function, or instance or method of a class, of the realm

Some overwrite what was there: dill puts functions of its own into the tables of `pickle`, joblib a context into that
of `multiprocessing`. So what others have entered is noted when a realm is opened, and comes back.
"""

from __future__ import annotations

import codecs
import encodings
import gc
import logging
import sys
import warnings
from collections.abc import Iterator
from functools import partial, reduce
from types import FunctionType, MethodType
from typing import Any

from .naming import class_module
from .territory import PARENT

_MAPPINGS = (
    ("copyreg", "dispatch_table"),
    ("pickle", "_Pickler.dispatch"),
    ("multiprocessing.context", "_concrete_contexts"),
    ("multiprocessing.reduction", "ForkingPickler._extra_reducers"),
    ("sqlite3", "adapters"),
    ("sqlite3", "converters"),
)
"""Module and attribute; there is nothing in those that nobody has imported."""
_HANDLERS = "error handlers of codecs"


class Tables:
    """The tables in which libraries may have entered something."""

    def __init__(self) -> None:
        self._open: set[str] = set()
        self._before: dict[str, dict[Any, Any]] = {}
        """By table: what is there and no realm's."""
        self._codecs: tuple[dict[Any, Any], list[Any]] | None = None

    def note(self, prefix: str) -> None:
        """A realm is opened: what it overwrites from now on comes back when it is closed."""
        self._open.add(prefix)
        for name, table in self._mappings():
            entries = list(table.items())
            theirs = {key: value for key, value in entries if not made_in(f"{PARENT}.", (key, value))}
            self._before.setdefault(name, {}).update(theirs)

    def clear(self, prefix: str) -> None:
        """A realm has been closed: what it has entered goes."""
        for name, table in self._mappings():
            before = self._before.get(name, {})
            for key, value in list(table.items()):
                if not made_in(prefix, (key, value)):  # classes of C code do not say whose they are
                    continue
                if key in before:
                    table[key] = before[key]
                else:
                    table.pop(key, None)
        _remove(sys.meta_path, prefix)
        _remove(sys.path_hooks, prefix)
        mutated = getattr(warnings, "_filters_mutated", None)
        if _remove(warnings.filters, prefix) and mutated is not None:
            mutated()  # what was decided by these filters is decided anew
        for search in [search for search in self._codec_tables()[1] if made_in(prefix, search)]:
            codecs.unregister(search)
        for logger in [logging.root, *logging.root.manager.loggerDict.values()]:
            if isinstance(logger, logging.Logger):
                _remove(logger.handlers, prefix)
                _remove(logger.filters, prefix)
        self._open.discard(prefix)
        if not self._open:
            self._before.clear()

    def _mappings(self) -> Iterator[tuple[str, dict[Any, Any]]]:
        """The tables by key, each with a name for it."""
        for module, path in _MAPPINGS:
            table: Any = reduce(_get, path.split("."), sys.modules.get(module))
            if isinstance(table, dict):
                yield f"{module}.{path}", table
        yield _HANDLERS, self._codec_tables()[0]

    def _codec_tables(self) -> tuple[dict[Any, Any], list[Any]]:
        """The error handlers and search functions, which the interpreter shows to nobody but the collector."""
        if self._codecs is None:
            found = gc.get_referrers(codecs.strict_errors, encodings.search_function)
            handlers: Iterator[dict[Any, Any]] = (each for each in found if type(each) is dict and "strict" in each)
            searches = (each for each in found if type(each) is list and encodings.search_function in each)
            self._codecs = next(handlers, {}), next(searches, [])
        return self._codecs


def made_in(prefix: str, entry: Any) -> bool:
    """True for a class or function of a realm, an instance or method of one, and a tuple that has one.

    No code of theirs is run.

    Args:
        prefix: What the names of its modules begin with.
        entry: Any object.
    """
    kind = type(entry)
    if issubclass(kind, tuple):
        return any(made_in(prefix, each) for each in tuple.__iter__(entry))
    if issubclass(kind, partial):
        return made_in(prefix, entry.func)
    if kind is MethodType:
        return made_in(prefix, entry.__func__)
    if kind is FunctionType:
        # A wrapper says that it is from where what it wraps is from.
        return any(str(each).startswith(prefix) for each in (entry.__module__, entry.__globals__.get("__name__")))
    return class_module(entry if issubclass(kind, type) else kind).startswith(prefix)


def _get(node: Any, name: str) -> Any:
    return getattr(node, name, None)


def _remove(table: Any, prefix: str) -> bool:
    """Take a realm's entries out of a list; true if there are any."""
    own = [entry for entry in list(table) if made_in(prefix, entry)]
    for entry in own:
        # Not `remove`, which asks the others whether they are equal.
        del table[next(index for index, each in enumerate(table) if each is entry)]
    return bool(own)


TABLES = Tables()
