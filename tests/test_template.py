"""The plugin template, rendered, tested and built as a user does it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from places import CHECKOUT, IMPORTED
from test_sources_wheeldir import ordinary_user, unprivileged

from hotswap import scaffold
from hotswap.errors import MissingExtraError, UsageError
from hotswap.scaffold import check_name, new_plugin, template_dir


def run(*command: object, cwd: Path, **environment: str) -> str:
    """What a program prints; a failure shows all of it."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def files(directory: Path) -> set[str]:
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}


@pytest.fixture(autouse=True)
def cookiecutter() -> None:
    pytest.importorskip("cookiecutter")


def test_makes_a_project(tmp_path: Path) -> None:
    """A project of the plugin's canonical name, with the given description and version, and nothing beside it."""
    project = new_plugin("My.Nice_Plugin", tmp_path, description='Says "hi" \\\n {{ 1/0 }} {% x %} 🎉', version="2.0")

    assert list(tmp_path.iterdir()) == [project] == [tmp_path / "my-nice-plugin"]
    assert files(project) == {
        *(".gitignore", "README.md", "pyproject.toml", "tests/test_plugin.py"),
        *(f"src/my_nice_plugin/{name}" for name in ("__init__.py", "contract.py", "py.typed")),
        *(f"src/my_nice_plugin/greetings/{name}.py" for name in ("__init__", "greeter", "phrases")),
    }
    metadata = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    assert (metadata["name"], metadata["version"], metadata["requires-python"]) == ("my-nice-plugin", "2.0", ">=3.11")
    assert metadata["description"] == 'Says "hi" \\ {{ 1/0 }} {% x %} 🎉'
    assert metadata["entry-points"] == {"hotswap.plugins": {"my-nice-plugin": "my_nice_plugin"}}
    assert metadata["description"] in (project / "README.md").read_text()
    assert not [path for path in files(project) if "cookiecutter" in (project / path).read_text()]


def test_leaves_the_users_home_alone(tmp_path: Path) -> None:
    """Neither a configuration of cookiecutter's is read nor anything remembered for it."""
    home = tmp_path / "home"
    home.mkdir()
    (home / ".cookiecutterrc").write_text("default_context: {version: '66.6'}\n")
    (tmp_path / "here").mkdir()
    program = "import sys, pathlib; from hotswap.scaffold import new_plugin; new_plugin('alpha', pathlib.Path('here'))"

    run(
        *(sys.executable, "-c", program),
        cwd=tmp_path,
        HOME=str(home),
        COOKIECUTTER_CONFIG=str(home / ".cookiecutterrc"),
        PYTHONPATH=str(IMPORTED),
    )

    assert files(home) == {".cookiecutterrc"}
    assert 'version = "0.1.0"' in (tmp_path / "here" / "alpha" / "pyproject.toml").read_text()


@pytest.mark.slow
def test_the_new_project_tests_and_builds_itself(tmp_path: Path) -> None:
    """As delivered, its tests pass, the one in a real manager too, and the wheel it builds offers the plugin."""
    pytest.importorskip("build")
    pytest.importorskip("hatchling")
    project = new_plugin("alpha", tmp_path)

    assert "6 passed" in run(
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=project, PYTHONPATH=str(IMPORTED)
    )
    run(*(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path / "dist"), cwd=project)

    (wheel,) = (tmp_path / "dist").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        entry_points = archive.read("alpha-0.1.0.dist-info/entry_points.txt").decode().split("\n")
        assert entry_points[:2] == ["[hotswap.plugins]", "alpha = alpha"]
        assert "alpha/greetings/greeter.py" in archive.namelist()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a", "zz-a-very-long-name-that-makes-every-line-which-has-it-longer-0123456789"])
def test_the_new_project_is_clean(tmp_path: Path, name: str) -> None:
    """It passes ruff and mypy --strict, by its own settings and whatever its name does to lines and import order."""
    pytest.importorskip("mypy")
    pytest.importorskip("ruff")
    project = new_plugin(name, tmp_path)

    run(sys.executable, "-m", "ruff", "check", "--no-cache", ".", cwd=project)
    run(sys.executable, "-m", "ruff", "format", "--no-cache", "--check", ".", cwd=project)
    run(sys.executable, "-m", "mypy", "--cache-dir", os.devnull, cwd=project)


@pytest.mark.slow
def test_plain_cookiecutter_renders_the_same(tmp_path: Path) -> None:
    """The template needs nothing of hotswap: the cookiecutter command makes the same project."""
    (tmp_path / "ours").mkdir()
    ours = new_plugin("My.Nice_Plugin", tmp_path / "ours")
    plain = [sys.executable, "-m", "cookiecutter", CHECKOUT / "plugin-template", "--no-input", "-o", tmp_path / "plain"]

    run(*plain, "name=My.Nice_Plugin", cwd=tmp_path, HOME=str(tmp_path))

    theirs = tmp_path / "plain" / "my-nice-plugin"
    assert files(theirs) == files(ours)
    assert all((theirs / path).read_bytes() == (ours / path).read_bytes() for path in files(ours))


