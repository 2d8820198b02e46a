"""What a host can ask of a manager: whitelist, extension, logger, rollback; and what it gets for nonsense.

Which test of the ancestor each is, `test_trials_table.py` says.
"""

from __future__ import annotations

import itertools
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import Host, eventually
from trials import VARIABLE, build

import hotswap


class Lines(logging.Handler):
    """What was logged: (level, message)."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append((record.levelname, record.getMessage()))


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def winter(lines: Lines) -> logging.Logger:
    """A logger outside every hierarchy that tells everything."""
    logger = logging.Logger("winter", logging.DEBUG)
    logger.addHandler(lines)
    return logger


# -------------------------------------------------------------------------------------------------------- logging


def test_a_load_in_the_log(host: Host, events: list[str], lines: Lines, winter: logging.Logger) -> None:
    """Each lifecycle call is a debug line before it runs, each generation an info line: the log tells the order."""
    build(host.plugins, "importall", "arya", "snow")
    manager = host.loaded(logger=winter)
    names = ["arya", "importall", "snow"]
    ordered = ["arya", "snow", "importall"]
    told = [line for line in lines.records if not line[1].startswith("verified ")]
    assert told == [
        *(("DEBUG", f"{name} 1.0: {function}") for name in names for function in ("reloadable", "export")),
        *(("DEBUG", f"{name} 1.0: import_") for name in names),
        *(("DEBUG", f"{name} 1.0: on_load") for name in ordered),
        *(("DEBUG", f"{name} 1.0: on_init") for name in ordered),
        ("INFO", "generation 1: arya: loaded, importall: loaded, snow: loaded"),
    ]
    lines.records.clear()
    manager.close()
    assert lines.records == [("DEBUG", f"{name} 1.0: on_free") for name in ("importall", "snow", "arya")]


def test_a_reload_in_the_log(host: Host, events: list[str], lines: Lines, winter: logging.Logger) -> None:
    """A reload tells which plugins were kept, which were not reloadable, and which were loaded, and of nothing else."""
    build(host.plugins, "arya", "snow", "stubborn")
    manager = host.loaded(logger=winter)
    build(host.plugins, "snow", "stubborn", version="1.1")
    lines.records.clear()
    manager.reload()
    freed = ("DEBUG", "snow 1.0: on_free")
    assert eventually(lambda: freed in lines.records)
    told = [line for line in lines.records if line != freed and not line[1].startswith("verified ")]
    assert told == [
        *(("DEBUG", f"snow 1.1: {function}") for function in ("reloadable", "export", "import_", "on_load", "on_init")),
        ("INFO", "generation 2: arya: unchanged, snow: reloaded, stubborn: not reloadable"),
    ]


def test_failures_in_the_log(
    host: Host, events: list[str], lines: Lines, winter: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A load that fails makes no generation line, and its undoing is told like any other freeing."""
    build(host.plugins, "importall", "panics")
    monkeypatch.setenv(VARIABLE, "panics on_init ValueError")
    with pytest.raises(hotswap.LifecycleError):
        host.manager(logger=winter).load()
    assert lines.records[-2:] == [("DEBUG", "importall 1.0: on_free"), ("DEBUG", "panics 1.0: on_free")]
    assert not [message for level, message in lines.records if level != "DEBUG"]


