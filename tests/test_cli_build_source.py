"""`hotswap build --no-build` and `--static-linking`: what a project's source shows, without starting a backend."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from places import IMPORTED
from projectmaker import project
from wheelmaker import plugin_source

from hotswap.cli import main
from hotswap.wheel import build_wheel, inspect_wheel, read_project


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A working directory of its own, and no build frontend: nothing here may need one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "build", None)


def run(*arguments: object) -> Result:
    """Run `hotswap build`; an exception that is not meant to be the exit code is raised."""
    return CliRunner().invoke(main, ["build", *map(str, arguments)], catch_exceptions=False)


def shown(*arguments: object, code: int = 0) -> dict:
    result = run("--json", *arguments)
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def faults(*arguments: object) -> list[str]:
    found = shown(*arguments, code=1)["error"]["faults"]
    return [" ".join(filter(None, fault.values())) for fault in found]


NEEDY = plugin_source(
    "class Needs:\n    beta: object\n    gamma: object | None = None", import_="def import_(): return Needs()"
)


# ----------------------------------------------------------------------------------------------------- no-build


def test_check_without_a_build(tmp_path):
    """Without a build the project is checked, what was checked is said, and the output directory is not even made."""
    project(tmp_path / "alpha", files={"src/alpha/__init__.py": NEEDY})
    result = run("--no-build", "alpha", "dist")

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "ok    alpha (alpha 1.0)",
        "      checked alpha/pyproject.toml and alpha/src/alpha/__init__.py; imports beta, gamma (optional); not built",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["alpha"]
    assert shown("--no-build", "alpha", "dist") == {
        "checked": [
            {
                "project": "alpha",
                "plugin": "alpha",
                "version": "1.0",
                "entry": "alpha",
                "checked": ["alpha/pyproject.toml", "alpha/src/alpha/__init__.py"],
                "imports": ["beta", "gamma (optional)"],
                "unfit": [],
            }
        ]
    }


def test_same_verdict_as_on_the_wheel(tmp_path, monkeypatch):
    """What the source shows of a plugin is what its wheel shows."""
    monkeypatch.undo()
    pytest.importorskip("build")
    made = project(tmp_path / "alpha", files={"src/alpha/__init__.py": NEEDY})
    seen, manifest = read_project(made), inspect_wheel(build_wheel(made, tmp_path / "dist", isolated=False))

    assert (seen.plugin, seen.name, seen.version) == (manifest.plugin, manifest.name, manifest.version)
    assert (seen.entry_module, seen.imports) == (manifest.entry_module, manifest.imports)


LAYOUTS = {
    "lib/alpha.py": '[tool.setuptools.package-dir]\n"" = "lib"\n',
    "code/a/__init__.py": '[tool.setuptools]\npackage-dir = {alpha = "code/a"}\n',
    "code/alpha/__init__.py": '[tool.setuptools]\npackage-dir = {alpha = "code/alpha"}\n',
    "python/alpha/__init__.py": '[tool.setuptools.packages.find]\nwhere = ["python"]\n',
    "parts/alpha/__init__.py": '[tool.hatch.build.targets.wheel]\npackages = ["parts/alpha"]\n',
    "source/alpha.py": '[tool.hatch.build]\nsources = ["source"]\n',
    "stuff/x.py": '[tool.hatch.build.targets.wheel.sources]\n"stuff" = "alpha"\n',
    "pdm/alpha.py": '[tool.pdm.build]\npackage-dir = "pdm"\n',
    "poetry/alpha.py": '[[tool.poetry.packages]]\ninclude = "alpha.py"\nfrom = "poetry"\n[[tool.poetry.packages]]\n',
    "poet/alpha.py": '[tool.poetry]\npackages = ["nonsense", {include = "alpha.py", from = "poet"}]\n',
    "uv/alpha.py": '[tool.uv.build-backend]\nmodule-root = "uv"\n',
    "rust/alpha.py": '[tool.maturin]\npython-source = "rust"\n',
    "src/alpha/__init__.py": '[tool.setuptools.package-dir]\n"" = "../elsewhere"\n',
    "alpha.py": "[tool]\nsetuptools = 3\n",
}


@pytest.mark.parametrize("file", LAYOUTS)
def test_layouts(tmp_path, file):
    """The module is found where the settings of the common backends say it is, else in `src` or beside them."""
    entry = "alpha.x" if file == "stuff/x.py" else "alpha"
    made = project(tmp_path / "alpha", files={file: plugin_source()}, more=LAYOUTS[file], entry=entry)
    seen = read_project(made)

    assert seen.source == made / file
    renamed = file in ("code/a/__init__.py", "stuff/x.py")
    assert seen.root == (None if renamed else (made / file.partition("alpha")[0]))


def test_dynamic_version(tmp_path):
    """A version that the backend works out is not known without it, which is no fault."""
    project(tmp_path / "alpha", version=None, table='dynamic = ["version"]')

    assert "ok    alpha (alpha of a version that the backend works out)" in run("--no-build", "alpha", "dist").stdout
    assert shown("--no-build", "alpha", "dist")["checked"][0]["version"] is None


def test_source_that_shows_little(tmp_path):
    """What the source does not show is said to be so; a Python that does not fit is noted."""
    files = {"src/alpha/__init__.py": "from somewhere import *\n"}
    made = project(tmp_path / "alpha", files=files)
    settings = made / "pyproject.toml"
    settings.write_text(settings.read_text().replace(">=3.11", ">=99"))
    result = run("--no-build", "alpha", "dist")

    assert "what it imports does not show" in result.stdout
    assert "does not fit this interpreter" in result.stdout


@pytest.mark.parametrize(
    ("change", "complaints"),
    [
        (('name = "alpha"', ""), ["[project] has no name"]),
        (('name = "alpha"', 'name = "-"'), ["[project] has the name '-'"]),
        (('version = "1.0"', ""), ["[project] has no version"]),
        (('version = "1.0"', 'version = "one"'), ["[project] has the version 'one', which is none"]),
        (
            ('version = "1.0"', 'version = "one"\ndependencies = ["!"]'),
            ["which is none", "dependency '!' means nothing"],
        ),
        (('">=3.11"', '"new"'), ["requires-python 'new' means nothing"]),
        (('">=3.11"', "3"), ["requires-python 3 means nothing"]),
        (("[project]", "[project"), ["is not valid TOML"]),
        (("[project", "[other"), ["has no table [project]"]),
        (('alpha = "alpha"', ""), ["does not declare the plugin's entry point"]),
        (('alpha = "alpha"', 'alpha = "alpha"\nbeta = "alpha"'), ["several entry points"]),
        (('alpha = "alpha"', 'alpha = "alpha:f()"'), ["is not a module or an object in one"]),
        (('alpha = "alpha"', 'alpha = "other"'), ["names the module other, which is in none of alpha/src, alpha"]),
        (('alpha = "alpha"', 'alpha = "alpha:thing"'), ["alpha/src/alpha/__init__.py binds no 'thing'"]),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
def test_faulty_settings(tmp_path, change, complaints):
    """What is wrong in pyproject.toml is named with the file, all at once."""
    made = project(tmp_path / "alpha")
    settings = made / "pyproject.toml"
    text = settings.read_text()
    assert change[0] in text
    settings.write_text(text.replace(*change))
    found = faults("--no-build", "alpha", "dist")

    assert len(found) == len(complaints)
    assert all(complaint in fault for complaint, fault in zip(complaints, found, strict=True))
    assert all(fault.startswith("alpha/") for fault in found)


def test_entry_point_elsewhere(tmp_path):
    """An entry point that only setup.py, setup.cfg or the backend knows is an error with the way out."""
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "setup.py").write_text("")
    assert (
        "what setup.py, setup.cfg or a backend say of it shows only in a build" in faults("--no-build", "old", "x")[0]
    )

    made = project(tmp_path / "alpha", table='dynamic = ["entry-points"]')
    settings = made / "pyproject.toml"
    settings.write_text(settings.read_text().partition("[project.entry-points")[0])
    (fault,) = faults("--no-build", "alpha", "dist")
    assert 'declare it there, in a table [project.entry-points."hotswap.plugins"]' in fault


def test_faulty_source(tmp_path):
    """Functions that are missing or wrong are named with their file, for all projects at once."""
    project(
        tmp_path / "alpha", files={"src/alpha/__init__.py": plugin_source(on_free="", on_init="def on_init(): ...")}
    )
    project(tmp_path / "beta", "beta", files={"json.py": plugin_source()}, entry="json")
    project(tmp_path / "gamma", "gamma")
    found = faults("--no-build", "alpha", "beta", "gamma", "dist")

    assert [fault.partition(" ")[0] for fault in found] == [
        "alpha/src/alpha/__init__.py:2",
        "alpha/src/alpha/__init__.py",
        "beta/pyproject.toml",
    ]
    assert "json shadows the module of the standard library" in found[2]
    assert "not valid Python" in _broken(tmp_path)
    types = [shown("--no-build", name, "dist", code=1)["error"]["type"] for name in ("alpha", "beta", "broken")]
    assert types == ["WheelContractError", "WheelError", "WheelError"]


def _broken(tmp_path: Path) -> str:
    project(tmp_path / "broken", "broken", files={"broken.py": "def on_load(: ..."})
    return faults("--no-build", "broken", "dist")[0]


@pytest.mark.parametrize("layout", ["src/", ""])
def test_module_that_is_not_valid_python(tmp_path, layout):
    """A module of the plugin's packages that does not compile is a fault; tests and tools beside do not matter."""
    files = {
        f"{layout}alpha/__init__.py": plugin_source(),
        f"{layout}alpha/sub.py": "x = 1\noops(\n",
        "tests/test_alpha.py": "oops(",
        "tool.py": "oops(",
    }
    made = project(tmp_path / "alpha", files=files)
    (fault,) = faults("--no-build", "alpha", "dist")
    assert fault.startswith(f"alpha/{layout}alpha/sub.py:2 is not valid Python: ")

    settings = made / "pyproject.toml"
    settings.write_text(settings.read_text().replace(">=3.11", ">=99"))
    assert "does not fit this interpreter" in run("--no-build", "alpha", "dist").stdout


