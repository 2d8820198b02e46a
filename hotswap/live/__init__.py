"""Live functions and types, and live data: what outlives the code that made it.

    wrap (with the version that queues) -> Data -> JSON, MessagePack, memory -> unwrap (with the version that runs)

A job that is queued under one version of a plugin and runs under the next is held as plain data with the name of its
type, and becomes an object again by the newest type of that name.
"""

from __future__ import annotations

from .collecting import collect_live, is_live, merge_live
from .collecting import mark_function as function
from .collecting import mark_type as type
from .data import Data
from .migrating import migration
from .wrapping import unwrap, wrap

__all__ = [
    "Data",
    "collect_live",
    "function",
    "is_live",
    "merge_live",
    "migration",
    "type",
    "unwrap",
    "wrap",
]
