"""Where commands look without a host: options that several of them have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..control.client import NoHostError
from ..errors import ControlError
from .shell import Settings

if TYPE_CHECKING:
    from ..model import Source

F = TypeVar("F", bound=Callable[..., Any])


def places(function: F) -> F:
    """Decorator: where to look; nowhere means in the running host."""
    environment = click.option(
        "--environment", is_flag=True, help="Look at what is installed beside hotswap, without a host."
    )
    plugins = click.option(
        "--plugins",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Look at the wheels in this directory, without a host; may be repeated.",
    )
    return plugins(environment(function))


def find_links(function: F) -> F:
    """Decorator: directories of library wheels."""
    return click.option(
        "--find-links",
        multiple=True,
        type=click.Path(path_type=Path, file_okay=False, exists=True),
        metavar="DIR",
        help="Take wheels of libraries from this directory too; may be repeated.",
    )(function)


def overrides(function: F) -> F:
    """Decorator: whose copies plugins get."""
    share = click.option(
        "--share", multiple=True, metavar="NAME", help="Only the host's copy of this distribution; may be repeated."
    )
    private = click.option(
        "--private", multiple=True, metavar="NAME", help="Never the host's copy of it; may be repeated."
    )
    return find_links(share(private(function)))


def sources(plugins: Sequence[Path], environment: bool) -> list[Source]:
    """The sources that the options name; none means the running host."""
    from ..sources import Environment, WheelDir

    return [*map(WheelDir, plugins), *([Environment()] if environment else [])]


def refuse_without_places(**options: Any) -> None:
    """A running host goes by the options of its manager: those of a command would be ignored.

    Raises:
        click.UsageError: Some are given.
    """
    given = sorted(f"--{name.replace('_', '-')}" for name, value in options.items() if value)
    if given:
        raise click.UsageError(f"{', '.join(given)}: only with --plugins DIR or --environment; a host has its own")


def ask(settings: Settings, command: str, **arguments: Any) -> dict[str, Any]:
    """Ask the running host.

    Raises:
        ControlError: There is none, with the other way to look.
    """
    try:
        return settings.client().request(command, **arguments)
    except NoHostError as error:
        raise ControlError(f"{error}; or look without a host, with --plugins DIR or --environment") from None
