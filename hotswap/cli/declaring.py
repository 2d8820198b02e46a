"""What plugins import without declaring it: `check --strict`."""

from __future__ import annotations

import importlib.metadata
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..errors import Fault, WheelError
from ..model import Manifest
from ..realm import undeclared_imports
from ..sources import WheelDir
from ..wheel import Verifier


class Strictness:
    """Finds the imports that a plugin's Requires-Dist does not cover.

    Args:
        directories: Wheels of libraries, by which import names are told from distribution names.
        verifier: Reads them.
    """

    def __init__(self, directories: Iterable[Path], verifier: Verifier) -> None:
        self._providers = _providers(directories, verifier)

    def __call__(self, manifest: Manifest) -> tuple[Fault, ...]:
        """A fault for each import statement."""
        return undeclared_imports(_sources(manifest), manifest, self._providers)


def _sources(manifest: Manifest) -> Mapping[str, bytes]:
    """The modules of a verified plugin's wheel."""
    with zipfile.ZipFile(manifest.candidate.path) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name.endswith(".py")}


def _providers(directories: Iterable[Path], verifier: Verifier) -> Mapping[str, Sequence[str]]:
    """Top-level import name -> the distributions that bring it: those of the host, and those on offer."""
    providers: dict[str, list[str]] = {
        top: list(names) for top, names in importlib.metadata.packages_distributions().items()
    }
    for directory in directories:
        for candidate in WheelDir(directory).find().candidates:
            try:
                library = None if verifier.claims_plugin(candidate) else verifier.verify_library(candidate)
            except WheelError:
                continue  # check says so where it is asked about that wheel
            for name in library.provides if library is not None else ():
                providers.setdefault(name.partition(".")[0], []).append(candidate.name)
    return providers
