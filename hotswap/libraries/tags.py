"""Which wheels fit this interpreter and platform, and what these are called in a lock."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from packaging.tags import Tag, sys_tags
from packaging.utils import BuildTag, parse_wheel_filename

_RELEASE = re.compile(r"^([a-z]+)\d*(?:_\d+)+_(?=[a-z])")


@functools.cache
def this_environment() -> str:
    """The kind of interpreter and platform, e.g. `cp311-cp311-linux_x86_64`."""
    return named(list(sys_tags()))


def named(tags: Sequence[Tag]) -> str:
    """What an interpreter with these tags, the most specific first, is called.

    The system's release is left out: it says how new it is, and not of what kind.
    """
    best = tags[0]
    system = _RELEASE.sub(r"\1_", best.platform)
    libc = "musllinux_" if any(tag.platform.startswith("musllinux") for tag in tags) else "linux_"
    return f"{best.interpreter}-{best.abi}-{re.sub('^(?:manylinux|musllinux|linux)_', libc, system)}"


def fits(file_name: str) -> bool:
    """True for a wheel that fits this interpreter and platform, told from its name."""
    return rank(file_name) is not None


@functools.lru_cache(maxsize=2**12)
def rank(file_name: str) -> tuple[int, BuildTag] | None:
    """How good a wheel is among those of one version: tags first, then the build number; None if it does not fit."""
    _, _, build, tags = parse_wheel_filename(file_name)
    places = [place for tag in tags if (place := _places().get(tag)) is not None]
    return (max(places), build) if places else None


@functools.cache
def _places() -> dict[Tag, int]:
    """Tag -> how well it suits this interpreter."""
    tags = list(sys_tags())
    return {tag: len(tags) - place for place, tag in enumerate(tags)}
