"""The distributions that are installed in the running interpreter's environment."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

from packaging.version import Version

from ..errors import Fault, UsageError
from ..model import ENTRY_POINT_GROUP, Candidate, Finding, Pending, TreeFile, canonical
from .editable import editable_project
from .fingerprint import Clock, Identity, identity, settled, shown
from .installed import Installations, Installed, first_of_each, read_header
from .tree import REINSTALL, BrokenTreeError, Tree

INSTALLING_NS = 10_000_000_000
"""A distribution that is not whole, and whose directories changed less than this long ago, is being installed or
replaced. Longer than FRESH_NS, since an installer unpacks, compiles and tidies up between its first and last write."""

LOOKS = 3
"""How often to look, at most, while an installer keeps adding or removing distributions under the look."""


class Environment:
    """Every installed distribution that has entry points in group `hotswap.plugins`, as it lies there at this moment.

    Editable installs are offered as projects to be built. The first distribution of a name on the path wins, as it
    does for `import`. Files are hashed by content, and the hashes are remembered while their stat does not change.

    Args:
        path: Directories to look in, or one; None: `sys.path` as it is at each look.
        isolated: How editable installs are built: in an environment of their own, or (False) in the running one.
    """

    def __init__(
        self,
        path: str | Path | Sequence[str | Path] | None = None,
        isolated: bool = True,
        *,
        clock: Clock = time.time_ns,
    ) -> None:
        if isinstance(path, (str, Path)):
            path = [path]
        self.path = None if path is None else tuple(str(Path(entry).absolute()) for entry in path)
        """Absolute directories, or None for `sys.path`."""
        self.isolated = isolated
        self._clock = clock
        self._installations = Installations(clock)
        self._offers: dict[Path, tuple[Identity, bool]] = {}
        self._trees: dict[Path, Tree] = {}

    def __str__(self) -> str:
        return "environment" if self.path is None else f"environment {os.pathsep.join(self.path)}"

    def __repr__(self) -> str:
        return f"Environment({self.path!r}, isolated={self.isolated})"

    def find(self) -> Finding:
        """List the plugins that are installed now; nothing is imported.

        Raises:
            UsageError: A path was given, and nothing of it exists.
        """
        if self.path is not None and not any(Path(entry).is_dir() for entry in self.path):
            raise UsageError(f"no directory of {self} exists: name one that distributions are installed in")
        path = sys.path if self.path is None else self.path
        listings = self._installations.on(path)
        for _ in range(LOOKS):
            finding = self._look(listings)
            before, listings = listings, self._installations.on(path)
            if listings == before:
                break
        return finding

    def _look(self, listings: list[tuple[Installed, ...]]) -> Finding:
        now = self._clock()
        replaced = {name: dist for dist in chain.from_iterable(listings) if (name := _replaced(dist, now))}
        plugins = self._plugins(first_of_each(listings).values(), now)
        self._trees = {dist.path: self._trees.get(dist.path) or Tree(dist.path) for dist in plugins}
        return _merge(
            [
                *(self._offer(dist, self._trees[dist.path], now) for dist in plugins if dist.name not in replaced),
                *(_pending(dist.path, name) for name, dist in replaced.items()),
            ]
        )

    def _plugins(self, distributions: Iterable[Installed], now: int) -> list[Installed]:
        """Those that have entry points of plugins; each is asked again when its metadata directory has changed."""
        known, still_known, plugins = self._offers, {}, []
        for dist in distributions:
            try:
                status = os.stat(dist.path)  # noqa: PTH116 - hundreds at every look
            except OSError:
                continue  # gone since the directory was listed
            seen = known.get(dist.path)
            if seen is None or seen[0] != identity(status):
                seen = (identity(status), _offers_plugins(dist.path))
            if seen[1]:
                plugins.append(dist)
            if settled(status, now):
                still_known[dist.path] = seen
        self._offers = still_known
        return sorted(plugins, key=lambda dist: dist.name)

    def _offer(self, dist: Installed, tree: Tree, now: int) -> Finding:
        where = shown(dist.path)
        if dist.kind == "egg-info":
            return _faults(Fault(where, "is an egg-info, which does not list every file", "reinstall it with pip"))
        if dist.version is None:
            return _faults(Fault(where, "tells no valid version in its name", REINSTALL))
        editable = editable_project(dist.path, self.isolated)
        if editable is not None:
            return editable
        try:
            files = tree.read(now)
        except BrokenTreeError as broken:
            if _being_installed(dist.path, self._clock()):
                return _pending(dist.path, dist.name)
            return _faults(*broken.faults)
        if tree.candidate is None or tree.candidate.tree != files:
            tree.candidate = self._candidate(dist, dist.version, files)
        return Finding(candidates=(tree.candidate,))

    def _candidate(self, dist: Installed, version: Version, files: tuple[TreeFile, ...]) -> Candidate:
        digest = hashlib.sha256()
        for file in files:
            digest.update(f"{file.relative}\0{file.sha256}\n".encode())
        return Candidate(dist.name, version, dist.path, digest.hexdigest(), str(self), files)


def _offers_plugins(metadata: Path) -> bool:
    """True if entry_points.txt has our group at all; what stands in it is read when the candidate is verified."""
    try:
        lines = (metadata / "entry_points.txt").read_bytes().splitlines()
    except OSError:
        return False
    return f"[{ENTRY_POINT_GROUP}]".encode() in map(bytes.strip, lines)


def _being_installed(dist_info: Path, now: int) -> bool:
    for path in (dist_info, dist_info.parent, dist_info / "RECORD"):
        try:
            if not settled(path.stat(), now, INSTALLING_NS):
                return True
        except OSError:
            continue
    return False


def _replaced(dist: Installed, now: int) -> str | None:
    """The name of the plugin whose metadata directory pip has set aside and not yet deleted.

    Until pip deletes it, the new version may be incomplete, and may yet be taken back. What a crash left is ignored
    after a while.
    """
    if not dist.set_aside:
        return None
    try:
        status = dist.path.stat()
    except OSError:
        return None  # deleted since the directory was listed
    if settled(status, now, INSTALLING_NS) or not _offers_plugins(dist.path):
        return None
    name = read_header(dist.path, "Name")
    return canonical(name) if name else None


def _pending(path: Path, name: str) -> Finding:
    return Finding(pending=(Pending(path, "being installed or replaced", name),))


def _faults(*faults: Fault) -> Finding:
    return Finding(faults=faults)


def _merge(findings: Sequence[Finding]) -> Finding:
    return Finding(
        tuple(chain.from_iterable(finding.candidates for finding in findings)),
        tuple(chain.from_iterable(finding.projects for finding in findings)),
        tuple(chain.from_iterable(finding.pending for finding in findings)),
        tuple(chain.from_iterable(finding.faults for finding in findings)),
    )
