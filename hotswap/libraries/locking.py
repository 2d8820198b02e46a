"""hotswap.lock: every wheel of every plugin and of its private set, with its sha256, for each environment.

plan (as JSON) --lock_text--> hotswap.lock --read_lock--> Lock --check--> what may be installed

An environment is a kind of interpreter and platform. Each has a list of its own, written there: which wheels a plugin
gets depends on tags and markers. Where it has none, the list of another does if all its wheels fit.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from ..errors import Fault, UsageError, WheelError
from ..model import Library, LibrarySet, Manifest, canonical
from .tags import fits, this_environment

_FORMAT = 2
_WAY_OUT = "put the locked wheel there, or write the lock anew with hotswap lock"


@dataclass(frozen=True, slots=True)
class LockedWheel:
    """One wheel that may be installed."""

    name: str
    """Canonical distribution name."""
    version: Version
    file: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    def as_library(self) -> Library:
        """What is known of it without the wheel."""
        return Library(self.name, self.version, Path(self.file), self.sha256, (), "")


@dataclass(frozen=True, slots=True)
class LockedPlugin:
    """A plugin's wheel, and those of its private set."""

    wheel: LockedWheel
    libraries: tuple[LockedWheel, ...]

    @property
    def key(self) -> str | None:
        """`LibrarySet.key` of the private set; None if there is none."""
        if not self.libraries:
            return None
        return LibrarySet(tuple(wheel.as_library() for wheel in self.libraries)).key


@dataclass(frozen=True, slots=True)
class Lock:
    """What may be installed in one environment."""

    path: Path
    plugins: Mapping[str, LockedPlugin]
    environment: str
    """Which list of the file it is."""

    def check(self, manifests: Iterable[Manifest]) -> None:
        """Compare plugins' wheels with those that are listed.

        Raises:
            WheelError: Some are not listed, or differ; with both hashes.
        """
        faulty: dict[str, Fault] = {}
        for manifest in manifests:
            listed, file = self.plugins.get(manifest.plugin), str(manifest.candidate.path)
            if listed is None:
                what = f"has sha256 {manifest.digest}, and {self.path.name} lists no plugin {manifest.plugin}"
                faulty[manifest.plugin] = Fault(file, what, "take it away, or write the lock anew with hotswap lock")
            elif listed.wheel.sha256 != manifest.digest:
                what = f"has sha256 {manifest.digest}, {self.path.name} lists {listed.wheel} with {listed.wheel.sha256}"
                faulty[manifest.plugin] = Fault(file, what, _WAY_OUT)
        if faulty:
            head = f"{', '.join(sorted(faulty))}: not what {self.path.name} lists"
            raise WheelError(sorted(faulty)[0], [faulty[name] for name in sorted(faulty)], head=head)

    def missing(self, plugin: str, wheels: Iterable[tuple[LockedWheel, Iterable[tuple[Path, str]]]]) -> WheelError:
        """The error for libraries that are listed and not on offer.

        Args:
            plugin: Whose libraries they are.
            wheels: Each, with path and sha256 of those of the same version that are on offer.
        """
        faults = []
        for wheel, others in wheels:
            given = [f"{path} has sha256 {digest}" for path, digest in others] or [
                "no wheel of that version is on offer"
            ]
            what = f"{self.path.name} lists {wheel.file} with sha256 {wheel.sha256} for {plugin}; {', '.join(given)}"
            faults.append(Fault(str(wheel), what, f"{_WAY_OUT}; or allow an index with index=True"))
        return WheelError(plugin, faults, stage="resolved", head=f"{plugin}: locked libraries are missing")


def lock_text(plan: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> str:
    """The lock of a plan, which came as plain data; equal plans have equal locks.

    Args:
        plan: See `Plan.as_json`; with the `environment` that it was made in, by default this one.
        before: The lists of all environments; those of others are kept. See `read_lists`.

    Raises:
        UsageError: It is not known yet what would be fetched.
    """
    plugins = {}
    for plugin in plan["plugins"]:
        if plugin["outcome"] == "removed":
            continue
        if plugin["fetch"]:
            raise UsageError(f"{plugin['name']} needs what has to be fetched first: {', '.join(plugin['fetch'])}")
        plugins[plugin["name"]] = {
            **_wheel(plugin["distribution"], plugin),
            "libraries": [_wheel(library["name"], library) for library in plugin["libraries"]],
        }
    lists = {**(before or {}), plan.get("environment") or this_environment(): dict(sorted(plugins.items()))}
    return json.dumps({"format": _FORMAT, "environments": dict(sorted(lists.items()))}, indent=2) + "\n"


def _wheel(name: str, data: Mapping[str, Any]) -> dict[str, str]:
    return {"name": name, "version": data["version"], "file": Path(data["file"]).name, "sha256": data["digest"]}


def read_lists(path: Path) -> Mapping[str, Any]:
    """The lists of all environments in a lock, as plain data; none where there is no file.

    Raises:
        UsageError: It cannot be read, or is no lock.
    """
    if not path.exists():
        return {}
    with _faults(path):
        data = json.loads(path.read_bytes())
        if data["format"] != _FORMAT:
            raise ValueError(f"its format is {data['format']!r}, known is {_FORMAT}")
        for plugins in data["environments"].values():
            _parsed(plugins)
        return dict(data["environments"])


def read_lock(path: Path) -> Lock:
    """Read what a lock lists for this environment.

    Raises:
        UsageError: It cannot be read, is none, or has nothing for this environment.
    """
    if not path.exists():
        raise UsageError(f"{path} does not exist: write it with hotswap lock")
    lists, own = read_lists(path), this_environment()
    if own in lists:
        return Lock(path, _parsed(lists[own]), own)
    for other, plugins in lists.items():
        lock = Lock(path, _parsed(plugins), other)
        if all(fits(wheel.file) for plugin in lock.plugins.values() for wheel in (plugin.wheel, *plugin.libraries)):
            return lock
    raise UsageError(
        f"{path} lists wheels for {', '.join(lists) or 'nothing'}, and this is {own}: run hotswap lock with this"
        " interpreter, which adds its wheels beside the others"
    )


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}): write it with hotswap lock") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise UsageError(
            f"{path} is no lock of hotswap ({reason}): remove it, and write it anew with hotswap lock"
        ) from None


def _parsed(plugins: Mapping[str, Any]) -> dict[str, LockedPlugin]:
    return {
        canonical(name): LockedPlugin(_locked(plugin), tuple(map(_locked, plugin["libraries"])))
        for name, plugin in plugins.items()
    }


def _locked(data: Mapping[str, Any]) -> LockedWheel:
    try:
        return LockedWheel(canonical(data["name"]), Version(data["version"]), data["file"], data["sha256"])
    except InvalidVersion as error:
        raise ValueError(str(error)) from None
