"""Keys of a dict that come before an entry of the same name, and how they are put there unseen."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from functools import partial
from itertools import compress
from typing import Any

_ABSENT: Any = object()


class InertKey(str):
    """A key that equals nothing but itself, without any Python code being run to find out."""

    plain: str
    prefix: str | None = None
    """The realm's, where the name is not the realm's own, but one by which a module enters itself."""

    __hash__ = str.__hash__
    __eq__ = object.__eq__

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str.__str__(self),)  # for who sends a list of `sys.modules` somewhere


def put_first(
    table: dict[Any, Any], key: InertKey, value: Any, same: Iterable[InertKey], *, instead: bool = False
) -> None:
    """Put a key into a dict before any other that equals the same name.

    All of it happens inside one call of a C function that runs no Python code, so that no other thread can run in
    between and miss the host's entry: the keys are inert meanwhile, and `dict.update` takes their hashes as they are.
    (Only an audit hook in Python is told of each step; a thread that runs meanwhile misses the keys.)

    Args:
        table: The dict.
        key: Not in it yet.
        value: What it has there.
        same: All others in it that may equal the name.
        instead: The entry that has the name itself goes.
    """
    entry = {key: value}
    taken: list[Any] = []
    hosts = compress(zip([key.plain], taken), map(partial(operator.is_not, _ABSENT), taken))  # noqa: B905 - read later
    steps = [
        *(partial(setattr, each, "__class__", InertKey) for each in (key, *same)),
        partial(taken.extend, map(table.pop, [key.plain], [_ABSENT])),
        partial(table.update, entry),
        *(() if instead else (partial(table.update, hosts),)),
        *(partial(setattr, each, "__class__", type(each)) for each in (key, *same)),
    ]
    list(map(operator.call, steps))
