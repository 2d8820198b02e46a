"""What a wheel says of how it was built, and which files of a project and of a wheel it was made from."""

from __future__ import annotations

import json
import os
import re
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from projectmaker import commit, git
from wheelmaker import make_wheel, plugin_source

from hotswap.errors import BuildError, Fault, WheelError
from hotswap.model import LIVE_PREFIX, BuildInfo, Candidate, Manifest
from hotswap.sources import Environment
from hotswap.store.manifests import manifest_as_json, manifest_from_json
from hotswap.wheel import Verifier, inspect_wheel, peek
from hotswap.wheel.making import draft
from hotswap.wheel.recipe import Recipe
from hotswap.wheel.revision import Revision, read_revision
from hotswap.wheel.rewriting import finish_wheel
from hotswap.wheel.stamping import MAX_STAMP, read_stamp, write_stamp
from hotswap.wheel.tree import SourceTree, walk

BUILD = BuildInfo(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "a" * 40, True, "hot_", "b" * 64)
STAMP = "alpha-1.0.dist-info/hotswap-build.json"


def stamped(directory: Path, content: bytes) -> Path:
    """A wheel with this stamp."""
    return make_wheel(directory, "alpha", files={"alpha_plugin.py": plugin_source(), STAMP: content})


# ---------------------------------------------------------------------------------------------- writing, reading


@pytest.mark.parametrize("build", [BUILD, BuildInfo(BUILD.at)], ids=["full", "empty"])
def test_there_and_back(tmp_path: Path, build: BuildInfo) -> None:
    """What is written into a wheel is in its manifest, in that of an installed distribution, and in a site dir."""
    wheel = stamped(tmp_path, write_stamp(build))
    manifest = inspect_wheel(wheel)
    assert manifest.build == peek(wheel) == build
    assert manifest.live_prefix == build.live_prefix
    again = manifest_from_json(json.loads(json.dumps(manifest_as_json(manifest))))
    assert again.build == build
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    (candidate,) = Environment([tmp_path / "site"]).find().candidates
    assert Verifier().verify(candidate).build == build


def test_no_stamp(tmp_path: Path) -> None:
    """A wheel that was built otherwise has no build, also in site dirs of older versions."""
    wheel = make_wheel(tmp_path, "alpha")
    manifest = inspect_wheel(wheel)
    plain = manifest_as_json(manifest)
    del plain["build"]
    assert manifest.build is peek(wheel) is manifest_from_json(plain).build is None
    assert manifest.live_prefix == LIVE_PREFIX


def test_zone_and_later_fields(tmp_path: Path) -> None:
    """A time of another zone is the same moment in UTC; fields of a later version do not matter."""
    faults: list[Fault] = []
    build = read_stamp(b'{"at": "2026-01-02T05:04:05+02:00", "later": [1]}', "x", faults)
    assert (build, faults) == (BuildInfo(BUILD.at), [])


BAD: list[tuple[Any, str]] = [
    (b"", "is not valid JSON"),
    (b"\xff", "is not valid JSON"),
    (b"[" * 9000, "is not valid JSON"),
    (b" " * (MAX_STAMP + 1), "more than the limit"),
    ([], "is not a JSON object"),
    ({}, "has no at"),
    ({"at": 1}, "at is 1, not a time"),
    ({"at": "2026-01-02T03:04:05"}, "not a time with its zone"),
    ({"at": "0001-01-01T00:00:00+14:00"}, "not a time with its zone"),
    ({"revision": "main"}, 'revision is "main", not a git commit'),
    ({"revision": 1}, "revision is 1"),
    ({"dirty": "no"}, 'dirty is "no", not true, false or null'),
    ({"live_prefix": ""}, 'live_prefix is "", not the beginning'),
    ({"live_prefix": None}, "live_prefix is null"),
    ({"source": "x" * 100}, "..., not a SHA-256"),
]


@pytest.mark.parametrize(("content", "complaint"), BAD, ids=[complaint for _, complaint in BAD])
def test_malformed(tmp_path: Path, content: Any, complaint: str) -> None:
    """A malformed stamp is a fault of the wheel, with file and field."""
    if isinstance(content, dict) and "at" not in content and content:
        content = {"at": BUILD.at.isoformat(), **content}
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    wheel = stamped(tmp_path, raw)
    os.utime(wheel, (1, 1))
    with pytest.raises(WheelError, match=re.escape(complaint)) as caught:
        inspect_wheel(wheel)
    (fault,) = caught.value.faults
    assert (fault.where, fault.way_out) == ("hotswap-build.json", "build the wheel anew with hotswap build")
    assert peek(wheel) is None


