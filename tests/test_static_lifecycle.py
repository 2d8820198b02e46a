"""Static mode: what a host sees of plugins that are part of the program."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from conftest import Host, eventually
from hostmaker import hotswap_command
from statickit import Modules, importing_from

import hotswap
from hotswap import Outcome, StaticPlugin
from hotswap.model import SiteDir
from hotswap.realm import Linked
from hotswap.realm.owners import owner_of

SEVEN = ("reloadable", "export", "import_", "on_load", "on_init", "on_free", "invoke_func")


@pytest.fixture
def modules(tmp_path: Path, events: list[str]) -> Iterator[Modules]:
    """A directory on the import path."""
    with importing_from(tmp_path / "code") as made:
        yield made


@pytest.fixture
def trio(modules: Modules) -> dict[str, ModuleType]:
    """Three plugins, of which each imports the one before it, against the alphabet."""
    return {
        "alpha": modules.plugin("alpha", needs="beta"),
        "beta": modules.plugin("beta", needs="gamma"),
        "gamma": modules.plugin("gamma", "def live_gamma(): return 3"),
    }


def static(host: Host, plugins: Any, **options: Any) -> hotswap.PluginManager:
    manager = hotswap.PluginManager(static=plugins, state_dir=host.state_dir, **options)
    host.managers.append(manager)
    return manager


# ---------------------------------------------------------------------------------------------------- lifecycle


def test_from_load_to_close(host: Host, trio: dict[str, ModuleType], events: list[str]) -> None:
    """The seven functions run as with wheels: each phase for all plugins, dependencies first, `on_free` in reverse."""
    manager = static(host, trio)
    report = manager.load()
    assert events[-6:] == [
        f"{name} 1.0 {function}" for function in ("on_load", "on_init") for name in ("gamma", "beta", "alpha")
    ]
    assert sorted(events[:-6]) == sorted(f"{name} 1.0 {function}" for name in trio for function in SEVEN[:3])
    assert list(report.items()) == [(name, Outcome.LOADED) for name in ("gamma", "beta", "alpha")]
    assert (report.generation, str(report)) == (1, "alpha: loaded, beta: loaded, gamma: loaded")
    assert manager.static_mode

    events.clear()
    manager.close()
    assert events == ["alpha 1.0 on_free", "beta 1.0 on_free", "gamma 1.0 on_free"]
    assert (manager.retired(), manager.leaks()) == ((), ())
    with pytest.raises(hotswap.NotLoadedError, match="closed"):
        _ = manager.current


def test_manager_of_wheels_is_not_static(host: Host) -> None:
    """Without `static=` the manager says that it is not in static mode."""
    assert not host.manager().static_mode


def test_calls(host: Host, trio: dict[str, ModuleType]) -> None:
    """invoke, lease, current, find and lookup reach the host's own module, under any spelling of the plugin's name."""
    manager = static(host, trio, extension=lambda: "extended")
    manager.load()
    assert manager.invoke("Beta", "needs") == {"gamma": "gamma 1.0"}
    with manager.lease() as plugins:
        beta = plugins["beta"]
        assert beta.lookup("VERSION", str) == "1.0"
        assert beta.lookup("events") is trio["beta"].events
        assert (beta.refs, beta.dependencies, beta.outcome) == (1, ("gamma",), Outcome.LOADED)
        assert (beta.site_dir, beta.file) == (Path(str(trio["beta"].__file__)).parent, Path(str(trio["beta"].__file__)))
    assert manager.current.vault.extension == "extended"
    assert (manager.current.number, manager.reload_count) == (1, 0)
    assert list(manager.current.graph.edges) == [("gamma", "beta"), ("beta", "alpha")]


def test_on_an_event_loop(host: Host, modules: Modules, events: list[str]) -> None:
    """aload and aclose await asynchronous functions of static plugins; areload and arollback are refused."""
    plugin = modules.plugin(
        "alpha",
        on_load="async def on_load(data): events.append(f'loaded {data}')",
        on_free="async def on_free(): events.append('freed')",
    )

    async def main() -> None:
        async with static(host, {"alpha": plugin}) as manager:
            await manager.aload("data")
            assert events[-2:] == ["loaded data", "alpha 1.0 on_init"]
            for change in (manager.areload, manager.arollback):
                with pytest.raises(hotswap.StaticModeError):
                    await change()
            assert manager.invoke("alpha", "version") == "1.0"

    asyncio.run(main())
    assert events[-1] == "freed"


NEEDY = """
import dataclasses, typing, hotswap

