"""The ancestor's cases of reloads: what is unchanged, replaced, kept, rebound, removed, shared, counted and freed.

Which test of the ancestor each is, `test_trials_table.py` says.
"""

from __future__ import annotations

import dataclasses
import itertools
import threading
from collections.abc import Callable, Iterator
from contextvars import copy_context

import pytest
from conftest import PATIENCE, Host, eventually
from trials import VARIABLE, build

import hotswap
from hotswap import Outcome, ReloadReport


class Lease:
    """A lease that no code of the test is inside of, given back by `end()`."""

    def __init__(self, manager: hotswap.PluginManager) -> None:
        self._lease = manager.lease()
        self._context = copy_context()
        self._context.run(self._lease.__enter__)

    def end(self) -> None:
        self._context.run(self._lease.__exit__, None, None, None)


Leasing = Callable[[hotswap.PluginManager], Lease]


@pytest.fixture
def leasing(host: Host) -> Iterator[Leasing]:
    """Makes leases, which end with the test at the latest: closing the manager would wait for them."""
    leases: list[Lease] = []

    def make(manager: hotswap.PluginManager) -> Lease:
        leases.append(Lease(manager))
        return leases[-1]

    yield make
    for lease in leases:
        lease.end()


def load(host: Host, *names: str, **options: object) -> hotswap.PluginManager:
    """The named trial plugins, loaded."""
    build(host.plugins, *names)
    return host.loaded(**options)


def outcomes(manager: hotswap.PluginManager) -> dict[str, str]:
    """What the latest change did to each plugin, as the plugins themselves say."""
    return {plugin.name: str(plugin.outcome) for plugin in manager.current.plugins}


def freed(events: list[str]) -> list[str]:
    """The plugins whose `on_free` ran, in order."""
    return [event.split()[0] for event in events if event.endswith(" on_free")]


def remove(host: Host, *names: str) -> None:
    """Take the wheels of these plugins away."""
    for name in names:
        for wheel in host.plugins.glob(f"{name}-*.whl"):
            wheel.unlink()


def stamps(manager: hotswap.PluginManager) -> dict[str, str]:
    """The stamp that each plugin was built with."""
    return {plugin.name: plugin.lookup("STAMP", str) for plugin in manager.current.plugins}


# ------------------------------------------------------------------------------------------------------- outcomes


def test_a_life(host: Host, events: list[str], leasing: Leasing) -> None:
    """One wheel changes among three: it is replaced, one is unchanged, one not reloadable, and only it is freed."""
    names = ["arya", "snow", "stubborn"]
    build(host.plugins, *names)
    manager = host.manager()
    report = manager.load()
    assert dict(report) == dict.fromkeys(names, Outcome.LOADED)
    assert stamps(manager) == dict.fromkeys(names, "")
    first = manager.current
    old = {plugin.name: plugin for plugin in first.plugins}
    lease = leasing(manager)
    build(host.plugins, "snow", "stubborn", stamp="stark")
    report = manager.reload()
    assert str(report) == "arya: unchanged, snow: reloaded, stubborn: not reloadable"
    assert outcomes(manager) == {"arya": "unchanged", "snow": "reloaded", "stubborn": "not reloadable"}
    assert stamps(manager) == {"arya": "", "snow": "stark", "stubborn": ""}
    assert manager.current is not first
    assert manager.current["arya"] is old["arya"]
    assert manager.current["stubborn"] is old["stubborn"]
    assert manager.current["snow"] is not old["snow"]
    assert manager.reload_count == 1
    assert freed(events) == []
    lease.end()
    assert eventually(lambda: freed(events) == ["snow"])
    assert eventually(lambda: {plugin.refs for plugin in manager.current.plugins} == {1})


def test_on_free_in_reverse_of_the_load_order(host: Host, events: list[str]) -> None:
    """Closing frees in reverse of the load order, also where reloads have replaced some of the plugins since."""
    manager = load(host, "arya", "snow", "stubborn")
    build(host.plugins, "arya", stamp="new")
    manager.reload()
    assert list(manager.current) == ["arya", "snow", "stubborn"]
    assert eventually(lambda: freed(events) == ["arya"])
    manager.close()
    assert freed(events)[1:] == ["stubborn", "snow", "arya"]


