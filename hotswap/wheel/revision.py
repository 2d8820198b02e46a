"""The git commit that a project's files come from.

Source: https://git-scm.com/docs/git-status#_porcelain_format_version_1
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from .tree import SourceFile

TIMEOUT = 60.0
"""Seconds after which git is given up, e.g. on a network file system that hangs."""

_MISLEADING = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_NAMESPACE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)
"""Set while git runs a hook, and true of another repository than a project's perhaps (`git rev-parse --local-env-vars`,
without the settings of `git -c`: a safe.directory may be among them)."""


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


def read_revision(project: Path, sources: Collection[SourceFile]) -> Revision:
    """Ask git; that it has no answer is none of the project's faults.

    Args:
        project: The project's directory.
        sources: Its files; what git does not have and is none of them does not make it dirty.
    """
    try:
        commit, _, prefix = _git(project, "rev-parse", "HEAD", "--show-prefix").removesuffix("\n").partition("\n")
        dirty = _differs(project, prefix, sources)
        if not dirty and not _git(project, "ls-files", "-z", "--", "."):
            return Revision(unknown="git ignores the directory")
        return Revision(commit, dirty, _git(project, "describe", "--tags", "--always", "--long").strip())
    except _GitError as error:
        return Revision(unknown=str(error))


def is_astray(project: Path, commit: str) -> bool:
    """True if git knows a commit, and it is not in the history of the current one: amended, rebased, of a branch."""
    try:
        return bool(_git(project, "rev-list", "--max-count=1", commit, "^HEAD"))
    except _GitError:  # a shallow clone has not all of the history
        return False


def _differs(project: Path, prefix: str, sources: Collection[SourceFile]) -> bool:
    status = _git(project, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", ".")
    lines = status.split("\0")[:-1]
    if any(not line.startswith("??") for line in lines):
        return True
    known = set(_with_parents(sources)) if lines else set()
    return any(line[3:].removeprefix(prefix).rstrip("/") in known for line in lines)


def _with_parents(sources: Collection[SourceFile]) -> Iterator[str]:
    """Git names a repository inside the directory, and a symbolic link, instead of the files in it."""
    for file in sources:
        path = file.relative
        while path:
            yield path
            path = path.rpartition("/")[0]


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
        complaints = os.fsdecode(done.stderr).strip().splitlines() or ["git failed"]
        fatal = (line for line in complaints if line.startswith("fatal: "))  # warnings and traces may stand before it
        raise _GitError(next(fatal, complaints[0]).removeprefix("fatal: "))
    return os.fsdecode(done.stdout)
