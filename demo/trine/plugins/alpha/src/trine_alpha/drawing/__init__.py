"""How a vector looks."""

from .vector import draw

__all__ = ["draw"]
