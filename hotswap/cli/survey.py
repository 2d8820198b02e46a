"""What sources offer, looked at without a host: found, verified, resolved."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..calls import DirectCaller
from ..control.exits import report_fault
from ..errors import BuildError, Fault, WheelError
from ..libraries import LibraryOptions
from ..model import Candidate, Library, Manifest, Pending, Plan, Source
from ..planning import Planner
from ..provision import Provision
from ..resolver import graph_as_json, with_libraries
from ..stopwatch import Stopwatch
from ..wheel import Builder, Verifier

Strictly = Callable[[Manifest], tuple[Fault, ...]]


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing that a source offers: a manifest, or the reasons why there is none."""

    file: Path
    candidate: Candidate | None = None
    manifest: Manifest | None = None
    faults: tuple[Fault, ...] = ()
    library: Library | None = None
    """What it is if it is no plugin."""

    def as_json(self) -> dict[str, Any]:
        """The offer as plain data."""
        candidate, manifest, known = self.candidate, self.manifest, self.manifest or self.library
        imports = manifest.imports if manifest else None
        return {
            "name": manifest.plugin if manifest else candidate.name if candidate else None,
            "version": str(candidate.version) if candidate else None,
            "digest": candidate.digest if candidate else None,
            "file": str(self.file),
            "source": candidate.source if candidate else None,
            "summary": manifest.summary if manifest else "",
            "imports": None if imports is None else [str(dependency) for dependency in imports],
            "requires": [str(requirement) for requirement in (known.requires if known else ())],
            "faults": [report_fault(fault) for fault in self.faults],
            "unfit": [report_fault(fault) for fault in (known.unfit if known else ())],
            "kind": "library" if self.library else "plugin",
        }


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything that some sources offer at one moment."""

    offers: tuple[Offer, ...]
    pending: tuple[Pending, ...]

    def as_json(self) -> dict[str, Any]:
        """The survey as plain data."""
        return {
            "plugins": [offer.as_json() for offer in self.offers],
            "pending": [{"file": str(pending.path), "reason": pending.reason} for pending in self.pending],
        }


def survey(sources: Sequence[Source], strictly: Strictly | None = None, *, verifier: Verifier | None = None) -> Survey:
    """Look at everything on offer; what is wrong with one thing hides nothing of the others.

    Args:
        sources: Where to look.
        strictly: Finds more faults in a plugin that is well made.
        verifier: Default: one that compiles nothing.

    Raises:
        UsageError: A source cannot be read, or building needs an extra that is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="hotswap-") as scratch:
        findings = [source.find() for source in sources]
        offers: list[Offer] = []
        verifier, builder = verifier or Verifier(), Builder(Path(scratch))
        for finding in findings:
            offers += [Offer(Path(fault.where), faults=(fault,)) for fault in finding.faults]
            offers += [_look(candidate, verifier, strictly) for candidate in finding.candidates]
            for project in finding.projects:
                try:
                    built = builder.build(project)
                except BuildError as error:
                    offers.append(Offer(project.path, faults=error.faults))
                else:
                    offers.append(_verify(built, project.path, verifier, strictly))
    return Survey(tuple(offers), tuple(pending for finding in findings for pending in finding.pending))


def _look(candidate: Candidate, verifier: Verifier, strictly: Strictly | None) -> Offer:
    """A plugin's manifest, or what a wheel is that claims to be none."""
    try:
        if verifier.claims_plugin(candidate):
            return _verify(candidate, candidate.path, verifier, strictly)
        return Offer(candidate.path, candidate, library=verifier.verify_library(candidate))
    except WheelError as error:
        return Offer(candidate.path, candidate, faults=error.faults)


def _verify(candidate: Candidate, file: Path, verifier: Verifier, strictly: Strictly | None) -> Offer:
    try:
        manifest = verifier.verify(candidate)
        return Offer(file, candidate, manifest, strictly(manifest) if strictly is not None else ())
    except WheelError as error:
        return Offer(file, candidate, faults=error.faults)


def plan_of(
    sources: Sequence[Source],
    options: LibraryOptions,
    *,
    wheelhouse: Path | None = None,
    fetch: bool = False,
    verifier: Verifier | None = None,
) -> Plan:
    """What a first load from these sources would do.

    Args:
        sources: Where plugins come from.
        options: Where their libraries come from.
        wheelhouse: Where fetched wheels lie.
        fetch: Fetch what is missing.
        verifier: Remembers what it has verified already.

    Raises:
        WheelError, ResolutionError, UsageError: See `Planner.plan`.
    """
    logger = logging.getLogger("hotswap")

    def nothing(digest: str) -> None:
        """There is no state dir."""

    with tempfile.TemporaryDirectory(prefix="hotswap-") as scratch:
        provision = Provision(options, wheelhouse or Path(scratch, "wheelhouse"), nothing, nothing, logger)
        planner = Planner(tuple(sources), None, Path(scratch), logger, provision, verifier)
        return planner.plan({}, Stopwatch(), fetching=DirectCaller().check if fetch else None)


def graph_of(plan: Plan, *, libraries: bool) -> dict[str, Any]:
    """The dependency graph of a plan, as plain data."""
    if not libraries:
        return graph_as_json(plan.graph)
    worlds = [(step.manifest, plan.libraries.get(name), plan.copies.get(name, ())) for name, step in plan.steps.items()]
    return graph_as_json(with_libraries(plan.graph, worlds))
