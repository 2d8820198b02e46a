"""From a source tree to a wheel: through the project's own backend, and only if something has changed."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path

import pytest
from wheelmaker import plugin_source

from hotswap.errors import BuildError, MissingExtraError
from hotswap.model import Project
from hotswap.wheel import Builder, Verifier, build_wheel, inspect_wheel

BACKEND = """
    import json, pathlib, sys
    sys.path.insert(0, {tests!r})
    from wheelmaker import make_wheel

    def build_wheel(directory, config_settings=None, metadata_directory=None):
        print("building", json.dumps(config_settings))
        print("to the other stream", file=sys.stderr)
        with open("builds.log.pyc", "a") as log:
            log.write("x")
        {body}
        files = {{path.name: path.read_text() for path in pathlib.Path("src").glob("*.py")}}
        return make_wheel(pathlib.Path(directory), "alpha", files=files, module="alpha_plugin").name
"""


def make_project(directory: Path, body: str = "", *, requires: str = "", extra: str = "") -> Path:
    """A project with a backend of its own, which counts its builds in a file that does not count as source."""
    (directory / "src").mkdir(parents=True)
    (directory / "src" / "alpha_plugin.py").write_text(plugin_source())
    backend = textwrap.dedent(BACKEND).format(tests=str(Path(__file__).parent), body=body)
    (directory / "backend.py").write_text(f"{backend}\n{textwrap.dedent(extra)}")
    (directory / "pyproject.toml").write_text(
        f'[build-system]\nrequires = [{requires}]\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    return directory


def builds(project: Path) -> int:
    return len((project / "builds.log.pyc").read_text())


# -------------------------------------------------------------------------------------------------- build_wheel


def test_hatchling(tmp_path: Path) -> None:
    """An ordinary project becomes a wheel that verifies."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "alpha_plugin.py").write_text(plugin_source())
    (project / "pyproject.toml").write_text(
        textwrap.dedent(
            """
            [build-system]
            requires = ["hatchling"]
            build-backend = "hatchling.build"
            [project]
            name = "acme-alpha"
            version = "1.2"
            requires-python = ">=3.11"
            [project.entry-points."hotswap.plugins"]
            alpha = "alpha_plugin"
            [tool.hatch.build.targets.wheel]
            include = ["alpha_plugin.py"]
            """
        )
    )
    wheel = build_wheel(project, tmp_path / "out", isolated=False)
    assert wheel == tmp_path / "out" / "acme_alpha-1.2-py3-none-any.whl"
    assert [path.name for path in (tmp_path / "out").iterdir()] == [wheel.name]
    manifest = inspect_wheel(wheel)
    assert (manifest.plugin, manifest.name, manifest.imports) == ("alpha", "acme-alpha", ())


def test_output_and_settings(tmp_path: Path) -> None:
    """The backend gets the settings, and each line it prints comes through; an older wheel is replaced."""
    project, lines = make_project(tmp_path / "project"), list[str]()
    out = tmp_path / "out"
    first = build_wheel(project, out, isolated=False).read_bytes()
    (project / "src" / "alpha_plugin.py").write_text(plugin_source("x = 1"))
    wheel = build_wheel(project, out, isolated=False, config_settings={"a": "b", "c": ["d"]}, on_output=lines.append)
    assert 'building {"a": "b", "c": ["d"]}' in lines
    assert "to the other stream" in lines
    assert wheel.read_bytes() != first
    assert list(out.iterdir()) == [wheel]


@pytest.mark.slow
def test_isolated(tmp_path: Path) -> None:
    """In isolation the backend runs in another environment than this one."""
    lines = list[str]()
    project = make_project(tmp_path / "project", "print('prefix', sys.prefix)")
    wheel = build_wheel(project, tmp_path / "out", on_output=lines.append)
    (prefix,) = [line.removeprefix("prefix ") for line in lines if line.startswith("prefix ")]
    assert wheel.exists()
    assert Path(prefix) != Path(sys.prefix)


