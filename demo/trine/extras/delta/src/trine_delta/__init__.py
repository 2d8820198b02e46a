"""Delta counts. Nobody needs it, and gamma uses it if it is there."""

from typing import Any

from trine_contracts import DeltaExport

from .exports import Delta


def reloadable() -> bool:
    return True


def export() -> DeltaExport:
    return Delta()


def import_() -> None:
    return None


def on_load(data: Any) -> None:
    pass


def on_init(vault: Any) -> None:
    pass


def on_free() -> None:
    pass


def invoke_func(name: str, *args: Any, **kwargs: Any) -> Any:
    raise LookupError(f"delta has no function {name!r}: it only exports")
