"""What the trial plugins are to one another: shared by all sides, so it belongs to the host."""

from __future__ import annotations

from typing import Protocol


class AryaExport(Protocol):
    def greet(self) -> str: ...
    def sneak(self) -> str: ...


class SnowExport(Protocol):
    def greet(self) -> str: ...
    def sword(self) -> str: ...


class ImportallExport(Protocol):
    def what_the_others_say(self) -> list[str]: ...


class UnknownExport(Protocol):
    def nobody_has_this(self) -> None: ...
