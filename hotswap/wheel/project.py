"""A plugin's project, read without building it: what its `pyproject.toml` and its source show.

Source: https://packaging.python.org/en/latest/specifications/pyproject-toml/
"""

from __future__ import annotations

import posixpath
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from ..errors import Fault, WheelContractError, WheelError
from ..model import ENTRY_POINT_GROUP, Dependency, canonical
from .imports import imported_plugins
from .layout import check_root, find_module, provides
from .metadata import Entry, check_fitness, is_name, read_entry_point
from .source import view
from .syntax import broken_modules
from .tree import SourceFile, SourceTree, walk

_DECLARE = f'declare it there, in a table [project.entry-points."{ENTRY_POINT_GROUP}"] with a line: name = "module"'
_ONLY_BUILT = "what setup.py, setup.cfg or a backend say of it shows only in a build"


@dataclass(frozen=True, slots=True)
class SourcePlugin:
    """What a project's source says of its plugin."""

    project: Path
    plugin: str
    """Canonical plugin name."""
    name: str
    """Canonical distribution name."""
    version: Version | None
    """None if the backend works it out."""
    entry_module: str
    entry_attr: str
    """Dotted path of the object inside the module, or "" for the module itself."""
    brings: str
    """The import name of the entry module's outermost package that is no namespace package, or of the module itself."""
    provides: tuple[str, ...]
    """All import names it brings, as far as they show: those under `root`, or only `brings` where that is the project's
    own directory, in which tests and tools lie too, or an installation puts the packages in place."""
    root: Path | None
    """The directory that has to be on the import path; None if only an installation puts the packages in place."""
    settings: Path
    """Its `pyproject.toml`."""
    source: Path
    """The file of the entry module."""
    imports: tuple[Dependency, ...] | None
    """The plugins its `import_()` names; None if the source does not show them."""
    unfit: tuple[Fault, ...]
    """Why this interpreter cannot use it although it is well made."""


def read_project(project: Path) -> SourcePlugin:
    """Check a plugin's project as far as it shows without starting its backend.

    Raises:
        WheelError: The project is at fault; everything found is listed.
    """
    faults: list[Fault] = []
    file = project / "pyproject.toml"
    content = _content(file, faults)
    table = content.get("project")
    if not faults and not isinstance(table, dict):
        faults.append(Fault(str(file), "has no table [project]", f"add it; {_ONLY_BUILT}"))
    if not isinstance(table, dict):
        raise _error(project, None, faults)
    name = table.get("name")
    if not isinstance(name, str) or not is_name(name):
        faults.append(Fault(str(file), f"[project] has the name {name!r}" if name else "[project] has no name"))
    version = _version(table, str(file), faults)
    unfit = _demands(table, str(file), faults)
    entry = _entry(table, str(file), faults)
    found = None
    if entry is not None:
        found = _find(entry, _roots(content), tuple(walk(project)), faults)
        if found is None:
            places = ", ".join(dict.fromkeys(str(project / directory) for directory, _ in _roots(content)))
            what = f"the entry point names the module {entry.module}, which is in none of {places}"
            faults.append(Fault(str(file), what, "name a module that the project has"))
    if entry is None or found is None:
        raise _error(project, entry, faults)
    root, tree, source, brings = found
    provided = provides(tree.paths) if root else (brings,)
    shows = view(entry, tree, foreign=bool(unfit))
    found_in_tree = [*check_root((), provided), *shows.faults, *(() if unfit else broken_modules(tree, provided))]
    faults += [_located(fault, tree, file) for fault in found_in_tree]
    if faults:
        kind = WheelContractError if shows.scope is not None and shows.faults else WheelError
        raise _error(project, entry, faults, kind)
    return SourcePlugin(
        project=project,
        plugin=entry.plugin,
        name=canonical(str(name)),
        version=version,
        entry_module=entry.module,
        entry_attr=entry.attr,
        brings=brings,
        provides=provided,
        root=None if root is None else project / root,
        settings=file,
        source=Path(tree.shown(source)),
        imports=imported_plugins(shows.import_, shows.scope, tree),
        unfit=unfit,
    )


def _error(
    project: Path, entry: Entry | None, faults: Iterable[Fault], kind: type[WheelError] = WheelError
) -> WheelError:
    plugin = entry.plugin if entry else project.resolve().name
    return kind(plugin, tuple(dict.fromkeys(faults)), stage="found", head=f"{plugin} ({project})")


def _content(file: Path, faults: list[Fault]) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        way_out = f"a plugin's project has one; {_ONLY_BUILT}"
        faults.append(Fault(str(file), f"cannot be read: {error.strerror}", way_out))
    except ValueError as error:
        faults.append(Fault(str(file), f"is not valid TOML: {error}", "mend it"))
    return {}


