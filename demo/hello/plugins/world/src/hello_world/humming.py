"""How world hums."""


def hum(repeat: int) -> str:
    """Return e.g. `hum hum`."""
    return " ".join(["hum"] * repeat)
