"""What the host says of its plugins' libraries."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TypedDict

from ..errors import UsageError
from ..model import Sharing, canonical, is_name


class LibraryKeywords(TypedDict, total=False):
    """The keyword arguments of `PluginManager` that are about libraries."""

    find_links: Iterable[str | Path]
    index: bool | str | None
    share: Collection[str]
    private: Collection[str]
    lock: str | Path | None


@dataclass(frozen=True)
class LibraryOptions:
    """Where private libraries come from, and whose copies plugins get.

    Attributes:
        find_links: Directories of wheels, beside those of the plugins.
        index: What is missing is fetched from an index: True for those the installer is configured for, a text for
            this one alone, an address or a directory; None (or False) for never.
        share: Distributions of which only the host's copy will do.
        private: Distributions of which the host's copy will not do.
        lock: The file that lists what may be installed.

    Raises:
        UsageError: They contradict one another, or are not what they should be.
    """

    find_links: Iterable[str | Path] = ()
    index: bool | str | None = field(default=None, repr=False)  # may have a password
    share: Collection[str] = ()
    private: Collection[str] = ()
    lock: str | Path | None = None

    def __post_init__(self) -> None:
        for name in ("share", "private", "find_links"):
            value = getattr(self, name)
            if isinstance(value, (str, os.PathLike)):
                raise UsageError(f"{name}={value!r} is one text: pass a list, {name}=[{str(value)!r}]")
        for name in ("share", "private"):
            bad = [text for text in getattr(self, name) if not (isinstance(text, str) and is_name(text))]
            if bad:
                raise UsageError(f"{name}= has {bad[0]!r}: pass names of distributions, without versions")
        object.__setattr__(self, "index", _index(self.index))
        if self.lock is not None:
            object.__setattr__(self, "lock", Path(self.lock).absolute())
        object.__setattr__(self, "find_links", tuple(Path(directory).absolute() for directory in self.find_links))
        both = sorted(self.sharing(False).share & self.sharing(False).private)
        if both:
            raise UsageError(f"share= and private= both name {', '.join(both)}: take it out of one of them")

    @classmethod
    def of(cls, keywords: LibraryKeywords) -> LibraryOptions:
        """What a manager was given beside its other arguments.

        Raises:
            TypeError: There is no such argument.
            UsageError: See above.
        """
        for name in keywords.keys() - LibraryKeywords.__annotations__.keys():
            meant = get_close_matches(name, LibraryKeywords.__annotations__, n=1)
            hint = f"; did you mean {meant[0]}?" if meant else ""
            raise TypeError(f"PluginManager() got an unexpected keyword argument {name!r}{hint}")
        return cls(**keywords)

    @property
    def directories(self) -> tuple[Path, ...]:
        """The directories of `find_links`, absolute."""
        return tuple(map(Path, self.find_links))

    @property
    def given(self) -> bool:
        """True if anything has been said at all."""
        return self != LibraryOptions()

    def sharing(self, fetchable: bool) -> Sharing:
        """The overrides as the resolver takes them."""
        share, private = (frozenset(map(canonical, names)) for names in (self.share, self.private))
        return Sharing(share, private, fetchable and bool(self.index))


def _index(given: object) -> bool | str | None:
    """An index as installers take it.

    Raises:
        UsageError: It is none.
    """
    if given is None or isinstance(given, bool):
        return given
    if not isinstance(given, str):
        raise UsageError(f"index={given!r} is no index: pass its address as text, True, or None")
    if not given:
        raise UsageError("index='' names no index: pass its address, True for the installer's own, or None")
    if "://" in given:
        return given
    if not Path(given).is_dir():
        raise UsageError(f"index={given!r} is neither an address, as in https://..., nor a directory")
    return Path(given).absolute().as_uri()
