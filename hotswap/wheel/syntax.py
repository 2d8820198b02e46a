"""Modules that are not valid Python: the interpreter would say so only when something imports them."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator

from ..errors import Fault
from .files import Files
from .layout import module_name


def broken_modules(files: Files, provided: Collection[str]) -> Iterator[Fault]:
    """Compile every module that can be imported by name from the packages of a plugin, and execute none.

    What lies in a directory that is no package, or has a name that no import statement can say, is data: a template
    need not be valid Python.

    Args:
        files: Everything the wheel brings.
        provided: The import names it brings.
    """
    for path in sorted(_importable(files.paths, frozenset(provided))):
        source = files.read(path)
        if source is None:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                compile(source, path, "exec", dont_inherit=True)
        except SyntaxError as error:
            yield Fault(f"{path}:{error.lineno or 1}", f"is not valid Python: {error.msg}")
        except (ValueError, RecursionError, MemoryError):  # too deep; before 3.11.4 also null bytes
            continue


def _importable(paths: Collection[str], provided: Collection[str]) -> Iterator[str]:
    packages = {path.rpartition("/")[0] for path in paths if module_name(path.rpartition("/")[2]) == "__init__"}
    for path in paths:
        *parents, file_name = path.split("/")
        name = module_name(file_name)
        if name is None or not path.endswith(".py") or not all(map(str.isidentifier, parents)):
            continue
        parts = [*parents, name]
        own = next((count for count in range(1, len(parts) + 1) if ".".join(parts[:count]) in provided), None)
        if own is not None and all("/".join(parts[:count]) in packages for count in range(own, len(parts))):
            yield path
