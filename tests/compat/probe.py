"""One case in one process: both versions side by side, the host's third beside them, and what became of it all.

`python probe.py CASE CACHE OUT ORDER` in the host's environment; ORDER is `host-first` or `host-last`.
"""

from __future__ import annotations

import faulthandler
import gc
import importlib
import importlib.metadata
import importlib.util
import json
import sys
import tempfile
import threading
import time
import traceback
import types
import typing
import warnings
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from catalogue import CASES, Case
from environment import Cache
from sides import LABELS, Sides
from words import holders_of, origin, same, some
from worlds import HOST, REALMS, Walker, World, file_of, realm_of

from hotswap.errors import HotswapError, LifecycleError

ALONE = ("click", "flask")
"""Their smoke tests redirect the process's standard output, so they cannot run at the same time as others."""
CYTHON = ("_cython_", "cython_runtime")
"""Plain names that belong to nobody: every Cython module of the process shares them, with or without realms."""


class Watcher(threading.Thread):
    """Another thread of the host: sees what `sys.modules` has under the package's plain names, all the time."""

    def __init__(self, top: str, root: str) -> None:
        super().__init__(daemon=True)
        self._top, self._root = top, root
        self.seen: set[str] = set()
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(0.001):
            for name, module in sys.modules.copy().items():
                if name.partition(".")[0] == self._top and file_of(module).startswith(self._root):
                    self.seen.add(str(name))

    def end(self) -> None:
        self._ended.set()
        self.join()


