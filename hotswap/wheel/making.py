"""From a project to a wheel with a stamp: what it is made of, the backend, the finish."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..model import BuildInfo
from .building import build_wheel
from .recipe import Recipe, is_dynamic, source_digest
from .revision import Revision, is_astray, read_revision
from .rewriting import finish_wheel
from .stamping import fixed_time
from .tree import SourceFile, unreadable, walk


@dataclass(frozen=True)
class Draft:
    """A project at one moment, and what is to be made of it."""

    project: Path
    recipe: Recipe
    sources: tuple[SourceFile, ...]
    source: str
    """sha256, hexadecimal, of all that; the stamp of the wheel will say it."""
    revision: Revision | None = None
    """None as long as git has not been asked."""
    at: datetime | None = None
    """The time that the stamp has to say; None for that of the build."""


def draft(project: Path, recipe: Recipe, skip: Collection[Path] = ()) -> Draft:
    """Look at a project; git is asked only if the project's metadata may depend on it.

    Args:
        project: The project's directory.
        recipe: What is to be done with it.
        skip: Directories whose files are none of the project's where they are inside it, such as the one the wheel
            goes to.

    Raises:
        BuildError: A file cannot be read.
        UsageError: `SOURCE_DATE_EPOCH` is no time.
    """
    at = fixed_time()
    sources = tuple(walk(project, [directory.resolve() for directory in skip]))
    revision = read_revision(project, sources) if is_dynamic(project) else None
    try:
        source = source_digest(sources, recipe, revision)
    except OSError as error:
        raise unreadable(project, Path(error.filename or project), error) from None
    return Draft(project, recipe, sources, source, revision, at)


def is_outdated(draft: Draft, build: BuildInfo) -> bool:
    """True if git has a commit with the project's files, and the stamp of a wheel that was made from them names none.

    A later commit that leaves these files as they are does not make a stamp untrue: in a repository of many projects
    each commit would build all of them.
    """
    if build.revision and build.dirty is False and not is_astray(draft.project, build.revision):
        return False
    return (draft.revision or read_revision(draft.project, draft.sources)).dirty is False


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
        MissingExtraError: The extra [build] is not installed.
    """
    project, recipe = draft.project, draft.recipe
    at = draft.at or datetime.now(UTC).replace(microsecond=0)
    revision = draft.revision or read_revision(project, draft.sources)
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
