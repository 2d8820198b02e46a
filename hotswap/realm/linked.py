"""A plugin whose modules the host imports itself: what a realm is, without isolation."""

from __future__ import annotations

import sys
import threading
from types import ModuleType
from typing import Any

from ..model import SiteDir
from .leaks import executing
from .owners import claim, release

_linked: dict[str, list[Linked]] = {}
"""Package or module -> the plugins it is linked to at this moment: one for each manager that has it."""
_lock = threading.Lock()


class Linked:
    """The modules of a plugin that is part of the program.

    Args:
        site: Where its files lie, and what it says of itself; a plugin that provides nothing has no modules of its own.
        target: What a realm would have imported by the entry point.
    """

    def __init__(self, site: SiteDir, target: object) -> None:
        self.manifest = site.manifest
        self._root = next(iter(site.manifest.provides), None)
        # The second is the name of no module: nobody is ever seen to execute in a plugin without modules.
        self.prefix = f"{self._root}." if self._root else f"<{site.manifest.plugin}>."
        self._target = target
        if self._root:
            with _lock:
                _linked.setdefault(self._root, []).append(self)
                claim(self._root, self.manifest)

    def load(self, module: str, attribute: str = "") -> Any:
        """What the entry point names; the host has imported it."""
        return self._target

    def loaded(self) -> list[ModuleType]:
        """The modules of the plugin's package that have been imported so far, in the order of their import."""
        return [
            module
            for name, module in list(sys.modules.items())
            if isinstance(module, ModuleType) and self._root and _root_of(name) == self._root
        ]

    def alive(self) -> bool:
        """False: nothing is to be collected, the modules are the program's."""
        return False

    def executing(self) -> tuple[str, ...]:
        """Who executes in the plugin's modules, in words; looks at every object there is."""
        return executing(self.prefix)

    def holders(self) -> tuple[str, ...]:
        """Nobody: the modules are the program's."""
        return ()

    def go_live(self) -> None:
        """Nothing: pickles name the program's own modules."""

    def give_way(self, gives_way: bool) -> None:
        """Nothing: there is no successor."""

    def running(self) -> bool:
        """False: nobody asks."""
        return False

    def close(self) -> None:
        """The plugin has been freed, or was never loaded; its modules stay."""
        with _lock:
            sharing = _linked.get(self._root or "", [])
            if self not in sharing:
                return
            sharing.remove(self)
            assert self._root is not None, "it is linked"
            if sharing:
                claim(self._root, sharing[-1].manifest)
            else:
                del _linked[self._root]
                release(self._root)


def _root_of(module: str) -> str | None:
    """The innermost linked package that a module is in: one plugin's package may lie in another's."""
    while module and module not in _linked:
        module = module.rpartition(".")[0]
    return module or None
