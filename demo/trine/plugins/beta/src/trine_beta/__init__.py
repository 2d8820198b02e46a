"""Beta calculates. It needs alpha; gamma uses its export."""

from typing import Any

from trine_contracts import BetaExport

from .exports import Beta
from .needs import Needs, needs


def reloadable() -> bool:
    return True


def export() -> BetaExport:
    return Beta()


def import_() -> Needs:
    return needs


def on_load(data: Any) -> None:
    pass


def on_init(vault: Any) -> None:
    pass


def on_free() -> None:
    pass


def invoke_func(name: str, *args: Any, **kwargs: Any) -> Any:
    raise LookupError(f"beta has no function {name!r}: it only exports")
