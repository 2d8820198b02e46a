"""What a plugin imports from the host's environment without having declared it."""

from __future__ import annotations

import ast
import importlib.metadata
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from ..errors import Fault
from ..model import Copy, Manifest, canonical

_EXEMPT = frozenset({*sys.stdlib_module_names, "hotswap", "__main__"})
_IMPORT_ERRORS = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
_told: set[tuple[str, str]] = set()
"""Plugin and top-level name of every warning that has been given in this process."""


class Undeclared:
    """Warns of what one plugin version imports, when it does.

    Args:
        manifest: What its wheel says of itself.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest

    def meet(self, top: str) -> None:
        """The plugin has imported something of the host's below this top-level name, for the first time."""
        if top in _EXEMPT or (self._manifest.plugin, top) in _told:
            return
        providers = () if _is_the_programs_own(top) else _providers(_places()).get(top, ())
        declared = {canonical(requirement.name) for requirement in self._manifest.requires}
        declared.add(self._manifest.name)
        if providers and declared.isdisjoint(map(canonical, providers)):
            _told.add((self._manifest.plugin, top))
            logging.getLogger("hotswap.realm").warning(
                "%s imports %s, which it does not declare: add %r to its dependencies (Requires-Dist), so that it gets"
                " a version that it works with; the host's is used",
                self._manifest.label,
                top,
                providers[0],
            )


def _is_the_programs_own(top: str) -> bool:
    """True for modules beside which no distribution is installed: the program's own, which nobody can declare."""
    module = sys.modules.get(top)
    places = list(getattr(module, "__path__", ())) or [getattr(module, "__file__", None) or ""]
    return not any(next(Path(place).parent.glob("*.dist-info"), None) for place in places if place)


@lru_cache(maxsize=1)
def _providers(_: tuple[object, ...]) -> Mapping[str, Sequence[str]]:
    """Top-level import name -> distributions, read once for what is installed: it takes tens of milliseconds."""
    return importlib.metadata.packages_distributions()


def _places() -> tuple[object, ...]:
    """Is another one when something has been installed or removed: where distributions lie, and since when."""
    return (*map(id, sys.meta_path), *((entry, _changed(entry)) for entry in map(str, sys.path)))


def _changed(entry: str) -> int:
    try:
        return Path(entry).stat().st_mtime_ns
    except (OSError, ValueError):
        return 0  # nothing is there, which `sys.path` may say


def undeclared_imports(
    sources: Mapping[str, bytes],
    manifest: Manifest,
    providers: Mapping[str, Sequence[str]],
    copies: Sequence[Copy] = (),
) -> tuple[Fault, ...]:
    """The import statements of a plugin that nothing declared brings.

    Imports that only type checkers see, and those whose failure is caught, are left out.

    Args:
        sources: Relative POSIX path -> content, of the plugin's .py files.
        manifest: What its wheel says of itself.
        providers: Top-level import name -> the distributions that bring it, as
            `importlib.metadata.packages_distributions()` gives them.
        copies: What the plan says the plugin gets, if there is a plan.
    """
    declared = {canonical(requirement.name) for requirement in manifest.requires}
    declared |= {manifest.name, *(copy.name for copy in copies)}
    own = {name.partition(".")[0] for name in manifest.provides}
    faults = []
    for path, source in sorted(sources.items()):
        for line, top in _imported(source):
            brought_by = [name for name in providers.get(top, ()) if canonical(name) in declared]
            if top in _EXEMPT or top in own or brought_by or top in map(_as_module, declared):
                continue
            names = " or ".join(map(repr, dict.fromkeys(providers.get(top, ())))) or repr(top)
            faults.append(
                Fault(
                    f"{path}:{line}",
                    f"imports {top}, which {manifest.label} does not declare",
                    f"add {names} to its dependencies (Requires-Dist)",
                )
            )
    return tuple(faults)


def _as_module(distribution: str) -> str:
    return distribution.replace("-", "_")


def _imported(source: bytes) -> Iterator[tuple[int, str]]:
    """Line and top-level name of every absolute import that has to succeed."""
    try:
        nodes: list[ast.AST] = [ast.parse(source)]
    except (SyntaxError, ValueError):
        return  # the verification says so
    while nodes:
        node = nodes.pop(0)
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.lineno, node.module.partition(".")[0]
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            nodes[:0] = node.body if isinstance(node.test, ast.UnaryOp) else node.orelse
        elif isinstance(node, ast.Try) and any(_catches_import_errors(handler) for handler in node.handlers):
            nodes[:0] = [*node.handlers, *node.orelse, *node.finalbody]
        else:
            nodes[:0] = ast.iter_child_nodes(node)


def _catches_import_errors(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(ast.unparse(each).rpartition(".")[2] in _IMPORT_ERRORS for each in caught)
