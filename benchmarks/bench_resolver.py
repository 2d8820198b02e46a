"""How long the resolver takes: for a set of plugins that is large, and for a reload that changes one of them.

    python benchmarks/bench_resolver.py [--json FILE] [--rounds N]

Everything is made from one seed; every number is the median of the rounds, in milliseconds.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
    for cached in (demands.allows, demands._holds, demands.directory, order.load_order):
        cached.cache_clear()


def median_ms(run: Callable[[], object], rounds: int, before: Callable[[], object] = lambda: None) -> float:
    times = []
    for _ in range(rounds):
        before()
        gc.collect()
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def measure(rounds: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []

    def row(what: str, run: Callable[[], object], *, aim: str = "", times: int = rounds, cold: bool = False) -> None:
        ms = median_ms(run, times, forget if cold else lambda: None)
        rows.append({"what": what, "ms": round(ms, 3), "aim": aim, "rounds": times})
        print(f"{what:<88} {ms:>10.3f} ms   {aim}", flush=True)

    here = host()
    large = universe(10_000, 5)
    plan = resolve(large, here)
    links = tuple((name, tuple(sorted((d, "imports") for d in plan.graph.pred[name]))) for name in sorted(plan.steps))
    row("order of 10,000 plugins with 50,000 requirements", lambda: order.load_order.__wrapped__(links), aim="<= 1 s")
    row("resolve 10,000 x 3 versions, no conflict, first time", lambda: resolve(large, here), times=3, cold=True)
    for conflicts in (10, 100, 1000):
        hard = universe(10_000, 5, conflicts)
        what = f"resolve 10,000 x 3 versions, {conflicts} conflicts that need older versions, first time"
        row(what, lambda hard=hard: resolve(hard, here), aim="<= 5 s", times=3, cold=True)
    del large, hard

    offers = [m for m in universe(1000, 5) if str(m.version) == VERSIONS[-1]]
    loaded = incumbents(resolve(offers, here))
    changed = offers[500].plugin
    serial = iter(range(1, 10**9))

    def one_changed() -> Plan:
        asks = offers[500]
        newer = manifest(asks.plugin, f"2.{next(serial)}", [])
        newer = Manifest(**{f: getattr(newer if f in ("version", "digest") else asks, f) for f in Manifest.__slots__})
        return resolve([newer if m.plugin == changed else m for m in offers], here, incumbents=loaded)

    row("reload of 1,000 plugins with 5,000 requirements, 1 changed", one_changed, aim="~10 ms", times=rounds * 3)
    row("the same, nothing changed", lambda: resolve(offers, here, incumbents=loaded), times=rounds * 3)
    row("the same, nothing changed, first time", lambda: resolve(offers, here, incumbents=loaded), cold=True)
    before = one_changed()
    same = {changed: before.steps[changed].manifest.imports or ()}
    row("rebind of the 1 changed, same imports", lambda: rebind(before, same), times=rounds * 3)
    row("rebind of the 1 changed, other imports", lambda: rebind(before, {changed: ()}), times=rounds * 3)

    three = [manifest("a", "1.0", []), manifest("b", "1.0", [("a", ">=1")]), manifest("c", "1.0", [("b", ""), ("a", "")])]
    running = incumbents(resolve(three, here))
    row("3 plugins, nothing changed", lambda: resolve(three, here, incumbents=running), aim="<< 0.3 ms", times=200)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", type=Path, help="write the numbers here too")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    machine = f"{platform.machine()}, {os.cpu_count()} cpus, {platform.system()}"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    print(f"{python} on {machine}; seed {SEED}")
    rows = measure(options.rounds)
    if options.json:
        report = {"benchmark": "resolver", "python": python, "machine": machine, "seed": SEED, "rows": rows}
        options.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
