"""Commands that a running host carries out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from .shell import Settings, common
from .text import several, span, table


@click.command()
@common()
@click.pass_obj
def reload(settings: Settings) -> None:
    """Have the running host reload its plugins.

    Everything that is planned is replaced, or nothing is.
    """
    settings.show(settings.client().request("reload"), draw_report)


@click.command()
@common()
@click.pass_obj
def rollback(settings: Settings) -> None:
    """Have the running host go back to the wheels before.

    These are the exact wheels of the last generation that differs from the current one.
    """
    settings.show(settings.client().request("rollback"), draw_report)


@click.command()
@common()
@click.pass_obj
def status(settings: Settings) -> None:
    """Show what the running host has loaded.

    Versions that have been replaced are shown until they have left the memory.
    """
    settings.show(settings.client().request("status"), draw_status)


def draw_report(report: dict[str, Any]) -> str:
    """What a reload did."""
    lines = [f"generation {report['generation']}, after {report['total_seconds']:.3f} s"]
    if report["plugins"]:
        lines += ["", table(["PLUGIN", "OUTCOME"], list(report["plugins"].items()))]
    return "\n".join(lines)


def draw_status(status: dict[str, Any]) -> str:
    """The state of a host."""
    number = status["generation"]
    generation = "nothing is loaded" if number is None else f"generation {number}"
    lines = [
        f"{generation}, {several(status['reload_count'], 'reload')}",
        f"process {status['pid']}, Python {status['python']}, served for {span(status['uptime'])}",
        f"state dir {status['state_dir']}",
    ]
    if status["plugins"]:
        lines += ["", draw_plugins(status["plugins"])]
    if status["retired"]:
        rows = [
            [r["plugin"], r["version"], str(r["generation"] or "-"), r["state"], span(r["seconds"])]
            for r in status["retired"]
        ]
        lines += ["", table(["RETIRED", "VERSION", "GENERATION", "STATE", "FOR"], rows)]
    return "\n".join(lines)


def draw_plugins(plugins: list[dict[str, Any]]) -> str:
    """The plugins that a host has loaded."""
    rows = [
        [
            plugin["name"],
            plugin["version"],
            plugin["outcome"],
            f"{datetime.fromisoformat(plugin['loaded_at']).astimezone():%Y-%m-%d %H:%M:%S}",
            ", ".join(plugin["dependencies"]) or "-",
        ]
        for plugin in plugins
    ]
    return table(["PLUGIN", "VERSION", "OUTCOME", "LOADED", "DEPENDS ON"], rows)
