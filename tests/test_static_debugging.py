"""A debugger in a plugin, in static mode and in a realm: file names and lines are real in both."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from conftest import Host
from hostmaker import IMPORTABLE
from wheelmaker import make_wheel, plugin_source

import hotswap

PLUGIN = plugin_source(
    """
    def double(number):
        doubled = number * 2
        return doubled


    def stop(number):
        breakpoint()
        return number
    """
)
LINE = PLUGIN.splitlines().index("    return doubled") + 1

HOST = """
import sys
import hotswap

if sys.argv[1] == "static":
    import dog_plugin
    manager = hotswap.PluginManager(static={"dog": dog_plugin})
else:
    manager = hotswap.PluginManager("plugins")
with manager:
    manager.load()
    print("site dir", manager.current["dog"].site_dir)
    print("result", manager.invoke("dog", sys.argv[2], 21))
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A host program, with the plugin as a source and as a wheel."""
    (tmp_path / "host.py").write_text(HOST, "utf-8")
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "dog_plugin.py").write_text(PLUGIN, "utf-8")
    make_wheel(tmp_path / "plugins", "dog", "1.0", PLUGIN)
    return tmp_path


def run(place: Path, *arguments: str, typed: str = "") -> str:
    """What the host prints, and the debugger in between."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HOTSWAP", "PYTHON"))}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=place,
        env={**environment, "PYTHONPATH": os.pathsep.join([str(place / "source"), IMPORTABLE]), "HOME": str(place)},
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def source_of(place: Path, mode: str) -> Path:
    """Where the plugin's code lies that is executed."""
    if mode == "static":
        return place / "source" / "dog_plugin.py"
    printed = run(place, "host.py", mode, "double")
    site = next(line.removeprefix("site dir ") for line in printed.splitlines() if line.startswith("site dir"))
    return Path(site) / "dog_plugin.py"


@pytest.mark.parametrize("mode", ["static", "realm"])
def test_breakpoint_by_file_and_line(place: Path, mode: str) -> None:
    """pdb stops at a line of a plugin's file that was given before the plugin was loaded, and sees its variables."""
    file = source_of(place, mode)
    typed = f"b {file}:{LINE}\nc\np ('here', number, doubled)\nl .\nw\ncl 1\nc\nq\n"
    printed = run(place, "-m", "pdb", "host.py", mode, "double", typed=typed)
    assert f"Breakpoint 1 at {file}:{LINE}" in printed
    assert f"{file}({LINE})double()" in printed
    assert "('here', 21, 42)" in printed
    assert f"{LINE} B->\t    return doubled" in printed
    assert "result 42" in printed


@pytest.mark.parametrize("mode", ["static", "realm"])
def test_breakpoint_in_the_code(place: Path, mode: str) -> None:
    """`breakpoint()` in a plugin stops in the plugin, in a host that was started without a debugger."""
    printed = run(place, "host.py", mode, "stop", typed="p ('here', number)\nc\n")
    assert "dog_plugin.py(" in printed
    assert ")stop()" in printed
    assert "('here', 21)" in printed
    assert "result 21" in printed


def test_sources_of_a_realm(host: Host) -> None:
    """In a realm, inspect and tracebacks show the real lines of the real file, for each of two versions its own."""
    host.add("dog", extra="def fail():\n    raise ValueError('first')  # one")
    manager = host.loaded()
    with manager.lease() as old:
        host.add("dog", "2.0", extra="\n\ndef fail():\n    raise ValueError('second')  # two", keep=True)
        made: list[hotswap.Generation] = []
        manager.reload(callback=lambda new, _: made.append(new))
        for plugin, word in ((old["dog"], "one"), (made.pop()["dog"], "two")):
            function = plugin.lookup("fail")
            file = plugin.site_dir / "dog_plugin.py"
            lines, first = inspect.getsourcelines(function)
            assert inspect.getsourcefile(function) == str(file)
            assert lines[1].endswith(f"# {word}\n")
            assert file.read_text("utf-8").splitlines(keepends=True)[first - 1 : first + 1] == lines
            with pytest.raises(ValueError, match=r"first|second") as raised:
                plugin.invoke_func("fail")
            shown = "".join(traceback.format_exception(raised.value))
            assert f'File "{file}", line {first + 1}, in fail' in shown
            assert f"# {word}" in shown
            del function, raised, plugin


def test_sources_in_static_mode(host: Host, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In static mode the site dir is the directory that the plugin was imported from."""
    monkeypatch.syspath_prepend(str(place / "source"))
    import dog_plugin

    manager = hotswap.PluginManager(static={"dog": dog_plugin}, state_dir=host.state_dir)
    try:
        manager.load()
        plugin = manager.current["dog"]
        assert plugin.site_dir == place / "source"
        assert inspect.getsourcefile(plugin.lookup("double")) == str(place / "source" / "dog_plugin.py")
    finally:
        manager.close()
        del sys.modules["dog_plugin"]
