"""The hello demo, as a user runs it."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from demokit import Demo

from hotswap.control import Exit


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = Demo("hello", tmp_path)
    yield demo
    demo.end()


@pytest.mark.slow
def test_hello(demo: Demo) -> None:
    """The host hums, brings an edited plugin live by reload.sh, frees the old version, and ends on Ctrl-C."""
    host = demo.run()
    assert host.prints("world 1.0: on_load"), host.printed
    assert host.prints("world 1.0: on_init"), host.printed
    assert host.prints(r"world 1.0: hum( hum)*$"), host.printed

    demo.edit("plugins/world/src/hello_world/humming.py", '"hum"', '"la"')
    demo.edit("plugins/world/pyproject.toml", 'version = "1.0"', 'version = "1.1"')
    assert re.search("world +reloaded", demo.reload())
    assert host.prints("generation 2: world: reloaded"), host.printed
    assert host.prints("world 1.0: on_free"), host.printed
    assert host.prints(r"world 1.1: la( la)*$"), host.printed

    assert host.ends(signal.SIGINT), host.printed
    assert host.printed.endswith("world 1.1: on_free\n")
    assert not re.search("Traceback|Error", host.printed)


@pytest.mark.slow
def test_a_broken_plugin_changes_nothing(demo: Demo) -> None:
    """A plugin that lacks a function is not even built: reload.sh says which, and the host hums on until SIGTERM."""
    host = demo.run()
    assert host.prints("world 1.0: hum"), host.printed
    demo.edit("plugins/world/src/hello_world/__init__.py", "def on_free()", "def on_fre()")
    assert "on_free" in demo.reload(Exit.PLUGINS)
    assert host.prints("world 1.0: hum"), host.printed
    assert host.ends(signal.SIGTERM), host.printed
    assert "generation 2" not in host.printed
