"""What arya's modules share: the vault of `on_init`, and what was in it then."""

from __future__ import annotations

from typing import Any

vault: Any = None
seen: Any = None
