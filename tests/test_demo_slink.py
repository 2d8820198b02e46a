"""The slink demo, as a user runs it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from demokit import Demo

from hotswap.control import Exit

SOURCE = "plugins/dog/src/slink_dog/barking.py"


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = Demo("slink", tmp_path)
    yield demo
    demo.end()


@pytest.mark.slow
def test_a_wheel_is_replaced(demo: Demo) -> None:
    """Without --static the plugin is a wheel; `breakpoint()` in an edited plugin stops the running host there."""
    host = demo.run()
    assert host.prints(r"dog 1\.0: woof( woof)*$"), host.printed
    demo.edit(SOURCE, '"woof"', '"wuff"')
    demo.edit(SOURCE, "    return", "    breakpoint()\n    return")
    assert re.search("dog +reloaded", demo.reload())
    assert host.prints(r"barking\.py\(\d+\)live_woof\(\)"), host.printed
    host.types("p 'it is ' + sound")
    assert host.prints("it is wuff"), host.printed

    demo.edit(SOURCE, "    breakpoint()\n", "")
    demo.reload()
    host.types("c")
    assert host.prints(r"dog 1\.0: wuff( wuff)*$"), host.printed
    assert host.prints(r"dog 1\.0: wuff( wuff)*$"), host.printed
    assert host.ends(), host.printed
    assert not re.search("Traceback|Error", host.printed)


@pytest.mark.slow
def test_a_part_of_the_program_stays(demo: Demo) -> None:
    """With --static the host refuses to reload, goes on as it was, and has what is new when it is started again."""
    host = demo.run("--static")
    assert host.prints("running in static mode"), host.printed
    assert host.prints(r"dog 1\.0: woof( woof)*$"), host.printed
    demo.edit(SOURCE, '"woof"', '"wuff"')
    assert "running in static mode" in demo.reload(Exit.USAGE)
    assert host.prints(r"dog 1\.0: woof( woof)*$"), host.printed
    assert host.ends(), host.printed
    assert not re.search("wuff|Traceback", host.printed)

    host = demo.run("--static")
    assert host.prints(r"dog 1\.0: wuff( wuff)*$"), host.printed
    assert host.ends(), host.printed


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--static", ""])
def test_breakpoint(demo: Demo, option: str) -> None:
    """A debugger stops at a line of the plugin: of its source in static mode, else of the version's own copy."""
    host = demo.run(*option.split())
    assert host.prints("woof"), host.printed
    assert host.ends(), host.printed
    copies = [str(path) for path in demo.root.glob(".run/state/sites/*/slink-dog-1.0-*/slink_dog/barking.py")]
    file = SOURCE if option else copies[0]

    host = demo.start(sys.executable, "-m", "pdb", "--", "host.py", "--interval", "0.1", *option.split())
    host.types(f"b {file}:7")
    host.types("c")
    assert host.prints(r"barking\.py\(7\)live_woof\(\)"), host.printed
    host.types("p 'it is ' + sound")
    assert host.prints("it is woof"), host.printed
    host.types("cl 1")
    host.types("c")
    assert host.prints(r"dog 1\.0: woof( woof)*$"), host.printed
