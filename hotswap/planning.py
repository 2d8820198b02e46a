"""From what the sources offer to a plan: found, verified, resolved. No plugin code is executed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from .errors import Fault, PluginError, UnfinishedWheelError, UsageError, WheelError, raise_all
from .model import Candidate, Finding, Incumbent, Manifest, Pending, Plan, Source, canonical
from .options import as_names
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
    """

    def __init__(
        self, sources: tuple[Source, ...], only: Collection[str] | None, scratch: Path, logger: logging.Logger
    ) -> None:
        self.sources = sources
        self._only = as_names(only)
        self._verifier = Verifier(logger)
        self._builder = Builder(scratch)
        self._logger = logger
        self._lock = threading.Lock()

    @property
    def origin(self) -> str:
        """Where plugins come from and which of them count, to be compared with that of other runs."""
        only = [] if self._only is None else [f"only {', '.join(sorted(self._only))}"]
        return "; ".join([*map(identify, self.sources), *only])

    def plan(self, incumbents: Mapping[str, Incumbent], watch: Stopwatch) -> Plan:
        """What a reload would do now.

        Args:
            incumbents: What is loaded.
            watch: Takes the time of each stage.

        Raises:
            UsageError: A source cannot be read.
            WheelError: Wheels that must not be installed; all their faults are listed.
            ResolutionError: No valid set.
        """
        # A plan may be asked for while a reload makes its own: they share caches, and must not build a project twice.
        with self._lock:
            with watch("found"):
                findings = [source.find() for source in self.sources]
                candidates = [candidate for finding in findings for candidate in self._candidates(finding)]
            with watch("verified"):
                manifests, unfinished = self._verify(candidates, [f for finding in findings for f in finding.faults])
        pending = [*(p for finding in findings for p in finding.pending), *unfinished]
        for item in pending:
            self._logger.info("%s: left for the next reload: %s", item.path, item.reason)
        return self.choose(manifests, incumbents, watch, pending)

    def choose(
        self,
        manifests: Sequence[Manifest],
        incumbents: Mapping[str, Incumbent],
        watch: Stopwatch,
        pending: Sequence[Pending] = (),
    ) -> Plan:
        """The plan for a given set of verified wheels."""
        with watch("resolved"):
            return resolve(manifests, read_host(), incumbents=incumbents, only=self._only, pending=pending)

    def _candidates(self, finding: Finding) -> list[Candidate]:
        return [*finding.candidates, *(self._builder.build(project) for project in finding.projects)]

    def _verify(self, candidates: Sequence[Candidate], faults: Sequence[Fault]) -> tuple[list[Manifest], list[Pending]]:
        manifests: list[Manifest] = []
        unfinished: list[Pending] = []
        errors: list[PluginError] = []
        if faults:
            names = ", ".join(dict.fromkeys(Path(fault.where).name for fault in faults))
            errors.append(WheelError(names, faults, stage="found"))
        for candidate in candidates:
            try:
                manifests.append(self._verifier.verify(candidate))
            except UnfinishedWheelError as error:
                unfinished.append(Pending(candidate.path, str(error), candidate.name))
            except WheelError as error:
                if self._only is None or {canonical(error.plugin), candidate.name} & self._only:
                    errors.append(error)
                else:
                    self._logger.warning("%s", error)
        raise_all(errors)
        self._verifier.forget(keep={candidate.digest for candidate in candidates})
        return manifests, unfinished