def test_every_field_at_once() -> None:
    """All fields that are wrong are told."""
    faults: list[Fault] = []
    assert read_stamp(b'{"dirty": 1, "source": 2, "live_prefix": 3}', "x", faults) is None
    assert len(faults) == 4


@pytest.mark.parametrize("content", [b"no zip", None])
def test_peek_at_nothing(tmp_path: Path, content: bytes | None) -> None:
    """A file that is no wheel, or is gone, has no stamp."""
    wheel = tmp_path / "alpha-1.0-py3-none-any.whl"
    if content:
        wheel.write_bytes(content)
    assert peek(wheel) is None


def test_peek_at_what_no_wheel_is(tmp_path: Path) -> None:
    """A FIFO is not waited for, and a stamp that is packed as no wheel's member is counts as none."""
    wheel = tmp_path / "alpha-1.0-py3-none-any.whl"
    os.mkfifo(wheel)
    assert peek(wheel) is None
    wheel.unlink()
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr(STAMP, write_stamp(BUILD))
    assert peek(wheel) is None


# ------------------------------------------------------------------------------------------------------ files


def test_walk(tmp_path: Path) -> None:
    """The files of a project: links are followed, but not in circles, and what is no file does not count."""
    project = tmp_path / "project"
    for name in ("a.py", "sub/b.py", "sub/dist/c.py", "dist/d.py", "out/e.py", "x.whl", "sub/y.whl"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).touch()
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "f.py").touch()
    (project / "linked").symlink_to(tmp_path / "shared")
    (project / "sub" / "circle").symlink_to(project)
    (project / "dangling").symlink_to(tmp_path / "nowhere")
    (project / "up").symlink_to(tmp_path)
    (project / "alias").symlink_to(project / "sub")
    (project / "linked" / "back").symlink_to(project / "a.py")
    os.mkfifo(project / "fifo")
    found = {file.relative: file.foreign for file in walk(project, [(project / "out").resolve()])}
    own = ["a.py", "sub/b.py", "sub/dist/c.py", "sub/y.whl", "alias/b.py", "alias/dist/c.py", "alias/y.whl"]
    assert found == {**dict.fromkeys(own, False), "linked/f.py": True, "linked/back": False}


def test_walk_past_environments(tmp_path: Path) -> None:
    """A virtual environment is known by its pyvenv.cfg, not by a name that a package may have, nor at the top."""
    for name in ("pyvenv.cfg", "env/pyvenv.cfg", "env/x.py", "src/a/venv/__init__.py", ".hotswap-x1/a.whl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert {file.relative for file in walk(tmp_path)} == {"pyvenv.cfg", "src/a/venv/__init__.py"}


def test_directory_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the directory and the project, not the directory as if it were the plugin."""

    def refuse(path: Path) -> Any:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("hotswap.wheel.tree.os.scandir", refuse)  # root may read everything
    with pytest.raises(BuildError, match="Permission denied") as caught:
        draft(tmp_path, Recipe())
    assert caught.value.plugin == tmp_path.name


def test_files_that_go_or_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that goes while the project is looked at does not count; one that cannot be read is named."""
    (tmp_path / "a.py").touch()
    before = draft(tmp_path, Recipe()).source
    (tmp_path / "b.py").touch()
    sources = tuple(walk(tmp_path))
    (tmp_path / "b.py").unlink()
    monkeypatch.setattr("hotswap.wheel.making.walk", lambda *_: sources)
    assert draft(tmp_path, Recipe()).source == before
    (tmp_path / "b.py").mkdir()
    with pytest.raises(BuildError, match=r"b\.py: cannot be read: Is a directory") as caught:
        draft(tmp_path, Recipe())
    assert caught.value.plugin == tmp_path.name


def test_source_tree(tmp_path: Path) -> None:
    """The files below one directory have the paths that they would have in a wheel."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.py").write_text("x")
    (tmp_path / "other.py").touch()
    faults: list[Fault] = []
    tree = SourceTree(tuple(walk(tmp_path)), "code", "acme", faults)
    assert list(tree.paths) == ["acme/a.py"]
    assert (tree.read("acme/a.py"), tree.shown("acme/a.py")) == (b"x", str(tmp_path / "code" / "a.py"))
    (tmp_path / "code" / "a.py").unlink()
    assert tree.read("acme/a.py") is None
    assert [fault.what for fault in faults] == ["cannot be read: No such file or directory"]


# ----------------------------------------------------------------------------------------------------- revision


def test_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commit of a directory inside a repository; only what lies under it makes it dirty, build output does not."""
    project = tmp_path / "plugins" / "alpha"
    project.mkdir(parents=True)
    (project / "a.py").write_text("x")
    (tmp_path / ".gitignore").write_text("*.log\nsecret/\n")
    revision = commit(tmp_path)
    git(tmp_path, "tag", "v1")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    clean = Revision(revision, False, f"v1-0-g{revision[:7]}")
    for name in ("x.log", "dist/x", "alpha.egg-info/x", "../beta.py"):
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).touch()
    assert revision_of(project) == clean
    (project / "out").mkdir()
    (project / "out" / "new").touch()
    assert revision_of(project, project / "out") == clean
    assert revision_of(project).dirty is True
    (project / "out" / "new").unlink()
    (project / "a.py").unlink()
    assert revision_of(project).dirty is True


