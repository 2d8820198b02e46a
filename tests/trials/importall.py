"""Imports two plugins and exports what they say; other sets of imports as the test wants."""

from __future__ import annotations

from typing import Any, ClassVar

from trials import chosen, note
from trials.exports import AryaExport, SnowExport

STAMP = ""


class Both:
    arya: AryaExport
    snow: SnowExport
    _bran: object
    house: ClassVar[str] = "stark"


class Mini:
    arya: AryaExport


class Stark:
    arya: AryaExport
    snow: SnowExport
    xdep: None


class Panics:
    panics: None


deps: Any = None


class Export:
    def what_the_others_say(self) -> list[str]:
        return [deps.arya.greet(), deps.arya.sneak(), deps.snow.greet(), deps.snow.sword()]


def on_load(data: Any) -> None:
    note("importall", "on_load")


def on_init(vault: Any) -> None:
    note("importall", "on_init")


def on_free() -> None:
    note("importall", "on_free")


def export() -> Export:
    note("importall", "export")
    return Export()


def import_() -> Any:
    global deps
    note("importall", "import_")
    wanted = chosen()
    deps = (
        Panics if "panics" in wanted else Mini if "mini" in wanted else Stark if wanted in ("stark", "mutual") else Both
    )()
    return deps


def invoke_func(name: str, *args: Any, **kwargs: Any) -> Any:
    note("importall", "invoke_func")
    if name == "stamp":
        return STAMP
    if name == "which":
        return type(deps).__name__
    raise LookupError(f"importall has no function {name}")


def reloadable() -> bool:
    note("importall", "reloadable")
    return True
