"""Vectors by chance."""

import random

from trine_contracts import Vector


def some_vector() -> Vector:
    """Return a vector with coordinates from 0 to 9."""
    return Vector(random.randrange(10), random.randrange(10))