@pytest.mark.slow
def test_requirement_that_cannot_be_installed(tmp_path: Path) -> None:
    """Where the backend's requirements cannot be installed, the installer's output is in the error."""
    gone = (tmp_path / "gone").as_uri()
    project = make_project(tmp_path / "project", requires=f'"beta @ {gone}"')
    with pytest.raises(BuildError, match="cannot install what its build needs") as caught:
        build_wheel(project, tmp_path / "out")
    assert "gone" in caught.value.output


@pytest.mark.slow
def test_requirement_that_does_not_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the installer finds no such requirement, its complaint is in the message."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    project = make_project(tmp_path / "project", requires='"hatchling<0"')
    with pytest.raises(BuildError, match="No matching distribution found for hatchling<0"):
        build_wheel(project, tmp_path / "out")


def test_failing_backend(tmp_path: Path) -> None:
    """A backend that fails gives an error with all of its output, its last lines in the message, and leaves nothing."""
    project = make_project(tmp_path / "project", "print(*range(100), sep=chr(10)); raise SystemExit('no luck today')")
    with pytest.raises(BuildError) as caught:
        build_wheel(project, tmp_path / "out", isolated=False)
    error = caught.value
    assert (error.plugin, error.stage) == ("project", "found")
    assert "building {}" in error.output
    assert "no luck today" in error.output
    assert "no luck today" in str(error)
    assert "building {}" not in str(error)
    assert str(project) in str(error)
    assert list((tmp_path / "out").iterdir()) == []


def test_no_project(tmp_path: Path) -> None:
    """A directory that is no project is called so."""
    with pytest.raises(BuildError, match="cannot build") as caught:
        build_wheel(tmp_path, tmp_path / "out", isolated=False)
    assert caught.value.output == ""


def test_missing_requirements(tmp_path: Path) -> None:
    """Without isolation the backend's requirements have to be there; those that are not are named."""
    project = make_project(tmp_path / "project", requires='"no-such-backend>=3", "packaging"')
    with pytest.raises(BuildError, match="its build needs no-such-backend>=3") as caught:
        build_wheel(project, tmp_path / "out", isolated=False)
    assert caught.value.faults[0].way_out == "install what it needs, or build in isolation: leave out --no-isolation"


def test_requirements_that_the_backend_names(tmp_path: Path) -> None:
    """The same for requirements that only the backend, once it is there, knows."""
    extra = "def get_requires_for_build_wheel(config_settings=None): return ['no-such-plugin']"
    project = make_project(tmp_path / "project", extra=extra)
    with pytest.raises(BuildError, match="its build needs no-such-plugin"):
        build_wheel(project, tmp_path / "out", isolated=False)


@pytest.mark.parametrize(
    "body", ["return 'nothing.txt'", "return 'alpha-1.0-py3-none-any.whl'"], ids=["name", "absent"]
)
def test_no_wheel(tmp_path: Path, body: str) -> None:
    """A backend that made no wheel is told so, whatever it says."""
    with pytest.raises(BuildError, match="made no wheel"):
        build_wheel(make_project(tmp_path / "project", body), tmp_path / "out", isolated=False)


def test_interrupted(tmp_path: Path) -> None:
    """An interrupt while the backend prints ends the backend and leaves nothing behind."""

    def interrupt(line: str) -> None:
        if line.startswith("building"):
            raise KeyboardInterrupt

    project = make_project(tmp_path / "project", "sys.stdout.flush(); import time; time.sleep(600)")
    with pytest.raises(KeyboardInterrupt):
        build_wheel(project, tmp_path / "out", isolated=False, on_output=interrupt)
    assert list((tmp_path / "out").iterdir()) == []


