"""What a realm is called: enough to find its plugin, its version and its place on disk again.

A pickle names the modules of its classes, and so the realm they were in. It is read after that realm has gone, or in
another process, so the name has to say what it was: `<plugin>__<version>__<wheel>[_<libraries>]__<serial>`, or
`lib__<libraries>__<serial>`. No part has two underscores in a row, so the parts can be told apart again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from ..model import LibrarySet, Manifest
from .territory import PARENT

DIGITS = 8
"""How much of a digest a name shows. Who looks for it compares plugin and version too, and refuses what fits twice."""
_LIBRARIES = "lib"
_EPOCH, _LOCAL = "_e_", "_l_"
_SERIAL = re.compile(r"[0-9]+")
_MARK = re.compile(rf"[0-9a-f]{{{DIGITS}}}(_[0-9a-f]{{{DIGITS}}})?")


@dataclass(frozen=True, slots=True)
class Address:
    """What the name of a realm says."""

    plugin: str
    """Canonical plugin name; "" for libraries."""
    version: str
    """"" for libraries."""
    digest: str
    """The beginning of the wheel's sha256; "" for libraries."""
    libraries: str
    """The beginning of the key of the private libraries; "" if there are none."""

    @property
    def label(self) -> str:
        """Plugin name and version, e.g. `alpha 1.2.0`; of libraries what tells them from others."""
        return f"{self.plugin} {self.version}" if self.plugin else f"the private libraries {self.libraries}"


def address_of(manifest: Manifest, libraries: LibrarySet | None) -> Address:
    """Of the realm of a plugin."""
    key = libraries.key[:DIGITS] if libraries is not None else ""
    return Address(manifest.plugin, str(manifest.version), manifest.digest[:DIGITS], key)


def address_of_libraries(libraries: LibrarySet) -> Address:
    """Of the realm of a set of private libraries."""
    return Address("", "", "", libraries.key[:DIGITS])


def stem_of(address: Address) -> str:
    """The name of a realm without its serial."""
    if not address.plugin:
        return f"{_LIBRARIES}__{address.libraries}"
    version = address.version.replace("!", _EPOCH).replace("+", _LOCAL)
    mark = "_".join(filter(None, (address.digest, address.libraries)))
    return "__".join(re.sub(r"\W", "_", part) for part in (address.plugin, version, mark))


def realm_id(stem: str, serials: Iterator[int]) -> str:
    """A name that no realm of this process has had."""
    # The serial tells a rebound plugin's realm from the one it replaces: same version, same wheel, another life.
    return f"{stem}__{next(serials)}"


@lru_cache(maxsize=256)
def parse(name: str) -> tuple[Address, str] | None:
    """The address in the full name of a module, and the name that its author gave the module; None if there is none."""
    identifier, _, module = name.removeprefix(f"{PARENT}.").partition(".")
    match identifier.split("__"):
        case [plugin, version, mark, serial] if _MARK.fullmatch(mark) and _SERIAL.fullmatch(serial):
            digest, _, libraries = mark.partition("_")
            public, plus, local = version.partition(_LOCAL)  # neither text occurs in a version's public part
            text = f"{public.replace(_EPOCH, '!', 1)}{plus and '+'}{local}".replace("_", ".")
            return Address(plugin.replace("_", "-"), text, digest, libraries), module
        case [kind, libraries, serial] if (
            kind == _LIBRARIES and _MARK.fullmatch(libraries) and _SERIAL.fullmatch(serial)
        ):
            return Address("", "", "", libraries), module
    return None
