"""What comes up by chance."""

from .letters import some_letters
from .vectors import some_vector

__all__ = ["some_letters", "some_vector"]
