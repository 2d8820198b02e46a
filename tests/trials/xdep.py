"""Imports whatever the test wants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import hotswap
from trials import chosen, note
from trials.exports import AryaExport, ImportallExport, SnowExport, UnknownExport

STAMP = ""


class Both:
    importall: ImportallExport
    arya: AryaExport


class Mini:
    arya: AryaExport


@dataclass
class Ignore:
    importall: ImportallExport = None  # type: ignore[assignment]
    arya: AryaExport = None  # type: ignore[assignment]
    typo: UnknownExport = hotswap.ignore(default="untouched")  # noqa: RUF009 - makes a dataclass field


class Order:
    arya: None


@dataclass
class Nothing:
    """No attribute: no import."""


class Unknown:
    typo: UnknownExport


class Stark:
    arya: AryaExport
    snow: SnowExport


KINDS = {kind.__name__.lower(): kind for kind in (Mini, Ignore, Order, Nothing, Unknown, Stark)}
deps: Any = None


def on_load(data: Any) -> None:
    note("xdep", "on_load")


def on_init(vault: Any) -> None:
    note("xdep", "on_init")


def on_free() -> None:
    note("xdep", "on_free")


def export() -> None:
    note("xdep", "export")


def import_() -> Any:
    global deps
    note("xdep", "import_")
    if chosen() == "class":
        return Both
    deps = object() if chosen() == "nameless" else KINDS.get(chosen(), Both)()
    return deps


def invoke_func(name: str, *args: Any, **kwargs: Any) -> Any:
    note("xdep", "invoke_func")
    return {"stamp": STAMP, "which": type(deps).__name__, "bound": vars(deps)}[name]


def reloadable() -> bool:
    note("xdep", "reloadable")
    return chosen() != "not-reloadable"
