"""From what the sources offer to a plan: found, verified, resolved. No plugin code is executed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from .errors import Fault, PluginError, UnfinishedWheelError, UsageError, WheelError, raise_all
from .libraries import WheelShelf
from .model import Candidate, Incumbent, Library, Manifest, Pending, Plan, Source, canonical
from .options import as_names
from .provision import Fixed, Provision, unneeded
from .resolver import resolve
from .sources import Environment, WheelDir, read_host
from .stopwatch import Stopwatch
from .wheel import Builder, Verifier

Sources = str | Path | Source | Sequence[str | Path | Source] | None


def as_sources(given: Sources) -> tuple[Source, ...]:
    """What the host may pass as sources, as a tuple of them: a path is a directory of wheels, None the environment."""
    if given is None:
        return (Environment(),)
    if given == "":
        raise UsageError("sources='' is no directory: pass '.' for the working directory, or None for the environment")
    if isinstance(given, (str, Path)):
        return (WheelDir(given),)
    if isinstance(given, Sequence) and not isinstance(given, bytes):
        return tuple(source for item in given for source in as_sources(item))
    if isinstance(given, bytes) or not callable(getattr(given, "find", None)):
        raise UsageError(f"{given!r} is no source: pass a directory, a source, or a list of them")
    return (given,)


def identify(source: Source) -> str:
    """What tells a source from others, also after a restart: its kind, and where it looks."""
    return f"{type(source).__qualname__} {getattr(source, 'path', '')}".rstrip()


@dataclass(frozen=True)
class Offers:
    """What a plan is made from."""

    manifests: Sequence[Manifest]
    fixed: Fixed = field(default_factory=dict)
    """Private libraries that plugins have to have."""
    libraries: Sequence[Candidate] = ()
    """Wheels beside the plugins that are none."""
    pending: Sequence[Pending] = ()


class Planner:
    """Finds, verifies and resolves.

    Args:
        sources: Where plugins come from.
        only: Plugin names to load, or None for all that are on offer.
        scratch: Where projects are built.
        logger: Is told what is left for the next reload.
        provision: Where private libraries come from.
    """

    def __init__(
        self,
        sources: tuple[Source, ...],
        only: Collection[str] | None,
        scratch: Path,
        logger: logging.Logger,
        provision: Provision,
    ) -> None:
        self.sources = sources
        self._only = as_names(only)
        self._verifier = Verifier(logger)
        self._builder = Builder(scratch)
        self._provision = provision
        self._logger = logger
        self._lock = threading.Lock()

    @property
    def origin(self) -> str:
        """Where plugins come from and which of them count, to be compared with that of other runs."""
        only = [] if self._only is None else [f"only {', '.join(sorted(self._only))}"]
        return "; ".join([*map(identify, self.sources), *only])

    def plan(self, incumbents: Mapping[str, Incumbent], watch: Stopwatch, *, fetch: bool = False) -> Plan:
        """What a reload would do now.

        Args:
            incumbents: What is loaded.
            watch: Takes the time of each stage.
            fetch: Whether missing libraries are fetched, where there is an index; else the plan says what would be.

        Raises:
            UsageError: A source cannot be read, or libraries cannot be fetched.
            WheelError: Wheels that must not be installed; all their faults are listed.
            ResolutionError: No valid set.
        """
        # A plan may be asked for while a reload makes its own: they share caches, and must not build a project twice.
        with self._lock:
            with watch("found"):
                findings = [source.find() for source in self.sources]
                built = [self._builder.build(project) for finding in findings for project in finding.projects]
                candidates = [candidate for finding in findings for candidate in finding.candidates]
            with watch("verified"):
                faults = [fault for finding in findings for fault in finding.faults]
                manifests, libraries, unfinished = self._verify([*candidates, *built], {*map(id, built)}, faults)
        pending = [*(p for finding in findings for p in finding.pending), *unfinished]
        for item in pending:
            self._logger.info("%s: left for the next reload: %s", item.path, item.reason)
        offers = Offers(manifests, libraries=libraries, pending=pending)
        return self.choose(offers, incumbents, watch, fetch=fetch)

    def choose(
        self, offers: Offers, incumbents: Mapping[str, Incumbent], watch: Stopwatch, *, fetch: bool = False
    ) -> Plan:
        """The plan for given wheels; see `plan`."""
        provision, host = self._provision, read_host()
        manifests = [m for m in offers.manifests if self._only is None or m.plugin in self._only]

        def shelve() -> WheelShelf:
            return WheelShelf([*offers.libraries, *provision.wheels()], self._library)

        def plan_from(shelf: WheelShelf, *, fetchable: bool) -> Plan:
            return resolve(
                offers.manifests,
                host,
                incumbents=incumbents,
                only=self._only,
                pending=offers.pending,
                shelf=shelf,
                sharing=provision.sharing(fetchable=fetchable),
                fixed={**offers.fixed, **locked},
            )

        with watch("resolved"):
            locked, lacking = provision.locked(manifests, shelve, fetch=fetch)
            plan = plan_from(shelve(), fetchable=True)
        if plan.fetch and fetch:
            with watch("fetched"):
                provision.fetch(plan, host)
            with watch("resolved"):
                plan = plan_from(shelve(), fetchable=False)
        plan = unneeded(plan, offers.libraries)
        return replace(plan, fetch={**plan.fetch, **lacking}) if lacking else plan

    def _library(self, candidate: Candidate) -> Library:
        """Verify a wheel that is needed as a library."""
        if self._verifier.claims_plugin(candidate):
            way_out = "a plugin belongs into the directory of plugins: put it there, or hotswap install it"
            fault = Fault(str(candidate.path), "is required as a library, and is a plugin", way_out)
            raise WheelError(candidate.name, [fault], stage="resolved")
        return self._verifier.verify_library(candidate)

    def _verify(
        self, candidates: Sequence[Candidate], built: Collection[int], faults: Sequence[Fault]
    ) -> tuple[list[Manifest], list[Candidate], list[Pending]]:
        """Sort candidates: plugins, libraries, and what is still being written; what is built has to be a plugin."""
        manifests: list[Manifest] = []
        libraries: list[Candidate] = []
        unfinished: list[Pending] = []
        errors: list[PluginError] = []
        if faults:
            names = ", ".join(dict.fromkeys(Path(fault.where).name for fault in faults))
            errors.append(WheelError(names, faults, stage="found"))
        for candidate in candidates:
            try:
                if id(candidate) in built or self._verifier.claims_plugin(candidate):
                    manifests.append(self._verifier.verify(candidate))
                else:
                    libraries.append(candidate)
            except UnfinishedWheelError as error:
                unfinished.append(Pending(candidate.path, str(error), candidate.name))
            except WheelError as error:
                if self._only is None or {canonical(error.plugin), candidate.name} & self._only:
                    errors.append(error)
                else:
                    self._logger.warning("%s", error)
        raise_all(errors)
        self._verifier.forget(keep={candidate.digest for candidate in [*candidates, *self._provision.wheels()]})
        return manifests, libraries, unfinished
