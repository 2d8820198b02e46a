"""Has a live function of the same name as one of arya's."""

from __future__ import annotations

from typing import Any

from trials import note

STAMP = ""


def on_load(data: Any) -> None:
    note("shadow1", "on_load")


def on_init(vault: Any) -> None:
    note("shadow1", "on_init")


def on_free() -> None:
    note("shadow1", "on_free")


def export() -> None:
    note("shadow1", "export")


def import_() -> Any:
    note("shadow1", "import_")
    return None


def invoke_func(name: str, *args: Any, **kwargs: Any) -> Any:
    note("shadow1", "invoke_func")
    return {"stamp": STAMP}[name]


def reloadable() -> bool:
    note("shadow1", "reloadable")
    return True


def live_not_today() -> None: ...
