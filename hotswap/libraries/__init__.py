"""Where private libraries come from: shelves of wheels, an index by way of an installer, a lock.

    options    what the host says: find_links, index, share, private, lock
    shelf      wheels on offer -> those that fit, the best first
    fetching   requirements -> wheels in the wheelhouse, by uv and pip (running, advising)
    locking    hotswap.lock: every wheel of every plugin and private set, by hash, for each environment (tags)

Which of them a plugin gets is the resolver's concern.
"""

from .fetching import Fetcher
from .locking import Lock, LockedPlugin, LockedWheel, lock_text, read_lists, read_lock
from .options import LibraryKeywords, LibraryOptions
from .shelf import WheelShelf
from .tags import this_environment

__all__ = [
    "Fetcher",
    "LibraryKeywords",
    "LibraryOptions",
    "Lock",
    "LockedPlugin",
    "LockedWheel",
    "WheelShelf",
    "lock_text",
    "read_lists",
    "read_lock",
    "this_environment",
]