def test_text_of_a_report_is_sorted_by_name(host: Host, events: list[str]) -> None:
    """Whatever the load order, the text of a report has the plugins by name, removed ones among them."""
    manager = load(host, "arya", "importall", "snow", "stubborn", "xdep")
    build(host.plugins, "importall", "stubborn", stamp="new")
    wheel = next(host.plugins.glob("xdep-*"))
    wheel.unlink()
    plan = manager.plan()
    assert sorted(plan.steps) == ["arya", "importall", "snow", "stubborn"]
    for steps in itertools.permutations(plan.steps.items()):
        report = ReloadReport(2, dataclasses.replace(plan, steps=dict(steps)), {})
        assert str(report) == (
            "arya: unchanged, importall: reloaded, snow: unchanged, stubborn: not reloadable, xdep: removed"
        )


def test_unchanged_with_and_without_brothers(host: Host, events: list[str]) -> None:
    """A changed wheel is loaded anew once; after that the plugin stays the same, whoever comes and goes beside it."""
    manager = load(host, "arya")
    build(host.plugins, "arya", stamp="stark")
    assert str(manager.reload()) == "arya: reloaded"
    assert stamps(manager) == {"arya": "stark"}
    arya = manager.current["arya"]
    assert str(manager.reload()) == "arya: unchanged"
    build(host.plugins, "snow")
    assert str(manager.reload()) == "arya: unchanged, snow: loaded"
    assert len(manager.current) == 2
    remove(host, "snow")
    assert str(manager.reload()) == "arya: unchanged, snow: removed"
    assert list(manager.current.values()) == [arya]
    assert eventually(lambda: freed(events) == ["arya", "snow"])
    assert [event for event in events if event == "arya on_load"] == ["arya on_load"] * 2


def test_stubborn(host: Host, events: list[str]) -> None:
    """A not reloadable plugin is kept though its wheel changed, and says so; an unchanged one is just unchanged."""
    manager = load(host, "stubborn")
    stubborn = manager.current["stubborn"]
    assert (stubborn.outcome, stubborn.reloadable) == (Outcome.LOADED, False)
    assert str(manager.reload()) == "stubborn: unchanged"
    build(host.plugins, "stubborn", stamp="dogged", version="2.0")
    assert str(manager.reload()) == "stubborn: not reloadable"
    assert manager.current["stubborn"] is stubborn
    assert (stubborn.outcome, stubborn.version, stubborn.lookup("STAMP")) == (Outcome.NOT_RELOADABLE, "1.0", "")
    assert events.count("stubborn on_load") == 1
    assert freed(events) == []


def test_nothing_is_loaded_anew(host: Host, events: list[str]) -> None:
    """A reload of plugins that depend on one another without any new wheel calls nothing and says so for each."""
    manager = load(host, "importall", "arya", "snow", "stubborn")
    events.clear()
    assert dict(manager.reload()) == dict.fromkeys(["arya", "snow", "importall", "stubborn"], Outcome.UNCHANGED)
    assert list(manager.current) == ["arya", "snow", "importall", "stubborn"]
    assert events == []


# ----------------------------------------------------------------------------------------------- changed imports