def revision_of(project: Path, *skip: Path) -> Revision:
    return read_revision(project, tuple(walk(project, skip)))


def test_untracked_links_and_repositories(tmp_path: Path) -> None:
    """A new link to a directory, and a repository inside the directory, count as their files do."""
    project = tmp_path / "alpha"
    project.mkdir()
    (project / "a.py").touch()
    commit(project)
    (tmp_path / "shared").mkdir()
    (project / "linked").symlink_to(tmp_path / "shared")
    assert revision_of(project).dirty is False
    (tmp_path / "shared" / "b.py").touch()
    assert revision_of(project).dirty is True
    (project / "linked").unlink()
    git(project, "init", "-q", "inner")
    assert revision_of(project).dirty is False
    (project / "inner" / "c.py").touch()
    assert revision_of(project).dirty is True


@pytest.mark.parametrize("name", ["a b\u00fc", "new\nline"])
def test_revision_in_a_directory_of_an_odd_name(tmp_path: Path, name: str) -> None:
    """The name of the directory is not mistaken for the commit, and its files are not mistaken for others'."""
    project = tmp_path / name / "alpha"
    project.mkdir(parents=True)
    (project / "a.py").touch()
    revision = commit(tmp_path)
    (project / "build").mkdir()
    (project / "build" / "x").touch()
    found = revision_of(project)
    assert (found.commit, found.dirty) == (revision, False)
    (project / "new.py").touch()
    assert revision_of(project).dirty is True


def test_revision_inside_a_hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What git tells its hooks of the repository they run in is not believed of a project's, nor is what git traces."""
    (tmp_path / "a.py").touch()
    revision = commit(tmp_path)
    for name in ("GIT_DIR", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_TRACE", "1")
    assert revision_of(tmp_path).commit == revision


def test_directory_that_git_ignores(tmp_path: Path) -> None:
    """A commit that has nothing of the directory is not its commit."""
    (tmp_path / ".gitignore").write_text("scratch/\n")
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / "a.py").touch()
    commit(tmp_path)
    assert revision_of(tmp_path / "scratch") == Revision(unknown="git ignores the directory")


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo warning: x >&2; echo fatal: no such ref >&2; exit 128", "no such ref"),
        ("echo fatal: detected dubious ownership in repository at x >&2; exit 128", "detected dubious ownership"),
        ("exit 1", "git failed"),
        (None, "git does not answer"),
    ],
)
def test_git_without_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, reason: str
) -> None:
    """What git complains of is the reason, not an error."""
    program = tmp_path / "git"
    program.write_text(f"#!/bin/sh\n{script}\n" if script else "\0")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    revision = revision_of(tmp_path)
    assert (revision.commit, revision.dirty) == (None, None)
    assert revision.unknown.startswith(reason)


# ---------------------------------------------------------------------------------------------------- rewriting


def finished(wheel: Path, tmp_path: Path, recipe: Recipe = Recipe(), build: BuildInfo = BUILD) -> Path:  # noqa: B008
    import logging

    (tmp_path / "finished").mkdir()
    return finish_wheel(wheel, tmp_path / "finished", (), recipe, build, logging.getLogger("hotswap.build"))


