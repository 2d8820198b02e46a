"""A directory of plugins' wheels, and what goes into it and out of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from ..errors import UsageError, WheelError
from ..libraries import LibraryOptions
from ..model import Candidate, Source, canonical
from ..sources import WheelDir
from ..store import Store
from ..wheel import Verifier
from .survey import plan_of
from .writing import replace_file


def uninstall_plugins(names: Sequence[str], directory: Path) -> list[dict[str, Any]]:
    """Take plugins' wheels out of a directory.

    Returns:
        For each: name, version, wheel.

    Raises:
        UsageError: A name is none, or no plugin's in the directory; nothing has been removed.
    """
    verifier = Verifier()
    wheels = [(candidate, _plugin_name(candidate, verifier)) for candidate in WheelDir(directory).find().candidates]
    removed: dict[Path, Candidate] = {}
    for text in names:
        asked = parse_requirement(text)
        name = canonical(asked.name)
        found = [
            candidate
            for candidate, plugin in wheels
            if plugin is not None
            and name in (plugin, candidate.name)
            and asked.specifier.contains(candidate.version, prereleases=True)
        ]
        if not found:
            known = sorted({plugin for _, plugin in wheels if plugin is not None})
            raise UsageError(f"{directory} has no plugin {text}; there are: {', '.join(known) or 'none'}")
        removed.update((candidate.path, candidate) for candidate in found)
    for path in removed:
        path.unlink()
    return [
        {"name": candidate.name, "version": str(candidate.version), "wheel": str(directory / path.name)}
        for path, candidate in removed.items()
    ]


def _plugin_name(candidate: Candidate, verifier: Verifier) -> str | None:
    """The name of the plugin in a wheel, or the distribution's if it is refused; None for a library."""
    try:
        return verifier.verify(candidate).plugin if verifier.claims_plugin(candidate) else None
    except WheelError:
        return candidate.name


def parse_requirement(text: str) -> Requirement:
    """A requirement that somebody has typed.

    Raises:
        UsageError: It is none.
    """
    try:
        return Requirement(text)
    except InvalidRequirement as error:
        raise UsageError(f"{text!r} is no requirement: {str(error).splitlines()[0]}") from None


def plan_with_wheelhouse(sources: Sequence[Source], options: LibraryOptions, state_dir: Path) -> dict[str, Any]:
    """The plan of a first load, as plain data, with what is missing fetched into the wheelhouse of a state dir.

    Raises:
        WheelError, ResolutionError, UsageError: See `Planner.plan`.
    """
    if not options.index:
        return plan_of(sources, options, wheelhouse=state_dir / "wheelhouse").as_json()
    store = Store(state_dir)
    try:
        _ = store.scratch  # makes the state dir, for its owner alone
        return plan_of(sources, options, wheelhouse=store.wheelhouse, fetch=True).as_json()
    finally:
        store.close()


def write_whole(output: Path, text: str) -> bool:
    """Write a file that others may be reading: they see what was there before, or all of this; False if it was this.

    Raises:
        UsageError: It cannot be written.
    """
    path, content = output.resolve(), text.encode()
    try:
        if path.is_file() and path.read_bytes() == content:
            return False
        replace_file(path, content)
    except OSError as error:
        raise UsageError(f"{output} cannot be written ({error.strerror}): name another --output") from None
    return True
