"""Wheels that are no plugins are checked as strictly, without entry point and functions."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version
from test_libraries_choice import make_library
from wheelmaker import make_wheel

from hotswap.errors import UnfinishedWheelError, WheelError
from hotswap.model import Candidate
from hotswap.wheel import Verifier
from hotswap.wheel.claim import claims_to_be_plugin


def candidate(wheel: Path) -> Candidate:
    name, version = wheel.name.split("-")[:2]
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return Candidate(name, Version(version), wheel, digest, "wheels/")


def settled_verifier() -> Verifier:
    return Verifier(clock=lambda: 0.0)


def test_a_library(tmp_path: Path) -> None:
    """A library says its import names, its requirements and where its metadata lies."""
    files = {"numb/__init__.py": "", "numb_extra.py": "", "numb-1.0.data/purelib/placed.py": ""}
    found = candidate(make_library(tmp_path, "numb", "1.0", "lib-c>=1; extra == 'x'", files=files))
    library = Verifier().verify_library(found)
    assert library.provides == ("numb", "numb_extra", "placed")
    assert [str(requirement) for requirement in library.requires] == ['lib-c>=1; extra == "x"']
    assert (library.label, library.dist_info, library.unfit) == ("numb 1.0", "numb-1.0.dist-info", ())


def test_it_is_remembered_by_its_digest(tmp_path: Path) -> None:
    """The same wheel elsewhere is not opened again, but known by its new place."""
    verifier = Verifier()
    first = candidate(make_library(tmp_path / "a", "numb"))
    verifier.verify_library(first)
    moved = first.path.rename(tmp_path / first.path.name)
    again = Candidate(first.name, first.version, moved, first.digest, "elsewhere")
    assert verifier.verify_library(again).path == moved
    verifier.forget(keep=())
    moved.unlink()
    with pytest.raises(UnfinishedWheelError, match="is gone"):
        verifier.verify_library(again)


@pytest.mark.parametrize(
    ("what", "options"),
    [
        ("is not listed in RECORD", {"record": lambda lines: lines[1:]}),
        (
            "Version is '2.0', the file name says '1.0'",
            {"metadata": "Metadata-Version: 2.1\nName: numb\nVersion: 2.0\n\n"},
        ),
        ("Wheel-Version '7.0'", {"wheel": "Wheel-Version: 7.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}),
        ("is not a plain relative path", {"files": {"../numb.py": ""}}),
    ],
)
def test_a_bad_library(tmp_path: Path, what: str, options: dict[str, Any]) -> None:
    """What is refused of a plugin is refused of a library."""
    with pytest.raises(WheelError) as caught:
        settled_verifier().verify_library(candidate(make_library(tmp_path, "numb", "1.0", **options)))
    assert what in str(caught.value)


def test_what_only_plugins_must_not_have(tmp_path: Path) -> None:
    """Path files, shipped byte code, and modules the standard library has too do no harm in a library."""
    files = {"numb.py": "", "numb.pth": "import os", "__pycache__/numb.cpython-311.pyc": b"", "typing.py": ""}
    assert Verifier().verify_library(candidate(make_library(tmp_path, "numb", files=files))).provides == ("numb",)
    with pytest.raises(WheelError):
        Verifier().verify(candidate(make_wheel(tmp_path, "alpha", files={"alpha.py": "", **files})))


def test_a_library_for_others(tmp_path: Path) -> None:
    """A library for another Python is no error: it says why it does not fit."""
    library = Verifier().verify_library(candidate(make_library(tmp_path, "numb", requires_python=">=4")))
    assert "requires Python >=4" in str(library.unfit[0])


def test_what_claims_to_be_a_plugin(tmp_path: Path) -> None:
    """A wheel claims to be a plugin if its entry points name the group, well formed or not, or cannot be read."""
    verifier = settled_verifier()
    claims = {
        "plugin": make_wheel(tmp_path, "alpha"),
        "broken": make_wheel(tmp_path, "beta", entry_points="[[hotswap.plugins\n"),
        "other": make_wheel(tmp_path, "gamma", entry_points="[console_scripts]\ngamma = gamma_plugin:main\n"),
        "none": make_library(tmp_path, "delta"),
    }
    assert {name: verifier.claims_plugin(candidate(wheel)) for name, wheel in claims.items()} == {
        "plugin": True,
        "broken": True,
        "other": False,
        "none": False,
    }
    verifier.verify(candidate(claims["plugin"]))
    assert verifier.claims_plugin(candidate(claims["plugin"]))
    long = make_wheel(tmp_path, "zeta", entry_points="[x]\n" + "y = z\n" * 20_000)
    (tmp_path / "eta-1.0-py3-none-any.whl").symlink_to(claims["none"])
    for unreadable in (long, tmp_path / "eta-1.0-py3-none-any.whl"):
        assert claims_to_be_plugin(unreadable)
    damaged = make_wheel(tmp_path, "epsilon", entry_points="[x]\n" + "y = z\n" * 100)
    with zipfile.ZipFile(damaged) as archive:
        place = archive.getinfo("epsilon-1.0.dist-info/entry_points.txt").header_offset + 70
    content = bytearray(damaged.read_bytes())
    content[place : place + 8] = b"\xff" * 8
    damaged.write_bytes(content)
    assert verifier.claims_plugin(candidate(damaged))
