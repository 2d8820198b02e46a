"""What callers notice of reloads: threads that call without pause while a plugin of 200 functions is replaced.

    python benchmarks/bench_load.py [--json FILE] [--quick]

The same calls are timed without reloads, for about as long. With more than one busy thread a call may have to wait for
its turn (`sys.getswitchinterval()`, 5 ms), reloads or not: what counts is the difference. A reload among busy threads
takes long because it gives the interpreter's lock away at each system call and has it back after that interval.
"""

from __future__ import annotations

import argparse
import gc
import threading
import time
from collections.abc import Callable
from pathlib import Path

from common import Shelf, Table, run, workplace

from hotswap import PluginManager

FUNCTIONS = 200
THREADS = 2
BUCKETS = 200_000
"""One for each microsecond of a call; the last takes what lasts longer."""
SOURCE = "\n".join(f"def f{i}(x):\n    y = x + {i}\n    return SERIAL if y >= x else None" for i in range(FUNCTIONS))


class Callers:
    """Threads that call without pause, and take the time of every call."""

    def __init__(self, manager: PluginManager) -> None:
        self._manager = manager
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._call, args=(i,)) for i in range(THREADS)]
        self.counts = [[0] * BUCKETS for _ in range(THREADS)]
        self.worst = [0.0] * THREADS
        self.processor = [0.0] * THREADS
        self.failures: list[str] = []

    def during(self, work: Callable[[], None]) -> float:
        """Call until the work is done; its seconds."""
        start = time.perf_counter()
        for thread in self._threads:
            thread.start()
        try:
            work()
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()
        return time.perf_counter() - start

    def _call(self, number: int) -> None:
        invoke, clock, counts = self._manager.invoke, time.perf_counter, self.counts[number]
        names = [f"f{i}" for i in range(FUNCTIONS)]
        seen, worst = 0, 0.0
        while not self._stop.is_set():
            for name in names:
                start = clock()
                try:
                    serial = invoke("busy", name, 1)
                except Exception as error:
                    self.failures.append(repr(error))
                else:
                    seconds = clock() - start
                    counts[min(int(seconds * 1e6), BUCKETS - 1)] += 1
                    worst = max(worst, seconds)
                    if serial < seen:
                        self.failures.append(f"version {serial} answered after {seen}")
                    seen = serial
        self.worst[number] = worst
        self.processor[number] = time.thread_time()


def report(table: Table, what: str, callers: Callers, seconds: float) -> None:
    counts = [sum(each) for each in zip(*callers.counts, strict=True)]
    calls = sum(counts)
    table.row(f"{what}: failed calls", len(callers.failures), "", aim=0, of=f"{calls:,} in {seconds:.1f} s")
    table.row(f"{what}: worst call", max(callers.worst) * 1000, "ms")
    table.row(f"{what}: 99.9% of calls are shorter than", quantile(counts, calls * 0.999), "us")
    table.row(f"{what}: calls longer than 1 ms, of a million", sum(counts[1000:]) / calls * 1e6, "")
    table.row(f"{what}: processors the callers got", sum(callers.processor) / seconds, "")
    for failure in callers.failures[:3]:
        print("   ", failure)


def quantile(counts: list[int], rank: float) -> int:
    """The microseconds below which that many calls lie."""
    below = 0
    for us, count in enumerate(counts):
        below += count
        if below >= rank:
            return us + 1
    return BUCKETS


def scenario(table: Table, root: Path, heap: str, reloads: int) -> None:
    shelf = Shelf(root)
    shelf.put("busy", SOURCE)
    with PluginManager(shelf.path, state_dir=root / "state") as manager:
        manager.load()

        times: list[float] = []

        def replace() -> None:
            for _ in range(reloads):
                shelf.put("busy", SOURCE)
                start = time.perf_counter()
                manager.reload()
                times.append(time.perf_counter() - start)

        reloading = Callers(manager)
        seconds = reloading.during(replace)
        undisturbed = Callers(manager)
        quiet = undisturbed.during(lambda: time.sleep(min(seconds, 5.0)))
        report(table, f"{heap}, without reloads", undisturbed, quiet)
        report(table, f"{heap}, {reloads} reloads", reloading, seconds)
        table.spread(f"{heap}, a reload among {THREADS} busy threads", times)
        times.clear()
        replace()
        table.spread(f"{heap}, a reload among idle ones", times)


def measure(table: Table, options: argparse.Namespace) -> None:
    reloads = 10 if options.quick else 60
    with workplace() as root:
        scenario(table, root / "small", "small heap", reloads)
        ballast = [[i] for i in range(1_000_000)]
        gc.collect()
        scenario(table, root / "large", "1,000,000 objects", reloads)
        del ballast


if __name__ == "__main__":
    run(measure, __doc__ or "")