class Barks(typing.Protocol):
    def bark(self, times: int) -> str: ...

@dataclasses.dataclass
class Wants:
    dog: typing.Annotated[Barks, hotswap.Requires(">=1.2")] = None
    bird: object | None = None

wants = Wants()
"""


def test_exports_are_checked_and_assigned(host: Host, modules: Modules, events: list[str]) -> None:
    """An export is held against the importer's Protocol and required version; nothing loads if one does not fit."""
    cat = modules.plugin("cat", NEEDY, import_="def import_(): return wants")
    dog = modules.plugin("dog", "class Dog:\n    def bark(self, times): return 'wuff' * times",
                         export="def export(): return Dog()")  # fmt: skip
    old = static(host, {"cat": cat, "dog": StaticPlugin(dog, version="1.1")})
    with pytest.raises(hotswap.VersionConflictError, match=r"dog.*>=1\.2"):
        old.load()
    assert not [event for event in events if "on_load" in event]
    with pytest.raises(hotswap.UnknownDependencyError, match="dog"):
        static(host, {"cat": cat}).load()
    mute = static(host, {"cat": cat, "dog": StaticPlugin(modules.plugin("mute"), version="2.0")})
    with pytest.raises(hotswap.ContractError, match="bark"):
        mute.load()

    static(host, {"cat": cat, "dog": StaticPlugin(dog, version="1.2")}).load()
    assert cat.wants.dog.bark(2) == "wuffwuff"
    assert cat.wants.bird is None


def test_cycles(host: Host, modules: Modules) -> None:
    """Plugins that import one another are refused with the path."""
    a, b = modules.plugin("a", needs="b"), modules.plugin("b", needs="a")
    with pytest.raises(hotswap.CyclicDependencyError) as raised:
        static(host, {"a": a, "b": b}).load()
    assert set(raised.value.cycle) == {"a", "b"}


def test_live_functions_and_types(host: Host, modules: Modules) -> None:
    """They come from every module of a plugin, by the plugin's own prefix or the decorator, before any on_init."""
    seen = modules.plugin("seen", "names = []", on_init="def on_init(vault): names.extend(vault.live_funcs)")
    modules.write(
        {
            "pack/__init__.py": "",
            "pack/inner.py": "import hotswap\nclass HotPack: pass\ndef live_cold(): pass\n"
            "@hotswap.live.function\ndef marked(): return 'marked'",
        }
    )
    pack = modules.plugin("pack.core", "from . import inner\ndef hot_pack(): return 'hot'")
    manager = static(host, {"seen": seen, "pack": StaticPlugin(pack, live_prefix="hot_")})
    manager.load()
    assert sorted(seen.names) == ["hot_pack", "marked"]
    vault = manager.current.vault
    assert (vault.live_funcs["hot_pack"](), vault.live_funcs["marked"]()) == ("hot", "marked")
    assert list(vault.live_types) == ["HotPack"]


def test_live_names_of_two_plugins(host: Host, modules: Modules, events: list[str]) -> None:
    """The same live name in two plugins is an error that names both, and what had loaded is freed."""
    plugins = {name: modules.plugin(name, "def live_x(): pass") for name in ("a", "b")}
    with pytest.raises(hotswap.ResolutionError, match=r"live_x is in a and in b"):
        static(host, plugins).load()
    assert events[-2:] == ["b 1.0 on_free", "a 1.0 on_free"]


