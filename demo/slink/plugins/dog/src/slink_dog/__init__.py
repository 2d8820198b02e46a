"""Dog barks. Its modules are imported in a realm of their own, or plainly: it cannot tell, and need not."""

from typing import Any

from .barking import live_woof as live_woof  # so that it is imported, and its live functions are found


def reloadable() -> bool:
    return True


def export() -> None:
    return None


def import_() -> None:
    return None


def on_load(data: Any) -> None:
    pass


def on_init(vault: Any) -> None:
    pass


def on_free() -> None:
    pass


def invoke_func(name: str, *args: Any, **kwargs: Any) -> Any:
    raise LookupError(f"dog has no function {name!r}: there is the live function live_woof")