def test_source_that_cannot_be_read(tmp_path, monkeypatch):
    """A file of the project that cannot be read is named."""
    made = project(tmp_path / "alpha", files={"alpha.py": plugin_source()})
    read_bytes = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == "alpha.py":
            raise PermissionError(13, "Permission denied")
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)  # root may read everything
    assert faults("--no-build", made, "dist") == [f"{made}/alpha.py cannot be read: Permission denied"]


# ----------------------------------------------------------------------------------------------- static linking


def test_module_of_imports(tmp_path):
    """One module imports all plugins plainly, sorted; what has to be importable is in it and on stderr."""
    project(tmp_path / "p" / "beta", "beta", files={"acme/beta.py": plugin_source()}, entry="acme.beta:Plug.one")
    (tmp_path / "p" / "beta" / "acme" / "beta.py").write_text("from somewhere import *")
    project(tmp_path / "p" / "alpha", version=None, table='dynamic = ["version"]')
    result = run("--static-linking", "--live-prefix", "hot_", "p/beta", "p/alpha", "host")

    assert (result.exit_code, result.stdout) == (0, "host/static_plugins.py\n"), result.output
    assert [path.name for path in (tmp_path / "host").iterdir()] == ["static_plugins.py"]
    assert result.stderr.splitlines()[1:] == ["  p/alpha/src", "  p/beta"]
    source = (tmp_path / "host" / "static_plugins.py").read_text()
    docstring = ast.get_docstring(ast.parse(source)) or ""
    assert docstring.startswith("Made by `hotswap build --static-linking`")
    assert "../p/alpha/src\n    ../p/beta" in docstring
    assert source.partition('"""\n\n')[2] == (
        "import acme.beta\n"
        "import alpha\n"
        "import hotswap\n"
        "\n"
        "PLUGINS = {\n"
        '    "alpha": hotswap.StaticPlugin(\n'
        "        alpha,\n"
        '        live_prefix="hot_",\n'
        "    ),\n"
        '    "beta": hotswap.StaticPlugin(\n'
        "        acme.beta.Plug.one,\n"
        '        version="1.0",\n'
        '        live_prefix="hot_",\n'
        '        package="acme.beta",\n'
        "    ),\n"
        "}\n"
    )


