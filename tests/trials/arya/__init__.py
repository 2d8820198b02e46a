"""Exports, has live functions and types in several modules and values to look up, and imports nothing."""

from __future__ import annotations

import json
from typing import Any

from trials import note

from . import needle, shared
from .needle import live_anyone as live_anyone

STAMP = ""
BLOWS = 100
SAME_BLOWS = [BLOWS]


class Export:
    def greet(self) -> str:
        return "arya greets"

    def sneak(self) -> str:
        return "arya sneaks"


def on_load(data: Any) -> None:
    note("arya", "on_load")


def on_init(vault: Any) -> None:
    note("arya", "on_init")
    shared.vault = vault
    shared.seen = (sorted(vault.live_funcs), sorted(vault.live_types))
    vault.data_bag["arya"] = "initialised"


def on_free() -> None:
    note("arya", "on_free")


def export() -> Export:
    note("arya", "export")
    return Export()


def import_() -> None:
    note("arya", "import_")


def invoke_func(name: str, *args: Any, **kwargs: Any) -> Any:
    note("arya", "invoke_func")
    if name == "polish":
        return needle.polish(*args)
    if name == "seen":
        return shared.seen
    if name in shared.vault.live_funcs:
        return shared.vault.live_funcs[name](*args, **kwargs)
    if name in shared.vault.live_types:
        return shared.vault.live_types[name](**json.loads(args[0])).handle()
    raise LookupError(f"arya has no function {name}")


def reloadable() -> bool:
    note("arya", "reloadable")
    return True


def live_not_today(name: str) -> str:
    return f"not today, {name}"
