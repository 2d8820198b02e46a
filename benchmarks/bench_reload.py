"""How long it takes from wheels on disk to the swap: three of three, and one of a thousand.

    python benchmarks/bench_reload.py [--json FILE] [--quick]

Every changed wheel has a digest never seen before. "the rest" is what belongs to no stage: the history, and freeing
what was replaced.
"""

from __future__ import annotations

import argparse
import gc
import os
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from common import Shelf, Table, file_systems, run, workplace

from hotswap import PluginManager, ReloadReport, WheelDir

SETTLED = 2.1
"""Seconds after which a wheel's hash is remembered."""
MANY = 1000
BASES = 100


def timed(change: Callable[[], ReloadReport]) -> dict[str, float]:
    """Seconds per stage, of the rest and in total; garbage of earlier repetitions is not this one's fault."""
    gc.collect()
    start = time.perf_counter()
    report = change()
    total = time.perf_counter() - start
    return {**report.seconds, "the rest": total - sum(report.seconds.values()), "total": total}


def show(table: Table, what: str, runs: list[dict[str, float]], *, aim: float | None = None) -> None:
    stages: dict[str, list[float]] = defaultdict(list)
    for seconds in runs:
        for stage, value in seconds.items():
            stages[stage].append(value)
    table.spread(what, stages.pop("total"), aim=aim)
    for stage, values in stages.items():
        table.spread(f"    {stage}", values)


def three(table: Table, where: str, parent: Path, rounds: int) -> None:
    first, later, resting, unchanged = [], [], [], []
    for _ in range(max(3, rounds // 10)):
        with workplace(parent) as root:
            shelf = Shelf(root)
            shelf.put_three()
            with PluginManager(shelf.path, state_dir=root / "state") as manager:
                first.append(timed(manager.load))
    with workplace(parent) as root:
        shelf = Shelf(root)
        shelf.put_three()
        with PluginManager(shelf.path, state_dir=root / "state") as manager:
            manager.load()
            for _ in range(rounds):
                shelf.put_three()
                later.append(timed(manager.reload))
            for _ in range(max(3, rounds // 5)):
                manager._store._compiler.close()  # as it does by itself after a minute of rest
                shelf.put_three()
                resting.append(timed(manager.reload))
            time.sleep(SETTLED)
            for _ in range(rounds):
                unchanged.append(timed(manager.reload))
    show(table, f"{where}: load of three, new manager", first)
    show(table, f"{where}: reload, three of three changed", later, aim=30)
    show(table, f"{where}: the same, compiling helper not running", resting)
    show(table, f"{where}: reload, none of three changed", unchanged, aim=2)


def _imports(number: int) -> list[str]:
    return sorted({f"p{number % BASES}", f"p{number * 7 % BASES}"})


def many(table: Table, where: str, parent: Path, rounds: int) -> None:
    """A hundred plugins, and nine hundred that import two of them each; one of the latter changes."""
    with workplace(parent) as root:
        shelf = Shelf(root)
        for i in range(BASES):
            shelf.put(f"p{i}")
        for i in range(BASES, MANY):
            shelf.put(f"p{i}", imports=_imports(i))
        with PluginManager(shelf.path, state_dir=root / "state") as manager:
            show(table, f"{where}: load of {MANY:,}, new manager", [timed(manager.load)])
            time.sleep(SETTLED)
            manager.reload()
            changed, unchanged = [], []
            for i in range(rounds):
                shelf.put(f"p{BASES + i}", imports=_imports(BASES + i))
                changed.append(timed(manager.reload))
            time.sleep(SETTLED)
            for _ in range(rounds):
                unchanged.append(timed(manager.reload))
        listing, finding = [], []
        source = WheelDir(shelf.path)
        source.find()
        for _ in range(rounds):
            start = time.perf_counter()
            with os.scandir(shelf.path) as entries:
                for entry in entries:
                    entry.stat()
            listing.append(time.perf_counter() - start)
            start = time.perf_counter()
            source.find()
            finding.append(time.perf_counter() - start)
        table.spread(f"{where}: listing {MANY:,} wheels: scandir and stat alone", listing)
        table.spread(f"{where}: listing {MANY:,} wheels: WheelDir.find", finding)
        bare = sorted(listing)[len(listing) // 2] * 1000
        show(table, f"{where}: reload, one of {MANY:,} changed", changed, aim=round(50 + bare, 1))
        show(table, f"{where}: reload, none of {MANY:,} changed", unchanged)


def measure(table: Table, options: argparse.Namespace) -> None:
    for where, parent in file_systems().items():
        three(table, where, parent, 10 if options.quick else 100)
        many(table, where, parent, 5 if options.quick else 40)


if __name__ == "__main__":
    run(measure, __doc__ or "")
