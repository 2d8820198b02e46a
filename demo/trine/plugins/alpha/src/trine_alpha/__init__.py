"""Alpha draws. It needs no other plugin; beta uses its export."""

from typing import Any

from trine_contracts import AlphaExport

from .exports import Alpha


def reloadable() -> bool:
    return True


def export() -> AlphaExport:
    return Alpha()


def import_() -> None:
    return None


def on_load(data: Any) -> None:
    pass


def on_init(vault: Any) -> None:
    pass


def on_free() -> None:
    pass


def invoke_func(name: str, *args: Any, **kwargs: Any) -> Any:
    raise LookupError(f"alpha has no function {name!r}: it only exports")
