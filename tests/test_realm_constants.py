"""The names that an extension's code uses are looked for among the constants of its file."""

from __future__ import annotations

import mmap
import sys
import sysconfig
from pathlib import Path

import pytest

from hotswap.realm.constants import constants_in


def constants(path: Path) -> bytes:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return constants_in(content)


def libraries() -> list[Path]:
    return sorted(Path(sysconfig.get_config_var("DESTSHARED")).glob("*.so"))


def test_of_the_interpreters_extensions() -> None:
    """An extension of the standard library has its name among its constants, and these are less than the file."""
    found = {path.name.partition(".")[0]: path for path in libraries()}
    for name in ("math", "_json", "_struct", "select"):
        assert b"\0" + name.encode() + b"\0" in constants(found[name])
        assert len(constants(found[name])) < found[name].stat().st_size / 2


@pytest.mark.parametrize("kept", [1, 63, 64, 200])
def test_of_something_else(tmp_path: Path, kept: int) -> None:
    """Of a file that has no table of sections, or is cut off, everything is looked through."""
    path = tmp_path / "odd.so"
    path.write_bytes(Path(libraries()[0]).read_bytes()[:kept])
    assert constants(path) == path.read_bytes()


def test_stripped_of_its_table(tmp_path: Path) -> None:
    """A library without a table of sections is looked through as a whole."""
    content = bytearray(Path(libraries()[0]).read_bytes())
    content[60:62] = bytes(2)
    path = tmp_path / "stripped.so"
    path.write_bytes(content)
    assert constants(path) == bytes(content)
    assert sys.byteorder == "little"
