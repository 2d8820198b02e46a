"""How dog barks."""


def live_woof(repeat: int) -> str:
    """Return e.g. `woof woof`. By its prefix it is a live function, which is in the vault."""
    sound = "woof"
    return " ".join([sound] * repeat)
