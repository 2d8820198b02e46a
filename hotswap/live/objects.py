"""The plain form of objects: a dict of their fields, which cattrs structures and migrations may change first."""

from __future__ import annotations

import typing
from collections.abc import Callable
from typing import Any

import attrs
from cattrs.gen import make_dict_structure_fn_from_attrs
from packaging.version import Version

from ..realm.owners import owner_of
from .annotations import spelled
from .containers import gathered
from .faults import Misfit, Unfit, unfit
from .fields import (
    MISSING,
    LiveField,
    fields_of,
    has_foreign_state,
    is_attrs,
    is_dataclass,
    is_namedtuple,
    is_plain,
    is_protocol,
    maker,
    overlooked,
    stray,
)
from .forms import Form
from .marks import not_a, unmarked
from .migrating import WRITTEN, MigrationFailed, migrated, migrations_of

_DEFAULT = "give it a default in {cls}"
_MIGRATION = "declare @hotswap.live.migration(before=...) in {cls}"


def is_object(cls: Any) -> bool:
    """True for classes with fields, and generic aliases of such."""
    origin = typing.get_origin(cls) or cls
    return isinstance(origin, type) and (
        typing.is_typeddict(origin)
        or is_namedtuple(origin)
        or is_attrs(origin)
        or is_dataclass(origin)
        or is_plain(origin)
    )


def object_form(cls: Any, converter: Any, declared: Callable[[Any], Any]) -> Form:
    """The form of a dataclass, attrs class, named tuple, typed dict, or plain class with annotations.

    What it is made of is looked up at the first use, because a class may refer to itself.
    """
    origin: Any = typing.get_origin(cls) or cls
    if not typing.is_typeddict(origin) and not is_namedtuple(origin) and has_foreign_state(origin):
        raise unfit(
            f"{origin.__name__} is built upon a class of C, whose own content no field holds", "keep that in a field"
        )
    name = spelled(cls)
    runtime = dict if typing.is_typeddict(origin) else origin
    inner: list[_Inside] = []

    def inside() -> _Inside:
        converter.is_settled = False
        inner.append(_Inside(cls, converter, declared))
        return inner[0]

    def hold(value: Any) -> Any:
        if type(value) is not runtime:
            raise not_a(name, value)
        return (inner[0] if inner else inside()).hold(value)

    def read(plain: Any, _: Any = None) -> Any:
        plain = unmarked(plain, name)
        if type(plain) is not dict:
            raise not_a(name, plain)
        return (inner[0] if inner else inside()).read(plain)

    return Form(name, hold, read, frozenset({dict}), frozenset({runtime}))


