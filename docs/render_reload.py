"""Measures reloads under load with the plugins of demo/trine, and draws what it measured.

    python docs/render_reload.py [docs/reload-under-load.svg]

Nothing in the picture is smoothed, sampled or left out: every call that was made is a dot, or a bar.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "demo" / "trine"), str(ROOT / "demo" / "trine" / "contracts")]

import workshop  # noqa: E402
from trine_contracts import Said  # noqa: E402

import hotswap  # noqa: E402

THREADS = 4
PAUSE = 0.003
"""Seconds that a thread waits from call to call."""
LENGTH = 4.0
"""Seconds that are shown."""


# ------------------------------------------------------------------------------------------------ measuring


@dataclass(frozen=True)
class Call:
    """One call; seconds since the start of the picture. Its version is that of alpha and beta, or "" if it failed."""

    began: float
    ended: float
    version: str


@dataclass(frozen=True)
class Swap:
    """One reload or rollback: when it was asked for, when the new version became current, when it returned."""

    what: str
    began: float
    swapped: float
    ended: float


@dataclass
class Measurement:
    """What happened."""

    calls: list[Call] = field(default_factory=list)
    long_calls: list[Call] = field(default_factory=list)
    swaps: list[Swap] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """How many calls raised, or were answered by a mixture of versions."""
        return sum(not call.version for call in (*self.calls, *self.long_calls))


class Experiment:
    """Calls from several threads while the plugins are replaced.

    Args:
        manager: Its plugins are loaded.
        plugins: The directory it takes them from.
        news: Wheels that arrive in that directory before the first reload.
    """

    def __init__(self, manager: hotswap.PluginManager, plugins: Path, news: Iterable[Path]) -> None:
        self._manager = manager
        self._plugins = plugins
        self._news = list(news)
        self._measurement = Measurement()
        self._zero = 0.0

    def run(self) -> Measurement:
        """Make the calls and the swaps; takes `LENGTH` seconds."""
        with ThreadPoolExecutor(THREADS + 2) as pool:
            self._zero = time.perf_counter()
            callers = [pool.submit(self._call_again_and_again) for _ in range(THREADS)]
            long_calls = [pool.submit(self._call_at, 0.12, 1.5), pool.submit(self._call_at, 1.7, 3.5)]
            for wheel in self._news:
                wheel.rename(self._plugins / wheel.name)
            self._swap_at(1.0, "reload", self._manager.reload)
            self._swap_at(2.1, "rollback", lambda callback: self._manager.rollback(callback=callback))
            self._swap_at(3.0, "reload", self._manager.reload)
            for caller in callers:
                self._measurement.calls += caller.result()
            self._measurement.long_calls += [call.result() for call in long_calls]
        return self._measurement

    def _now(self) -> float:
        return time.perf_counter() - self._zero

    def _sleep_until(self, moment: float) -> None:
        time.sleep(max(0.0, moment - self._now()))

    def _call_again_and_again(self) -> list[Call]:
        calls = []
        while self._now() < LENGTH:
            calls.append(self._call())
            time.sleep(PAUSE)
        return calls

    def _call_at(self, begin: float, end: float) -> Call:
        self._sleep_until(begin)
        return self._call(lambda: self._sleep_until(end))

    def _call(self, meanwhile: Callable[[], object] | None = None) -> Call:
        began = self._now()
        try:
            version = _version(self._manager.invoke("gamma", "pulse", meanwhile))
        except Exception as error:
            print(f"a call failed: {type(error).__name__}: {error}", file=sys.stderr)
            version = ""
        return Call(began, self._now(), version)

    def _swap_at(self, moment: float, what: str, swap: Callable[..., object]) -> None:
        self._sleep_until(moment)
        swapped: list[float] = []
        began = self._now()
        # The callback is the last thing that happens before the one store that is the swap.
        swap(callback=lambda new, old: swapped.append(self._now()))
        ended = self._now()
        what = f"{what} to {self._manager.current['alpha'].version}"
        self._measurement.swaps.append(Swap(what, began, swapped[0], ended))


def _version(said: list[Said]) -> str:
    versions = {one.version for one in said if one.plugin in ("alpha", "beta")}
    return versions.pop() if len(versions) == 1 else ""


def measure() -> Measurement:
    """Build the wheels of both versions, load one, and run the experiment."""
    with tempfile.TemporaryDirectory(prefix="hotswap-picture-") as temporary:
        root = Path(temporary)
        for project in workshop.PROJECTS:
            workshop.build(project, root / "plugins")
        news = [
            workshop.build(workshop.revise(project, root / "drafts", "1.1", edit), root / "news")
            for project, edit in workshop.NEWS.items()
        ]
        with hotswap.PluginManager(root / "plugins", state_dir=root / "state") as manager:
            manager.load()
            return Experiment(manager, root / "plugins", news).run()


# -------------------------------------------------------------------------------------------------- drawing

WIDTH, HEIGHT = 880, 470
LEFT, RIGHT = 74, 856
LANE = 118
TOP, BOTTOM = 150, 386
STYLE = """
  .card { fill: #ffffff; stroke: #d5dae1 }
  text { font: 12px system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: #4a5464 }
  .title { font-size: 19px; font-weight: 600; fill: #1c2430 } .strong { font-weight: 600; fill: #1c2430 }
  .grid { stroke: #e6e9ee } .swap { stroke: #1c2430; stroke-dasharray: 4 3 } .busy { fill: #1c2430; opacity: .1 }
  .old { stroke: #2468c9 } .new { stroke: #d9730d } .failed { stroke: #c4002b }
  .on { fill: #ffffff; font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    .card { fill: #151b23; stroke: #333c48 } text { fill: #a9b4c2 } .title, .strong { fill: #eef2f7 }
    .grid { stroke: #262e39 } .swap { stroke: #eef2f7 } .busy { fill: #eef2f7; opacity: .1 }
    .old { stroke: #5b9bf3 } .new { stroke: #f2994a } .failed { stroke: #ff5c7a } .on { fill: #10151c }
  }
"""


class Picture:
    """Seconds run from left to right, and the seconds a call took, in powers of ten, from bottom to top."""

    def __init__(self, measurement: Measurement) -> None:
        self._measurement = measurement
        took = [call.ended - call.began for call in measurement.calls]
        self._slowest = max(took)
        self._low, self._high = math.log10(min(took) * 0.7), math.log10(self._slowest * 2)

    def __str__(self) -> str:
        return "\n".join(["".join(self._head()), *self._axes(), *self._dots(), *self._bars(), *self._swaps(), "</svg>"])

    def _x(self, moment: float) -> float:
        return LEFT + (RIGHT - LEFT) * moment / LENGTH

    def _y(self, seconds: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * (math.log10(seconds) - self._low) / (self._high - self._low)

    def _head(self) -> Iterator[str]:
        made = len(self._measurement.calls) + len(self._measurement.long_calls)
        count = f"{made:,} calls made, {self._measurement.failed} failed"
        yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
        yield f"<title>Reloads under load: {count}</title><style>{STYLE}</style>"
        yield f'<rect class="card" x=".5" y=".5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="10"/>'
        yield _text(24, 36, "Reloads under load", "title")
        yield _text(
            24,
            57,
            "A dot is one call, coloured by the version that answered it. Dashed: the swap; grey: the whole reload.",
        )
        for x, version, colour in ((LEFT + 640, "1.0", "old"), (LEFT + 715, "1.1", "new")):
            yield f'<path class="{colour}" d="M{x} 53h0" stroke-width="10" stroke-linecap="round"/>'
            yield _text(x + 12, 57, version, "strong")
        yield _text(24, HEIGHT - 36, count, "strong")
        yield _text(
            24,
            HEIGHT - 17,
            f"{THREADS} threads, {PAUSE * 1e3:g} ms from call to call; the slowest short call took "
            f"{self._slowest * 1e3:.1f} ms. {_machine()}.",
        )

    def _axes(self) -> Iterator[str]:
        for power in range(math.ceil(self._low), math.floor(self._high) + 1):
            y = self._y(10.0**power)
            yield f'<path class="grid" d="M{LEFT} {y:.1f}H{RIGHT}"/>' + _text(
                LEFT - 8, y + 4, _duration(10.0**power), "", "end"
            )
        yield _text(LEFT - 8, LANE + 4, "in flight", "", "end") + _text(LEFT - 8, TOP + 4, "call took", "", "end")
        for second in range(int(LENGTH) + 1):
            yield _text(self._x(second), BOTTOM + 18, f"{second} s", "", "middle")

    def _swaps(self) -> Iterator[str]:
        top = LANE - 24
        for swap in self._measurement.swaps:
            began, swapped, ended = self._x(swap.began), self._x(swap.swapped), self._x(swap.ended)
            yield f'<path class="busy" d="M{began:.1f} {top}H{ended:.1f}V{BOTTOM}H{began:.1f}"/>'
            yield f'<path class="swap" d="M{swapped:.1f} {top}V{BOTTOM}"/>'
            yield _text(swapped, top - 6, swap.what, "strong", "middle")

    def _dots(self) -> Iterator[str]:
        for version, colour in (("1.0", "old"), ("1.1", "new"), ("", "failed")):
            dots = "".join(
                f"M{self._x(call.began):.1f} {self._y(call.ended - call.began):.1f}h0"
                for call in self._measurement.calls
                if call.version == version
            )
            yield f'<path class="{colour}" d="{dots}" stroke-width="2.4" stroke-linecap="round" stroke-opacity=".6"/>'

    def _bars(self) -> Iterator[str]:
        for call in self._measurement.long_calls:
            colour = {"1.0": "old", "1.1": "new", "": "failed"}[call.version]
            ends = [swap.swapped for swap in self._measurement.swaps if call.began < swap.swapped < call.ended]
            parts = list(pairwise([self._x(moment) for moment in (call.began, *ends, call.ended)]))
            bar = f"M{parts[0][0] + 9:.1f} {LANE}H{parts[-1][1] - 9:.1f}"
            yield f'<path class="{colour}" d="{bar}" stroke-width="18" stroke-linecap="round"/>'
            # The texts stand between the swap lines.
            widest = max(parts[:-1], key=lambda part: part[1] - part[0], default=parts[0])
            for part, said in (
                (widest, f"one call, {call.ended - call.began:.1f} s"),
                (parts[-1], f"ends in {call.version}" if call.version else "failed"),
            ):
                yield _text(sum(part) / 2, LANE + 4, said, "on", "middle")


def _text(x: float, y: float, text: str, name: str = "", anchor: str = "start") -> str:
    return f'<text class="{name}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _duration(seconds: float) -> str:
    for unit, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= unit * 0.999:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds * 1e9:.0f} ns"


def _machine() -> str:
    return (
        f"{platform.python_implementation()} {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores"
    )


def main() -> int:
    """Measure, draw, and say what was measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("svg", type=Path, nargs="?", default=ROOT / "docs" / "reload-under-load.svg")
    measurement = measure()
    path = parser.parse_args().svg
    path.write_text(str(Picture(measurement)), encoding="utf-8")
    for swap in measurement.swaps:
        print(f"{swap.what}: {(swap.ended - swap.began) * 1e3:.0f} ms")
    print(f"{len(measurement.calls):,} calls, {measurement.failed} failed: {path}")
    return 1 if measurement.failed else 0


if __name__ == "__main__":
    sys.exit(main())
