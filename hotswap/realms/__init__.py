"""The parent of every import realm, empty on disk (see `hotswap.realm`); and how child processes learn of site dirs.

multiprocessing pickles each process that it spawns, or has a fork server fork, with a dict of what children take over
from their parents. The state dirs of the open managers are in there, so that a child knows them before it unpickles
anything of a plugin. A child that was started before looks which state dirs its parent uses when it is given a name of
a realm for the first time. Rejected: an environment variable, which a fork server that has started earlier does not
see, and which programs get that it does not concern; the state dir in the names of modules, which people read; a file
in a place that both know, which stays behind and which others may have written. What this module imports, every child
process of a host imports, so it is next to nothing.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

_PREFIX = __name__ + "."
_ENTRY = "hotswap"


class StateDirs:
    """The state dirs of this process's managers, and those of the processes that it descends from."""

    def __init__(self) -> None:
        self._own: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.inherited: tuple[str, ...] = ()

    def announce(self, state_dir: str) -> None:
        """Tell child processes of one more manager's state dir."""
        from multiprocessing import process

        with self._lock:
            self._own[state_dir] += 1
            self._config(process)[_ENTRY] = self

    def withdraw(self, state_dir: str) -> None:
        """One manager less has its realms there."""
        from multiprocessing import process

        with self._lock:
            self._own -= Counter([state_dir])
            if not self._own and not self.inherited:
                self._config(process).pop(_ENTRY, None)

    def adopt(self, state_dirs: Iterable[str]) -> None:
        """Look for realms there, too, from now on."""
        with self._lock:
            self.inherited = tuple(dict.fromkeys([*self.inherited, *state_dirs]))
            if self.inherited and _ChildFinder not in sys.meta_path:
                sys.meta_path.append(_ChildFinder)

    def look(self) -> None:
        """Adopt the state dirs that the parent process uses by now, if it is multiprocessing's."""
        process = sys.modules.get("multiprocessing.process")
        parent = process.parent_process() if process is not None else None
        if parent is None or self._own:  # with managers of its own it reads under the versions that they have
            return
        from hotswap.children import state_dirs_of

        self.adopt(state_dirs_of(parent.pid))
        if self.inherited:
            self._config(process)[_ENTRY] = self

    @staticmethod
    def _config(process: Any) -> dict[str, Any]:
        # Its name says that it is multiprocessing's own affair; without it children just do not find the plugins.
        config: dict[str, Any] = getattr(process.current_process(), "_config", {})
        return config

    def __reduce__(self) -> tuple[Callable[..., StateDirs], tuple[object, ...]]:
        return _inherit, (os.getpid(), *dict.fromkeys([*list(self._own), *self.inherited]))


STATE_DIRS = StateDirs()


class _ChildFinder:
    """Stands on `sys.meta_path` of a child process, behind all others, until the first realm brings its own finder."""

    @staticmethod
    def find_spec(fullname: str, path: Sequence[str] | None = None, target: object = None) -> Any:
        """See `importlib.abc.MetaPathFinder`."""
        if not fullname.startswith(_PREFIX):
            return None
        from hotswap.realm import find_former

        return find_former(fullname)


def reopener() -> Callable[..., bool] | None:
    """What opens a realm of the parent process in a child; None in a process that has inherited nothing."""
    if not STATE_DIRS.inherited:
        STATE_DIRS.look()
    if not STATE_DIRS.inherited:
        return None
    from hotswap.children import reopen

    return reopen


def _inherit(parent: int, *state_dirs: str) -> StateDirs:
    """What a child process does with its parent's state dirs."""
    if parent != os.getpid():  # somebody has copied a process object
        STATE_DIRS.adopt(state_dirs)
    return STATE_DIRS


class _Path(list[str]):
    """Where the interpreter looks for realms that no finder has found, before it asks the last of the finders."""

    def __iter__(self) -> Iterator[str]:
        if not STATE_DIRS.inherited:
            STATE_DIRS.look()
        return super().__iter__()


__path__ = _Path(__path__)
