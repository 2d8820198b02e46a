"""What a load or reload did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from .model import Outcome, Plan


class ReloadReport(Mapping[str, Outcome]):
    """Plugin name -> outcome, in load order; removed plugins come last.

    Attributes:
        generation: Number of the generation that is now current.
        seconds: Stage -> seconds it took, in order: "found", "verified", "resolved", "installed", "loaded", "bound",
            "live", "swapped".
        plan: The plan that was carried out.
    """

    def __init__(self, generation: int, plan: Plan, seconds: Mapping[str, float]) -> None:
        self.generation = generation
        self.plan = plan
        self.seconds: Mapping[str, float] = MappingProxyType(dict(seconds))
        self._outcomes = {step.plugin: step.outcome for step in (*plan.steps.values(), *plan.removed.values())}

    def __getitem__(self, name: str) -> Outcome:
        return self._outcomes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._outcomes)

    def __len__(self) -> int:
        return len(self._outcomes)

    def __str__(self) -> str:
        return ", ".join(f"{name}: {outcome}" for name, outcome in sorted(self.items()))

    def __repr__(self) -> str:
        return f"<ReloadReport generation {self.generation}: {self}>"

    def as_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "generation": self.generation,
            "plugins": {name: str(outcome) for name, outcome in self.items()},
            "seconds": dict(self.seconds),
            "total_seconds": sum(self.seconds.values()),
        }