def _version(table: dict[str, Any], where: str, faults: list[Fault]) -> Version | None:
    text = table.get("version")
    if text is None and "version" in _texts(table.get("dynamic")):
        return None
    try:
        return Version(text if isinstance(text, str) else "")
    except InvalidVersion:
        what = "[project] has no version" if text is None else f"[project] has the version {text!r}, which is none"
        faults.append(Fault(where, what, 'write e.g. version = "1.0", or dynamic = ["version"]'))
        return None


def _demands(table: dict[str, Any], where: str, faults: list[Fault]) -> tuple[Fault, ...]:
    for text in _texts(table.get("dependencies")):
        try:
            Requirement(text)
        except (InvalidRequirement, RecursionError) as error:
            faults.append(Fault(where, f"the dependency {text!r} means nothing: {str(error).splitlines()[0]}"))
    python = table.get("requires-python", "")
    try:
        return check_fitness(frozenset(), SpecifierSet(python), where)
    except (InvalidSpecifier, TypeError, AttributeError):
        faults.append(Fault(where, f"requires-python {python!r} means nothing", 'write e.g. ">=3.11"'))
        return ()


def _entry(table: dict[str, Any], where: str, faults: list[Fault]) -> Entry | None:
    group = _table(table, "entry-points", ENTRY_POINT_GROUP)
    if not group:
        what = f"does not declare the plugin's entry point, in group {ENTRY_POINT_GROUP}"
        faults.append(Fault(where, what, f"{_DECLARE}; {_ONLY_BUILT}"))
        return None
    lines = [f"[{ENTRY_POINT_GROUP}]", *(f"{name} = {value}" for name, value in group.items())]
    return read_entry_point("\n".join(lines).encode(), where, faults)


_Found = tuple[str | None, SourceTree, str, str]


def _find(
    entry: Entry, roots: Iterable[tuple[str, str]], sources: tuple[SourceFile, ...], faults: list[Fault]
) -> _Found | None:
    """Where the entry module lies: its root, the files under it, the module's path, the import name it belongs to."""
    for directory, package in roots:
        tree = SourceTree(sources, directory, package, faults)
        path = find_module(tree.paths, entry.module)
        if path is not None:
            parts = entry.module.split(".")
            names = (".".join(parts[:count]) for count in range(1, len(parts) + 1))
            brings = next(name for name in names if find_module(tree.paths, name) is not None)
            return None if package else directory, tree, path, brings
    return None


def _located(fault: Fault, tree: SourceTree, file: Path) -> Fault:
    """The fault with the place in the project instead of the place in a wheel."""
    path, colon, line = fault.where.partition(":")
    shown = tree.shown(path)
    if shown != path:
        return replace(fault, where=f"{shown}{colon}{line}")
    return replace(fault, where=str(file), what=f"{fault.where} {fault.what}")


def _roots(content: dict[str, Any]) -> list[tuple[str, str]]:
    """Where packages may lie: directories, and the package whose files these are ("" for the root of the wheel)."""
    found = []
    for directory, package in _configured(_table(content, "tool")):
        directory, package = posixpath.normpath(directory), package.replace(".", "/").strip("/")
        if package and f"/{directory}".endswith(f"/{package}"):
            directory, package = posixpath.normpath(directory.removesuffix(package).rstrip("/")), ""
        if not directory.startswith(("/", "..")):
            found.append(("" if directory == "." else directory, package))
    return list(dict.fromkeys([*found, ("src", ""), ("", "")]))


def _configured(tool: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What the settings of the common backends say."""
    setuptools = _table(tool, "setuptools")
    for package, directory in _table(setuptools, "package-dir").items():
        yield str(directory), package
    for directory in _texts(_table(setuptools, "packages", "find").get("where")):
        yield directory, ""
    for hatch in (_table(tool, "hatch", "build", "targets", "wheel"), _table(tool, "hatch", "build")):
        for package in _texts(hatch.get("packages")):
            yield posixpath.dirname(package.rstrip("/")), ""
        sources = hatch.get("sources")
        for directory, package in sources.items() if isinstance(sources, dict) else ():
            yield directory, str(package)
        for directory in _texts(sources):
            yield directory, ""
    packages = _table(tool, "poetry").get("packages")
    for item in packages if isinstance(packages, list) else ():
        if isinstance(item, dict):
            yield str(item.get("from", "")), ""
    for path in (("pdm", "build", "package-dir"), ("uv", "build-backend", "module-root"), ("maturin", "python-source")):
        directory = _table(tool, *path[:-1]).get(path[-1])
        if isinstance(directory, str):
            yield directory, ""


def _table(content: dict[str, Any], *keys: str) -> dict[str, Any]:
    """A table inside tables; an empty one where there is none."""
    for key in keys:
        inner = content.get(key)
        content = inner if isinstance(inner, dict) else {}
    return content


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
