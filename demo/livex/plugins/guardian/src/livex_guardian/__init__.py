"""Guardian queues jobs of two kinds: a live function with its data, and a live object that does itself."""

from typing import Any

from .watching import watch


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
    match name:
        case "watch":
            return watch(*args)
        case _:
            raise LookupError(f"guardian has no function {name!r}: there is watch")
