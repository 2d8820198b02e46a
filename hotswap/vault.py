"""What the plugins of a generation share: live functions and types, a data bag, the host's extension."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final


class DataBag(MutableMapping[str, Any]):
    """A thread-safe mapping shared by the plugins of one generation.

    It remembers which plugin put an entry in. A new generation starts with the entries of the plugins that it keeps,
    and without those of the plugins that were replaced: `on_init` of their successors puts them in anew.
    """

    def __init__(self) -> None:
        self._entries: dict[str, tuple[Any, object]] = {}
        self._adopted: set[str] = set()
        self._given_up: set[str] = set()
        """Keys that were adopted, and put anew or deleted since."""
        self._lock = threading.RLock()
        # Reentrant: an entry that is replaced may run code of its own when it dies.

    def __getitem__(self, key: str) -> Any:
        return self._entries[key][0]

    def __setitem__(self, key: str, value: Any) -> None:
        self.put(key, value, None)

    def __delitem__(self, key: str) -> None:
        self.take(key)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"DataBag({dict(self)!r})"

    def setdefault(self, key: str, default: Any = None) -> Any:
        """See `dict.setdefault`; of several threads that ask at once, all get the same value."""
        return self.put_missing(key, default, None)

    def pop(self, key: str, *default: Any) -> Any:
        """See `dict.pop`; of several threads that ask at once, one gets the value."""
        return self.take(key, *default)

    def put(self, key: str, value: Any, owner: object) -> None:
        """Store an entry in the name of a plugin; None is the host."""
        with self._lock:
            self._touch(key)
            self._entries[key] = (value, owner)

    def put_missing(self, key: str, value: Any, owner: object) -> Any:
        """Store an entry unless there is one, and return what is there then."""
        with self._lock:
            if key not in self._entries:
                self.put(key, value, owner)
            return self._entries[key][0]

    def take(self, key: str, *default: Any) -> Any:
        """Remove an entry and return its value, or the default.

        Raises:
            KeyError: There is neither.
        """
        with self._lock:
            if key not in self._entries and default:
                return default[0]
            value, _ = self._entries.pop(key)
            self._touch(key)
            return value

    def adopt(self, older: DataBag, owners: Collection[object]) -> None:
        """Take over from an older bag what the host or one of `owners` put there, unless it was put anew here.

        Called again it takes over what has changed in the older bag since.
        """
        with older._lock, self._lock:
            kept = {key: entry for key, entry in older._entries.items() if entry[1] is None or entry[1] in owners}
            for key in self._adopted - kept.keys():
                self._adopted.discard(key)
                del self._entries[key]
            for key, entry in kept.items():
                if key in self._adopted or (key not in self._entries and key not in self._given_up):
                    self._adopted.add(key)
                    self._entries[key] = entry

    def _touch(self, key: str) -> None:
        if key in self._adopted:
            self._adopted.discard(key)
            self._given_up.add(key)


class _Offers(dict[str, Any]):
    """A dict that says what there is when it is asked for what is not."""

    def __init__(self, offers: Mapping[str, Any], kind: str) -> None:
        super().__init__(offers)
        self._kind = kind

    def __missing__(self, name: object) -> Any:
        raise KeyError(f"there is no live {self._kind} {name!r}; there are: {', '.join(sorted(self)) or 'none'}")


@dataclass(frozen=True, slots=True)
class VaultState:
    """What one generation shares."""

    extension: Any = None
    live_funcs: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    """Read-only, as `live_types` is: what is in it belongs to the plugins that offer it."""
    live_types: Mapping[str, type] = field(default_factory=dict)
    data_bag: DataBag = field(default_factory=DataBag)

    def __post_init__(self) -> None:
        for name, kind in (("live_funcs", "function"), ("live_types", "type")):
            object.__setattr__(self, name, MappingProxyType(_Offers(getattr(self, name), kind)))


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

    def setdefault(self, key: str, default: Any = None) -> Any:
        return self._bag().put_missing(key, default, self._owner)

    def pop(self, key: str, *default: Any) -> Any:
        return self._bag().take(key, *default)

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

    Attributes:
        predecessor: The version that is about to hand its state over to this plugin, by `on_handover` and
            `on_takeover`; None if nobody does, as at the first load.
    """

    def __init__(self, find: Callable[[], VaultState], owner: object = None, predecessor: str | None = None) -> None:
        self._find = find
        self.predecessor: Final = predecessor
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
