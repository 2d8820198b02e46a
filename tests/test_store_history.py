"""The history on disk."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hotswap.errors import StateDirError
from hotswap.model import HistoryEntry, RememberedPlugin
from hotswap.store import Store


def entry(number: int) -> HistoryEntry:
    plugin = RememberedPlugin("alpha", f"1.{number}", f"{number:064x}", "loaded", "the-alpha", f"alpha-1.{number}-0")
    return HistoryEntry(number, "reload", 1e9 + number, 0.25, "ok", (plugin, plugin), "", 42, "run")


def failed(number: int) -> HistoryEntry:
    return HistoryEntry(None, "load", 1e9 + number, 0.5, "failed", error="beta: on_load raised\nzwei Zeilen ü")


def numbers(store: Store) -> list[int | None]:
    return [entry.generation for entry in store.entries()]


def test_entries_come_back(tmp_path: Path) -> None:
    """What was appended is read, equal and oldest first, by any store on the state dir."""
    store = Store(tmp_path / "state")
    assert store.entries() == ()
    assert not (tmp_path / "state").exists()
    expected = (entry(1), failed(2), entry(3))
    for one in expected:
        store.append(one)
    assert store.entries() == Store(tmp_path / "state").entries() == expected


@pytest.mark.parametrize("torn", [b"{", b'{"generation": 9, "action": "load"', b"\r", b'{"generation":null}\r\x85'])
def test_a_torn_last_line(tmp_path: Path, torn: bytes) -> None:
    """What a killed writer left is passed over, and repaired by the next entry."""
    store = Store(tmp_path)
    store.append(entry(1))
    with (tmp_path / "history.jsonl").open("ab") as file:
        file.write(torn)
    assert numbers(store) == [1]
    store.append(entry(2))
    assert numbers(store) == [1, 2]
    lines = (tmp_path / "history.jsonl").read_bytes().splitlines()
    assert [json.loads(line)["generation"] for line in lines] == [1, 2]


def test_lines_that_cannot_be_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A line that is no entry is passed over with a log line; fields of newer versions are ignored."""
    store = Store(tmp_path)
    store.append(entry(1))
    with (tmp_path / "history.jsonl").open("a") as file:
        file.write("nonsense\r more\n[]\n{}\n")
        newer = {**json.loads((tmp_path / "history.jsonl").read_text().splitlines()[0]), "generation": 2, "new": 1}
        newer["plugins"][0]["new"] = 1
        file.write(json.dumps(newer) + "\n")
    store.append(entry(3))
    assert numbers(store) == [1, 2, 3]
    assert [f"line {number} is passed over" in caplog.text for number in range(1, 6)] == [
        False,
        True,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("keep", [2, 3])
def test_it_is_bounded(tmp_path: Path, keep: int) -> None:
    """Only the last entries are given, and the file never has more than twice as many lines."""
    store = Store(tmp_path, keep_history=keep)
    most = 0
    for number in range(1, 20):
        store.append(with_wheel(number, str(number)))
        assert numbers(store) == list(range(max(1, number - keep + 1), number + 1))
        most = max(most, (tmp_path / "history.jsonl").read_bytes().count(b"\n"))
    assert most == 2 * keep
    assert list((tmp_path / "staging").iterdir()) == []


def with_wheel(number: int | None, digest: str) -> HistoryEntry:
    """A generation of one plugin; None is a failure."""
    plugins = (RememberedPlugin("alpha", "1.0", digest, "loaded"),) if number else ()
    return replace(entry(number or 0), generation=number, outcome="ok" if number else "failed", plugins=plugins)


def test_the_way_back_outlives_the_limit(tmp_path: Path) -> None:
    """However many reloads changed nothing or failed since, the last generation with other wheels is remembered."""
    store = Store(tmp_path, keep_history=2)
    for number in (1, 2, 3):
        store.append(with_wheel(number, f"wheel {min(number, 2)}"))
    for number in range(4, 20):
        store.append(with_wheel(number, "wheel 2"))
        assert [one.generation for one in store.entries()] == [1, number - 1, number]
    for _ in range(10):
        store.append(with_wheel(None, ""))
    assert [one.generation for one in store.entries()] == [1, 19, None, None]
    store.append(with_wheel(20, "wheel 3"))
    store.append(with_wheel(21, "wheel 3"))
    assert [one.generation for one in store.entries()] == [19, 20, 21]


def test_a_history_that_cannot_be_read(tmp_path: Path) -> None:
    """Something else in its place is an error that names it."""
    (tmp_path / "history.jsonl").mkdir()
    with pytest.raises(StateDirError, match=r"reading the history: Is a directory \(.*history\.jsonl\)"):
        Store(tmp_path).entries()
