"""Any failure leaves the current generation the same object, frees what had loaded, and says whose fault it was."""

from __future__ import annotations

import sys
import traceback

import pytest
from conftest import Host, eventually
from wheelmaker import make_wheel

import hotswap

SEVEN = {
    "on_load": "def on_load(data): {}",
    "on_init": "def on_init(vault): {}",
    "export": "def export(): {}",
    "import_": "def import_(): {}",
    "reloadable": "def reloadable(): {}",
}


def realms() -> set[str]:
    return {name for name in sys.modules if name.startswith("hotswap.realms.")}


def assert_untouched(host: Host, manager: hotswap.PluginManager, before: hotswap.Generation, modules: set[str]) -> None:
    assert manager.current is before
    assert manager.invoke("alpha", "version") == "1.0"
    assert manager.invoke("beta", "needs") == {"alpha": "alpha 1.0"}
    assert realms() == modules
    assert not list((host.state_dir / "staging").iterdir())
    assert manager.reload_count == 0


@pytest.mark.parametrize("function", list(SEVEN))
@pytest.mark.parametrize(
    "failure", ["raise ValueError('broken')", "raise SystemExit(3)", "import sys; sys.exit('gone')"]
)
def test_function_that_raises(host: Host, events: list[str], function: str, failure: str) -> None:
    """An exception or SystemExit in any of the seven names plugin and function, and changes nothing."""
    host.add("alpha")
    host.add("beta", needs="alpha")
    manager = host.loaded()
    before, modules = manager.current, realms()
    host.add("alpha", "1.1")
    host.add("beta", "1.1", needs="alpha", **{function: SEVEN[function].format(failure)})
    events.clear()
    with pytest.raises(hotswap.LifecycleError, match=rf"beta: {function}\(\) raised (ValueError|SystemExit)") as caught:
        manager.reload()
    assert caught.value.plugin == "beta"
    assert caught.value.function == f"{function}()"
    assert isinstance(caught.value.__cause__, ValueError | SystemExit)
    assert "beta_plugin.py" in "".join(traceback.format_exception(caught.value))
    freed = [event for event in events if event.endswith("on_free")]
    # What had loaded is freed in reverse order; whose on_load raised has not loaded.
    assert freed == {
        "on_load": ["alpha 1.1 on_free"],
        "on_init": ["beta 1.1 on_free", "alpha 1.1 on_free"],
    }.get(function, [])
    assert_untouched(host, manager, before, modules)


def test_exception_that_cannot_be_shown(host: Host) -> None:
    """An exception whose own text fails to be made is reported by its class."""
    odd = "class Odd(Exception):\n    def __str__(self): raise ValueError('odd')\n"
    host.add("alpha", on_load=f"{odd}def on_load(data): raise Odd")
    with pytest.raises(hotswap.LifecycleError, match=r"on_load\(\) raised Odd: <exception str\(\) failed>$"):
        host.loaded()


def test_first_load_that_fails_can_be_tried_again(host: Host, events: list[str]) -> None:
    """A load that failed leaves nothing behind, and the next one starts afresh."""
    host.add("alpha")
    host.add("beta", needs="alpha", on_load="def on_load(data): raise ValueError('broken')")
    manager = host.manager()
    modules = realms()
    with pytest.raises(hotswap.LifecycleError, match="broken"):
        manager.load()
    assert events[-1] == "alpha 1.0 on_free"
    assert realms() == modules
    with pytest.raises(hotswap.NotLoadedError):
        _ = manager.current
    host.add("beta", "1.1", needs="alpha")
    assert str(manager.load()) == "alpha: loaded, beta: loaded"
    assert manager.current.number == 1


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("raise ValueError('in module code')", ValueError),
        ("raise SystemExit", SystemExit),
        ("import nothing_of_this_name", ModuleNotFoundError),
        ("def broken(:", SyntaxError),
    ],
)
def test_module_code_that_raises(host: Host, code: str, cause: type[BaseException]) -> None:
    """A plugin whose module cannot be imported is named, with the exception as the cause."""
    host.add("alpha")
    host.add("beta", needs="alpha")
    manager = host.loaded()
    before, modules = manager.current, realms()
    host.add("beta", "1.1", needs="alpha", extra=code)
    with pytest.raises(hotswap.PluginError, match="beta") as caught:
        manager.reload()
    if cause is not SyntaxError:  # that one is seen in the source before anything is executed
        assert isinstance(caught.value.__cause__, cause)
    assert_untouched(host, manager, before, modules)


