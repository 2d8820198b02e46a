"""Which packages would have to be in the process in two copies, and cannot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..errors import PrivateCopyError
from ..model import Host, Incumbent, Library, LibrarySet, Manifest
from ..solitary import SOLITARY


def refuse_copies_inside(plugins: Iterable[Manifest]) -> None:
    """Refuse copies in plugins' own wheels, of which nobody knows whose copy it is and when it has gone.

    Raises:
        PrivateCopyError: There are such.
    """
    brought = [(manifest, SOLITARY.keys() & manifest.provides) for manifest in plugins]
    for name in sorted({name for _, names in brought for name in names}):
        inside = [manifest for manifest, names in brought if name in names]
        reasons = [f"{each.label} has {name} in its own wheel (let it require {name})" for each in inside]
        raise PrivateCopyError(name, SOLITARY[name].reason, plugins=[each.plugin for each in inside], reasons=reasons)


def refuse_second_copies(
    libraries: Mapping[str, LibrarySet | None], host: Host, incumbents: Mapping[str, Incumbent]
) -> None:
    """Refuse private copies beside another one: the host's, another set's, or one that is loaded now.

    Args:
        libraries: Plugin name -> its private libraries.
        host: What it has, it may import at any time.
        incumbents: What is loaded now, and stays so until the change is done.

    Raises:
        PrivateCopyError: There are such.
    """
    before = {plugin: incumbent.libraries for plugin, incumbent in incumbents.items()}
    for name, solitary in SOLITARY.items():
        now, then = list(_copies(before, name)), list(_copies(libraries, name))
        loaded = {key for _, key, _ in now}
        reasons, plugins = [], []
        for plugin, key, library in then:
            if key in loaded:
                continue  # whatever has come since, this is no further copy
            beside = [f"the host has {name} {host.distributions[name]}"] if name in host.distributions else []
            beside += [f"{who} another one, {its.label}" for who, other, its in then if other != key]
            beside += [
                f"{who} has {its.label} of another set until then (let it go by a reload without {who} first)"
                for who, other, its in now
                if other != key and (who == plugin or libraries.get(who) != before[who])
            ]
            reasons += [f"{plugin} would get {library.label} for itself, and {text}" for text in beside]
            plugins += [plugin] if beside else []
        if reasons:
            raise PrivateCopyError(name, solitary.reason, plugins=plugins, reasons=reasons)


def _copies(sets: Mapping[str, LibrarySet | None], name: str) -> Iterator[tuple[str, str, Library]]:
    """Who has a package privately, in which set."""
    for plugin, chosen in sorted(sets.items()):
        for library in chosen.libraries if chosen is not None else ():
            if library.name == name and chosen is not None:
                yield plugin, chosen.key, library