def test_a_logger_of_one_s_own_is_the_only_one(
    host: Host,
    events: list[str],
    lines: Lines,
    winter: logging.Logger,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With `logger=` nothing goes to the loggers of hotswap, and without it everything does."""
    build(host.plugins, "panics", "importall")
    monkeypatch.setenv(VARIABLE, "panics on_free ValueError")
    with caplog.at_level(logging.DEBUG):
        manager = host.loaded(logger=winter)
        manager.current.invoke_each("nothing of this name")
        manager.close()
        assert [record for record in caplog.records if record.name.startswith("hotswap")] == []
        assert [message.splitlines()[0] for level, message in lines.records if level == "ERROR"] == [
            "panics: invoke_func('nothing of this name') raised",
            "importall: invoke_func('nothing of this name') raised",
            "panics: on_free() raised ValueError: panics on_free was told to",
        ]
        lines.records.clear()
        host.loaded().close()
    assert lines.records == []
    assert {record.name.partition(".")[0] for record in caplog.records} == {"hotswap"}
    assert "panics 1.0: on_load" in caplog.messages


# ------------------------------------------------------------------------------------------- whitelist, extension


def test_whitelist(host: Host, events: list[str]) -> None:
    """With `only=` the others are as if they were not there; all missing names are in one error, and nothing loads."""
    build(host.plugins, "arya", "snow", "stubborn", "cyclic1", "cyclic2")
    manager = host.loaded(only=("SNOW", "arya"))
    assert list(manager.current) == ["arya", "snow"]
    build(host.plugins, "arya", "stubborn", stamp="new")
    assert str(manager.reload()) == "arya: reloaded, snow: unchanged"
    manager.close()
    events.clear()
    with pytest.raises(hotswap.ResolutionError) as caught:
        host.manager(only={"arya", "syrio", "bran"}).load()
    assert "bran" in str(caught.value)
    assert "syrio" in str(caught.value)
    assert "arya" not in str(caught.value)
    assert events == []


def test_whitelisted_plugin_disappears(host: Host, events: list[str]) -> None:
    """When a plugin of `only=` is not on offer any more, the reload is refused and names it."""
    build(host.plugins, "arya", "snow")
    manager = host.loaded(only=["arya", "snow"])
    before = manager.current
    next(host.plugins.glob("snow-*")).unlink()
    with pytest.raises(hotswap.ResolutionError, match="snow"):
        manager.reload()
    assert manager.current is before
    assert manager.invoke("snow", "stamp") == ""


def test_whitelist_without_what_is_imported(host: Host, events: list[str]) -> None:
    """A plugin of `only=` that imports one which is not among them is refused, naming both."""
    build(host.plugins, "importall", "arya", "snow")
    with pytest.raises(hotswap.ResolutionError, match=r"importall 1\.0 imports snow"):
        host.manager(only=["importall", "arya"]).load()


def test_extension_once_per_generation(host: Host, events: list[str]) -> None:
    """`extension=` is called once for each generation, failed ones too, and never shared by two."""
    made = itertools.count(1)
    build(host.plugins, "arya")
    manager = host.loaded(extension=lambda: [next(made)])
    first = manager.current.vault.extension
    assert first == [1]
    with pytest.raises(hotswap.ReloadVetoError):
        manager.reload(callback=lambda new, old: {}["no"])
    assert manager.current.vault.extension is first
    manager.reload()
    assert manager.current.vault.extension == [3]
    manager.reload()
    assert manager.current.vault.extension == [4]


# ------------------------------------------------------------------------------------------------------- nonsense


@pytest.mark.parametrize(
    ("option", "nonsense"),
    [
        ("sources", [42, b"plugins", {"a": 1}, [object()], "", [""]]),
        ("state_dir", [42, b"state", ["state"]]),
        ("only", ["arya", 5, [5], [None], [""], ["a b"], True]),
        ("extension", [5, "arya"]),
        ("on_reload", [5, "arya"]),
        ("free_delay", ["soon", None, -1, float("nan"), []]),
        ("drain_timeout", ["soon", -1, float("nan"), []]),
        ("static", [5, "arya", ["arya"], {"arya": None}, {"arya": "trials.arya"}, {5: hotswap}]),
        ("logger", [5, "winter"]),
        ("keep_history", ["all", None, 0, -1, 1.5]),
    ],
)
def test_nonsense_for_an_option(host: Host, option: str, nonsense: list[Any]) -> None:
    """What an option cannot be is a UsageError when the manager is made, with the option and the value in it."""
    build(host.plugins, "arya")
    accepted: list[str] = []
    for value in nonsense:
        options = {"sources": host.plugins, "state_dir": host.state_dir, option: value}
        if option == "static":
            del options["sources"]
        try:
            hotswap.PluginManager(**options).close()
        except hotswap.UsageError as error:
            said = str(error)
            if option not in said and option != "sources":
                accepted.append(f"{value!r}: does not name the option: {said}")
        except Exception as error:
            accepted.append(f"{value!r}: {type(error).__name__}: {error}")
        else:
            accepted.append(f"{value!r}: accepted")
    assert not accepted, accepted


@pytest.mark.parametrize("action", ["reload", "rollback"])
@pytest.mark.parametrize("callback", [5, "arya", []])
def test_nonsense_for_a_callback(host: Host, events: list[str], action: str, callback: Any) -> None:
    """What is no function is refused before anything is loaded, and is no veto of its own."""
    build(host.plugins, "arya")
    manager = host.loaded()
    build(host.plugins, "arya", stamp="new")
    manager.reload()
    build(host.plugins, "arya", stamp="newer")
    events.clear()
    with pytest.raises(hotswap.UsageError, match=rf"callback.*{re.escape(repr(callback))}"):
        getattr(manager, action)(callback=callback)
    assert events == []
    assert manager.reload_count == 1


@pytest.mark.parametrize("name", [5, None, "", "no such plugin"])
def test_nonsense_for_a_name(host: Host, events: list[str], name: Any) -> None:
    """Who asks for a plugin by what is no name of one is told so, with the names there are; `find` gives None."""
    build(host.plugins, "arya")
    manager = host.loaded()
    for ask in (lambda: manager.invoke(name, "polish", 1), lambda: manager.current[name]):
        with pytest.raises(hotswap.PluginNotFoundError, match=f"no plugin is called {name!r}; there are: arya"):
            ask()
    assert manager.current.find(name) is None
    assert manager.current.get(name) is None
    assert name not in manager.current


def test_a_file_for_a_directory(host: Host, tmp_path: Path) -> None:
    """A file where a directory of wheels or a state dir belongs is an error that names it and the way out."""
    file = tmp_path / "a file"
    file.write_text("")
    with pytest.raises(hotswap.UsageError, match="a file is not a directory: name the directory that holds the wheels"):
        host.manager(file).load()
    with pytest.raises(hotswap.StateDirError, match=r"(?s)a file.*choose another state dir"):
        hotswap.PluginManager(host.plugins, state_dir=file)