PROGRAM = """
import sys
sys.path[:0] = {paths!r}
import hotswap, static_plugins
with hotswap.PluginManager(static=static_plugins.PLUGINS, state_dir={state!r}) as manager:
    manager.load()
    print(sorted((name, manager.current[name].version) for name in manager.current))
    print(sorted(manager.current.vault.live_funcs))
"""


def test_program_with_the_module(tmp_path):
    """A program runs with the module: all its plugins are loaded in static mode, with their live functions."""
    files = {
        "src/alpha/__init__.py": "",
        "src/alpha/entry.py": plugin_source("from . import jobs"),
        "src/alpha/jobs.py": "def hot_job(): ...\ndef live_job(): ...\n",
    }
    project(tmp_path / "alpha", files=files, entry="alpha.entry", plugin="first")
    project(tmp_path / "beta", "beta", files={"beta.py": _HOLDER}, entry="beta:Holder.plug")
    assert run("--static-linking", "--live-prefix", "HOT_", "alpha", "beta", "host").exit_code == 0
    paths = [str(tmp_path / part) for part in ("host", "alpha/src", "beta")]
    code = PROGRAM.format(paths=paths, state=str(tmp_path / "state"))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env={"PYTHONPATH": str(IMPORTED)}
    )

    assert done.stdout.splitlines() == ["[('beta', '1.0'), ('first', '1.0')]", "['hot_job']"], done.stderr


