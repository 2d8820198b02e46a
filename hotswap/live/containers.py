"""The plain forms of lists, tuples, sets and mappings."""

from __future__ import annotations

import collections
import collections.abc
import typing
from collections.abc import Callable, Iterable
from itertools import repeat
from types import GenericAlias
from typing import Any

from cattrs.cols import list_structure_factory, mapping_structure_factory

from .annotations import Open, settled, spelled
from .faults import Misfit, Unfit, misfits_of, unfit
from .forms import Form
from .marks import mark_of, marked, not_a, told, unmarked

Find = Callable[[Any], Form]
"""Gives the form of a type."""

ITEMS: dict[Any, Callable[[list[Any]], Any]] = {
    list: list,
    set: set,
    frozenset: frozenset,
    collections.deque: collections.deque,
}
MAPPINGS: dict[Any, Callable[[Any], Any]] = {
    dict: dict,
    collections.OrderedDict: collections.OrderedDict,
    collections.Counter: lambda items: collections.Counter(dict(items)),
}
ABSTRACT: dict[Any, tuple[Any, ...]] = {
    collections.abc.Sequence: (list, tuple),
    collections.abc.MutableSequence: (list,),
    collections.abc.Collection: (list, tuple, set, frozenset),
    collections.abc.Iterable: (list, tuple, set, frozenset),
    collections.abc.Set: (set, frozenset),
    collections.abc.MutableSet: (set,),
    collections.abc.Mapping: (dict,),
    collections.abc.MutableMapping: (dict,),
}
"""What may stand in a field of an abstract type."""


def concrete(annotation: Any) -> list[Any] | None:
    """The types that an abstract one stands for, or None if it is not abstract."""
    origin = typing.get_origin(annotation) or annotation
    if origin not in ABSTRACT:
        return None
    args = typing.get_args(annotation)
    if not args:
        return list(ABSTRACT[origin])
    return [each[(*args, ...)] if each is tuple else each[args] for each in ABSTRACT[origin]]


def converted(
    functions: Iterable[Callable[[Any], Any]], values: Iterable[Any], step: Callable[[int], str]
) -> list[Any]:
    """Each value held or read by its function.

    Raises:
        Unfit: Every misfit, with the `step` of the path that leads to the value of this index.
    """
    found: list[Any] = []
    misfits: list[Misfit] = []
    for index, (function, value) in enumerate(zip(functions, values)):  # noqa: B905 - one function may be for all
        try:
            found.append(function(value))
        except Unfit as error:
            misfits += [each.under(step(index)) for each in error.misfits]
    if misfits:
        raise Unfit(*misfits)
    return found


def at_index(index: int) -> str:
    """The step of the path to an item."""
    return f"[{index}]"


def at_key(index: int) -> str:
    """The step of the path to a key or a member of a set, of which there is nothing to show but itself."""
    return "{}"


def at_keys(keys: list[Any]) -> Callable[[int], str]:
    """The steps of the path to the values of a mapping with these keys, which are plain."""
    return lambda index: f"[{keys[index]!r}]"


class Lists:
    """Reads lists of plain data.

    Args:
        converter: Structures the items.
        declared: Makes what the converter looks a type up by.
    """

    def __init__(self, converter: Any, declared: Callable[[Any], Any]) -> None:
        self._converter = converter
        self._declared = declared

    def reader(self, item: Any, name: str) -> Callable[[Any], list[Any]]:
        """A function that reads a list of items of a type; `name` is the type's that is made of it."""
        items: Any = GenericAlias(list, (self._declared(item),))
        return _strict(list, list_structure_factory(items, self._converter), name)

    def mapping_reader(self, value: Any, name: str) -> Callable[[Any], dict[str, Any]]:
        """A function that reads a dict with str keys."""
        mapping: Any = GenericAlias(dict, (str, self._declared(value)))
        structure: Any = mapping_structure_factory(mapping, self._converter, key_type=self._declared(str))
        return _strict(dict, structure, name)


def _strict(kind: type, structure: Any, name: str) -> Callable[[Any], Any]:
    """A function of cattrs that takes plain data of exactly one kind."""

    def read(plain: Any) -> Any:
        if type(plain) is not kind:
            raise not_a(name, plain)
        return gathered(structure, plain)

    return read


def gathered(structure: Callable[[Any, Any], Any], plain: Any, missing: str = "") -> Any:
    """Call a function of cattrs; what it gathers becomes one `Unfit`.

    Raises:
        Unfit: Every misfit, and nothing else of what the function's error refers to.
    """
    try:
        return structure(plain, None)
    except ExceptionGroup as error:
        misfits = tuple(misfits_of(error, missing))
    raise Unfit(*misfits)


