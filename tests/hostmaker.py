"""Running hosts for tests: a manager with a control socket in this process, or one in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import packaging
from places import IMPORTED
from wheelmaker import make_wheel, plugin_source

import hotswap

IMPORTABLE = os.pathsep.join(dict.fromkeys([str(IMPORTED), str(Path(packaging.__file__).parent.parent)]))
"""Where this interpreter has hotswap and its dependencies from, for the PYTHONPATH of others."""

ALPHA = plugin_source(export="def export(): return object()")
BETA = plugin_source(
    """
    class Deps:
        alpha: object = None
    """,
    import_="def import_(): return Deps()",
)

HOST = """
import sys
import hotswap

with hotswap.PluginManager(sys.argv[1], state_dir=sys.argv[2]) as manager:
    manager.load()
    manager.serve_control()
    print("ready", flush=True)
    sys.stdin.read()
"""


def make_plugins(directory: Path) -> Path:
    """A directory with alpha 1.0, and beta 1.0 that imports it."""
    make_wheel(directory, "alpha", "1.0", ALPHA)
    make_wheel(directory, "beta", "1.0", BETA)
    return directory


@contextmanager
def serving(directory: Path) -> Iterator[hotswap.PluginManager]:
    """A manager that has loaded the plugins of `directory/plugins` and serves `directory/state`."""
    with hotswap.PluginManager(make_plugins(directory / "plugins"), state_dir=directory / "state") as manager:
        manager.load()
        manager.serve_control()
        yield manager


@contextmanager
def host_process(plugins: Path, state_dir: Path, code: str = HOST) -> Iterator[subprocess.Popen[str]]:
    """A host in a process of its own, which is ready; it is killed in the end."""
    with subprocess.Popen(
        [sys.executable, "-c", code, str(plugins), str(state_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": IMPORTABLE},
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def hotswap_command(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run `python -m hotswap` and wait for its end."""
    return subprocess.run(
        [sys.executable, "-m", "hotswap", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": IMPORTABLE},
    )


def request_line(command: str, version: int = 1, **rest: object) -> bytes:
    """A request as it goes over the socket."""
    return (
        json.dumps({"version": version, "command": command, "arguments": {}, "debug": False, **rest}).encode() + b"\n"
    )