def test_new_imports_of_a_changed_plugin(host: Host, events: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that was rebuilt may import less, and what nobody imports any more may go; the rest stays."""
    manager = load(host, "xdep", "importall", "arya", "snow")
    assert manager.invoke("xdep", "which") == "Both"
    monkeypatch.setenv(VARIABLE, "mini")
    build(host.plugins, "xdep", stamp="mini")
    remove(host, "importall", "snow")
    arya = manager.current["arya"]
    assert dict(manager.reload()) == {
        "arya": Outcome.UNCHANGED,
        "xdep": Outcome.RELOADED,
        "importall": Outcome.REMOVED,
        "snow": Outcome.REMOVED,
    }
    assert manager.invoke("xdep", "bound") == {"arya": arya.exported}
    assert eventually(lambda: freed(events) == ["xdep", "importall", "snow"])


def test_rebuilt_while_its_dependent_was_not(host: Host, events: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the ancestor refuses, the dependent that was not rebuilt is bound to the new export by itself."""
    manager = load(host, "xdep", "importall", "arya", "snow")
    before = manager.current["importall"].exported
    monkeypatch.setenv(VARIABLE, "mini")
    build(host.plugins, "importall", stamp="new")
    assert str(manager.reload()) == "arya: unchanged, importall: reloaded, snow: unchanged, xdep: rebound"
    assert manager.current["importall"].exported is not before
    assert manager.invoke("xdep", "which") == "Mini"  # loaded afresh, it asked for its imports again
    assert eventually(lambda: freed(events) == ["xdep", "importall"])

    monkeypatch.setenv(VARIABLE, "nothing")
    build(host.plugins, "xdep", stamp="alone")
    remove(host, "importall", "arya", "snow")
    assert str(manager.reload()) == "arya: removed, importall: removed, snow: removed, xdep: reloaded"
    assert manager.invoke("xdep", "bound") == {}


def test_rebound_to_the_new_export(host: Host, events: list[str]) -> None:
    """A plugin whose dependency was rebuilt has the new export in its hands, and the order of calls is kept."""
    manager = load(host, "importall", "arya", "snow", "stubborn")
    events.clear()
    build(host.plugins, "snow", stamp="new")
    assert str(manager.reload()) == "arya: unchanged, importall: rebound, snow: reloaded, stubborn: unchanged"
    deps = manager.current["importall"].lookup("deps")
    assert deps.snow is manager.current["snow"].exported
    assert deps.arya is manager.current["arya"].exported
    assert [event for event in events if event.endswith(("on_load", "on_init"))] == [
        "snow on_load", "importall on_load", "snow on_init", "importall on_init",
    ]  # fmt: skip
    assert eventually(lambda: freed(events) == ["importall", "snow"])


def test_failing_imports_of_a_reload_change_nothing(
    host: Host, events: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reload that ends in a cycle leaves the very same generation, whose plugins go on as before."""
    manager = load(host, "xdep", "importall", "arya", "snow")
    before = manager.current
    monkeypatch.setenv(VARIABLE, "mutual")
    build(host.plugins, "xdep", "importall", stamp="new")
    with pytest.raises(hotswap.CyclicDependencyError, match="importall -> xdep -> importall"):
        manager.reload()
    assert manager.current is before
    assert manager.reload_count == 0
    assert manager.invoke("xdep", "which") == "Both"
    assert freed(events) == []


# --------------------------------------------------------------------------------- references, vault, and freeing


def test_references_are_counted(host: Host, events: list[str], leasing: Leasing) -> None:
    """`refs` counts the generations in use that have the plugin: one per lease of an older one, and the current."""
    manager = load(host, "arya")
    arya = manager.current["arya"]
    assert arya.refs == 1
    leases: list[Lease] = []
    for count in (2, 3, 4):
        leases.append(leasing(manager))
        manager.reload()
        assert eventually(lambda count=count: arya.refs == count)  # type: ignore[misc]
    for left in (3, 2, 1):
        leases.pop().end()
        assert eventually(lambda left=left: arya.refs == left)  # type: ignore[misc]
    lease = leasing(manager)
    build(host.plugins, "arya", stamp="new")
    manager.reload()
    assert (arya.refs, manager.current["arya"].refs) == (1, 1)
    lease.end()
    assert eventually(lambda: arya.refs == 0)
    assert eventually(lambda: freed(events) == ["arya"])


def test_references_of_the_not_reloadable(host: Host, events: list[str], leasing: Leasing) -> None:
    """A plugin that is kept though its wheel changed is counted like one that did not change."""
    manager = load(host, "stubborn")
    lease = leasing(manager)
    build(host.plugins, "stubborn", stamp="dogged")
    manager.reload()
    assert manager.current["stubborn"].refs == 2
    lease.end()
    assert eventually(lambda: manager.current["stubborn"].refs == 1)


def test_shared_plugin_outlives_who_shared_it(host: Host, events: list[str], leasing: Leasing) -> None:
    """`on_free` runs once, and only when no generation refers to the plugin."""
    manager = load(host, "arya", "snow")
    lease = leasing(manager)
    remove(host, "arya")
    build(host.plugins, "snow", stamp="new")
    assert str(manager.reload()) == "arya: removed, snow: reloaded"
    assert freed(events) == []
    lease.end()
    assert eventually(lambda: freed(events) == ["snow", "arya"])
    manager.close()
    assert freed(events) == ["snow", "arya", "snow"]


def test_unchanged_plugin_sees_the_new_vault(host: Host, events: list[str]) -> None:
    """A vault that an unchanged plugin stored shows the new generation's live things, data and extension."""
    made = itertools.count(1)
    manager = load(host, "arya", "snow", extension=lambda: next(made))
    vault = manager.current["arya"].lookup("shared.vault")
    assert sorted(vault.live_types) == ["LiveList", "LiveLongclaw"]
    assert dict(vault.data_bag) == {"arya": "initialised", "snow": "initialised"}
    assert vault.extension == 1
    remove(host, "snow")
    manager.reload()
    assert manager.current["arya"].lookup("shared.vault") is vault
    assert sorted(vault.live_types) == ["LiveList"]
    assert dict(vault.data_bag) == {"arya": "initialised"}
    assert vault.extension == manager.current.vault.extension == 2
    manager.reload()
    assert (vault.extension, next(made)) == (3, 4)


@pytest.mark.parametrize("delay", [1000, 1e12, float("inf")])
def test_free_delay(host: Host, events: list[str], delay: float) -> None:
    """`on_free` does not come before `free_delay` has passed, however long, and `close` does not wait for it."""
    manager = load(host, "arya", "snow", free_delay=delay)
    for number in range(3):
        build(host.plugins, "snow", stamp=f"new {number}")
        manager.reload()
        assert eventually(lambda: {retired.state for retired in manager.retired()} == {"drained"})
    assert [retired.plugin for retired in manager.retired()] == ["snow"] * 3
    assert freed(events) == []
    manager.close()
    assert sorted(freed(events)) == ["arya", *["snow"] * 4]


def test_free_delay_of_nothing(host: Host, events: list[str]) -> None:
    """Without a delay what nobody uses is free when the reload returns."""
    manager = load(host, "snow", free_delay=0)
    build(host.plugins, "snow", stamp="new")
    manager.reload()
    assert freed(events) == ["snow"]


def test_changed_directory(host: Host, events: list[str]) -> None:
    """`set_sources` changes nothing until the next reload, which takes the plugins from there."""
    manager = load(host, "arya", "snow")
    other = host.plugins.parent / "other"
    build(other, "arya", stamp="other")
    build(other, "stubborn")
    manager.set_sources(other)
    assert list(manager.current) == ["arya", "snow"]
    assert freed(events) == []
    assert str(manager.reload()) == "arya: reloaded, snow: removed, stubborn: loaded"
    assert stamps(manager) == {"arya": "other", "stubborn": ""}
    with pytest.raises(hotswap.UsageError, match="42 is no source"):
        manager.set_sources(42)  # type: ignore[arg-type]
    manager.set_sources(host.plugins / "nowhere")
    with pytest.raises(hotswap.UsageError, match="nowhere"):
        manager.reload()
    assert stamps(manager) == {"arya": "other", "stubborn": ""}


def test_calls_in_flight_end_in_the_old_version(host: Host, events: list[str]) -> None:
    """Of a thread that holds a lease over a reload every call is answered by the version it began with."""
    manager = load(host, "snow")
    leased, swapped = threading.Event(), threading.Event()
    answers: list[str] = []

    def work() -> None:
        with manager.lease():
            answers.append(manager.invoke("snow", "stamp"))
            leased.set()
            assert swapped.wait(PATIENCE)
            answers.append(manager.invoke("snow", "stamp"))
        answers.append(manager.invoke("snow", "stamp"))

    thread = threading.Thread(target=work)
    thread.start()
    assert leased.wait(PATIENCE)
    build(host.plugins, "snow", stamp="new")
    manager.reload()
    swapped.set()
    thread.join(PATIENCE)
    assert answers == ["", "", "new"]
