"""Verified: what a wheel says of itself, without executing any of it; and building one from a project.

reading -> archive -> layout -> record -> metadata -> source -> imports -> syntax -> Manifest
tree, revision -> recipe -> building -> trimming -> rewriting, stamping -> wheel
project -> linking -> a module of plain imports
"""

from .building import Builder, build_wheel
from .linking import MODULE, clashes, import_paths, is_ours, static_module
from .making import Draft, draft, is_outdated, make_wheel
from .project import SourcePlugin, read_project
from .recipe import Recipe
from .stamping import peek
from .verifier import Verifier, inspect_wheel

__all__ = [
    "MODULE",
    "Builder",
    "Draft",
    "Recipe",
    "SourcePlugin",
    "Verifier",
    "build_wheel",
    "clashes",
    "draft",
    "import_paths",
    "inspect_wheel",
    "is_ours",
    "is_outdated",
    "make_wheel",
    "peek",
    "read_project",
    "static_module",
]
