"""The first load, and what a host sees of it."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import pytest
from conftest import Host
from wheelmaker import make_wheel

import hotswap
from hotswap import Outcome
from hotswap.planning import as_sources


def test_order_of_the_seven_functions(host: Host, events: list[str]) -> None:
    """Dependencies come first in every phase, and each phase is over before the next begins."""
    host.add("gamma", needs="beta")
    host.add("beta", needs="alpha")
    host.add("alpha")
    host.loaded()
    order = ["alpha", "beta", "gamma"]
    # What imports what is known from the source before anything is executed.
    binding = [f"{name} 1.0 {function}" for name in order for function in ("reloadable", "export")]
    assert events == [
        *binding,
        *(f"{name} 1.0 import_" for name in order),
        *(f"{name} 1.0 on_load" for name in order),
        *(f"{name} 1.0 on_init" for name in order),
    ]


def test_report_names_each_plugin_in_load_order(host: Host) -> None:
    """The report is a mapping in load order, its text sorted by name, with the seconds of each stage."""
    host.add("alpha", needs="omega")
    host.add("omega")
    manager = host.manager()
    report = manager.load()
    assert list(report.items()) == [("omega", Outcome.LOADED), ("alpha", Outcome.LOADED)]
    assert str(report) == "alpha: loaded, omega: loaded"
    assert report.generation == 1
    assert list(report.seconds) == [
        "found", "verified", "resolved", "installed", "loaded", "bound", "live", "swapped",
    ]  # fmt: skip
    assert report.as_json()["plugins"] == {"omega": "loaded", "alpha": "loaded"}
    assert "generation 1" in repr(report)


def test_generation_is_a_read_only_mapping(host: Host) -> None:
    """A generation has its plugins in load order, by any spelling of their names, and cannot be changed."""
    host.add("alpha-two")
    host.add("beta", needs="alpha_two")
    generation = host.loaded().current
    assert list(generation) == ["alpha-two", "beta"]
    assert [plugin.name for plugin in generation.plugins] == ["alpha-two", "beta"]
    assert len(generation) == 2
    assert generation.number == 1
    assert generation["Alpha_Two"] is generation["alpha-two"] is generation.find("ALPHA.TWO")
    assert generation.get("alpha.two") is generation["alpha-two"]
    assert "Alpha.Two" in generation
    assert "delta" not in generation
    assert 1 not in generation
    assert generation.find("delta") is None
    assert generation.get("delta", 7) == 7
    assert isinstance(generation.graph, nx.DiGraph)
    assert list(generation.graph.edges) == [("alpha-two", "beta")]
    assert repr(generation) == "<Generation 1: alpha-two 1.0, beta 1.0>"
    assert hash(generation) == hash(generation)
    with pytest.raises(hotswap.PluginNotFoundError, match=r"no plugin is called 'delta'; there are: alpha-two, beta"):
        generation["delta"]
    with pytest.raises(TypeError, match="does not change"):
        generation["delta"] = generation["beta"]
    with pytest.raises(TypeError, match="does not change"):
        generation.clear()


def test_plugin_tells_about_itself(host: Host) -> None:
    """A plugin has the names, versions and places that a host logs and shows."""
    wheel = host.add("alpha", "1.2.3", extra="class limits:\n    MAX = 5")
    host.add("beta", needs="alpha")
    manager = host.loaded()
    alpha, beta = manager.current.plugins
    assert (alpha.name, str(alpha.version), alpha.exported, alpha.reloadable) == ("alpha", "1.2.3", "alpha 1.2.3", True)
    assert alpha.outcome is Outcome.LOADED
    assert beta.dependencies == ("alpha",)
    assert (alpha.site_dir / "alpha_plugin.py").is_file()
    assert alpha.site_dir.is_relative_to(manager.state_dir)
    assert alpha.digest == manager.history()[-1].plugins[0].digest
    assert len(alpha.digest) == 64
    assert wheel.is_file()
    assert alpha.loaded_at.tzinfo is not None
    assert alpha.lookup("limits.MAX", int) == 5
    assert alpha.lookup("VERSION") == "1.2.3"
    with pytest.raises(AttributeError, match="nothing"):
        alpha.lookup("nothing")
    with pytest.raises(hotswap.ContractError, match=r"limits\.MAX: does not fit: it is of type int, not str"):
        alpha.lookup("limits.MAX", str)
    assert repr(alpha) == "<Plugin alpha 1.2.3 loaded>"


def test_data_and_calls(host: Host) -> None:
    """`on_load` gets the host's data, and `invoke` passes arguments and results through."""
    host.add(
        "alpha",
        on_load="def on_load(data): shelf['data'] = data",
        extra="def add(*args, **kwargs): return sum(args), kwargs, shelf['data']",
    )
    manager = host.manager()
    manager.load({"port": 80})
    assert manager.invoke("Alpha", "add", 1, 2, key="x", func="y") == (3, {"key": "x", "func": "y"}, {"port": 80})
    with pytest.raises(hotswap.PluginNotFoundError):
        manager.invoke("nobody", "add")
    with pytest.raises(KeyError):
        manager.invoke("alpha", "no such function")


