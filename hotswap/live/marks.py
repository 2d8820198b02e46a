"""Marks: plain data that says which type it has, `{"!datetime": "2024-05-01T12:00:00"}`."""

from __future__ import annotations

from typing import Any

from .faults import Unfit, shown, unfit

MARK = "!"
"""Begins the only key of a dict that says which type its value has."""


def marked(name: str, plain: Any) -> dict[str, Any]:
    """Plain data that says what it is."""
    return {MARK + name: plain}


def mark_of(plain: Any) -> str | None:
    """The name that marked plain data carries, or None."""
    if type(plain) is dict and len(plain) == 1:
        (key,) = plain
        if key.startswith(MARK):
            return str(key[len(MARK) :])
    return None


def unmarked(plain: Any, name: str, mark: str = "") -> Any:
    """What is inside of a type's own marks.

    Args:
        plain: Plain data, marked or not.
        name: The type's, by which a union marks it.
        mark: The one that its values always have, if there is such a one and it is not the name.

    Raises:
        Unfit: It is marked as another type.
    """
    if (found := mark_of(plain)) is None:
        return plain
    if found not in (name, mark):
        raise disallowed(found, name)
    inner = plain[MARK + found]
    # The union's own mark is around the other.
    return inner[MARK + mark] if found != mark and mark_of(inner) == mark else inner


def told(plain: Any, name: str, mark: str) -> Any:
    """What is inside of the mark that values of a type always have.

    Raises:
        Unfit: It has none, or another's.
    """
    inner = unmarked(plain, name, mark)
    if inner is plain or (name != mark and inner is plain.get(MARK + name)):
        raise unfit(f"{shown(plain)} is no {name}", f'a {mark} is written {{"{MARK}{mark}": ...}}')
    return inner


def disallowed(mark: str, name: str) -> Unfit:
    """The error for what is marked as a type that is not asked for."""
    return unfit(f"holds {_with_article(mark)}, which {name} does not allow", "say in a migration what becomes of it")


def _with_article(name: str) -> str:
    return f"{'an' if name[:1] in 'aeiouAEIO' else 'a'} {name}"


def not_a(name: str, value: Any) -> Unfit:
    """The error for a value of another type."""
    return unfit(f"{shown(value)} is no {name}")
