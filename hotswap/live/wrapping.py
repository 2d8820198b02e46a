"""Wrapping and unwrapping: from an object to data, and back by the newest type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar, overload

from ..errors import LiveDataError
from .data import Data

# cattrs and what is built upon it are imported by the first wrap or unwrap: the command line needs none of it.

T = TypeVar("T")


class HasLiveTypes(Protocol):
    """Something that knows the newest type of each name: a vault."""

    @property
    def live_types(self) -> Mapping[str, type]:
        """Name -> class."""
        ...


def wrap(value: Any, type: Any = None) -> Data:
    """Hold a value as data that outlives its code.

    Args:
        value: An object of a dataclass, an attrs class, a class with annotations, a named tuple, an enum, or one of
            Python's own values.
        type: Its type, where the value alone does not tell: `wrap(jobs, type=list[Live_Job])`.

    Raises:
        LiveDataError: Something in it cannot be held without loss; everything that is found is listed, by its path.
    """
    from .holding import held

    done = held(value, type)
    del value, type  # a stored error keeps this frame
    if isinstance(done, LiveDataError):
        raise done
    return done


@overload
def unwrap(data: Data, into: type[T]) -> T: ...


@overload
def unwrap(data: Data, into: HasLiveTypes | Mapping[str, Any] | Any) -> Any: ...


def unwrap(data: Data, into: Any) -> Any:
    """Make an object of live data, by the newest version of its type.

    Args:
        data: What `wrap` returned, in this or another process, under this or another version.
        into: The type; or a vault, or a mapping of names to types, in which the type of the data's name is taken.

    Raises:
        LiveDataError: There is no type of that name, or the data does not fit it; every misfit is listed, and the error
            has the `data`.
    """
    from .holding import Failed, read

    done = read(data, into)
    del into  # a stored error keeps this frame
    if isinstance(done, Failed):
        raise done.error
    return done
