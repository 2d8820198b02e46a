"""One vector from two."""

from trine_contracts import Vector


def combine(a: Vector, b: Vector) -> tuple[str, Vector]:
    """Return the sign of the operation, and its result."""
    return "+", Vector(a.x + b.x, a.y + b.y)
