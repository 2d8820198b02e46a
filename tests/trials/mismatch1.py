"""Takes arya's export for what snow's is."""

from __future__ import annotations

from typing import Any

from trials import note
from trials.exports import SnowExport

STAMP = ""


class Deps:
    arya: SnowExport


deps = Deps()


def on_load(data: Any) -> None:
    note("mismatch1", "on_load")


def on_init(vault: Any) -> None:
    note("mismatch1", "on_init")


def on_free() -> None:
    note("mismatch1", "on_free")


def export() -> None:
    note("mismatch1", "export")


def import_() -> Any:
    note("mismatch1", "import_")
    return deps


def invoke_func(name: str, *args: Any, **kwargs: Any) -> Any:
    note("mismatch1", "invoke_func")
    return {"stamp": STAMP}[name]


def reloadable() -> bool:
    note("mismatch1", "reloadable")
    return True
