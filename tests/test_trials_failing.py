"""The ancestor's cases of plugins and callbacks that fail: whose fault it was, what is freed, and what stays.

Which test of the ancestor each is, `test_trials_table.py` says.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable

import pytest
from conftest import Host, eventually
from trials import VARIABLE, build

import hotswap

FREED = {
    # Stage by stage: what had loaded when `panics`, which `importall` imports, failed.
    "reloadable": [],
    "export": [],
    "import_": [],
    "on_load": [],
    "on_init": ["importall", "panics"],
}


def freed(events: list[str]) -> list[str]:
    """The plugins whose `on_free` ran, in order."""
    return [event.split()[0] for event in events if event.endswith(" on_free")]


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The first lines of the errors logged, in order."""
    return [r.getMessage().splitlines()[0] for r in caplog.records if r.levelno >= logging.ERROR]


# ------------------------------------------------------------------------------------------------- the plugins'


@pytest.mark.parametrize("kind", ["ValueError", "SystemExit"])
@pytest.mark.parametrize("function", list(FREED))
@pytest.mark.parametrize("action", ["load", "reload"])
def test_each_function_raises(
    host: Host, events: list[str], monkeypatch: pytest.MonkeyPatch, action: str, function: str, kind: str
) -> None:
    """An exception in a lifecycle function names plugin and function, has the stack, and undoes what was done."""
    build(host.plugins, "importall", "panics")
    manager = host.manager()
    before: list[hotswap.Generation] = []
    monkeypatch.setenv(VARIABLE, "panics")
    if action == "reload":
        manager.load()
        before.append(manager.current)
        build(host.plugins, "importall", "panics", stamp="new")
    events.clear()
    monkeypatch.setenv(VARIABLE, f"panics {function} {kind}")
    with pytest.raises(hotswap.LifecycleError, match=rf"^panics: {function}\(\) raised {kind}: panics {function}") as e:
        getattr(manager, action)()
    assert (e.value.plugin, e.value.function) == ("panics", f"{function}()")
    assert type(e.value.__cause__).__name__ == kind
    assert 'panics.py", line' in "".join(traceback.format_exception(e.value))
    assert freed(events) == FREED[function]
    assert events.count(f"panics {function}") == 1
    # While binding everybody is asked, so that all faults are known at once; later functions stop at the first.
    assert (f"importall {function}" in events) == (function in ("reloadable", "export", "import_"))
    if before:
        assert manager.current is before[0]
        assert manager.invoke("panics", "stamp") == ""
    else:
        with pytest.raises(hotswap.NotLoadedError):
            _ = manager.current
    assert manager.reload_count == 0
    monkeypatch.setenv(VARIABLE, "panics")
    getattr(manager, action)()
    assert list(manager.current) == ["panics", "importall"]


