"""What sources offer, looked at without a host: found, verified, resolved."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..control.exits import report_fault
from ..errors import BuildError, Fault, WheelError
from ..model import Candidate, Manifest, Pending, Plan, Source
from ..planning import Planner
from ..resolver import graph_as_json
from ..stopwatch import Stopwatch
from ..wheel import Builder, Verifier


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing that a source offers: a manifest, or the reasons why there is none."""

    file: Path
    candidate: Candidate | None = None
    manifest: Manifest | None = None
    faults: tuple[Fault, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The offer as plain data."""
        candidate, manifest = self.candidate, self.manifest
        imports = manifest.imports if manifest else None
        return {
            "name": manifest.plugin if manifest else candidate.name if candidate else None,
            "version": str(candidate.version) if candidate else None,
            "digest": candidate.digest if candidate else None,
            "file": str(self.file),
            "source": candidate.source if candidate else None,
            "summary": manifest.summary if manifest else "",
            "imports": None if imports is None else [str(dependency) for dependency in imports],
            "requires": [str(requirement) for requirement in manifest.requires] if manifest else [],
            "faults": [report_fault(fault) for fault in self.faults],
            "unfit": [report_fault(fault) for fault in manifest.unfit] if manifest else [],
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


def survey(sources: Sequence[Source], *, compiling: bool = False) -> Survey:
    """Look at everything on offer; what is wrong with one thing hides nothing of the others.

    Args:
        sources: Where to look.
        compiling: See `Verifier`.

    Raises:
        UsageError: A source cannot be read, or building needs an extra that is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="hotswap-") as scratch:
        findings = [source.find() for source in sources]
        offers: list[Offer] = []
        verifier, builder = Verifier(compiling=compiling), Builder(Path(scratch))
        for finding in findings:
            offers += [Offer(Path(fault.where), faults=(fault,)) for fault in finding.faults]
            offers += [_verify(candidate, candidate.path, verifier) for candidate in finding.candidates]
            for project in finding.projects:
                try:
                    built = builder.build(project)
                except BuildError as error:
                    offers.append(Offer(project.path, faults=error.faults))
                else:
                    offers.append(_verify(built, project.path, verifier))
    return Survey(tuple(offers), tuple(pending for finding in findings for pending in finding.pending))


def _verify(candidate: Candidate, file: Path, verifier: Verifier) -> Offer:
    try:
        return Offer(file, candidate, verifier.verify(candidate))
    except WheelError as error:
        return Offer(file, candidate, faults=error.faults)


def plan_of(sources: Sequence[Source]) -> Plan:
    """What a first load from these sources would do.

    Raises:
        WheelError, ResolutionError, UsageError: See `Planner.plan`.
    """
    with tempfile.TemporaryDirectory(prefix="hotswap-") as scratch:
        planner = Planner(tuple(sources), None, Path(scratch), logging.getLogger("hotswap"))
        return planner.plan({}, Stopwatch())


def graph_of(sources: Sequence[Source]) -> dict[str, Any]:
    """The dependency graph of that plan, as plain data."""
    return graph_as_json(plan_of(sources).graph)
