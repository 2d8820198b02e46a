"""World hums. These are the seven functions that every plugin has, and when they are called."""

import logging
from importlib.metadata import version
from typing import Any

from .humming import hum

VERSION = version("hello-world")
"""Of this copy: while two versions of the plugin are in memory, each reads its own."""

log = logging.getLogger(__name__)


def reloadable() -> bool:
    """Whether another version may take this one's place."""
    return True


def export() -> None:
    """What other plugins may use of this one."""


def import_() -> None:
    """What this plugin needs of others."""


def on_load(data: Any) -> None:
    """First of all, with what the host gave to `load`."""
    log.info("world %s: on_load", VERSION)


def on_init(vault: Any) -> None:
    """When all plugins have loaded, with what they share."""
    log.info("world %s: on_init", VERSION)


def on_free() -> None:
    """Last of all, when no call is left in this version."""
    log.info("world %s: on_free", VERSION)


def invoke_func(name: str, *args: Any, **kwargs: Any) -> Any:
    """The host's way in."""
    match name:
        case "hum":
            log.info("world %s: %s", VERSION, hum(*args))
        case _:
            raise LookupError(f"world has no function {name!r}: there is hum")