def test_importers_on_load_raises(host: Host, events: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """When a dependent fails in `on_load`, its dependency has loaded and is freed; the dependent has not."""
    build(host.plugins, "arya", "importall", "snow", "stubborn")
    monkeypatch.setenv(VARIABLE, "importall on_load ValueError")
    with pytest.raises(hotswap.LifecycleError, match=r"importall: on_load\(\) raised"):
        host.manager().load()
    assert [event.split()[0] for event in events if event.endswith("on_load")] == ["arya", "snow", "importall"]
    assert freed(events) == ["snow", "arya"]


def test_keyboard_interrupt_is_nobodys_fault(host: Host, events: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C passes as it is from every function, and what had loaded is freed all the same."""
    build(host.plugins, "importall", "panics")
    manager = host.manager()
    for function, had_loaded in FREED.items():
        events.clear()
        monkeypatch.setenv(VARIABLE, f"panics {function} KeyboardInterrupt")
        with pytest.raises(KeyboardInterrupt, match=f"panics {function} was told to"):
            manager.load()
        assert freed(events) == had_loaded
    monkeypatch.setenv(VARIABLE, "panics")
    assert str(manager.load()) == "importall: loaded, panics: loaded"


def test_on_free_raises(
    host: Host, events: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What `on_free` raises is logged with the plugin's name and the stack, and the others are freed."""
    build(host.plugins, "importall", "panics", "arya")
    monkeypatch.setenv(VARIABLE, "panics on_free ValueError")
    manager = host.loaded()
    manager.close()
    assert freed(events) == ["importall", "panics", "arya"]
    assert errors(caplog) == ["panics: on_free() raised ValueError: panics on_free was told to"]
    assert 'panics.py", line' in caplog.text


@pytest.mark.parametrize("kind", ["ValueError", "SystemExit"])
def test_invoke_each_both_ways(
    host: Host, events: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    """Plugins are asked in load order and backwards; those that raise are logged by name, and the others still run."""
    build(host.plugins, "importall", "panics", "stubborn")
    monkeypatch.setenv(VARIABLE, f"panics invoke_func {kind}")
    generation = host.loaded().current
    assert list(generation) == ["panics", "importall", "stubborn"]
    events.clear()
    generation.invoke_each("stamp")
    assert events == [f"{name} invoke_func" for name in ("panics", "importall", "stubborn")]
    events.clear()
    generation.invoke_each_backward("stamp")
    assert events == [f"{name} invoke_func" for name in ("stubborn", "importall", "panics")]
    assert errors(caplog) == ["panics: invoke_func('stamp') raised"] * 2
    assert f"{kind}: panics invoke_func was told to" in caplog.text

    caplog.clear()
    monkeypatch.setenv(VARIABLE, "panics")
    generation.invoke_each("foo")
    said = [f"{name}: invoke_func('foo') raised" for name in ("panics", "importall", "stubborn")]
    assert errors(caplog) == said
    caplog.clear()
    generation.invoke_each_backward("foo")
    assert errors(caplog) == said[::-1]


def test_invoke_each_lets_ctrl_c_pass(host: Host, events: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in one plugin ends the round: it is the user's."""
    build(host.plugins, "importall", "panics")
    monkeypatch.setenv(VARIABLE, "panics invoke_func KeyboardInterrupt")
    generation = host.loaded().current
    events.clear()
    with pytest.raises(KeyboardInterrupt):
        generation.invoke_each("stamp")
    assert events == ["panics invoke_func"]


# ------------------------------------------------------------------------------------------------------ the host's


def test_extension_raises(host: Host, events: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure between the phases, in the host's own code, frees what had loaded, dependents first."""
    monkeypatch.setenv(VARIABLE, "mini")
    build(host.plugins, "xdep", "arya")

    def extension() -> None:
        raise ValueError("no extension today")

    with pytest.raises(hotswap.ReloadVetoError, match="extension= raised ValueError: no extension today"):
        host.manager(extension=extension).load()
    assert [event for event in events if event.endswith(("on_load", "on_init"))] == ["arya on_load", "xdep on_load"]
    assert freed(events) == ["xdep", "arya"]


def test_failure_after_on_init(host: Host, events: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure after everything has been initialised frees all that was new, dependents first, and nothing else."""
    monkeypatch.setenv(VARIABLE, "mini")
    build(host.plugins, "xdep", "arya", "snow")
    manager = host.loaded()
    before = manager.current
    build(host.plugins, "xdep", "arya", stamp="new")
    events.clear()

    def interrupt(new: hotswap.Generation, old: hotswap.Generation) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        manager.reload(callback=interrupt)
    assert [event for event in events if event.endswith("on_init")] == ["arya on_init", "xdep on_init"]
    assert freed(events) == ["xdep", "arya"]
    assert manager.current is before
    assert manager.invoke("xdep", "stamp") == ""


def test_callbacks(host: Host, events: list[str]) -> None:
    """Each reload asks the callback with both generations; failing or exiting undoes it; an extra one comes last."""
    seen: list[tuple[int, int]] = []
    said: list[str] = []
    ways: list[Callable[[], object]] = [
        lambda: said.append("first"),
        lambda: raising(ValueError("unreasonable")),
        lambda: raising(SystemExit("panic")),
        lambda: said.append("fourth"),
        lambda: said.append("fifth"),
    ]

    def on_reload(new: hotswap.Generation, old: hotswap.Generation) -> object:
        assert new is not old
        seen.append((new.number, old.number))
        return ways[len(seen) - 1]()

    build(host.plugins, "snow")
    manager = host.loaded(on_reload=on_reload)
    assert seen == []  # a first load replaces nothing
    build(host.plugins, "snow", stamp="1")
    manager.reload()
    assert eventually(lambda: freed(events) == ["snow"])
    before = manager.current
    for stamp, way in (("2", "ValueError: unreasonable"), ("3", "SystemExit: panic")):
        build(host.plugins, "snow", stamp=stamp)
        events.clear()
        with pytest.raises(hotswap.ReloadVetoError, match=rf"on_reload vetoed the reload: {way}") as caught:
            manager.reload()
        assert caught.value.__cause__ is not None
        assert freed(events) == ["snow"]
        assert manager.current is before
        assert manager.invoke("snow", "stamp") == "1"
        assert manager.reload_count == 1
    manager.reload(callback=lambda new, old: said.append("extra"))
    assert said == ["first", "fourth", "extra"]
    assert seen == [(2, 1), (3, 2), (3, 2), (3, 2)]
    assert manager.invoke("snow", "stamp") == "3"
    manager.rollback(callback=lambda new, old: said.append(f"back from {old['snow'].lookup('STAMP')}"))
    assert said[3:] == ["fifth", "back from 3"]
    assert manager.reload_count == 3


def raising(error: BaseException) -> None:
    raise error


def test_extra_callback_is_not_asked_after_a_veto(host: Host, events: list[str]) -> None:
    """Once `on_reload` has said no, the extra callback is not asked; it can say no itself as well."""
    asked: list[str] = []
    build(host.plugins, "snow")
    manager = host.loaded(on_reload=lambda new, old: asked.append("always") if len(asked) else raising(OSError("no")))
    before = manager.current
    with pytest.raises(hotswap.ReloadVetoError, match="OSError: no"):
        manager.reload(callback=lambda new, old: asked.append("extra"))
    assert asked == []
    asked.append("from now on")
    with pytest.raises(hotswap.ReloadVetoError, match="LookupError: nor so"):
        manager.reload(callback=lambda new, old: raising(LookupError("nor so")))
    assert asked == ["from now on", "always"]
    assert manager.current is before
    assert freed(events) == []  # snow was unchanged: undoing leaves what is kept alone
    assert manager.invoke("snow", "stamp") == ""


def test_callback_may_call_both_generations(host: Host, events: list[str]) -> None:
    """Before the swap both generations answer, the new one with its vault, and calls of the manager go to the old."""
    answers: list[object] = []
    build(host.plugins, "arya", "snow")
    manager = host.loaded()

    def look(new: hotswap.Generation, old: hotswap.Generation) -> None:
        answers.extend(generation["snow"].invoke_func("stamp") for generation in (new, old))
        answers.append(manager.invoke("snow", "stamp"))
        answers.append(new["arya"] is old["arya"])
        answers.append(dict(new.vault.data_bag))
        new.vault.data_bag["host"] = "was here"

    build(host.plugins, "snow", stamp="new")
    manager.reload(callback=look)
    bag = {"arya": "initialised", "snow": "initialised"}
    assert answers == ["new", "", "", True, bag]
    assert dict(manager.current.vault.data_bag) == {**bag, "host": "was here"}
