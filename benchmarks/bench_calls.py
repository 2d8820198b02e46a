"""What a call into a plugin costs on top of a plain Python call of the same function.

    python benchmarks/bench_calls.py [--json FILE] [--quick]

Every number is the least of the repetitions, in nanoseconds per call: what else the machine does only ever adds.
"""

from __future__ import annotations

import argparse
import gc
import timeit
from typing import Any

from common import Shelf, Table, run, workplace

from hotswap import PluginManager

CALLS = 20_000
SOURCE = "def add(a, b=0): return a + b\nasync def wait(): return SERIAL\ndef count(): yield SERIAL"


class Clock:
    """Times statements in turns, so that a slow spell of the machine meets all of them."""

    def __init__(self, names: dict[str, Any], repeats: int) -> None:
        self._names = names
        self._repeats = repeats

    def least(self, statements: dict[str, str]) -> dict[str, float]:
        """What -> nanoseconds per execution."""
        # The setup makes the names local, as they are in a function of the host.
        setup = "; ".join(f"{name} = {name}_" for name in self._names)
        scope = {f"{name}_": value for name, value in self._names.items()}
        timers = {what: timeit.Timer(code, setup, globals=scope) for what, code in statements.items()}
        times: dict[str, list[float]] = {what: [] for what in timers}
        gc.collect()
        for _ in range(self._repeats):
            for what, timer in timers.items():
                times[what].append(timer.timeit(CALLS))
        return {what: min(seconds) / CALLS * 1e9 for what, seconds in times.items()}


def drive(coroutine: Any) -> Any:
    """Run a coroutine that waits for nothing, with no event loop to be timed along."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value


def measure(table: Table, options: argparse.Namespace) -> None:
    with workplace() as root:
        shelf = Shelf(root)
        shelf.put_three(SOURCE)
        with PluginManager(shelf.path, state_dir=root / "state") as manager:
            manager.load()
            with manager.lease() as plugins:
                alpha = plugins["alpha"]
                plain = alpha.lookup("invoke_func")
                names = {"manager": manager, "plugins": plugins, "alpha": alpha, "plain": plain, "drive": drive}
                clock = Clock(names, 5 if options.quick else 60)
                leased(table, clock)
            unleased(table, clock)
            del plugins, alpha, plain, names


def leased(table: Table, clock: Clock) -> None:
    """Calls through what a lease has given."""
    base = "plain call of the plugin's invoke_func"
    through = {"leased generation": "plugins['alpha'].invoke_func", "leased plugin object": "alpha.invoke_func"}
    found = clock.least(
        {
            base: "plain('pulse')",
            **{f"added by the {what}": f"{call}('pulse')" for what, call in through.items()},
            "added by manager.invoke inside a lease": "manager.invoke('alpha', 'pulse')",
        }
    )
    table.row(base, least := found.pop(base), "ns")
    for what, ns in found.items():
        table.row(what, ns - least, "ns", aim=500 if "manager" in what else 100)


def unleased(table: Table, clock: Clock) -> None:
    """Calls of a host that holds nothing."""
    found = clock.least(
        {
            "plain": "plain('pulse')",
            "added by manager.invoke": "manager.invoke('alpha', 'pulse')",
            "added by manager.current['alpha'].invoke_func": "manager.current['alpha'].invoke_func('pulse')",
        }
    )
    for what, aim in (("added by manager.invoke", 500), ("added by manager.current['alpha'].invoke_func", None)):
        table.row(what, found[what] - found["plain"], "ns", aim=aim)
    variants = {
        "with arguments": ("'add', 1, b=2", "{}"),
        "for a coroutine": ("'wait'", "drive({})"),
        "for a generator of one item": ("'count'", "list({})"),
    }
    for what, (arguments, around) in variants.items():
        pair = clock.least(
            {
                "plain": around.format(f"plain({arguments})"),
                "invoke": around.format(f"manager.invoke('alpha', {arguments})"),
            }
        )
        table.row(f"added by manager.invoke {what}", pair["invoke"] - pair["plain"], "ns")
    lease = clock.least({"": "with manager.lease(): pass"})
    table.row("entering and leaving a lease", lease[""], "ns")


if __name__ == "__main__":
    run(measure, __doc__ or "")