class Probe:
    """Runs a case and notes what is not as it should be.

    Args:
        case: It.
        cache: Where its wheels are.
        host_first: The host imports its copy before the realms open, not after.
    """

    def __init__(self, case: Case, cache: Cache, host_first: bool) -> None:
        self.case, self.cache, self.host_first = case, cache, host_first
        self.findings: list[str] = []
        self.notes: list[str] = []
        self.resolved: dict[str, list[str]] = {}

    def run(self) -> str:
        """The result: `ok`, `refused: ...` or `fails: ...`."""
        with tempfile.TemporaryDirectory(dir=self.cache.scratch) as scratch:
            try:
                self._run(Path(scratch).resolve())
            except HotswapError as error:
                if not isinstance(error, LifecycleError) or "cannot be private" in str(error):
                    return f"refused: {error}"
                self.findings.insert(0, f"{error}: {origin(error.__cause__ or error)}")
        return f"fails: {self.findings[0]}" if self.findings else "ok"

    def _run(self, scratch: Path) -> None:
        case = self.case
        sets = {"first": self.cache.wheel_set(case, case.first), "second": self.cache.wheel_set(case, case.second)}
        self.resolved = {label: [path.name for path in wheels] for label, wheels in sets.items()}
        if self.host_first:
            self._host()
        before = set(map(str, sys.modules))
        watcher = Watcher(case.imported.partition(".")[0], f"{scratch}/")
        watcher.start()
        try:
            sides = Sides(case, sets, scratch)
            if sides.shared:
                self.notes.append(f"the host's copy serves of {some(sides.shared)}")
            self._handed_out(sides)
            objects = {label: self._try(label, sides.invoke, label, "smoke") for label in LABELS}
            self._host()
            self._versions(sides)
            self._shown(sides, objects)
            self._at_the_same_time(sides)
            self._graph(sides, objects)
            objects.clear()
            self._plain_names(sides, before, scratch, "while the realms are open")
        finally:
            watcher.end()
        self._watched(watcher.seen)
        self._close(sides, before, scratch)

    # ------------------------------------------------------------------------------------------------- smoke tests

    def _try(self, who: str, function: Callable[..., Any], *args: Any) -> Any:
        try:
            return function(*args)
        except BaseException as error:
            self.findings.append(f"smoke test of {who}: {origin(error)}")
            return []

    def _host_smoke(self) -> Any:
        name = f"compat_host_{self.case.smoke.stem}"
        if (module := sys.modules.get(name)) is None:
            spec = importlib.util.spec_from_file_location(name, self.case.smoke)
            assert spec is not None
            assert spec.loader is not None
            module = sys.modules[name] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        return module.smoke()

    def _host(self) -> None:
        """The host runs its own third version, or finds that it has none."""
        case = self.case
        if case.host is not None:
            self._try("the host", self._host_smoke)
            module = importlib.import_module(case.imported)
            self._version("the host", module, importlib.metadata.version(case.project), case.host)
            return
        try:
            importlib.import_module(case.imported)
        except ModuleNotFoundError:
            return
        self.findings.append(f"the host finds {case.imported}, which it lacks")

    def _version(self, who: str, module: types.ModuleType, told: str, expected: str) -> None:
        own = getattr(module, "__version__", expected) if self.case.states_version else expected
        if not isinstance(own, str) or not same(own, expected):
            self.findings.append(f"{who} sees {module.__name__}.__version__ {own}, not {expected}")
        if not same(told, expected):
            self.findings.append(f"importlib.metadata tells {who} version {told}, not {expected}")

    def _versions(self, sides: Sides) -> None:
        for label, world in sides.worlds.items():
            if about := self._try(label, sides.invoke, label, "about", self.case.imported, self.case.project):
                self._version(label, *about, sides.versions[label])
                if not file_of(about[0]).startswith(world.roots):
                    self.findings.append(f"{label} imports {about[0].__name__} from {file_of(about[0])}")

    def _handed_out(self, sides: Sides) -> None:
        """Functions of C code that the plugin hands to the host, which calls them: no code of the realm runs before."""
        for label in LABELS:
            for function in self._try(label, sides.invoke, label, "handed_out"):
                self._try(f"{label}, called by the host", function)

    def _shown(self, sides: Sides, objects: Mapping[str, list[Any]]) -> None:
        for label, found in objects.items():
            for each, inside in zip(found, sides.invoke(label, "shown", found), strict=True):
                outside = self._try(f"{label}, shown by the host", repr, each)
                if outside != inside:
                    self.findings.append(
                        f"{label}: shown as {inside[:80]} by the plugin, as {outside[:80]} by the host"
                    )

    def _at_the_same_time(self, sides: Sides) -> None:
        if self.case.name in ALONE or self.findings:
            return
        who: dict[str, Callable[[], Any]] = {label: partial(sides.invoke, label, "smoke") for label in LABELS}
        if self.case.host is not None:
            who["the host"] = self._host_smoke
        with ThreadPoolExecutor(len(who)) as pool:
            for _ in range(2):
                list(pool.map(lambda each: self._try(f"{each[0]}, in threads", each[1]), who.items()))

    # ------------------------------------------------------------------------------------------- whose modules, names

    def _graph(self, sides: Sides, objects: Mapping[str, list[Any]]) -> None:
        worlds = sides.worlds
        walker = Walker(worlds.values())
        found: list[str] = []
        host = walker.reach(None, walker.modules_of_host())
        reaches = {
            label: walker.reach(world, [*walker.modules_of(world), *objects[label]]) for label, world in worlds.items()
        }
        found += host.strangers(World(HOST))
        for label, world in worlds.items():
            found += reaches[label].strangers(world)
            found += reaches[label].shared(host, world)
        found += reaches["first"].shared(reaches["second"], worlds["first"])
        self.notes.append(f"walked over {sum(len(each.seen) for each in (host, *reaches.values())):,} objects")
        self.findings += found[:20]
        if len(found) > 20:
            self.findings.append(f"and {len(found) - 20} more")

    def _left(self, sides: Sides, before: set[str], scratch: Path) -> dict[str, str]:
        """Names in `sys.modules` that were not there and are no module's of a realm or of the host: where from."""
        found = {}
        for name, module in sys.modules.copy().items():
            if str(name) in before or name.startswith((REALMS, "hotswap", "compat_host", *CYTHON)):
                continue
            file = file_of(module)
            owned = any(world.owns(name) for world in sides.worlds.values())
            if file.startswith(f"{scratch}/") or (owned and not file):
                found[str(name)] = file
        return found

    def _plain_names(self, sides: Sides, before: set[str], scratch: Path, when: str) -> None:
        for name, file in self._left(sides, before, scratch).items():
            self.findings.append(f"{when}, the host's sys.modules has {name} from {file or 'no file'}")
        keys = [key for key in sys.modules if type(key) is not str]
        if keys:
            self.notes.append(f"{when}, {len(keys)} plain names are kept for C code, such as {some(sorted(keys))}")

    def _watched(self, seen: set[str]) -> None:
        if seen:
            self.findings.append(f"another thread of the host saw a realm's {some(sorted(seen))}")

    # --------------------------------------------------------------------------------------------------------- closing

    def _close(self, sides: Sides, before: set[str], scratch: Path) -> None:
        walker = Walker(sides.worlds.values())
        modules = {label: {m.__name__: m for m in walker.modules_of(world)} for label, world in sides.worlds.items()}
        extensions = {name for own in modules.values() for name, m in own.items() if file_of(m).endswith(".so")}
        self.notes.append(" and ".join(f"{len(own)} modules in {label}" for label, own in modules.items()))
        stay = {label: {n: weakref.ref(m) for n, m in own.items()} for label, own in modules.items()}
        del walker, modules
        sides.remove("first")
        if not self.findings:
            self._try("second, after the first was removed", lambda: sides.invoke("second", "smoke") and None)
            self._host()
        sides.close()
        for name, file in self._left(sides, before, scratch).items():
            self.findings.append(f"after the realms were closed, sys.modules has {name} from {file or 'no file'}")
        if left := sorted(str(name) for name in sys.modules if realm_of(str(name)) or type(name) is not str):
            self.findings.append(f"after the realms were closed, sys.modules has {some(left)}")
        if not self.findings:
            self._host()
        for clear in getattr(typing, "_cleanups", ()):  # its caches hold classes until other code has filled them
            clear()
        for _ in range(3):
            gc.collect()
        for label, own in stay.items():
            alive = [module for found in own.values() if (module := found()) is not None]
            if {module.__name__ for module in alive} - extensions:
                self.notes.append(f"{len(alive)} modules of {label} stay: {holders_of(alive) or 'nothing says why'}")
            elif alive:
                self.notes.append(f"{len(alive)} extension modules of {label} stay")


def main(name: str, cache: str, out: str, order: str) -> None:
    faulthandler.enable()
    warnings.simplefilter("ignore")
    (case,) = (case for case in CASES if case.name == name)
    probe = Probe(case, Cache(Path(cache)), order == "host-first")
    started = time.perf_counter()
    try:
        result = probe.run()
    except BaseException as error:
        traceback.print_exc()
        result = f"fails: {origin(error)}"
    seconds = round(time.perf_counter() - started, 1)
    found = {"result": result, "findings": probe.findings, "notes": probe.notes, "resolved": probe.resolved}
    Path(out).write_text(json.dumps({"order": order, "seconds": seconds, **found}, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
