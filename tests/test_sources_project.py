"""A project directory as a source."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotswap.errors import UsageError
from hotswap.model import Finding, Project
from hotswap.sources import ProjectDir


@pytest.mark.parametrize(
    "content",
    [
        '[project]\nname = "a"\n[project.entry-points."hotswap.plugins"]\na = "a_plugin"\n',
        '[project]\nname = "a"\ndynamic = ["entry-points"]\n',
        '[build-system]\nrequires = ["setuptools"]\n',
        "",
    ],
)
def test_a_project_that_may_be_a_plugin_is_offered(tmp_path: Path, content: str) -> None:
    """One with our entry point, and one whose backend works its entry points out."""
    (tmp_path / "pyproject.toml").write_text(content)
    for isolated in (True, False):
        source = ProjectDir(tmp_path, isolated=isolated)
        assert source.find() == Finding(projects=(Project(tmp_path, f"project {tmp_path}", isolated),))
    assert repr(source) == f"ProjectDir('{tmp_path}', isolated=False)"


@pytest.mark.parametrize(
    "content",
    [
        '[project]\nname = "a"\n',
        '[project]\ndynamic = ["version"]\n[project.entry-points]\n"hotswap.plugins" = {}\n',
        '[project]\nentry-points = 1\ndynamic = 2\n[project.scripts]\na = "a:main"\n',
    ],
)
def test_a_project_that_is_no_plugin_is_a_fault(tmp_path: Path, content: str) -> None:
    """Static metadata without an entry point of ours shows before any build that there is nothing to load."""
    (tmp_path / "pyproject.toml").write_text(content)

    finding = ProjectDir(tmp_path).find()

    assert not finding.projects
    (fault,) = finding.faults
    assert fault.where == str(tmp_path / "pyproject.toml")
    assert fault.what == "has no entry point in group hotswap.plugins"
    assert '[project.entry-points."hotswap.plugins"]' in fault.way_out


@pytest.mark.parametrize("content", [b"[project", b"\xff = 1"])
def test_what_is_not_toml_is_a_fault(tmp_path: Path, content: bytes) -> None:
    """A pyproject.toml that cannot be parsed is named with the parser's reason."""
    (tmp_path / "pyproject.toml").write_bytes(content)

    (fault,) = ProjectDir(tmp_path).find().faults

    assert fault.what.startswith("is not valid TOML: ")


def test_a_place_without_a_project_is_the_hosts_fault(tmp_path: Path) -> None:
    """A missing directory or pyproject.toml is named at `find`, with the way out."""
    for place in (tmp_path, tmp_path / "no"):
        with pytest.raises(UsageError, match=r"pyproject\.toml cannot be read \(No such file or directory\): name"):
            ProjectDir(place).find()


def test_a_relative_directory_keeps_its_meaning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is resolved when the source is made."""
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    source = ProjectDir(".")
    monkeypatch.chdir("/")

    assert [project.path for project in source.find().projects] == [tmp_path]
