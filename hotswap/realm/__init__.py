"""Loaded: every plugin version is imported into a realm of its own.

A realm is a package `hotswap.realms.<id>` whose `__path__` is the site dir. Its modules carry their full name there and
run with a `__builtins__` of their own, whose `__import__` sends the names the plugin owns to the realm and the rest to
the host. Nothing of the host's process is patched; one finder stands on `sys.meta_path` while a realm is open.
"""

from __future__ import annotations

from .address import Address, address_of, address_of_libraries, parse
from .core import Realm
from .finder import FINDER
from .libraries import LIBRARIES, LibraryRealm
from .linked import Linked
from .territory import plain_names
from .undeclared import undeclared_imports

__all__ = [
    "LIBRARIES",
    "Address",
    "LibraryRealm",
    "Linked",
    "Realm",
    "address_of",
    "address_of_libraries",
    "find_former",
    "parse",
    "plain_names",
    "undeclared_imports",
]

find_former = FINDER.formers.find_spec
