"""`sys.path`, on which a realm's own directories are for the realm alone.

Some packages enter directories of theirs: cv2 while it looks for its extension, setuptools for what it brings along.
The interpreter's list is the host's, who would import private copies from there. So the realm keeps such entries to
itself. Its view shows them where they were put, and its import looks into them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from inspect import getmodulename
from pathlib import Path
from types import ModuleType
from typing import Any

from ... import realms
from ..territory import PARENT
from .entries import Entries
from .thin import RealmNames

_STDLIB = str(Path(os.__file__).parent)
_NO_MODULES = frozenset({"__init__", "__main__", "__pycache__"})


class RealmPath(Entries):
    """See the module and `Entries`."""

    def __init__(self, realm: RealmNames, name: str = "path") -> None:
        super().__init__(realm, name)
        self._own: list[tuple[str, Any]] = []
        """What the interpreter's list does not have, each with the entry of it that follows; None at the end."""

    def _seen(self) -> list[Any]:
        found, own = [], self._own
        for entry in self._list:
            found += [each for each, following in own if following is entry]
            own = [each for each in own if each[1] is not entry]
            found.append(entry)
        return found + [each for each, _ in own]

    def _write(self, before: Sequence[Any], after: Sequence[Any]) -> None:
        were = {id(each) for each, _ in self._own}
        others = set(map(id, before)) - were
        own: list[tuple[str, Any]] = []
        following = None
        for entry in reversed(after):
            if id(entry) in were or (id(entry) not in others and self._is_a_realms(entry)):
                own.insert(0, (entry, following))
            else:
                following = entry
        kept = were.union(id(each) for each, _ in own)
        super()._write(*([each for each in entries if id(each) not in kept] for entries in (before, after)))
        if own or self._own:
            self._own = own
            if self._aside is None:
                self._taken()

    def _taken(self) -> None:
        """Import from these directories: from those before the standard library's in preference to all others."""
        territory = self._realm.territory
        package = sys.modules.get(territory.prefix[:-1])
        if package is None:
            return  # the realm is closed
        root = str(territory.directory)
        seen, own = self._seen(), [each for each, _ in self._own]
        places = [each for each in own if _is_below(each, root) and not _is_below(root, each)]
        split = seen.index(_STDLIB) if _STDLIB in seen else len(seen)
        front = [each for each in places if seen.index(each) < split]
        back = [each for each in places if each not in front]
        names: set[str] = set()
        for place in (*front, *back):
            modules, spaces = _modules_in(place)
            first = modules - sys.stdlib_module_names if place in front else set()
            names |= first | {name for name in (modules | spaces) - first if not self._is_elsewhere(name)}
        package.__path__[:] = [*front, root, *back]
        territory.widen(names)

    def _is_a_realms(self, entry: Any) -> bool:
        """True for the directory of this realm and of all that are open, and what is below one."""
        if not isinstance(entry, str) or not entry:
            return False
        packages = [each for each in list(vars(realms).values()) if isinstance(each, ModuleType)]
        opened = [each.__path__ for each in packages if each.__name__.startswith(PARENT + ".")]
        roots = (str(self._realm.territory.directory), *(root for places in opened for root in places))
        return any(_is_below(entry, root) for root in roots)

    def _is_elsewhere(self, top: str) -> bool:
        """True if a module is there without the realm's further directories."""
        libraries = self._realm.libraries
        return (libraries is not None and top in libraries.territory.all_tops) or self._realm.is_hosts(top)


def _is_below(path: str, root: str) -> bool:
    root = os.path.realpath(root)
    return any(f"{each(path)}{os.sep}".startswith(root + os.sep) for each in (os.path.abspath, os.path.realpath))


def _modules_in(directory: str) -> tuple[set[str], set[str]]:
    """The names that can be imported from a directory: those of modules, and those of directories without one."""
    try:
        entries = list(Path(directory).iterdir())
    except OSError:
        return set(), set()
    folders = {
        each.name: {getmodulename(inside.name) for inside in each.iterdir()} for each in entries if each.is_dir()
    }
    modules = {getmodulename(each.name) or "" for each in entries if each.name not in folders}
    modules |= {name for name, inside in folders.items() if "__init__" in inside}
    usable = {name for name in (*folders, *modules) if name.isidentifier()} - _NO_MODULES
    return usable & modules, usable - modules
