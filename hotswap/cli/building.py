"""From projects to wheels that are worth handing out: all of them, or none."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from ..control.exits import report_fault
from ..errors import BuildError, Fault, UnfinishedWheelError, UsageError, WheelError
from ..model import BuildInfo, Manifest
from ..wheel import Draft, Recipe, draft, inspect_wheel, is_outdated, make_wheel, peek

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
            "build": build if build is None else build.as_json(),
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
    with _made(output_dir), _warnings_to(on_output):
        present = {} if force else _present(output_dir)
        products: list[Product] = []
        errors: list[tuple[tuple[Path, ...], WheelError]] = []
        for number, project in enumerate(projects, 1):
            try:
                drafted = draft(project, recipe, skip=[output_dir])
                product = _unchanged(drafted, present)
                if product is None:
                    with _staging(output_dir):
                        pass  # what cannot be written to is told before the build, and not after it
                    place = temps / f"{number}-{project.resolve().name}"
                    wheel = make_wheel(drafted, place, logger=_logger, on_output=on_output)
                    product = Product(project, wheel, _inspect(project, wheel))
                    _logger.info("%s: checked %s", project, wheel.name)
                products.append(product)
            except WheelError as error:
                errors.append(((project,), error))
        errors += _clashes(products)
        _raise(errors)
        return _publish(products, output_dir)


@contextlib.contextmanager
def _warnings_to(on_output: Callable[[str], None] | None) -> Iterator[None]:
    """Warnings of backends are a part of their output: pyproject_hooks (from 1.3) warns of them in this process."""

    def show(message: Warning | str, *_: object, **__: object) -> None:
        if on_output is not None:
            on_output(f"warning: {message}")

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = show
        yield


def _inspect(project: Path, wheel: Path) -> Manifest:
    try:
        return inspect_wheel(wheel, compiling=True)
    except WheelError as error:
        kind = WheelError if isinstance(error, UnfinishedWheelError) else type(error)  # nobody but us has written it
        raise kind(error.plugin, error.faults, head=f"{error.plugin} ({project}, {wheel.name})") from None


@contextlib.contextmanager
def build_directory(*, keep: bool, on_kept: Callable[[Path], None]) -> Iterator[Path]:
    """A directory to build in; it goes in the end, or if anything was built is kept and told, also after a failure."""
    path = Path(tempfile.mkdtemp(prefix="hotswap-build-"))
    try:
        yield path
    finally:
        if keep and any(path.iterdir()):
            on_kept(path)
        else:
            shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _made(output_dir: Path) -> Iterator[None]:
    """Makes the directory; what was made goes again if there is an error."""
    made = [path for path in (output_dir, *output_dir.parents) if not path.exists()]
    with contextlib.ExitStack() as undo:
        undo.callback(_remove_empty, made)
        try:
            output_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unusable(output_dir, "be made", error) from None
        yield
        undo.pop_all()


@contextlib.contextmanager
def _staging(output_dir: Path) -> Iterator[Path]:
    """A directory inside `output_dir`, from which a rename is atomic; no host looks into it, even if it is left."""
    try:
        staging = tempfile.TemporaryDirectory(prefix=".hotswap-", dir=output_dir)
    except OSError as error:
        raise _unusable(output_dir, "be written to", error) from None
    with staging as path:
        yield Path(path)


def _unusable(output_dir: Path, what: str, error: OSError) -> UsageError:
    return UsageError(f"OUTPUT_DIR {output_dir} cannot {what}: {error.strerror}; name a directory you may write to")


def _remove_empty(directories: Sequence[Path]) -> None:
    for directory in directories:
        with contextlib.suppress(OSError):
            directory.rmdir()


def _present(output_dir: Path) -> dict[str, list[tuple[Path, BuildInfo]]]:
    """The wheels that are there with a stamp, by what they were made from."""
    found: dict[str, list[tuple[Path, BuildInfo]]] = {}
    for wheel in sorted(output_dir.glob("*.whl")):
        if build := peek(wheel):
            found.setdefault(build.source, []).append((wheel, build))
    return found


def _unchanged(drafted: Draft, present: Mapping[str, Sequence[tuple[Path, BuildInfo]]]) -> Product | None:
    """The wheel that was made from the same, and at the time asked for, if it is fine and fits this interpreter."""
    for wheel, build in present.get(drafted.source, ()):
        if drafted.at not in (None, build.at):
            continue
        if is_outdated(drafted, build):
            _logger.info("%s: %s is not kept: its stamp names no commit, and git has one", drafted.project, wheel)
            continue
        try:
            manifest = inspect_wheel(wheel, compiling=True)
        except WheelError as error:
            _logger.info("%s: %s is not kept: %s", drafted.project, wheel, error)
            continue
        if not manifest.unfit:
            return Product(drafted.project, wheel, manifest, unchanged=True)
    return None


def _clashes(products: Sequence[Product]) -> Iterator[tuple[tuple[Path, ...], WheelError]]:
    """Wheels that would take each other's place, or that no host could load together; with their projects."""
    for one, other in combinations(products, 2):
        where = f"{one.project} and {other.project}"
        mine, others = one.manifest, other.manifest
        if one.wheel.name == other.wheel.name:
            fault = Fault(where, f"both make {one.wheel.name}", "leave one out, or give it another version")
        elif mine.plugin == others.plugin and mine.name != others.name:
            what = f"both make the plugin {mine.plugin}, as the distributions {mine.name} and {others.name}"
            fault = Fault(where, what, "a plugin name belongs to one distribution: rename one")
        elif mine.plugin == others.plugin and mine.version == others.version:
            fault = Fault(where, f"both make {mine.label}", "leave one out, or give it another version")
        else:
            continue
        names = ", ".join(dict.fromkeys((mine.plugin, others.plugin)))
        head = f"cannot build {one.project}, {other.project}"
        yield (one.project, other.project), WheelError(names, [fault], stage="found", head=head)


def _raise(errors: Sequence[tuple[tuple[Path, ...], WheelError]]) -> None:
    """One error with everything that is wrong with all projects, by their directories: a copy has its model's name."""
    if not errors:
        return
    if len(errors) == 1:
        raise errors[0][1]
    faults = []
    for projects, error in errors:
        for fault in error.faults:
            told = len(projects) > 1 or isinstance(error, BuildError)
            where = fault.where if told else f"{projects[0]}: {fault.where}"
            faults.append(Fault(where, fault.what, fault.way_out))
    names = ", ".join(dict.fromkeys(error.plugin for _, error in errors))
    directories = ", ".join(dict.fromkeys(str(project) for projects, _ in errors for project in projects))
    raise WheelError(names, faults, stage="found", head=f"cannot build {directories}")


def _publish(products: Sequence[Product], output_dir: Path) -> list[Product]:
    """Move every new wheel into place by one rename each; if one cannot be, those before it go back."""
    if all(product.unchanged for product in products):
        return list(products)
    published = []
    with _staging(output_dir) as staging, contextlib.ExitStack() as undo:
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
