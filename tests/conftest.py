"""Fixtures that every test may use."""

from __future__ import annotations

import gc
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import eventlog
import pytest
from wheelmaker import make_wheel, plugin_source

import hotswap

PATIENCE = 30.0
"""Seconds after which a wait in a test counts as endless; never reached where all is well."""


@pytest.fixture
def events() -> Iterator[list[str]]:
    """What the plugins of this test did, in order."""
    eventlog.events.clear()
    eventlog.shelf.clear()
    yield eventlog.events
    eventlog.events.clear()
    eventlog.shelf.clear()


class Host:
    """A directory of plugins, a state dir, and managers that are closed when the test ends."""

    def __init__(self, root: Path) -> None:
        self.plugins = root / "plugins"
        self.plugins.mkdir()
        self.state_dir = root / "state"
        self.managers: list[hotswap.PluginManager] = []

    def manager(self, sources: Any = None, **options: Any) -> hotswap.PluginManager:
        options.setdefault("state_dir", self.state_dir)
        manager = hotswap.PluginManager(self.plugins if sources is None else sources, **options)
        self.managers.append(manager)
        return manager

    def loaded(self, **options: Any) -> hotswap.PluginManager:
        manager = self.manager(**options)
        manager.load()
        return manager

    def add(self, name: str, version: str = "1.0", extra: str = "", *, keep: bool = False, **replace: str) -> Path:
        """Put a plugin's wheel into the directory, in place of its older versions.

        Its functions note what they do; `extra` is more code, a keyword replaces one of the seven. `needs="a, b"` makes
        it import others (annotated `object`), `requires=` are Requires-Dist.
        """
        requires = [part.strip() for part in replace.pop("requires", "").split(",") if part.strip()]
        directory = Path(replace.pop("directory", str(self.plugins)))
        if not keep:
            for old in directory.glob(f"{name}-*.whl"):
                old.unlink()
        return make_wheel(directory, name, version, noting(name, version, extra, **replace), requires=requires)


def noting(name: str, version: str, extra: str = "", **replace: str) -> str:
    """The source of a plugin whose functions note what they do."""
    needs = [part.strip() for part in replace.pop("needs", "").split(",") if part.strip()]
    functions = {
        function: f"def {function}({parameters}): events.append('{name} {version} {function}'); return {result}"
        for function, parameters, result in (
            ("on_load", "data", "None"),
            ("on_init", "vault", "None"),
            ("on_free", "", "None"),
            ("export", "", f"'{name} {version}'"),
            ("import_", "", "deps"),
            ("reloadable", "", "True"),
        )
    }
    fields = "".join(f"\n    {need}: object = None" for need in needs)
    deps = f"class Deps:{fields}\ndeps = Deps()" if needs else "deps = None"
    body = f"""
from eventlog import events, shelf
{deps}
VERSION = {version!r}
def version(): return VERSION
def needs(): return {{name: getattr(deps, name) for name in Deps.__annotations__}}
"""
    return plugin_source(body + "\n" + textwrap.dedent(extra), **{**functions, **replace})


@pytest.fixture
def host(tmp_path: Path, events: list[str]) -> Iterator[Host]:
    """A host with an empty plugin directory."""
    made = Host(tmp_path)
    yield made
    for manager in made.managers:
        manager.close()
        # Also what a close has given up waiting for: other tests count open realms.
        assert eventually(lambda: manager._retirement.sweep() is None and not manager._retirement.prefixes())  # noqa: B023


def eventually(condition: Callable[[], bool]) -> bool:
    """Give other threads their turn until the condition holds; False only after an endless wait."""
    pause = threading.Event()
    for _ in range(int(PATIENCE / 0.005)):
        if condition():
            return True
        pause.wait(0.005)
    return condition()


def collected(reference: Callable[[], object]) -> bool:
    """True if the object behind a weak reference is gone after a garbage collection."""
    gc.collect()
    return reference() is None
