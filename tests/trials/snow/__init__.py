"""Exports, and keeps the host's data."""

from __future__ import annotations

from typing import Any

from trials import note

STAMP = ""
received: list[Any] = []


class Export:
    def greet(self) -> str:
        return "snow greets"

    def sword(self) -> str:
        return "snow has a sword"


class LiveLongclaw:
    """A live type that shadow2 has too."""


def on_load(data: Any) -> None:
    note("snow", "on_load")
    received.append(data)


def on_init(vault: Any) -> None:
    note("snow", "on_init")
    vault.data_bag["snow"] = "initialised"


def on_free() -> None:
    note("snow", "on_free")


def export() -> Export:
    note("snow", "export")
    return Export()


def import_() -> None:
    note("snow", "import_")


def invoke_func(name: str, *args: Any, **kwargs: Any) -> Any:
    note("snow", "invoke_func")
    return {"received": received, "stamp": STAMP}[name]


def reloadable() -> bool:
    note("snow", "reloadable")
    return True
