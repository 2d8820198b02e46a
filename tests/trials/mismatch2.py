"""Has two functions of the wrong signature."""

from __future__ import annotations

from typing import Any

from trials import note

STAMP = ""


def on_load() -> None:
    note("mismatch2", "on_load")


def on_init(vault: Any) -> None:
    note("mismatch2", "on_init")


def on_free() -> None:
    note("mismatch2", "on_free")


def export() -> None:
    note("mismatch2", "export")


def import_() -> Any:
    note("mismatch2", "import_")
    return None


def invoke_func() -> Any:
    note("mismatch2", "invoke_func")
    return STAMP


def reloadable() -> bool:
    note("mismatch2", "reloadable")
    return True
