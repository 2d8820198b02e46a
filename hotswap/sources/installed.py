"""Which distributions are installed on a path, as the names of their metadata directories tell.

`importlib.metadata.distributions` is not asked: it remembers a directory's listing by a modification time in whole
ticks, so that what is installed within the tick of the last look stays unseen, and it asks every finder of the
process, the import realms' own included.
"""

from __future__ import annotations

import email.parser
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from packaging.version import InvalidVersion, Version

from ..model import canonical
from .fingerprint import Clock, Identity, identity, settled


@dataclass(frozen=True, slots=True)
class Installed:
    """The metadata directory of one distribution."""

    name: str
    """Canonical; of a directory that pip has set aside it is not the distribution's, see `set_aside`."""
    version: Version | None
    """None if the directory's name tells none, or none that is valid."""
    path: Path
    kind: Literal["dist-info", "egg-info"]

    @property
    def set_aside(self) -> bool:
        """True if pip has renamed it (`~lpha-1.0.dist-info`), so that it can be brought back."""
        return self.path.name.startswith("~")


class Installations:
    """The metadata directories on a path; a directory is listed anew when it has changed."""

    def __init__(self, clock: Clock = time.time_ns) -> None:
        self._clock = clock
        self._listings: dict[str, tuple[Identity, tuple[Installed, ...]]] = {}

    def on(self, path: Sequence[str]) -> list[tuple[Installed, ...]]:
        """The distributions in each directory of `path`; the tuples are the same objects while nothing changes.

        What does not exist or is no directory counts as empty, as it does for `import`.
        """
        now = self._clock()
        known, still_known, found = self._listings, {}, []
        for site in dict.fromkeys(entry or os.curdir for entry in path):
            try:
                status = os.stat(site)  # noqa: PTH116 - a Path per look costs more than the look
                seen = known.get(site)
                if seen is None or seen[0] != identity(status):
                    seen = (identity(status), _list(site))
            except OSError:
                continue
            found.append(seen[1])
            if settled(status, now):
                still_known[site] = seen
        self._listings = still_known
        return found


def first_of_each(listings: Iterable[tuple[Installed, ...]]) -> dict[str, Installed]:
    """Canonical name -> the distribution that an import would find first.

    A dist-info wins over any egg-info: an editable install leaves an egg-info in the source tree, which is often on the
    path too (as the working directory), and earlier.
    """
    everything = [dist for listing in listings for dist in listing if not dist.set_aside]
    first: dict[str, Installed] = {}
    for dist in sorted(everything, key=lambda dist: dist.kind):
        first.setdefault(dist.name, dist)
    return first


def read_header(directory: Path, field: str) -> str | None:
    """One field of a distribution's METADATA or PKG-INFO; None if it has none that can be read."""
    return next(iter(read_headers(directory, field)), None)


def read_headers(directory: Path, field: str) -> list[str]:
    """Every value of one field of a distribution's METADATA or PKG-INFO; none if it cannot be read."""
    for name in ("METADATA", "PKG-INFO"):
        try:
            headers = email.parser.BytesHeaderParser().parsebytes((directory / name).read_bytes())
        except OSError:
            continue
        return [str(value) for value in headers.get_all(field, [])]
    return []


def _list(site: str) -> tuple[Installed, ...]:
    found = []
    with os.scandir(site) as entries:
        for entry in entries:
            stem, _, kind = entry.name.rpartition(".")
            if stem and kind in ("dist-info", "egg-info"):
                found.append(_installed(Path(entry.path), stem, kind))
    # `pip install --upgrade --target` leaves the old version's dist-info behind: what was written last is installed.
    return tuple(sorted(found, key=lambda dist: (_written(dist.path), dist.path.name), reverse=True))


def _installed(path: Path, stem: str, kind: str) -> Installed:
    name, _, rest = stem.partition("-")
    if kind == "dist-info":
        return Installed(canonical(name), _version(rest.replace("_", "-")), path, "dist-info")
    text = rest.partition("-")[0] or read_header(path, "Version") or ""
    return Installed(canonical(name), _version(text.replace("_", "-")), path, "egg-info")


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _written(directory: Path) -> int:
    try:
        return (directory / "RECORD").stat().st_mtime_ns
    except OSError:
        return 0
