"""Static mode: what may be passed as a plugin, and what is known of it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import types
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Host, noting
from hostmaker import IMPORTABLE
from statickit import Modules, importing_from
from wheelmaker import make_wheel, plugin_source

import hotswap
from hotswap import StaticPlugin


@pytest.fixture
def modules(tmp_path: Path, events: list[str]) -> Iterator[Modules]:
    """A directory on the import path."""
    with importing_from(tmp_path / "code") as made:
        yield made


def loaded(host: Host, plugins: Any, **options: Any) -> hotswap.PluginManager:
    manager = hotswap.PluginManager(static=plugins, state_dir=host.state_dir, **options)
    host.managers.append(manager)
    manager.load()
    return manager


class Seven:
    """A plugin that is an object."""

    def __init__(self, answer: str = "") -> None:
        self.answer = answer
        self.freed = False

    def on_load(self, data: Any) -> None: ...
    def on_init(self, vault: Any) -> None: ...
    def on_free(self) -> None:
        self.freed = True

    def export(self) -> Any:
        return None

    def import_(self) -> Any:
        return None

    def invoke_func(self, name: str, *args: Any) -> Any:
        return getattr(self, name)

    def reloadable(self) -> bool:
        return True


class Eight(Seven):
    """One that has more to it."""

    def live_not_here(self) -> None: ...


def live_of_the_host() -> None:
    """A live name in a module that is not a plugin's."""


class AllStatic:
    """A plugin that is a class."""

    on_load = on_init = staticmethod(lambda one: None)
    on_free = export = import_ = staticmethod(lambda: None)
    invoke_func = staticmethod(lambda name: name)
    reloadable = staticmethod(lambda: True)


# ---------------------------------------------------------------------------------------------- forms of plugins


def test_forms_of_a_plugin(host: Host, modules: Modules) -> None:
    """A module, an object, a class, a namespace and a `StaticPlugin` around any of them are plugins."""
    seven = {name: getattr(Seven(), name) for name in vars(Seven) if not name.startswith("__")}
    plugins = {
        "module": modules.plugin("module"),
        "object": Seven("object"),
        "class": AllStatic,
        "namespace": types.SimpleNamespace(**{**seven, "invoke_func": lambda name: "namespace"}),
        "given": StaticPlugin(Eight("given")),
    }
    manager = loaded(host, plugins)
    assert sorted(manager.current) == sorted(plugins)
    assert manager.invoke("object", "answer") == "object"
    assert manager.invoke("given", "answer") == "given"
    assert manager.invoke("class", "hello") == "hello"
    assert manager.invoke("namespace", "hello") == "namespace"
    manager.close()
    assert plugins["object"].freed


def test_object_of_the_hosts_own_module(host: Host) -> None:
    """An object whose class is the host's has no modules of its own: the host may close, and offers nothing live."""
    plugin = Seven()
    manager = loaded(host, {"cat": plugin})
    assert dict(manager.current.vault.live_funcs) == {}
    assert manager.leaks() == ()
    manager.close()
    assert plugin.freed


def test_object_in_a_module_of_the_plugin(host: Host, modules: Modules) -> None:
    """An object in a package that is called like the plugin, or is named as its package, has that package's modules."""
    source = """
    class Seven:
        def on_load(self, data): ...
        def on_init(self, vault): ...
        def on_free(self): ...
        def export(self): ...
        def import_(self): ...
        def invoke_func(self, name): ...
        def reloadable(self): return True
    """
    modules.write(
        {
            "dog_two/__init__.py": f"{source}\n    def live_dog(): ...",
            "zoo/__init__.py": "from . import cat",
            "zoo/cat.py": f"{source}\n    def live_cat(): ...",
        }
    )
    plugins = {
        "Dog-Two": modules.load("dog_two").Seven(),
        "pet": StaticPlugin(modules.load("zoo").cat.Seven(), package="zoo"),
    }
    manager = loaded(host, plugins)
    assert sorted(manager.current.vault.live_funcs) == ["live_cat", "live_dog"]


