"""The parent of every import realm, empty on disk (see `hotswap.realm`); and how child processes learn of site dirs.

multiprocessing pickles each process that it spawns, or has a fork server fork, with a dict of what children take over
from their parents. The state dirs of the open managers are in there, so that a child knows them before it unpickles
anything of a plugin. Rejected: an environment variable, which a fork server that has started earlier does not see, and
which programs get that it does not concern; the state dir in the names of modules, which people read. What this module
imports, every child process of a host imports, so it is next to nothing.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
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
        return None
    from hotswap.children import reopen

    return reopen


def _inherit(parent: int, *state_dirs: str) -> StateDirs:
    """What a child process does with its parent's state dirs."""
    if parent != os.getpid():  # somebody has copied a process object
        STATE_DIRS.inherited = state_dirs
        if _ChildFinder not in sys.meta_path:
            sys.meta_path.append(_ChildFinder)
    return STATE_DIRS
