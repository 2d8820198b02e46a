"""What a reload, a rollback and a restart change, and what they leave alone."""

from __future__ import annotations

import logging
import shutil
import weakref
from pathlib import Path

import pytest
from conftest import Host, collected, eventually
from eventlog import shelf
from wheelmaker import make_wheel, plugin_source

import hotswap
from hotswap import Outcome

COUNTING = "count = 0\ndef bump():\n    global count\n    count += 1\n    return count"


def test_new_version_goes_live(host: Host, events: list[str]) -> None:
    """A newer wheel replaces the older, which is freed after the swap; calls get the new one."""
    host.add("alpha")
    manager = host.loaded()
    before = manager.current
    host.add("alpha", "1.1")
    events.clear()
    report = manager.reload()
    assert str(report) == "alpha: reloaded"
    assert report.generation == manager.current.number == 2
    assert manager.reload_count == 1
    assert manager.current is not before
    assert manager.invoke("alpha", "version") == "1.1"
    assert manager.current["alpha"].outcome is Outcome.RELOADED
    assert eventually(lambda: events[-1:] == ["alpha 1.0 on_free"])
    assert events[:5] == [f"alpha 1.1 {f}" for f in ("reloadable", "export", "import_", "on_load", "on_init")]


def test_unchanged_plugin_keeps_its_state(host: Host, events: list[str]) -> None:
    """A reload without a new wheel calls no function and keeps module, state and plugin object."""
    host.add("alpha", extra=COUNTING)
    manager = host.loaded()
    manager.invoke("alpha", "bump")
    before = manager.current
    events.clear()
    assert str(manager.reload()) == "alpha: unchanged"
    assert manager.current["alpha"] is before["alpha"]
    assert manager.current is not before
    assert manager.current.number == 2
    assert manager.invoke("alpha", "bump") == 2
    assert events == []


def test_dependents_are_rebound(host: Host, events: list[str]) -> None:
    """What imports a replaced plugin, directly or not, is loaded afresh with the new export; others keep everything."""
    host.add("alpha")
    host.add("beta", needs="alpha")
    host.add("gamma", needs="beta")
    host.add("other", extra=COUNTING)
    manager = host.loaded()
    other = manager.current["other"]
    host.add("alpha", "2.0")
    assert dict(manager.reload()) == {
        "alpha": Outcome.RELOADED,
        "beta": Outcome.REBOUND,
        "gamma": Outcome.REBOUND,
        "other": Outcome.UNCHANGED,
    }
    assert manager.invoke("beta", "needs") == {"alpha": "alpha 2.0"}
    assert manager.current["other"] is other
    assert eventually(lambda: "alpha 1.0 on_free" in events)
    freed = [event for event in events if event.endswith("on_free")]
    assert freed == ["gamma 1.0 on_free", "beta 1.0 on_free", "alpha 1.0 on_free"]


def test_optional_dependency_comes_and_goes(host: Host) -> None:
    """An optional dependency that appears or disappears rebinds who asks for it."""
    deps = "class Deps:\n    extra: str | None = None\nDEPS = Deps()\ndef got(): return DEPS.extra"
    host.add("alpha", extra=deps, import_="def import_(): return DEPS")
    manager = host.loaded()
    assert manager.invoke("alpha", "got") is None
    wheel = host.add("extra")
    assert str(manager.reload()) == "alpha: rebound, extra: loaded"
    assert manager.invoke("alpha", "got") == "extra 1.0"
    wheel.unlink()
    assert str(manager.reload()) == "alpha: rebound, extra: removed"
    assert manager.invoke("alpha", "got") is None


def test_plugin_that_disappears_is_removed(host: Host, events: list[str]) -> None:
    """A plugin whose wheel has gone is not in the next generation and is freed."""
    wheel = host.add("alpha")
    host.add("beta")
    manager = host.loaded()
    wheel.unlink()
    assert dict(manager.reload()) == {"beta": Outcome.UNCHANGED, "alpha": Outcome.REMOVED}
    assert list(manager.current) == ["beta"]
    assert eventually(lambda: "alpha 1.0 on_free" in events)


def test_needed_plugin_that_disappears_is_an_error(host: Host) -> None:
    """Taking away what another plugin imports fails and changes nothing."""
    wheel = host.add("alpha")
    host.add("beta", needs="alpha")
    manager = host.loaded()
    before = manager.current
    wheel.unlink()
    with pytest.raises(hotswap.UnknownDependencyError, match=r"(?s)beta.*alpha"):
        manager.reload()
    assert manager.current is before
    assert manager.invoke("beta", "needs") == {"alpha": "alpha 1.0"}


