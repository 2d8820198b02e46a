"""Writes the table of the documents from the results of all versions of Python."""

from __future__ import annotations

import json
import os
import platform
import tomllib
from pathlib import Path
from typing import Any

from catalogue import CASES, HERE, SUITES

WHY: dict[str, str] = tomllib.loads((HERE / "expectations.toml").read_text("utf-8"))["why"]
"""What the page says of a case in place of the message."""

TOP = """# Compatibility

Well-known packages, each in two versions side by side in one process: two plugins require one version each as a
private library, and where the table names a third version, the host has that one. `tox -e compat` runs all of it
and holds it to `tests/compat/expectations.toml`; this page is what its last run wrote.

What `ok` says of a package, whether the host imports its own copy before the plugins are loaded or after:

- A smoke test that does real work with it (renders, computes, encrypts, opens a database in memory, serves HTTP)
  gives the right results in both plugins and in the host, one after the other and (but for two that redirect the
  process's output) in three threads at once.
- `__version__` and `importlib.metadata.version` tell everybody their own version; a host without a copy cannot
  import it.
- Of everything that can be reached from a plugin's modules and objects, each module, class and function is of the
  plugin's own copies: none is the other plugin's, none the host's where the plugin has its own copy. Nor does the
  host reach a plugin's.
- Objects that a plugin hands out show themselves to the host as they do inside; functions of C code, too, work in
  the host's hands where the smoke test hands some out, also before the plugin has used them itself.
- At no moment did another thread of the host, looking all the time, find a plugin's copy in `sys.modules` under the
  package's name.
- After the plugins are gone, `sys.modules` has nothing left of them. One plugin goes first, and the other works on.

`refused`: it cannot be private next to another copy; that is said before the swap, with the way out. `fails`: do
not use it as a private library, let the host provide it; the note says what for.
"""
SUITES_TOP = """
## Their own test suites

The tests of the package's source distribution are a plugin whose private library is the package, and pytest is the
host's. Outside, the same pytest runs the same tests with the package on the path. The outcome of every single test is
compared.
"""
KNOWN_TOP = """
Tests that come out differently, and why:

"""


def write_table(results: Path, target: Path) -> None:
    """Write the page.

    Args:
        results: Has one JSON file for each version of Python.
        target: The page.
    """
    found = {path.stem: json.loads(path.read_text()) for path in sorted(results.glob("3.*.json"))}
    pythons = ", ".join(f"{data.get('python', name)}" for name, data in found.items())
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    heading = ["package", "kind", "versions", "the host's", *found, "note"]
    rows = [row(case.name, case.kind, f"{case.first}, {case.second}", case.host or "none", found) for case in CASES]
    counts = ", ".join(
        f"{sum(each['result'] == 'ok' for each in data['cases'].values())} of {len(data['cases'])} ok on {name}"
        for name, data in found.items()
    )
    lines = [TOP, f"{machine}; Python {pythons}: {counts}.\n", *table(heading, rows), SUITES_TOP]
    heading = ["suite", "version", *found, "tests outside"]
    lines += table(heading, [suite_row(suite.name, suite.version, found) for suite in SUITES])
    known: dict[tuple[str, str], int] = {}
    for data in found.values():
        for name, result in data["suites"].items():
            for why, count in result.get("known", {}).items():
                known[name, why] = max(count, known.get((name, why), 0))
    if known:
        lines += [KNOWN_TOP.rstrip(), "", *(f"- {name}, {count}: {why}" for (name, why), count in known.items())]
    target.write_text("\n".join(lines) + "\n", "utf-8")


def row(name: str, kind: str, versions: str, host: str, found: dict[str, Any]) -> list[str]:
    """One package."""
    results = {python: data["cases"].get(name) for python, data in found.items()}
    notes = [note for result in results.values() if result for note in notes_of(name, result)]
    return [
        name,
        kind,
        versions,
        host,
        *(short(result) for result in results.values()),
        "; ".join(dict.fromkeys(notes)),
    ]


def suite_row(name: str, version: str, found: dict[str, Any]) -> list[str]:
    """One suite."""
    results = {python: data["suites"].get(name) for python, data in found.items()}
    words = []
    for result in results.values():
        if result is None or "counts" not in result:
            words.append(short(result))
            continue
        differing, total = len(result["differing"]), sum(result["counts"].values())
        words.append("same" if not differing else f"{differing} of {total} differ")
    counts = [result["notes"][0] for result in results.values() if result and "counts" in result]
    return [name, version, *words, counts[-1] if counts else ""]


def short(result: dict[str, Any] | None) -> str:
    """The sort of a result."""
    return "" if result is None else result["result"].partition(":")[0]


def notes_of(name: str, result: dict[str, Any]) -> list[str]:
    """What a reader should know of a result."""
    words = result["result"].partition(": ")[2]
    notes = [why] if (why := WHY.get(name)) else [line[:200] for line in words.splitlines()[:1]]
    stay = [note for note in result.get("notes", ()) if " stay" in note]
    held = [note.partition(": ")[2] for note in stay if ": " in note]
    if held:
        notes.append(f"modules stay after the plugin has gone: {held[0]}")
    elif stay:
        notes.append("extension modules stay after the plugin has gone")
    shared = [note for note in result.get("notes", ()) if note.startswith("the host's copy")]
    return [note.replace("|", "/") for note in [*notes, *shared]]


def table(heading: list[str], rows: list[list[str]]) -> list[str]:
    """A table in Markdown."""
    lines = [heading, ["---"] * len(heading), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]
