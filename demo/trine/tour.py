"""A tour of a reload: what it does, and what it leaves alone. Ends with exit code 1 if anything is not as told."""

from __future__ import annotations

import re
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import workshop
from traffic import Traffic, versions

import hotswap
from hotswap.resolver import draw_tree

_INIT = "src/trine_gamma/__init__.py"
BROKEN = {
    "1.1": workshop.Edit(_INIT, re.escape("def on_free() -> None:\n    pass\n"), ""),
    "1.2": workshop.Edit(
        _INIT,
        re.escape("on_load(data: Any) -> None:\n    pass"),
        'on_load(data: Any) -> None:\n    raise OSError("no sensor answers")',
    ),
}
MARGIN = "   "
WIDTH = 80
PATIENCE = 20.0
"""Seconds to wait for what happens by itself, such as the end of a retired plugin; it takes a fraction of one."""


def main() -> int:
    tour = Tour()
    with tempfile.TemporaryDirectory(prefix="trine-tour-") as temporary:
        root = Path(temporary)
        tour.build(root / "plugins")
        with hotswap.PluginManager(root / "plugins", state_dir=root / "state") as manager:
            tour.load(manager)
            with Traffic(manager) as traffic:
                tour.appear(manager, root)
                tour.replace(manager, root)
                tour.refuse(manager, root)
                tour.roll_back(manager)
            tour.count(manager, traffic)
    return 1 if tour.disappointments else 0


