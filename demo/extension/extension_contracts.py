"""What the host asks of its plugins. It belongs to the host; plugins import it, and all of them get the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


def silence(repeat: int) -> str:
    """What is heard while no plugin meows."""
    return "(nobody meows)"


@dataclass
class VaultExtension:
    """Made anew for every generation; each plugin puts its part in, in `on_init`."""

    meow: Callable[[int], str] = silence
    heard: int = 0
    """Meows of this generation."""
