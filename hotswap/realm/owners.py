"""Which plugin version a module belongs to."""

from __future__ import annotations

from ..model import Manifest
from .territory import PARENT

_OWNERS: dict[str, Manifest] = {}
"""Full name of a realm's package, or of a package of the host's -> what lives in it."""


def claim(name: str, manifest: Manifest) -> None:
    """The module or package of this name, and all inside it, belongs to a plugin."""
    _OWNERS[name] = manifest


def release(name: str) -> None:
    """It belongs to nobody any more."""
    _OWNERS.pop(name, None)


def is_realms(module: str) -> bool:
    """True for the full name of a module in a realm, also after the realm has been closed."""
    return module.startswith(PARENT + ".")


def owner_of(module: str) -> Manifest | None:
    """The plugin version that a module belongs to, by its full name; None for the host's own."""
    while module:
        if (found := _OWNERS.get(module)) is not None:
            return found
        module = module.rpartition(".")[0]
    return None
