"""A source tree that has to be built."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from ..errors import Fault, UsageError
from ..model import ENTRY_POINT_GROUP, Finding, Project
from .fingerprint import shown


class ProjectDir:
    """The source tree of one plugin, with a `pyproject.toml`; whoever loads it builds it first.

    Args:
        path: The directory of the `pyproject.toml`.
        isolated: Build in an environment of its own, with the backend's requirements; False: in the running one.
    """

    def __init__(self, path: str | os.PathLike[str], isolated: bool = True) -> None:
        self._given = os.fspath(path)
        self.path = Path(self._given).absolute()
        """The directory; relative to the working directory at the time this object was made."""
        self.isolated = isolated

    def __str__(self) -> str:
        return f"project {self._given}"

    def __repr__(self) -> str:
        return f"ProjectDir({self._given!r}, isolated={self.isolated})"

    def find(self) -> Finding:
        """Offer the project as it is now; a fault if its `pyproject.toml` shows already that it is no plugin.

        Raises:
            UsageError: The directory or its `pyproject.toml` does not exist or cannot be read.
        """
        file = self.path / "pyproject.toml"
        try:
            content = file.read_bytes()
        except OSError as error:
            raise UsageError(
                f"{shown(file)} cannot be read ({error.strerror}): name the directory of a pyproject.toml"
            ) from None
        try:
            faults = _faults(file, tomllib.loads(content.decode()))
        except ValueError as error:
            faults = (Fault(shown(file), f"is not valid TOML: {error}", "mend it"),)
        if faults:
            return Finding(faults=faults)
        return Finding(projects=(Project(self.path, str(self), self.isolated),))


def _faults(file: Path, content: dict[str, Any]) -> tuple[Fault, ...]:
    """What is wrong with the static entry points; a project whose backend works them out shows nothing yet.

    Source: https://packaging.python.org/en/latest/specifications/pyproject-toml/#entry-points
    """
    project = content.get("project")
    if not isinstance(project, dict):
        return ()
    dynamic = project.get("dynamic")
    if isinstance(dynamic, list) and "entry-points" in dynamic:
        return ()
    groups = project.get("entry-points", {})
    if isinstance(groups, dict) and groups.get(ENTRY_POINT_GROUP):
        return ()
    return (
        Fault(
            shown(file),
            f"has no entry point in group {ENTRY_POINT_GROUP}",
            f'add a table [project.entry-points."{ENTRY_POINT_GROUP}"] with a line: name = "module"',
        ),
    )