@pytest.mark.parametrize("name", ["alpha", "Alpha-2", "a", "my.nice_plugin", "None", "match", "x" * scaffold.MAX_NAME])
def test_good_names(name: str) -> None:
    """Names that distribution, entry point and package can take."""
    check_name(name)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("", "ASCII letters"),
        ("-alpha", "ASCII letters"),
        ("../alpha", "ASCII letters"),
        ("alpha\n", "ASCII letters"),
        ("\N{KELVIN SIGN}elvin", "ASCII letters"),
        ("Class", "would be class, which is a keyword of Python"),
        ("JSON", "would be json, which is a module of the standard library"),
        ("PyTest", "would be pytest, which this environment has already"),
        ("2fast", "would be 2fast, which is not a Python identifier"),
        ("HotSwap", "the name of hotswap itself"),
        ("x" * (scaffold.MAX_NAME + 1), "it has 101 characters, more than 100"),
    ],
)
def test_bad_names(tmp_path: Path, name: str, what: str) -> None:
    """A name that could not be built, imported or told apart is refused before anything is written."""
    with pytest.raises(UsageError, match=what):
        check_name(name)
    with pytest.raises(UsageError, match=what) as caught:
        new_plugin(name, tmp_path)
    assert "exists already" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_of_that_name_is_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain directory in the working directory does not make a name unusable elsewhere."""
    (tmp_path / "mine").mkdir()
    monkeypatch.syspath_prepend(tmp_path)

    check_name("mine")


def test_everything_wrong_is_said_at_once(tmp_path: Path) -> None:
    """Name, version, description and directory are all checked before the first is refused."""
    with pytest.raises(UsageError) as caught:
        new_plugin("import" + "x" * 100 + "-", tmp_path / "no", description="a\0b", version="one")

    for what in (
        "106|107 characters",
        "ASCII letters",
        "'one' is not a version",
        "cannot be printed",
        "create it first",
    ):
        assert any(part in str(caught.value) for part in what.split("|")), what


@pytest.mark.parametrize("kind", ["directory", "file", "broken link"])
def test_what_is_there_is_not_touched(tmp_path: Path, kind: str) -> None:
    """Whatever has the project's name already stays as it is."""
    target = tmp_path / "alpha"
    if kind == "directory":
        target.mkdir()
    elif kind == "file":
        target.touch()
    else:
        target.symlink_to("nowhere")

    with pytest.raises(UsageError, match=r"alpha exists already: remove it, or take another name"):
        new_plugin("alpha", tmp_path)
    assert list(tmp_path.iterdir()) == [target]


def test_nothing_half_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When rendering fails, the directory is as it was before."""
    broken = shutil.copytree(template_dir(), tmp_path / "template")
    (broken / "{{cookiecutter.distribution}}" / "zz.txt").write_text("{{ cookiecutter.nonsense }}")
    monkeypatch.setattr(scaffold, "template_dir", lambda: broken)
    (tmp_path / "here").mkdir()

    with pytest.raises(Exception, match="nonsense"):
        new_plugin("alpha", tmp_path / "here")
    assert list((tmp_path / "here").iterdir()) == []


def test_the_template_in_an_installed_package(tmp_path: Path) -> None:
    """In a wheel it lies inside the package; byte code that installers put beside it is not copied; without it: why."""
    package = tmp_path / "hotswap"
    package.mkdir()
    (package / "__init__.py").touch()
    for name in ("scaffold.py", "errors.py", "library.py", "model.py"):
        shutil.copy(IMPORTED / "hotswap" / name, package)
    program = "from pathlib import Path; from hotswap.scaffold import new_plugin; new_plugin('alpha', Path('here'))"
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{program}"
    (tmp_path / "here").mkdir()
    with pytest.raises(AssertionError, match=r"plugin template is missing from .*: reinstall hotswap"):
        run(sys.executable, "-c", program, cwd=tmp_path)

    inside = shutil.copytree(template_dir(), package / "plugin-template")
    cache = inside / "{{cookiecutter.distribution}}" / "src" / "{{cookiecutter.package}}" / "__pycache__"
    cache.mkdir(exist_ok=True)
    (cache / "contract.cpython-311.pyc").touch()
    run(sys.executable, "-c", program, cwd=tmp_path)

    assert files(tmp_path / "here" / "alpha") == files(new_plugin("alpha", tmp_path))


def test_a_missing_extra_is_named(tmp_path: Path) -> None:
    """Without cookiecutter the error says which extra to install, and nothing is written."""
    program = """
import sys, pathlib
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "cookiecutter":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocker())
from hotswap.errors import MissingExtraError
from hotswap.scaffold import new_plugin
try:
    new_plugin("alpha", pathlib.Path("."))
except MissingExtraError as error:
    print(error)
"""
    assert (
        run(sys.executable, "-c", program, cwd=tmp_path, PYTHONPATH=str(IMPORTED))
        == f"{MissingExtraError('new-plugin', 'scaffold')}\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_without_its_parts_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing extra and a missing template are named, and nothing is written."""
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "cookiecutter.main", None)
        with pytest.raises(MissingExtraError, match="scaffold"):
            new_plugin("alpha", tmp_path)
    monkeypatch.setattr(scaffold, "__file__", str(tmp_path / "hotswap" / "scaffold.py"))
    with pytest.raises(UsageError, match="the plugin template is missing"):
        new_plugin("alpha", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_written_to() -> None:
    """It is refused as such, before anything is tried."""
    with unprivileged() as directory:
        directory.chmod(0o555)
        with ordinary_user(), pytest.raises(UsageError, match="cannot be written to: let this process write there"):
            new_plugin("alpha", directory)


def test_the_template_is_valid() -> None:
    """Its variables are the documented ones, and all of its names can be derived from the plugin's."""
    variables = json.loads((template_dir() / "cookiecutter.json").read_text())

    assert set(variables) - {"__prompts__"} == set(variables["__prompts__"])
    assert set(variables["__prompts__"]) == {
        *("name", "description", "version", "python_minimum", "distribution", "package"),
    }