def test_only(host: Host, trio: dict[str, ModuleType]) -> None:
    """`only=` chooses among the static plugins; a name that is not among them is an error."""
    manager = static(host, trio, only=["Gamma"])
    assert list(manager.load()) == ["gamma"]
    with pytest.raises(hotswap.ResolutionError, match="delta"):
        static(host, trio, only=["gamma", "delta"]).load()


def test_without_plugins(host: Host) -> None:
    """An empty mapping is static mode too: a generation without plugins."""
    manager = static(host, {})
    assert dict(manager.load()) == {}
    assert manager.static_mode


def test_plan(host: Host, trio: dict[str, ModuleType]) -> None:
    """The plan says what load would do; afterwards that a reload, if there were one, would change nothing."""
    manager = static(host, trio)
    before = manager.plan()
    assert before.changes
    assert {step.outcome for step in before.steps.values()} == {Outcome.LOADED}
    manager.load()
    after = manager.plan()
    assert not after.changes
    assert {step.outcome for step in after.steps.values()} == {Outcome.UNCHANGED}
    manager.close()
    with pytest.raises(hotswap.NotLoadedError):
        manager.plan()


def test_two_managers(host: Host, modules: Modules, events: list[str]) -> None:
    """Two managers may run the same module; it belongs to the plugin until the last of them has closed."""
    pack = modules.plugin("pack", "def live_x(): pass")
    one, two = static(host, {"pack": pack}), static(host, {"pack": StaticPlugin(pack, version="2.0")})
    one.load()
    two.load()
    assert owner_of("pack") is two.current["pack"].manifest
    two.close()
    assert owner_of("pack") is one.current["pack"].manifest
    assert one.current.vault.live_funcs["live_x"] is pack.live_x
    one.close()
    assert owner_of("pack") is None
    assert events.count("pack 1.0 on_free") == 2


def test_closing_one_of_two_managers_that_loaded_first(host: Host, modules: Modules) -> None:
    """The first of two managers may close first."""
    pack = modules.plugin("pack")
    one, two = static(host, {"pack": pack}), static(host, {"pack": pack})
    one.load()
    two.load()
    one.close()
    assert owner_of("pack.inner") is two.current["pack"].manifest
    assert two.invoke("pack", "version") == "1.0"


def test_again_with_the_same_modules(host: Host, trio: dict[str, ModuleType], events: list[str]) -> None:
    """After a close, another manager may load the same modules: they are the program's, with the state they have."""
    static(host, trio).load()
    host.managers.pop().close()
    events.clear()
    static(host, trio).load()
    assert events.count("gamma 1.0 on_load") == 1


def test_close_waits_for_calls(host: Host, modules: Modules, events: list[str]) -> None:
    """on_free comes after the last call in flight has ended; who holds a plugin is named while it drains."""
    slow = modules.plugin("slow", "def stay(inside, leave): inside.set(); leave.wait(); events.append('left')")
    manager = static(host, {"slow": slow})
    manager.load()
    inside, leave = threading.Event(), threading.Event()
    call = threading.Thread(target=manager.invoke, args=("slow", "stay", inside, leave), name="caller")
    call.start()
    inside.wait()
    closer = threading.Thread(target=manager.close)
    closer.start()
    assert eventually(lambda: bool(manager.retired()))
    (retired,) = manager.leaks()
    assert retired.state == "draining"
    assert any('thread "caller" running slow.stay' in holder for holder in retired.holders)
    leave.set()
    closer.join()
    call.join()
    assert events[-2:] == ["left", "slow 1.0 on_free"]


def test_close_from_inside_a_plugin(host: Host, modules: Modules) -> None:
    """A plugin's own call cannot close the manager, which would wait for it; a host's code nearby can."""
    end = "def end(manager): manager.close()"
    modules.write({"app/__init__.py": "", "app/main.py": end, "app/plugins/__init__.py": ""})
    manager = static(host, {"dog": modules.plugin("app.plugins.dog", end)})
    manager.load()
    with pytest.raises(hotswap.ReentrantReloadError, match="inside a plugin's own call"):
        manager.invoke("dog", "end", manager)
    modules.load("app.main").end(manager)
    assert manager.retired() == ()