def test_extra_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the error says which one to install."""
    monkeypatch.setitem(sys.modules, "build", None)
    with pytest.raises(MissingExtraError, match=r"building a plugin from source needs the extra \[build\]"):
        build_wheel(make_project(tmp_path / "project"), tmp_path / "out")


# ------------------------------------------------------------------------------------------------------ Builder


def offered(path: Path, source: str = "project") -> Project:
    return Project(path, source, isolated=False)


def test_candidate(tmp_path: Path) -> None:
    """A built project is a candidate like any other, kept below the scratch directory."""
    candidate = Builder(tmp_path / "scratch").build(offered(make_project(tmp_path / "project"), "my project"))
    assert (candidate.name, str(candidate.version), candidate.source) == ("alpha", "1.0", "my project")
    assert candidate.path.is_relative_to(tmp_path / "scratch")
    assert Verifier().verify(candidate).plugin == "alpha"


def test_unchanged(tmp_path: Path) -> None:
    """An unchanged project is built once: by one builder, and by the next one over the same scratch directory."""
    project = make_project(tmp_path / "project")
    builder = Builder(tmp_path / "scratch")
    first = builder.build(offered(project))
    assert builder.build(offered(project)) is first
    assert Builder(tmp_path / "scratch").build(offered(project)) == first
    renamed = builder.build(offered(project, "another name"))
    assert (renamed.source, renamed.path, renamed.in_host) == ("another name", first.path, False)
    assert builder.build(Project(project, "another name", isolated=False, in_host=True)).in_host
    assert builds(project) == 1


IGNORED = [
    ".git/HEAD",
    "src/__pycache__/alpha_plugin.cpython-311.pyc",
    "build/lib/x.py",
    "dist/x.whl",
    "alpha.egg-info/PKG-INFO",
    ".venv/x.py",
    "env/x.py",
    "env/pyvenv.cfg",
    ".tox/x.py",
    ".hotswap/x.py",
    "x.pyc",
]


def test_ignored_files(tmp_path: Path) -> None:
    """Files that are made from the source, or are none of the project, do not make it changed."""
    project = make_project(tmp_path / "project")
    builder = Builder(tmp_path / "scratch")
    first = builder.build(offered(project))
    for name in IGNORED:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).touch()
    assert builder.build(offered(project)) is first


@pytest.mark.parametrize("name", ["src/alpha_plugin.py", "src/new.py", "src/build/deep.py", "linked.py"])
def test_changed(tmp_path: Path, name: str) -> None:
    """A file that changed or is new has the project built anew, and the older build goes."""
    project = make_project(tmp_path / "project")
    target = tmp_path / "target.py"
    target.write_text("x = 1")
    (project / "linked.py").symlink_to(target)
    (project / "dangling.py").symlink_to(tmp_path / "nowhere")
    builder = Builder(tmp_path / "scratch")
    first = builder.build(offered(project))
    path = project / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(plugin_source("x = 2"))
    second = builder.build(offered(project))
    assert builds(project) == 2
    assert second.path != first.path
    assert [*(tmp_path / "scratch").rglob("*.whl")] == [second.path]


def test_same_size_other_time(tmp_path: Path) -> None:
    """A file of the same size with another modification time counts as changed."""
    project = make_project(tmp_path / "project")
    builder = Builder(tmp_path / "scratch")
    builder.build(offered(project))
    os.utime(project / "src" / "alpha_plugin.py", ns=(1, 1))
    builder.build(offered(project))
    assert builds(project) == 2


def test_kept_wheel_gone(tmp_path: Path) -> None:
    """A kept wheel that somebody removed is built anew."""
    project = make_project(tmp_path / "project")
    builder = Builder(tmp_path / "scratch")
    first = builder.build(offered(project))
    first.path.unlink()
    second = builder.build(offered(project))
    assert second.path.exists()
    assert builds(project) == 2


def test_two_projects(tmp_path: Path) -> None:
    """Builds of other projects in the same scratch directory stay."""
    builder = Builder(tmp_path / "scratch")
    one = builder.build(offered(make_project(tmp_path / "one")))
    two = builder.build(offered(make_project(tmp_path / "two")))
    assert one.path != two.path
    assert one.path.exists()
    assert two.path.exists()


def test_scratch_inside_the_project(tmp_path: Path) -> None:
    """A scratch directory inside the project is none of its source."""
    project = make_project(tmp_path / "project")
    builder = Builder(project / "scratch")
    first = builder.build(offered(project))
    assert builder.build(offered(project)) is first


def test_project_gone(tmp_path: Path) -> None:
    """A project that cannot be read is an error that names it."""
    with pytest.raises(BuildError, match="No such file or directory"):
        Builder(tmp_path / "scratch").build(offered(tmp_path / "gone"))
