"""Modules that are not valid Python: a fault for those who make wheels, before anything imports them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from wheelmaker import make_wheel, plugin_source

from hotswap.cli import main
from hotswap.errors import Fault, WheelError
from hotswap.wheel import inspect_wheel
from hotswap.wheel.layout import provides
from hotswap.wheel.syntax import broken_modules
from hotswap.wheel.tree import SourceTree, walk

BROKEN = "x = 1\noops(\n"


def broken(directory: Path, *paths: str, content: bytes = BROKEN.encode()) -> list[str]:
    """Where there is broken Python among files with this content, each beside whatever makes it a package's."""
    for path in paths:
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(b"" if path.endswith("__init__.py") else content)
    tree = SourceTree(tuple(walk(directory)), "", "", [])
    return [fault.where for fault in broken_modules(tree, provides(tree.paths))]


@pytest.mark.parametrize(
    "paths",
    [
        ["alpha.py"],
        ["alpha/__init__.py", "alpha/sub.py"],
        ["alpha/__init__.py", "alpha/__main__.py"],
        ["alpha/__init__.py", "alpha/sub/__init__.py", "alpha/sub/x.py"],
        ["acme/alpha.py"],
        ["acme/alpha/__init__.py", "acme/alpha/x.py"],
        ["alpha/__init__.cpython-311-x86_64-linux-gnu.so", "alpha/x.py"],
    ],
    ids=lambda paths: paths[-1],
)
def test_modules(tmp_path: Path, paths: list[str]) -> None:
    """What an import statement can name is compiled: in packages, namespace packages and packages in compiled code."""
    assert broken(tmp_path, *paths) == [f"{paths[-1]}:2"]


@pytest.mark.parametrize(
    "path",
    ["data/x.py", "a-b.py", "x.y.py", "{{name}}/x.py", "{{name}}/__init__.py", "x.pyi", "text", "data/sub/__init__.py"],
)
def test_data(tmp_path: Path, path: str) -> None:
    """What no import statement can name, or lies in a directory of a package that is none itself, is data."""
    file = tmp_path / "alpha" / path
    file.parent.mkdir(parents=True)
    file.write_text(BROKEN)
    assert broken(tmp_path, "alpha/__init__.py") == []


@pytest.mark.parametrize("content", ["return", "def f():\n    nonlocal x", "x = 1\n  y = 2", "# coding: nonsense"])
def test_not_only_the_grammar(tmp_path: Path, content: str) -> None:
    """Also what a parser alone would take is found, if no interpreter would compile it."""
    assert len(broken(tmp_path, "alpha.py", content=content.encode())) == 1


def test_what_this_interpreter_cannot_tell(tmp_path: Path) -> None:
    """Source that is too deep to be compiled here is left to the load, and what only gives a warning is fine."""
    assert broken(tmp_path, "alpha.py", content=b"-" * 100_000 + b"1") == []
    assert broken(tmp_path, "alpha.py", content=b'x = "\\d" is "\\d"') == []


def test_module_that_cannot_be_read(tmp_path: Path) -> None:
    """A module that cannot be read is named once, as all other files are."""
    (tmp_path / "alpha.py").touch()
    faults: list[Fault] = []
    tree = SourceTree(tuple(walk(tmp_path)), "", "", faults)
    (tmp_path / "alpha.py").unlink()
    assert list(broken_modules(tree, ["alpha"])) == []
    assert [fault.what for fault in faults] == ["cannot be read: No such file or directory"]


FILES = {"alpha/__init__.py": plugin_source(), "alpha/sub.py": BROKEN, "alpha/other.py": "return"}


def test_wheel(tmp_path: Path) -> None:
    """Every such module of a wheel is a fault for its maker, by file and line; a host does not wait for it."""
    wheel = make_wheel(tmp_path, "alpha", files=FILES)
    with pytest.raises(WheelError) as caught:
        inspect_wheel(wheel, compiling=True)
    assert [fault.where for fault in caught.value.faults] == ["alpha/other.py:1", "alpha/sub.py:2"]
    assert inspect_wheel(wheel).plugin == "alpha"


def test_entry_module_is_told_once(tmp_path: Path) -> None:
    """The module of the entry point is looked into anyway: its fault is not told twice."""
    wheel = make_wheel(tmp_path, "alpha", files={"alpha_plugin.py": BROKEN})
    with pytest.raises(WheelError) as caught:
        inspect_wheel(wheel, compiling=True)
    assert [fault.where for fault in caught.value.faults] == ["alpha_plugin.py:2"]


def test_wheel_for_another_python(tmp_path: Path) -> None:
    """The syntax of another Python need not be this one's."""
    wheel = make_wheel(tmp_path, "alpha", files=FILES, requires_python=">=99")
    assert inspect_wheel(wheel, compiling=True).unfit


@pytest.mark.parametrize("place", ["wheels", "wheels/alpha-1.0-py3-none-any.whl"])
def test_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """`hotswap check` says it of a wheel, and of a directory of wheels; `hotswap list` does not compile."""
    monkeypatch.chdir(tmp_path)
    os.utime(make_wheel(tmp_path / "wheels", "alpha", files=FILES), (1, 1))
    result = CliRunner().invoke(main, ["--json", "check", place])
    (wheel,) = json.loads(result.stdout)["wheels"]
    assert (result.exit_code, len(wheel["faults"])) == (1, 2)
    listed = CliRunner().invoke(main, ["--json", "list", "--plugins", "wheels"])
    assert listed.exit_code == 0, listed.output
