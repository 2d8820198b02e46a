"""The seven functions of a plugin, and the pair that hands over state, declared once.

A plugin need not import this module: plain functions under these names are found by name.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Container, Iterator
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


@hookspec
def on_handover() -> Any:
    """Return what the successor goes on with, and let go of what only one can have; the swap follows at once.

    Called on the version that goes, when the one that comes has run `on_load` and `on_init`. Calls in flight go on.
    """


@hookspec
def on_takeover(data: Any, from_version: str) -> None:
    """Go on with what `on_handover` of another version returned.

    If the change then fails, the version that came hands over in its turn, and the one that goes on takes over from it;
    or, if the new one had not taken over, it gets what it had handed over itself.
    """


# ------------------------------------------------------------------------------------ finding them in a plugin


@dataclass(frozen=True, slots=True)
class Hooks:
    """The functions of one plugin, ready to be called by position."""

    on_load: Callable[[Any], Any]
    on_init: Callable[[Any], Any]
    on_free: Callable[[], Any]
    export: Callable[[], Any]
    import_: Callable[[], Any]
    invoke_func: Callable[..., Any]
    reloadable: Callable[[], Any]
    on_handover: Callable[[], Any] | None = None
    on_takeover: Callable[[Any, str], Any] | None = None


SPECS: dict[str, Callable[..., Any]] = {
    spec.__name__: spec for spec in (on_load, on_init, on_free, export, import_, invoke_func, reloadable)
}
"""The seven that every plugin has."""
PAIR: dict[str, Callable[..., Any]] = {spec.__name__: spec for spec in (on_handover, on_takeover)}
"""A plugin has both or neither."""
ALL_SPECS = {**SPECS, **PAIR}
MAY_BE_ASYNC = frozenset({"on_load", "on_init", "on_free", "invoke_func", *PAIR})

_pluggy = pluggy.PluginManager(PROJECT)


def required(bound: Container[str]) -> tuple[str, ...]:
    """The functions that a plugin must have, given the names that it has."""
    return (*SPECS, *(PAIR if any(name in bound for name in PAIR) else ()))


def misspelt(target: object) -> Iterator[tuple[str, str]]:
    """Functions that are called almost like one of the optional pair, and which of the two may be meant."""
    for found in dir(target):
        if found.startswith("on_") and found not in ALL_SPECS:
            for meant in difflib.get_close_matches(found, PAIR, n=1, cutoff=0.8):
                yield found, meant


def expected(name: str) -> str:
    """How a plugin writes one of the functions, e.g. `on_load(data)`."""
    parameters = inspect.signature(ALL_SPECS[name]).parameters.values()
    plain = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]
    return f"def {name}{inspect.Signature(plain)}"


def collect_hooks(plugin: str, target: object, file: str) -> Hooks:
    """Find the functions in the module or object that an entry point names.

    pluggy's own `register` is not used for this: it stays silent about what is missing, stops at the first that is
    wrong, ties parameters to the names in the specs, and its error holds the plugin.

    Raises:
        ContractError: Functions are missing, doubled, or cannot be called as specified; all of them are listed.
    """
    implementations: dict[str, dict[str, Any]] = {}
    for attribute in dir(target):
        if isinstance(inspect.getattr_static(type(target), attribute, None), property):
            continue  # pluggy would run it
        marked = _pluggy.parse_hookimpl_opts(target, attribute)
        name = (marked["specname"] if marked is not None else None) or attribute
        if name in ALL_SPECS and (marked is not None or attribute == name):
            implementations.setdefault(name, {})[attribute] = getattr(target, attribute)

    faults = [
        fault for name in required(implementations) for fault in _faults(name, implementations.get(name, {}), file)
    ]
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
        for parameter in inspect.signature(ALL_SPECS[name]).parameters.values()
        if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    ]
    try:
        inspect.signature(function).bind(*positional)
    except TypeError:
        return False
    except ValueError:  # a function written in C that does not tell its signature
        return True
    return True
