"""From projects to wheels that are worth handing out: all of them, or none."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from ..control.exits import report_fault
from ..errors import BuildError, Fault, UnfinishedWheelError, UsageError, WheelError
from ..model import Manifest
from ..wheel import Draft, Recipe, draft, inspect_wheel, make_wheel, peek

_logger = logging.getLogger("hotswap.build")


@dataclass(frozen=True, slots=True)
class Product:
    """A checked wheel, and the project it was made from."""

    project: Path
    wheel: Path
    manifest: Manifest
    unchanged: bool = False
    """True if it had been there already, made from the same files in the same way."""

    def as_json(self) -> dict[str, Any]:
        """The product as plain data."""
        manifest, build = self.manifest, self.manifest.build
        return {
            "project": str(self.project),
            "plugin": manifest.plugin,
            "version": str(manifest.version),
            "digest": manifest.digest,
            "wheel": str(self.wheel),
            "unchanged": self.unchanged,
            "build": None
            if build is None
            else {
                "at": build.at.isoformat(),
                "revision": build.revision,
                "dirty": build.dirty,
                "live_prefix": build.live_prefix,
                "source": build.source,
            },
            "unfit": [report_fault(fault) for fault in manifest.unfit],
        }


def build_all(
    projects: Sequence[Path],
    output_dir: Path,
    recipe: Recipe,
    temps: Path,
    *,
    force: bool = False,
    on_output: Callable[[str], None] | None = None,
) -> list[Product]:
    """Build projects' wheels, check them, and only then let all of them appear in `output_dir`, where a host may wait.

    Args:
        projects: Directories.
        output_dir: Made if absent; gets nothing if anything is wrong with any of them.
        recipe: How all of them are built.
        temps: An empty directory to build in.
        force: Build also what has not changed.
        on_output: Gets each line of the backends' output.

    Raises:
        WheelError: Backends failed, or what they made must not be installed; all faults of all projects are listed.
        UsageError: The output directory cannot be made or written.
        MissingExtraError: The extra [build] is not installed.
    """
    with _staging(output_dir) as staging:
        products: list[Product] = []
        errors: list[tuple[Path | None, WheelError]] = []
        for number, project in enumerate(projects, 1):
            try:
                drafted = draft(project, recipe, skip=[output_dir])
                product = None if force else _unchanged(drafted, output_dir)
                if product is None:
                    place = temps / f"{number}-{project.resolve().name}"
                    wheel = make_wheel(drafted, place, logger=_logger, on_output=on_output)
                    product = Product(project, wheel, _inspect(wheel))
                    _logger.info("%s: checked %s", project, wheel.name)
                products.append(product)
            except WheelError as error:
                errors.append((project, error))
        if faults := _clashes(products):
            names = ", ".join(dict.fromkeys(product.manifest.plugin for product in products))
            errors.append((None, WheelError(names, faults, stage="found", head=f"cannot build {names}")))
        _raise(errors)
        return _publish(products, output_dir, staging)


def _inspect(wheel: Path) -> Manifest:
    try:
        return inspect_wheel(wheel)
    except UnfinishedWheelError as error:  # nobody but us has been writing it
        raise WheelError(error.plugin, error.faults, head=f"{error.plugin} ({wheel.name})") from None


@contextlib.contextmanager
def build_directory(*, keep: bool, on_kept: Callable[[Path], None]) -> Iterator[Path]:
    """A directory to build in; it goes in the end, or is kept and told, also when the build fails."""
    path = Path(tempfile.mkdtemp(prefix="hotswap-build-"))
    try:
        yield path
    finally:
        if keep:
            on_kept(path)
        else:
            shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _staging(output_dir: Path) -> Iterator[Path]:
    """A directory on the file system of `output_dir`; what was made for it goes again if there is an error."""
    made = [path for path in (output_dir, *output_dir.parents) if not path.exists()]
    with contextlib.ExitStack() as undo:
        undo.callback(_remove_empty, made)
        try:
            output_dir.mkdir(parents=True, exist_ok=True)
            staging = tempfile.TemporaryDirectory(prefix=".hotswap-", dir=output_dir)
        except OSError as error:
            word = "be made" if made else "be written to"
            raise UsageError(
                f"OUTPUT_DIR {output_dir} cannot {word}: {error.strerror}; name a directory you may write to"
            ) from None
        with staging as path:
            yield Path(path)
        undo.pop_all()


def _remove_empty(directories: Sequence[Path]) -> None:
    for directory in directories:
        with contextlib.suppress(OSError):
            directory.rmdir()


def _unchanged(drafted: Draft, output_dir: Path) -> Product | None:
    """The wheel that was made from the same, if it is still fine and fits this interpreter."""
    for wheel in sorted(output_dir.glob("*.whl")):
        build = peek(wheel)
        if build is None or build.source != drafted.source:
            continue
        try:
            manifest = inspect_wheel(wheel)
        except WheelError as error:
            _logger.info("%s: %s is not kept: %s", drafted.project, wheel, error)
            continue
        if not manifest.unfit:
            return Product(drafted.project, wheel, manifest, unchanged=True)
    return None


def _clashes(products: Sequence[Product]) -> list[Fault]:
    """Wheels that would take each other's place, or that no host could load together."""
    faults = []
    for one, other in combinations(products, 2):
        where = f"{one.project} and {other.project}"
        mine, others = one.manifest, other.manifest
        if one.wheel.name == other.wheel.name:
            faults.append(Fault(where, f"both make {one.wheel.name}", "leave one out, or give it another version"))
        elif mine.plugin == others.plugin and mine.name != others.name:
            what = f"both make the plugin {mine.plugin}, as the distributions {mine.name} and {others.name}"
            faults.append(Fault(where, what, "a plugin name belongs to one distribution: rename one"))
        elif mine.plugin == others.plugin and mine.version == others.version:
            faults.append(Fault(where, f"both make {mine.label}", "leave one out, or give it another version"))
    return faults


def _raise(errors: Sequence[tuple[Path | None, WheelError]]) -> None:
    """One error with everything that is wrong with all projects."""
    if not errors:
        return
    if len(errors) == 1:
        raise errors[0][1]
    faults = []
    for project, error in errors:
        for fault in error.faults:
            told = project is None or isinstance(error, BuildError)
            where = fault.where if told else f"{project}: {fault.where}"
            faults.append(Fault(where, fault.what, fault.way_out))
    names = ", ".join(dict.fromkeys(error.plugin for _, error in errors))
    raise WheelError(names, faults, stage="found", head=f"cannot build {names}")


def _publish(products: Sequence[Product], output_dir: Path, staging: Path) -> list[Product]:
    """Move every new wheel into place by one rename each; if one cannot be, those before it go back."""
    published = []
    with contextlib.ExitStack() as undo:
        for product in products:
            if product.unchanged:
                published.append(product)
                continue
            target = output_dir / product.wheel.name
            try:
                new = Path(shutil.copyfile(product.wheel, staging / target.name))
                if target.exists():
                    undo.callback(os.replace, shutil.copy2(target, staging / f"{target.name}.old"), target)
                else:
                    undo.callback(target.unlink, missing_ok=True)
                new.replace(target)
            except OSError as error:
                raise UsageError(f"{target} cannot be written: {error.strerror}; nothing was replaced") from None
            _logger.info("%s: wrote %s", product.project, target)
            published.append(Product(product.project, target, product.manifest))
        undo.pop_all()
    return published
