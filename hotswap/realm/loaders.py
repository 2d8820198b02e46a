"""The loaders that give a module its realm's builtins."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    FileFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from .native import RealmExtensionLoader, Surroundings
from .ownnames import OwnName


def prepare(module: ModuleType, name: str, builtins: dict[str, Any]) -> None:
    """Give a module what makes it one of its realm, before its code is executed."""
    own = vars(module)
    # `exec` adds builtins only where there are none, so setting them first is all it takes.
    own.update(__builtins__=builtins, __name__=OwnName(name))
    if own.get("__package__"):
        own["__package__"] = OwnName(own["__package__"])


class RealmSourceLoader(SourceFileLoader):
    """Loads a .py file, from its byte code where the store has made some, with its realm's builtins."""

    builtins: dict[str, Any]

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code."""
        prepare(module, self.name, self.builtins)
        super().exec_module(module)

    def get_code(self, fullname: str) -> CodeType | None:
        """The module's code, from the site dir's own byte code also where the host keeps its elsewhere."""
        if sys.pycache_prefix is not None and (cached := _inside_cache(self.path)).is_file():
            return SourcelessFileLoader(fullname, str(cached)).get_code(fullname)
        return super().get_code(fullname)

    def set_data(self, path: str, data: Any, *, _mode: int = 0o666) -> None:
        """Write no byte code: site dirs never change."""


def _inside_cache(source: str) -> Path:
    """Where byte code lies beside its source, which `importlib.util.cache_from_source` tells only without a prefix."""
    level = f".opt-{sys.flags.optimize}" if sys.flags.optimize else ""
    path = Path(source)
    return path.parent / "__pycache__" / f"{path.stem}.{sys.implementation.cache_tag}{level}.pyc"


class RealmSourcelessLoader(SourcelessFileLoader):
    """Loads a .pyc file that lies where the source would, with its realm's builtins."""

    builtins: dict[str, Any]

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code."""
        prepare(module, self.name, self.builtins)
        super().exec_module(module)


def path_entry_finder(directory: str, surroundings: Surroundings) -> FileFinder:
    """A finder for one directory that makes realm loaders.

    It is not taken from `sys.path_importer_cache`, which would hand out the host's loaders and keep the directory.
    """

    def with_builtins(loader_type: Callable[[str, str], Any]) -> Callable[[str, str], Any]:
        def make(fullname: str, path: str) -> Any:
            loader = loader_type(fullname, path)
            loader.builtins = surroundings.builtins
            return loader

        return make

    def extension(fullname: str, path: str) -> RealmExtensionLoader:
        return RealmExtensionLoader(fullname, path, surroundings)

    return FileFinder(
        directory,
        (extension, EXTENSION_SUFFIXES),  # type: ignore[arg-type]
        (with_builtins(RealmSourceLoader), SOURCE_SUFFIXES),  # type: ignore[arg-type]
        (with_builtins(RealmSourcelessLoader), BYTECODE_SUFFIXES),  # type: ignore[arg-type]
    )