@pytest.mark.parametrize(
    ("name", "target", "expected"),
    [
        ("dog", "dog.api", {"live_dog", "live_api"}),
        ("dog", "app.plugins.dog", {"live_app_dog"}),
        ("cat", "app.plugins.dog", {"live_app_dog"}),
        ("app", "app.plugins.dog", {"live_app", "live_app_dog"}),
        ("kennel", "app.kennel", {"live_kennel", "live_inner"}),
        ("inner", "space.inner", {"live_space"}),
    ],
)
def test_modules_of_a_plugin(host: Host, modules: Modules, name: str, target: str, expected: set[str]) -> None:
    """A plugin's modules are the outermost package that is called like it, or else its module and what is inside."""
    seven = plugin_source()
    modules.write(
        {
            "dog/__init__.py": "from . import api\ndef live_dog(): ...",
            "dog/api.py": f"{seven}\ndef live_api(): ...",
            "app/__init__.py": "def live_app(): ...",
            "app/plugins/__init__.py": "",
            "app/plugins/dog.py": f"{seven}\ndef live_app_dog(): ...",
            "app/kennel/__init__.py": f"{seven}\nfrom . import inner\ndef live_kennel(): ...",
            "app/kennel/inner.py": "def live_inner(): ...",
            "space/inner.py": f"{seven}\ndef live_space(): ...",
            "space/other.py": "def live_other(): ...",
        }
    )
    modules.load("space.other")
    manager = loaded(host, {name: modules.load(target)})
    assert set(manager.current.vault.live_funcs) == expected


def test_plugin_inside_another_ones_package(host: Host, modules: Modules) -> None:
    """A package inside that of another plugin belongs to the inner one."""
    modules.write(
        {
            "outer/__init__.py": f"{plugin_source()}\ndef live_outer(): ...",
            "outer/inner.py": f"{plugin_source()}\ndef live_inner(): ...",
        }
    )
    manager = loaded(host, {"outer": modules.load("outer"), "inner": modules.load("outer.inner")})
    assert {name: list(manager.current[name].live_funcs) for name in ("outer", "inner")} == {
        "outer": ["live_outer"],
        "inner": ["live_inner"],
    }


# ---------------------------------------------------------------------------------------- what is known of them


def test_version_that_the_host_states(host: Host, modules: Modules) -> None:
    """A version is taken as it is given; without one, and without a distribution, it is 0; nobody has built it."""
    module = modules.plugin("dog")
    manager = loaded(host, {"dog": StaticPlugin(module, version="1.2rc1"), "cat": Seven()})
    assert (manager.current["dog"].version, manager.current["cat"].version) == ("1.2rc1", "0")
    assert (manager.current["cat"].file, manager.current["cat"].build) == (Path(__file__), None)


@pytest.mark.slow
def test_version_of_an_installed_distribution(tmp_path: Path) -> None:
    """The version is that of the distribution that declares the plugin, else of the only one with its package."""
    wheels = [
        make_wheel(tmp_path, "pets-dog", "1.5", {"pets/dog.py": plugin_source()}, plugin="dog"),
        make_wheel(tmp_path, "pets-cat", "2.5", {"pets/cat.py": plugin_source()}, plugin="cat"),
        make_wheel(tmp_path, "zoo", "3.5", {"zoo/__init__.py": "", "zoo/owl.py": plugin_source()}, entry_points=""),
        make_wheel(tmp_path, "odd", "4.5", {"pets/odd.py": plugin_source()}, entry_points=""),
    ]
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--target", str(site)]
    subprocess.run([*pip, *map(str, wheels)], check=True)
    code = """
import hotswap, pets.cat, pets.dog, pets.odd, zoo.owl
static = {"dog": pets.dog, "cat": pets.cat, "owl": zoo.owl, "odd": pets.odd}
with hotswap.PluginManager(static=static) as manager:
    manager.load()
    print(*(f"{plugin.name} {plugin.version}" for plugin in manager.current.plugins))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{site}:{IMPORTABLE}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "cat 2.5 dog 1.5 odd 0 owl 3.5\n"), done.stderr
    assert not (tmp_path / ".hotswap").exists()


def test_digest(host: Host, modules: Modules) -> None:
    """The digest is that of the plugin's file, so that programs can be told apart."""
    first = loaded(host, {"dog": modules.plugin("dog")}).current["dog"].digest
    second = loaded(host, {"dog": modules.plugin("dog_b")}).current["dog"].digest
    assert first != second
    assert len(first) == len(second) == 64


def test_module_in_an_archive(host: Host, tmp_path: Path) -> None:
    """A plugin need not lie on disk as a file."""
    archive = tmp_path / "code.zip"
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("zipped.py", noting("zipped", "1.0"))
    with importing_from(tmp_path / "unused") as modules:
        sys.path.insert(0, str(archive))
        try:
            zipped = modules.load("zipped")
            manager = loaded(host, {"zipped": zipped})
            assert manager.invoke("zipped", "version") == "1.0"
            assert manager.current["zipped"].file == archive / "zipped.py"
            manager.close()
        finally:
            sys.path.remove(str(archive))
            del sys.modules["zipped"]


