"""Where trine's wheels are made, in the way `hotswap build` makes them."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path
from typing import NamedTuple

from hotswap.wheel import build_wheel

HERE = Path(__file__).resolve().parent
PROJECTS = ALPHA, BETA, GAMMA = tuple(HERE / "plugins" / name for name in ("alpha", "beta", "gamma"))
DELTA = HERE / "extras" / "delta"


class Edit(NamedTuple):
    """A change to one file of a project."""

    path: str
    old: str
    """A regular expression."""
    new: str


NEWS = {
    ALPHA: Edit("src/trine_alpha/drawing/style.py", r"(?m)^LEFT, RIGHT = .*$", 'LEFT, RIGHT = "<>"'),
    BETA: Edit(
        "src/trine_beta/arithmetic/combining.py",
        re.escape('"+", Vector(a.x + b.x, a.y + b.y)'),
        '"-", Vector(a.x - b.x, a.y - b.y)',
    ),
}
"""What is new in version 1.1: alpha draws other brackets, beta subtracts."""

# What pip does by default, an environment of its own for every build, costs seconds and needs a package index.
_ISOLATED = importlib.util.find_spec("hatchling") is None


def build(project: Path, wheels: Path) -> Path:
    """Build a project's wheel into the directory `wheels`, and return its path.

    Raises:
        hotswap.BuildError: The project's build backend failed.
        hotswap.MissingExtraError: The extra [build] is not installed.
    """
    return build_wheel(project, wheels, isolated=_ISOLATED)


def revise(project: Path, drafts: Path, version: str, edit: Edit) -> Path:
    """Copy a project into the directory `drafts` as another version with other code, and return the copy.

    Raises:
        ValueError: The file has no such text.
    """
    draft = drafts / f"{project.name}-{version}"
    shutil.copytree(project, draft, ignore=shutil.ignore_patterns("__pycache__"))
    settings = draft / "pyproject.toml"
    settings.write_text(re.sub(r'(?m)^version = ".*"$', f'version = "{version}"', settings.read_text()))
    source = draft / edit.path
    text = source.read_text()
    edited, found = re.subn(edit.old, lambda _: edit.new, text)
    if not found:
        raise ValueError(f"{source} has no {edit.old!r}")
    source.write_text(edited)
    return draft
