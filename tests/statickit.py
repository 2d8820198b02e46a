"""Plugins that are plain modules on the import path, for tests of static mode."""

from __future__ import annotations

import importlib
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from conftest import noting


class Modules:
    """A directory on the import path."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, files: Mapping[str, str]) -> None:
        for path, source in files.items():
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(source), "utf-8")
        importlib.invalidate_caches()

    def load(self, name: str) -> ModuleType:
        return importlib.import_module(name)

    def plugin(self, name: str, extra: str = "", **replace: str) -> ModuleType:
        """A module whose functions note what they do; the keywords are those of `Host.add`."""
        self.write({f"{name.replace('.', '/')}.py": noting(name, "1.0", extra, **replace)})
        return self.load(name)


@contextmanager
def importing_from(root: Path) -> Iterator[Modules]:
    """Import from a directory that need not exist; what has been imported is forgotten in the end."""
    root.mkdir(exist_ok=True)
    sys.path.insert(0, str(root))
    try:
        yield Modules(root)
    finally:
        sys.path.remove(str(root))
        sys.path_importer_cache.pop(str(root), None)
        for name, module in list(sys.modules.items()):
            if str(root) in repr(getattr(module, "__spec__", None)):
                del sys.modules[name]