@pytest.mark.parametrize(
    "bend",
    [
        lambda wheel: wheel.write_bytes(b"more" + wheel.read_bytes()),
        lambda wheel: make_wheel(wheel.parent, "alpha", record=lambda lines: lines[1:]),
        lambda wheel: make_wheel(wheel.parent, "alpha", file_name=wheel.name, version="2.0").replace(wheel),
    ],
    ids=["archive", "RECORD", "name"],
)
def test_faulty_wheel_stays_as_it_is(tmp_path: Path, bend: Any) -> None:
    """A wheel with faults that rewriting would hide is not rewritten, so that verifying finds them."""
    wheel = make_wheel(tmp_path, "alpha")
    bend(wheel)
    assert finished(wheel, tmp_path).read_bytes() == wheel.read_bytes()


def test_wheel_with_a_name_twice(tmp_path: Path) -> None:
    """The same for a member that is there twice."""
    wheel = make_wheel(tmp_path, "alpha")
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("alpha_plugin.py", "x")
    assert peek(finished(wheel, tmp_path)) is None


def test_what_is_replaced(tmp_path: Path) -> None:
    """A stamp that the backend put in is replaced, signatures go, and a directory that has lost its files goes too."""
    dist_info = "alpha-1.0.dist-info"
    files = {"alpha_plugin.py": plugin_source(), "gone/x.py": "", "kept/x.py": "", STAMP: b"{}"}
    wheel = make_wheel(tmp_path, "alpha", files={**files, f"{dist_info}/RECORD.jws": b"{}"})
    with zipfile.ZipFile(wheel, "a") as archive:
        for directory in ("gone/", "kept/", "empty/"):
            archive.writestr(zipfile.ZipInfo(directory), b"")
    target = finished(wheel, tmp_path, Recipe(exclude=("^gone",)), BuildInfo(datetime(1970, 1, 1, tzinfo=UTC)))
    with zipfile.ZipFile(target) as archive:
        assert archive.namelist() == [
            "alpha_plugin.py",
            "kept/x.py",
            "kept/",
            "empty/",
            *(
                f"{dist_info}/{name}"
                for name in ("METADATA", "WHEEL", "entry_points.txt", "hotswap-build.json", "RECORD")
            ),
        ]
        assert archive.getinfo(STAMP).date_time == (1980, 1, 1, 0, 0, 0)
    manifest: Manifest = inspect_wheel(target)
    assert manifest.build == BuildInfo(datetime(1970, 1, 1, tzinfo=UTC))
    assert isinstance(manifest.candidate, Candidate)


@pytest.mark.parametrize("name", [b"new\nline.json", b"\xff.json"])
def test_included_file_of_an_odd_name(tmp_path: Path, name: bytes) -> None:
    """A file whose name no wheel may have is named, and no wheel is written."""
    import logging

    wheel = make_wheel(tmp_path / "dist", "alpha")
    project = tmp_path / "project"
    project.mkdir()
    (project / "alpha_plugin.py").write_text(plugin_source())
    (project / os.fsdecode(name)).touch()
    (tmp_path / "finished").mkdir()
    recipe, logger = Recipe(include=("json",)), logging.getLogger("hotswap.build")
    with pytest.raises(BuildError, match="its name has control characters") as caught:
        finish_wheel(wheel, tmp_path / "finished", tuple(walk(project)), recipe, BUILD, logger)
    assert caught.value.plugin == "alpha"
    assert list((tmp_path / "finished").iterdir()) == []


def test_included_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A file that is to be taken in, and is gone, is named."""
    import logging

    wheel = make_wheel(tmp_path / "dist", "alpha")
    project = tmp_path / "project"
    project.mkdir()
    (project / "alpha_plugin.py").write_text(plugin_source())
    (project / "data.json").touch()
    (project / "src").mkdir()
    (project / "src" / "alpha_plugin.py").write_text(plugin_source())
    sources = tuple(walk(project))
    (project / "data.json").unlink()
    (project / "src" / "alpha_plugin.py").unlink()
    with pytest.raises(BuildError, match=r"data\.json: cannot be read: No such file"):
        finish_wheel(wheel, tmp_path, sources, Recipe(include=("json",)), BUILD, logging.getLogger("hotswap.build"))
