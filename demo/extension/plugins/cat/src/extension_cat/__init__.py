"""Cat meows. The host does not call it by a name, but by what it puts into the vault's extension."""

from typing import Any

from .meowing import meow


def reloadable() -> bool:
    return True


def export() -> None:
    return None


def import_() -> None:
    return None


def on_load(data: Any) -> None:
    pass


def on_init(vault: Any) -> None:
    vault.extension.meow = meow


def on_free() -> None:
    pass


def invoke_func(name: str, *args: Any, **kwargs: Any) -> Any:
    raise LookupError(f"cat has no function {name!r}: it extends the vault")