class Tour:
    """The steps, in order; each prints what it does and checks what it says."""

    def __init__(self) -> None:
        self.disappointments = 0
        self._steps = 0
        self._generations: set[str] = set()

    def build(self, plugins: Path) -> None:
        self._step("Build", "Three projects become three wheels, the way `hotswap build` makes them.")
        for project in workshop.PROJECTS:
            self._show(workshop.build(project, plugins).name)

    def load(self, manager: hotswap.PluginManager) -> None:
        self._step("Load", "Gamma needs beta, beta needs alpha: alpha is loaded first.")
        self._show(str(manager.load()))
        self._generations.add(self._show_pulse(manager))
        self._show(draw_tree(manager.current.graph))
        self._expect(list(manager.current) == ["alpha", "beta", "gamma"], "dependencies come before dependents")

    def appear(self, manager: hotswap.PluginManager, root: Path) -> None:
        self._step(
            "A plugin appears",
            "From here to the end, two threads call gamma without pause. Delta is new, and gamma uses it if it is "
            "there: gamma is loaded afresh, the others stay as they are.",
        )
        alpha = manager.current["alpha"]
        workshop.build(workshop.DELTA, root / "plugins")
        report = manager.reload()
        self._show(str(report))
        self._generations.add(self._show_pulse(manager))
        self._expect(report["gamma"] == hotswap.Outcome.REBOUND, "gamma was bound to delta")
        self._expect(manager.current["alpha"] is alpha, "alpha is the very same plugin as before")

    def replace(self, manager: hotswap.PluginManager, root: Path) -> None:
        self._step(
            "Two plugins are replaced",
            "One more call of gamma is stopped in its middle. Then alpha and beta 1.1 arrive: alpha draws other "
            "brackets, beta subtracts.",
        )
        reached, go_on = threading.Event(), threading.Event()

        def wait() -> None:
            reached.set()
            go_on.wait(PATIENCE)

        with ThreadPoolExecutor(1) as pool:
            in_flight = pool.submit(manager.invoke, "gamma", "pulse", wait)
            reached.wait(PATIENCE)
            for project, edit in workshop.NEWS.items():
                workshop.build(workshop.revise(project, root / "drafts", "1.1", edit), root / "plugins")
            self._show(str(manager.plan()))
            report = manager.reload()
            self._show(f"reloaded; the swap itself took {report.seconds['swapped'] * 1e6:.0f} µs")
            self._generations.add(self._show_pulse(manager))
            waiting = {f"{retired.plugin} {retired.version}" for retired in manager.retired()}
            self._show(f"still in memory, for the call in flight: {', '.join(sorted(waiting))}")
            self._expect(
                {"alpha 1.0", "beta 1.0", "gamma 1.0"} <= waiting, "what the stopped call may still need is kept"
            )
            go_on.set()
            answer = in_flight.result()
        self._show("the stopped call goes on, and ends:")
        self._show(" | ".join(map(str, answer)))
        self._expect("alpha 1.0, beta 1.0" in versions(answer), "it ended in the versions it began in")
        freed = _comes_true(lambda: all(retired.state == "freed" for retired in manager.retired()))
        self._expect(freed, "as soon as it had ended, the old versions were freed")

    def refuse(self, manager: hotswap.PluginManager, root: Path) -> None:
        self._step("Broken plugins arrive", "Gamma 1.1 has lost its on_free. Gamma 1.2 raises while it is loaded.")
        for version, edit in BROKEN.items():
            draft = workshop.revise(workshop.GAMMA, root / "drafts", version, edit)
            wheel = workshop.build(draft, root / "plugins")
            before = manager.current
            try:
                manager.reload()
            except hotswap.PluginError as error:
                self._show(f"{type(error).__name__}: {error}")
                self._expect(manager.current is before, "nothing has changed: the same generation object is current")
            else:
                self._expect(False, f"gamma {version} was refused")
            wheel.unlink()

    def roll_back(self, manager: hotswap.PluginManager) -> None:
        self._step("Roll back", "Back to the exact wheels of the generation before.")
        self._show(str(manager.rollback()))
        pulse = self._show_pulse(manager)
        self._expect("alpha 1.0, beta 1.0" in pulse, "alpha and beta 1.0 answer again")

    def count(self, manager: hotswap.PluginManager, traffic: Traffic) -> None:
        self._step("The count", "What is left of it all.")
        clean = _comes_true(lambda: not manager.leaks())
        leaks = manager.leaks()
        for leak in leaks:
            self._show(
                f"{leak.plugin} {leak.version} is {leak.state}; held by {'; '.join(leak.holders) or 'nobody known'}"
            )
        for failure in traffic.failures[:3]:
            self._show(failure)
        mixed = set(traffic.answered) - self._generations
        for answered, calls in traffic.answered.items():
            self._show(f"{calls:>9,} calls answered by {answered}")
        self._expect(clean, "no old version is left in memory")
        self._expect(not mixed, "no call was answered by a mixture of generations")
        self._expect(traffic.made > 0 and not traffic.failures, "no call failed")
        generations = 1 + len({leak.generation for leak in leaks})
        slowest = f"the slowest took {traffic.slowest * 1e3:.1f} ms"
        print(f"\n{traffic.made:,} calls made, {len(traffic.failures)} failed; {slowest}")
        print(f"{manager.reload_count} swaps, {generations} generation{'s' * (generations > 1)} in memory")

    # --------------------------------------------------------------------------------------------- on paper

    def _step(self, title: str, text: str) -> None:
        self._steps += 1
        print(f"\n{self._steps}  {title}")
        print(textwrap.fill(text, WIDTH, initial_indent=MARGIN, subsequent_indent=MARGIN), flush=True)

    def _show(self, text: str) -> None:
        for line in text.splitlines():
            # Only what is too long is wrapped, so that a tree's indentation stays as it is.
            if len(shown := MARGIN + line) > WIDTH:
                shown = textwrap.fill(line, WIDTH, initial_indent=MARGIN, subsequent_indent=MARGIN + "    ")
            print(shown, flush=True)

    def _show_pulse(self, manager: hotswap.PluginManager) -> str:
        said = manager.invoke("gamma", "pulse")
        self._show(" | ".join(map(str, said)))
        return versions(said)

    def _expect(self, true: bool, what: str) -> None:
        self.disappointments += not true
        self._show(f"{'ok' if true else 'NOT SO'}: {what}")


def _comes_true(condition: Callable[[], bool]) -> bool:
    """Wait for what another thread brings about."""
    deadline = time.monotonic() + PATIENCE
    while not (true := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return true
