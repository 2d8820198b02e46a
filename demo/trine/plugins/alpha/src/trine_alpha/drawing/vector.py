"""A vector as text."""

from trine_contracts import Vector

from .style import LEFT, RIGHT


def draw(text: str, vector: Vector) -> str:
    """Return e.g. `KQ(3, 4)`."""
    return f"{text}{LEFT}{vector.x}, {vector.y}{RIGHT}"
