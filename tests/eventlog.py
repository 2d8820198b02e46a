"""A host module that test plugins import: what happened, in order."""

from __future__ import annotations

from typing import Any

events: list[str] = []
shelf: dict[str, Any] = {}
"""Where tests and plugins hand each other events, locks and the like."""
