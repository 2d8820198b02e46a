"""A directory of plugins' wheels, and what goes into it and out of it."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from ..errors import UsageError, WheelError, raise_all
from ..libraries import Fetcher, LibraryOptions
from ..model import Candidate, Manifest, Source, canonical
from ..sources import WheelDir
from ..store import Store
from ..wheel import Verifier, inspect_wheel
from .survey import plan_of
from .writing import replace_file


def install_plugins(
    requirements: Sequence[str], directory: Path, index: bool | str, find_links: Sequence[Path]
) -> list[dict[str, Any]]:
    """Fetch plugins' wheels into a directory.

    Returns:
        For each: plugin, version, digest, wheel, whether it was there already, and newer wheels that lie there too.

    Raises:
        UsageError: A requirement is none, or nothing can be fetched.
        WheelError: What came is no plugin, or must not be installed; nothing has been put into the directory.
    """
    for text in requirements:
        _requirement(text)
    directory.mkdir(parents=True, exist_ok=True)
    # Inside the directory, so that wheels get there by a rename; hidden, so that a host that looks sees none of it.
    with tempfile.TemporaryDirectory(prefix=".hotswap-", dir=directory) as scratch:
        fetcher = Fetcher(index, Path(scratch), find_links, logger=logging.getLogger("hotswap"))
        fetched = fetcher.fetch_alone(requirements)
        manifests: list[Manifest] = []
        errors: list[WheelError] = []
        for wheel in fetched:
            try:
                manifests.append(inspect_wheel(wheel))
            except WheelError as error:
                errors.append(error)
        raise_all(errors)
        there = {candidate.path.name: candidate for candidate in WheelDir(directory).find().candidates}
        return [_put(manifest, directory, there) for manifest in manifests]


def _put(manifest: Manifest, directory: Path, there: Mapping[str, Candidate]) -> dict[str, Any]:
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
        "already": known is not None and known.digest == manifest.digest,
        "newer": [str(directory / path.name) for path in newer],
    }


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
        asked = _requirement(text)
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


def _requirement(text: str) -> Requirement:
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
