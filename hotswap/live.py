"""Live functions and types: what a plugin's modules offer by the prefix of a name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from types import ModuleType
from typing import Any

from .errors import ResolutionError

PREFIX = "live_"


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
            if is_live(name, prefix) and getattr(value, "__module__", None) == module.__name__:
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