class _Inside:
    """What a class with fields is made of."""

    def __init__(self, cls: Any, converter: Any, declared: Callable[[Any], Any]) -> None:
        self._cls: Any = typing.get_origin(cls) or cls
        fields = fields_of(cls)
        self._name = self._cls.__name__
        self._names = frozenset(field.name for field in fields)
        self._overlooked = overlooked(self._cls, self._names)
        # What is held in which order; a field that the constructor makes may be empty still.
        self._holds = [
            (
                field.name,
                converter.get_unstructure_hook(declared(field.annotation)),
                not field.required and field.default is None,
            )
            for field in fields
        ]
        self._is_dict = typing.is_typeddict(self._cls)
        self._is_plain = not (self._is_dict or is_namedtuple(self._cls) or is_attrs(cls) or is_dataclass(self._cls))
        self._make = maker(cls, fields)
        self._migrations = migrations_of(self._cls)
        default, migration = _DEFAULT.format(cls=self._name), _MIGRATION.format(cls=self._name)
        # Where a field is missing, and where another one is there. Data that no plugin wrapped has no version, and is
        # not migrated.
        self._ways_out = {True: (f"{default}, or {migration}", migration), False: (default, "")}
        self._structure = make_dict_structure_fn_from_attrs(
            [_attribute(field, declared) for field in fields],
            dict,
            converter,
            _cattrs_use_linecache=False,
            _cattrs_detailed_validation=True,
            _cattrs_forbid_extra_keys=False,
        )

    def hold(self, value: Any) -> dict[str, Any]:
        """The fields of an object.

        Raises:
            Unfit: Some cannot be held; all of them.
        """
        plain: dict[str, Any] = {}
        misfits: list[Misfit] = []
        get = dict.get if self._is_dict else getattr
        for name, hold, may_lack in self._holds:
            part = get(value, name, MISSING)
            if part is MISSING:
                if not may_lack:
                    misfits.append(Misfit(f".{name}", "has no value", "set it before the object is wrapped"))
                continue
            try:
                plain[name] = hold(part)
            except Unfit as error:
                misfits += [each.under(f".{name}") for each in error.misfits]
        if self._is_dict:
            lost = [key for key in value if key not in self._names]
            misfits += [Misfit(f"[{key!r}]", f"{self._name} declares no such key", "declare it") for key in lost]
        else:
            misfits += [Misfit(f".{name}", *self._of_stray(name)) for name in stray(value, self._names)]
        if misfits:
            raise Unfit(*misfits)
        return plain

    def read(self, plain: dict[str, Any]) -> Any:
        """An object of its plain fields.

        Raises:
            Unfit: Some do not fit; all of them.
        """
        if self._migrations:
            plain = self._migrated(plain)
        missing, migrate = self._ways_out[WRITTEN.get().version is not None]
        values = gathered(self._structure, plain, missing)
        if plain and self._names.isdisjoint(plain):
            # Another type's, of which all would be lost.
            what = f"has {', '.join(map(repr, sorted(plain)))} and no field of {self._name}"
            raise unfit(what, migrate)
        try:
            return self._make(values)
        except Exception as error:
            # In words: the exception holds the values, and the code that raised it.
            text = f"{type(error).__name__}: {error}"
        raise unfit(f"{self._name}(...) raised {text}", migrate)

    def _of_stray(self, name: str) -> tuple[str, str]:
        """What is wrong with an attribute that is no field, and the way out."""
        if name in self._overlooked:
            return f"is annotated in {self._name}, and no field of it", f"decorate {self._name} as its base is"
        what = "has no annotation" if self._is_plain else f"is no field of {self._name}"
        return what, f"annotate it in {self._name}; names with a leading underscore are left out"

    def _migrated(self, plain: dict[str, Any]) -> dict[str, Any]:
        written = WRITTEN.get()
        owner = owner_of(self._cls.__module__)
        if written.version is None or (owner is not None and owner.plugin != written.plugin):
            return plain
        version = Version(written.version)
        due = [each for each in self._migrations if each.is_due(version)]
        try:
            return migrated(self._cls, due, plain)
        except MigrationFailed as error:
            text = str(error)
        raise unfit(text, "mend the migration, and load the plugin anew")


def _attribute(field: LiveField, declared: Callable[[Any], Any]) -> Any:
    make: Any = attrs.Attribute
    return make(
        name=field.name,
        alias=field.name,
        type=declared(field.annotation),
        default=attrs.NOTHING if field.required else None,
        validator=None,
        repr=True,
        cmp=None,
        hash=None,
        init=True,
        inherited=False,
    )


def refusal(annotation: Any) -> Unfit:
    """Why values of a type that is none of these cannot be held."""
    name = spelled(annotation)
    if isinstance(annotation, type) and is_protocol(annotation):
        return unfit(f"{name} is a Protocol, which says nothing of what is in it", "name the classes, as a union")
    if isinstance(annotation, type) and annotation.__module__ != "builtins":
        return unfit(
            f"{name} has no fields that hotswap knows of",
            "annotate its attributes in the class body, make it a dataclass, or leave it out",
        )
    return unfit(f"{name} cannot be held", "hold what it can be made of again")
