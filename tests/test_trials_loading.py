"""The ancestor's cases of a first load: names, order, imports, exports, live names, and what it refuses.

Which test of the ancestor each is, `test_trials_table.py` says.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Host
from trials import VARIABLE, build

import hotswap
from hotswap import Outcome

SEVEN = ("on_load", "on_init", "on_free", "export", "import_", "invoke_func", "reloadable")
UNDONE = ("on_load", "on_init", "on_free")


def load(host: Host, *names: str) -> hotswap.PluginManager:
    """The named trial plugins, loaded."""
    build(host.plugins, *names)
    return host.loaded()


def order(manager: hotswap.PluginManager, *names: str) -> list[str]:
    """Those of the names that are loaded, in load order."""
    return [name for name in manager.current if name in names]


def calls(events: list[str], function: str) -> list[str]:
    """The plugins whose function was called, in order."""
    return [event.split()[0] for event in events if event.split()[1] == function]


# ----------------------------------------------------------------------------------------------------- one plugin


def test_names_that_differ_in_case_only(host: Host, events: list[str]) -> None:
    """Different files for one name in any spelling are an error that names the name and each file, and nobody else."""
    wheels = [
        *build(host.plugins / "foo", "arya"),
        *build(host.plugins / "bar" / "foo", "aRya"),
        *build(host.plugins, "aryA", stamp="other"),
    ]
    build(host.plugins, "snow")
    manager = host.manager([wheel.parent for wheel in wheels])
    with pytest.raises(hotswap.ResolutionError, match=r"arya 1\.0 is on offer as different wheels") as caught:
        manager.load()
    assert caught.value.plugins == ("arya",)
    assert all(str(wheel) in str(caught.value) for wheel in wheels)
    assert "snow" not in str(caught.value)
    assert events == []


def test_newest_of_several_versions_in_different_case(host: Host) -> None:
    """Several versions of one name are no conflict, however each is spelt: the newest is loaded."""
    build(host.plugins, "arya", version="1.0")
    build(host.plugins, "aRya", version="1.10")
    build(host.plugins, "aryA", version="1.9")
    assert [(p.name, p.version) for p in host.loaded().current.plugins] == [("arya", "1.10")]


def test_one(host: Host, events: list[str]) -> None:
    """One plugin: its export, its calls, its live things and its data, and no second load."""
    manager = load(host, "arya")
    generation = manager.current
    arya = generation["arya"]
    assert len(generation) == len(generation.plugins) == 1
    with pytest.raises(hotswap.UsageError, match=r"loaded already: call reload\(\)"):
        manager.load()
    assert manager.current is generation
    assert arya.exported.greet() == "arya greets"
    assert arya.dependencies == ()
    assert arya.invoke_func("polish", 3) == "polished 3 times"
    assert arya.reloadable is True
    assert arya.outcome is Outcome.LOADED
    assert sorted(generation.vault.live_funcs) == ["live_anyone", "live_not_today"]
    assert sorted(generation.vault.live_types) == ["LiveList"]
    assert dict(generation.vault.data_bag) == {"arya": "initialised"}
    assert [event.split()[1] for event in events[:5]] == ["reloadable", "export", "import_", "on_load", "on_init"]


def test_live_things_are_called_through_the_vault(host: Host, events: list[str]) -> None:
    """The vault has the live things of all modules of a plugin before `on_init`, and not those of host modules."""
    manager = load(host, "arya", "snow")
    assert manager.invoke("arya", "seen") == (["live_anyone", "live_not_today"], ["LiveList", "LiveLongclaw"])
    assert manager.invoke("arya", "live_not_today", "death") == "not today, death"
    assert manager.invoke("arya", "live_anyone") == "anyone"
    assert manager.invoke("arya", "LiveList", json.dumps({"names": ["a", "b"]})) == "2 on the list"
    with pytest.raises(LookupError, match="no function live_lesson"):
        manager.invoke("arya", "live_lesson")


def test_lookup(host: Host, events: list[str]) -> None:
    """`lookup` finds functions and values, also in submodules, checks the type, and names what is not there."""
    arya = load(host, "arya").current["arya"]
    for function in SEVEN:
        assert arya.lookup(function).__name__ == function
    assert arya.lookup("BLOWS", int) == 100
    assert arya.lookup("SAME_BLOWS", list) == [100]
    assert arya.lookup("needle.polish")(2) == "polished 2 times"
    assert arya.lookup("Export")().sneak() == "arya sneaks"
    assert isinstance(arya.lookup("shared.vault", hotswap.Vault), hotswap.Vault)
    with pytest.raises(hotswap.ContractError, match="BLOWS: does not fit: it is of type int, not float") as caught:
        arya.lookup("BLOWS", float)
    assert caught.value.plugin == "arya"
    for absent in ("nothing", "needle.nothing", "BLOWS.nothing", "blows"):
        with pytest.raises(AttributeError, match=rf"arya 1\.0 has nothing called {absent}"):
            arya.lookup(absent)


@pytest.mark.parametrize("symbol", ["", ".", "needle.", None, 7])
def test_lookup_of_no_name(host: Host, events: list[str], symbol: object) -> None:
    """A symbol that is no name is refused with the plugin and the symbol in the message."""
    arya = load(host, "arya").current["arya"]
    with pytest.raises((AttributeError, hotswap.UsageError), match=r"arya") as caught:
        arya.lookup(symbol)
    assert repr(symbol) in str(caught.value) or str(symbol) in str(caught.value)


@pytest.mark.parametrize("kind", ["int", 7, ()])
def test_lookup_with_no_type(host: Host, events: list[str], kind: object) -> None:
    """A `type=` that is no type is an error, and not taken for one that everything fits."""
    arya = load(host, "arya").current["arya"]
    with pytest.raises((TypeError, hotswap.UsageError), match="type"):
        arya.lookup("BLOWS", kind)


def test_find_in_any_case(host: Host, events: list[str]) -> None:
    """Plugins are found by their names in any case, and `find` of an unknown name is None."""
    generation = load(host, "aRya", "snow").current
    assert generation.find("ARYA") is generation["Arya"] is generation.plugins[0]
    assert generation.plugins[0].name == "arya"
    assert generation.find("syrio") is None
    with pytest.raises(hotswap.PluginNotFoundError, match="there are: arya, snow"):
        generation["syrio"]


# ------------------------------------------------------------------------------------------- order and dependencies


def test_two(host: Host, events: list[str]) -> None:
    """Two plugins that do not know each other load by name, and each gets the host's data."""
    build(host.plugins, "snow", "arya")
    manager = host.manager()
    report = manager.load({"from": "the host"})
    assert str(report) == "arya: loaded, snow: loaded"
    assert [plugin.name for plugin in manager.current.plugins] == ["arya", "snow"]
    assert manager.invoke("snow", "received") == [{"from": "the host"}]


