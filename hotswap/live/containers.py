"""The plain forms of lists, tuples, sets and mappings."""

from __future__ import annotations

import collections
import collections.abc
import typing
from collections.abc import Callable, Iterable
from types import GenericAlias
from typing import Any

from cattrs.cols import list_structure_factory, mapping_structure_factory

from .annotations import Open, settled, spelled
from .faults import Misfit, Unfit, misfits_of
from .forms import Form, not_a, unmarked

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


def held(values: Iterable[tuple[str, Any, Callable[[Any], Any]]]) -> list[Any]:
    """Each value held; every misfit is told with its step of the path."""
    plain: list[Any] = []
    misfits: list[Misfit] = []
    for step, value, hold in values:
        try:
            plain.append(hold(value))
        except Unfit as error:
            misfits += [each.under(step) for each in error.misfits]
    if misfits:
        raise Unfit(*misfits)
    return plain


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
        structure: Any = list_structure_factory(items, self._converter)

        def read(plain: Any) -> list[Any]:
            plain = unmarked(plain, name)
            if type(plain) is not list:
                raise not_a(name, plain)
            return list(gathered(structure, plain))

        return read

    def mapping_reader(self, value: Any, name: str) -> Callable[[Any], dict[str, Any]]:
        """A function that reads a dict with str keys."""
        mapping: Any = GenericAlias(dict, (str, self._declared(value)))
        structure: Any = mapping_structure_factory(mapping, self._converter, key_type=self._declared(str))

        def read(plain: Any) -> dict[str, Any]:
            plain = unmarked(plain, name)
            if type(plain) is not dict:
                raise not_a(name, plain)
            return dict(gathered(structure, plain))

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
        Unfit: One of them cannot be hashed and has to be.
    """
    try:
        return make(items)
    except TypeError as error:
        what = str(error)
    raise Unfit(Misfit("", f"makes no {name}: {what}"))


def items_form(annotation: Any, find: Find, lists: Lists) -> Form:
    """list, set, frozenset, deque, and tuples of any length."""
    name = spelled(annotation)
    origin = typing.get_origin(annotation) or annotation
    args = typing.get_args(annotation)
    item = args[0] if args else Open
    hold_item, read_items = find(item).hold, lists.reader(item, name)
    make = ITEMS.get(origin, tuple)
    is_set = origin in (set, frozenset)

    def hold(value: Any) -> list[Any]:
        if type(value) is not origin:
            raise not_a(name, value)
        if is_set:
            # In an order of its own, so that equal sets make equal data.
            return sorted(held(("{}", each, hold_item) for each in value), key=repr)
        return held((f"[{index}]", each, hold_item) for index, each in enumerate(value))

    def read(plain: Any) -> Any:
        return built(make, read_items(plain), name)

    return Form(name, hold, read, frozenset({list}), lambda value: type(value) is origin)


def tuple_form(annotation: Any, find: Find) -> Form:
    """Tuples of a fixed length."""
    name = spelled(annotation)
    forms = [find(each) for each in typing.get_args(annotation)]

    def each(values: Any, functions: list[Callable[[Any], Any]]) -> list[Any]:
        if len(values) != len(forms):
            raise Unfit(Misfit("", f"has {len(values)} items and not the {len(forms)} of {name}"))
        steps = (f"[{index}]" for index in range(len(forms)))
        return held(zip(steps, values, functions, strict=True))

    holds, reads = [form.hold for form in forms], [form.read for form in forms]

    def hold(value: Any) -> list[Any]:
        if type(value) is not tuple:
            raise not_a(name, value)
        return each(value, holds)

    def read(plain: Any) -> Any:
        plain = unmarked(plain, name)
        if type(plain) is not list:
            raise not_a(name, plain)
        return tuple(each(plain, reads))

    return Form(name, hold, read, frozenset({list}), lambda value: type(value) is tuple)


def mapping_form(annotation: Any, find: Find, lists: Lists) -> Form:
    """dict and its kin: with str keys a dict, with others a list of pairs."""
    name = spelled(annotation)
    origin = typing.get_origin(annotation) or annotation
    args = typing.get_args(annotation) or (Open, Open)
    key, value = settled(args[0]), (args[1] if len(args) > 1 else int)
    hold_key, hold_value = find(key).hold, find(value).hold
    make, factory = MAPPINGS.get(origin), None
    if origin is collections.defaultdict:
        factory = typing.get_origin(settled(value)) or settled(value)

        def make(items: Any) -> Any:
            return collections.defaultdict(factory, items)

    def items(value: Any) -> Any:
        if type(value) is not origin:
            raise not_a(name, value)
        if factory is not None and value.default_factory is not factory:
            raise Unfit(Misfit("", f"its default_factory is not {spelled(factory)}, which the annotation says"))
        return value.items()

    def as_dict(value: Any) -> dict[str, Any]:
        pairs = list(items(value))
        keys = held(("{}", each, hold_key) for each, _ in pairs)
        return dict(zip(keys, held((f"[{each!r}]", inner, hold_value) for each, inner in pairs), strict=True))

    def as_pairs(value: Any) -> list[list[Any]]:
        pairs = list(items(value))
        keys = held(("{}", each, hold_key) for each, _ in pairs)
        # Not by the key, whose repr may do anything.
        values = held((f"[{plain!r}]", inner, hold_value) for plain, (_, inner) in zip(keys, pairs, strict=True))
        return [list(pair) for pair in zip(keys, values, strict=True)]

    if key is str:
        read_dict = lists.mapping_reader(value, name)
        hold, read, kind = as_dict, lambda plain: built(make, read_dict(plain), name), dict
    else:
        read_pairs = lists.reader(GenericAlias(tuple, (key, value)), name)
        hold, read, kind = as_pairs, lambda plain: built(make, read_pairs(plain), name), list  # type: ignore[assignment]
    return Form(name, hold, read, frozenset({kind}), lambda value: type(value) is origin)
