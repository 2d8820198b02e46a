"""Greetings in several languages."""

from .greeter import Greeter

__all__ = ["Greeter"]
