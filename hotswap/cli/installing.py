"""From requirements to the wheels of plugins in a directory, with the plugins that these require.

    asked for --pip, without dependencies--> wheels --Requires-Dist--> what is required and not met --again--> ...

Only a wheel says whether it is a plugin. So what neither the host nor the directory has is fetched, looked at, and left
where it was if it is a library: whoever needs it chooses one for each plugin by itself.
"""

from __future__ import annotations

import importlib.metadata
import logging
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from ..errors import FetchError, UsageError, WheelError, raise_all
from ..libraries import Fetcher, LibraryOptions
from ..model import ENTRY_POINT_GROUP, Candidate, Host, Manifest, canonical
from ..sources import WheelDir, read_host
from ..wheel import Verifier
from .directory import parse_requirement

_logger = logging.getLogger("hotswap")


def install_plugins(
    requirements: Sequence[str], directory: Path, options: LibraryOptions, *, alone: bool = False
) -> dict[str, Any]:
    """Fetch plugins' wheels into a directory, with the plugins that they require.

    Args:
        requirements: What is asked for.
        directory: Made if absent.
        options: The index, and directories of wheels beside it.
        alone: Leave out what they require.

    Returns:
        `installed`, for each: plugin, version, digest, wheel, who required it (None if it was asked for), whether it
        was there already, and newer wheels that lie there too. `notes` has sentences on what could not be fetched.

    Raises:
        UsageError: A requirement is none, the directory cannot be made, or nothing can be fetched.
        WheelError: What came is no plugin, or must not be installed; nothing has been put into the directory.
    """
    host = read_host()
    asked = [parse_requirement(text) for text in requirements]
    for requirement in asked:
        if requirement.url is not None:
            raise UsageError(f"{requirement.name} @ ... names an address: put that wheel into {directory} yourself")
        if requirement.marker is not None and not requirement.marker.evaluate({**host.markers, "extra": ""}):
            raise UsageError(f"{requirement}: its marker says that it is not for this interpreter")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        # Inside the directory, so that wheels get there by a rename; hidden, so that a host that looks sees none of it.
        scratch = tempfile.TemporaryDirectory(prefix=".hotswap-", dir=directory)
    except OSError as error:
        raise UsageError(f"{directory} cannot be written to ({error.strerror}): name another --plugins") from None
    with scratch as path:
        fetcher = Fetcher(options.index or True, Path(path), options.directories, logger=_logger)
        errand = _Errand(fetcher, Verifier(_logger), host, WheelDir(directory).find().candidates)
        errand.fetch_asked(asked)
        while not alone and errand.fetch_required():
            pass
        there = {candidate.path.name: candidate for candidate in errand.there}
        installed = [_put(errand.chosen[name], directory, there, who) for name, who in errand.needed().items()]
        return {"installed": installed, "notes": errand.notes}


