"""Live functions and types: what a plugin's modules offer by the prefix of a name, or by a mark."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from types import ModuleType
from typing import Any, TypeVar

from ..errors import ResolutionError

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
    """
    functions: dict[str, dict[str, Any]] = {}
    types: dict[str, dict[str, Any]] = {}
    for module in modules:
        file = getattr(module, "__file__", None) or module.__name__
        functions[file], types[file] = {}, {}
        for name, value in list(vars(module).items()):
            # A name imported from elsewhere is live where it was defined.
            if getattr(value, "__module__", None) == module.__name__ and (is_live(name, prefix) or _is_marked(value)):
                if isinstance(value, type):
                    types[file][name] = value
                elif inspect.isroutine(value):  # functions, and what decorators like lru_cache make of them
                    functions[file][name] = value
    return _merge("function", functions), _merge("type", types)


def merge_live(kind: str, per_plugin: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """One mapping from those of all plugins.

    Raises:
        ResolutionError: Plugins offer the same name; every such name is listed with its plugins.
    """
    return _merge(kind, per_plugin, plugins=per_plugin)


def _is_marked(value: object) -> bool:
    # Its own mark: a class does not become live by its base.
    return _MARK in getattr(value, "__dict__", ())


def _merge(kind: str, offers: Mapping[str, Mapping[str, Any]], plugins: Collection[str] = ()) -> dict[str, Any]:
    owners: dict[str, list[str]] = {}
    for where, offered in offers.items():
        for name in offered:
            owners.setdefault(name, []).append(where)
    doubled = {name: places for name, places in owners.items() if len(places) > 1}
    if doubled:
        raise ResolutionError(
            f"duplicate live {kind} names",
            plugins=dict.fromkeys(place for places in doubled.values() for place in places if place in plugins),
            reasons=[f"{name} is in {' and in '.join(places)}; rename one" for name, places in sorted(doubled.items())],
        )
    return {name: value for offered in offers.values() for name, value in offered.items()}
