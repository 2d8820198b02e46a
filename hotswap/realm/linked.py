"""A plugin whose modules the host imports itself: what a realm is, without isolation."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from ..model import SiteDir
from .leaks import executing
from .owners import claim, release


class Linked:
    """The modules of a plugin that is part of the program.

    Args:
        site: Where its files lie, and what it says of itself.
        target: What a realm would have imported by the entry point.
    """

    def __init__(self, site: SiteDir, target: object) -> None:
        (self._root,) = site.manifest.provides
        self.prefix = f"{self._root}."
        self._target = target
        claim(self._root, site.manifest)

    def load(self, module: str, attribute: str = "") -> Any:
        """What the entry point names; the host has imported it."""
        return self._target

    def loaded(self) -> list[ModuleType]:
        """The modules of the plugin's package that have been imported so far."""
        return [
            module
            for name, module in list(sys.modules.items())
            if f"{name}.".startswith(self.prefix) and isinstance(module, ModuleType)
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
        """The plugin has been freed; its modules stay."""
        release(self._root)