def test_modules_stay(host: Host, modules: Modules) -> None:
    """What has been freed is not waited for: its modules are the program's, and nobody is asked to let go of them."""
    dog = modules.plugin("dog")
    manager = static(host, {"dog": dog})
    manager.load()
    plugin = manager.current["dog"]
    linked = Linked(SiteDir(plugin.site_dir, plugin.manifest), dog)
    assert linked.loaded() == [dog]
    manager.close()
    linked.close()
    linked.close()
    assert (linked.alive(), linked.running(), linked.holders()) == (False, False, ())
    assert modules.load("dog") is dog


# ------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("loaded", [False, True], ids=["before load", "after load"])
@pytest.mark.parametrize("call", ["reload", "rollback", "set_sources"])
def test_refused(host: Host, trio: dict[str, ModuleType], events: list[str], call: str, loaded: bool) -> None:
    """What would replace plugins is refused by name, and nothing changes."""
    manager = static(host, trio)
    if loaded:
        manager.load()
    events.clear()
    with pytest.raises(hotswap.StaticModeError, match=rf"^{call}: running in static mode.*leave out static=") as raised:
        getattr(manager, call)(*(["plugins"] if call == "set_sources" else []))
    assert isinstance(raised.value, hotswap.UsageError)
    assert events == []
    if loaded:
        assert (manager.current.number, manager.invoke("gamma", "version")) == (1, "1.0")


def test_reload_by_the_command_line(host: Host, trio: dict[str, ModuleType]) -> None:
    """`hotswap reload` and `rollback` say why not, with exit code 2; `status`, `list` and `plan` show the plugins."""
    manager = static(host, trio)
    manager.load()
    manager.serve_control()
    for command in ("reload", "rollback"):
        refused = hotswap_command(command, "--state-dir", host.state_dir)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert refused.stderr.startswith(f"Error: {command}: running in static mode, ")
    for command in ("status", "list"):
        assert "gamma" in hotswap_command(command, "--state-dir", host.state_dir).stdout
    assert "nothing would change" in hotswap_command("plan", "--state-dir", host.state_dir).stdout
    assert manager.current.number == 1


