"""What the running interpreter brings along, for plugins' requirements to be checked against."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from packaging.markers import default_environment
from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version

from ..model import Host
from .installed import Installations, Installed, first_of_each, read_headers

_installations = Installations()
_last: Distributions | None = None


def read_host(path: Sequence[str] | None = None) -> Host:
    """The environment of markers, and the distributions installed on `path` (default: `sys.path`) at this moment.

    The same mapping is handed out for as long as the directories on the path do not change.
    """
    global _last
    listings = _installations.on(sys.path if path is None else path)
    last = _last
    if last is None or last.listings != listings:
        last = _last = Distributions(listings)
    return Host(_markers(), last, last.requires)


class Distributions(Mapping[str, Version]):
    """Canonical distribution name -> installed version, worked out at the first look."""

    def __init__(self, listings: list[tuple[Installed, ...]]) -> None:
        self.listings = listings
        self.requires = Requirements(self)

    def __getitem__(self, name: str) -> Version:
        return self._versions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._versions)

    def __len__(self) -> int:
        return len(self._versions)

    @functools.cached_property
    def _versions(self) -> dict[str, Version]:
        return {name: dist.version for name, dist in self.installed.items() if dist.version is not None}

    @functools.cached_property
    def installed(self) -> dict[str, Installed]:
        """Canonical distribution name -> its metadata directory."""
        return first_of_each(self.listings)


class Requirements(Mapping[str, tuple[Requirement, ...]]):
    """Canonical distribution name -> its Requires-Dist, each read at the first look."""

    def __init__(self, distributions: Distributions) -> None:
        self._distributions = distributions
        self._known: dict[str, tuple[Requirement, ...]] = {}

    def __getitem__(self, name: str) -> tuple[Requirement, ...]:
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = _requires(self._distributions.installed[name].path)
        return known

    def __iter__(self) -> Iterator[str]:
        return iter(self._distributions.installed)

    def __len__(self) -> int:
        return len(self._distributions.installed)


def _requires(directory: Path) -> tuple[Requirement, ...]:
    """What a distribution in the host requires; what means nothing is left out, for the host runs with it as it is."""
    found = []
    for text in read_headers(directory, "Requires-Dist"):
        try:
            found.append(Requirement(text))
        except InvalidRequirement:
            continue
    return tuple(found)


@functools.cache
def _markers() -> Mapping[str, str]:
    environment: dict[str, str] = {**default_environment()}  # type: ignore[dict-item]
    return MappingProxyType(environment)
