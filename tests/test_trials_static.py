"""The ancestor's cases of static mode: the very sources of the trial plugins, as modules of the program.

Which test of the ancestor each is, `test_trials_table.py` says.
"""

from __future__ import annotations

import importlib
import logging

import pytest
from conftest import Host
from trials import VARIABLE

import hotswap
from hotswap import Outcome, StaticPlugin


def static(host: Host, *names: str, **options: object) -> hotswap.PluginManager:
    """A manager of these trial plugins, imported by the test as a program does."""
    modules = {name: importlib.import_module(f"trials.{name}") for name in names}
    manager = hotswap.PluginManager(static=modules, state_dir=host.state_dir, **options)  # type: ignore[arg-type]
    host.managers.append(manager)
    return manager


def freed(events: list[str]) -> list[str]:
    """The plugins whose `on_free` ran, in order."""
    return [event.split()[0] for event in events if event.endswith(" on_free")]


def test_static_plugins(host: Host, events: list[str], caplog: pytest.LogCaptureFixture) -> None:
    """The same modules as plugins of the program: same order of calls, same vault, and a warning that says so."""
    manager = static(host, "stubborn", "snow", "arya")
    assert manager.static_mode is True
    report = manager.load({"from": "the host"})
    assert dict(report) == dict.fromkeys(["arya", "snow", "stubborn"], Outcome.LOADED)
    assert str(report) == "arya: loaded, snow: loaded, stubborn: loaded"
    assert list(manager.current) == ["arya", "snow", "stubborn"]
    assert [event.split()[0] for event in events if event.endswith("on_init")] == ["arya", "snow", "stubborn"]
    assert sorted(manager.current.vault.live_funcs) == ["live_anyone", "live_not_today"]
    assert sorted(manager.current.vault.live_types) == ["LiveList", "LiveLongclaw"]
    assert manager.invoke("arya", "seen")[0] == ["live_anyone", "live_not_today"]
    assert manager.invoke("snow", "received")[-1] == {"from": "the host"}
    assert manager.current["arya"].lookup("BLOWS", int) == 100
    assert manager.current["arya"].refs == 1
    (warning,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "running in static mode" in warning
    manager.close()
    assert freed(events) == ["stubborn", "snow", "arya"]


def test_static_mode_has_no_reload(host: Host, events: list[str]) -> None:
    """Reload, rollback and other sources are refused by name, and the generation stays the same."""
    manager = static(host, "arya", on_reload=lambda new, old: events.append("callback"))
    manager.load()
    before = manager.current
    for action in (manager.reload, manager.rollback, lambda: manager.set_sources(host.plugins)):
        with pytest.raises(hotswap.StaticModeError, match="running in static mode"):
            action()
    assert manager.current is before
    assert manager.reload_count == 0
    assert "callback" not in events
    assert manager.invoke("arya", "polish", 1) == "polished 1 times"
    assert host.manager().static_mode is False


def test_static_imports_and_versions(host: Host, events: list[str]) -> None:
    """Plugins of the program are bound to each other as wheels are, and may say which version they are."""
    modules = {name: importlib.import_module(f"trials.{name}") for name in ("importall", "snow")}
    arya = StaticPlugin(importlib.import_module("trials.arya"), version="1.0")
    manager = hotswap.PluginManager(static={**modules, "Arya": arya}, state_dir=host.state_dir)
    host.managers.append(manager)
    manager.load()
    assert list(manager.current) == ["arya", "snow", "importall"]
    assert manager.current["arya"].version == "1.0"
    assert manager.current["importall"].exported.what_the_others_say()[2] == "snow greets"


@pytest.mark.parametrize(("name", "count"), [("fns1", 7), ("fns2", 3), ("mismatch2", 2)])
def test_static_plugin_without_its_functions(host: Host, events: list[str], name: str, count: int) -> None:
    """Missing and wrong functions are all listed, with the signatures expected."""
    with pytest.raises(hotswap.ContractError, match=name) as caught:
        static(host, name, "arya").load()
    assert len(caught.value.faults) == count
    assert "def invoke_func(name, *args, **kwargs)" in str(caught.value)
    assert events == []


@pytest.mark.parametrize(
    ("function", "had_loaded"),
    [
        ("reloadable", []),
        ("export", []),
        ("import_", []),
        ("on_load", []),
        ("on_init", ["importall", "panics"]),
    ],
)
def test_static_plugin_that_raises(
    host: Host, events: list[str], monkeypatch: pytest.MonkeyPatch, function: str, had_loaded: list[str]
) -> None:
    """A function that raises names plugin and function, what had loaded is freed, and the load can be tried again."""
    monkeypatch.setenv(VARIABLE, f"panics {function} ValueError")
    manager = static(host, "importall", "panics")
    with pytest.raises(hotswap.LifecycleError, match=rf"^panics: {function}\(\) raised ValueError"):
        manager.load()
    assert freed(events) == had_loaded
    with pytest.raises(hotswap.NotLoadedError):
        _ = manager.current
    monkeypatch.setenv(VARIABLE, "panics invoke_func ValueError")
    manager.load()
    events.clear()
    manager.current.invoke_each("stamp")
    assert events == ["panics invoke_func", "importall invoke_func"]


@pytest.mark.parametrize(
    ("names", "error", "said"),
    [
        (["arya", "shadow1"], hotswap.ResolutionError, "live_not_today is in arya and in shadow1"),
        (["snow", "shadow2"], hotswap.ResolutionError, "LiveLongclaw is in shadow2 and in snow"),
        (["cyclic1", "cyclic2"], hotswap.CyclicDependencyError, "cyclic1 -> cyclic2 -> cyclic1"),
        (["mismatch1", "arya", "snow"], hotswap.ContractError, "the export of arya does not fit: it lacks sword"),
        (["xdep", "importall"], hotswap.UnknownDependencyError, "xdep 0 imports arya"),
    ],
)
def test_static_plugins_that_do_not_fit(
    host: Host, events: list[str], names: list[str], error: type[hotswap.HotswapError], said: str
) -> None:
    """What a set of wheels is refused for, a set of modules is refused for as well."""
    with pytest.raises(error, match=said):
        static(host, *names).load()


def test_static_whitelist(host: Host, events: list[str]) -> None:
    """`only=` chooses among the modules, and a name that is not among them is an error."""
    manager = static(host, "arya", "snow", "stubborn", only=["SNOW", "arya"])
    manager.load()
    assert list(manager.current) == ["arya", "snow"]
    with pytest.raises(hotswap.ResolutionError, match="bran"):
        static(host, "arya", only=["arya", "bran"]).load()


def test_two_spellings_of_a_static_name(host: Host) -> None:
    """Names that differ in case only are one, and an error that shows both."""
    arya, snow = (importlib.import_module(f"trials.{name}") for name in ("arya", "snow"))
    with pytest.raises(hotswap.UsageError, match="arya and aRya are one name"):
        hotswap.PluginManager(static={"arya": arya, "aRya": snow}, state_dir=host.state_dir)


def test_static_plugins_load_again(host: Host, events: list[str]) -> None:
    """After a close the same modules serve a second manager: nothing of the first is left in them."""
    for _ in range(2):
        events.clear()
        manager = static(host, "arya")
        manager.load()
        assert manager.invoke("arya", "live_anyone") == "anyone"
        manager.close()
        assert events[-1] == "arya on_free"
