"""A module that differs from the original in a few attributes only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from importlib.metadata import Distribution
from types import ModuleType
from typing import Any, Protocol

from ..territory import Territory

_dict_of: Any = vars(ModuleType)["__dict__"].__get__


class RealmNames(Protocol):
    """What the overlays need of a realm's import."""

    territory: Territory
    builtins: dict[str, Any]
    libraries: Any
    """The same of the private libraries; None if there are none."""

    def __call__(self, name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        """Import as a statement in the realm would."""
        ...

    def leaf(self, name: str) -> ModuleType:
        """Import an absolute name and return the module itself."""
        ...

    def full(self, name: str) -> str:
        """The name under which the interpreter knows the module."""
        ...

    def plain(self, name: str) -> str:
        """The name by which the author knows the module."""
        ...

    def overlay(self, name: str) -> ModuleType | None:
        """What stands for a module of the standard library, if anything does."""
        ...

    def names_for(self, name: str) -> RealmNames:
        """Who answers for a name: the realm, or for a library the plugin on whose behalf it asks."""
        ...

    def territories(self) -> tuple[Territory, ...]:
        """What the realm owns, behind what its libraries own."""
        ...

    def distributions(self) -> dict[str, Distribution]:
        """The distributions that are not the host's, by canonical name."""
        ...

    def owner_elsewhere(self, name: str) -> str | None:
        """The other plugin the name belongs to, if any."""
        ...

    def is_hosts(self, top: str) -> bool:
        """True if the host has a top-level module, or can import it."""
        ...

    def refuse_foreign(self, name: str) -> None:
        """Raise ImportError if the name belongs to another plugin."""
        ...


class Kept:
    """A replacement that may be assigned to without the original's becoming another one for everybody.

    Assigned to again, it is what it was.
    """

    def assigned(self, value: Any) -> Any:
        """Say what the attribute is from now on."""
        raise NotImplementedError


class Overlay(ModuleType):
    """Stands for a module of the standard library inside a realm.

    Args:
        original: The module.
        replacements: What differs.
        sibling: Says what stands for the original's submodules, where anything does.
    """

    def __init__(
        self,
        original: ModuleType,
        replacements: dict[str, Any],
        sibling: Callable[[ModuleType], ModuleType] | None = None,
    ) -> None:
        super().__init__(original.__name__)
        own = _dict_of(self)
        own.clear()
        kept = {name: value for name, value in replacements.items() if isinstance(value, Kept)}
        own.update(replacements, _original=original, _kept=kept)
        # A module's own `__getattr__` that is written in C costs a third of a method of the class.
        own["__getattr__"] = partial(getattr, original) if sibling is None else _through(original, sibling)

    def __setattr__(self, name: str, value: Any) -> None:
        own = _dict_of(self)
        if (kept := own["_kept"].get(name)) is not None:
            own[name] = kept.assigned(value)
            return
        setattr(own["_original"], name, value)
        own.pop(name, None)

    def __delattr__(self, name: str) -> None:
        own = _dict_of(self)
        delattr(own["_original"], name)
        own.pop(name, None)

    def __reduce__(self) -> Any:
        """Pickled by name, by picklers that take modules so: whoever reads it imports it as others do."""
        return import_module, (_dict_of(self)["_original"].__name__,)

    def __dir__(self) -> Iterable[str]:
        return dir(_dict_of(self)["_original"])

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        # What `vars` shows and `import *` goes by.
        found: dict[str, Any] = vars(_dict_of(self)["_original"])
        return found


def _through(original: ModuleType, sibling: Callable[[ModuleType], ModuleType]) -> Callable[[str], Any]:
    def getattribute(name: str) -> Any:
        value = getattr(original, name)
        return sibling(value) if isinstance(value, ModuleType) else value

    return getattribute
