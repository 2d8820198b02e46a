"""How long the resolver takes: for a set of plugins that is large, and for a reload that changes one of them.

    python benchmarks/bench_resolver.py [--json FILE] [--quick]

Everything is made from one seed; every number is the median of the rounds, in milliseconds.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import random
import statistics
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

from common import Table, run
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from hotswap.model import Candidate, Dependency, Host, Incumbent, Manifest, Plan
from hotswap.resolver import demands, order, rebind, resolve

SEED = 20240229
VERSIONS = ("1.0", "1.1", "2.0")


def host() -> Host:
    return Host({key: str(value) for key, value in default_environment().items()}, {"hotswap": Version("0.1.0")})


def manifest(plugin: str, version: str, asks: list[tuple[str, str]], serial: int = 0) -> Manifest:
    """Every second demand is an import, the others are a Requires-Dist, some with a marker."""
    path = Path("plugins", f"{plugin}-{version}-py3-none-any.whl")
    digest = f"{plugin}-{version}-{serial}"
    requires = [Requirement("hotswap>=0.1")]
    imports = []
    for i, (name, specifier) in enumerate(asks):
        if i % 2:
            marker = ' ; python_version >= "3.8"' if i % 4 == 1 else ""
            requires.append(Requirement(f"dist-{name}{specifier}{marker}"))
        else:
            imports.append(Dependency(name, name.replace("-", "_"), SpecifierSet(specifier)))
    return Manifest(
        plugin=plugin,
        name=f"dist-{plugin}",
        version=Version(version),
        digest=digest,
        candidate=Candidate(f"dist-{plugin}", Version(version), path, digest, "plugins/"),
        entry_module=plugin,
        entry_attr="",
        provides=(plugin,),
        dist_info=f"dist_{plugin}-{version}.dist-info",
        requires=tuple(requires),
        imports=tuple(imports),
    )


def universe(plugins: int, demands_each: int, conflicts: int = 0) -> list[Manifest]:
    """Plugins in several versions that ask for earlier ones; `conflicts` of them refuse the newest of what they ask."""
    rng = random.Random(SEED)
    names = [f"p{i:05}" for i in range(plugins)]
    picky = set(rng.sample(range(1, plugins), conflicts))
    offers = []
    for i, name in enumerate(names):
        wanted = rng.sample(names[max(0, i - 1000) : i], min(i, demands_each))
        for version in VERSIONS:
            asks = [(target, rng.choice(("", ">=1.0", ">=1.0,<3", "!=1.1"))) for target in wanted]
            if i in picky and version == VERSIONS[-1]:
                asks[0] = (asks[0][0], "<2")
            offers.append(manifest(name, version, asks))
    rng.shuffle(offers)
    return offers


def incumbents(plan: Plan) -> dict[str, Incumbent]:
    return {
        name: Incumbent(step.manifest, reloadable=True, imports=step.manifest.imports or ())
        for name, step in plan.steps.items()
    }


def forget() -> None:
    """Empty the caches, as in a process that resolves for the first time."""
    for cached in (demands._contains, demands._holds, demands.directory, order.load_order):
        cached.cache_clear()


def median_ms(run: Callable[[], object], rounds: int, before: Callable[[], object] = lambda: None) -> float:
    times = []
    gc.collect()
    for _ in range(rounds):
        before()
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


class Timer:
    """Adds a row of the table for what it times."""

    def __init__(self, table: Table, rounds: int) -> None:
        self._table = table
        self.rounds = rounds

    def row(
        self, what: str, run: Callable[[], object], *, aim: float | None = None, times: int = 0, cold: bool = False
    ) -> None:
        times = times or self.rounds
        ms = median_ms(run, times, forget if cold else lambda: None)
        self._table.row(what, ms, "ms", aim=aim, n=times)


def large_sets(timer: Timer, here: Host) -> None:
    offers = universe(10_000, 5)
    plan = resolve(offers, here)
    links = tuple((name, tuple(sorted((d, "imports") for d in plan.graph.pred[name]))) for name in sorted(plan.steps))
    timer.row("order of 10,000 plugins with 50,000 requirements", lambda: order.load_order.__wrapped__(links), aim=1000)
    what = "resolve 10,000 plugins in 3 versions each"
    timer.row(f"{what}, no conflict, first time", lambda: resolve(offers, here), aim=5000, times=3, cold=True)
    for conflicts in (10, 100, 1000):
        hard = universe(10_000, 5, conflicts)
        run = partial(resolve, hard, here)
        timer.row(f"{what}, {conflicts} need older versions, first time", run, aim=5000, times=3, cold=True)


def reloads(timer: Timer, here: Host) -> None:
    offers = [m for m in universe(1000, 5) if str(m.version) == VERSIONS[-1]]
    loaded = incumbents(resolve(offers, here))
    old = offers[500]
    serial = count(1)

    def one_changed() -> Plan:
        newer = dataclasses.replace(old, version=Version(f"2.{next(serial)}"), digest=f"changed-{next(serial)}")
        return resolve([newer if m is old else m for m in offers], here, incumbents=loaded)

    times = timer.rounds * 3
    timer.row("reload of 1,000 plugins with 5,000 requirements, 1 changed", one_changed, aim=10, times=times)
    unchanged = partial(resolve, offers, here, incumbents=loaded)
    timer.row("the same, nothing changed", unchanged, times=times)
    timer.row("the same, nothing changed, first time", unchanged, cold=True)
    plan = one_changed()
    timer.row(
        "rebind of the 1 changed, same imports", lambda: rebind(plan, {old.plugin: old.imports or ()}), times=times
    )
    timer.row("rebind of the 1 changed, other imports", lambda: rebind(plan, {old.plugin: ()}), times=times)


def small_set(timer: Timer, here: Host) -> None:
    offers = [
        manifest("a", "1.0", []),
        manifest("b", "1.0", [("a", ">=1")]),
        manifest("c", "1.0", [("b", ""), ("a", "")]),
    ]
    loaded = incumbents(resolve(offers, here))
    timer.row("3 plugins, nothing changed", lambda: resolve(offers, here, incumbents=loaded), aim=0.3, times=500)


def measure(table: Table, options: argparse.Namespace) -> None:
    timer, here = Timer(table, 3 if options.quick else 7), host()
    for part in (small_set, reloads, large_sets):
        part(timer, here)
        forget()


if __name__ == "__main__":
    run(measure, __doc__ or "")
