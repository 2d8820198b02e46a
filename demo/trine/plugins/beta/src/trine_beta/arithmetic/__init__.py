"""What can be done with two vectors."""

from .combining import combine

__all__ = ["combine"]
