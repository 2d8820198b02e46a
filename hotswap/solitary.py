"""The packages of which a process can have one copy only: what the resolver refuses, and what realms refuse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Solitary:
    """Why a package is one."""

    reason: str
    """After "because"."""
    by_thread: str = ""
    """Under which text it keeps something in the state of every thread that has used it."""


SOLITARY: Mapping[str, Solitary] = MappingProxyType(
    {
        "dill": Solitary("it puts functions of its own into the tables of pickle, for all copies"),
        "h5py": Solitary("all copies of one build use the same HDF5 library in memory, with one state"),
        "lxml": Solitary("its parsers are kept by thread, under one name for all copies", "_ParserDictionaryContext"),
    }
)
"""Canonical name of a distribution, and of the package that it brings -> why."""

HOSTS_ONLY: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("setuptools", "_distutils_hack"), "it takes the place of distutils in the whole process")
)
"""Modules that no private copy may be imported of -> why. Many packages require setuptools and do not import it."""
