"""Commands that look at what is on offer, or at what a running host has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..control.client import NoHostError
from ..errors import ControlError, Fault
from .hosting import draw_plugins
from .shell import Settings, as_json, common
from .text import plain, table

if TYPE_CHECKING:
    from ..model import Source

F = TypeVar("F", bound=Callable[..., Any])


def _places(function: F) -> F:
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


def _sources(plugins: Sequence[Path], environment: bool) -> list[Source]:
    from ..sources import Environment, WheelDir

    return [*map(WheelDir, plugins), *([Environment()] if environment else [])]


def _ask(settings: Settings, command: str) -> dict[str, Any]:
    try:
        return settings.client().request(command)
    except NoHostError as error:
        raise ControlError(f"{error}; or look without a host, with --plugins DIR or --environment") from None


@click.command()
@_places
@common()
@click.pass_obj
def plan(settings: Settings, plugins: tuple[Path, ...], environment: bool) -> None:
    """Show what a reload would do, and why.

    Nothing is executed and nothing is installed. Without a host, it is what a first load would do.
    """
    if plugins or environment:
        from .survey import plan_of

        data = plan_of(_sources(plugins, environment)).as_json()
    else:
        data = _ask(settings, "plan")
    settings.show(data, _draw_plan)


@click.command("list")
@_places
@common()
@click.pass_obj
def list_(settings: Settings, plugins: tuple[Path, ...], environment: bool) -> None:
    """List the plugins on offer, or those of the running host."""
    if plugins or environment:
        from .survey import survey

        settings.show(survey(_sources(plugins, environment)).as_json(), _draw_offers)
    else:
        loaded = _ask(settings, "status")["plugins"]
        settings.show({"plugins": loaded}, lambda _: draw_plugins(loaded) if loaded else "nothing is loaded")


@click.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(["tree", "dot", "mermaid", "json"]),
    default="tree",
    show_default=True,
    help="dot is for Graphviz; --json is the same as --format json.",
)
@_places
@common()
@click.pass_obj
def graph(settings: Settings, form: str, plugins: tuple[Path, ...], environment: bool) -> None:
    """Draw which plugin depends on which.

    In a tree, each plugin stands above what it depends on. In all other formats, edges lead from a dependency to its
    dependents.
    """
    if plugins or environment:
        from .survey import graph_of

        data = graph_of(_sources(plugins, environment))
    else:
        data = _ask(settings, "graph")
    if settings.json or form == "json":
        click.echo(as_json(data))
    else:
        from .drawing import draw_graph

        click.echo(plain(draw_graph(data, form)))


def _draw_plan(plan: dict[str, Any]) -> str:
    rows = [
        [
            step["name"],
            step["version"]
            if step["previous"] in (None, step["version"])
            else f"{step['previous']} -> {step['version']}",
            step["outcome"],
            step["reason"],
        ]
        for step in plan["plugins"]
    ]
    lines = [table(["PLUGIN", "VERSION", "OUTCOME", "WHY"], rows)] if rows else ["no plugins are on offer"]
    lines += [f"{item['file']}: left for the next reload ({item['reason']})" for item in plan["pending"]]
    lines += plan["notes"]
    if rows and not plan["changes"]:
        lines.append("nothing would change")
    return "\n".join([lines[0], *map(plain, lines[1:])])


def _draw_offers(data: dict[str, Any]) -> str:
    rows = [
        [
            offer["name"] or "-",
            offer["version"] or "-",
            "refused" if offer["faults"] else "unfit" if offer["unfit"] else "fine",
            Path(offer["file"]).name,
        ]
        for offer in data["plugins"]
    ]
    lines = [table(["PLUGIN", "VERSION", "STATE", "FILE"], rows)] if rows else ["no plugins are on offer"]
    for offer in data["plugins"]:
        faults = [*offer["faults"], *offer["unfit"]]
        if faults:
            lines += [plain(f"{offer['file']}:"), *(plain(f"  {Fault(**fault)}") for fault in faults)]
    lines += [plain(f"{item['file']}: left for the next reload ({item['reason']})") for item in data["pending"]]
    return "\n".join(lines)
