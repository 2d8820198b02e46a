"""What makes a wheel out of a project, and a digest of all of it."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..model import LIVE_PREFIX
from .revision import Revision
from .tree import SourceFile

ConfigSettings = Mapping[str, str | Sequence[str]]

_FORM = 1
"""Counts up when the same recipe makes another wheel than before."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What makes a wheel out of a project's files."""

    isolated: bool = True
    """Build in an environment of its own with the backend's requirements, as pip does; False: in the running one."""
    config_settings: ConfigSettings = field(default_factory=dict)
    """Passed on to the backend."""
    include: tuple[str, ...] = ()
    """Regular expressions: files that the backend left out and the wheel gets nevertheless."""
    exclude: tuple[str, ...] = ()
    """Regular expressions: files of the wheel that are taken out; they win over `include`."""
    live_prefix: str = LIVE_PREFIX


def is_dynamic(project: Path) -> bool:
    """True if the backend works out the version or other metadata, perhaps from what git says."""
    try:
        content = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))
    except (OSError, ValueError):
        return True
    table = content.get("project")
    return not isinstance(table, dict) or bool(table.get("dynamic"))


def source_digest(sources: Iterable[SourceFile], recipe: Recipe, revision: Revision | None = None) -> str:
    """sha256, hexadecimal, of everything that a wheel is made from.

    Args:
        sources: The project's files.
        recipe: What is done with them.
        revision: For a project whose metadata may depend on it.

    Raises:
        OSError: A file cannot be read; one that has gone in the meantime does not count.
    """
    state = [revision.commit, revision.dirty, revision.tags] if revision else None
    settings = {
        name: value if isinstance(value, str) else list(value) for name, value in recipe.config_settings.items()
    }
    facts = [_FORM, recipe.isolated, settings, recipe.include, recipe.exclude, recipe.live_prefix, state]
    whole = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for file in sorted(sources, key=lambda file: file.relative):
        try:
            with file.path.open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
        except FileNotFoundError:
            continue
        line = f"\n{digest}{'x' if file.executable else ' '}{file.relative}"
        whole.update(line.encode("utf-8", "surrogateescape"))
    return whole.hexdigest()
