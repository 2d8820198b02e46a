"""A host with static plugins, frozen into a program by PyInstaller."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hostmaker import IMPORTABLE, hotswap_command
from projectmaker import project
from wheelmaker import plugin_source

import hotswap
from hotswap import _ROOMS

HOST = """
import json, sys
import hotswap
import static_plugins

calls, said = [], {"frozen": sys.frozen}
with hotswap.PluginManager(static=static_plugins.PLUGINS, extension=lambda: "extended") as manager:
    said["report"] = dict(manager.load(calls))
    plugins = manager.current
    said["plugins"] = [f"{plugin.name} {plugin.version}" for plugin in plugins.plugins]
    said["tease"] = manager.invoke("cat", "tease")
    said["words"] = manager.invoke("cat", "words")
    said["file"] = str(plugins["dog"].file)
    said["tick"] = plugins.vault.live_funcs["live_tick"](2)
    queued = hotswap.live.wrap(plugins.vault.live_types["LiveBone"](3))
    said["bone"] = [queued.type, queued.plugin, hotswap.live.unwrap(queued, plugins.vault).size]
    try:
        manager.reload()
    except hotswap.StaticModeError as error:
        said["refused"] = str(error)
    if sys.argv[1:] == ["serve"]:
        print(manager.serve_control(), flush=True)
        sys.stdin.read()
print(json.dumps({**said, "calls": calls}))
"""

NOTING = {
    "on_load": "def on_load(data):\n    global calls\n    calls = data\n    calls.append(f'{__name__} loaded')",
    "on_init": "def on_init(vault): calls.append(f'{__name__} {vault.extension}')",
    "on_free": "def on_free(): calls.append(f'{__name__} freed')",
}
DOG = {
    "src/frozen_dog/__init__.py": "",
    "src/frozen_dog/sound.py": """
import dataclasses


@dataclasses.dataclass
class LiveBone:
    size: int


class Dog:
    def bark(self, times):
        return " ".join(["wuff"] * times)


def live_tick(times):
    return "tick" * times
""",
    "src/frozen_dog/plugin.py": plugin_source(
        "from frozen_dog.sound import Dog", export="def export(): return Dog()", **NOTING
    ),
}
CAT = {
    "src/frozen_cat/__init__.py": plugin_source(
        """
        import dataclasses
        import importlib.resources
        import typing

        import hotswap


        class Barks(typing.Protocol):
            def bark(self, times: int) -> str: ...


        @dataclasses.dataclass
        class Wants:
            dog: typing.Annotated[Barks, hotswap.Requires(">=1.2")] = None


        wants = Wants()


        def tease():
            return wants.dog.bark(2)


        def words():
            return importlib.resources.files("frozen_cat").joinpath("words.txt").read_text("utf-8")
        """,
        import_="def import_(): return wants",
        **NOTING,
    ),
    "src/frozen_cat/words.txt": "miaow",
}

UNABLE = "PythonLibraryNotFoundError|built without a shared library|objdump"
"""What PyInstaller says of an interpreter or a system with which it makes no programs."""


def environment(place: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HOTSWAP", "PYTHON"))}
    return {**kept, "PYTHONPATH": IMPORTABLE, "PYINSTALLER_CONFIG_DIR": str(place / "cache")}


def freeze(place: Path, *options: str) -> Path:
    """Make a program of `host.py` and return it; skips where PyInstaller cannot."""
    pytest.importorskip("PyInstaller")
    unneeded = ["build", "pytest", "setuptools", "tkinter"]  # PyInstaller finds all that could ever be imported
    done = subprocess.run(
        [
            *(sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"),
            *(word for name in unneeded for word in ("--exclude-module", name)),
            *options,
            "host.py",
        ],
        cwd=place,
        env=environment(place),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0 and re.search(UNABLE, done.stdout):
        pytest.skip(f"PyInstaller cannot freeze here: {done.stdout.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stdout
    return place / "dist" / "host" / "host"


@pytest.mark.slow
def test_frozen_host(tmp_path: Path) -> None:
    """`--static-linking` and PyInstaller make a program: lifecycle, calls, live things and data files are as ever.

    It writes nothing where it runs, refuses to reload, and answers the command line.
    """
    project(tmp_path / "dog", "dog", DOG, entry="frozen_dog.plugin", version="1.2")
    project(tmp_path / "cat", "cat", CAT, entry="frozen_cat")
    (tmp_path / "host.py").write_text(HOST, "utf-8")
    linked = hotswap_command("build", "--static-linking", tmp_path / "dog", tmp_path / "cat", tmp_path)
    assert linked.returncode == 0, linked.stderr
    words = tmp_path / "cat" / "src" / "frozen_cat" / "words.txt"
    paths = [str(tmp_path / name / "src") for name in ("dog", "cat")]
    program = freeze(tmp_path, *(f"--paths={path}" for path in paths), f"--add-data={words}:frozen_cat")
    for name in ("dog", "cat"):
        (tmp_path / name).rename(tmp_path / f"away-{name}")

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = subprocess.run([program], cwd=elsewhere, env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "running in static mode: plugins are not isolated, and cannot be reloaded\n"
    said = json.loads(done.stdout)
    assert said.pop("refused").startswith("reload: running in static mode")
    assert Path(said.pop("file")).name == "plugin.py"
    dog, cat = "frozen_dog.plugin", "frozen_cat"
    assert said == {
        "frozen": True,
        "report": {"dog": "loaded", "cat": "loaded"},
        "plugins": ["dog 1.2", "cat 1.0"],
        "tease": "wuff wuff",
        "words": "miaow",
        "tick": "ticktick",
        "bone": ["LiveBone", "dog", 3],
        "calls": [
            *(f"{name} {what}" for what in ("loaded", "extended") for name in (dog, cat)),
            *(f"{name} freed" for name in (cat, dog)),
        ],
    }
    assert list(elsewhere.iterdir()) == []

    state = tmp_path / "state"
    with subprocess.Popen(
        [program, "serve"],
        env={"HOTSWAP_STATE_DIR": str(state)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as host:
        assert host.stdout is not None
        assert host.stdout.readline() == f"{state / 'control.sock'}\n"
        refused = hotswap_command("reload", "--state-dir", state)
        status = hotswap_command("status", "--state-dir", state)
        host.communicate("")
    assert (refused.returncode, host.returncode) == (2, 0)
    assert "running in static mode" in refused.stderr
    assert "generation 1, 0 reloads" in status.stdout


def test_what_is_fetched_on_first_use_is_declared() -> None:
    """Freezers look for imports in byte code: each room of the public names is imported there, if never executed."""
    source = Path(str(hotswap.__file__)).read_text("utf-8")
    declared = re.search(r"if TYPE_CHECKING:.*\n    from \. import \((?:.*)\n((?: {8}\w+,\n)+)", source)
    assert declared is not None
    assert set(declared[1].replace(",", "").split()) == {*_ROOMS, "live"}
