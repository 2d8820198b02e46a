"""The trial plugins: each directory or module beside this file is one, built into a real wheel where a test needs it.

They import nothing of hotswap but what the tests of a feature need, note what they do in `eventlog`, and change their
ways by the environment variable HOTSWAP_TRIAL.
"""

from __future__ import annotations

import os
from pathlib import Path

from eventlog import events
from wheelmaker import make_wheel

HERE = Path(__file__).parent
VARIABLE = "HOTSWAP_TRIAL"


def chosen() -> str:
    """What the test wants of the plugins."""
    return os.environ.get(VARIABLE, "")


def note(plugin: str, function: str) -> None:
    """Remember that a function ran; raise there if the test wants it: `panics on_load ValueError`."""
    events.append(f"{plugin} {function}")
    wanted = chosen().split()
    if wanted[:2] == [plugin, function]:
        kind: type[BaseException] = getattr(__import__("builtins"), wanted[2])
        raise kind(f"{plugin} {function} was told to")


def build(directory: Path, *names: str, version: str = "1.0", stamp: str = "") -> list[Path]:
    """Put wheels of the named trial plugins into a directory, in place of their older ones.

    Args:
        directory: Made if absent.
        names: Plugins, spelt as their distributions shall be.
        version: Of all of them.
        stamp: Becomes the value of each `STAMP` in their sources, so that the wheel differs.
    """
    return [_build(directory, name, version, stamp) for name in names]


def _build(directory: Path, name: str, version: str, stamp: str) -> Path:
    for old in directory.glob(f"{name}-*.whl"):
        old.unlink()
    root = HERE / name.lower()
    sources = sorted(root.glob("*.py")) or [root.with_suffix(".py")]
    files = {
        str(source.relative_to(HERE)): source.read_text("utf-8").replace('STAMP = ""', f"STAMP = {stamp!r}")
        for source in sources
    }
    return make_wheel(directory, name, version, files)
