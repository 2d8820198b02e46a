"""A second module of arya, with live things of its own."""

from __future__ import annotations

from dataclasses import dataclass, field

from trials.syrio import LESSONS, live_lesson

assert live_lesson() == LESSONS


def polish(times: int) -> str:
    return f"polished {times} times"


def live_anyone() -> str:
    return "anyone"


@dataclass
class LiveList:
    names: list[str] = field(default_factory=list)

    def handle(self) -> str:
        return f"{len(self.names)} on the list"