def test_not_reloadable_stays(host: Host, events: list[str]) -> None:
    """A plugin that says it is not reloadable keeps its version although its wheel changed or went."""
    wheel = host.add("alpha", reloadable="def reloadable(): return False")
    manager = host.loaded()
    assert str(manager.reload()) == "alpha: unchanged"
    host.add("alpha", "2.0")
    assert str(manager.reload()) == "alpha: not reloadable"
    assert manager.invoke("alpha", "version") == "1.0"
    assert not wheel.exists()
    for left in host.plugins.iterdir():
        left.unlink()
    manager.reload()
    assert manager.invoke("alpha", "version") == "1.0"
    assert "alpha 1.0 on_free" not in events


def test_not_reloadable_must_not_depend_on_reloadable(host: Host) -> None:
    """What stays for ever cannot be bound to what may be replaced."""
    host.add("alpha")
    host.add("beta", needs="alpha", reloadable="def reloadable(): return False")
    with pytest.raises(hotswap.ContractError, match="beta is not reloadable while its dependency alpha is"):
        host.loaded()


def test_not_reloadable_vetoes_being_rebound(host: Host) -> None:
    """A reload that would have to rebind a plugin that is not reloadable is refused."""
    deps = "class Deps:\n    extra: str | None = None\nDEPS = Deps()"
    host.add("alpha", extra=deps, import_="def import_(): return DEPS", reloadable="def reloadable(): return False")
    manager = host.loaded()
    before = manager.current
    host.add("extra", reloadable="def reloadable(): return False")
    with pytest.raises(hotswap.ReloadVetoError, match=r"(?s)alpha.*extra"):
        manager.reload()
    assert manager.current is before


def test_data_of_the_load_before_is_the_default(host: Host) -> None:
    """A reload without data hands `on_load` what the last load or reload had."""
    note = {"on_load": "def on_load(data): shelf.setdefault('data', []).append(data)"}
    host.add("alpha", extra="def data(): return shelf['data']", **note)
    manager = host.manager()
    manager.load("first")
    for version, data in (("1.1", ()), ("1.2", ("second",)), ("1.3", ())):
        host.add("alpha", version, extra="def data(): return shelf['data']", **note)
        manager.reload(*data)
    assert manager.invoke("alpha", "data") == ["first", "first", "second", "second"]


def test_stored_vault_follows_the_current_generation(host: Host) -> None:
    """A vault kept from `on_init` shows the new generation's extension, data and live functions after a reload."""
    keeps = {"on_init": "def on_init(vault):\n    global VAULT\n    VAULT = vault"}
    look = (
        "def look(): return VAULT.extension, dict(VAULT.data_bag), sorted(VAULT.live_funcs), sorted(VAULT.live_types)"
    )
    host.add("keeper", extra=look, **keeps)
    host.add(
        "alpha",
        on_init="def on_init(vault): vault.data_bag['alpha'] = VERSION",
        extra="def live_old(): ...\nclass LiveOld: ...",
    )
    numbers = iter(range(100))
    manager = host.loaded(extension=lambda: next(numbers))
    assert manager.invoke("keeper", "look") == (0, {"alpha": "1.0"}, ["live_old"], ["LiveOld"])
    host.add("alpha", "2.0", on_init="def on_init(vault): vault.data_bag['new'] = VERSION", extra="def live_new(): ...")
    manager.reload()
    assert manager.invoke("keeper", "look") == (1, {"new": "2.0"}, ["live_new"], [])


def test_old_generation_keeps_its_own_vault(host: Host) -> None:
    """A call that still runs in a replaced version sees the vault of its own generation."""
    host.add(
        "alpha",
        on_init="def on_init(vault):\n    global VAULT\n    VAULT = vault",
        extra="def look():\n    yield VAULT.extension\n    yield VAULT.extension",
    )
    numbers = iter(range(100))
    manager = host.loaded(extension=lambda: next(numbers))
    looking = manager.invoke("alpha", "look")
    assert next(looking) == 0
    host.add("alpha", "2.0")
    manager.reload()
    assert next(looking) == 0
    assert manager.current.vault.extension == 1


def test_data_bag_keeps_what_belongs_to_kept_plugins(host: Host) -> None:
    """Entries of kept plugins and of the host outlive a reload, those of replaced plugins do not."""
    host.add("kept", on_init="def on_init(vault): vault.data_bag['kept'] = 1")
    host.add("alpha", on_init="def on_init(vault): vault.data_bag['alpha'] = 1")
    manager = host.loaded()
    manager.current.vault.data_bag["host"] = 2
    host.add("alpha", "2.0")
    manager.reload()
    assert dict(manager.current.vault.data_bag) == {"kept": 1, "host": 2}


