"""From verified wheels to site dirs: staging, byte code, record, rename."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from hotswap.errors import Fault, WheelError
from hotswap.model import Manifest

from .compiling import ByteCompiler
from .layout import Layout
from .site import write_record
from .unpack import unpack


class Installer:
    """Makes site dirs; only for the holder of the lock."""

    def __init__(self, layout: Layout, compiler: ByteCompiler) -> None:
        self._layout = layout
        self._compiler = compiler

    def install(self, missing: Mapping[str, Manifest]) -> None:
        """Make the site dirs of these names, replacing damaged ones; all are prepared before the first is in place.

        Raises:
            WheelError: Some content is not what was verified; all faults of all wheels.
            OSError: The disk refused. Staging is empty afterwards in any case.
        """
        self._compiler.start()  # it starts while the wheels are unpacked
        staged = {name: self._layout.staged(name) for name in missing}
        try:
            sizes = self._unpack(missing, staged)
            self._compile(sizes, staged)
            for name, manifest in missing.items():
                write_record(staged[name], manifest, sizes[name])
            for name, staging in staged.items():
                self._move_in(staging, self._layout.sites / name)
        finally:
            with suppress(OSError):  # the next holder of the lock tries again
                self._layout.sweep()

    def _unpack(self, missing: Mapping[str, Manifest], staged: Mapping[str, Path]) -> dict[str, dict[str, int]]:
        sizes = {}
        errors: dict[str, tuple[Fault, ...]] = {}
        for name, manifest in missing.items():
            try:
                sizes[name] = unpack(manifest, staged[name])
            except WheelError as error:
                errors[manifest.plugin] = error.faults
        if errors:
            faults = [fault for faults in errors.values() for fault in faults]
            raise WheelError(", ".join(errors), faults, stage="installed")
        return sizes

    def _compile(self, sizes: Mapping[str, dict[str, int]], staged: Mapping[str, Path]) -> None:
        jobs = [
            (str(staged[name]), str(self._layout.sites / name), [file for file in files if _is_module(file)])
            for name, files in sizes.items()
        ]
        for files, made in zip(sizes.values(), self._compiler.compile(jobs), strict=True):
            files.update(made)

    def _move_in(self, staging: Path, site: Path) -> None:
        if os.path.lexists(site):
            site.rename(self._layout.staged(site.name))
        staging.rename(site)


def _is_module(file: str) -> bool:
    top = file.partition("/")[0]
    return file.endswith(".py") and not top.endswith((".data", ".dist-info"))
