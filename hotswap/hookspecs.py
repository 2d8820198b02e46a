"""The seven functions of a plugin, declared once.

A plugin need not import this module: plain functions under these names are found by name.
"""

from __future__ import annotations

from typing import Any

import pluggy

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
def reloadable() -> bool:
    """Return False to keep this version until the process ends."""
