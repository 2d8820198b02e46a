"""From verified wheels to site dirs: staging, byte code, record, rename."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from pathlib import Path

from hotswap.errors import Fault, WheelError
from hotswap.model import Manifest

from .compiling import ByteCompiler
from .layout import Layout
from .site import write_record
from .unpack import unpack


class Installer:
    """Makes site dirs; only for the holder of the lock."""

    def __init__(self, layout: Layout, compiler: ByteCompiler, logger: logging.Logger) -> None:
        self._layout = layout
        self._compiler = compiler
        self._logger = logger

    def install(self, missing: Mapping[str, Manifest]) -> None:
        """Make the site dirs of these names, replacing damaged ones; all are prepared before the first is in place.

        Raises:
            WheelError: Some content is not what was verified; all faults of all wheels.
            OSError: The disk refused. In either case staging is empty again.
        """
        self._compiler.start()  # it starts while the wheels are unpacked
        staged = {name: self._layout.staging / name for name in missing}
        try:
            sizes = self._unpack(missing, staged)
            self._compile(sizes, staged)
            for name, manifest in missing.items():
                write_record(staged[name], manifest, sizes[name])
            for name, staging in staged.items():
                self._move_in(staging, self._layout.sites / name)
        except BaseException:
            for staging in staged.values():
                shutil.rmtree(staging, ignore_errors=True)
            raise

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
        if site.exists():
            aside = self._layout.staging / f"{site.name}.damaged"
            site.rename(aside)
            staging.rename(site)
            shutil.rmtree(aside)
        else:
            staging.rename(site)


def _is_module(file: str) -> bool:
    top = file.partition("/")[0]
    return file.endswith(".py") and not top.endswith((".data", ".dist-info"))
