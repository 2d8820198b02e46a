"""Hosts as processes: two on one state dir, one that is killed in the middle, one whose environment pip changes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import venv
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import Host, eventually
from hostmaker import IMPORTABLE
from wheelmaker import make_wheel, plugin_source

import hotswap

HOST = """
import json, sys
import hotswap

sources = None if sys.argv[1] == "environment" else sys.argv[1]
manager = hotswap.PluginManager(sources, state_dir=sys.argv[2])
running = {}

def answer(command, *arguments):
    if command in ("load", "reload", "rollback"):
        return str(getattr(manager, command)())
    if command == "start":
        running["it"] = manager.invoke(*arguments)
        return next(running["it"])
    if command == "end":
        return list(running.pop("it"))
    if command == "invoke":
        return manager.invoke(*arguments)
    if command == "prune":
        return len(manager.prune().removed)
    if command == "file":
        return str(manager.current[arguments[0]].site_dir)

for line in sys.stdin:
    try:
        print(json.dumps(answer(*json.loads(line))), flush=True)
    except hotswap.HotswapError as error:
        print(json.dumps({"error": str(error)}), flush=True)
"""


class Process:
    """A host that does what it is told on its standard input."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def ask(self, *command: object) -> Any:
        self.tell(*command)
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def tell(self, *command: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def started(sources: object, state_dir: Path, python: str = sys.executable) -> Iterator[Process]:
    with subprocess.Popen(
        [python, "-c", HOST, str(sources), str(state_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": IMPORTABLE},
    ) as process:
        try:
            yield Process(process)
        finally:
            process.kill()


VERSIONED = """
VERSION = {!r}
def version(): return VERSION
def count():
    yield VERSION
    import {}_plugin as again
    yield again.VERSION
"""


def put(directory: Path, version: str, name: str = "alpha") -> Path:
    for old in directory.glob(f"{name}-*"):
        old.unlink()
    return make_wheel(directory, name, version, plugin_source(VERSIONED.format(version, name)))


def test_two_hosts_share_a_state_dir(tmp_path: Path) -> None:
    """Two processes load, reload, roll back and prune on one state dir, and neither takes from the other."""
    plugins, state_dir = tmp_path / "plugins", tmp_path / "state"
    put(plugins, "1.0")
    with started(plugins, state_dir) as one, started(plugins, state_dir) as two:
        for host in (one, two):
            host.tell("load")
        answers = [json.loads(host.process.stdout.readline()) for host in (one, two)]  # type: ignore[union-attr]
        assert answers == ["alpha: loaded"] * 2
        assert one.ask("file", "alpha") == two.ask("file", "alpha")
        put(plugins, "2.0")
        assert one.ask("reload") == "alpha: reloaded"
        assert one.ask("prune") == 0
        assert one.ask("invoke", "alpha", "version") == "2.0"
        assert two.ask("start", "alpha", "count") == "1.0"
        assert two.ask("end") == ["1.0"]
        assert two.ask("reload") == "alpha: reloaded"
        assert two.ask("rollback") == "alpha: reloaded"
        assert [host.ask("invoke", "alpha", "version") for host in (one, two)] == ["2.0", "1.0"]


@pytest.mark.parametrize("delay", [0.0, 0.001, 0.002, 0.004, 0.006, 0.008, 0.012, 0.016])
def test_host_killed_in_a_reload(tmp_path: Path, delay: float) -> None:
    """Whenever a host is killed with -9 during a reload, the next one finds a complete old or new version."""
    plugins, state_dir = tmp_path / "plugins", tmp_path / "state"
    put(plugins, "1.0")
    with started(plugins, state_dir) as host:
        assert host.ask("load") == "alpha: loaded"
        put(plugins, "2.0")
        host.tell("reload")
        threading.Event().wait(delay)  # not to wait for something, but to hit another moment each time
        host.kill()
    with hotswap.PluginManager(plugins, state_dir=state_dir) as manager:
        manager.load()
        assert manager.invoke("alpha", "version") == "2.0"
        assert list(manager.invoke("alpha", "count")) == ["2.0", "2.0"]
        assert not list((state_dir / "staging").iterdir())
        entries = manager.history()
        assert entries[0].action == "load"
        assert entries[-1].outcome == "ok"
        assert str(manager.rollback()) == "alpha: reloaded"
        assert manager.invoke("alpha", "version") == "1.0"


@pytest.mark.slow
def test_pip_install_in_another_shell(tmp_path: Path) -> None:
    """What pip installs goes live at the next reload; the old version works on without its files."""
    builder = venv.EnvBuilder(with_pip=True, system_site_packages=False)
    builder.create(tmp_path / "venv")
    python = str(tmp_path / "venv" / "bin" / "python")
    wheels = tmp_path / "wheels"

    def pip_install(version: str) -> None:
        wheel = put(wheels, version)
        command = [python, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--disable-pip-version-check"]
        subprocess.run([*command, str(wheel)], check=True, capture_output=True)

    pip_install("1.0")
    with started("environment", tmp_path / "state", python) as host:
        assert host.ask("load") == "alpha: loaded"
        assert Path(host.ask("file", "alpha")).is_relative_to(tmp_path / "state")
        assert host.ask("start", "alpha", "count") == "1.0"
        pip_install("2.0")
        assert host.ask("reload") == "alpha: reloaded"
        assert host.ask("invoke", "alpha", "version") == "2.0"
        # A late import in the old version finds the old files.
        assert host.ask("end") == ["1.0"]
        assert host.ask("reload") == "alpha: unchanged"
        subprocess.run([python, "-m", "pip", "uninstall", "-q", "-y", "alpha"], check=True, capture_output=True)
        assert host.ask("reload") == "alpha: removed"


def test_project_dir_is_built_on_the_way(host: Host, tmp_path: Path) -> None:
    """A project directory is built when its sources change, and only then."""
    project = tmp_path / "project"
    (project / "src" / "alpha_plugin").mkdir(parents=True)
    (project / "pyproject.toml").write_text(
        """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "alpha"
version = "1.0"
[project.entry-points."hotswap.plugins"]
alpha = "alpha_plugin"
[tool.hatch.build.targets.wheel]
packages = ["src/alpha_plugin"]
"""
    )
    module = project / "src" / "alpha_plugin" / "__init__.py"
    module.write_text(plugin_source("def answer(): return 1"))
    manager = host.manager(hotswap.ProjectDir(project, isolated=False))
    manager.load()
    assert manager.invoke("alpha", "answer") == 1
    assert str(manager.reload()) == "alpha: unchanged"
    module.write_text(plugin_source("def answer(): return 2 # changed"))
    assert str(manager.reload()) == "alpha: reloaded"
    assert manager.invoke("alpha", "answer") == 2
    module.write_text("def broken(:")
    with pytest.raises(hotswap.WheelError, match="alpha"):
        manager.reload()
    assert manager.invoke("alpha", "answer") == 2


def at_rest(manager: hotswap.PluginManager) -> bool:
    """True while the manager's own thread waits for something to free."""
    frame = sys._current_frames().get(manager._retirement._thread.ident or 0)
    return frame is not None and frame.f_code.co_name == "_run"


def test_forked_child_frees_what_drains_later(host: Host, events: list[str]) -> None:
    """A child that was forked with a manager frees what drains in it by itself, and leaves the parent's alone."""
    host.add("alpha", extra="def count(): yield VERSION")
    manager = host.loaded()
    with manager.lease():
        host.add("alpha", "2.0", extra="def count(): yield VERSION")
        manager.reload()
    host.add("alpha", "3.0")
    # A fork takes every lock along as it is: the thread that frees has to be at rest.
    assert eventually(lambda: "alpha 1.0 on_free" in events and at_rest(manager))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks where threads are
        child = os.fork()
    if not child:
        try:
            values = manager.invoke("alpha", "count")
            manager.reload()
            values.close()
            os._exit(0 if eventually(lambda: "alpha 2.0 on_free" in events) else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert manager.invoke("alpha", "version") == "2.0"
    assert "alpha 2.0 on_free" not in events
