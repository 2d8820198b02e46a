"""What C code keeps: extension modules, which stay for ever, and references that the garbage collector does not show.

an object of the realm  <-  references that the collector shows
                        <-  others: there are more references to the object than the collector shows
"""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from importlib.machinery import EXTENSION_SUFFIXES
from types import ModuleType
from typing import Any

from .anchors import STAY, is_known
from .executing import plain
from .naming import class_module, describe, module_name, namespace_of
from .territory import PARENT

UNSEEN = (
    "that the garbage collector does not show"
    " (the stack of a running function, C code, os.register_at_fork, sys.addaudithook)"
)
_SHOWN = 3
"""Names that are listed."""


def stay(modules: Iterable[ModuleType]) -> bool:
    """True if all are extension modules, which stay whoever refers to them."""
    modules = list(modules)
    return bool(modules) and len(_extensions(modules)) == len(modules)


def _extensions(modules: Iterable[ModuleType]) -> list[str]:
    """The names of those that are extension modules, or were made by one."""
    names = {module_name(each): _file_of(each) for each in modules}
    from_files = {name for name, file in names.items() if file.endswith(tuple(EXTENSION_SUFFIXES))}
    inside = tuple(f"{name}." for name in from_files)
    made = {name for name, file in names.items() if file == "None" and name.startswith(inside)}
    return sorted(map(plain, from_files | made))


def held_unseen(own: list[Any], modules: Sequence[ModuleType]) -> list[str]:
    """What of a realm there are more references to than the garbage collector shows, in words.

    Args:
        own: The realm's objects.
        modules: Its modules that still exist.
    """
    extensions = _extensions(modules)
    probe = _Probe()
    counted = Counter(_referred({id(each) for each in [*own, probe]}))
    usual = _references(probe, counted)
    kept = {
        describe(each)
        for each in own
        if type(each) is not dict and _references(each, counted) > usual and not _is_made_in_c(each, extensions)
    }
    words = _some(sorted(kept, key=lambda words: (len(words), words)))
    if extensions:
        return [f"{STAY}: {_some(extensions)}{words and f'; they keep {words}'}"]
    return [f"{words}, held by something {UNSEEN}"] if words else []


def _is_made_in_c(each: Any, extensions: Sequence[str]) -> bool:
    """True for extension modules, and for what they have made."""
    if type(each) is ModuleType:
        return plain(module_name(each)) in extensions or _is_nobodys(each)
    return plain(class_module(each if issubclass(type(each), type) else type(each))) in extensions


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if names[_SHOWN:] else "")


class _Probe:
    """Something to which there are no more references than to what nobody holds."""


def _references(each: Any, counted: Counter[int]) -> int:
    """How many references to an object the collector does not show; more by a constant than there are."""
    return sys.getrefcount(each) - counted[id(each)]


def _referred(keys: set[int]) -> Iterator[int]:
    """Every reference to one of these objects, by its id."""
    for node in gc.get_objects():
        if type(node) is not ModuleType or id(node) in keys:
            yield from (key for key in map(id, gc.get_referents(node)) if key in keys)


def made_by_extensions(module: ModuleType) -> list[Any]:
    """Classes and modules that C code has made in a module, and that know nothing of its realm."""
    found: dict[int, Any] = {}
    todo = [module]
    while todo:
        within = todo.pop()
        plain_name = plain(module_name(within))
        for value in list((namespace_of(within) or {}).values()):
            if issubclass(type(value), type) and class_module(value) == plain_name and not is_known(value):
                found[id(value)] = value
            elif type(value) is ModuleType and id(value) not in found and _is_nobodys(value):
                found |= {id(each): each for each in (value, namespace_of(value))}
                todo.append(value)
    return list(found.values())


def _is_nobodys(module: ModuleType) -> bool:
    """True for a module of C code that is not found by its name."""
    name = module_name(module)
    in_c = _file_of(module).endswith(("None", *EXTENSION_SUFFIXES))
    return in_c and not name.startswith(PARENT) and name != "builtins" and sys.modules.get(name) is not module


def _file_of(module: ModuleType) -> str:
    return str((namespace_of(module) or {}).get("__file__"))