_HOLDER = """
class Plug:
    def on_load(self, data): ...
    def on_init(self, vault): ...
    def on_free(self): ...
    def export(self): ...
    def import_(self): ...
    def invoke_func(self, name, *args): ...
    def reloadable(self): return True


class Holder:
    plug = Plug()
"""


def test_module_is_formatted(tmp_path):
    """`ruff format` has nothing to change, at any line length, and `ruff check` nothing to say."""
    ruff = Path(sys.executable).with_name("ruff")
    if not ruff.exists():
        pytest.skip("ruff is not installed")
    project(tmp_path / "alpha", entry="alpha:thing", files={"alpha.py": "from x import *"})
    project(tmp_path / 'be"\\ta', "beta")
    run("--static-linking", "alpha", 'be"\\ta', "host")
    module = tmp_path / "host" / "static_plugins.py"

    for length in ("60", "88", "120"):
        subprocess.run([ruff, "format", "--isolated", "--check", "--line-length", length, module], check=True)
    subprocess.run([ruff, "check", "--isolated", "--select", "E,F,W", "--line-length", "120", module], check=True)
    assert '../be"\\ta/src' in (ast.get_docstring(ast.parse(module.read_text())) or "")


def test_unchanged_module(tmp_path):
    """The module is written only if it would be another one."""
    project(tmp_path / "alpha")
    made = shown("--static-linking", "alpha", "host")
    module = tmp_path / "host" / "static_plugins.py"
    before = module.stat()
    result = run("--static-linking", "alpha", "host")
    assert (made["changed"], made["paths"], made["installed"]) == (True, ["alpha/src"], [])
    assert [plugin["plugin"] for plugin in made["plugins"]] == ["alpha"]
    assert (result.exit_code, "host/static_plugins.py is unchanged" in result.stderr) == (0, True)
    assert (module.stat().st_ino, module.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)

    assert shown("--static-linking", "--no-build", "--live-prefix", "hot_", "alpha", "host")["changed"] is True
    assert 'live_prefix="hot_"' in module.read_text()


def test_packages_that_lie_elsewhere(tmp_path):
    """A plugin whose package only an installation puts in place has to be installed, which is said."""
    project(tmp_path / "alpha", files={"code/a/__init__.py": plugin_source()}, more=LAYOUTS["code/a/__init__.py"])
    result = run("--static-linking", "alpha", "host")

    assert result.stderr == "have these installed: alpha\n"
    assert "have to be installed: alpha" in (tmp_path / "host" / "static_plugins.py").read_text()


