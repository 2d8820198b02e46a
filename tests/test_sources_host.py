"""What the running interpreter brings along."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.version import Version
from test_sources_wheeldir import later

from hotswap.sources import host, read_host
from hotswap.sources.installed import Installations


def test_the_environment_of_markers() -> None:
    """The markers are this interpreter's, and hold for evaluation."""
    markers = read_host().markers

    assert markers["python_full_version"] == sys.version.split()[0].rstrip("+")
    assert Marker(f"python_version == '{sys.version_info.major}.{sys.version_info.minor}'").evaluate(dict(markers))


def test_the_distributions_of_this_environment() -> None:
    """Every installed distribution is there under its canonical name, with the version its metadata tells."""
    distributions = read_host().distributions

    assert distributions["packaging"] == Version(importlib.metadata.version("packaging"))
    assert "pytest" in distributions
    assert "no-such-distribution" not in distributions
    assert len(distributions) == len(list(distributions)) > 3


def test_names_and_versions(tmp_path: Path) -> None:
    """Names are canonical, the first on the path wins, versions without a name's help come from PKG-INFO."""
    first, second = tmp_path / "first", tmp_path / "second"
    for directory in (
        *(first / name for name in ("My.Project-1.0.dist-info", "local-1.0+a_b.dist-info", "bad-x.dist-info")),
        *(first / name for name in ("~ld-1.0.dist-info", "distro-2.5-py3.11.egg-info", "develop.egg-info")),
        *(second / name for name in ("my_project-9.dist-info", "later-3.dist-info", "nothing.egg-info", ".dist-info")),
        *(second / name for name in ("plain.egg-info", "unrelated")),
    ):
        directory.mkdir(parents=True)
    (first / "develop.egg-info" / "PKG-INFO").write_text("Name: develop\nVersion: 0.7\n")
    (second / "plain.egg-info" / "PKG-INFO").write_text("Name: plain\n")

    found = read_host([str(first), str(second), str(tmp_path / "missing"), str(first)]).distributions

    assert {name: str(version) for name, version in found.items()} == {
        "my-project": "1.0",
        "local": "1.0+a.b",
        "distro": "2.5",
        "develop": "0.7",
        "later": "3",
    }


def test_a_change_is_seen_and_nothing_else_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mapping is the same object until a distribution comes or goes; one handed out never changes."""
    monkeypatch.setattr(host, "_installations", Installations(later))
    (tmp_path / "one-1.0.dist-info").mkdir()
    before = read_host([str(tmp_path)])
    assert read_host([str(tmp_path)]).distributions is before.distributions

    (tmp_path / "one-1.0.dist-info").rename(tmp_path / "one-2.0.dist-info")
    after = read_host([str(tmp_path)])

    assert (before.distributions["one"], after.distributions["one"]) == (Version("1.0"), Version("2.0"))


def test_what_distributions_require(tmp_path: Path) -> None:
    """Requirements are read when they are asked for; what means nothing is left out, as is what cannot be read."""
    for name, metadata in (
        ("alpha", "Name: alpha\nRequires-Dist: beta>=1; extra == 'x'\nRequires-Dist: ???\nRequires-Dist: gamma\n"),
        ("beta", None),
    ):
        directory = tmp_path / f"{name}-1.0.dist-info"
        directory.mkdir()
        if metadata is not None:
            (directory / "METADATA").write_text(metadata)

    requires = read_host([str(tmp_path)]).requires

    assert list(map(str, requires["alpha"])) == ['beta>=1; extra == "x"', "gamma"]
    assert requires["alpha"] is requires["alpha"]
    assert requires["beta"] == ()
    assert sorted(requires) == ["alpha", "beta"]
    assert len(requires) == 2
    assert "gamma" not in requires