@dataclass
class _Errand:
    """What has been asked for, and what has come of it so far."""

    fetcher: Fetcher
    verifier: Verifier
    host: Host
    there: Sequence[Candidate]
    """Wheels in the directory."""
    asks: dict[str, dict[str, str]] = field(default_factory=dict)
    """Distribution -> requirement -> who asks, "" for the user. What has once been asked for stays: a plugin for which
    there is none is told, and not searched around."""
    chosen: dict[str, Manifest] = field(default_factory=dict)
    """Distribution -> the plugin that was fetched."""
    elsewhere: set[str] = field(default_factory=set)
    """Distributions that are libraries, or that could not be fetched."""
    notes: list[str] = field(default_factory=list)

    def fetch_asked(self, asked: Iterable[Requirement]) -> None:
        """Fetch what the user asks for; all of it has to be plugins."""
        for requirement in asked:
            self._ask(requirement, "")
        errors: list[WheelError] = []
        for candidate in self._fetch(list(self.asks)):
            try:
                self.chosen[candidate.name] = self.verifier.verify(candidate)
            except WheelError as error:
                errors.append(error)
        raise_all(errors)

    def fetch_required(self) -> bool:
        """Fetch the plugins that the chosen ones require; False if there is nothing left to fetch.

        Raises:
            WheelError: One of them must not be installed.
            FetchError: One that is a plugin cannot be had as it is required.
        """
        names = self._unmet(self.chosen)
        if not names:  # else other versions of these come first: they may require something else
            for manifest in self.chosen.values():
                for requirement in self._required_by(manifest):
                    self._ask(requirement, manifest.label)
            names = self._unmet(self.asks)
        for candidate in self._fetch_what_is_there(names):
            if candidate.name in self.chosen or self.verifier.claims_plugin(candidate):
                self.chosen[candidate.name] = self.verifier.verify(candidate)
            else:
                _logger.info("%s %s is a library: it stays where it was", candidate.name, candidate.version)
                self.elsewhere.add(candidate.name)
        return bool(names)

    def needed(self) -> dict[str, str | None]:
        """Distribution of each plugin that was fetched and is needed in the end -> who requires it, if anybody."""
        needed: dict[str, str | None] = {name: None for name, asks in self.asks.items() if "" in asks.values()}
        todo = list(needed)
        for name in todo:
            for target in (canonical(requirement.name) for requirement in self._required_by(self.chosen[name])):
                if target in self.chosen and target not in needed:
                    needed[target] = self.chosen[name].label
                    todo.append(target)
        return needed

    def _ask(self, requirement: Requirement, who: str) -> None:
        requirement.marker = None  # it has been evaluated
        self.asks.setdefault(canonical(requirement.name), {}).setdefault(str(requirement), who)

    def _required_by(self, manifest: Manifest) -> Iterator[Requirement]:
        extras = {extra for text in self.asks[manifest.name] for extra in Requirement(text).extras}
        for requirement in manifest.requires:
            marker = requirement.marker
            environments = [{**self.host.markers, "extra": extra} for extra in ("", *sorted(extras))]
            if requirement.url is None and (marker is None or any(map(marker.evaluate, environments))):
                yield Requirement(str(requirement))

    def _unmet(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if name not in self.elsewhere and not self._is_met(name)]

    def _is_met(self, name: str) -> bool:
        """True if what was chosen, lies in the directory or is a library of the host meets everybody."""
        requirements = [Requirement(text) for text in self.asks[name]]
        versions = [self.chosen[name].version] if name in self.chosen else []
        if not versions:
            versions += [wheel.version for wheel in self.there if wheel.name == name]
            if name in self.host.distributions and not _is_plugin_of_host(name):
                versions.append(self.host.distributions[name])
        return any(all(r.specifier.contains(version, prereleases=True) for r in requirements) for version in versions)

    def _fetch_what_is_there(self, names: Sequence[str]) -> list[Candidate]:
        """Fetch them; what is not there may be a library that the host gets from elsewhere."""
        if len(names) > 1:
            try:
                return self._fetch(names)
            except FetchError:
                return [candidate for name in names for candidate in self._fetch_what_is_there([name])]
        try:
            return self._fetch(names) if names else []
        except FetchError as error:
            (name,) = names
            if name in self.chosen:
                raise
            self.elsewhere.add(name)
            self.notes.append(f"{self._told(name)} could not be fetched: if it is a plugin, put it there by hand")
            _logger.info("%s", error)
            return []

    def _fetch(self, names: Sequence[str]) -> list[Candidate]:
        texts = [text for name in names for text in self._texts(name)]
        what_for = ", ".join(dict.fromkeys(who for name in names for who in self.asks[name].values() if who))
        came = {wheel.name for wheel in self.fetcher.fetch_alone(texts, what_for=what_for)}
        house = WheelDir(self.fetcher.wheelhouse).find()
        return [candidate for candidate in house.candidates if candidate.path.name in came]

    def _texts(self, name: str) -> list[str]:
        """What is asked of a distribution; as long as it may be a library, by the first: others may want another."""
        asks = self.asks[name]
        return list(asks) if name in self.chosen or "" in asks.values() else list(asks)[:1]

    def _told(self, name: str) -> str:
        return " and ".join(f"{text} (required by {who})" for text, who in self.asks[name].items())


def _is_plugin_of_host(name: str) -> bool:
    return bool(importlib.metadata.distribution(name).entry_points.select(group=ENTRY_POINT_GROUP))


def _put(manifest: Manifest, directory: Path, there: Mapping[str, Candidate], who: str | None) -> dict[str, Any]:
    wheel = manifest.candidate.path
    known = there.get(wheel.name)
    if known is None or known.digest != manifest.digest:
        wheel.replace(directory / wheel.name)
    newer = [c.path for c in there.values() if c.name == manifest.name and c.version > manifest.version]
    return {
        "plugin": manifest.plugin,
        "version": str(manifest.version),
        "digest": manifest.digest,
        "wheel": str(directory / wheel.name),
        "required_by": who,
        "already": known is not None and known.digest == manifest.digest,
        "newer": [str(directory / path.name) for path in newer],
    }