def test_keyboard_interrupt_passes_and_undoes(host: Host, events: list[str]) -> None:
    """Ctrl-C belongs to the user: it is no plugin's error, and what had loaded is undone all the same."""
    host.add("alpha")
    host.add("beta", needs="alpha")
    manager = host.loaded()
    before, modules = manager.current, realms()
    host.add("alpha", "1.1")
    host.add("beta", "1.1", needs="alpha", on_init="def on_init(vault): raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        manager.reload()
    assert events[-1] == "alpha 1.1 on_free"
    assert_untouched(host, manager, before, modules)


def test_on_free_that_raises_is_logged(host: Host, events: list[str], caplog: pytest.LogCaptureFixture) -> None:
    """An exception in `on_free` is logged with its traceback, and the other plugins are freed."""
    host.add("alpha")
    host.add("beta", needs="alpha", on_free="def on_free(): raise SystemExit('on the way out')")
    manager = host.loaded()
    manager.close()
    assert events[-1] == "alpha 1.0 on_free"
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "beta: on_free() raised SystemExit: on the way out" in record.getMessage()
    assert "beta_plugin.py" in record.getMessage()
    assert record.exc_info is None


def test_on_free_that_raises_while_undoing_is_logged(
    host: Host, events: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """The error of a failed reload is the one that made it fail, not what undoing it raised."""
    host.add("alpha", on_free="def on_free(): raise ValueError('second')")
    host.add("beta", needs="alpha", on_load="def on_load(data): raise ValueError('first')")
    with pytest.raises(hotswap.LifecycleError, match="first"):
        host.manager().load()
    assert any("second" in record.getMessage() for record in caplog.records)


def test_missing_functions_of_several_plugins_are_all_named(host: Host) -> None:
    """Every missing or wrong function of every plugin is in one error, although the source hides them."""
    hide = "globals().pop('on_free')\nglobals()['on_load'] = lambda: None"
    host.add("alpha", extra=hide)
    host.add("beta", extra="globals()['export'] = 7")
    with pytest.raises(hotswap.ContractError) as caught:
        host.loaded()
    assert caught.value.plugin == "alpha, beta"
    assert caught.value.stage == "loaded"
    text = str(caught.value)
    for part in (
        "on_free is missing",
        "write def on_load(data)",
        "export is no function but int",
        "alpha_plugin.py: ",
        "beta_plugin.py: ",
    ):
        assert part in text


def test_several_failures_of_different_kinds(host: Host) -> None:
    """Where exceptions and faults meet, one is raised and the others are its notes."""
    host.add("alpha", extra="globals().pop('on_free')")
    host.add("beta", extra="raise ValueError('first')")
    host.add("gamma", extra="raise ValueError('second')")
    with pytest.raises(hotswap.LifecycleError, match="first") as caught:
        host.loaded()
    notes = "\n".join(caught.value.__notes__)
    assert "on_free is missing" in notes
    assert "second" in notes


def test_faults_of_different_wheels_are_one_list(host: Host) -> None:
    """A wheel without the functions, and one that is damaged, are refused together."""
    make_wheel(host.plugins, "alpha", files="def on_load(data): ...")
    make_wheel(host.plugins, "beta", record=lambda lines: lines[1:])
    with pytest.raises(hotswap.WheelError) as caught:
        host.loaded()
    assert type(caught.value) is hotswap.WheelError
    assert caught.value.plugin == "alpha, beta"
    text = str(caught.value)
    assert "on_free" in text
    assert "RECORD" in text


def test_reloadable_must_return_a_bool(host: Host) -> None:
    """Anything but True or False is refused instead of being guessed at."""
    host.add("alpha", reloadable="def reloadable(): return 'yes'")
    with pytest.raises(hotswap.ContractError, match=r"reloadable\(\) returned str \(return a bool\)"):
        host.loaded()


def test_export_that_does_not_fit(host: Host) -> None:
    """Every difference between exports and what importers ask for is named; nothing changes."""
    protocol = """
    import dataclasses, typing
    class Wants(typing.Protocol):
        def one(self, x: int) -> str: ...
        def two(self) -> str: ...
    @dataclasses.dataclass
    class Deps:
        alpha: Wants = None
        beta: int = None
    DEPS = Deps()
    """
    host.add("alpha", extra="class E:\n    def one(self): ...\nthe = E()", export="def export(): return the")
    host.add("beta")
    host.add("gamma", extra=protocol, import_="def import_(): return DEPS")
    with pytest.raises(hotswap.ContractError) as caught:
        host.loaded()
    text = str(caught.value)
    assert len(caught.value.faults) == 3
    for part in ("Deps.alpha", "lacks two", "one(self, x: int)", "Deps.beta", "of type str, not int"):
        assert part in text


def test_actual_imports_are_checked_again(host: Host) -> None:
    """What the source does not show is found out when `import_()` runs: unknown plugins, cycles, versions."""
    ask = "def make(**annotations): return type('Deps', (), {{'__annotations__': annotations}})()\nthe = make({})"
    host.add("alpha", extra=ask.format("missing=object"), import_="def import_(): return the")
    with pytest.raises(hotswap.UnknownDependencyError, match=r"(?s)alpha.*missing"):
        host.loaded()
    host.add("alpha", extra=ask.format("beta=object"), import_="def import_(): return the")
    host.add("beta", extra=ask.format("alpha=object"), import_="def import_(): return the")
    with pytest.raises(hotswap.CyclicDependencyError, match="alpha -> beta -> alpha"):
        host.loaded()
    specific = ask.format("alpha=typing.Annotated[object, hotswap.Requires('>=2')]")
    host.add("alpha")
    host.add("beta", extra=f"import typing, hotswap\n{specific}", import_="def import_(): return the")
    with pytest.raises(hotswap.VersionConflictError, match=r"(?s)beta.*alpha.*>=2"):
        host.loaded()


def test_plugin_that_imports_anothers_package_is_told_how(host: Host) -> None:
    """Importing another plugin's code fails with an ImportError that says to use `import_()`."""
    host.add("alpha")
    host.add("beta", extra="import alpha_plugin")
    with pytest.raises(hotswap.LifecycleError, match=r"belongs to the plugin 'alpha'.*import_\(\)") as caught:
        host.loaded()
    assert isinstance(caught.value.__cause__, ImportError)


def test_wheel_in_progress_keeps_the_loaded_version(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    """A wheel that is still being written is left for the next reload, and its plugin stays as it is."""
    wheel = host.add("alpha")
    manager = host.loaded()
    content = host.add("alpha", "1.1", keep=True).read_bytes()
    wheel.unlink()
    half = host.plugins / "alpha-1.1-py3-none-any.whl"
    half.write_bytes(content[: len(content) // 2])
    with caplog.at_level("INFO"):
        assert str(manager.reload()) == "alpha: unchanged"
    assert manager.invoke("alpha", "version") == "1.0"
    assert any("left for the next reload" in record.getMessage() for record in caplog.records)
    half.write_bytes(content)
    assert str(manager.reload()) == "alpha: reloaded"


def test_error_that_is_stored_does_not_keep_the_failed_version(host: Host) -> None:
    """Without its traceback, an error that the host keeps pins no code of the version that failed."""
    host.add(
        "alpha",
        on_init="def on_init(vault): raise ValueError('broken')",
        extra="class Marker: ...\nshelf['m'] = __import__('weakref').ref(Marker)",
    )
    from eventlog import shelf

    with pytest.raises(hotswap.LifecycleError) as caught:
        host.manager().load()
    error = caught.value.with_traceback(None)
    assert error.__cause__ is not None
    error.__cause__.__traceback__ = None
    del caught
    from conftest import collected

    assert eventually(lambda: collected(shelf["m"]))
    assert "broken" in str(error)
