"""Has a live type of the same name as one of snow's."""

from __future__ import annotations

from typing import Any

from trials import note

STAMP = ""


def on_load(data: Any) -> None:
    note("shadow2", "on_load")


def on_init(vault: Any) -> None:
    note("shadow2", "on_init")


def on_free() -> None:
    note("shadow2", "on_free")


def export() -> None:
    note("shadow2", "export")


def import_() -> Any:
    note("shadow2", "import_")
    return None


def invoke_func(name: str, *args: Any, **kwargs: Any) -> Any:
    note("shadow2", "invoke_func")
    return {"stamp": STAMP}[name]


def reloadable() -> bool:
    note("shadow2", "reloadable")
    return True


class LiveLongclaw: ...
