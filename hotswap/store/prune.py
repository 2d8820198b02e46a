"""Removing what nobody uses and no rollback can reach."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .layout import DIGEST_DIGITS, Layout
from .libraries import libraries_in

_LIBRARIES = "libraries/"
_BUILD_AGE = 3600.0
"""Seconds after which scratch of a builder counts as left behind."""


@dataclass(frozen=True, slots=True)
class PruneReport:
    """What pruning removed, or would remove."""

    removed: tuple[str, ...] = ()
    """Site dirs, as `<cache tag>/<site name>`, and library dirs, as `libraries/<cache tag>/<name>`."""
    freed: int = 0
    """Bytes of files, scratch of builders included."""
    kept: int = 0
    """How many site dirs and library dirs stay."""
    builds: tuple[str, ...] = ()
    """Names of left-behind scratch of builders."""
    wheels: tuple[str, ...] = ()
    """Names of fetched wheels."""

    def __str__(self) -> str:
        libraries = sum(name.startswith(_LIBRARIES) for name in self.removed)
        counts = {
            "site dir": len(self.removed) - libraries,
            "library dir": libraries,
            "fetched wheel": len(self.wheels),
        }
        told = [f"{count} {what}{'' if count == 1 else 's'}" for what, count in counts.items() if count]
        return f"{', '.join(told) or 'nothing'} removed, {self.kept} dirs kept, {self.freed / 1e6:.1f} MB freed"


def _size(path: Path) -> int:
    if path.is_symlink() or not path.is_dir():
        return path.lstat().st_size
    return sum(_size(child) for child in path.iterdir())


def _children(directory: Path) -> list[Path]:
    return sorted(directory.iterdir()) if directory.is_dir() else []


def _installed(layout: Layout) -> Iterator[Path]:
    for directory in (*_children(layout.all_sites), *_children(layout.all_libraries)):
        yield from _children(directory)


def _left_behind(directory: Path) -> list[Path]:
    oldest = time.time() - _BUILD_AGE
    return [child for child in _children(directory) if child.lstat().st_mtime < oldest]


def _unused_wheels(layout: Layout, kept: Iterable[Path]) -> list[Path]:
    """What lies in the wheelhouse but for the wheels that library dirs among those that stay were made of."""
    old = _left_behind(layout.wheelhouse)  # what is young may have been fetched for what is not installed yet
    used = libraries_in(kept) if old else {}
    # What is no wheel is what a process that was killed was just fetching.
    return [
        child for child in old if child.suffix != ".whl" or hashlib.sha256(child.read_bytes()).hexdigest() not in used
    ]


def choose(layout: Layout, used: Collection[str]) -> tuple[PruneReport, list[Path]]:
    """List the directories whose digests or keys are not among `used`, and what builders and fetching left behind.

    Returns:
        The report of their removal, and their paths.
    """
    endings = {digest[:DIGEST_DIGITS] for digest in used}
    sites = list(_installed(layout))
    kept = [site for site in sites if site.name.rpartition("-")[2] in endings]
    unused = [site for site in sites if site.name.rpartition("-")[2] not in endings]
    builds = _left_behind(layout.builds)
    wheels = _unused_wheels(layout, kept)
    report = PruneReport(
        removed=tuple(_shown(layout, site) for site in unused),
        freed=sum(map(_size, [*unused, *builds, *wheels])),
        kept=len(kept),
        builds=tuple(build.name for build in builds),
        wheels=tuple(wheel.name for wheel in wheels),
    )
    return report, [*unused, *builds, *wheels]


def _shown(layout: Layout, directory: Path) -> str:
    name = f"{directory.parent.name}/{directory.name}"
    return f"{_LIBRARIES}{name}" if directory.parent.parent == layout.all_libraries else name


def set_aside(layout: Layout, paths: Collection[Path]) -> None:
    """Take directories away, each at one instant, to where the next sweep removes them."""
    for path in paths:
        path.rename(layout.staged(path.name))
