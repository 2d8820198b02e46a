"""A realm's `sys.path`: the interpreter's, and directories of the realm that the host does not see."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from realmkit import OpenRealm, make_libraries, open_realm

from hotswap.realm import Realm

__all__ = ["open_realm"]

RUN = """
def run(code, **names):
    names = {**globals(), **names}
    exec(code, names)
    return names.get("found")
"""
FILES = {
    "alpha/__init__.py": RUN,
    "alpha/front/hotswap_test_given.py": "WHOSE = 'the realm'\n",
    "alpha/front/json.py": "",
    "alpha/front/hotswap_test_pack/__init__.py": "",
    "alpha/front/hotswap_test_pack/part.py": "from hotswap_test_given import WHOSE\n",
    "alpha/front/hotswap_test_space/inner.py": "INNER = 1\n",
    "alpha/front/not-a-module/x.py": "",
    "alpha/back/hotswap_test_given.py": "",
    "alpha/back/hotswap_test_more.py": "MORE = 1\n",
    "alpha/back/tools.py": "",
}
TOOLS = """
import sys
WHOSE = "the library"
def enter(*entries):
    sys.path.extend(entries)
"""
BOOTING = """
import os, sys, importlib, copy
def boot():
    before = copy.copy(sys.path)
    sys.path.insert(1, os.path.dirname(os.path.abspath(__file__)))
    package = sys.modules.pop("booting")
    inner = importlib.import_module("booting")
    sys.modules["booting"] = package
    globals().update(inner=inner, VALUE=inner.VALUE)
    sys.path = before
boot()
"""
"""Looks for a module of its own name inside itself, as cv2 does."""
VENDORING = """
import os, sys
sys.path.extend([os.path.join(os.path.dirname(__file__), "_vendor")])
from hotswap_test_vendored import VALUE
import hotswap_test_given as given
def later():
    import hotswap_test_second.deep
    return hotswap_test_second.deep.VALUE
"""
"""Appends a directory of further packages, as setuptools does."""


@pytest.fixture
def realm(open_realm: OpenRealm, tmp_path: Path) -> Realm:
    """A plugin with directories of modules inside its package, and a library of its own."""
    libraries = make_libraries(tmp_path / "libraries", ("tools", "1", {"tools.py": TOOLS}))
    return open_realm("alpha", files=FILES, libraries=libraries)


@pytest.fixture
def run(realm: Realm) -> Any:
    """Run code in the plugin's package, which knows its `front` and `back`, and get what it calls `found`."""
    run_code = realm.load("alpha").run
    front, back = (str(Path(realm.path, "alpha", name)) for name in ("front", "back"))
    return lambda code, **names: run_code(f"import sys\n{code}", front=front, back=back, **names)


@pytest.fixture(autouse=True)
def path(tmp_path: Path) -> Iterator[list[str]]:
    """The interpreter's `sys.path`, which every test leaves as it was, with a module of the host's."""
    host = tmp_path / "host"
    host.mkdir()
    (host / "hotswap_test_given.py").write_text("WHOSE = 'the host'\n")
    table, before = sys.path, list(sys.path)
    sys.path.append(str(host))
    yield list(sys.path)
    table[:] = before
    sys.path = table
    sys.modules.pop("hotswap_test_given", None)


def test_a_module_inside_its_package(open_realm: OpenRealm, tmp_path: Path, path: list[str]) -> None:
    """A package that imports a module of its own name from its own directory gets it, and the host sees none of it."""
    table = sys.path
    for version in ("1", "2"):
        files = {"booting/__init__.py": BOOTING, "booting/booting.py": f"VALUE = {version}"}
        libraries = make_libraries(tmp_path / version, ("booting", version, files))
        realm = open_realm("alpha", version, {"alpha/__init__.py": RUN}, libraries=libraries)
        code = "import booting, sys\nfound = booting.VALUE, booting.inner.__file__, booting.sys.path == sys.path"
        inner = str(libraries.path / "booting" / "booting.py")
        assert realm.load("alpha").run(code) == (int(version), inner, True)
        assert (sys.path, sys.path is table) == (path, True)
        assert importlib.util.find_spec("booting") is None
        assert realm.libraries is not None
        assert sys.modules[realm.libraries.name].__path__ == [str(libraries.path)]


def test_packages_brought_along(open_realm: OpenRealm, tmp_path: Path, path: list[str]) -> None:
    """From an appended directory a library gets what nobody else has, and the host gets nothing, not even after it."""
    files = {
        "vendoring/__init__.py": VENDORING,
        "vendoring/_vendor/hotswap_test_vendored.py": "VALUE = 1\n",
        "vendoring/_vendor/hotswap_test_given.py": "WHOSE = 'the library'\n",
        "vendoring/_vendor/hotswap_test_second/deep.py": "VALUE = 2\n",
    }
    libraries = make_libraries(tmp_path / "libraries", ("vendoring", "1", files))
    realm = open_realm("alpha", files={"alpha/__init__.py": RUN}, libraries=libraries)
    vendor = str(libraries.path / "vendoring" / "_vendor")
    code = "import vendoring as v\nfound = v.VALUE, v.given.WHOSE, v.later(), v.sys.path[-1]"
    assert realm.load("alpha").run(code) == (1, "the host", 2, vendor)
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'hotswap_test_vendored'$"):
        realm.load("alpha").run("import hotswap_test_vendored")
    assert sys.path == path
    assert importlib.util.find_spec("hotswap_test_vendored") is None
    later = realm.load("alpha").run("import vendoring\nfound = vendoring")
    realm.close()
    later.sys.path.append("hotswap_test_late")
    later.sys.path.insert(0, vendor + "/absent")
    later.sys.path.remove(vendor)
    assert sys.path == [*path, "hotswap_test_late"]