def test_duplicate_live_names_name_both_plugins(host: Host) -> None:
    """The same live name in two plugins is an error that names both."""
    for name in ("alpha", "beta"):
        host.add(name, extra="def live_job(): ...")
    with pytest.raises(hotswap.ResolutionError, match="live_job is in alpha and in beta"):
        host.loaded()


def test_callbacks_run_before_the_swap_and_may_call_the_new_generation(host: Host) -> None:
    """Both callbacks get new and old generation, and can try the new one out before it is live."""
    host.add("alpha")
    seen: list[tuple[str, int, int, str]] = []

    def note(who: str) -> object:
        return lambda new, old: seen.append((who, new.number, old.number, new["alpha"].invoke_func("version")))

    manager = host.loaded(on_reload=note("always"))
    assert seen == []
    host.add("alpha", "1.1")
    manager.reload(callback=note("once"))
    assert seen == [("always", 2, 1, "1.1"), ("once", 2, 1, "1.1")]


@pytest.mark.parametrize("error", [ValueError("not today"), SystemExit(2)])
def test_callback_that_raises_vetoes(host: Host, events: list[str], error: BaseException) -> None:
    """A callback that raises undoes the reload: the new version is freed, the old one stays the same object."""
    host.add("alpha")
    manager = host.loaded()
    before = manager.current
    host.add("alpha", "1.1")

    def veto(new: object, old: object) -> None:
        raise error

    with pytest.raises(hotswap.ReloadVetoError, match=rf"veto vetoed the reload: {type(error).__name__}") as caught:
        manager.reload(callback=veto)
    assert caught.value.__cause__ is error
    assert manager.current is before
    assert events[-1] == "alpha 1.1 on_free"
    assert manager.invoke("alpha", "version") == "1.0"
    assert manager.reload_count == 0
    assert str(manager.reload()) == "alpha: reloaded"


def test_extension_that_raises_vetoes(host: Host, events: list[str]) -> None:
    """An extension that cannot be made leaves everything as it was."""
    host.add("alpha")
    calls = iter([True, False])

    def extension() -> None:
        if not next(calls):
            raise ValueError("no extension")

    manager = host.loaded(extension=extension)
    before = manager.current
    with pytest.raises(hotswap.ReloadVetoError, match="no extension"):
        manager.reload()
    assert manager.current is before


def test_set_sources_takes_effect_at_the_next_reload(host: Host, tmp_path: Path) -> None:
    """Plugins come from the new directory beginning with the next reload."""
    host.add("alpha")
    manager = host.loaded()
    make_wheel(tmp_path / "other", "beta", "1.0", plugin_source())
    manager.set_sources([tmp_path / "other"])
    assert list(manager.current) == ["alpha"]
    assert str(manager.reload()) == "alpha: removed, beta: loaded"


def test_rollback_brings_back_the_exact_wheels(host: Host) -> None:
    """A rollback loads the previous wheels from the store, and another one undoes it."""
    host.add("alpha")
    host.add("beta", needs="alpha")
    manager = host.loaded()
    first = {plugin.name: plugin.digest for plugin in manager.current.plugins}
    host.add("alpha", "2.0")
    manager.reload()
    manager.reload()  # changes nothing, and is nothing to go back to
    assert str(manager.rollback()) == "alpha: reloaded, beta: rebound"
    assert {plugin.name: plugin.digest for plugin in manager.current.plugins} == first
    assert manager.invoke("beta", "needs") == {"alpha": "alpha 1.0"}
    assert manager.current.number == 4
    manager.rollback()
    assert manager.invoke("alpha", "version") == "2.0"
    assert [entry.action for entry in manager.history()] == ["load", "reload", "reload", "rollback", "rollback"]


def test_rollback_works_after_a_restart(host: Host) -> None:
    """The history on disk lets a new process go back to what the old one ran."""
    host.add("alpha")
    manager = host.loaded()
    host.add("alpha", "2.0")
    manager.reload()
    manager.close()
    manager = host.loaded()
    assert manager.invoke("alpha", "version") == "2.0"
    manager.rollback()
    assert manager.invoke("alpha", "version") == "1.0"


def test_rollback_without_a_previous_generation(host: Host) -> None:
    """With nothing to go back to, or with its site dirs gone, a rollback says so and changes nothing."""
    host.add("alpha")
    manager = host.loaded()
    with pytest.raises(hotswap.UsageError, match="nothing to go back to"):
        manager.rollback()
    site = manager.current["alpha"].site_dir
    host.add("alpha", "2.0")
    manager.reload()
    shutil.rmtree(site)
    with pytest.raises(hotswap.UsageError, match=r"alpha 1\.0"):
        manager.rollback()
    assert manager.invoke("alpha", "version") == "2.0"


