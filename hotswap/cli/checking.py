"""The verdict on wheels, one by one and together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..control.exits import describe
from ..errors import HotswapError, UsageError, WheelError
from ..resolver import resolve
from ..sources import ProjectDir, WheelDir, read_host
from ..wheel import inspect_wheel
from .survey import Offer, Survey, survey

_PROJECT_FILES = ("pyproject.toml", "setup.py")


def check_places(places: Sequence[Path], *, isolated: bool) -> dict[str, Any]:
    """Check everything in some places.

    Args:
        places: Wheels, directories of wheels, projects.
        isolated: Build projects in environments of their own.

    Returns:
        Plain data: `ok`, `wheels`, `pending`, and the `resolutions` of directories.

    Raises:
        UsageError: A directory is neither a project nor has wheels, or building needs an extra that is not installed.
    """
    wheels: list[dict[str, Any]] = []
    pending: list[dict[str, Any]] = []
    resolutions: list[dict[str, Any]] = []
    for place in places:
        if not place.is_dir():
            seen = Survey((_inspect(place),), ())
        elif any((place / name).exists() for name in _PROJECT_FILES):
            seen = survey([ProjectDir(place, isolated)], compiling=True)
        else:
            seen = survey([WheelDir(place)], compiling=True)
            if not seen.offers and not seen.pending:
                raise UsageError(f"{place} has no wheels, and is no project either: nothing to check")
            resolutions += _resolve(place, seen)
        found = seen.as_json()
        wheels += found["plugins"]
        pending += found["pending"]
    ok = not pending and not any(wheel["faults"] for wheel in wheels) and not any(r["error"] for r in resolutions)
    return {"ok": ok, "wheels": wheels, "pending": pending, "resolutions": resolutions}


def _inspect(wheel: Path) -> Offer:
    try:
        manifest = inspect_wheel(wheel, compiling=True)
    except WheelError as error:
        return Offer(wheel, faults=error.faults)
    return Offer(wheel, manifest.candidate, manifest)


def _resolve(directory: Path, seen: Survey) -> list[dict[str, Any]]:
    manifests = [offer.manifest for offer in seen.offers if offer.manifest is not None]
    if len(manifests) < len(seen.offers) or seen.pending:
        return []  # what a faulty wheel would have brought is missing: every complaint about that would mislead
    verdict: dict[str, Any] = {"directory": str(directory), "error": None, "order": [], "notes": []}
    try:
        plan = resolve(manifests, read_host())
    except HotswapError as error:
        verdict["error"] = describe(error)
    else:
        verdict["order"], verdict["notes"] = list(plan.steps), list(plan.notes)
    return [verdict]
