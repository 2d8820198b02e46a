"""Thin stand-ins for the standard modules that take import names as strings.

A realm's `import importlib` yields an overlay: what has to know the realm is replaced, everything else is the original,
and writes go to the original. An overlay is made when the realm first imports what it stands for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from . import imports, logs, metadata, mocks, resources, running, system
from .thin import Overlay, RealmNames

__all__ = ["Overlays"]

_Replacements = Callable[[RealmNames], dict[str, Any]]
_KINDS: dict[str, _Replacements] = {
    "importlib": imports.importlib_,
    "importlib.util": imports.importlib_util,
    "importlib.metadata": metadata.importlib_metadata,
    "importlib.resources": resources.importlib_resources,
    "pkgutil": imports.pkgutil_,
    "logging": logs.logging_,
    "runpy": running.runpy_,
    "sys": system.sys_,
    "unittest": lambda _: {},
    "unittest.mock": mocks.unittest_mock,
}
_PACKAGES = frozenset(name.partition(".")[0] for name in _KINDS if "." in name)


class Overlays:
    """The overlays of one realm.

    Args:
        realm: Its import.
        builtins: What stands for the module `builtins`.
    """

    def __init__(self, realm: RealmNames, builtins: ModuleType) -> None:
        self._realm = realm
        self._made: dict[str, ModuleType] = {"builtins": builtins}

    def __contains__(self, name: str) -> bool:
        return name in _KINDS or name == "builtins"

    def get(self, name: str) -> ModuleType | None:
        """What stands for a module of the standard library, if anything does."""
        made = self._made.get(name)
        if made is None and name in _KINDS:
            __import__(name)
            original = sys.modules[name]
            overlay = Overlay(original, _KINDS[name](self._realm), self.of if name in _PACKAGES else None)
            made = self._made.setdefault(name, overlay)
        return made

    def of(self, module: ModuleType) -> ModuleType:
        """What stands for a module, or the module itself."""
        return self.get(module.__name__) or module
