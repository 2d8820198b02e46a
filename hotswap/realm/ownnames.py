"""The `__name__` of a realm's module: unique, and to who asks about it the name that the author wrote.

Real packages ask whether a name is theirs: django looks up a model's app by `model.__module__.startswith("django.")`,
structlog leaves out frames whose `__name__` starts with `structlog`, matplotlib goes by `__module__`, many take the
part before the first dot. Others find something by it: dataclasses, typing and pickle in `sys.modules`, hosts in
registries that must not take two versions of a plugin for one. So a module's name is a string of its own kind, which
travels from `__name__` to the `__module__` of classes and functions:

- As a key, and to the host's code and to C, it is the module's full name. Two versions never have one name.
- Compared by `==` and `startswith` it is also the name that its author knows.
- What Python code of a realm itself makes of it (formats, cuts, measures) it makes of the author's name: it will
  compare that with a literal, too. A part up to a dot still leads to its module, and so does what is added to it.
- A traceback shows the author's.

Rejected: the author's name as the text, and the full one for `hash` only. C code that puts names together (`from .
import x` in a circle of imports, pickle before protocol 4) would find the host's modules. Rejected too: the full name
in what a realm's code formats: fontTools looks for `f"{__name__}:OPTION"` among literals.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from .asking import ANCHOR
from .territory import plain_names


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
        same = str.__eq__(self, other)
        # What is no string may have its own opinion.
        return same if same is not False or type(other) is OwnName else str.__eq__(self.plain, other)

    def __ne__(self, other: object) -> bool:
        """The opposite of `==`."""
        same = self.__eq__(other)
        return same if same is NotImplemented else not same

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
        return other + _face(self, sys._getframe().f_back)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, tuple[str, str]]:
        """Pickled it is text: pickle saves the module of a class so, and reads nothing else."""
        return operator.concat, ("", exact(self))  # not `str`, which some picklers save by a function of their own

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
    # There is no frame where C code asks by itself, e.g. to print what nobody has caught.
    if asking is None or (ANCHOR not in asking.f_builtins and asking.f_globals.get("__name__") != "traceback"):
        return exact(name)
    return name.plain


def _by_face(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method of `str`, applied to the name as its caller knows it."""

    def apply(self: OwnName, *arguments: Any, **named: Any) -> Any:
        return method(_face(self, sys._getframe().f_back), *arguments, **named)

    return apply


def _in_parts(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method of `str` that takes a name apart: the name of a package of its is such a name, too."""

    def apply(self: OwnName, *arguments: Any, **named: Any) -> Any:
        face = _face(self, sys._getframe().f_back)
        parts = method(face, *arguments, **named)
        first = parts if isinstance(parts, str) else parts[0]
        if face is not self.plain or not f"{face}.".startswith(f"{first}."):
            return parts
        full = exact(self)
        package = OwnName(full[: len(full) - len(face) + len(first)])
        return package if isinstance(parts, str) else type(parts)((package, *parts[1:]))

    return apply


_PARTING = frozenset({"split", "rsplit", "partition", "rpartition", "__getitem__"})
_SPECIAL = ["contains", "format", "getitem", "iter", "len", "mod", "mul", "repr", "rmul", "str"]
_PUBLIC = {name for name in vars(str) if not name.startswith("_")} - {"startswith", "removeprefix", "maketrans"}
for _name in (*_PUBLIC, *(f"__{each}__" for each in _SPECIAL)):
    setattr(OwnName, _name, (_in_parts if _name in _PARTING else _by_face)(getattr(str, _name)))
