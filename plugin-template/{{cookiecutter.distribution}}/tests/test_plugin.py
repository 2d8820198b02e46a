"""The seven functions as hotswap calls them, and the wheel in a real manager."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

import {{ cookiecutter.package }} as plugin

NAME = "{{ cookiecutter.distribution }}"
PROJECT = Path(__file__).parents[1]


@pytest.fixture
def vault() -> Iterator[SimpleNamespace]:
    """A loaded plugin, and the vault it was given."""
    vault = SimpleNamespace(data_bag={})
    plugin.on_load("world")
    plugin.on_init(vault)
    yield vault
    plugin.on_free()


def test_says_what_it_is() -> None:
    """It may be replaced, needs no other plugin, and offers something to others."""
    assert plugin.reloadable() is True
    assert plugin.import_() is None
    assert plugin.export() is not None


def test_takes_the_programs_data(vault: SimpleNamespace) -> None:
    """What `on_load` takes shows in the vault and in the answers."""
    assert vault.data_bag == {"greeter": "world"}
    assert plugin.invoke_func("greet") == "Hello, world!"
    assert plugin.invoke_func("greet", language="fr") == "Bonjour, world!"


@pytest.mark.usefixtures("vault")
def test_counts() -> None:
    """Each greeting counts, whoever asked for it."""
    before = plugin.invoke_func("count")
    exported = plugin.export()
    assert exported is not None
    exported.greet()
    assert plugin.invoke_func("count") == before + 1


def test_names_what_it_can_do() -> None:
    """A function that does not exist is refused with a list of those that do."""
    with pytest.raises(LookupError, match="no function is called 'nonsense'; there are: greet, count"):
        plugin.invoke_func("nonsense")


def test_lets_go() -> None:
    """After `on_free` nothing of the program's data is left."""
    plugin.on_load("world")
    plugin.on_free()
    assert plugin.invoke_func("greet") == "Hello, !"


def test_the_wheel_in_a_manager(tmp_path: Path) -> None:
    """The wheel that this project builds loads, answers, and is left alone by a reload that finds nothing new."""
    hotswap = pytest.importorskip("hotswap")
    pytest.importorskip("build")
    pytest.importorskip("hatchling")
    plugins = tmp_path / "plugins"
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(plugins), str(PROJECT)]
    subprocess.run(build, check=True, capture_output=True)

    with hotswap.PluginManager(plugins, state_dir=tmp_path / "state") as manager:
        report = manager.load("world")
        assert report[NAME] == "loaded"
        assert manager.invoke(NAME, "greet") == "Hello, world!"
        assert manager.reload("world")[NAME] == "unchanged"
        assert manager.invoke(NAME, "count") == 1