def test_history_remembers_failures(host: Host) -> None:
    """The history has each load and reload with plugins, versions, digests and outcome, failed ones with the error."""
    host.add("alpha")
    manager = host.loaded()
    host.add("alpha", "1.1", on_load="def on_load(data): raise ValueError('broken')")
    with pytest.raises(hotswap.LifecycleError):
        manager.reload()
    loaded, failed = manager.history()
    assert (loaded.action, loaded.outcome, loaded.generation) == ("load", "ok", 1)
    assert [(p.name, p.version, p.outcome) for p in loaded.plugins] == [("alpha", "1.0", "loaded")]
    assert (failed.action, failed.outcome, failed.generation, failed.plugins) == ("reload", "failed", None, ())
    assert "broken" in failed.error
    assert loaded.seconds > 0
    assert loaded.at <= failed.at


def test_history_that_cannot_be_written_does_not_undo(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    """A change that has happened stays, and the log says that the history lacks it."""
    host.add("alpha")
    manager = host.manager()
    (host.state_dir / "history.jsonl").mkdir(parents=True)
    with caplog.at_level(logging.ERROR):
        manager.load()
    assert manager.invoke("alpha", "version") == "1.0"
    assert any("the history could not be written" in record.getMessage() for record in caplog.records)
    (host.state_dir / "history.jsonl").rmdir()


def test_prune_keeps_what_is_in_use(host: Host) -> None:
    """Pruning removes the site dirs that neither the kept history nor a live plugin needs."""
    host.add("alpha")
    manager = host.manager(keep_history=1)
    manager.load()
    old = manager.current["alpha"].site_dir
    for version in ("2.0", "3.0"):
        host.add("alpha", version)
        manager.reload()
    new = manager.current["alpha"].site_dir
    assert eventually(lambda: not manager.leaks())
    assert [name for name in manager.prune(dry_run=True).removed if old.name in name]
    assert old.is_dir()
    manager.prune()
    assert not old.exists()
    assert new.is_dir()
    for _ in range(5):
        manager.reload()
    manager.prune()
    manager.rollback()  # what a rollback goes back to is kept, however many reloads changed nothing since
    assert manager.invoke("alpha", "version") == "2.0"


def test_freed_plugin_object_holds_no_code(host: Host) -> None:
    """Who keeps an old generation or plugin object keeps no code, and is told so when calling through it."""
    extra = "class Thing: ...\nthing = Thing()\nclass LiveThing: ...\ndef live_thing(): ..."
    host.add("alpha", extra=extra, export="def export(): return thing")
    manager = host.loaded()
    generation = manager.current
    assert list(generation.vault.live_types) == ["LiveThing"]
    plugin = generation["alpha"]
    code = weakref.ref(type(plugin.exported))
    host.add("alpha", "2.0")
    manager.reload()
    assert eventually(lambda: plugin.exported is None)
    assert eventually(lambda: collected(code))
    for use in (
        lambda: generation["alpha"].invoke_func("version"),
        lambda: plugin._invoke("version"),
        lambda: plugin.lookup("VERSION"),
    ):
        with pytest.raises(hotswap.RetiredError, match=r"has been (retired|freed)"):
            use()
    assert manager.leaks() == ()


def test_rollback_prefers_the_manager_s_own_generations(host: Host) -> None:
    """Of two managers on one state dir each goes back to what it had itself."""
    host.add("alpha")
    host.add("beta")
    first = host.loaded(only=["alpha"])
    host.add("alpha", "2.0")
    first.reload()
    host.loaded(only=["beta"])
    first.rollback()
    assert [f"{plugin.name} {plugin.version}" for plugin in first.current.plugins] == ["alpha 1.0"]


def test_rollback_does_not_go_to_other_programs(host: Host, tmp_path: Path) -> None:
    """What a program with other sources or another whitelist has loaded from the state dir is nothing to go back to."""
    host.add("alpha")
    host.add("beta")
    host.loaded().close()
    make_wheel(tmp_path / "elsewhere", "gamma", files=plugin_source())
    for options in (
        {"sources": tmp_path / "elsewhere"},
        {"only": ["alpha"]},
        {"sources": [host.plugins, host.plugins]},
    ):
        manager = host.loaded(**options)
        before = manager.current
        with pytest.raises(hotswap.UsageError, match="nothing to go back to"):
            manager.rollback()
        assert manager.current is before
        manager.close()


def test_vault_of_a_freed_plugin(host: Host) -> None:
    """Who uses the vault of a plugin that has been freed is told so."""
    host.add("alpha", on_init="def on_init(vault): shelf['vault'] = vault")
    manager = host.loaded()
    assert shelf["vault"].extension is None
    host.add("alpha", "2.0")
    manager.reload()
    with pytest.raises(hotswap.RetiredError, match=r"alpha 1\.0 has been freed and has no vault any more"):
        _ = shelf["vault"].extension