def test_what_others_wrote_is_kept(tmp_path):
    """A file of that name which hotswap did not make is left alone, whatever it is."""
    project(tmp_path / "alpha")
    module = tmp_path / "static_plugins.py"
    for content in (b"import alpha\n", b"\xff"):
        module.write_bytes(content)
        result = run("--static-linking", "alpha", ".")
        assert (result.exit_code, "name another OUTPUT_DIR" in result.stderr) == (2, True)
        assert module.read_bytes() == content
    module.unlink()
    module.mkdir()
    assert "static_plugins.py cannot be written: Is a directory" in run("--static-linking", "alpha", ".").stderr


@pytest.mark.parametrize("place", ["alpha", "alpha/src", "/proc/x"])
def test_output_directory(tmp_path, place):
    """The module does not belong into a plugin's project, and where it cannot be written that is said."""
    project(tmp_path / "alpha")
    result = run("--static-linking", "alpha", place)

    assert (result.exit_code, place in result.stderr) == (2, True)
    assert not list((tmp_path / "alpha").rglob("static_plugins.py"))


def test_plugins_that_clash(tmp_path):
    """Plugins that need isolation, because of one name or one package, are refused by the names of their projects."""
    project(tmp_path / "one", "one", plugin="same")
    project(tmp_path / "two", "two", plugin="same")
    project(tmp_path / "three", "three", files={"one/__init__.py": "", "one/sub.py": plugin_source()}, entry="one.sub")
    project(tmp_path / "four", "four", files={"acme/four.py": plugin_source()}, entry="acme.four")
    project(tmp_path / "five", "five", files={"acme/five.py": plugin_source()}, entry="acme.five")
    found = faults("--static-linking", "one", "two", "three", "four", "five", "host")

    assert len(found) == 2
    assert found[0].startswith("one and two are both the plugin same")
    assert found[1].startswith("one and three both bring one")
    assert not (tmp_path / "host").exists()


def test_modules_beside_the_package_clash_too(tmp_path):
    """Everything that lies beside the packages in `src` is imported by its own name; the rest of a project is not."""
    for name in ("one", "two"):
        files = {f"src/{name}.py": plugin_source(), "src/helpers.py": "", "tests/__init__.py": "", "tools.py": ""}
        project(tmp_path / name, name, files=files)
    for name in ("three", "four"):
        project(tmp_path / name, name, files={f"{name}.py": plugin_source(), "tests/__init__.py": ""})
    (fault,) = faults("--static-linking", "one", "two", "three", "four", "host")

    assert fault.startswith("one and two both bring helpers, ")


def test_package_with_the_name_of_the_module(tmp_path):
    """A plugin that is called as the module of imports would be hidden by it."""
    project(tmp_path / "alpha", files={"src/static_plugins/alpha.py": plugin_source()}, entry="static_plugins.alpha")
    (fault,) = faults("--static-linking", "alpha", "host")

    assert fault.startswith("alpha brings static_plugins, and so is called the module of imports itself")


@pytest.mark.parametrize("mode", ["--static-linking", "--no-build"])
@pytest.mark.parametrize(
    "words",
    [["--include", "x"], ["--exclude", "x"], ["--force"], ["--leave-temps"], ["--", "--key=x"]],
    ids=lambda words: words[0],
)
def test_flags_of_wheels(tmp_path, words, mode):
    """Flags that are about wheels are refused instead of ignored."""
    project(tmp_path / "alpha")
    places = ["alpha", "host"]
    result = run(mode, *(places + words if words[0] == "--" else words + places))
    named = "what follows --" if words[0] == "--" else words[0]

    assert (result.exit_code, f"{named} has no meaning with {mode}" in result.stderr) == (2, True)
    assert not (tmp_path / "host").exists()


def test_all_flags_of_wheels(tmp_path):
    """All that have no meaning are told at once; the live prefix means nothing only where nothing is made."""
    project(tmp_path / "alpha")
    result = run("--no-build", "--live-prefix", "hot_", "--force", "alpha", "host", "--", "-x")

    assert "--force, --live-prefix, what follows -- have no meaning with --no-build" in result.stderr


def test_faulty_plugin_is_not_linked(tmp_path):
    """What is checked is what is linked."""
    made = project(tmp_path / "alpha")
    shutil.rmtree(made / "src")

    assert "names the module alpha" in faults("--static-linking", "alpha", "host")[0]
    assert not (tmp_path / "host").exists()
