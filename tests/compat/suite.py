"""One package's own test suite, in a realm and outside, compared test by test.

`python suite.py SUITE CACHE OUT` in the host's environment. The tests are a plugin whose private library is the
package; pytest is the host's, and asks the plugin for every test module.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from catalogue import SUITES, Suite
from environment import Cache, unpack
from sides import make_wheel, plugin_source
from worlds import Walker, World, file_of

PLUGIN = """
def importing(name):
    import importlib

    return importlib.import_module(name)


def resolving(name):
    import pkgutil

    return pkgutil.resolve_name(name)

"""
LEFT_OUT = ("typing", "__pycache__")
"""What is in directories of tests and is no test; a top-level `typing` would be taken for the standard library's."""
REALM = re.compile(r"hotswap\.realms\.\w+\.")
"""What the ids of tests that are named after modules have more in a realm."""


def lay_out(suite: Suite, sdist: Path, target: Path) -> None:
    """Put the tests where a plain pytest would import them from: packages below the root, single modules in it."""
    tests = sdist / suite.tests
    is_package = (tests / "__init__.py").exists()
    root = target / "tests" if is_package else target
    for path in sorted(tests.rglob("*")):
        relative = path.relative_to(tests)
        if path.is_file() and not set(relative.parts) & set(LEFT_OUT):
            (root / relative).parent.mkdir(parents=True, exist_ok=True)
            (root / relative).write_bytes(path.read_bytes())
    if (sdist / "conftest.py").exists():
        (target / "conftest.py").write_bytes((sdist / "conftest.py").read_bytes())


def make_plugin(suite: Suite, tree: Path, directory: Path) -> None:
    """A wheel of the tests that requires the package in one version."""
    files: dict[str, str | bytes] = {"compat_suite.py": plugin_source(PLUGIN)}
    tests = [path for path in sorted(tree.rglob("*")) if path.is_file()]
    files |= {path.relative_to(tree).as_posix(): path.read_bytes() for path in tests}
    # What the tests need beside the package is the host's and stays undeclared: pytest itself requires packaging.
    make_wheel(directory, "compat-suite", files=files, requires=[f"{suite.name}=={suite.version}"])


class Notes:
    """A pytest plugin: what became of each test."""

    def __init__(self) -> None:
        self.outcomes: dict[str, str] = {}
        self.words: dict[str, str] = {}
        self.import_conftests: Callable[[], list[ModuleType]] = list
        self._conftests: list[ModuleType] = []

    def pytest_load_initial_conftests(self) -> None:
        """When pytest imports conftests itself, under its capture, those are imported that it does not."""
        self._conftests = self.import_conftests()

    def pytest_configure(self, config: Any) -> None:
        """Conftests that were imported elsewhere join in."""
        for module in self._conftests:
            config.pluginmanager.register(module, str(module.__file__))

    def pytest_sessionstart(self) -> None:
        """No test fails because the machine is busy."""
        if (hypothesis := sys.modules.get("hypothesis")) is not None:
            hypothesis.settings.register_profile("unhurried", hypothesis.settings(deadline=None))
            hypothesis.settings.load_profile("unhurried")

    def pytest_runtest_logreport(self, report: Any) -> None:
        """A test's set-up, call or tear-down is done."""
        outcome = report.outcome
        if hasattr(report, "wasxfail"):
            outcome = "xfailed" if report.skipped else "xpassed"
        elif report.failed and report.when != "call":
            outcome = "error"
        if report.when == "call" or outcome not in ("passed",):
            self._note(report.nodeid, outcome, report)

    def pytest_collectreport(self, report: Any) -> None:
        """A module was collected."""
        if not report.passed:
            self._note(report.nodeid, "error" if report.failed else "skipped", report)

    def _note(self, nodeid: str, outcome: str, report: Any) -> None:
        nodeid = REALM.sub("", nodeid)
        self.outcomes[nodeid] = outcome
        if outcome in ("failed", "error"):
            self.words[nodeid] = str(report.longrepr)[-600:]


def run_pytest(suite: Suite, root: Path, ini: Path, notes: Notes, *options: str) -> None:
    """Run the tests below a directory; plain asserts, because pytest cannot rewrite what it does not import itself."""
    import pytest

    fixed = ("-q", "-p", "no:cacheprovider", "-p", "no:randomly", "--assert=plain", "-c", str(ini))
    pytest.main([*fixed, "--rootdir", str(root), *suite.options, *options, str(root)], plugins=[notes])


def outside(suite: Suite, root: Path, ini: Path) -> dict[str, Any]:
    """As anybody runs them: the package is on the path."""
    notes = Notes()
    sys.path.insert(0, str(root))
    run_pytest(suite, root, ini, notes)
    return {"outcomes": notes.outcomes, "words": notes.words, "place": file_of(sys.modules[suite.imported])}


