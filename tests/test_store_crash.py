"""A process that is killed at any point leaves no half of anything.

Run as a program it works on one state dir after another, each time in a forked child that kills itself before its n-th
file-system operation, for n = 1, 2, 3 ... until the child completes, and prints what each of them left.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from storemaker import files_of, manifest_of, run_python
from wheelmaker import make_wheel

from hotswap.model import HistoryEntry, Manifest
from hotswap.store import Store

EVENTS = {
    "fcntl.flock",
    "open",
    "os.listdir",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.scandir",
    "os.truncate",
    "subprocess.Popen",
}
FILES = {"alpha_plugin/__init__.py": "A = 1\n", "alpha_plugin/sub/m.py": "B = 2\n", "alpha_plugin/data": "data"}


def entry(generation: int) -> HistoryEntry:
    return HistoryEntry(generation, "load", 0.0, 0.0, "ok")


def die_before(number: int) -> None:
    """Kill this process before its `number`-th file-system operation from now on."""
    seen = count(1)

    def hook(event: str, _: object) -> None:
        if event in EVENTS and next(seen) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


class Scenario:
    """One wheel, what has happened before, what is killed, and what is left."""

    def __init__(self, base: Path) -> None:
        self.manifest = manifest_of(make_wheel(base / "wheels", "alpha", "1.0", FILES))
        self.other = manifest_of(make_wheel(base / "wheels", "beta"))
        store = self.store(base / "whole")
        self.whole = self._content(store.install([self.manifest])["alpha"].path)
        store.close()

    @staticmethod
    def store(state: Path) -> Store:
        return Store(state, keep_history=1, lock_timeout=5)

    def left(self, state: Path) -> dict[str, Any]:
        """What a fresh store finds, and what it makes of it."""
        store = self.store(state)
        found = store.find(self.manifest.digest)
        generations = [entry.generation for entry in store.entries()]
        report: dict[str, Any] = {
            "found": self._state(found and found.path),
            "installed": self._state(store.install([self.manifest])["alpha"].path),
            "generations": generations,
        }
        store.append(entry(9))
        report["appended"] = [entry.generation for entry in store.entries()]
        store.close()
        store.prune()
        report["after prune"] = sorted(path.name for path in state.glob("sites/*/*"))
        report["staging"] = len(list((state / "staging").iterdir()))
        report["hosts"] = len(list(state.glob("hosts/*.json")))
        return report

    def _state(self, site: Path | None) -> str:
        if site is None:
            return "absent"
        return "whole" if self._content(site) == self.whole else "half"

    @staticmethod
    def _content(site: Path) -> dict[str, bytes]:
        files = files_of(site)
        del files["alpha-1.0.dist-info/HOTSWAP.json"]  # has sizes of byte code, which has the path of the state dir
        return files


def prepare_nothing(scenario: Scenario, state: Path) -> None:
    pass


def prepare_damage(scenario: Scenario, state: Path) -> None:
    store = scenario.store(state)
    site = store.install([scenario.manifest])["alpha"].path
    (site / "alpha_plugin" / "data").unlink()
    store.close()


def prepare_two(scenario: Scenario, state: Path) -> None:
    store = scenario.store(state)
    store.install([scenario.manifest, scenario.other])
    store.append(entry(1))
    store.append(entry(2))
    store.close()


def install(store: Store, manifest: Manifest) -> None:
    store.install([manifest])


def prune(store: Store, manifest: Manifest) -> None:
    store.prune()


def append(store: Store, manifest: Manifest) -> None:
    store.append(entry(3))  # the third of one to be kept: the file is rewritten


def hold(store: Store, manifest: Manifest) -> None:
    store.hold([manifest.digest])
    store.hold([])


SCENARIOS: dict[str, tuple[Callable[[Scenario, Path], None], Callable[[Store, Manifest], None]]] = {
    "install": (prepare_nothing, install),
    "repair": (prepare_damage, install),
    "prune": (prepare_two, prune),
    "append": (prepare_two, append),
    "hold": (prepare_two, hold),
}


def main(base: Path, name: str) -> None:
    """Print one line of JSON for each child: was it killed, and what did it leave."""
    logging.disable()
    interpreter, sys.executable = sys.executable, ""  # only the children need a helper: the rest compiles in process
    prepare, act = SCENARIOS[name]
    scenario = Scenario(base)
    for number in count(1):
        state = base / str(number)
        prepare(scenario, state)
        child = os.fork()
        if child == 0:
            sys.executable = interpreter
            store = scenario.store(state)
            die_before(number)
            act(store, scenario.manifest)
            os.kill(os.getpid(), signal.SIGTERM)  # the end of a process without close()
        status = os.waitpid(child, 0)[1]
        print(json.dumps({"signal": os.WTERMSIG(status), **scenario.left(state)}))
        if os.WTERMSIG(status) == signal.SIGTERM:
            return


def reports(base: Path, name: str) -> list[dict[str, Any]]:
    code = "import sys, pathlib, test_store_crash as t; t.main(pathlib.Path(sys.argv[1]), sys.argv[2])"
    lines = [json.loads(line) for line in run_python(code, base, name).splitlines()]
    assert [line.pop("signal") for line in lines] == [signal.SIGKILL] * (len(lines) - 1) + [signal.SIGTERM]
    return lines


EXPECTED = {
    "installed": ["whole"],
    "staging": [0],
    "appended": [[9]],
    "after prune": [[]],
    "hosts": [0],
}


@pytest.mark.parametrize(
    ("name", "least", "found", "generations"),
    [
        ("install", 40, ["absent", "whole"], [[]]),
        ("repair", 40, ["absent", "whole"], [[]]),
        ("prune", 20, ["whole", "absent"], [[2]]),
        ("append", 8, ["whole"], [[2], [3]]),
        ("hold", 12, ["whole"], [[2]]),
    ],
)
def test_whoever_is_killed_leaves_no_half(
    tmp_path: Path, name: str, least: int, found: list[str], generations: list[list[int]]
) -> None:
    """Wherever a process is killed, the next finds all or nothing, and can install, remember and prune."""
    lines = reports(tmp_path, name)
    assert len(lines) > least
    seen = {key: [line[key] for line in lines] for key in lines[0]}
    assert {key: [value for i, value in enumerate(seen[key]) if value not in seen[key][:i]] for key in seen} == {
        **EXPECTED,
        "found": found,
        "generations": generations,
    }