def built(make: Any, items: Any, name: str) -> Any:
    """The container of these items.

    Raises:
        Unfit: One of them has to be hashed, and cannot be.
    """
    try:
        return make(items)
    except Exception as error:
        # In words: `__hash__` and `__eq__` may be a plugin's.
        what = f"{type(error).__name__}: {error}"
    raise unfit(f"makes no {name}: {what}", "let its items be hashable")


def items_form(annotation: Any, find: Find, lists: Lists) -> Form:
    """list, set, frozenset, deque, and tuples of any length."""
    name = spelled(annotation)
    origin = typing.get_origin(annotation) or annotation
    args = typing.get_args(annotation)
    item = args[0] if args else Open
    hold_item, read_items = find(item).hold, lists.reader(item, name)
    make = ITEMS.get(origin, tuple)
    # Sets are always marked: a list's order, and what is twice in it, would be lost where the field is a set now.
    mark = origin.__name__ if origin in (set, frozenset) else ""

    def hold(value: Any) -> Any:
        if type(value) is not origin:
            raise not_a(name, value)
        if mark:
            # In an order of its own, so that equal sets make equal data.
            return marked(mark, sorted(converted(repeat(hold_item), value, at_key), key=repr))
        if getattr(value, "maxlen", None) is not None:
            raise unfit(f"its maxlen {value.maxlen} would be lost", "hold a list, and make the deque of it")
        return converted(repeat(hold_item), value, at_index)

    def read(plain: Any, _: Any = None) -> Any:
        items = read_items(told(plain, name, mark) if mark else unmarked(plain, name))
        return items if make is list else built(make, items, name)

    return Form(name, hold, read, frozenset() if mark else frozenset({list}), frozenset({origin}), mark)


def tuple_form(annotation: Any, find: Find) -> Form:
    """Tuples of a fixed length."""
    name = spelled(annotation)
    forms = [find(each) for each in typing.get_args(annotation)]

    def each(values: Any, functions: list[Callable[[Any], Any]]) -> list[Any]:
        if len(values) != len(forms):
            raise Unfit(Misfit("", f"has {len(values)} items and not the {len(forms)} of {name}"))
        return converted(functions, values, at_index)

    holds, reads = [form.hold for form in forms], [form.read for form in forms]

    def hold(value: Any) -> list[Any]:
        if type(value) is not tuple:
            raise not_a(name, value)
        return each(value, holds)

    def read(plain: Any, _: Any = None) -> Any:
        plain = unmarked(plain, name)
        if type(plain) is not list:
            raise not_a(name, plain)
        return tuple(each(plain, reads))

    return Form(name, hold, read, frozenset({list}), frozenset({tuple}))


def mapping_form(annotation: Any, find: Find, lists: Lists) -> Form:
    """dict and its kin: with str keys a dict, with others a list of pairs that is marked."""
    name = spelled(annotation)
    origin = typing.get_origin(annotation) or annotation
    args = typing.get_args(annotation) or (Open, Open)
    key, value = settled(args[0]), (args[1] if len(args) > 1 else int)
    hold_key, hold_value = find(key).hold, find(value).hold
    make, factory = MAPPINGS.get(origin), None
    mark = name if key is str else origin.__name__
    if origin is collections.defaultdict:
        factory = typing.get_origin(settled(value)) or settled(value)

        def make(items: Any) -> Any:
            return collections.defaultdict(factory, items)

    def pairs(value: Any) -> tuple[list[Any], list[Any]]:
        if type(value) is not origin:
            raise not_a(name, value)
        if factory is not None and value.default_factory is not factory:
            raise unfit(
                f"its default_factory is not {spelled(factory)}, which the annotation says", "annotate it as dict"
            )
        keys = converted(repeat(hold_key), value, at_key)
        return keys, converted(repeat(hold_value), value.values(), at_keys(keys))

    def as_dict(value: Any) -> dict[str, Any]:
        plain = dict(zip(*pairs(value), strict=True))
        return plain if mark_of(plain) is None else marked(mark, plain)

    def as_pairs(value: Any) -> dict[str, Any]:
        return marked(mark, [list(pair) for pair in zip(*pairs(value), strict=True)])

    read_items: Callable[[Any], Any]
    inside: Callable[[Any, str, str], Any]
    if key is str:
        hold, read_items, inside = as_dict, lists.mapping_reader(value, name), unmarked
    else:
        hold, read_items, inside = as_pairs, lists.reader(GenericAlias(tuple, (key, value)), name), told

    def read(plain: Any, _: Any = None) -> Any:
        items = read_items(inside(plain, name, mark))
        return items if type(items) is make else built(make, items, name)

    return Form(name, hold, read, frozenset({dict}) if key is str else frozenset(), frozenset({origin}), mark)
