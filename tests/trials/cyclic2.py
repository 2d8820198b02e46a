"""Imports cyclic1, or cyclic3, or itself, as the test wants."""

from __future__ import annotations

from typing import Any

from trials import chosen, note

STAMP = ""


class First:
    cyclic1: object


class Third:
    cyclic3: object


class Itself:
    cyclic2: object


def on_load(data: Any) -> None:
    note("cyclic2", "on_load")


def on_init(vault: Any) -> None:
    note("cyclic2", "on_init")


def on_free() -> None:
    note("cyclic2", "on_free")


def export() -> None:
    note("cyclic2", "export")


def import_() -> Any:
    note("cyclic2", "import_")
    return {"third": Third, "itself": Itself}.get(chosen(), First)()


def invoke_func(name: str, *args: Any, **kwargs: Any) -> Any:
    note("cyclic2", "invoke_func")
    return {"stamp": STAMP}[name]


def reloadable() -> bool:
    note("cyclic2", "reloadable")
    return True
