"""The verdict on wheels, one by one and together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..control.exits import describe
from ..errors import Fault, HotswapError, UsageError, WheelError
from ..libraries import LibraryOptions
from ..sources import ProjectDir, WheelDir
from ..wheel import Verifier, inspect_wheel
from .declaring import Strictness
from .survey import Offer, Survey, plan_of, survey
from .text import mark, plain

_PROJECT_FILES = ("pyproject.toml", "setup.py")


def check_places(
    places: Sequence[Path], *, isolated: bool, find_links: Sequence[Path] = (), strict: bool = False
) -> dict[str, Any]:
    """Check everything in some places.

    Args:
        places: Wheels, directories of wheels, projects.
        isolated: Build projects in environments of their own.
        find_links: Directories of wheels of libraries.
        strict: An import that nothing declared brings is a fault.

    Returns:
        Plain data: `ok`, `wheels`, `pending`, and the `resolutions` of directories.

    Raises:
        UsageError: A directory is neither a project nor has wheels, or building needs an extra that is not installed.
    """
    wheels: list[dict[str, Any]] = []
    pending: list[dict[str, Any]] = []
    resolutions: list[dict[str, Any]] = []
    verifier = Verifier(compiling=True)
    directories = [*find_links, *(place for place in places if place.is_dir())]
    strictly = Strictness(directories, verifier) if strict else None
    for place in places:
        if not place.is_dir():
            seen = Survey((_inspect(place, strictly),), ())
        elif any((place / name).exists() for name in _PROJECT_FILES):
            seen = survey([ProjectDir(place, isolated)], strictly, verifier=verifier)
        else:
            source = WheelDir(place)
            seen = survey([source], strictly, verifier=verifier)
            if not seen.offers and not seen.pending:
                raise UsageError(f"{place} has no wheels, and is no project either: nothing to check")
            resolutions += _resolve(source, seen, LibraryOptions(find_links=find_links), verifier)
        found = seen.as_json()
        wheels += found["plugins"]
        pending += found["pending"]
    ok = not pending and not any(wheel["faults"] for wheel in wheels) and not any(r["error"] for r in resolutions)
    return {"ok": ok, "wheels": wheels, "pending": pending, "resolutions": resolutions}


def _inspect(wheel: Path, strictly: Strictness | None) -> Offer:
    try:
        manifest = inspect_wheel(wheel, compiling=True)
    except WheelError as error:
        return Offer(wheel, faults=error.faults)
    return Offer(wheel, manifest.candidate, manifest, strictly(manifest) if strictly is not None else ())


def _resolve(source: WheelDir, seen: Survey, options: LibraryOptions, verifier: Verifier) -> list[dict[str, Any]]:
    if any(offer.faults for offer in seen.offers) or seen.pending:
        return []  # what a faulty wheel would have brought is missing: every complaint about that would mislead
    verdict: dict[str, Any] = {"directory": str(source).rstrip("/"), "error": None, "order": [], "notes": []}
    try:
        plan = plan_of([source], options, verifier=verifier)
    except HotswapError as error:
        verdict["error"] = describe(error)
    else:
        verdict["order"], verdict["notes"] = list(plan.steps), list(plan.notes)
    return [verdict]


def draw_verdict(verdict: dict[str, Any]) -> str:
    """What `check_places` found, for people."""
    lines = []
    for wheel in verdict["wheels"]:
        name = f"{wheel['name']} {wheel['version']}" if wheel["version"] else wheel["name"]
        lines.append(f"{mark(not wheel['faults'])} {plain(wheel['file'])}" + (f" ({plain(name)})" if name else ""))
        lines += [f"      {plain(str(Fault(**fault)))}" for fault in wheel["faults"]]
        lines += [f"      does not fit this interpreter: {plain(str(Fault(**fault)))}" for fault in wheel["unfit"]]
    for item in verdict["pending"]:
        lines.append(f"{mark(False)} {plain(item['file'])}")
        lines.append(f"      {plain(item['reason'])}")
    for resolution in verdict["resolutions"]:
        error, order = resolution["error"], resolution["order"]
        lines.append(f"{mark(error is None)} {plain(resolution['directory'])} together")
        if error is None:
            lines.append(f"      load order: {', '.join(order)}")
        else:
            lines += [f"      {plain(line)}" for line in error["message"].splitlines()]
        lines += [f"      {plain(note)}" for note in resolution["notes"]]
    return "\n".join(lines)
