"""Live functions and types: what a plugin's modules offer by the prefix of a name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
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


def collect_live(modules: Iterable[ModuleType]) -> tuple[dict[str, Callable[..., Any]], dict[str, type]]:
    """The live functions and live types defined in a plugin's modules, by name."""
    functions: dict[str, Callable[..., Any]] = {}
    types: dict[str, type] = {}
    for module in modules:
        for name, value in list(vars(module).items()):
            # A name imported from elsewhere is live where it was defined.
            if is_live(name) and getattr(value, "__module__", None) == module.__name__:
                if isinstance(value, type):
                    types[name] = value
                elif inspect.isfunction(value):
                    functions[name] = value
    return functions, types


def merge_live(kind: str, per_plugin: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """One mapping from those of all plugins.

    Raises:
        ResolutionError: Plugins offer the same name; every such name is listed with its plugins.
    """
    owners: dict[str, list[str]] = {}
    for plugin, offered in per_plugin.items():
        for name in offered:
            owners.setdefault(name, []).append(plugin)
    doubled = {name: plugins for name, plugins in owners.items() if len(plugins) > 1}
    if doubled:
        raise ResolutionError(
            f"duplicate live {kind} names",
            plugins=dict.fromkeys(plugin for plugins in doubled.values() for plugin in plugins),
            reasons=[
                f"{name} is in {' and in '.join(plugins)}; rename one" for name, plugins in sorted(doubled.items())
            ],
        )
    return {name: value for offered in per_plugin.values() for name, value in offered.items()}
