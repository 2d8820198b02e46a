"""Which files of a wheel go, and which of the project it gets besides."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from .files import Files
from .recipe import Recipe
from .tree import SourceFile

_BUILD_FILES = frozenset({"MANIFEST.in", "pyproject.toml", "setup.cfg", "setup.py"})
"""At the top of a project these are instructions for the backend, and never a part of a wheel."""


@dataclass(frozen=True, slots=True)
class Trim:
    """What is to become of a wheel's files."""

    removed: tuple[str, ...]
    """Members."""
    added: Mapping[str, SourceFile]
    """Path in the wheel -> file of the project."""
    notes: tuple[str, ...]
    """Sentences about regular expressions that matched nothing, or what no wheel should get."""


def trim(files: Files, members: Collection[str], sources: Collection[SourceFile], recipe: Recipe) -> Trim:
    """Apply `Recipe.include` and `Recipe.exclude`.

    Args:
        files: What the wheel brings to a site dir, by path there.
        members: The names of all its members but those of its dist-info directory, which stays as it is.
        sources: The project's files.
        recipe: The expressions.
    """
    missing = dict(_left_out(files, sources)) if recipe.include else {}
    matching = {path for path in missing if _matches(path, recipe.include)}
    foreign = sorted(path for path in matching if missing[path].foreign)
    taken = matching.difference(foreign)
    removed = tuple(name for name in members if _matches(name, recipe.exclude))
    notes = [
        f"--include does not take in {path}: a symbolic link leads out of the project to it" for path in foreign[:1]
    ]
    notes += [f"--include does not take in {len(foreign) - 1} more such files"] if foreign[1:] else []
    notes += [
        f"--include {expression!r} matches no file that the backend left out"
        for expression in recipe.include
        if not any(re.search(expression, path) for path in missing)
    ]
    notes += [
        f"--exclude {expression!r} matches no file of the wheel"
        for expression in recipe.exclude
        if not any(re.search(expression, path) for path in (*members, *taken))
    ]
    added = {path: missing[path] for path in sorted(taken) if not _matches(path, recipe.exclude)}
    return Trim(removed, added, tuple(notes))


def _matches(path: str, expressions: Iterable[str]) -> bool:
    return any(re.search(expression, path) for expression in expressions)


def _left_out(files: Files, sources: Collection[SourceFile]) -> Iterator[tuple[str, SourceFile]]:
    """Path in the wheel -> file, of every file under the wheel's roots that the wheel does not have."""
    known = set(files.paths)
    for root in _roots(files, sources):
        for file in sources:
            path = file.relative.removeprefix(root)
            if file.relative.startswith(root) and path not in known and file.relative not in _BUILD_FILES:
                known.add(path)
                yield path, file


def _roots(files: Files, sources: Collection[SourceFile]) -> list[str]:
    """The directories of the project that the wheel's packages come from, as prefixes: "" or e.g. `src/`.

    A directory is one if files under it have the paths and contents that they have in the wheel; where several could
    be meant for a package, the one with the most such files is.
    """
    named: dict[str, list[SourceFile]] = {}
    for file in sources:
        named.setdefault(file.relative.rpartition("/")[2], []).append(file)
    votes: dict[str, Counter[str]] = {}
    for path in files.paths:
        package, slash, name = path.partition("/")
        if package.endswith(".dist-info"):
            continue
        same = [file for file in named.get(path.rpartition("/")[2], ()) if f"/{file.relative}".endswith(f"/{path}")]
        content = files.read(path) if same else None
        for file in same:
            if _has(file, content):
                votes.setdefault(package if slash else name, Counter())[file.relative.removesuffix(path)] += 1
    best = (max(counted, key=lambda root: (counted[root], -len(root), root)) for counted in votes.values())
    return sorted(set(best))


def _has(file: SourceFile, content: bytes | None) -> bool:
    if content is None or file.status.st_size != len(content):
        return False
    try:
        return file.path.read_bytes() == content
    except OSError:
        return False
