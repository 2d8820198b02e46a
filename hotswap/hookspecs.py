"""The seven functions of a plugin, declared once.

A plugin need not import this module: plain functions under these names are found by name.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pluggy

from .errors import ContractError, Fault

PROJECT = "hotswap"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function under another name: `@hookimpl(specname="on_load")`."""


@hookspec
def on_load(data: Any) -> None:
    """Take the host's `data`; every plugin is imported and bound by now, dependencies have loaded already."""


@hookspec
def on_init(vault: Any) -> None:
    """Take the vault; every plugin's `on_load` has run. A stored vault follows the current generation."""


@hookspec
def on_free() -> None:
    """Let go of everything; runs once, after the last call into the plugin has ended."""


@hookspec
def export() -> Any:
    """Return the object other plugins use, or None."""


@hookspec
def import_() -> Any:
    """Return None, or an object whose annotated attributes name the plugins this one needs."""


@hookspec
def invoke_func(name: str, *args: Any, **kwargs: Any) -> Any:
    """Answer the host's call; may be `async`."""


@hookspec
def reloadable() -> bool:  # type: ignore[empty-body]  # a spec has no body; pluggy never calls it
    """Return False to keep this version until the process ends."""


# ------------------------------------------------------------------------------------ finding them in a plugin


@dataclass(frozen=True, slots=True)
class Hooks:
    """The seven functions of one plugin, ready to be called by position."""

    on_load: Callable[[Any], Any]
    on_init: Callable[[Any], Any]
    on_free: Callable[[], Any]
    export: Callable[[], Any]
    import_: Callable[[], Any]
    invoke_func: Callable[..., Any]
    reloadable: Callable[[], Any]


SPECS: dict[str, Callable[..., Any]] = {
    spec.__name__: spec for spec in (on_load, on_init, on_free, export, import_, invoke_func, reloadable)
}
MAY_BE_ASYNC = frozenset({"on_load", "on_init", "on_free", "invoke_func"})

_pluggy = pluggy.PluginManager(PROJECT)


def expected(name: str) -> str:
    """How a plugin writes one of the seven, e.g. `on_load(data)`."""
    parameters = inspect.signature(SPECS[name]).parameters.values()
    plain = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]
    return f"def {name}{inspect.Signature(plain)}"


def collect_hooks(plugin: str, target: object, file: str) -> Hooks:
    """Find the seven functions in the module or object that an entry point names.

    pluggy's own `register` is not used for this: it stays silent about what is missing, stops at the first that is
    wrong, ties parameters to the names in the specs, and its error holds the plugin.

    Raises:
        ContractError: Functions are missing, doubled, or cannot be called as specified; all of them are listed.
    """
    implementations: dict[str, dict[str, Any]] = {name: {} for name in SPECS}
    for attribute in dir(target):
        if isinstance(inspect.getattr_static(type(target), attribute, None), property):
            continue  # pluggy would run it
        marked = _pluggy.parse_hookimpl_opts(target, attribute)
        name = (marked["specname"] if marked is not None else None) or attribute
        if name in SPECS and (marked is not None or attribute == name):
            implementations[name][attribute] = getattr(target, attribute)

    faults = [fault for name in SPECS for fault in _faults(name, implementations[name], file)]
    if faults:
        raise ContractError(plugin, faults, stage="loaded")
    return Hooks(**{name: next(iter(found.values())) for name, found in implementations.items()})


def _faults(name: str, found: dict[str, Any], file: str) -> Iterator[Fault]:
    if not found:
        yield Fault(file, f"{name} is missing", f"write {expected(name)}")
    elif len(found) > 1:
        yield Fault(file, f"{' and '.join(sorted(found))} both implement {name}", "keep one")
    else:
        ((attribute, function),) = found.items()
        if not callable(function):
            yield Fault(file, f"{attribute} is no function but {type(function).__name__}", f"write {expected(name)}")
        elif not _accepts(name, function):
            yield Fault(
                file, f"{attribute}{inspect.signature(function)} has a wrong signature", f"write {expected(name)}"
            )
        elif name not in MAY_BE_ASYNC and inspect.iscoroutinefunction(function):
            yield Fault(file, f"{attribute} must not be async", f"write {expected(name)}")
        elif name != "invoke_func" and (inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)):
            yield Fault(file, f"{attribute} must not be a generator: it would never run", f"write {expected(name)}")


def _accepts(name: str, function: Callable[..., Any]) -> bool:
    positional = [
        parameter.name
        for parameter in inspect.signature(SPECS[name]).parameters.values()
        if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    ]
    try:
        inspect.signature(function).bind(*positional)
    except TypeError:
        return False
    except ValueError:  # a function written in C that does not tell its signature
        return True
    return True
