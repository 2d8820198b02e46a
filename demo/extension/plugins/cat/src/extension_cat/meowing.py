"""How cat meows."""

from importlib.metadata import version

VERSION = version("extension-cat")
"""Of this copy: while two versions of the plugin are in memory, each reads its own."""


def meow(repeat: int) -> str:
    """Return e.g. `cat 1.0: meow meow`."""
    return f"cat {VERSION}: " + " ".join(["meow"] * repeat)
