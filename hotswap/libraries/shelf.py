"""Wheels on offer as private libraries."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence

from ..model import Candidate, Library
from .tags import rank


class WheelShelf:
    """The wheels of some directories, by distribution; none is opened before it is asked for.

    Args:
        look: Says what is on offer, asked at the first question; of two that are equally good the earlier one counts.
        verify: Opens and checks one.
    """

    def __init__(self, look: Callable[[], Iterable[Candidate]], verify: Callable[[Candidate], Library]) -> None:
        self.open = verify
        self._look = look
        self._found: dict[str, tuple[Candidate, ...]] = {}

    def refresh(self) -> None:
        """Look again at the next question: wheels have come."""
        self.__dict__.pop("_wheels", None)
        self._found.clear()

    @functools.cached_property
    def _wheels(self) -> dict[str, list[Candidate]]:
        wheels: dict[str, list[Candidate]] = {}
        for wheel in self._look():
            wheels.setdefault(wheel.name, []).append(wheel)
        return wheels

    @property
    def digests(self) -> frozenset[str]:
        """The sha256 of every wheel."""
        return frozenset(wheel.digest for wheels in self._wheels.values() for wheel in wheels)

    def find(self, name: str) -> Sequence[Candidate]:
        """Of a distribution's wheels those that fit this interpreter, the best of each version, the newest first."""
        found = self._found.get(name)
        if found is None:
            ranked = [
                (place, wheel) for wheel in self._wheels.get(name, ()) if (place := rank(wheel.path.name)) is not None
            ]
            ranked.sort(key=lambda pair: pair[0], reverse=True)  # stable: the earlier of two equals stays in front
            best = {wheel.version: wheel for _, wheel in reversed(ranked)}
            found = self._found[name] = tuple(best[version] for version in sorted(best, reverse=True))
        return found

    def passed_over(self, name: str) -> Sequence[str]:
        """Sentences on its wheels that are on offer and do not fit."""
        return [
            f"{wheel.path.name} is made for another interpreter or platform"
            for wheel in self._wheels.get(name, ())
            if rank(wheel.path.name) is None
        ]

    def by_digest(self, digest: str) -> Candidate | None:
        """The wheel of that sha256."""
        return next((wheel for wheels in self._wheels.values() for wheel in wheels if wheel.digest == digest), None)

    def same_version(self, name: str, version: str) -> Sequence[Candidate]:
        """All wheels of one version, fitting or not."""
        return [wheel for wheel in self._wheels.get(name, ()) if str(wheel.version) == version]
