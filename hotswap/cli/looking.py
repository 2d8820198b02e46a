"""Commands that look at what is on offer, or at what a running host has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import Fault
from .hosting import draw_plugins
from .places import ask, overrides, places, refuse_without_places, sources
from .shell import Settings, as_json, common
from .text import plain, table

if TYPE_CHECKING:
    from ..model import Plan


@click.command()
@places
@overrides
@common()
@click.pass_obj
def plan(settings: Settings, /, plugins: tuple[Path, ...], environment: bool, **libraries: Any) -> None:
    """Show what a reload would do, and why.

    Below it: which distributions the plugins share with the host and of which they have their own copies. Nothing is
    executed, fetched or installed. Without a host, it is what a first load would do.
    """
    if plugins or environment:
        data = _offline_plan(settings, plugins, environment, libraries).as_json()
    else:
        refuse_without_places(**libraries)
        data = ask(settings, "plan")
    settings.show(data, _draw_plan)


@click.command("list")
@places
@common()
@click.pass_obj
def list_(settings: Settings, plugins: tuple[Path, ...], environment: bool) -> None:
    """List the plugins on offer, or those of the running host."""
    if plugins or environment:
        from .survey import survey

        settings.show(survey(sources(plugins, environment)).as_json(), _draw_offers)
    else:
        loaded = ask(settings, "status")["plugins"]
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
@click.option("--libraries", "shown", is_flag=True, help="Draw libraries too, shared and private ones.")
@places
@overrides
@common()
@click.pass_obj
def graph(
    settings: Settings,
    /,
    form: str,
    shown: bool,
    plugins: tuple[Path, ...],
    environment: bool,
    **libraries: Any,
) -> None:
    """Draw which plugin depends on which.

    In a tree, each plugin stands above what it depends on. In all other formats, edges lead from a dependency to its
    dependents.
    """
    if plugins or environment:
        from .survey import graph_of

        data = graph_of(_offline_plan(settings, plugins, environment, libraries), libraries=shown)
    else:
        refuse_without_places(**libraries)
        data = ask(settings, "graph", libraries=shown)
    if settings.json or form == "json":
        click.echo(as_json(data))
    else:
        from .drawing import draw_graph

        click.echo(plain(draw_graph(data, form)))


def _offline_plan(settings: Settings, plugins: tuple[Path, ...], environment: bool, libraries: dict[str, Any]) -> Plan:
    from ..libraries import LibraryOptions
    from .survey import plan_of

    options = LibraryOptions(**libraries)
    return plan_of(sources(plugins, environment), options, wheelhouse=settings.state_dir / "wheelhouse")


def _draw_copies(plan: dict[str, Any]) -> list[str]:
    """Whose copies the plugins get."""
    rows = [
        [step["name"], copy["name"], copy["version"], "private" if copy["private"] else "shared", copy["reason"]]
        for step in plan["plugins"]
        for copy in step["copies"]
    ]
    lines = ["", table(["PLUGIN", "LIBRARY", "VERSION", "COPY", "WHY"], rows)] if rows else []
    waiting = [step for step in plan["plugins"] if step["fetch"]]
    return [*lines, *(plain(f"{step['name']}: to be fetched first: {', '.join(step['fetch'])}") for step in waiting)]


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
    return "\n".join([lines[0], *map(plain, lines[1:]), *_draw_copies(plan)])


def _state(offer: dict[str, Any]) -> str:
    if offer["faults"]:
        return "refused"
    if offer["unfit"]:
        return "unfit"
    return "fine" if offer["kind"] == "plugin" else "library"


def _draw_offers(data: dict[str, Any]) -> str:
    rows = [
        [
            offer["name"] or "-",
            offer["version"] or "-",
            _state(offer),
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
