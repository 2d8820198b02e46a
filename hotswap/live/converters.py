"""Converters: which type has which form, and where that is remembered.

One converter for the host's classes, and one for each realm, which lives in the realm's own builtins and dies with it:
nothing else remembers a plugin's class.
"""

from __future__ import annotations

import collections
import enum
import sys
import typing
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import cattrs

from .annotations import KNOWN, Open, is_union, settled, spelled
from .containers import ITEMS, MAPPINGS, Lists, concrete, items_form, mapping_form, tuple_form
from .enums import enumeration
from .faults import Misfit, Unfit, unfit
from .fields import HEAP_TYPE, Broken
from .forms import LEAVES, Form
from .objects import is_object, object_form, refusal
from .unions import bare_form, literal_form, open_form, union_form

_ANCHOR = "__hotswap_anchor__"
"""What the builtins of a realm have and those of the host have not."""
_CONVERTER = "__hotswap_converter__"


@dataclass(frozen=True, slots=True, eq=False)
class Declared:
    """A type as cattrs looks it up.

    Not the type itself: cattrs would ask its own table of str, int, float, bytes and Path first, by which a member of a
    StrEnum is a str, whatever hooks say.
    """

    annotation: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Declared) and self.annotation == other.annotation

    def __hash__(self) -> int:
        try:
            return hash(self.annotation)
        except TypeError:  # e.g. Annotated with a list
            return 0


class Converter(cattrs.Converter):
    """cattrs with the forms of live data as its hooks."""

    def __init__(self) -> None:
        super().__init__(detailed_validation=True)
        self.is_settled = True
        """False if annotations have been evaluated since the caches of typing were last cleared."""
        self._forms: dict[Any, Form] = {}
        self._lists = Lists(self, Declared)
        self.register_unstructure_hook_factory(_is_declared, lambda declared: self.form(declared.annotation).hold)
        self.register_structure_hook_factory(_is_declared, lambda declared: self.form(declared.annotation).read)

    def form(self, annotation: Any) -> Form:
        """The form of a type; one that has none raises `Unfit` when it is used."""
        key = annotation if isinstance(annotation, type) else Declared(annotation)
        if (form := self._forms.get(key)) is None:
            self.is_settled = False
            try:
                form = self._make(settled(annotation))
            except Unfit as error:
                form = _broken(spelled(annotation), error.misfits)
            self._forms[key] = form
        return form

    @property
    def is_full(self) -> bool:
        """True if it remembers more types than a program has: names of types may come from outside."""
        return len(self._forms) > _MANY

    def _make(self, annotation: Any) -> Form:
        origin = typing.get_origin(annotation) or annotation
        if isinstance(annotation, Broken):
            raise Unfit(*annotation.error)
        if annotation is Open:
            return open_form(self.form)
        if isinstance(annotation, type) and annotation in LEAVES:
            return LEAVES[annotation]
        if is_union(annotation) or concrete(annotation) is not None:
            members = list(dict.fromkeys(_members(annotation)))
            if Open in members:
                return open_form(self.form)
            return self.form(members[0]) if len(members) == 1 else union_form(members, self.form, spelled(annotation))
        if annotation is list or annotation is dict:
            return bare_form(annotation, self.form)
        if origin is Literal:
            return literal_form(annotation, self.form)
        if origin is tuple and typing.get_args(annotation)[1:] != (...,) and annotation is not tuple:
            return tuple_form(annotation, self.form)
        if origin in ITEMS or origin is tuple:
            return items_form(annotation, self.form, self._lists)
        if origin in MAPPINGS or origin is collections.defaultdict:
            return mapping_form(annotation, self.form, self._lists)
        if isinstance(origin, type) and origin.__name__ in KNOWN:
            raise unfit(f"{origin.__name__} is also the name of a type of Python's", "rename the class")
        if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
            return enumeration(annotation)
        if is_object(annotation):
            return object_form(annotation, self, Declared)
        raise refusal(annotation)


def _is_declared(asked: Any) -> bool:
    return isinstance(asked, Declared)


def _members(annotation: Any) -> Iterable[Any]:
    """The members of a union, those of unions within it and of abstract types too."""
    annotation = settled(annotation)
    parts = typing.get_args(annotation) if is_union(annotation) else concrete(annotation)
    if parts is None:
        yield annotation
        return
    for part in parts:
        yield from _members(part)


def _broken(name: str, misfits: tuple[Misfit, ...]) -> Form:
    def refuse(value: Any, _: Any = None) -> Any:
        raise Unfit(*misfits)

    return Form(name, refuse, refuse, frozenset())


# ------------------------------------------------------------------------------------------------------ remembering

_MANY = 10_000
_hosts: dict[str, Any] = {}


def converter_for(classes: Iterable[type]) -> Converter:
    """The converter that may remember a type made of these classes; one of its own where none may."""
    homes = {id(home): home for home in map(_home, classes) if home is not _hosts}
    if len(homes) > 1:
        return Converter()  # of two plugins, neither may keep the other's
    home = next(iter(homes.values()), _hosts)
    return _of_realm(home) if isinstance(home, dict) else _of_class(home)


def _of_realm(home: dict[str, Any]) -> Converter:
    found: Converter | None = home.get(_CONVERTER)
    if found is None or found.is_full:
        found = home[_CONVERTER] = Converter()
    return found


def settle(converter: Converter, annotation: Any) -> None:
    """Make typing forget what it has remembered of a plugin's annotations."""
    if not converter.is_settled or not isinstance(annotation, type):
        converter.is_settled = True
        if converter is not _hosts.get(_CONVERTER):
            # `Optional["Job"]` is cached by typing, with the class that its text has been evaluated to.
            for clear in typing._cleanups:  # type: ignore[attr-defined]
                clear()


def _home(cls: type) -> dict[str, Any] | type:
    """What dies with a class: its realm's builtins, or the class itself; `_hosts` for a class that stays."""
    if not cls.__flags__ & HEAP_TYPE:
        return _hosts
    module = sys.modules.get(cls.__module__)
    if module is not None:
        namespace = vars(module).get("__builtins__")
        if isinstance(namespace, dict) and _ANCHOR in namespace:
            return namespace
        found: Any = module
        for part in cls.__qualname__.split("."):
            found = getattr(found, part, None)
        if found is cls:
            return _hosts
    return cls


def _of_class(cls: Any) -> Converter:
    found: Converter | None = vars(cls).get(_CONVERTER)
    if found is None:
        found = Converter()
        try:
            setattr(cls, _CONVERTER, found)
        except (AttributeError, TypeError):
            pass  # a class of C that its module does not show
    return found