def test_importall(host: Host, events: list[str]) -> None:
    """Dependencies come first in load order, `on_load` and `on_init`, and last in `on_free`; exports are assigned."""
    manager = load(host, "importall", "arya", "snow", "stubborn")
    assert list(manager.current) == ["arya", "snow", "importall", "stubborn"]
    importall = manager.current["importall"]
    assert importall.dependencies == ("arya", "snow")
    assert importall.exported.what_the_others_say() == [
        "arya greets", "arya sneaks", "snow greets", "snow has a sword",
    ]  # fmt: skip
    assert calls(events, "on_load") == calls(events, "on_init") == ["arya", "snow", "importall", "stubborn"]
    # The binding functions run before anything is known of who needs whom, so they go by name.
    assert calls(events, "export") == calls(events, "import_") == ["arya", "importall", "snow", "stubborn"]
    assert sorted(manager.current.graph.edges) == [("arya", "importall"), ("snow", "importall")]
    manager.close()
    assert calls(events, "on_free") == ["stubborn", "importall", "snow", "arya"]


def test_order_by_dependencies(host: Host, events: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that exports None can be imported for the order alone, and each import object has its own set."""
    monkeypatch.setenv(VARIABLE, "stark")
    manager = load(host, "xdep", "importall", "arya", "snow")
    assert list(manager.current) == ["arya", "snow", "xdep", "importall"]
    assert manager.current["importall"].dependencies == ("arya", "snow", "xdep")
    assert manager.invoke("xdep", "which") == manager.invoke("importall", "which") == "Stark"


@pytest.mark.parametrize("variant", ["", "ignore", "mini", "order", "nothing"])
def test_imports_chosen_at_run_time(
    host: Host, events: list[str], monkeypatch: pytest.MonkeyPatch, variant: str
) -> None:
    """What `import_()` returns decides: values, fields that are no imports, order without a value, nothing."""
    monkeypatch.setenv(VARIABLE, variant)
    manager = load(host, "xdep", "importall", "arya", "snow")
    exported = {plugin.name: plugin.exported for plugin in manager.current.plugins}
    bound, dependencies = {
        "": ({"importall": exported["importall"], "arya": exported["arya"]}, ("arya", "importall")),
        "ignore": (
            {"importall": exported["importall"], "arya": exported["arya"], "typo": "untouched"},
            ("arya", "importall"),
        ),
        "mini": ({"arya": exported["arya"]}, ("arya",)),
        "order": ({}, ("arya",)),
        "nothing": ({}, ()),
    }[variant]
    assert manager.current["xdep"].dependencies == dependencies
    assert manager.invoke("xdep", "bound") == bound
    assert manager.invoke("xdep", "which") == (variant or "both").title()
    assert order(manager, "xdep", *dependencies)[-1] == "xdep"
    if variant != "mini":  # which changes the imports of both
        assert manager.current["importall"].dependencies == ("arya", "snow")


@pytest.mark.parametrize(
    ("names", "variant", "cycle"),
    [
        (["cyclic1", "cyclic2"], "", ("cyclic1", "cyclic2", "cyclic1")),
        (["cyclic1", "cyclic2", "cyclic3"], "third", ("cyclic1", "cyclic2", "cyclic3", "cyclic1")),
        (["cyclic2"], "itself", ("cyclic2", "cyclic2")),
        (["xdep", "importall", "arya", "snow"], "mutual", ("importall", "xdep", "importall")),
    ],
)
def test_cycles(
    host: Host,
    events: list[str],
    monkeypatch: pytest.MonkeyPatch,
    names: list[str],
    variant: str,
    cycle: tuple[str, ...],
) -> None:
    """Plugins that import one another, or themselves, are an error that shows the whole path; nothing has loaded."""
    monkeypatch.setenv(VARIABLE, variant)
    with pytest.raises(hotswap.CyclicDependencyError, match=" -> ".join(cycle)) as caught:
        load(host, *names)
    assert caught.value.cycle == cycle
    assert not [event for event in events if event.endswith(UNDONE)]


# ------------------------------------------------------------------------------------------------ what is refused


def test_export_of_another_type(host: Host, events: list[str]) -> None:
    """An export that is not what its importer asks for names both, the attribute, and what is lacking."""
    with pytest.raises(hotswap.ContractError) as caught:
        load(host, "mismatch1", "arya", "snow")
    (fault,) = caught.value.faults
    assert caught.value.plugin == "mismatch1"
    assert "Deps.arya" in fault.where
    assert fault.what == "the export of arya does not fit: it lacks sword, which SnowExport has"
    assert not [event for event in events if event.endswith(UNDONE)]


def test_functions_of_the_wrong_type(host: Host, events: list[str]) -> None:
    """Functions that cannot be called as specified are all named, with the signatures expected."""
    with pytest.raises(hotswap.ContractError, match="mismatch2") as caught:
        load(host, "mismatch2")
    assert len(caught.value.faults) == 2
    for expected in ("def on_load(data)", "def invoke_func(name, *args, **kwargs)"):
        assert expected in str(caught.value)
    assert events == []


@pytest.mark.parametrize(("name", "missing"), [("fns1", SEVEN), ("fns2", ("on_init", "on_free", "invoke_func"))])
def test_missing_functions(host: Host, events: list[str], name: str, missing: tuple[str, ...]) -> None:
    """One error lists all missing functions of a plugin, with the signatures expected."""
    with pytest.raises(hotswap.ContractError, match=name) as caught:
        load(host, name, "arya")
    assert caught.value.plugin == name
    assert len(caught.value.faults) == len(missing)
    assert all(f"def {function}(" in str(caught.value) for function in missing)
    assert events == []


def test_unknown_dependency_is_not_there(host: Host, events: list[str]) -> None:
    """Imports of plugins that are not on offer are all named, with who asks for them."""
    with pytest.raises(hotswap.UnknownDependencyError) as caught:
        load(host, "xdep", "importall")
    assert caught.value.reasons == (
        "importall 1.0 imports arya, no plugin on offer",
        "importall 1.0 imports snow, no plugin on offer",
        "xdep 1.0 imports arya, no plugin on offer",
    )


@pytest.mark.parametrize(
    ("variant", "error", "said"),
    [
        ("class", hotswap.ContractError, r"import_\(\): returns the class Both \(return None or an instance"),
        ("nameless", hotswap.ContractError, r"import_\(\): returns an object of type object \(return None or"),
        ("unknown", hotswap.UnknownDependencyError, r"xdep 1\.0 imports typo, no plugin on offer"),
        ("not-reloadable", hotswap.ContractError, "xdep is not reloadable while its dependency importall is"),
    ],
)
def test_imports_that_are_refused(
    host: Host,
    events: list[str],
    monkeypatch: pytest.MonkeyPatch,
    variant: str,
    error: type[hotswap.HotswapError],
    said: str,
) -> None:
    """A class for an instance, an object without names, a typo, a not reloadable importer: the plugin is named."""
    monkeypatch.setenv(VARIABLE, variant)
    with pytest.raises(error, match=said) as caught:
        load(host, "xdep", "importall", "arya", "snow")
    assert "xdep" in str(caught.value)
    assert not [event for event in events if event.endswith(UNDONE)]


@pytest.mark.parametrize(
    ("pair", "kind", "name"),
    [
        (("arya", "shadow1"), "function", "live_not_today"),
        (("shadow2", "snow"), "type", "LiveLongclaw"),
    ],
)
def test_duplicate_live_names(host: Host, events: list[str], pair: tuple[str, str], kind: str, name: str) -> None:
    """A live name in two plugins is an error naming both; what had loaded is freed, nothing was initialised."""
    with pytest.raises(hotswap.ResolutionError, match=f"duplicate live {kind} names") as caught:
        load(host, *pair)
    assert caught.value.plugins == pair
    assert f"{name} is in {pair[0]} and in {pair[1]}" in str(caught.value)
    assert calls(events, "on_load") == list(pair)
    assert calls(events, "on_init") == []
    assert calls(events, "on_free") == list(reversed(pair))


def test_directory_that_does_not_exist(host: Host, tmp_path: Path) -> None:
    """Without the directory neither load nor reload works, and there is no generation to be had."""
    manager = host.manager(tmp_path / "nowhere")
    with pytest.raises(hotswap.UsageError, match="nowhere"):
        manager.load()
    with pytest.raises(hotswap.NotLoadedError):
        manager.reload()
    with pytest.raises(hotswap.NotLoadedError):
        _ = manager.current
    assert manager.reload_count == 0
