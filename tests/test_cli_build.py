"""`hotswap build`: real projects become wheels, by the command line."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from places import IMPORTED
from projectmaker import backend_project, commit, git, project
from wheelmaker import make_wheel, plugin_source

import hotswap
from hotswap.cli import main
from hotswap.wheel import inspect_wheel

pytest.importorskip("build")


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A working directory of its own, and no time that is fixed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)


def run(*arguments: object) -> Result:
    """Run `hotswap build --no-isolation`; an exception that is not meant to be the exit code is raised."""
    words = ["build", "--no-isolation", *map(str, arguments)]
    return CliRunner().invoke(main, words, catch_exceptions=False)


def shown(*arguments: object, code: int = 0) -> dict:
    result = run("--json", *arguments)
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def members(wheel: str | Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def backend_runs(result: Result) -> int:
    return result.stderr.count("its backend made")


# ------------------------------------------------------------------------------------------------ one project


def test_checked_wheel(tmp_path):
    """Building prints where the wheel is, and leaves nothing else; JSON has what there is to know of it."""
    backend_project(tmp_path / "alpha")
    result = run("alpha", "dist", "--", "--opt=1")

    assert (result.exit_code, result.stdout) == (0, "dist/alpha-1.0-py3-none-any.whl\n"), result.output
    assert [path.name for path in (tmp_path / "dist").iterdir()] == ["alpha-1.0-py3-none-any.whl"]
    (made,) = shown("alpha", "dist")["wheels"]
    assert (made["project"], made["plugin"], made["version"]) == ("alpha", "alpha", "1.0")
    assert (made["wheel"], made["unchanged"], made["unfit"]) == ("dist/alpha-1.0-py3-none-any.whl", False, [])
    assert len(made["digest"]) == len(made["build"]["source"]) == 64


def test_backend_flags_are_config_settings(tmp_path):
    """A repeated flag is a list, one without a value is empty, a value may have = in it."""
    backend_project(tmp_path / "alpha")
    assert run("alpha", "dist", "--", "--opt=1", "--opt=2", "--opt=3", "key=a=b", "-x").exit_code == 0

    source = members("dist/alpha-1.0-py3-none-any.whl")["alpha_plugin.py"].decode()
    assert "SETTINGS = {'--opt': ['1', '2', '3'], 'key': 'a=b', '-x': ''}" in source


@pytest.mark.parametrize("word", ["other", "=x"])
def test_word_that_is_no_backend_flag(tmp_path, word):
    """What is no flag is refused instead of handed to the backend."""
    backend_project(tmp_path / "alpha")
    result = run("alpha", "dist", "--", word)

    assert (result.exit_code, "no flag for the build backend" in result.stderr) == (2, True)


def test_bad_plugin_leaves_no_wheel(tmp_path):
    """A wheel that check refuses does not appear, and a directory made for it goes again; one that was there stays."""
    backend_project(tmp_path / "alpha")
    (tmp_path / "there").mkdir()
    result = run("alpha", "new/dist", "--", "broken=")

    assert (result.exit_code, "on_free" in result.stderr) == (1, True)
    assert run("alpha", "there", "--", "broken=").exit_code == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alpha", "there"]
    assert list((tmp_path / "there").iterdir()) == []


def test_backends_output(tmp_path):
    """A failing backend's last lines are shown; --verbose names each step, and only --debug shows each line."""
    backend_project(tmp_path / "alpha")
    quiet = run("alpha", "dist", "--", "fail=")
    assert (quiet.exit_code, quiet.stdout, "asked to fail" in quiet.stderr) == (1, "", True)
    assert "Traceback" not in quiet.stderr

    verbose = run("-v", "alpha", "dist").stderr
    for step in ("building with what is installed", "made alpha-1.0", "stamped", "checked", "wrote dist/alpha-1.0"):
        assert step in verbose
    assert "backend at work" not in verbose
    assert "backend at work" in run("--debug", "--force", "alpha", "dist").stderr
    assert "Traceback" in run("--debug", "alpha", "dist", "--", "fail=").stderr


def test_backend_that_makes_a_bad_archive(tmp_path):
    """A wheel that is damaged as soon as it is made is the plugin's fault, not a copy in progress."""
    made = backend_project(tmp_path / "alpha")
    with (made / "backend.py").open("a") as backend:
        backend.write("\nmake = build_wheel\ndef build_wheel(directory, *rest, **named):\n")
        backend.write("    name = make(directory)\n    (pathlib.Path(directory) / name).write_bytes(b'no zip')\n")
        backend.write("    return name\n")
    result = run("alpha", "dist")

    assert (result.exit_code, "has no end record" in result.stderr) == (1, True)
    assert "somebody" not in result.stderr


