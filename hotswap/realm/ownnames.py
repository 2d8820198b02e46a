"""The `__name__` of a realm's module: unique to the interpreter, and to who compares it the name the author wrote.

Real packages ask whether a name is theirs: django looks up a model's app by `model.__module__.startswith("django.")`,
structlog leaves out frames whose `__name__` starts with `structlog`, matplotlib goes by `__module__`, tests compare
what they see with a literal. Others use the name as a key: dataclasses, typing and pickle in `sys.modules`, registries
of the host that must not take two versions of a plugin for one. So a module's name is a string of its own kind, which
travels from `__name__` to the `__module__` of classes and functions:

- As a key, and as text to code in C, it is the module's full name. Two versions never have one name.
- Compared by `==` and `startswith` it is also the name that its author knows.
- Whatever else Python code of a realm does with it (format, split, slice), also by way of the standard library, it does
  to the author's name; the host's code to the full one. Tracebacks show the author's.
- A part of it up to a dot is such a name, too, and so is what comes of adding to it.

Rejected: the author's name as the text, and the full one for `hash` only: C code that puts names together (`from .
import x` in a circle of imports, pickle before protocol 4) would find the host's modules.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from .asking import ANCHOR, BOOTSTRAP
from .territory import plain_names

_STDLIB = frozenset(sys.stdlib_module_names)


class OwnName(str):
    """A name below a realm's.

    Args:
        full: The name by which the interpreter knows it.
    """

    __slots__ = ("plain",)
    plain: str
    """The name by which its author knows it."""

    def __new__(cls, full: str) -> OwnName:
        """See the class."""
        self = super().__new__(cls, full)
        self.plain = plain_names(full)
        return self

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        """True of both names."""
        if other is self or str.__eq__(self, other) is True:
            return True
        return type(other) is not OwnName and str.__eq__(self.plain, other) is True

    def __ne__(self, other: object) -> bool:
        """The opposite of `==`."""
        return not self == other

    def startswith(self, prefix: Any, /, *where: Any) -> bool:
        """True of what either name begins with."""
        return self.plain.startswith(prefix, *where) or str.startswith(self, prefix, *where)

    def removeprefix(self, prefix: str, /) -> str:
        """The rest of the name that begins so."""
        return (self.plain if self.plain.startswith(prefix) else exact(self)).removeprefix(prefix)

    def __add__(self, other: str, /) -> str:
        """The name of something inside."""
        return OwnName(str.__add__(self, other))

    def __radd__(self, other: str, /) -> str:
        """Text that ends with the name."""
        return other + _face(self, sys._getframe(1))

    def __reduce_ex__(self, protocol: Any) -> tuple[type[str], tuple[str]]:
        """Pickled it is text: pickle saves the module of a class so, and reads nothing else."""
        return str, (exact(self),)

    def __copy__(self) -> OwnName:
        """It never changes."""
        return self

    def __deepcopy__(self, memo: object) -> OwnName:
        """It never changes."""
        return self


def exact(name: str) -> str:
    """The full name, as text and nothing else."""
    return str.__str__(name)


def _face(name: OwnName, asking: FrameType | None) -> str:
    """The name as whoever is executing knows it."""
    while asking is not None:
        if ANCHOR in asking.f_builtins:
            return name.plain
        module = asking.f_globals.get("__name__")
        if module == "traceback":
            return name.plain
        if type(module) is not str or module in BOOTSTRAP or module.partition(".")[0] not in _STDLIB:
            break
        asking = asking.f_back
    return exact(name)


def _by_face(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method of `str`, applied to the name as its caller knows it."""

    def apply(self: OwnName, *arguments: Any, **named: Any) -> Any:
        return method(_face(self, sys._getframe(1)), *arguments, **named)

    return apply


def _in_parts(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method of `str` that makes parts of a name, of which the first is a name of the same kind."""

    def apply(self: OwnName, *arguments: Any, **named: Any) -> Any:
        face = _face(self, sys._getframe(1))
        parts = method(face, *arguments, **named)
        first = parts[0]
        if face is not self.plain or not f"{face}.".startswith(f"{first}."):
            return parts
        return type(parts)((OwnName(exact(self)[: len(exact(self)) - len(face) + len(first)]), *parts[1:]))

    return apply


_PARTING = frozenset({"split", "rsplit", "partition", "rpartition"})
_SPECIAL = ["contains", "format", "getitem", "iter", "len", "mod", "mul", "repr", "rmul", "str"]
_PUBLIC = {name for name in vars(str) if not name.startswith("_")} - {"startswith", "removeprefix", "maketrans"}
for _name in (*_PUBLIC, *(f"__{each}__" for each in _SPECIAL)):
    setattr(OwnName, _name, (_in_parts if _name in _PARTING else _by_face)(getattr(str, _name)))
