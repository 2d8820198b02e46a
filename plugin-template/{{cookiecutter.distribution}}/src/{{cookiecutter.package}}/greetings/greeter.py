"""Somebody who greets."""

from .phrases import PHRASES


class Greeter:
    """Greets one name, and counts how often."""

    def __init__(self) -> None:
        self.name = ""
        self._count = 0

    def greet(self, language: str = "en") -> str:
        """Return a greeting in a language.

        Raises:
            KeyError: The language is not known.
        """
        phrase = PHRASES[language]
        self._count += 1
        return f"{phrase}, {self.name}!"

    def count(self) -> int:
        """Return how many greetings this version of the plugin has given."""
        return self._count
