"""The extension demo, as a user runs it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from demokit import Demo


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = Demo("extension", tmp_path)
    yield demo
    demo.end()


@pytest.mark.slow
def test_extension(demo: Demo) -> None:
    """The host calls what the plugin has put into the vault's extension, and each generation has a new one."""
    host = demo.run()
    assert host.prints(r"meow 2 of generation 1: cat 1\.0: meow( meow)*$"), host.printed

    demo.edit("plugins/cat/src/extension_cat/meowing.py", '"meow"', '"purr"')
    assert re.search("cat +reloaded", demo.reload())
    assert host.prints(r"meow 1 of generation 2: cat 1\.0: purr( purr)*$"), host.printed

    demo.edit("plugins/cat/src/extension_cat/__init__.py", "vault.extension.meow = meow", "pass")
    demo.reload()
    assert host.prints(r"meow 1 of generation 3: \(nobody meows\)"), host.printed

    assert host.ends(), host.printed
    assert not re.search("Traceback|Error", host.printed)