def test_module_that_is_not_valid_python(tmp_path):
    """Every module that can be imported is compiled, not only the entry point's; data that looks like one is not."""
    files = {
        "src/alpha/__init__.py": plugin_source(),
        "src/alpha/sub.py": "x = 1\noops(\n",
        "src/alpha/deeper/__init__.py": "return\n",
        "src/alpha/fine.py": 'x = "\\d"\n',
        "src/alpha/templates/x.py": "no package {{",
        "src/alpha/{{name}}/__init__.py": "{{",
        "src/alpha/deeper/not-a-module.py": "{{",
    }
    project(tmp_path / "alpha", files=files)
    wanted = ["alpha/deeper/__init__.py:1", "alpha/sub.py:2"]
    error = shown("alpha", "dist", code=1)["error"]
    assert [fault["where"] for fault in error["faults"]] == wanted
    assert error["faults"][1]["what"].startswith("is not valid Python: ")
    assert not (tmp_path / "dist").exists()

    seen = CliRunner().invoke(main, ["--json", "check", "--no-isolation", "alpha"])
    assert [fault["where"] for fault in json.loads(seen.stdout)["wheels"][0]["faults"]] == wanted
    excluded = ("--exclude", "sub", "--exclude", "deeper/__init__")
    assert run(*excluded, "alpha", "dist").exit_code == 0


def test_for_another_interpreter(tmp_path):
    """A wheel that is good but does not fit this interpreter is built, said so, and never counts as unchanged."""
    backend_project(tmp_path / "alpha")
    for _ in range(2):
        result = run("-v", "alpha", "dist", "--", "unfit=")
        assert (result.exit_code, backend_runs(result)) == (0, 1)
        assert "does not fit this interpreter" in result.stderr


@pytest.mark.parametrize("place", ["file/dist", "/proc/dist"])
def test_output_directory_that_cannot_be_made(tmp_path, place):
    """An output directory that cannot be made is the user's mistake, named before anything is built."""
    backend_project(tmp_path / "alpha")
    (tmp_path / "file").write_text("")
    result = run("-v", "alpha", place)

    assert (result.exit_code, backend_runs(result)) == (2, 0)
    assert f"OUTPUT_DIR {place} cannot be made: " in result.stderr
    assert "name a directory you may write to" in result.stderr


def test_output_directory_that_cannot_be_written(tmp_path):
    """The same for one that is there."""
    backend_project(tmp_path / "alpha")

    assert "OUTPUT_DIR /proc cannot be written to: " in run("alpha", "/proc").stderr


def test_missing_requirements(tmp_path):
    """Without isolation a missing backend is named, with both ways out."""
    made = project(tmp_path / "alpha")
    settings = made / "pyproject.toml"
    settings.write_text(settings.read_text().replace('"hatchling"', '"no-such-backend"').replace("hatchling.", "no."))
    result = run("alpha", "dist")

    assert result.exit_code == 1
    assert "its build needs no-such-backend" in result.stderr
    assert "leave out --no-isolation" in result.stderr


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "Missing argument 'OUTPUT_DIR'"),
        (["alpha"], "one directory, alpha, is not enough"),
        (["nowhere", "dist"], "'nowhere' does not exist"),
        (["alpha", "alpha", "dist"], "PLUGIN_DIR alpha is given twice"),
        (["alpha", "alpha/pyproject.toml"], "'OUTPUT_DIR': Directory 'alpha/pyproject.toml' is a file"),
        (["alpha", "dist", "--level=2"], "Flags of the build backend follow --."),
        (["alpha", "dist", "-x"], "Flags of the build backend follow --."),
    ],
)
def test_words_that_make_no_sense(tmp_path, words, complaint):
    """Too few directories, one that is not there, one given twice, unknown flags: usage errors with the way out."""
    project(tmp_path / "alpha")
    result = run(*words)

    assert result.exit_code == 2
    assert complaint in " ".join(result.stderr.split())
    assert not (tmp_path / "dist").exists()


