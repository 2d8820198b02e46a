"""The git commit that a project's files come from.

Source: https://git-scm.com/docs/git-status#_porcelain_format_version_1
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from .tree import is_source

TIMEOUT = 60.0
"""Seconds after which git is given up, e.g. on a network file system that hangs."""

_MISLEADING = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE")
"""Set while git runs a hook, and true of another repository than a project's perhaps."""


@dataclass(frozen=True, slots=True)
class Revision:
    """What git knows of a directory."""

    commit: str | None = None
    """In full; None where git does not know the directory."""
    dirty: bool | None = None
    """True if a file under the directory differs from the commit, or is neither in it nor ignored."""
    tags: str = ""
    """The commit as `git describe --tags` names it: versions are made of that."""
    unknown: str = ""
    """Why there is no commit."""


class _GitError(Exception):
    """Git has no answer."""


def read_revision(project: Path, skip: Collection[Path] = ()) -> Revision:
    """Ask git; that it has no answer is none of the project's faults.

    Args:
        project: The project's directory.
        skip: Resolved directories inside it whose files do not count, as those that `walk` leaves out do not.
    """
    try:
        prefix, commit = _git(project, "rev-parse", "--show-prefix", "HEAD").split("\n")[:2]
        dirty = any(_differing(project, prefix, skip))
        if not dirty and not _git(project, "ls-files", "-z", "--", "."):
            return Revision(unknown="git ignores the directory")
        return Revision(commit, dirty, _git(project, "describe", "--tags", "--always", "--long").strip())
    except _GitError as error:
        return Revision(unknown=str(error))


def _differing(project: Path, prefix: str, skip: Collection[Path]) -> Iterator[str]:
    status = _git(project, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", ".")
    for line in filter(None, status.split("\0")):
        relative = line[3:].removeprefix(prefix)
        path = project.resolve() / relative
        made = line.startswith("??") and not is_source(relative.rstrip("/"))
        if not made and not any(path.is_relative_to(directory) for directory in skip):
            yield relative


def _git(project: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=project, env=environment, capture_output=True, timeout=TIMEOUT, check=False
        )
    except FileNotFoundError:
        raise _GitError("git is not installed") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _GitError(f"git does not answer: {error}") from None
    if done.returncode:
        complaint = os.fsdecode(done.stderr).strip().splitlines() or ["git failed"]
        raise _GitError(complaint[0].removeprefix("fatal: "))
    return os.fsdecode(done.stdout)
