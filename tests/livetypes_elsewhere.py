"""What `livetypes` imports for type checkers only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Elsewhere:
    name: str
