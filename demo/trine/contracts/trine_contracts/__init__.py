"""What the host and the plugins of trine agree on.

It lives in the host, never in a plugin: host and plugins share one copy of it, for as long as the program runs. What
crosses between plugins, or goes back to the host, is made of these types alone, so that a value that somebody keeps
does not keep the plugin that made it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Vector:
    """A point of the plane with whole coordinates."""

    x: int
    y: int


@dataclass(frozen=True)
class Said:
    """What one plugin contributed to an answer."""

    plugin: str
    version: str
    text: str

    def __str__(self) -> str:
        return f"{self.plugin} {self.version}: {self.text}"


class AlphaExport(Protocol):
    """Draws."""

    def one(self, text: str, vector: Vector) -> Said:
        """Draw a named vector."""
        ...


class BetaExport(Protocol):
    """Calculates, and has alpha draw the result."""

    def two(self, text1: str, vector1: Vector, text2: str, vector2: Vector) -> list[Said]:
        """Combine two named vectors; the last to speak is alpha."""
        ...


class DeltaExport(Protocol):
    """Counts. Nobody needs it, and gamma uses it if it is there."""

    def three(self, said: list[Said]) -> Said:
        """Count what the others said."""
        ...


Meanwhile = Callable[[], object]
"""What a call does in its middle, e.g. wait: that is how the tour keeps a call in flight across a reload."""
