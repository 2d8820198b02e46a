"""Removing what nobody uses and no rollback can reach."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from .layout import DIGEST_DIGITS, Layout

_BUILD_AGE = 3600.0
"""Seconds after which scratch of a builder counts as left behind."""


@dataclass(frozen=True, slots=True)
class PruneReport:
    """What pruning removed, or would remove."""

    removed: tuple[str, ...] = ()
    """Site dirs, as `<cache tag>/<site name>`."""
    freed: int = 0
    """Bytes of files, scratch of builders included."""
    kept: int = 0
    """How many site dirs stay."""
    builds: tuple[str, ...] = ()
    """Names of left-behind scratch of builders."""

    def __str__(self) -> str:
        return f"{len(self.removed)} site dirs removed, {self.kept} kept, {self.freed / 1e6:.1f} MB freed"


def _size(path: Path) -> int:
    if path.is_symlink() or not path.is_dir():
        return path.lstat().st_size
    return sum(_size(child) for child in path.iterdir())


def _children(directory: Path) -> list[Path]:
    return sorted(directory.iterdir()) if directory.is_dir() else []


def _site_dirs(layout: Layout) -> Iterator[Path]:
    for directory in _children(layout.all_sites):
        yield from _children(directory)


def choose(layout: Layout, used: Collection[str]) -> tuple[PruneReport, list[Path]]:
    """List the site dirs whose digests are not among `used`, and the scratch that builders left behind.

    Returns:
        The report of their removal, and their paths.
    """
    endings = {digest[:DIGEST_DIGITS] for digest in used}
    sites = list(_site_dirs(layout))
    unused = [site for site in sites if site.name.rpartition("-")[2] not in endings]
    oldest = time.time() - _BUILD_AGE
    builds = [build for build in _children(layout.builds) if build.lstat().st_mtime < oldest]
    report = PruneReport(
        removed=tuple(f"{site.parent.name}/{site.name}" for site in unused),
        freed=sum(map(_size, [*unused, *builds])),
        kept=len(sites) - len(unused),
        builds=tuple(build.name for build in builds),
    )
    return report, [*unused, *builds]


def set_aside(layout: Layout, paths: Collection[Path]) -> None:
    """Take directories away, each at one instant, to where the next sweep removes them."""
    for path in paths:
        path.rename(layout.staged(path.name))