def inside(suite: Suite, cache: Cache, ini: Path, scratch: Path) -> dict[str, Any]:
    """The tests are a plugin, the package is its private library."""
    import _pytest.monkeypatch
    import _pytest.python

    import hotswap

    with hotswap.PluginManager(
        scratch / "plugins", state_dir=scratch / "state", find_links=[scratch / "links"]
    ) as manager:
        manager.load()
        # What the tests start as a process of its own knows nothing of realms: it finds the package as it does outside.
        os.environ["PYTHONPATH"] = os.pathsep.join([str(scratch / "package"), os.environ.get("PYTHONPATH", "")])
        root = manager.current["compat-suite"].site_dir.resolve()

        def importing(path: Path, config: Any = None) -> ModuleType:
            parts = path.relative_to(root).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            module: ModuleType = manager.invoke("compat-suite", "importing", name)
            return module

        # What pytest imports for the tests, it asks the plugin for: their modules, and what they name by a string.
        _pytest.python.importtestmodule = importing  # type: ignore[attr-defined]
        _pytest.monkeypatch.resolve = partial(manager.invoke, "compat-suite", "resolving")  # type: ignore[attr-defined]
        notes = Notes()
        notes.import_conftests = lambda: [importing(path) for path in sorted(root.rglob("conftest.py"))]
        run_pytest(suite, root, ini, notes, "--noconftest")
        package = manager.invoke("compat-suite", "importing", suite.imported)
        world = World("the realm", (f"{scratch.resolve()}/state/",), frozenset({suite.imported}))
        walker = Walker([world])
        strangers = [*walker.reach(world, walker.modules_of(world)).strangers(world)]
        if not file_of(package).startswith(world.roots):
            strangers.append(f"the tests were given {file_of(package)}")
    return {"outcomes": notes.outcomes, "words": notes.words, "place": file_of(package), "strangers": strangers[:10]}


def compare(out: dict[str, Any], within: dict[str, Any]) -> dict[str, Any]:
    """Test by test."""
    plain, realm = out["outcomes"], within["outcomes"]
    differing = {
        node: f"outside {plain.get(node, 'absent')}, in the realm {realm.get(node, 'absent')}:"
        f" {(within['words'].get(node) or out['words'].get(node) or '')[-300:]}"
        for node in {**plain, **realm}
        if plain.get(node) != realm.get(node)
    }
    findings = [f"the tests reach what is not the realm's: {each}" for each in within["strangers"]]
    if not plain:
        findings.append("no tests were run")
    counts = dict(sorted(Counter(plain.values()).items()))
    return {
        "result": f"fails: {findings[0]}" if findings else "ok",
        "counts": counts,
        "differing": differing,
        "findings": findings,
        "notes": [", ".join(f"{count} {outcome}" for outcome, count in counts.items())],
    }


def main(name: str, cache_root: str, out: str, order: str = "") -> None:
    """The parent makes the scene and compares; each run is a process of its own."""
    (suite,) = (suite for suite in SUITES if suite.name == name)
    cache, started = Cache(Path(cache_root)), time.perf_counter()
    if order.startswith("/"):  # in a child
        scratch = Path(order)
        ini = cache.sdist(suite) / "pyproject.toml"
        runs: dict[str, Callable[[], dict[str, Any]]] = {
            "outside": lambda: outside(suite, scratch / "tree", ini),
            "inside": lambda: inside(suite, cache, ini, scratch),
        }
        Path(out).write_text(json.dumps(runs[Path(out).stem]()))
        return
    with tempfile.TemporaryDirectory(dir=cache.scratch) as directory:
        scratch = Path(directory).resolve()
        wheels = cache.wheels_of(f"suite-{suite.name}", suite.version, (f"{suite.name}=={suite.version}",))
        lay_out(suite, cache.sdist(suite), scratch / "tree")
        make_plugin(suite, scratch / "tree", scratch / "plugins")
        (scratch / "links").mkdir()
        for wheel in wheels:
            os.link(wheel, scratch / "links" / wheel.name)
        unpack([wheel for wheel in wheels if wheel.name.startswith(f"{suite.name}-")], scratch / "package")
        results = []
        for run, path in (("outside", str(scratch / "package")), ("inside", "")):
            command = [sys.executable, __file__, name, cache_root, str(scratch / f"{run}.json"), str(scratch)]
            given = [path, os.environ.get("PYTHONPATH", "")]
            environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, given))}
            done = subprocess.run(command, cwd=scratch, env=environ, capture_output=True, text=True, check=False)
            if not (scratch / f"{run}.json").exists():
                raise SystemExit(f"{run}: {done.stdout[-2000:]}{done.stderr[-3000:]}")
            results.append(json.loads((scratch / f"{run}.json").read_text()))
        found = compare(*results)
    Path(out).write_text(json.dumps({**found, "seconds": round(time.perf_counter() - started, 1)}, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
