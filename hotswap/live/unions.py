"""The plain forms where the type is not settled by the annotation alone: unions, literals, and open positions."""

from __future__ import annotations

import collections
import enum
import typing
from collections.abc import Callable
from itertools import repeat
from typing import Any

from ..realm.ownnames import OwnName
from .annotations import KNOWN, OUR_PATH, Open, settled, spelled
from .containers import Find, at_index, at_key, at_keys, built, converted
from .faults import Misfit, Unfit, shown, unfit
from .forms import LEAVES, NONE, SCALARS, STR, Form
from .marks import MARK, disallowed, mark_of, marked, not_a, unmarked

PLAIN_KINDS = frozenset(SCALARS)
OPEN_KINDS = frozenset(
    {*LEAVES, OUR_PATH, tuple, set, frozenset, collections.deque, collections.OrderedDict, collections.Counter}
)
"""Classes of what may stand where anything may, plain or to be marked; list and dict are held as they are."""
MARKS = frozenset(spelled(kind) for kind in (*OPEN_KINDS, list))
"""All marks that may stand there, but that of dict."""


def union_form(members: list[Any], find: Find, name: str) -> Form:
    """A union: the member's own form where that tells it from all others, else marked with the member's name."""
    forms = [find(member) for member in members]
    nullable = any(form is NONE for form in forms)
    forms = [form for form in forms if form is not NONE]
    by_name = {form.name: form for form in forms}
    if len(by_name) < len(forms):
        doubled = next(form.name for form in forms if by_name[form.name] is not form)
        raise unfit(f"the members of {name} called {doubled} cannot be told apart", "rename one of the classes")
    counts = collections.Counter(kind for form in forms for kind in form.kinds)
    clear = {form.name: frozenset(kind for kind in form.kinds if counts[kind] == 1) for form in forms}

    marks = collections.Counter(form.mark for form in forms)
    by_mark = {form.mark: form for form in forms if form.mark and marks[form.mark] == 1}
    meant = {cls: sorted(forms, key=lambda form: cls not in form.classes) for form in forms for cls in form.classes}

    def hold(value: Any) -> Any:
        if value is None and nullable:
            return None
        misfits: tuple[Misfit, ...] = ()
        for form in meant.get(type(value), forms):
            try:
                plain = form.hold(value)
            except Unfit as error:
                # What is wrong inside the member that was meant says more than that the others do not fit.
                if not misfits and (type(value) in form.classes or len(forms) == 1):
                    misfits = error.misfits
            else:
                mark = mark_of(plain)
                is_clear = type(plain) in clear[form.name] if mark is None else by_mark.get(mark) is form
                return plain if is_clear else marked(form.name, plain)
        raise Unfit(*misfits) if misfits else not_a(name, value)

    def read(plain: Any, _: Any = None) -> Any:
        if plain is None and nullable:
            return None
        mark = mark_of(plain)
        if mark is not None:
            if mark in by_mark:
                return by_mark[mark].read(plain)
            if mark in by_name:
                return by_name[mark].read(plain[MARK + mark])
            raise disallowed(mark, name)
        if len(forms) == 1:
            return forms[0].read(plain)
        owner = next((form for form in forms if type(plain) in clear[form.name]), None)
        if owner is not None:
            return owner.read(plain)
        return _guessed(plain, forms, name)

    kinds = frozenset({kind for form in forms for kind in form.kinds} | {dict} | ({type(None)} if nullable else set()))
    return Form(name, hold, read, kinds)


def _guessed(plain: Any, forms: list[Form], name: str) -> Any:
    """Read data from before there was a union: there must be exactly one member that it fits."""
    found = []
    for form in forms:
        try:
            found.append((form.name, form.read(plain)))
        except Unfit:
            pass
    if len(found) == 1:
        return found[0][1]
    if not found:
        raise not_a(name, plain)
    fitting = " and ".join(member for member, _ in found)
    raise unfit(f"{shown(plain)} fits {fitting}, and does not say which it is", "say it in a migration")


