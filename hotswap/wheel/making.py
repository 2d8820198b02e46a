"""From a project to a wheel with a stamp: what it is made of, the backend, the finish."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from ..model import BuildInfo
from .building import build_wheel
from .recipe import Recipe, is_dynamic, source_digest
from .revision import Revision, read_revision
from .rewriting import finish_wheel
from .stamping import build_time
from .tree import SourceFile, walk


@dataclass(frozen=True)
class Draft:
    """A project at one moment, and what is to be made of it."""

    project: Path
    recipe: Recipe
    sources: tuple[SourceFile, ...]
    source: str
    """sha256, hexadecimal, of all that; the stamp of the wheel will say it."""
    skip: tuple[Path, ...] = ()
    revision: Revision | None = None
    """None as long as git has not been asked."""


def draft(project: Path, recipe: Recipe, skip: Collection[Path] = ()) -> Draft:
    """Look at a project; git is asked only if the project's metadata may depend on it.

    Args:
        project: The project's directory.
        recipe: What is to be done with it.
        skip: Directories inside it whose files are none of the project's, such as the one the wheel goes to.

    Raises:
        BuildError: A file cannot be read.
    """
    skip = tuple(directory.resolve() for directory in skip if directory.resolve() != project.resolve())
    sources = tuple(walk(project, skip))
    revision = read_revision(project, skip) if is_dynamic(project) else None
    return Draft(project, recipe, sources, source_digest(sources, recipe, revision), skip, revision)


def make_wheel(
    draft: Draft, directory: Path, *, logger: logging.Logger, on_output: Callable[[str], None] | None = None
) -> Path:
    """Build a wheel, give it the files that its recipe wants, and stamp it.

    Args:
        draft: The project.
        directory: Gets `built/`, with the wheel as the backend made it, and `finished/`.
        logger: Is told each step.
        on_output: See `build_wheel`.

    Returns:
        The path of the finished wheel, which has not been verified.

    Raises:
        BuildError: See `build_wheel`.
        WheelError: The backend's wheel cannot be read.
        UsageError: `SOURCE_DATE_EPOCH` is no time.
        MissingExtraError: The extra [build] is not installed.
    """
    project, recipe = draft.project, draft.recipe
    at = build_time()
    revision = draft.revision or read_revision(project, draft.skip)
    if revision.unknown:
        logger.info("%s: no git revision: %s", project, revision.unknown)
    else:
        logger.info("%s: git revision %s%s", project, revision.commit, ", with changes" if revision.dirty else "")
    logger.info("%s: building %s", project, "in isolation" if recipe.isolated else "with what is installed")
    built = build_wheel(
        project,
        directory / "built",
        isolated=recipe.isolated,
        config_settings=recipe.config_settings,
        on_output=on_output,
    )
    logger.info("%s: its backend made %s", project, built.name)
    finished = directory / "finished"
    finished.mkdir()
    build = BuildInfo(at, revision.commit, revision.dirty, recipe.live_prefix, draft.source)
    return finish_wheel(built, finished, draft.sources, recipe, build, logger)
