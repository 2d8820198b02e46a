"""A realm's `sys.meta_path` and `sys.path_hooks`: the interpreter's, but for other copies of the realm's packages."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from realmkit import OpenRealm, make_libraries, open_realm

__all__ = ["open_realm"]

LAZY = """
import sys, types
class Importer:
    def __init__(self): self.name = __name__
    def find_spec(self, name, path=None, target=None): return None
    def hook(self, path): raise ImportError
def hook(path): raise ImportError
if sys.meta_path:
    for i, importer in enumerate(sys.meta_path):
        if type(importer).__name__ == "Importer" and importer.name == __name__:
            del sys.meta_path[i]
            break
sys.meta_path.append(Importer())
sys.path_hooks.extend([hook, Importer().hook])
"""
"""Takes the importer of its own that is there already for an older one, as several packages do."""
ALPHA = {
    "alpha/__init__.py": "def run(code, **names):\n    names = {**globals(), **names}\n    exec(code, names)\n"
    "    return names.get('found')\n"
}


@pytest.fixture(autouse=True)
def tables() -> Iterator[None]:
    """What the tables have before a test they have after it, too."""
    before = [(name, getattr(sys, name), list(getattr(sys, name))) for name in ("meta_path", "path_hooks")]
    yield
    for name, table, entries in before:
        table[:] = entries
        setattr(sys, name, table)


@pytest.fixture
def run(open_realm: OpenRealm, tmp_path: Path) -> Any:
    """Run code in a plugin's package, which has a library for itself, and get what it calls `found`."""
    libraries = make_libraries(tmp_path / "libraries", ("lazy", "1", {"lazy.py": LAZY}))
    return open_realm("alpha", files=ALPHA, libraries=libraries).load("alpha").run


def owners(table: list[Any]) -> list[str]:
    """The modules that have made the entries of a table, but for the interpreter's and hotswap's own."""
    found = [getattr(entry, "__func__", entry) for entry in table]
    names = [str(getattr(entry, "__module__", "")) for entry in found]
    return [name for name in names if "lazy" in name]


