"""The brackets around a vector."""

LEFT, RIGHT = "()"