def test_invoke_each_goes_on_after_an_exception(
    host: Host, events: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """`invoke_each` and its backward twin log what one plugin raises, and the others still run."""
    for name in ("alpha", "beta", "gamma"):
        host.add(name, extra=f"def tick(): events.append('{name}'); {'raise SystemExit(3)' if name == 'beta' else ''}")
    generation = host.loaded().current
    events.clear()
    generation.invoke_each("tick")
    generation.invoke_each_backward("tick")
    assert events == ["alpha", "beta", "gamma", "gamma", "beta", "alpha"]
    assert [r.getMessage() for r in caplog.records if r.levelname == "ERROR"] == [
        "beta: invoke_func('tick') raised"
    ] * 2


def test_empty_directory_is_an_empty_generation(host: Host) -> None:
    """Nothing on offer is fine: an empty generation."""
    manager = host.loaded()
    assert len(manager.current) == 0
    assert repr(manager.current) == "<Generation 1: empty>"
    assert str(manager.plan()) == "nothing to load"


def test_missing_directory_is_named(host: Host, tmp_path: Path) -> None:
    """A plugin directory that does not exist is an error that names it."""
    with pytest.raises(hotswap.UsageError, match="nowhere"):
        host.manager(tmp_path / "nowhere").load()


@pytest.mark.parametrize("source", [42, [object()]])
def test_what_is_no_source_is_refused(host: Host, source: object) -> None:
    """Only directories and sources are taken as sources."""
    with pytest.raises(hotswap.UsageError, match="is no source"):
        host.manager(source)


def test_before_load_and_after_close(host: Host) -> None:
    """Without a generation every use says so by name."""
    host.add("alpha")
    manager = host.manager()
    uses = [
        lambda: manager.current,
        lambda: manager.invoke("alpha", "version"),
        lambda: manager.lease().__enter__(),
        manager.reload,
        manager.rollback,
    ]
    for use in uses:
        with pytest.raises(hotswap.NotLoadedError, match=r"call load\(\) first"):
            use()
    manager.load()
    with pytest.raises(hotswap.UsageError, match="loaded already"):
        manager.load()
    manager.close()
    manager.close()
    for use in [*uses, manager.load, manager.plan]:
        with pytest.raises(hotswap.NotLoadedError, match="closed"):
            use()


def test_closing_frees_in_reverse_order(host: Host, events: list[str]) -> None:
    """Leaving the manager frees all plugins, dependents before dependencies."""
    host.add("alpha", needs="beta")
    host.add("beta")
    host.add("gamma")
    with host.manager() as manager:
        manager.load()
        events.clear()
    assert events == ["gamma 1.0 on_free", "alpha 1.0 on_free", "beta 1.0 on_free"]


def test_only_whitelists(host: Host) -> None:
    """With `only=` nothing else is loaded, and every missing name is an error."""
    for name in ("alpha", "beta", "gamma"):
        host.add(name)
    assert list(host.loaded(only=["Beta", "alpha"]).current) == ["alpha", "beta"]
    with pytest.raises(hotswap.ResolutionError, match=r"(?s)delta.*epsilon"):
        host.manager(only=["alpha", "delta", "epsilon"]).load()
    with pytest.raises(hotswap.UsageError, match=r"pass a list of names, only=\['alpha'\]"):
        host.manager(only="alpha")


def test_bad_wheel_outside_the_whitelist_is_passed_over(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    """A bad wheel harms only those who asked for it."""
    host.add("alpha")
    make_wheel(host.plugins, "beta", entry_points="[hotswap.plugins]\n")
    assert list(host.loaded(only=["alpha"]).current) == ["alpha"]
    assert any("beta" in record.getMessage() for record in caplog.records)
    with pytest.raises(hotswap.WheelError, match="beta"):
        host.manager().load()


def test_all_bad_wheels_are_named_at_once(host: Host) -> None:
    """Faults of several wheels come in one error."""
    make_wheel(host.plugins, "beta", entry_points="[hotswap.plugins]\n")
    make_wheel(host.plugins, "gamma", metadata="Metadata-Version: 2.1\nName: delta\nVersion: 1.0\n\n")
    (host.plugins / "not a wheel.whl").write_bytes(b"")
    with pytest.raises(hotswap.PluginError) as caught:
        host.manager().load()
    text = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
    assert "beta" in text
    assert "gamma" in text
    assert "not a wheel.whl" in text


def test_extension_is_made_once_per_generation(host: Host) -> None:
    """`extension=` is called once per generation, and plugins reach the result through the vault."""
    host.add(
        "alpha",
        on_init="def on_init(vault): shelf['vault'] = vault",
        extra="def seen(): return shelf['vault'].extension",
    )
    made: list[object] = []

    def extension() -> object:
        made.append(object())
        return made[-1]

    manager = host.loaded(extension=extension)
    assert len(made) == 1
    assert manager.current.vault.extension is made[0]
    assert manager.invoke("alpha", "seen") is made[0]


def test_state_dir_comes_from_the_environment(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `state_dir=` the variable HOTSWAP_STATE_DIR says where, and without that it is .hotswap."""
    monkeypatch.setenv("HOTSWAP_STATE_DIR", str(tmp_path / "elsewhere"))
    assert host.manager(state_dir=None).state_dir == tmp_path / "elsewhere"
    monkeypatch.delenv("HOTSWAP_STATE_DIR")
    monkeypatch.chdir(tmp_path)
    assert host.manager(state_dir=None).state_dir.absolute() == tmp_path / ".hotswap"


def test_plan_executes_nothing(host: Host, events: list[str]) -> None:
    """A plan says what would happen and why, and runs no plugin code."""
    host.add("alpha")
    manager = host.manager()
    plan = manager.plan()
    assert {name: step.outcome for name, step in plan.steps.items()} == {"alpha": Outcome.LOADED}
    assert plan.changes
    assert plan.as_json()["order"] == ["alpha"]
    assert "alpha 1.0: loaded" in str(plan)
    assert events == []


def test_environment_is_the_default_source() -> None:
    """Without sources plugins come from what pip installed into the running environment."""
    (source,) = as_sources(None)
    assert isinstance(source, hotswap.Environment)