def test_two_versions_beside_the_hosts(open_realm: OpenRealm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A private copy that clears away former importers of its own leaves the host's and other realms' alone."""
    (tmp_path / "lazy.py").write_text(LAZY)
    monkeypatch.syspath_prepend(tmp_path)
    import lazy  # type: ignore[import-not-found]

    monkeypatch.delitem(sys.modules, "lazy", raising=False)
    hosts = lazy.Importer
    names = []
    for version in ("1", "2"):
        libraries = make_libraries(tmp_path / version, ("lazy", version, {"lazy.py": LAZY}))
        realm = open_realm("alpha", version, ALPHA, libraries=libraries)
        names.append(realm.load("alpha").run("import lazy\nfound = lazy.__name__"))
        code = "import sys, lazy\nseen = [e for e in sys.meta_path if type(e).__name__ == 'Importer']\n"
        code += "found = len(seen) == 1 and type(seen[0]) is lazy.Importer and lazy.hook in sys.path_hooks\n"
        assert realm.load("alpha").run(code) is True
    assert owners(sys.meta_path) == ["lazy", *map(str.__str__, names)]
    assert owners(sys.path_hooks) == ["lazy", "lazy", names[0], names[0], names[1], names[1]]
    assert [type(entry) for entry in sys.meta_path].count(hosts) == 1
    code = "import sys\nfound = [e for e in sys.meta_path if type(e).__name__ == 'Importer']\nsys.meta_path.clear()"
    assert len(realm.load("alpha").run(code)) == 1
    assert owners(sys.meta_path) == ["lazy", names[0]]


@pytest.mark.parametrize(
    "expression",
    [
        "sys.meta_path is sys.meta_path and isinstance(sys.meta_path, list)",
        "sys.meta_path == host.meta_path and host.meta_path == sys.meta_path",
        "sys.meta_path == sys.meta_path and not sys.meta_path != sys.meta_path and sys.meta_path != []",
        "len(sys.meta_path) == len(host.meta_path) and bool(sys.meta_path)",
        "list(sys.meta_path) == [*sys.meta_path] == sys.meta_path.copy() == sys.meta_path[:] == copy(sys.meta_path)",
        "type(copy(sys.meta_path)) is type(sys.meta_path[:]) is list",
        "sys.meta_path[0] is host.meta_path[0] and sys.meta_path[-1] is host.meta_path[-1]",
        "list(reversed(sys.meta_path)) == host.meta_path[::-1] == sys.meta_path[::-1]",
        "sys.meta_path.index(sys.meta_path[1]) == 1 and sys.meta_path.count(sys.meta_path[1]) == 1",
        "sys.meta_path[0] in sys.meta_path and 3 not in sys.meta_path",
        "[1] + sys.meta_path == [1, *host.meta_path] and sys.meta_path + [1] == [*host.meta_path, 1]",
        "sys.meta_path + sys.meta_path == sys.meta_path * 2 == 2 * host.meta_path",
        "repr(sys.meta_path) == repr(host.meta_path)",
        "[i for i, _ in enumerate(sys.path_hooks)] == list(range(len(host.path_hooks)))",
        "path_hooks is sys.path_hooks",
    ],
)
def test_a_list(run: Any, expression: str) -> None:
    """What has nothing that is hidden from it is to the realm's code the same list as the interpreter's."""
    assert run(f"import sys\nfrom copy import copy\nfrom sys import path_hooks\nfound = {expression}", host=sys) is True


@pytest.mark.parametrize(
    ("change", "result"),
    [
        ("e.append(5)", "1h23h5"),
        ("e.insert(0, 5)", "51h23h"),
        ("e.insert(1, 5)", "1h523h"),
        ("e.insert(2, 5)", "1h253h"),
        ("e.insert(-1, 5)", "1h253h"),
        ("e.insert(9, 5)", "1h23h5"),
        ("e += [5, 6]", "1h23h56"),
        ("e.extend(iter('56'))", "1h23h56"),
        ("e[len(e):] = [5]", "1h23h5"),
        ("e[:0] = [5, 6]", "561h23h"),
        ("e[1] = 5", "1h53h"),
        ("e[1:3] = [5]", "1h5h"),
        ("e[:] = [5, 6]", "56hh"),
        ("del e[0]", "h23h"),
        ("del e[1:]", "1hh"),
        ("del e[::2]", "2hh"),
        ("e.clear()", "hh"),
        ("e.remove(three)", "1h2h"),
        ("assert e.pop() is three and e.pop(0) is one", "h2h"),
        ("e.reverse()", "321hh"),
        ("e.sort(key=lambda each: -int(str(each)))", "321hh"),
        ("e *= 2", "1h23h123"),
        ("e.extend(e)", "1h23h123"),
        ("sys.meta_path = [5, *e]", "51h23h"),
        ("sys.meta_path = []", "hh"),
    ],
)
def test_changes(run: Any, monkeypatch: pytest.MonkeyPatch, change: str, result: str) -> None:
    """A change is made to the interpreter's list, in which what the realm does not see keeps its place."""

    class Entry:
        def __init__(self, text: str) -> None:
            self.text = text

        def __str__(self) -> str:
            return self.text

    class Hidden(Entry):
        __module__ = "lazy"

    one, two, three = map(Entry, "123")
    finder = sys.meta_path[0]
    monkeypatch.setattr(sys, "meta_path", [one, Hidden("h"), two, three, Hidden("h")])
    before = sys.meta_path
    code = f"import sys\ne = sys.meta_path\nassert len(e) == 3\n{change}\nfound = list(map(str, sys.meta_path))"
    # Python cannot import anything meanwhile.
    seen = run(code.replace("import sys\n", ""), sys=run("import sys\nfound = sys"), one=one, three=three)
    assert "".join(map(str, sys.meta_path)) == result
    assert "".join(seen) == result.replace("h", "")
    assert (sys.meta_path is before) == ("sys.meta_path =" not in change)
    assert finder is not None


def test_another_list(run: Any) -> None:
    """A list that the realm puts in the place of one is the interpreter's, until the one before is put back."""
    before, entries = sys.path_hooks, list(sys.path_hooks)
    hook = functools.partial(print)
    saved = run("import sys\nfound = sys.path_hooks\nsys.path_hooks = sys.path_hooks + [hook]", hook=hook)
    assert before == entries
    assert sys.path_hooks == [*entries, hook]
    assert run("import sys\nfound = list(sys.path_hooks)") == [*entries, hook]
    assert list(saved) == entries
    code = "import sys\nsecond = sys.path_hooks\nsys.path_hooks = [hook]\nfound = list(second)\n"
    assert run(code + "sys.path_hooks = second\nassert sys.path_hooks is second", hook=hook) == [*entries, hook]
    assert sys.path_hooks == [*entries, hook]
    run("import sys\nsys.path_hooks = saved\nassert sys.path_hooks is saved\nsys.path_hooks = saved", saved=saved)
    assert sys.path_hooks is before
    run("import sys\nsys.path_hooks = list(sys.path_hooks)\nsys.path_hooks += []")
    assert sys.path_hooks is before
    code = "import sys\nfrom unittest import mock\nbefore = sys.path_hooks\n"
    code += "with mock.patch.object(sys, 'path_hooks', [hook]):\n    found = list(sys.path_hooks)\n"
    assert run(code + "assert list(sys.path_hooks) == list(before)", hook=hook) == [hook]
    assert sys.path_hooks is before
    assert before == entries
    code = "import sys\nbefore = sys.path_hooks\nsys.path_hooks = None\nfound = sys.path_hooks\nsys.path_hooks = before"
    assert run(code) is None
    assert sys.path_hooks is before


def test_the_libraries_view(run: Any) -> None:
    """What a library hands out of its own `sys` is a list like any other for the plugin."""
    before = sys.meta_path
    run("import sys, lazy\nsys.meta_path = lazy.sys.meta_path\nassert sys.meta_path == lazy.sys.meta_path")
    assert sys.meta_path is before
