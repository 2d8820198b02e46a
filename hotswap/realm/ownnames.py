"""The `__name__` of a realm's module: unique, and to who asks about it the name that the author wrote.

Real packages ask whether a name is theirs: django looks up a model's app by `model.__module__.startswith("django.")`,
structlog leaves out frames whose `__name__` starts with `structlog`, matplotlib goes by `__module__`, many take the
part before the first dot. Others find something by it: dataclasses, typing and pickle in `sys.modules`, hosts in
registries that must not take two versions of a plugin for one. So a module's name is a string of its own kind, which
travels from `__name__` to the `__module__` of classes and functions:

- As text and as a key it is the module's full name, also to code in C. Two versions never have one name.
- Compared by `==` and `startswith` it is also the name that its author knows.
- Taken apart by code of a realm it has the parts of the author's name, of which the first leads to its module again.
- With something added to it, it is such a name still. A traceback shows the author's.

Rejected: the author's name as the text, and the full one for `hash` only. C code that puts names together (`from .
import x` in a circle of imports, pickle before protocol 4) would find the host's modules. Rejected too: the author's
name in whatever a realm's code formats. The host's libraries would get names that they do not find, and take two
versions for one.
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

    def __str__(self) -> str:
        """The name as text."""
        return self.plain if _shows_errors(sys._getframe().f_back) else exact(self)

    def __format__(self, form: str, /) -> str:
        """The name in a text."""
        return format(self.plain if _shows_errors(sys._getframe().f_back) else exact(self), form)

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


def _shows_errors(asking: FrameType | None) -> bool:
    # There is no frame where C code asks by itself, e.g. to print what nobody has caught.
    return asking is not None and asking.f_globals.get("__name__") == "traceback"


def _in_parts(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method of `str` that takes a name apart."""

    def apply(self: OwnName, *arguments: Any, **named: Any) -> Any:
        asking = sys._getframe().f_back
        if asking is None or ANCHOR not in asking.f_builtins:
            return method(exact(self), *arguments, **named)
        parts = method(self.plain, *arguments, **named)
        first = parts[0]
        if not f"{self.plain}.".startswith(f"{first}."):
            return parts
        full = exact(self)
        return type(parts)((OwnName(full[: len(full) - len(self.plain) + len(first)]), *parts[1:]))

    return apply


for _name in ("split", "rsplit", "partition", "rpartition"):
    setattr(OwnName, _name, _in_parts(getattr(str, _name)))
