"""What does not fit, on its way outwards: each level puts its own part in front of the path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from cattrs.errors import ClassValidationError, IterableValidationError

from ..errors import Fault


class Misfit(NamedTuple):
    """One thing that does not fit: its path from here (`.steps[3].at`), what it is, and the way out."""

    path: str
    what: str
    way_out: str = ""

    def under(self, step: str) -> Misfit:
        """The same, seen from one level further out."""
        return self._replace(path=step + self.path)


class Unfit(Exception):
    """A value that cannot be held, or plain data that cannot be read; it refers to nothing but text."""

    def __init__(self, *misfits: Misfit) -> None:
        super().__init__()
        self.misfits = misfits


def unfit(what: str, way_out: str = "") -> Unfit:
    """The error for one thing that does not fit, right here."""
    return Unfit(Misfit("", what, way_out))


def misfits_of(error: Exception, missing: str = "") -> Iterator[Misfit]:
    """Every misfit in what cattrs gathers while it structures a class, list or mapping.

    Args:
        error: What it raised.
        missing: The way out where a field is not there.
    """
    if isinstance(error, Unfit):
        yield from error.misfits
    elif isinstance(error, ClassValidationError):
        for inner, note in error.group_exceptions()[0]:
            if isinstance(inner, KeyError):
                yield Misfit(f".{note.name}", "missing", missing)
            else:
                yield from _under(f".{note.name}", misfits_of(inner))
    elif isinstance(error, IterableValidationError):
        for inner, index in error.group_exceptions()[0]:
            yield from _under(f"[{index.index!r}]", misfits_of(inner))
    else:
        # Not a misfit: the caller's, e.g. a RecursionError.
        raise error


def _under(step: str, misfits: Iterable[Misfit]) -> Iterator[Misfit]:
    return (misfit.under(step) for misfit in misfits)


def as_faults(type_name: str, misfits: Iterable[Misfit]) -> tuple[Fault, ...]:
    """Misfits as errors carry them, named by their full paths."""
    return tuple(Fault(type_name + misfit.path, misfit.what, misfit.way_out) for misfit in misfits)


def shown(value: Any) -> str:
    """A value in a message: its text if it is one of Python's own, else only its type, whose repr may do anything."""
    if type(value) is int and value.bit_length() > 2000:  # Python writes only so many digits
        return f"an int of {value.bit_length()} bits"
    if type(value) in (type(None), bool, int, float, str):
        text = repr(value)
        return text if len(text) <= 60 else text[:57] + "..."
    return f"a {type(value).__name__}"
