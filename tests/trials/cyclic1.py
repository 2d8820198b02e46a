"""Imports cyclic2."""

from __future__ import annotations

from typing import Any

from trials import note

STAMP = ""


class Deps:
    cyclic2: object


deps = Deps()


def on_load(data: Any) -> None:
    note("cyclic1", "on_load")


def on_init(vault: Any) -> None:
    note("cyclic1", "on_init")


def on_free() -> None:
    note("cyclic1", "on_free")


def export() -> None:
    note("cyclic1", "export")


def import_() -> Any:
    note("cyclic1", "import_")
    return deps


def invoke_func(name: str, *args: Any, **kwargs: Any) -> Any:
    note("cyclic1", "invoke_func")
    return {"stamp": STAMP}[name]


def reloadable() -> bool:
    note("cyclic1", "reloadable")
    return True
