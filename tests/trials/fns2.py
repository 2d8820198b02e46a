"""Lacks three of the seven functions."""

from __future__ import annotations

from typing import Any


def on_load(data: Any) -> None: ...


def export() -> None: ...


def import_() -> None: ...


def reloadable() -> bool:
    return True