def test_backend_that_warns(tmp_path):
    """What a backend warns of is a part of its output: only --debug shows it, and it is never an error of ours."""
    made = backend_project(tmp_path / "alpha")
    with (made / "backend.py").open("a") as backend:
        backend.write("\nmake = build_wheel\ndef build_wheel(*rest, **named):\n")
        backend.write("    import warnings\n    warnings.warn('soon gone')\n    return make(*rest, **named)\n")
    quiet = run("alpha", "dist")

    assert (quiet.exit_code, quiet.stderr) == (0, "")
    assert "soon gone" in run("--debug", "--force", "alpha", "dist").stderr


# -------------------------------------------------------------------------------------------------- the stamp


def test_stamp_of_a_repository(tmp_path):
    """The wheel says when, from which commit, with which live prefix it was built, also after `pip install`."""
    made = project(tmp_path / "alpha")
    revision = commit(made)
    assert run("--live-prefix", "Hot_", "alpha", "dist").exit_code == 0

    wheel = tmp_path / "dist" / "alpha-1.0-py3-none-any.whl"
    manifest = inspect_wheel(wheel)
    assert manifest.build is not None
    assert (manifest.build.revision, manifest.build.dirty, manifest.live_prefix) == (revision, False, "Hot_")
    stamp = json.loads(members(wheel)["alpha-1.0.dist-info/hotswap-build.json"])
    assert stamp["hotswap"] == hotswap.__version__
    assert stamp["at"].endswith("+00:00")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-compile", "--target", "site", str(wheel)]
    subprocess.run(pip, check=True, env={**os.environ, "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    assert json.loads((tmp_path / "site" / "alpha-1.0.dist-info" / "hotswap-build.json").read_text()) == stamp


@pytest.mark.parametrize("change", ["src/alpha/__init__.py", "new.txt"])
def test_stamp_of_changed_files(tmp_path, change):
    """A changed file, or a new one that git does not ignore, makes the stamp say `dirty`."""
    made = project(tmp_path / "alpha")
    (made / ".gitignore").write_text("*.log\n")
    commit(made)
    (made / "x.log").write_text("")
    assert shown("alpha", "dist")["wheels"][0]["build"]["dirty"] is False
    with (made / change).open("a") as file:
        file.write("\n")

    assert shown("alpha", "dist")["wheels"][0]["build"]["dirty"] is True


def test_stamp_without_git(tmp_path, monkeypatch):
    """Where git knows nothing, the revision is unknown, which is no error, and -v says why."""
    project(tmp_path / "alpha")
    result = run("-v", "alpha", "dist")
    assert (result.exit_code, "no git revision: not a git repository" in result.stderr) == (0, True)

    git(tmp_path / "alpha", "init", "-q")
    assert "no git revision: ambiguous argument 'HEAD'" in run("-v", "--force", "alpha", "dist").stderr
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "no git revision: git is not installed" in run("-v", "--force", "alpha", "dist").stderr
    build = inspect_wheel(tmp_path / "dist" / "alpha-1.0-py3-none-any.whl").build
    assert build is not None
    assert (build.revision, build.dirty) == (None, None)


def test_reproducible(tmp_path, monkeypatch):
    """With SOURCE_DATE_EPOCH two builds of one project are the same bytes, with files taken in and left out too."""
    files = {"src/alpha/__init__.py": plugin_source(), "src/alpha/data/x.json": "{}", "src/alpha/more.py": ""}
    left_out = '[tool.hatch.build.targets.wheel]\npackages = ["src/alpha"]\nexclude = ["*.json"]\n'
    project(tmp_path / "alpha", files=files, more=left_out)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    for place in ("one", "two"):
        assert run("--include", "json", "--exclude", "more", "alpha", place).exit_code == 0
        os.utime(tmp_path / "alpha" / "src" / "alpha" / "data" / "x.json", (1, 1))

    one, two = (tmp_path / place / "alpha-1.0-py3-none-any.whl" for place in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    assert inspect_wheel(one).build.at.isoformat() == "2023-11-14T22:13:20+00:00"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    result = run("alpha", "one")
    assert (result.exit_code, "SOURCE_DATE_EPOCH=yesterday is no time" in result.stderr) == (2, True)


def test_time_that_is_asked_for(tmp_path, monkeypatch):
    """A wheel of another time than SOURCE_DATE_EPOCH says is not the one asked for; without it, any time will do."""
    backend_project(tmp_path / "alpha")
    run("alpha", "dist")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert [backend_runs(run("-v", "alpha", "dist")) for _ in range(2)] == [1, 0]
    monkeypatch.delenv("SOURCE_DATE_EPOCH")

    assert backend_runs(run("-v", "alpha", "dist")) == 0


@pytest.mark.parametrize("prefix", ["", "1x", "a-b"])
def test_bad_live_prefix(tmp_path, prefix):
    """A prefix that no name can begin with is refused by the name of the flag."""
    project(tmp_path / "alpha")
    result = run("--live-prefix", prefix, "alpha", "dist")

    assert (result.exit_code, "--live-prefix" in result.stderr) == (2, True)


# --------------------------------------------------------------------------------------------------- unchanged


def test_unchanged(tmp_path):
    """What was made from the same is left untouched, and no backend is started: also for a checkout of another time."""
    made = project(tmp_path / "alpha")
    assert backend_runs(run("-v", "alpha", "dist")) == 1
    wheel = tmp_path / "dist" / "alpha-1.0-py3-none-any.whl"
    before = (wheel.stat().st_ino, wheel.stat().st_mtime_ns, wheel.read_bytes())
    os.utime(made / "src" / "alpha" / "__init__.py", (1, 1))
    make_wheel(tmp_path / "dist", "beta")
    (tmp_path / "dist" / "broken-1.0-py3-none-any.whl").write_text("?")
    result = run("-v", "alpha", "dist")

    assert (result.exit_code, result.stdout) == (0, "dist/alpha-1.0-py3-none-any.whl\n")
    assert (backend_runs(result), "alpha is unchanged" in result.stderr) == (0, True)
    assert (wheel.stat().st_ino, wheel.stat().st_mtime_ns, wheel.read_bytes()) == before
    assert shown("alpha", "dist")["wheels"][0]["unchanged"] is True
    assert backend_runs(run("-v", "--force", "alpha", "dist")) == 1


@pytest.mark.parametrize(
    "words",
    [["--include", "x"], ["--exclude", "x"], ["--live-prefix", "hot_"], ["dist", "--", "key=value"]],
    ids=lambda words: words[0],
)
def test_other_flags_build_anew(tmp_path, words):
    """Other flags make another wheel."""
    backend_project(tmp_path / "alpha")
    run("alpha", "dist")
    arguments = ["alpha", *words] if words[0] == "dist" else [*words, "alpha", "dist"]

    assert backend_runs(run("-v", *arguments)) == 1
    assert backend_runs(run("-v", *arguments)) == 0


@pytest.mark.parametrize("change", ["src/alpha/__init__.py", "src/alpha/new.txt", "mode"])
def test_other_files_build_anew(tmp_path, change):
    """A file that has changed, is new, or has become executable has the wheel built anew."""
    made = project(tmp_path / "alpha")
    run("alpha", "dist")
    if change == "mode":
        (made / "src" / "alpha" / "__init__.py").chmod(0o755)
    else:
        with (made / change).open("a") as file:
            file.write("\n# more\n")

    assert backend_runs(run("-v", "alpha", "dist")) == 1


def test_unchanged_is_quick(tmp_path):
    """To see that nothing has changed takes no library that is slow to import, and no build frontend."""
    backend_project(tmp_path / "alpha")
    run("alpha", "dist")
    code = """
import sys
from hotswap.cli import main
main(["build", "--no-isolation", "alpha", "dist"], standalone_mode=False)
print(sorted({"asyncio", "build", "networkx", "resolvelib"} & sys.modules.keys()))
"""
    environment = {**os.environ, "PYTHONPATH": str(IMPORTED)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)

    assert ("alpha is unchanged" in done.stderr, done.stdout.splitlines()[-1]) == (True, "[]")


def test_output_directory_is_left_untouched(tmp_path):
    """Nothing is written into a directory that has the wheel already: not even a temporary file comes and goes."""
    backend_project(tmp_path / "alpha")
    run("alpha", "dist")
    os.mkfifo(tmp_path / "dist" / "beta-1.0-py3-none-any.whl")
    os.utime(tmp_path / "dist", (1, 1))

    assert "alpha is unchanged" in run("alpha", "dist").stderr
    assert (tmp_path / "dist").stat().st_mtime == 1


def test_commit_of_what_was_tried(tmp_path):
    """Edit, try, commit, release: the wheel that was built before the commit is built anew, once, and names it."""
    made = project(tmp_path / "alpha")
    steps = [shown("alpha", "dist")["wheels"][0]]  # git does not know the directory
    first = commit(made)
    steps += [shown("alpha", "dist")["wheels"][0] for _ in range(2)]
    with (made / "src" / "alpha" / "__init__.py").open("a") as file:
        file.write("\n")
    steps += [shown("alpha", "dist")["wheels"][0] for _ in range(2)]
    second = commit(made)
    steps += [shown("alpha", "dist")["wheels"][0] for _ in range(2)]

    assert [(step["build"]["revision"], step["build"]["dirty"], step["unchanged"]) for step in steps] == [
        (None, None, False),
        (first, False, False),
        (first, False, True),
        (first, True, False),
        (first, True, True),
        (second, False, False),
        (second, False, True),
    ]


def test_commit_of_other_projects(tmp_path):
    """In a repository of many projects a commit that leaves a project's files as they are does not build it anew."""
    for name in ("alpha", "beta"):
        project(tmp_path / "plugins" / name, name)
    first = commit(tmp_path / "plugins")
    run("plugins/alpha", "dist")
    (tmp_path / "plugins" / "beta" / "new.py").touch()
    commit(tmp_path / "plugins")
    (made,) = shown("plugins/alpha", "dist")["wheels"]

    assert (made["unchanged"], made["build"]["revision"], made["build"]["dirty"]) == (True, first, False)


def test_commit_that_is_amended(tmp_path):
    """A commit that is not in the history any more is not named; one that a shallow clone does not have may well be."""
    made = project(tmp_path / "alpha")
    commit(made)
    run("alpha", "dist")
    git(made, "commit", "-q", "--amend", "-m", "better words")
    result = run("-v", "alpha", "dist")
    assert (backend_runs(result), "is not kept: its stamp names no commit" in result.stderr) == (1, True)
    assert backend_runs(run("-v", "alpha", "dist")) == 0

    shutil.rmtree(made / ".git")
    commit(made)
    assert backend_runs(run("-v", "alpha", "dist")) == 0


def test_damaged_wheel_is_built_anew(tmp_path):
    """A wheel that does not verify any more is no reason to build nothing."""
    backend_project(tmp_path / "alpha")
    run("alpha", "dist")
    wheel = tmp_path / "dist" / "alpha-1.0-py3-none-any.whl"
    wheel.write_bytes(wheel.read_bytes() + b"more")
    os.utime(wheel, (1, 1))
    result = run("-v", "alpha", "dist")

    assert (backend_runs(result), "is not kept" in result.stderr) == (1, True)
    assert inspect_wheel(wheel).plugin == "alpha"


def test_new_commit_matters_only_to_dynamic_metadata(tmp_path):
    """A commit that changes no file builds anew what may have its version from git, and nothing else."""
    still = project(tmp_path / "still", "still")
    moving = project(
        tmp_path / "moving",
        "moving",
        version=None,
        table='dynamic = ["version"]',
        more='[tool.hatch.version]\npath = "src/moving/__init__.py"\n',
        files={"src/moving/__init__.py": plugin_source('__version__ = "2.0"')},
    )
    for made in (still, moving):
        commit(made)
    assert run("still", "moving", "dist").exit_code == 0
    for made in (still, moving):
        git(made, "commit", "-q", "--allow-empty", "-m", "nothing")

    made = {product["plugin"]: product["unchanged"] for product in shown("still", "moving", "dist")["wheels"]}
    assert made == {"still": True, "moving": False}


def test_output_directory_around_the_project(tmp_path):
    """A project inside the output directory is looked at all the same."""
    made = project(tmp_path / "plugins" / "alpha")
    commit(made)
    (made / "src" / "alpha" / "new.py").touch()

    assert shown("plugins/alpha", "plugins")["wheels"][0]["build"]["dirty"] is True


def test_output_directory_behind_a_link(tmp_path):
    """The output directory is none of the source, whatever it is called inside the project."""
    made = project(tmp_path / "alpha")
    commit(made)
    (tmp_path / "out").mkdir()
    (made / "wheels").symlink_to(tmp_path / "out")
    first, second = (shown("alpha", "alpha/wheels")["wheels"][0] for _ in range(2))

    assert (first["build"]["dirty"], first["unchanged"], second["unchanged"]) == (False, False, True)


@pytest.mark.parametrize("place", ["alpha/wheels", "alpha"])
def test_output_directory_inside_the_project(tmp_path, place):
    """Wheels that are built into the project itself are none of its source, and do not make it dirty."""
    commit(project(tmp_path / "alpha"))
    first, second = (shown("alpha", place)["wheels"][0] for _ in range(2))
    third = shown("--force", "alpha", place)["wheels"][0]

    assert (first["unchanged"], second["unchanged"], third["unchanged"]) == (False, True, False)
    assert (first["build"]["dirty"], third["build"]["dirty"]) == (False, False)


# ----------------------------------------------------------------------------------------- including, excluding


def listed(wheel: Path) -> list[str]:
    return [name for name in members(wheel) if ".dist-info/" not in name]


def test_exclude(tmp_path):
    """Files that match go, but those of the metadata; what stays is byte for byte what the backend gave."""
    files = {"src/alpha/__init__.py": plugin_source(), "src/alpha/big.bin": b"\0\1", "src/alpha/x.py": "x = 1\n"}
    project(tmp_path / "alpha", files=files)
    run("alpha", "whole")
    result = run("-v", "--exclude", r"\.bin$|METADATA", "--exclude", "^alpha/x", "alpha", "dist")

    name = "alpha-1.0-py3-none-any.whl"
    whole, less = members(tmp_path / "whole" / name), members(tmp_path / "dist" / name)
    assert set(whole) - set(less) == {"alpha/big.bin", "alpha/x.py"}
    assert {path for path in less if less[path] != whole[path]} == {
        "alpha-1.0.dist-info/RECORD",
        "alpha-1.0.dist-info/hotswap-build.json",
    }
    assert "excluded alpha/big.bin" in result.stderr
    assert inspect_wheel(tmp_path / "dist" / name).plugin == "alpha"


def test_exclude_of_what_is_needed(tmp_path):
    """A wheel that has lost its plugin is refused."""
    project(tmp_path / "alpha")
    result = run("--exclude", "init", "alpha", "dist")

    assert (result.exit_code, "which is not in the wheel" in result.stderr) == (1, True)
    assert not (tmp_path / "dist").exists()


@pytest.mark.parametrize("backend", ["hatchling", "setuptools"])
@pytest.mark.parametrize("layout", ["src/", ""])
def test_include(tmp_path, layout, backend):
    """Files that the backend left out come in where the wheel would have them, never caches or the build's own."""
    more = (
        f'[tool.hatch.build.targets.wheel]\npackages = ["{layout}alpha"]\nexclude = ["*.json", "*.sh"]\n'
        '[tool.setuptools]\ninclude-package-data = false\npackages = ["alpha"]\n'
        f'[tool.setuptools.package-dir]\n"" = "{layout or "."}"\n'
    )
    files = {
        f"{layout}alpha/__init__.py": plugin_source(),
        f"{layout}alpha/sub/data.json": '{"a": 1}',
        f"{layout}alpha/run.sh": "#!/bin/sh\n",
        f"{layout}alpha/__pycache__/x.json": "no",
        ".venv/alpha/y.json": "no",
        "tests/alpha/z.txt": "no",
        "docs/alpha/__init__.py": "# of the same name, but not what the wheel has",
        "build/alpha/w.json": "no",
    }
    made = project(tmp_path / "alpha", files=files, more=more, backend=backend)
    (made / layout / "alpha" / "run.sh").chmod(0o755)
    result = run("-v", "--include", r"\.(json|sh|toml)$", "--include", "^alpha/__init__", "alpha", "dist")

    assert result.exit_code == 0, result.output
    wheel = tmp_path / "dist" / "alpha-1.0-py3-none-any.whl"
    assert sorted(listed(wheel)) == ["alpha/__init__.py", "alpha/run.sh", "alpha/sub/data.json"]
    assert members(wheel)["alpha/sub/data.json"] == b'{"a": 1}'
    with zipfile.ZipFile(wheel) as archive:
        assert archive.getinfo("alpha/run.sh").external_attr >> 16 == 0o100755
    assert "included alpha/" in result.stderr
    assert "--include '^alpha/__init__' matches no file that the backend left out" in result.stderr


def test_include_stays_inside_the_project(tmp_path):
    """What a symbolic link leads out of the project to is not taken in, and told; one that stays inside is a file."""
    (tmp_path / "elsewhere").mkdir()
    for name in ("secret.txt", "another.txt"):
        (tmp_path / "elsewhere" / name).write_text("secret")
    project(tmp_path / "beta", "beta", files={"src/beta/__init__.py": plugin_source(), "src/beta/beta.txt": ""})
    more = '[tool.hatch.build.targets.wheel]\npackages = ["src/alpha"]\nexclude = ["*.txt", "up"]\n'
    files = {"src/alpha/__init__.py": plugin_source(), "src/alpha/own.txt": "own", "notes.txt": "notes"}
    inside = project(tmp_path / "alpha", files=files, more=more) / "src" / "alpha"
    (inside / "notes.txt").symlink_to(tmp_path / "alpha" / "notes.txt")
    (inside / "link.txt").symlink_to(tmp_path / "elsewhere" / "secret.txt")
    (inside / "extdir").symlink_to(tmp_path / "elsewhere")
    (inside / "up").symlink_to(tmp_path)
    result = run("--include", r"\.txt$", "alpha", "dist")

    wheel = tmp_path / "dist" / "alpha-1.0-py3-none-any.whl"
    assert sorted(listed(wheel)) == ["alpha/__init__.py", "alpha/notes.txt", "alpha/own.txt"], result.output
    told = [line.partition(": ")[2] for line in result.stderr.splitlines()]
    assert told == [
        "--include does not take in alpha/extdir/another.txt: a symbolic link leads out of the project to it",
        "--include does not take in 2 more such files",
    ]


def test_exclude_wins(tmp_path):
    """What both match stays out; an expression that matches nothing is told on stderr, and the wheel is built."""
    files = {"src/alpha/__init__.py": plugin_source(), "src/alpha/a.json": "", "src/alpha/b.json": ""}
    made = project(
        tmp_path / "alpha",
        files=files,
        more='[tool.hatch.build.targets.wheel]\npackages = ["src/alpha"]\nexclude = ["*.json"]\n',
    )
    result = run("--include", "json", "--exclude", "a.json", "--exclude", "nothing", "alpha", "dist")

    assert sorted(listed(tmp_path / "dist" / "alpha-1.0-py3-none-any.whl")) == ["alpha/__init__.py", "alpha/b.json"]
    assert "--exclude 'nothing' matches no file of the wheel" in result.stderr
    assert "a.json" not in result.stderr
    assert made.exists()


@pytest.mark.parametrize("flag", ["--include", "--exclude"])
def test_bad_expression(tmp_path, flag):
    """A bad regular expression is a usage error with flag, expression and position."""
    project(tmp_path / "alpha")
    result = run(flag, "a(b", "alpha", "dist")

    assert result.exit_code == 2
    assert re.search(rf"{flag}.*'a\(b' is no regular expression: .* position 1", result.stderr)


# --------------------------------------------------------------------------------------------- several projects


def test_several(tmp_path):
    """Several projects in one call, with one set of flags: their wheels in the order they were given."""
    for name in ("alpha", "beta"):
        project(tmp_path / name, name)
    result = run("beta", "alpha", "dist")

    assert result.stdout.splitlines() == ["dist/beta-1.0-py3-none-any.whl", "dist/alpha-1.0-py3-none-any.whl"]


def test_all_or_none(tmp_path):
    """One project at fault keeps all wheels back, and the faults of all are told at once, each with its project."""
    project(tmp_path / "alpha")
    project(tmp_path / "beta", "beta", files={"src/beta/__init__.py": plugin_source(on_free="")})
    project(tmp_path / "gamma", "gamma", files={"gamma.txt": ""})
    project(tmp_path / "delta", "delta", files={"src/delta/__init__.py": "def on_load(: ..."})
    old = make_wheel(tmp_path / "dist", "alpha", "0.9")
    error = shown("alpha", "beta", "gamma", "delta", "dist", code=1)["error"]

    assert (error["type"], error["message"].partition(":")[0]) == ("WheelError", "cannot build beta, gamma, delta")
    assert [fault["where"].partition(":")[0] for fault in error["faults"]] == ["beta", "gamma", "delta"]
    assert list((tmp_path / "dist").iterdir()) == [old]


@pytest.mark.parametrize(
    ("one", "other", "complaint"),
    [
        (("alpha", "alpha", "1.0"), ("alpha", "alpha", "1.0"), "both make alpha-1.0-py3-none-any.whl"),
        (("alpha", "same", "1.0"), ("beta", "same", "2.0"), "both make the plugin same, as the distributions"),
        (("alpha", "same", "1.0"), ("alpha", "same", "1.0.0"), "both make same 1.0"),
    ],
)
def test_projects_that_clash(tmp_path, one, other, complaint):
    """Two projects that make one wheel, or one plugin, are an error that names both."""
    for place, (name, plugin, version) in (("first", one), ("second", other)):
        project(tmp_path / place, name, plugin=plugin, version=version)
    result = run("first", "second", "dist")

    assert result.exit_code == 1
    assert f"first and second: {complaint}" in result.stderr
    assert not (tmp_path / "dist").exists()


def test_copy_of_a_project(tmp_path):
    """Not the plugin's name but the directory says which project is at fault: a copy has the name of the good one."""
    for place in ("hello", "a", "copy"):
        project(tmp_path / place, "hello", plugin="hello")
    for place in ("a", "copy"):
        settings = tmp_path / place / "pyproject.toml"
        settings.write_text(settings.read_text().replace('hello = "hello"', ""))
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "pyproject.toml").write_text("[")
    one = shown("copy", "hello", "dist", code=1)["error"]
    assert one["message"].startswith("hello (copy, hello-1.0-py3-none-any.whl): ")
    error = shown("bad", "a", "hello", "copy", "dist", code=1)["error"]

    assert error["message"].startswith("cannot build bad, a, copy: 3 faults")
    assert [fault["where"] for fault in error["faults"]] == ["bad", "a: entry_points.txt", "copy: entry_points.txt"]


def test_clash_beside_a_fault(tmp_path):
    """A clash names the two projects of it, beside whatever else is wrong, and no others."""
    for place, name in (("one", "alpha"), ("two", "alpha"), ("fine", "beta")):
        project(tmp_path / place, name)
    project(tmp_path / "bad", "gamma", files={"src/gamma/__init__.py": plugin_source(on_free="")})
    error = shown("bad", "one", "fine", "two", "dist", code=1)["error"]

    assert error["message"].startswith("cannot build bad, one, two: 2 faults")
    assert error["faults"][1]["where"] == "one and two"


def test_versions_do_not_clash(tmp_path):
    """Two versions of one plugin may be built together."""
    for version in ("1.0", "2.0"):
        project(tmp_path / version, version=version)

    assert [product["version"] for product in shown("1.0", "2.0", "dist")["wheels"]] == ["1.0", "2.0"]


def test_wheel_that_cannot_take_its_place(tmp_path):
    """If one wheel cannot be put into place, those before it are taken back."""
    for name in ("alpha", "beta", "gamma"):
        project(tmp_path / name, name)
    old = make_wheel(tmp_path / "dist", "alpha")
    before = old.read_bytes()
    (tmp_path / "dist" / "gamma-1.0-py3-none-any.whl").mkdir()
    result = run("alpha", "beta", "gamma", "dist")

    assert (result.exit_code, "gamma-1.0-py3-none-any.whl cannot be written" in result.stderr) == (2, True)
    assert old.read_bytes() == before
    assert sorted(path.name.partition("-")[0] for path in (tmp_path / "dist").iterdir()) == ["alpha", "gamma"]


# --------------------------------------------------------------------------------------------------- leave-temps


@pytest.mark.parametrize("flags", [[], ["--", "fail="]])
def test_leave_temps(tmp_path, monkeypatch, flags):
    """The build directory is kept and named on request only, also when the build fails."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    backend_project(tmp_path / "alpha")
    run("alpha", "dist", *flags)
    assert list((tmp_path / "tmp").iterdir()) == []
    result = run("--leave-temps", "--force", "alpha", "dist", *flags)

    (kept,) = (tmp_path / "tmp").iterdir()
    assert f"the build directory is {kept}" in result.stderr
    if not flags:
        built, finished = (kept / "1-alpha" / stage / "alpha-1.0-py3-none-any.whl" for stage in ("built", "finished"))
        assert set(members(finished)) - set(members(built)) == {"alpha-1.0.dist-info/hotswap-build.json"}
        assert Path(shown("--leave-temps", "--force", "alpha", "dist")["temps"]).parent == tmp_path / "tmp"


def test_leave_temps_of_nothing(tmp_path, monkeypatch):
    """Where nothing was built there is nothing to keep: no empty directory is left, and none is named."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    backend_project(tmp_path / "alpha")
    run("alpha", "dist")

    assert run("--leave-temps", "alpha", "dist").stderr == "alpha is unchanged\n"
    assert "temps" not in shown("--leave-temps", "alpha", "dist")
    assert list((tmp_path / "tmp").iterdir()) == []
