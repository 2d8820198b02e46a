"""Candidate in, Manifest or Library out; every fault at once."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.tags import Tag
from packaging.utils import parse_wheel_filename

from ..errors import Fault, UnfinishedWheelError, WheelContractError, WheelError
from ..model import LIVE_PREFIX, Candidate, Library, Manifest
from .archive import open_archive
from .claim import ENTRY_POINTS, claims_to_be_plugin, names_the_group
from .contents import Contents, read_metadata
from .files import Files, InstalledFiles, PackedFiles
from .imports import imported_plugins
from .layout import check_names, check_root, place, provides
from .metadata import (
    InvalidWheelFilename,
    check_fitness,
    read_entry_point,
    read_tags,
)
from .reading import read_wheel
from .source import View, view
from .stamping import STAMP, read_stamp
from .syntax import broken_modules

SETTLING = 2.0
"""Seconds after its last change during which a bad archive counts as a copy in progress."""
_NOT_PROVIDED = {*sys.stdlib_module_names, "hotswap", "sitecustomize", "usercustomize"}
"""Import names that no library answers for."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    """What is wrong with a wheel, without the exception and its traceback."""

    plugin: str
    faults: tuple[Fault, ...]
    head: str
    breaks_contract: bool = False
    """Functions are missing or wrong."""

    def error(self) -> WheelError:
        kind = WheelContractError if self.breaks_contract else WheelError
        return kind(self.plugin, self.faults, head=self.head)


class Verifier:
    """Checks wheels and installed distributions without executing any of them.

    What was verified once is remembered by digest and file name, refusals included.

    Args:
        logger: Takes the messages; `hotswap.wheel` by default.
        clock: Tells the time in seconds since the epoch, to judge how long ago a file changed.
        compiling: Also compile every module that can be imported, for those who make wheels. A host does without: it
            would wait for it at each load.
    """

    def __init__(
        self,
        logger: logging.Logger | None = None,
        *,
        clock: Callable[[], float] = time.time,
        compiling: bool = False,
    ) -> None:
        self._logger = logger or logging.getLogger("hotswap.wheel")
        self._clock = clock
        self._compiling = compiling
        self._known: dict[tuple[str, str], Manifest | _Refusal] = {}
        self._libraries: dict[tuple[str, str], Library | _Refusal] = {}
        self._claims: dict[tuple[str, str], bool] = {}

    def verify(self, candidate: Candidate) -> Manifest:
        """What the candidate says of itself.

        A wheel made for another interpreter is not an error: `Manifest.unfit` says so.

        Raises:
            WheelError: It must not be installed; `faults` has everything found.
            UnfinishedWheelError: Somebody still seems to be writing it.
        """
        key = (candidate.digest, candidate.path.name)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._examine(candidate)
        if isinstance(known, _Refusal):
            raise known.error()
        if known.candidate is not candidate and known.candidate != candidate:
            known = self._known[key] = replace(known, candidate=candidate)
        return known

    def verify_library(self, candidate: Candidate) -> Library:
        """What a wheel says of itself that is no plugin: as strict, without entry point and functions.

        Raises:
            WheelError: It must not be installed; `faults` has everything found.
            UnfinishedWheelError: Somebody still seems to be writing it.
        """
        key = (candidate.digest, candidate.path.name)
        known = self._libraries.get(key)
        if known is None:
            faults: list[Fault] = []
            contents = self._open(candidate, faults, byte_code=True)  # even numpy ships some
            known = contents if isinstance(contents, _Refusal) else self._library(candidate, contents, faults)
            self._libraries[key] = known
        if isinstance(known, _Refusal):
            raise known.error()
        if known.path != candidate.path:
            known = self._libraries[key] = replace(known, path=candidate.path)
        return known

    def claims_plugin(self, candidate: Candidate) -> bool:
        """False for a wheel that can be read and has no entry point in the group of plugins: it is a library."""
        key = (candidate.digest, candidate.path.name)
        if candidate.tree is not None or key in self._known:
            return True
        if key not in self._claims:
            self._claims[key] = claims_to_be_plugin(candidate.path)
        return self._claims[key]

    def forget(self, keep: Collection[str]) -> None:
        """Forget what was verified of every digest that is not in `keep`."""
        for known in (self._known, self._libraries, self._claims):
            for key in [key for key in known if key[0] not in keep]:
                known.pop(key, None)

    def _examine(self, candidate: Candidate) -> Manifest | _Refusal:
        faults: list[Fault] = []
        known: Manifest | _Refusal
        if candidate.tree is None:
            contents = self._open(candidate, faults)
            known = contents if isinstance(contents, _Refusal) else self._plugin(candidate, contents, faults)
        else:
            files = InstalledFiles(candidate.tree, faults)
            known = _manifest(candidate, files, candidate.path.name, frozenset(), faults, self._compiling)
        if isinstance(known, _Refusal):
            self._logger.debug("refused %s: %d faults", candidate.path, len(known.faults))
        else:
            self._logger.debug("verified %s (%s)", known.label, candidate.path)
        return known

    def _open(self, candidate: Candidate, faults: list[Fault], *, byte_code: bool = False) -> Contents | _Refusal:
        """Read the wheel, and check its headers and names."""
        read = read_wheel(candidate.path, candidate.name)
        if read.digest != candidate.digest:
            fault = Fault(str(candidate.path), "changed since it was found", "it is tried again at the next reload")
            raise UnfinishedWheelError(candidate.name, [fault])
        archive = open_archive(read.data)
        names = [member.name for member in archive.members]
        faults += [*archive.faults, *check_names(names, byte_code=byte_code)]
        layout = place(names, candidate, faults)
        if archive.faults or not layout.dist_info:
            # headers that lie, or no metadata: contents would be anybody's guess
            faults += check_root(layout.placed, provides(layout.placed))
            self._settle(candidate, archive.faults, read.changed)
            return _refusal(candidate, candidate.name, faults)
        streams: list[Fault] = []
        files = PackedFiles(archive, layout.placed, streams)
        return Contents(archive, files, layout.dist_info, read.changed, streams)

    def _check_all(self, candidate: Candidate, contents: Contents, faults: list[Fault]) -> frozenset[Tag]:
        """Inflate and compare every member; returns the tags of the wheel."""
        try:
            tags = read_tags(candidate.path.name)
        except InvalidWheelFilename as error:
            tags = frozenset()
            faults.append(Fault(candidate.path.name, f"is not a wheel's file name: {error}"))
        faults += contents.check_record()
        if contents.streams:
            self._settle(candidate, contents.streams, contents.changed)
        faults += contents.streams
        return tags

    def _plugin(self, candidate: Candidate, contents: Contents, faults: list[Fault]) -> Manifest | _Refusal:
        tags = self._check_all(candidate, contents, faults)
        return _manifest(candidate, contents.files, contents.dist_info, tags, faults, self._compiling)

    def _library(self, candidate: Candidate, contents: Contents, faults: list[Fault]) -> Library | _Refusal:
        tags = self._check_all(candidate, contents, faults)
        core = read_metadata(candidate, contents.files, contents.dist_info, faults)
        entries = f"{contents.dist_info}/{ENTRY_POINTS}"
        if entries in contents.files.paths and names_the_group(contents.files.read(entries) or b""):
            way_out = "a plugin belongs into the directory of plugins: put it there, or hotswap install it"
            faults.append(Fault(str(candidate.path), "is required as a library, and is a plugin", way_out))
        if faults:
            return _refusal(candidate, candidate.name, faults)
        # Path files act in a site-packages directory only, and before the standard library's modules nobody's come:
        # neither does harm in a library dir, and much-used packages have them.
        provided = (name for name in provides(contents.files.paths) if name.partition(".")[0] not in _NOT_PROVIDED)
        self._logger.debug("verified %s %s (%s)", candidate.name, candidate.version, candidate.path)
        return Library(
            name=candidate.name,
            version=candidate.version,
            path=candidate.path,
            digest=candidate.digest,
            provides=tuple(provided),
            dist_info=contents.dist_info,
            requires=core.requires,
            unfit=check_fitness(tags, core.requires_python, candidate.path.name),
        )

    def _settle(self, candidate: Candidate, faults: Iterable[Fault], changed: float) -> None:
        faults = tuple(dict.fromkeys(faults))
        if faults and abs(self._clock() - changed) < SETTLING:
            file = candidate.path.name
            head = f"{candidate.name} ({file}) is bad, but changed a moment ago: somebody may still be writing it"
            raise UnfinishedWheelError(candidate.name, faults, head=head)


def inspect_wheel(path: Path, *, compiling: bool = False) -> Manifest:
    """What a wheel file says of itself.

    Args:
        path: The wheel.
        compiling: See `Verifier`.

    Raises:
        WheelError: It must not be installed; `faults` has everything found.
        UnfinishedWheelError: Somebody still seems to be writing it.
    """
    try:
        name, version, _, _ = parse_wheel_filename(path.name)
    except InvalidWheelFilename as error:
        raise WheelError(path.name, [Fault(str(path), f"is not a wheel's file name: {error}")]) from None
    digest = read_wheel(path, name).digest
    return Verifier(compiling=compiling).verify(Candidate(name, version, path, digest, str(path.parent)))


def _manifest(
    candidate: Candidate, files: Files, dist_info: str, tags: frozenset[Tag], faults: list[Fault], compiling: bool
) -> Manifest | _Refusal:
    """The common way of wheels and installed distributions: metadata, entry point, names, source."""
    core = read_metadata(candidate, files, dist_info, faults)
    unfit = check_fitness(tags, core.requires_python, candidate.path.name)
    stamp = f"{dist_info}/{STAMP}"
    build = read_stamp(files.read(stamp) or b"", STAMP, faults) if stamp in files.paths else None
    entries = f"{dist_info}/{ENTRY_POINTS}"
    entry = read_entry_point(files.read(entries) if entries in files.paths else None, ENTRY_POINTS, faults)
    provided = provides(files.paths)
    faults += check_root(files.paths, provided)
    imports = None
    shows = View()
    if entry is not None:
        shows = view(entry, files, foreign=bool(unfit))
        faults += shows.faults
        imports = imported_plugins(shows.import_, shows.scope, files)
    if compiling and not unfit:
        faults += broken_modules(files, provided)
    if faults or entry is None:
        refusal = _refusal(candidate, entry.plugin if entry else candidate.name, faults)
        return replace(refusal, breaks_contract=shows.scope is not None and bool(shows.faults))
    return Manifest(
        plugin=entry.plugin,
        name=candidate.name,
        version=candidate.version,
        digest=candidate.digest,
        candidate=candidate,
        entry_module=entry.module,
        entry_attr=entry.attr,
        provides=provided,
        dist_info=dist_info,
        requires=core.requires,
        requires_python=core.requires_python,
        tags=tags,
        summary=core.summary,
        imports=imports,
        unfit=unfit,
        build=build,
        live_prefix=build.live_prefix if build is not None else LIVE_PREFIX,
    )


def _refusal(candidate: Candidate, plugin: str, faults: Iterable[Fault]) -> _Refusal:
    return _Refusal(plugin, tuple(dict.fromkeys(faults)), f"{plugin} ({candidate.path.name})")
