"""Private libraries for a plan: shelves, overrides, the lock, and what is fetched.

    plugin directories, find_links, wheelhouse --> shelf --\\
    hotswap.lock, or the history --> fixed sets ------------> resolver --> Plan --fetch--> wheelhouse
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from .errors import WheelError, raise_all
from .libraries import Fetcher, LibraryOptions, LockedPlugin, LockedWheel, WheelShelf, read_lock
from .model import Candidate, Host, Library, LibrarySet, Manifest, Plan, Sharing
from .sources import WheelDir

Fixed = Mapping[str, LibrarySet | None]
"""Digest of a plugin's wheel -> the private libraries that it has to have."""


class Provision:
    """What a planner asks for libraries.

    Args:
        options: What the host says.
        wheelhouse: Where fetched wheels lie.
        find_libraries: Finds a set that lies on disk already, by its key.
        find_library: Finds what was verified of a wheel that is in such a set, by its sha256.
        logger: Is told what is fetched, and which files on a shelf are no wheels.
    """

    def __init__(
        self,
        options: LibraryOptions,
        wheelhouse: Path,
        find_libraries: Callable[[str], LibrarySet | None],
        find_library: Callable[[str], Library | None],
        logger: logging.Logger,
    ) -> None:
        self.options = options
        self._find_libraries = find_libraries
        self._find_library = find_library
        self._wheelhouse = wheelhouse
        self._shelves = [WheelDir(directory) for directory in options.directories]
        self._house = WheelDir(wheelhouse)
        self._logger = logger

    def wheels(self) -> list[Candidate]:
        """The wheels of `find_links` and of the wheelhouse.

        Raises:
            UsageError: A directory cannot be read.
        """
        found: list[Candidate] = []
        for shelf in [*self._shelves, *([self._house] if self._wheelhouse.is_dir() else [])]:
            finding = shelf.find()
            found += finding.candidates
            for fault in finding.faults:
                self._logger.debug("%s: passed over", fault)
        return found

    def open(self, wheel: Candidate, verify: Callable[[Candidate], Library]) -> Library:
        """What a wheel on a shelf says of itself; it is verified where it was not before it was installed.

        Raises:
            WheelError: It must not be installed.
        """
        known = self._find_library(wheel.digest)
        return replace(known, path=wheel.path) if known is not None else verify(wheel)

    def sharing(self, *, fetchable: bool) -> Sharing:
        """The overrides, and whether what is missing may be fetched."""
        return self.options.sharing(fetchable)

    def fetch(self, plan: Plan, host: Host, check: Callable[[], None]) -> None:
        """Fetch what a plan says has to be fetched.

        Args:
            plan: Has what is missing, by plugin.
            host: Has what need not be fetched.
            check: Called again and again meanwhile; what it raises ends the fetching.

        Raises:
            FetchError: There is no installer, or it failed.
        """
        fetcher = self._fetcher(check)
        for plugin, requirements in sorted(plan.fetch.items()):
            label, sharing = plan.steps[plugin].manifest.label, self.sharing(fetchable=True)
            fetcher.fetch(requirements, dict(host.distributions), sharing, what_for=label)

    def locked(
        self, manifests: Collection[Manifest], shelf: WheelShelf, fetching: Callable[[], None] | None
    ) -> tuple[Fixed, Mapping[str, tuple[str, ...]]]:
        """The sets that the lock prescribes, if there is one.

        Args:
            manifests: The plugins' wheels, which have to be those of the lock.
            shelf: What is on offer.
            fetching: None: nothing is fetched. Else what is missing is, and this is called meanwhile as `check` is.

        Returns:
            The sets, and by plugin what would have to be fetched for them first.

        Raises:
            UsageError: The lock cannot be read.
            WheelError: The plugins' wheels are not listed; or locked libraries are not on offer, or differ.
            FetchError: They cannot be fetched.
        """
        if self.options.lock is None:
            return {}, {}
        lock = read_lock(Path(self.options.lock))
        lock.check(manifests)
        wanted = {m.plugin: (m.digest, lock.plugins[m.plugin]) for m in manifests}
        lacking = {plugin: lost for plugin, (_, listed) in wanted.items() if (lost := self._lacking(listed, shelf))}
        if lacking and self.options.index and fetching is not None:
            pins = [f"{w.name}=={w.version} --hash=sha256:{w.sha256}" for lost in lacking.values() for w in lost]
            self._fetcher(fetching).fetch_alone(sorted(set(pins)))
            shelf.refresh()
            lacking = {plugin: lost for plugin in lacking if (lost := self._lacking(wanted[plugin][1], shelf))}
        if lacking and (fetching is not None or not self.options.index):
            errors: list[WheelError] = []
            for plugin, lost in sorted(lacking.items()):
                others = [
                    (wheel, [(c.path, c.digest) for c in shelf.same_version(wheel.name, str(wheel.version))])
                    for wheel in lost
                ]
                errors.append(lock.missing(plugin, others))
            raise_all(errors)
        fixed = {digest: self._set(listed, shelf) for digest, listed in wanted.values()}
        return fixed, {plugin: tuple(f"{w.name}=={w.version}" for w in lost) for plugin, lost in lacking.items()}

    def _lacking(self, listed: LockedPlugin, shelf: WheelShelf) -> list[LockedWheel]:
        if listed.key is None or self._find_libraries(listed.key) is not None:
            return []
        return [wheel for wheel in listed.libraries if shelf.by_digest(wheel.sha256) is None]

    def _set(self, listed: LockedPlugin, shelf: WheelShelf) -> LibrarySet | None:
        """The set, from wheels on offer or from disk; of what is not there yet only what the lock says."""
        if listed.key is None:
            return None
        on_disk = self._find_libraries(listed.key)
        if on_disk is not None:
            return on_disk
        found: list[Library] = []
        for wheel in listed.libraries:
            candidate = shelf.by_digest(wheel.sha256)
            found.append(shelf.open(candidate) if candidate is not None else wheel.as_library())
        return LibrarySet(tuple(found))

    def _fetcher(self, check: Callable[[], None]) -> Fetcher:
        index = self.options.index or True
        return Fetcher(index, self._wheelhouse, self.options.directories, logger=self._logger, check=check)


def unneeded(plan: Plan, beside: Sequence[Candidate], sharing: Sharing) -> Plan:
    """The plan with notes on what nobody needs: wheels beside the plugins that are no plugins, names in overrides."""
    if plan.fetch:
        return plan  # it is not known yet what is needed
    notes = []
    required = {copy.name for copies in plan.copies.values() for copy in copies}
    for option, names in (("share", sharing.share), ("private", sharing.private)):
        if idle := ", ".join(sorted(names - required)):
            notes.append(f"{option}= names what no plugin and no private library requires: {idle}")
    used = {library.digest for chosen in plan.libraries.values() for library in chosen.libraries}
    if idle := ", ".join(sorted({f"{wheel.name} {wheel.version}" for wheel in beside if wheel.digest not in used})):
        notes.append(f"on offer as libraries, and no plugin needs them: {idle}")
    return replace(plan, notes=(*plan.notes, *notes)) if notes else plan
