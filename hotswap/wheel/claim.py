"""Plugin or library? Told from the entry points alone, without reading the whole wheel."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

from ..model import ENTRY_POINT_GROUP
from .metadata import MAX_ENTRY_POINTS

ENTRY_POINTS = "entry_points.txt"


def claims_to_be_plugin(path: Path) -> bool:
    """False for a wheel that can be read and has no entry point in the group of plugins: it is a library.

    Nothing is checked: what claims to be a plugin is verified as one, with what cannot be read, and what does not is
    verified as a library as soon as somebody needs it.
    """
    try:
        with open(path, "rb", opener=_regular) as file, zipfile.ZipFile(file) as archive:
            return any(_names_the_group(archive, name) for name in archive.namelist() if _is_entry_points(name))
    except Exception:  # what zipfile raises for files that are none goes far beyond BadZipFile
        return True


def names_the_group(content: bytes) -> bool:
    """True for entry points, well formed or not, that name the group of plugins."""
    return ENTRY_POINT_GROUP.encode() in content


def _names_the_group(archive: zipfile.ZipFile, name: str) -> bool:
    with archive.open(name) as member:
        content = member.read(MAX_ENTRY_POINTS + 1)
    return len(content) > MAX_ENTRY_POINTS or names_the_group(content)


def _is_entry_points(name: str) -> bool:
    directory, _, file = name.partition("/")
    return file == ENTRY_POINTS and directory.endswith(".dist-info")


def _regular(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)  # a FIFO would wait for its writer
