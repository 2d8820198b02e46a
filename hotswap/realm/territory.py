"""What a realm owns: the import names and the distributions of one plugin version, or of a set of libraries."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..model import LibraryDir, SiteDir, canonical

PARENT = "hotswap.realms"
"""The package below which every realm is one."""
_ANY_PREFIX = re.compile(rf"\b{re.escape(PARENT)}\.\w+\.")


@dataclass(frozen=True, slots=True)
class Brought:
    """One distribution that lies in a realm's directory."""

    name: str
    """Canonical distribution name."""
    dist_info: Path
    provides: tuple[str, ...]
    """Import names it brings, as `Manifest.provides`."""


class Territory:
    """The names a realm answers for.

    Args:
        prefix: `hotswap.realms.<id>.`
        label: What to call the owner in messages, e.g. `alpha 1.2.0`.
        distributions: What lies in the realm's directory.
        plugin: Canonical name of the plugin; "" for libraries.
    """

    def __init__(self, prefix: str, label: str, distributions: tuple[Brought, ...], plugin: str = "") -> None:
        self.prefix = prefix
        self.label = label
        self.plugin = plugin
        self.distributions = {canonical(each.name): each for each in distributions}
        # Libraries may bring a file each to one package, e.g. a stub of a namespace package.
        provides = frozenset(name for each in distributions for name in each.provides)
        self.tops = {name for name in provides if "." not in name}
        self._inside = frozenset(name for name in provides if "." in name and name.partition(".")[0] not in self.tops)
        # A namespace package is shared: `acme` is neither the realm's nor the host's, `acme.alpha` is the realm's.
        self.namespaces = frozenset(
            ".".join(parts[:length])
            for parts in (name.split(".") for name in self._inside)
            for length in range(1, len(parts))
        )
        self.all_tops = frozenset(name.partition(".")[0] for name in provides)
        """Top-level names below which the realm's distributions have anything."""
        self._further: frozenset[str] = frozenset()

    @property
    def directory(self) -> Path:
        """The realm's directory."""
        return next(iter(self.distributions.values())).dist_info.parent

    def widen(self, names: Iterable[str]) -> None:
        """Answer for further top-level names, and of those of before only for what has been imported."""
        imported = {name for name in self._further if self.prefix + name in sys.modules}
        before, self._further = self._further, frozenset({*names, *imported} - self.all_tops)
        self.tops |= self._further
        self.tops -= before - self._further

    def owns(self, name: str) -> bool:
        """True if the realm answers for an absolute module name."""
        if name in self.namespaces or name.partition(".")[0] in self.tops:
            return True
        return bool(self._inside) and any(name == own or name.startswith(own + ".") for own in self._inside)

    def full(self, name: str) -> str:
        """The name under which the interpreter knows a module that is called `name` here; itself if it is not owned."""
        return self.prefix + name if self.owns(name) else name

    def freed(self) -> ImportError:
        """What an import of its modules fails with once the realm is closed."""
        return ImportError(f"{self.label} has been freed and imports nothing of its own any more")


class Reach(Protocol):
    """The names that code of a realm reaches besides the host's: its own, and its private libraries'."""

    @property
    def territory(self) -> Territory:
        """What is the realm's own."""
        ...

    @property
    def closed(self) -> bool:
        """True once nothing can be imported any more."""
        ...

    def full(self, name: str) -> str:
        """The name under which the interpreter knows a module; the name itself if it is the host's."""
        ...

    def serves_host(self, name: str) -> bool:
        """True if code of the host that the realm calls may have a module of the realm's by that name."""
        ...


def of_site(site: SiteDir, prefix: str) -> Territory:
    """What the realm of a plugin owns."""
    manifest = site.manifest
    own = Brought(manifest.name, Path(site.path) / manifest.dist_info, manifest.provides)
    return Territory(prefix, manifest.label, (own,), manifest.plugin)


def of_libraries(directory: LibraryDir, prefix: str) -> Territory:
    """What the realm of a set of libraries owns."""
    chosen, path = directory.library_set, Path(directory.path)
    brought = tuple(Brought(each.name, path / each.dist_info, each.provides) for each in chosen.libraries)
    return Territory(prefix, f"the private libraries ({chosen.label})", brought)


def plain_names(text: str) -> str:
    """A text with every module named as its author knows it, without any realm's prefix."""
    if PARENT not in text:
        return text
    # Not only at the beginning: loggers are called things like `app.<module>`.
    text = _ANY_PREFIX.sub("", text)
    return "" if text.startswith(PARENT + ".") else text


def in_plain_words(error: ImportError) -> None:
    """Let an error speak of modules as their author does."""
    if error.msg:
        error.msg = plain_names(error.msg)
        error.args = (error.msg, *error.args[1:])
    if error.name:
        error.name = plain_names(error.name)