def test_before_all_others(run: Any, path: list[str]) -> None:
    """A directory at the front is searched in preference to the host's, but for the standard library's names."""
    assert run("import hotswap_test_given\nfound = hotswap_test_given.WHOSE") == "the host"
    code = "sys.path.insert(0, front)\nimport hotswap_test_given, hotswap_test_pack.part as part, json\n"
    code += "import hotswap_test_space.inner as inner\nfound = part.WHOSE, hotswap_test_given.WHOSE, json.__file__\n"
    assert run(code) == ("the realm", "the realm", importlib.util.find_spec("json").origin)  # type: ignore[union-attr]
    assert sys.path == path
    assert __import__("hotswap_test_given").WHOSE == "the host"


def test_behind_all_others(run: Any) -> None:
    """From a directory at the end come only names that neither the host nor a library has."""
    code = "sys.path.append(back)\nimport hotswap_test_given, hotswap_test_more, tools\n"
    code += "found = hotswap_test_given.WHOSE, hotswap_test_more.MORE, tools.WHOSE"
    assert run(code) == ("the host", 1, "the library")


def test_taken_away_again(run: Any) -> None:
    """What was imported stays, as outside; the rest is not found any more."""
    run("sys.path.insert(0, front)\nimport hotswap_test_pack\nsys.path.remove(front)")
    assert run("import hotswap_test_pack.part\nfound = hotswap_test_pack.part.WHOSE") == "the host"
    with pytest.raises(ModuleNotFoundError, match="hotswap_test_space"):
        run("import hotswap_test_space")


@pytest.mark.parametrize(
    ("change", "result"),
    [
        ("p.append(F)", "abcF"),
        ("p.insert(0, F)", "Fabc"),
        ("p.insert(1, F); p.insert(1, B)", "aBFbc"),
        ("p += [F, 'd', B]", "abcFdB"),
        ("p.extend([F, B]); p.insert(0, 'd')", "dabcFB"),
        ("p[1:1] = [F, B]; del p[1]", "aBbc"),
        ("p[1:2] = [F, 'd']", "aFdc"),
        ("p.insert(1, F); p.remove('b')", "aFc"),
        ("p.insert(1, F); p.remove(F)", "abc"),
        ("p.insert(1, F); p.reverse()", "cbFa"),
        ("p.append(F); p.append(F); p.pop(); p.append('d')", "abcFd"),
        ("p.insert(2, F); p.clear(); p.append('d')", "d"),
        ("sys.path = [F, *p]", "Fabc"),
        ("sys.path = [F] + p; sys.path.append('d')", "Fabcd"),
        ("sys.path = ['d', B]", "dB"),
        ("sys.path = [F] + p; sys.path = p", "abc"),
        ("sys.path = [F] + p; q = sys.path; sys.path = p; sys.path = q", "Fabc"),
        ("p.append(F); sys.path = ['d']; p.append(B); sys.path = p", "abcFB"),
        ("sys.path.append(3); sys.path.append('')", "abc3"),
    ],
)
def test_places(run: Any, change: str, result: str) -> None:
    """The realm's directories are where they were put, and all other entries are the interpreter's."""
    table = sys.path
    before = list(table)
    table[:] = ["a", "b", "c"]
    try:
        code = f"p, F, B = sys.path, front, back\n{change}\n"
        code += "found = ''.join({F: 'F', B: 'B'}.get(e, str(e)) for e in sys.path)"
        assert run(code) == result
        assert "".join(map(str, sys.path)) == result.replace("F", "").replace("B", "")
    finally:
        table[:] = before
        sys.path = table


def test_where_others_are(run: Any, realm: Realm, open_realm: OpenRealm, path: list[str], tmp_path: Path) -> None:
    """A directory of another realm is kept from the host, too; one that is not there and the realm's own do no harm."""
    other = open_realm("beta", files={"beta/__init__.py": "", "beta/inside/hotswap_test_inside.py": ""})
    link = tmp_path / "link"
    link.symlink_to(Path(realm.path, "alpha", "front"))
    entries = [other.path + "/beta/inside", realm.path, realm.path + "/alpha/absent", str(link)]
    code = "import tools\ntools.enter(*entries[:2])\nsys.path[:0] = entries\nfound = sys.path[:4]"
    assert run(code, entries=entries) == entries
    assert sys.path == path
    assert run("import tools\nfound = tools.sys.path[-2:]") == entries[:2]
    assert run("import hotswap_test_given\nfound = hotswap_test_given.WHOSE") == "the realm"
    with pytest.raises(ModuleNotFoundError):
        run("import hotswap_test_inside")
    assert run("sys.path.append(entry)\nfound = sys.path[-1]", entry=str(Path(realm.path).parent)) == sys.path[-1]


def test_without_the_standard_library(run: Any, monkeypatch: pytest.MonkeyPatch, path: list[str]) -> None:
    """Where the interpreter's modules lie in an archive, every directory comes first."""
    monkeypatch.setattr("hotswap.realm.overlays.path._STDLIB", "absent")
    assert run("sys.path.append(front)\nimport hotswap_test_given\nfound = hotswap_test_given.WHOSE") == "the realm"
