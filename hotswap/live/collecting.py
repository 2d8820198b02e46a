"""Live functions and types: what a plugin's modules offer by the prefix of a name, or by a mark."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from types import BuiltinFunctionType, ModuleType
from typing import Any, TypeVar

from ..errors import ContractError, Fault, ResolutionError
from ..realm.owners import owner_of
from .migrating import too_late

PREFIX = "live_"
_MARK = "__hotswap_live__"

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])
AnyType = TypeVar("AnyType", bound=type)


def mark_function(function: AnyFunction) -> AnyFunction:
    """Make a module-level function live whatever its name: `@hotswap.live.function`.

    Raises:
        TypeError: It is no function.
    """
    if isinstance(function, type) or not inspect.isroutine(function):
        raise TypeError(f"@hotswap.live.function marks functions, and {function!r} is none")
    setattr(function, _MARK, True)
    return function


def mark_type(cls: AnyType) -> AnyType:
    """Make a module-level class live whatever its name: `@hotswap.live.type`.

    Raises:
        TypeError: It is no class.
    """
    if not isinstance(cls, type):
        raise TypeError(f"@hotswap.live.type marks classes, and {cls!r} is none")
    setattr(cls, _MARK, True)
    return cls


def is_live(name: str, prefix: str = PREFIX) -> bool:
    """True for `live_tick`, `Live_Tick` and `LiveTick`; not for `lively`."""
    stem = prefix.rstrip("_")
    if not name.lower().startswith(stem.lower()):
        return False
    rest = name[len(stem) :]
    return rest[:1] == "_" or (name[:1].isupper() and rest[:1].isupper())


def collect_live(
    modules: Iterable[ModuleType], prefix: str = PREFIX
) -> tuple[dict[str, Callable[..., Any]], dict[str, type]]:
    """The live functions and live types defined in a plugin's modules, by name.

    Raises:
        ResolutionError: Modules define the same name; every such name is listed with its files.
        ContractError: A type is live under a name that is not its own, or migrates what its own version writes.
    """
    functions: dict[str, dict[str, Any]] = {}
    types: dict[str, dict[str, Any]] = {}
    faults: list[Fault] = []
    plugin = ""
    for module in modules:
        file = getattr(module, "__file__", None) or module.__name__
        plugin = plugin or _label(module)
        functions[file], types[file] = {}, {}
        defined = list(_defined(module))
        for name, value in defined:
            if is_live(name, prefix) or _is_marked(value):
                (types if isinstance(value, type) else functions)[file][name] = value
        classes = {id(value): value for _, value in defined if isinstance(value, type)}.values()
        faults += [Fault(file, *fault) for fault in (*_misnamed(types[file]), *_too_late(module, classes))]
    if faults:
        raise ContractError(plugin, faults, stage="bound")
    return _merge(functions, types)


def merge_live(
    functions: Mapping[str, Mapping[str, Any]], types: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """One mapping of functions and one of types from those of all plugins.

    Raises:
        ResolutionError: Plugins offer the same name; every such name is listed with its plugins.
    """
    return _merge(functions, types, plugins={*functions, *types})


def _defined(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """The classes and functions of a module by name; what it imports from elsewhere is live where it was defined.

    Other objects are not asked anything, not even for their class: one that is lazy would come to life, and might fail.
    """
    for name, value in list(vars(module).items()):
        kind = type(value)
        # Functions, and what decorators like lru_cache make of them, bind to instances; those of C do not.
        routine = kind is BuiltinFunctionType or (hasattr(kind, "__get__") and not hasattr(kind, "__set__"))
        if (routine or issubclass(kind, type)) and getattr(value, "__module__", None) == module.__name__:
            yield name, value


def _is_marked(value: object) -> bool:
    # Its own mark: a class does not become live by its base.
    return _MARK in getattr(value, "__dict__", ())


def _label(module: ModuleType) -> str:
    owner = owner_of(module.__name__)
    return owner.label if owner is not None else module.__name__


def _misnamed(types: Mapping[str, type]) -> Iterator[tuple[str, str]]:
    """Live types whose data would be held by another name; an alias beside a type's own name is none."""
    for name, cls in types.items():
        if types.get(cls.__name__) is not cls:
            what = f"the live type {name} is called {cls.__name__!r}, by which its data would be held and not be found"
            yield what, f"let it be called {name!r}"


def _too_late(module: ModuleType, classes: Iterable[type]) -> Iterator[tuple[str, str]]:
    """Migrations that would change what the plugin's own version writes."""
    if (owner := owner_of(module.__name__)) is None:
        return
    for cls in classes:
        for each in too_late(cls, owner.version):
            declared = f"migration(before={str(each.before)!r}) of {cls.__name__}"
            what = f"{declared} is for a later version than {owner.label}"
            yield what, f"raise the version of {owner.plugin}, or lower before="


def _merge(
    functions: Mapping[str, Mapping[str, Any]], types: Mapping[str, Mapping[str, Any]], plugins: Collection[str] = ()
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Name -> value, of functions and of types, from what several places offer of each."""
    doubled: dict[str, list[tuple[str, list[str]]]] = {}
    for kind, offers in (("function", functions), ("type", types)):
        owners: dict[str, list[str]] = {}
        for where, offered in offers.items():
            for name in offered:
                owners.setdefault(name, []).append(where)
        if found := [(name, places) for name, places in sorted(owners.items()) if len(places) > 1]:
            doubled[kind] = found
    if doubled:
        pairs = [pair for found in doubled.values() for pair in found]
        raise ResolutionError(
            f"duplicate live {' and '.join(doubled)} names",
            plugins=dict.fromkeys(place for _, places in pairs for place in places if place in plugins),
            reasons=[f"{name} is in {' and in '.join(places)}; rename one" for name, places in pairs],
        )
    merged = [dict(pair for offered in each.values() for pair in offered.items()) for each in (functions, types)]
    return merged[0], merged[1]
