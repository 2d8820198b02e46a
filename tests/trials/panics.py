"""Raises in whichever of its functions the test wants."""

from __future__ import annotations

from typing import Any

from trials import note

STAMP = ""


def on_load(data: Any) -> None:
    note("panics", "on_load")


def on_init(vault: Any) -> None:
    note("panics", "on_init")


def on_free() -> None:
    note("panics", "on_free")


def export() -> None:
    note("panics", "export")


def import_() -> Any:
    note("panics", "import_")
    return None


def invoke_func(name: str, *args: Any, **kwargs: Any) -> Any:
    note("panics", "invoke_func")
    return {"stamp": STAMP}[name]


def reloadable() -> bool:
    note("panics", "reloadable")
    return True
