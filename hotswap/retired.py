"""A plugin version after its last generation has gone: how far it is, and who keeps it from going on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from .calls import Caller
from .generation import Plugin
from .realm import LIBRARIES


class RealmLike(Protocol):
    """Where the modules of one plugin version live: an import realm, or in static mode the host's own imports."""

    prefix: str
    """What the full names of its modules begin with."""

    def load(self, module: str, attribute: str = "") -> Any:
        """Import what the entry point names and return it."""
        ...

    def loaded(self) -> Sequence[ModuleType]:
        """The modules that have been imported."""
        ...

    def go_live(self) -> None:
        """It belongs to the current generation from now on."""
        ...

    def give_way(self, gives_way: bool) -> None:
        """Say whether its successor answers for what pickles name."""
        ...

    def running(self) -> bool:
        """True if a thread executes in it at this moment."""
        ...

    def close(self) -> None:
        """Tear it down."""
        ...

    def alive(self) -> bool:
        """True until it has been collected."""
        ...

    def executing(self) -> tuple[str, ...]:
        """Who executes in it, in words."""
        ...

    def holders(self) -> tuple[str, ...]:
        """Who refers to it although it is closed, in words."""
        ...


@dataclass(frozen=True, slots=True)
class Retired:
    """A plugin version, or a set of private libraries, that is no longer in use and still in memory.

    Attributes:
        plugin: Its name; `private libraries` for a set that no plugin uses any more.
        version: Its version; the name and version of the first of the libraries, and how many there are besides.
        generation: Number of the generation that loaded it; 0 for libraries.
        state: "draining": somebody executes in it; "drained": `on_free` is due; "freed": it only waits to be collected.
        seconds: Since it was retired.
        holders: Who holds it, in words; filled by `manager.leaks()` and when `drain_timeout` has passed.
        libraries: Name and version of each of the libraries, e.g. `numpy 1.26.4`; empty for a plugin.
    """

    plugin: str
    version: str
    generation: int
    state: str
    seconds: float
    holders: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()


@dataclass(slots=True)
class Record:
    """What the retirement knows of one plugin version, from live to collected."""

    plugin: Plugin
    realm: RealmLike
    caller: Caller
    generation: int
    retired_at: float | None = None
    due: float = 0.0
    state: str = "live"
    reported: bool = False
    bound_to: frozenset[int] = frozenset()
    """Serials of the plugins that must not be freed before this one."""
    order: tuple[int, int] = (0, 0)
    """Sort key of what is to be freed: whoever is bound to a plugin comes before it."""
    left_to: int | None = None
    """The thread of the change that retired it, until that has swept; None: any thread may free it."""
    claimed: bool = False
    """Some thread is freeing it."""

    @property
    def is_alive(self) -> bool:
        """False once it has been freed and collected."""
        return self.state != "freed" or self.realm.alive()

    def describe(self, *, holders: bool) -> Retired:
        """The record as the host sees it; the holders are looked for only if asked."""
        return Retired(
            plugin=self.plugin.name,
            version=str(self.plugin.version),
            generation=self.generation,
            state=self.state,
            seconds=time.monotonic() - (self.retired_at or time.monotonic()),
            holders=self._holders() if holders else (),
        )

    def _holders(self) -> tuple[str, ...]:
        if self.state == "freed":
            return self.realm.holders()
        leases = [
            f"a lease of generation {hold.generation.number} taken at {where}"
            for hold in self.plugin.in_use()
            for where in list(hold.leases.values())
        ]
        return (*leases, *self.realm.executing())


def libraries_left(state_dir: Path, *, holders: bool = False) -> tuple[Retired, ...]:
    """The closed sets of private libraries of a state dir that are still in memory.

    Extension modules alone are no sign of a leak, because Python never unloads them: they are told with the holders.
    """
    return tuple(
        Retired(
            plugin="private libraries",
            version=realm.label,
            generation=0,
            state="freed",
            seconds=time.monotonic() - realm.closed_at,
            holders=realm.holders() if holders else (),
            libraries=tuple(library.label for library in realm.directory.library_set.libraries),
        )
        for realm in LIBRARIES.lingering()
        if realm.path.startswith(f"{state_dir}/") and (holders or not realm.stays())
    )
