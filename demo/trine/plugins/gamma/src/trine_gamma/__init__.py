"""Gamma is what the host calls. It needs beta, and uses delta if there is one."""

from typing import Any

from .needs import Needs, needs
from .pulse import pulse


def reloadable() -> bool:
    return True


def export() -> None:
    return None


def import_() -> Needs:
    return needs


def on_load(data: Any) -> None:
    pass


def on_init(vault: Any) -> None:
    pass


def on_free() -> None:
    pass


def invoke_func(name: str, *args: Any, **kwargs: Any) -> Any:
    match name:
        case "pulse":
            return pulse(*args, **kwargs)
        case _:
            raise LookupError(f"gamma has no function {name!r}: there is pulse")
