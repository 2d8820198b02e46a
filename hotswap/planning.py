"""From what the sources offer to a plan: found, verified, resolved. No plugin code is executed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

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


class Planner:
    """Finds, verifies and resolves.

    Args:
        sources: Where plugins come from.
        only: Plugin names to load, or None for all that are on offer.
        scratch: Where projects are built.
        logger: Is told what is left for the next reload.
        provision: Where private libraries come from.
        verifier: Remembers what it has verified already, for somebody else.
    """

    def __init__(
        self,
        sources: tuple[Source, ...],
        only: Collection[str] | None,
        scratch: Path,
        logger: logging.Logger,
        provision: Provision,
        verifier: Verifier | None = None,
    ) -> None:
        self.sources = sources
        self._only = as_names(only)
        self._verifier = verifier or Verifier(logger)
        self._builder = Builder(scratch)
        self._provision = provision
        self._logger = logger
        self._lock = threading.Lock()

    @property
    def origin(self) -> str:
        """Where plugins come from and which of them count, to be compared with that of other runs."""
        only = [] if self._only is None else [f"only {', '.join(sorted(self._only))}"]
        return "; ".join([*map(identify, self.sources), *only])

    def plan(
        self, incumbents: Mapping[str, Incumbent], watch: Stopwatch, *, fetching: Callable[[], None] | None = None
    ) -> Plan:
        """What a reload would do now.

        Args:
            incumbents: What is loaded.
            watch: Takes the time of each stage.
            fetching: None: the plan says which libraries would be fetched. Else they are, where there is an index, and
                this is called again and again meanwhile: what it raises ends the fetching.

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
        with watch("found"):
            shelf = self._shelf(libraries)
            self._verifier.forget(keep={*shelf.digests, *(candidate.digest for candidate in [*candidates, *built])})
        return self._choose(manifests, incumbents, watch, shelf, beside=libraries, pending=pending, fetching=fetching)

    def go_back(
        self, manifests: Sequence[Manifest], fixed: Fixed, incumbents: Mapping[str, Incumbent], watch: Stopwatch
    ) -> Plan:
        """What going back to given wheels with given private libraries would do; see `plan`."""
        return self._choose(manifests, incumbents, watch, self._shelf(()), fixed=fixed)

    def _shelf(self, beside: Sequence[Candidate]) -> WheelShelf:
        return WheelShelf(lambda: [*beside, *self._provision.wheels()], self._open)

    def _open(self, wheel: Candidate) -> Library:
        return self._provision.open(wheel, self._verifier.verify_library)

    def _choose(
        self,
        offers: Sequence[Manifest],
        incumbents: Mapping[str, Incumbent],
        watch: Stopwatch,
        shelf: WheelShelf,
        *,
        beside: Sequence[Candidate] = (),
        fixed: Fixed = MappingProxyType({}),
        pending: Sequence[Pending] = (),
        fetching: Callable[[], None] | None = None,
    ) -> Plan:
        provision, host = self._provision, read_host()
        manifests = [m for m in offers if self._only is None or m.plugin in self._only]

        def resolved(*, fetchable: bool) -> Plan:
            return resolve(
                offers,
                host,
                incumbents=incumbents,
                only=self._only,
                pending=pending,
                shelf=shelf,
                sharing=provision.sharing(fetchable=fetchable),
                fixed={**fixed, **locked},
            )

        with watch("resolved"):
            locked, lacking = provision.locked(manifests, shelf, fetching)
            plan = resolved(fetchable=True)
        if plan.fetch and fetching is not None:
            with watch("fetched"):
                provision.fetch(plan, host, fetching)
            shelf.refresh()
            with watch("resolved"):
                plan = resolved(fetchable=False)
        plan = unneeded(plan, beside, provision.sharing(fetchable=False))
        return replace(plan, fetch={**plan.fetch, **lacking}) if lacking else plan

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
        return manifests, libraries, unfinished
