"""What a reload leaves behind in memory: a thousand of them, three plugins changing each time.

    python benchmarks/bench_memory.py [--json FILE] [--quick]

All garbage is collected before anything is measured; growth counts from a warm-up on, and is told per reload. Tables of
the interpreter that are enlarged once show in one stretch of the thousand; what leaks shows in all of them. A second,
shorter pass under tracemalloc names the lines whose memory has grown.

Two things are the interpreter's own: CPython 3.12 never frees an interned string (part of a path, name of a module),
and 3.13.0 keeps the file name of every code object.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from common import ROOT, Shelf, Table, run, workplace

from hotswap import PluginManager

PAGE = os.sysconf("SC_PAGE_SIZE")
STRETCHES = 10
COLLECTED_SECONDS = 10.0
"""For freeing what has been replaced, which a thread of its own may do."""


class Sample(NamedTuple):
    rss: int
    """Bytes."""
    blocks: int
    objects: int


def settle(manager: PluginManager) -> None:
    """Wait until all that was replaced has been freed and collected."""
    deadline = time.monotonic() + COLLECTED_SECONDS
    while manager.leaks() and time.monotonic() < deadline:
        time.sleep(0.01)
    gc.collect()


def sample() -> Sample:
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * PAGE
    return Sample(resident, sys.getallocatedblocks(), len(gc.get_objects()))


def kinds() -> Counter[str]:
    return Counter(f"{type(each).__module__}.{type(each).__qualname__}" for each in gc.get_objects())


def measure(table: Table, options: argparse.Namespace) -> None:
    warm_up, reloads, traced = (100, 200, 100) if options.quick else (200, 1000, 200)
    with workplace() as root:
        shelf = Shelf(root)
        shelf.put_three()
        with PluginManager(shelf.path, state_dir=root / "state") as manager:
            manager.load()

            def change(times: int) -> None:
                for _ in range(times):
                    shelf.put_three()
                    manager.reload()
                settle(manager)

            change(warm_up)
            growth(table, change, reloads)
            blame(table, change, traced, root / "state" / "sites")
            table.row("versions that are retired and still in memory", len(manager.leaks()), "", aim=0)


def modules(sites: Path) -> set[str]:
    return set(map(str, sites.glob("*/*/*.py")))


def growth(table: Table, change: Callable[[int], None], reloads: int) -> None:
    kinds_before, before = kinds(), sample()
    sizes = [before.rss]
    for _ in range(STRETCHES):
        change(reloads // STRETCHES)
        sizes.append(sample().rss)
    after, grown = sample(), kinds() - kinds_before
    stretches = [(end - begin) / reloads * STRETCHES for begin, end in pairwise(sizes)]
    table.row(f"resident memory per reload, over {reloads}", (after.rss - before.rss) / reloads, "B", aim=200)
    table.row(f"    median of {STRETCHES} stretches", statistics.median(stretches), "B", aim=200)
    table.row(f"    greatest of {STRETCHES} stretches", max(stretches), "B")
    table.row("allocated blocks per reload", (after.blocks - before.blocks) / reloads, "")
    table.row("objects known to the collector per reload", (after.objects - before.objects) / reloads, "")
    for kind, count in grown.most_common(5):
        if count >= reloads / 10:
            table.row(f"    {kind} per reload", count / reloads, "")


def blame(table: Table, change: Callable[[int], None], reloads: int, sites: Path) -> None:
    tracemalloc.start(12)
    try:
        change(20)
        before, known = tracemalloc.take_snapshot(), modules(sites)
        change(reloads)
        after = tracemalloc.take_snapshot()
    finally:
        tracemalloc.stop()
    ours = [tracemalloc.Filter(False, tracemalloc.__file__), tracemalloc.Filter(False, __file__)]
    differences = after.filter_traces(ours).compare_to(before.filter_traces(ours), "lineno")
    total = sum(difference.size_diff for difference in differences)
    # The tracer keeps the name of every file it has met; marshal made these when it read the byte code.
    names = sum(map(sys.getsizeof, modules(sites) - known))
    table.row(f"traced memory per reload, over {reloads}", (total - names) / reloads, "B", aim=200)
    table.row("    file names that the tracer itself keeps", names / reloads, "B")
    for difference in sorted(differences, key=lambda each: -each.size_diff)[:8]:
        if difference.size_diff >= 16 * reloads:
            frame = difference.traceback[0]
            where = frame.filename.removeprefix(f"{ROOT}/")
            table.row(f"    {where[-58:]}:{frame.lineno}", difference.size_diff / reloads, "B")


if __name__ == "__main__":
    run(measure, __doc__ or "")
