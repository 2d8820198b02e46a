"""Commands that work on a state dir, whether a host runs on it or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from ..control.client import NoHostError
from ..errors import StateDirError
from .shell import Settings, common
from .text import several, table

if TYPE_CHECKING:
    from ..store import Store


@click.command()
@click.option(
    "-n", "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many, the last ones."
)
@common()
@click.pass_obj
def history(settings: Settings, limit: int) -> None:
    """Show the loads, reloads and rollbacks of a state dir."""
    with _store(settings, limit) as store:
        entries = [asdict(entry) for entry in store.entries()[-limit:]]
    settings.show({"entries": entries}, _draw_history)


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option(
    "--keep-history",
    type=click.IntRange(min=1),
    metavar="N",
    default=50,
    show_default=True,
    help="Keep what the last N loads, reloads and rollbacks had. A running host goes by its own number.",
)
@common()
@click.pass_obj
def prune(settings: Settings, dry_run: bool, keep_history: int) -> None:
    """Remove site dirs, library dirs and fetched wheels that nobody needs any more.

    What a running process uses stays, and so does what a rollback may go back to.
    """
    try:
        # Asked first, because only the host knows how much history it keeps.
        report = settings.client().request("prune", dry_run=dry_run)
    except NoHostError:
        with _store(settings, keep_history) as store:
            report = asdict(store.prune(dry_run=dry_run))
    settings.show({**report, "dry_run": dry_run}, _draw_pruned)


@contextmanager
def _store(settings: Settings, keep_history: int) -> Iterator[Store]:
    from ..store import Store

    if not settings.state_dir.is_dir():
        raise StateDirError(f"there is no state dir {settings.state_dir}: name the one of a host with --state-dir")
    store = Store(settings.state_dir, keep_history=keep_history)
    try:
        yield store
    finally:
        store.close()


def _draw_history(data: dict[str, Any]) -> str:
    rows = [
        [
            f"{datetime.fromtimestamp(entry['at']):%Y-%m-%d %H:%M:%S}",
            entry["action"],
            entry["outcome"],
            "-" if entry["generation"] is None else str(entry["generation"]),
            entry["error"] or ", ".join(f"{p['name']} {p['version']} {p['outcome']}" for p in entry["plugins"]) or "-",
        ]
        for entry in data["entries"]
    ]
    return table(["WHEN", "WHAT", "HOW", "GEN", "PLUGINS"], rows) if rows else "nothing has been loaded yet"


def _draw_pruned(report: dict[str, Any]) -> str:
    verb = "would be removed" if report["dry_run"] else "removed"
    removed, builds = report["removed"], report["builds"]
    lines = [*removed, *(f"builds/{name}" for name in builds), *(f"wheelhouse/{name}" for name in report["wheels"])]
    size = f"{report['freed'] / 1e6:.1f} MB"
    libraries = sum(name.startswith("libraries/") for name in removed)
    counts = {"site dir": len(removed) - libraries, "library dir": libraries, "fetched wheel": len(report["wheels"])}
    what = [several(count, kind) for kind, count in counts.items() if count] or ["nothing"]
    lines.append(f"{', '.join(what)} {verb} ({size}), {report['kept']} kept")
    return "\n".join(lines)
