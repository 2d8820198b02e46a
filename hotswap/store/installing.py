"""From verified wheels to site dirs and library dirs: staging, byte code, record, rename."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from hotswap.errors import WheelError, raise_all
from hotswap.model import LibrarySet, Manifest

from .compiling import ByteCompiler
from .layout import Layout
from .libraries import write_libraries
from .site import write_site
from .unpack import Packed, unpack


class Installer:
    """Makes site dirs and library dirs; only for the holder of the lock."""

    def __init__(self, layout: Layout, compiler: ByteCompiler) -> None:
        self._layout = layout
        self._compiler = compiler

    def install(self, missing: Mapping[Path, Manifest | LibrarySet]) -> None:
        """Make the directories at these paths, replacing damaged ones; all are prepared before the first is in place.

        Raises:
            WheelError: Some content is not what was verified; all faults of all wheels.
            OSError: The disk refused. Staging is empty afterwards in any case.
        """
        self._compiler.start()  # it starts while the wheels are unpacked
        staged = {place: self._layout.staged(place.name) for place in missing}
        try:
            sizes = self._unpack(missing, staged)
            self._compile(sizes, staged)
            for place, content in missing.items():
                if isinstance(content, LibrarySet):
                    write_libraries(staged[place], content, sizes[place])
                else:
                    write_site(staged[place], content, sizes[place])
            for place, staging in staged.items():
                self._move_in(staging, place)
        finally:
            with suppress(OSError):  # the next holder of the lock tries again
                self._layout.sweep()

    def _unpack(
        self, missing: Mapping[Path, Manifest | LibrarySet], staged: Mapping[Path, Path]
    ) -> dict[Path, dict[str, int]]:
        sizes = {}
        errors: list[WheelError] = []
        for place, content in missing.items():
            try:
                wheels = content.libraries if isinstance(content, LibrarySet) else (content,)
                sizes[place] = unpack(map(Packed.of, wheels), staged[place])
            except WheelError as error:
                errors.append(error)
        raise_all(errors)
        return sizes

    def _compile(self, sizes: Mapping[Path, dict[str, int]], staged: Mapping[Path, Path]) -> None:
        jobs = [
            (str(staged[place]), str(place), [file for file in files if _is_module(file)])
            for place, files in sizes.items()
        ]
        for files, made in zip(sizes.values(), self._compiler.compile(jobs), strict=True):
            files.update(made)

    def _move_in(self, staging: Path, place: Path) -> None:
        if os.path.lexists(place):
            place.rename(self._layout.staged(place.name))
        staging.rename(place)


def _is_module(file: str) -> bool:
    top = file.partition("/")[0]
    return file.endswith(".py") and not top.endswith((".data", ".dist-info"))