def test_load_twice(host: Host, trio: dict[str, ModuleType], caplog: pytest.LogCaptureFixture) -> None:
    """A second load is refused as with wheels; that this is static mode is a warning, once, when it starts."""
    manager = static(host, trio)
    assert caplog.records == []
    manager.load()
    with pytest.raises(hotswap.UsageError, match="loaded already"):
        manager.load()
    (warning,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "running in static mode" in warning.getMessage()
    assert warning.name == "hotswap"


def test_a_logger_of_ones_own(host: Host, trio: dict[str, ModuleType], caplog: pytest.LogCaptureFixture) -> None:
    """The warning goes to the logger that the host passes in."""
    static(host, trio, logger=logging.getLogger("mine")).load()
    assert [record.name for record in caplog.records if "static mode" in record.getMessage()] == ["mine"]


# ------------------------------------------------------------------------------------------------------- failures


@pytest.mark.parametrize("function", ["reloadable", "export", "import_", "on_load", "on_init"])
@pytest.mark.parametrize("raises", ["ValueError('no')", "SystemExit(3)"])
def test_plugin_that_raises(host: Host, modules: Modules, events: list[str], function: str, raises: str) -> None:
    """The error names plugin and function and has the cause; what had loaded is freed; another load may follow."""
    parameters = {"on_load": "data", "on_init": "vault"}.get(function, "")
    body = f"def {function}({parameters}):\n    if shelf.get('raise'): raise {raises}\n"
    body += "    return True" if function == "reloadable" else ""
    good, bad = modules.plugin("good"), modules.plugin("zbad", **{function: body})
    manager = static(host, {"good": good, "zbad": bad})
    bad.shelf["raise"] = True
    with pytest.raises(hotswap.LifecycleError, match=rf"zbad: {function}\(\) raised") as raised:
        manager.load()
    assert raised.value.plugin == "zbad"
    assert isinstance(raised.value.__cause__, (ValueError, SystemExit))
    late = function in ("on_load", "on_init")
    assert events.count("good 1.0 on_free") == late
    assert events.count("zbad 1.0 on_free") == (function == "on_init")
    assert owner_of("zbad") is None

    bad.shelf.clear()
    assert manager.load().generation == 1


def test_on_free_that_raises(host: Host, modules: Modules, events: list[str], caplog: pytest.LogCaptureFixture) -> None:
    """What on_free raises is logged with its traceback; the others are freed, and the end goes on."""
    bad = modules.plugin("zbad", on_free="def on_free(): raise ValueError('stuck')")
    manager = static(host, {"good": modules.plugin("good"), "zbad": bad})
    manager.load()
    manager.close()
    assert events[-1] == "good 1.0 on_free"
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "zbad: on_free() raised ValueError: stuck" in record.getMessage()
    assert str(bad.__file__) in record.getMessage()


def test_invoke_each_goes_on(host: Host, modules: Modules, caplog: pytest.LogCaptureFixture) -> None:
    """A plugin that raises in its call is logged, the others still run, in both directions."""
    names = "abc"
    plugins = {
        name: modules.plugin(name, "calls = []\ndef go():\n    calls.append(1)\n    if __name__ == 'b': raise OSError")
        for name in names
    }
    manager = static(host, plugins)
    manager.load()
    manager.current.invoke_each("go")
    manager.current.invoke_each_backward("go")
    assert [len(plugins[name].calls) for name in names] == [2, 2, 2]
    assert caplog.text.count("b: invoke_func('go') raised") == 2


def test_missing_functions(host: Host, modules: Modules) -> None:
    """Every function that is missing or wrong, of every plugin, is listed with the plugin's file."""
    one = modules.plugin("one", export="", on_load="def on_load(): pass")
    two = modules.plugin("two", invoke_func="")
    with pytest.raises(hotswap.ContractError) as raised:
        static(host, {"one": one, "two": two}).load()
    text = str(raised.value) + "".join(map(str, getattr(raised.value, "__notes__", ())))
    for fault in ("export is missing", "on_load() has a wrong signature", "invoke_func is missing"):
        assert fault in text
    assert str(one.__file__) in text
    assert str(two.__file__) in text


def test_extension_that_raises(host: Host, trio: dict[str, ModuleType], events: list[str]) -> None:
    """An `extension=` that raises undoes the load."""

    def extension() -> None:
        raise ValueError("no")

    with pytest.raises(hotswap.ReloadVetoError):
        static(host, trio, extension=extension).load()
    assert events[-3:] == ["alpha 1.0 on_free", "beta 1.0 on_free", "gamma 1.0 on_free"]


# ----------------------------------------------------------------------------------------------------------- disk


def test_nothing_is_written(host: Host, trio: dict[str, ModuleType], events: list[str]) -> None:
    """From load to close no state dir is made; there is no history and nothing to prune."""
    manager = static(host, trio)
    manager.load()
    manager.plan()
    with pytest.raises(hotswap.StaticModeError):
        manager.reload()
    assert manager.history() == ()
    assert manager.prune().removed == ()
    manager.close()
    assert not host.state_dir.exists()


def test_control_socket(host: Host, trio: dict[str, ModuleType]) -> None:
    """Only the control socket needs the state dir."""
    manager = static(host, trio)
    manager.load()
    assert manager.serve_control().parent == host.state_dir
    assert host.state_dir.stat().st_mode & 0o777 == 0o700
    manager.close()
    assert [path.name for path in host.state_dir.iterdir()] == ["control.lock"]


def test_pruning_a_state_dir_that_is_there(host: Host, trio: dict[str, ModuleType]) -> None:
    """A host in static mode may prune what it left behind in other modes; its plugins have no site dirs to keep."""
    host.add("old")
    host.loaded(keep_history=1).close()
    manager = static(host, trio)
    manager.load()
    assert manager.prune(dry_run=True).removed == ()
    assert [entry.action for entry in manager.history()] == ["load"]
    manager.close()
    assert not list((host.state_dir / "hosts").glob("*.json"))
