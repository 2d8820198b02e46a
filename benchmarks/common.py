"""What the benchmarks share: the table they print and keep, the wheels they make, where they work."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# What is measured is the checkout that this file lies in; its tests know how to make wheels.
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from wheelmaker import make_wheel, plugin_source  # noqa: E402 - it can be found from here on

PYTHON = f"{platform.python_implementation()} {platform.python_version()}"
MACHINE = f"{platform.machine()}, {os.cpu_count()} cpus, {platform.system()} {platform.release()}"


class Table:
    """Prints a row per measurement, its aim beside it whether met or missed, and keeps it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows: list[dict[str, Any]] = []
        print(f"\n{name}: {PYTHON} on {MACHINE}", flush=True)

    def row(self, what: str, value: float, unit: str, *, aim: float | None = None, **more: Any) -> None:
        """Keep one measurement; less is better, and `more` is printed behind it."""
        verdict = "" if aim is None else ("met" if value <= aim else "MISSED")
        row = {"what": what, "value": round(value, 3), "unit": unit, "aim": aim, "verdict": verdict, **more}
        self.rows.append(row)
        aimed = "" if aim is None else f"aim {aim:g} {unit}: {verdict}"
        notes = ", ".join(f"{key} {value}" for key, value in more.items())
        print(f"{what:<70} {value:>12,.3f} {unit:<5} {aimed:<26} {notes}".rstrip(), flush=True)

    def spread(self, what: str, seconds: Sequence[float], *, aim: float | None = None) -> None:
        """A row for a series of times: its median in ms, with the 95th percentile and the number behind it."""
        ms = [second * 1000 for second in seconds]
        more = {"p95": round(percentile(ms, 0.95), 3), "n": len(ms)} if len(ms) > 1 else {}
        self.row(what, statistics.median(ms), "ms", aim=aim, **more)


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def run(benchmark: Callable[[Table, argparse.Namespace], None], description: str) -> None:
    """The command line of one benchmark."""
    parser = argparse.ArgumentParser(description=description.partition("\n")[0])
    parser.add_argument("--json", type=Path, help="write the numbers here too")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions: a smoke test, not a measurement")
    options = parser.parse_args()
    table = Table(Path(sys.argv[0]).stem.removeprefix("bench_"))
    benchmark(table, options)
    if options.json:
        report = {"benchmark": table.name, "python": PYTHON, "machine": MACHINE, "quick": options.quick}
        options.json.write_text(json.dumps({**report, "rows": table.rows}, indent=2) + "\n")


class Shelf:
    """A directory of wheels, one per plugin; an old wheel is moved aside, because deleting disturbs file systems."""

    def __init__(self, root: Path) -> None:
        self.path = root / "plugins"
        self._aside = root / "aside"
        self._aside.mkdir(parents=True)
        self._wheels: dict[str, Path] = {}
        self._serial = 0

    def put(self, name: str, source: str = "", imports: Sequence[str] = ()) -> None:
        """A new version of a plugin, of a digest never seen before."""
        self._serial += 1
        if name in self._wheels:
            self._wheels[name].rename(self._aside / self._wheels[name].name)
        body = f"SERIAL = {self._serial}\ndef pulse(): return SERIAL\n{source}\n"
        if imports:
            fields = "".join(f"    {other}: object = None\n" for other in imports)
            body += f"from dataclasses import dataclass\n@dataclass\nclass Deps:\n{fields}DEPS = Deps()\n"
        asks = {"import_": "def import_(): return DEPS"} if imports else {}
        text = plugin_source(body, export="def export(): return pulse", **asks)
        self._wheels[name] = make_wheel(self.path, name, f"1.{self._serial}", text)

    def put_three(self, source: str = "") -> None:
        """New versions of alpha, beta, which imports alpha, and gamma, which imports both."""
        self.put("alpha", source)
        self.put("beta", source, ["alpha"])
        self.put("gamma", source, ["alpha", "beta"])


@contextmanager
def workplace(parent: Path | None = None) -> Iterator[Path]:
    """A directory that is gone afterwards; by default in memory, which is the steadiest."""
    shm = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="hotswap-bench-", dir=parent or (shm if shm.is_dir() else None)) as name:
        yield Path(name)


def file_systems() -> dict[str, Path]:
    """Name -> a directory on it: memory if there is one, and where temporary files go."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    found = {}
    for place in (Path("/dev/shm"), Path(tempfile.gettempdir())):
        if place.is_dir():
            point, kind = max((m for m in mounts if place.is_relative_to(m[0])), key=lambda mount: len(mount[0]))
            found[f"{kind} ({point})"] = place
    return found
