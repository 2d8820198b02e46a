"""`importlib.metadata`, which sees the distributions in a realm's directory before the host's."""

from __future__ import annotations

import importlib.metadata as md
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from ...model import canonical
from ..territory import Territory
from .thin import RealmNames

Leaf = Callable[[str], ModuleType]


class RealmEntryPoint(md.EntryPoint):
    """An entry point of a distribution in a realm's directory: it loads from the realm."""

    def load(self) -> Any:
        """Import what it names and return it."""
        target: Any = self.dist._leaf(self.module)  # type: ignore[union-attr]
        for name in filter(None, (self.attr or "").split(".")):
            target = getattr(target, name)
        return target


class RealmDistribution(md.PathDistribution):
    """A distribution in a realm's directory.

    Args:
        dist_info: Its dist-info directory.
        leaf: Imports one of its modules.
    """

    def __init__(self, dist_info: Path, leaf: Leaf) -> None:
        super().__init__(dist_info)
        self._leaf = leaf

    @property
    def entry_points(self) -> md.EntryPoints:
        """See `importlib.metadata.Distribution`."""
        return md.EntryPoints(
            RealmEntryPoint(point.name, point.value, point.group)._for(self)  # type: ignore[attr-defined]
            for point in super().entry_points
        )


def realm_distributions(territory: Territory, leaf: Leaf) -> dict[str, md.Distribution]:
    """What lies in a realm's directory, by canonical name."""
    return {name: RealmDistribution(each.dist_info, leaf) for name, each in territory.distributions.items()}


def importlib_metadata(realm: RealmNames) -> dict[str, Any]:
    """What differs in a realm's `importlib.metadata`."""

    def name_of(found: md.Distribution) -> str:
        metadata = found.metadata  # of a half-removed distribution it may be empty
        return canonical(metadata["Name"]) if "Name" in metadata else ""

    def distribution(distribution_name: str) -> md.Distribution:
        own = realm.distributions().get(canonical(distribution_name)) if distribution_name else None
        return own or md.distribution(distribution_name)

    def distributions(**criteria: Any) -> Iterator[md.Distribution]:
        asked = criteria.get("name")
        own = realm.distributions() if "path" not in criteria else {}
        yield from (found for name, found in own.items() if asked is None or canonical(asked) == name)
        for found in md.distributions(**criteria):
            if name_of(found) not in own:
                yield found

    def entry_points(**params: Any) -> md.EntryPoints:
        first: dict[str, md.Distribution] = {}
        for found in distributions():
            first.setdefault(name_of(found), found)
        points = md.EntryPoints(point for found in first.values() for point in found.entry_points)
        # Python 3.11 groups them where nothing is asked for.
        groups: Any = getattr(md, "SelectableGroups", None)
        selected: md.EntryPoints = (groups.load(points) if groups else points).select(**params)
        return selected

    def packages_distributions() -> dict[str, list[str]]:
        found = dict(md.packages_distributions())
        for territory in realm.territories():
            for own in territory.distributions.values():
                brought = RealmDistribution(own.dist_info, realm.leaf).metadata["Name"]
                for name in own.provides:
                    top, dot, _ = name.partition(".")
                    found[top] = [*dict.fromkeys([brought, *(found.get(top, ()) if dot else ())])]
        return found

    return {
        "distribution": distribution,
        "distributions": distributions,
        "entry_points": entry_points,
        "packages_distributions": packages_distributions,
        "version": lambda distribution_name: distribution(distribution_name).version,
        "metadata": lambda distribution_name: distribution(distribution_name).metadata,
        "requires": lambda distribution_name: distribution(distribution_name).requires,
        "files": lambda distribution_name: distribution(distribution_name).files,
    }
