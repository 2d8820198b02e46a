"""What the plugins of a generation share: live functions and types, a data bag, the host's extension."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any


class DataBag(MutableMapping[str, Any]):
    """A thread-safe mapping shared by the plugins of one generation.

    It remembers which plugin put an entry in. A new generation starts with the entries of the plugins that it keeps,
    and without those of the plugins that were replaced: `on_init` of their successors puts them in anew.
    """

    def __init__(self) -> None:
        self._entries: dict[str, tuple[Any, object]] = {}
        self._adopted: dict[str, tuple[Any, object]] = {}
        self._lock = threading.Lock()

    def __getitem__(self, key: str) -> Any:
        return self._entries[key][0]

    def __setitem__(self, key: str, value: Any) -> None:
        self.put(key, value, None)

    def __delitem__(self, key: str) -> None:
        with self._lock:
            del self._entries[key]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"DataBag({dict(self)!r})"

    def put(self, key: str, value: Any, owner: object) -> None:
        """Store an entry in the name of a plugin; None is the host."""
        with self._lock:
            self._entries[key] = (value, owner)

    def adopt(self, older: DataBag, owners: Collection[object]) -> None:
        """Take over from an older bag what the host or one of `owners` put there, unless it was put anew here.

        Called again it takes over what has changed in the older bag since.
        """
        with older._lock, self._lock:
            for key, entry in older._entries.items():
                adopted = self._adopted.get(key)
                belongs = entry[1] is None or entry[1] in owners
                if belongs and adopted is not entry and self._entries.get(key) is adopted:
                    self._entries[key] = self._adopted[key] = entry


@dataclass(frozen=True, slots=True)
class VaultState:
    """What one generation shares."""

    extension: Any = None
    live_funcs: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    live_types: Mapping[str, type] = field(default_factory=dict)
    data_bag: DataBag = field(default_factory=DataBag)


class _OwnedBag(MutableMapping[str, Any]):
    """The current generation's data bag as one plugin sees it: what it puts in is remembered as its own."""

    def __init__(self, bag: Callable[[], DataBag], owner: object) -> None:
        self._bag = bag
        self._owner = owner

    def __getitem__(self, key: str) -> Any:
        return self._bag()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._bag().put(key, value, self._owner)

    def __delitem__(self, key: str) -> None:
        del self._bag()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._bag())

    def __len__(self) -> int:
        return len(self._bag())

    def __repr__(self) -> str:
        return repr(self._bag())


class Vault:
    """What the plugins of a generation share.

    The one that a plugin gets in `on_init` follows the plugin: if a reload keeps the plugin, it finds the new
    generation's live functions, data and extension through it, from the instant of the swap.

    Args:
        find: Gives what is shared at this moment.
        owner: The plugin in whose name the data bag is written; None is the host.
    """

    def __init__(self, find: Callable[[], VaultState], owner: object = None) -> None:
        self._find = find
        self._bag = _OwnedBag(lambda: find().data_bag, owner)

    @property
    def extension(self) -> Any:
        """What the host's `extension=` made for this generation, or None."""
        return self._find().extension

    @property
    def live_funcs(self) -> Mapping[str, Callable[..., Any]]:
        """Name -> function, from all plugins."""
        return self._find().live_funcs

    @property
    def live_types(self) -> Mapping[str, type]:
        """Name -> class, from all plugins."""
        return self._find().live_types

    @property
    def data_bag(self) -> MutableMapping[str, Any]:
        """A thread-safe mapping for everybody; a reload keeps the entries of the plugins it keeps."""
        return self._bag