def literal_form(annotation: Any, find: Find) -> Form:
    """Literal values; of enums the members' names."""
    name = spelled(annotation)
    values: dict[tuple[type, Any], Any] = {}
    for value in typing.get_args(annotation):
        plain = find(type(value)).hold(value)
        if type(value) is bytes:
            plain = unmarked(plain, "bytes")
        if type(plain) not in PLAIN_KINDS:
            raise unfit(f"{name} has what is no literal: {shown(value)}", "use an enum")
        if (type(plain), plain) in values:
            raise unfit(f"two values of {name} are both held as {plain!r}", "use an enum")
        values[type(plain), plain] = value

    def hold(value: Any) -> Any:
        for (_, plain), each in values.items():
            if type(each) is type(value) and each == value:
                return plain
        raise not_a(name, value)

    def read(plain: Any, _: Any = None) -> Any:
        plain = unmarked(plain, name)
        if type(plain) in PLAIN_KINDS and (type(plain), plain) in values:
            return values[type(plain), plain]
        raise not_a(name, plain)

    return Form(name, hold, read, frozenset(kind for kind, _ in values))


def open_form(find: Find) -> Form:
    """Where anything may stand: plain values as they are, Python's own other values marked, objects refused."""

    def hold(value: Any) -> Any:
        kind = type(value)
        if kind is OwnName:
            return STR.hold(value)
        if kind is list:
            return converted(repeat(hold), value, at_index)
        if kind is dict:
            is_plain = all(type(key) is str for key in value) and mark_of(value) is None
            keys = converted(repeat(STR.hold if is_plain else hold), value, at_key)
            pairs = zip(keys, converted(repeat(hold), value.values(), at_keys(keys)), strict=True)
            return dict(pairs) if is_plain else marked("dict", [list(pair) for pair in pairs])
        if kind not in OPEN_KINDS:
            raise unfit(_refusal(value), _way_out(value))
        form = find(kind)  # not before it is wanted: those of containers are made of this one
        plain = form.hold(value)
        return plain if kind in PLAIN_KINDS or mark_of(plain) == form.name else marked(form.name, plain)

    def read(plain: Any, _: Any = None) -> Any:
        kind = type(plain)
        if kind is list:
            return converted(repeat(read), plain, at_index)
        mark = mark_of(plain)
        if mark == "dict":
            inner = plain["!dict"]
            return read(inner) if type(inner) is dict else _read_pairs(inner, read)
        if mark is not None and mark in MARKS:
            return find(KNOWN[mark]).read(plain)
        if mark is not None:
            raise disallowed(mark, "Any")
        if kind is dict:
            return dict(zip(plain, converted(repeat(read), plain.values(), at_keys([*plain])), strict=True))
        if kind in PLAIN_KINDS:
            return plain
        raise not_a("plain value", plain)

    kinds = frozenset({*PLAIN_KINDS, list, dict})
    return Form("Any", hold, read, kinds)


def bare_form(kind: type, find: Find) -> Form:
    """`list` and `dict` that do not say what is in them."""
    inside = find(Open)

    def hold(value: Any) -> Any:
        if type(value) is not kind:
            raise not_a(kind.__name__, value)
        return inside.hold(value)

    def read(plain: Any, _: Any = None) -> Any:
        found = inside.read(plain[MARK + "list"] if mark_of(plain) == "list" else plain)
        if type(found) is not kind:
            raise not_a(kind.__name__, found)
        return found

    return Form(kind.__name__, hold, read, frozenset({kind}), frozenset({kind}), kind.__name__)


def _read_pairs(plain: Any, read: Callable[[Any], Any]) -> dict[Any, Any]:
    if type(plain) is not list or any(type(pair) is not list or len(pair) != 2 for pair in plain):
        raise not_a("list of pairs", plain)
    keys = converted(repeat(read), (key for key, _ in plain), at_key)
    values = converted(repeat(read), (value for _, value in plain), at_keys([key for key, _ in plain]))
    return built(dict, zip(keys, values, strict=True), "dict")  # type: ignore[no-any-return]


def _refusal(value: Any) -> str:
    return f"{shown(value)}, which nothing says how to make again"


def _way_out(value: Any) -> str:
    cls = type(value)
    if isinstance(value, enum.Enum) or hasattr(cls, "__annotations__"):
        return f"annotate it as {spelled(settled(cls))}, or wrap the whole with type=, e.g. type=list[{cls.__name__}]"
    return "leave it out of live data, or hold what it can be made of again"