@pytest.mark.parametrize("registered", [True, False])
def test_module_without_a_file(host: Host, monkeypatch: pytest.MonkeyPatch, registered: bool) -> None:
    """A module that was made in memory, or is part of the executable, counts as lying in the executable."""
    module = types.ModuleType("made")
    exec(plugin_source("def answer(): return 42"), vars(module))
    if registered:
        monkeypatch.setitem(sys.modules, "made", module)
    manager = loaded(host, {"made": module})
    assert manager.invoke("made", "answer") == 42
    assert manager.current["made"].file == Path(sys.executable)


def test_module_that_was_imported_by_a_path(host: Host, tmp_path: Path) -> None:
    """Errors name the file of a module whose name is not that of its file."""
    file = tmp_path / "odd file.py"
    file.write_text(plugin_source(on_free=""), "utf-8")
    spec = importlib.util.spec_from_file_location("some.where.else", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules["some.where.else"] = module
    try:
        with pytest.raises(hotswap.ContractError, match="on_free is missing") as raised:
            loaded(host, {"odd": module})
    finally:
        del sys.modules["some.where.else"]
    assert str(file) in str(raised.value)


@pytest.mark.parametrize("layout", ["mod.py", "mod/__init__.py", "deep/mod.py", "deep/mod/__init__.py"])
def test_errors_name_the_file(host: Host, modules: Modules, layout: str) -> None:
    """A contract error names the file of the module, wherever it lies."""
    modules.write({layout: plugin_source(on_free="")})
    name = layout.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    with pytest.raises(hotswap.ContractError) as raised:
        loaded(host, {"mod": modules.load(name)})
    assert str(modules.root / layout) in str(raised.value)


# --------------------------------------------------------------------------------------------------- wrong usage


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["dog"], "static= is a list and no mapping"),
        ("dog", "static= is a str and no mapping"),
        ({"dog": "dog_module"}, "dog is 'dog_module': pass the imported module"),
        ({"dog": None}, "dog is None: pass the imported module"),
        ({"Dog_Two": Seven(), "dog-two": Seven()}, "Dog_Two and dog-two are one name"),
        ({"dog": Seven(), "DOG": Seven()}, "dog and DOG are one name"),
        ({"": Seven()}, "the name '' is not made of"),
        ({"../dog": Seven()}, "the name '../dog' is not made of"),
        ({7: Seven()}, "the name 7 is not made of"),
        ({"dog": StaticPlugin(Seven(), version="one")}, "dog has the version 'one', which is none"),
        ({"dog": StaticPlugin(Seven(), version="")}, "dog has the version '', which is none"),
        ({"dog": StaticPlugin(Seven(), version=1.0)}, "dog has the version 1.0, which is none"),  # type: ignore[arg-type]
        ({"dog": StaticPlugin(Seven(), live_prefix="")}, "dog has the live prefix ''"),
        ({"dog": StaticPlugin(Seven(), live_prefix="_")}, "dog has the live prefix '_'"),
        ({"dog": StaticPlugin(Seven(), live_prefix="a-b")}, "dog has the live prefix 'a-b'"),
        ({"dog": StaticPlugin(Seven(), live_prefix=None)}, "dog has the live prefix None"),  # type: ignore[arg-type]
        ({"dog": StaticPlugin(Seven(), package="no.such")}, "dog has the package 'no.such', which has not been import"),
    ],
)
def test_refused(host: Host, given: Any, message: str) -> None:
    """What cannot be a mapping of names to plugins is refused before anything happens, by name."""
    with pytest.raises(hotswap.UsageError) as raised:
        hotswap.PluginManager(static=given, state_dir=host.state_dir)
    assert message in str(raised.value)
    assert not host.state_dir.exists()


def test_everything_wrong_is_told_at_once(host: Host) -> None:
    """One error has all that is wrong with `static=`."""
    given = {"dog": StaticPlugin(None, version="x"), "DOG": Seven(), "": Seven()}
    with pytest.raises(hotswap.UsageError) as raised:
        hotswap.PluginManager(static=given, state_dir=host.state_dir)
    assert str(raised.value).count(";") == 3


def test_static_and_sources(host: Host) -> None:
    """Plugins come from wheels or from the program, not from both."""
    with pytest.raises(hotswap.UsageError, match="static= is in place of sources: pass one of them"):
        hotswap.PluginManager("plugins", static={}, state_dir=host.state_dir)


def test_only_as_a_text(host: Host) -> None:
    """`only="alpha"` is refused as with wheels."""
    with pytest.raises(hotswap.UsageError, match="is a text"):
        hotswap.PluginManager(static={}, only="alpha", state_dir=host.state_dir)


def test_object_that_is_no_plugin(host: Host) -> None:
    """An object that has none of the functions is a contract error that lists all seven."""
    with pytest.raises(hotswap.ContractError) as raised:
        loaded(host, {"seven": 7})
    assert len(raised.value.faults) == 7
