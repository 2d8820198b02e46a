"""Not reloadable."""

from __future__ import annotations

from typing import Any

from trials import note

STAMP = ""


def on_load(data: Any) -> None:
    note("stubborn", "on_load")


def on_init(vault: Any) -> None:
    note("stubborn", "on_init")


def on_free() -> None:
    note("stubborn", "on_free")


def export() -> None:
    note("stubborn", "export")


def import_() -> Any:
    note("stubborn", "import_")
    return None


def invoke_func(name: str, *args: Any, **kwargs: Any) -> Any:
    note("stubborn", "invoke_func")
    return {"stamp": STAMP}[name]


def reloadable() -> bool:
    note("stubborn", "reloadable")
    return False
