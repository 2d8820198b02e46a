"""Library dirs: several wheels in one directory, complete or absent, known by the key of their set."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from storemaker import run_python, start_python
from test_libraries_choice import make_library

from hotswap.errors import StateDirError, WheelError
from hotswap.model import Library, LibrarySet
from hotswap.store import Store


def library(wheel: Path, *requires: str) -> Library:
    name, version = wheel.name.split("-")[:2]
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    needs = tuple(map(Requirement, requires))
    return Library(name, Version(version), wheel, digest, (name,), f"{name}-{version}.dist-info", needs)


@pytest.fixture
def numb(tmp_path: Path) -> LibrarySet:
    files = {
        "numb/__init__.py": "X = 1\n",
        "numb-1.0.data/platlib/numb/placed.py": "",
        "numb-1.0.data/scripts/numb": "",
    }
    wheels = [
        make_library(tmp_path / "w", "frame", "2.0", files={"frame.py": "import numb\n", "LICENSE": "free"}),
        make_library(tmp_path / "w", "numb", "1.0", files={**files, "LICENSE": "free", "__pycache__/x.pyc": b""}),
    ]
    return LibrarySet((library(wheels[0], "numb>=1; python_version > '3'"), library(wheels[1])))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "state")
    yield made
    made.close()


def test_a_set_in_one_directory(store: Store, numb: LibrarySet) -> None:
    """The wheels of a set lie in one directory with their byte code, under the names of the first and of the key."""
    (made,) = store.install_libraries([numb]).values()
    assert made.library_set == numb
    assert not made.reused
    assert made.path.name == f"frame-2.0-and-1-more-{numb.key[:16]}"
    files = {path.relative_to(made.path).as_posix() for path in made.path.rglob("*") if path.is_file()}
    tag = sys.implementation.cache_tag
    assert files >= {
        "HOTSWAP.json",
        "LICENSE",
        "frame.py",
        "numb/__init__.py",
        "numb/placed.py",
        "frame-2.0.dist-info/INSTALLER",
        "numb-1.0.dist-info/METADATA",
        f"__pycache__/frame.{tag}.pyc",
        f"numb/__pycache__/placed.{tag}.pyc",
    }
    assert "__pycache__/x.pyc" not in files


def test_it_is_unpacked_once(store: Store, numb: LibrarySet, tmp_path: Path) -> None:
    """A set that is on disk is used as it is, also if its wheels are gone, and by another process."""
    first = store.install_libraries([numb])[numb.key]
    for wheel in (tmp_path / "w").iterdir():
        wheel.unlink()
    again = store.install_libraries([numb, numb])
    assert list(again) == [numb.key]
    assert (again[numb.key].reused, again[numb.key].path) == (True, first.path)
    found = store.find_libraries(numb.key)
    assert found == numb
    code = "import sys; from pathlib import Path; from hotswap.store import Store; s = Store(Path(sys.argv[1]));"
    code += "found = s.find_libraries(sys.argv[2]); print(s.install_libraries([found])[found.key].reused); s.close()"
    assert run_python(code, tmp_path / "state", numb.key) == "True\n"


@pytest.mark.parametrize("content", ["", "{}", '{"format": 1, "digest": "x", "sizes": {}, "content": []}'])
def test_a_record_that_is_none(store: Store, numb: LibrarySet, content: str) -> None:
    """A library dir without a good record is not found, and is made again."""
    made = store.install_libraries([numb])[numb.key]
    (made.path / "HOTSWAP.json").write_text(content)
    assert store.find_libraries(numb.key) is None
    assert not store.install_libraries([numb])[numb.key].reused
    assert store.find_libraries(numb.key) == numb


def test_a_record_of_something_else(store: Store, numb: LibrarySet) -> None:
    """A record whose libraries are not those of its key, or have no form, is not believed."""
    made = store.install_libraries([numb])[numb.key]
    record = json.loads((made.path / "HOTSWAP.json").read_text())
    for libraries in (record["content"][:1], [{"name": "numb"}]):
        (made.path / "HOTSWAP.json").write_text(json.dumps({**record, "content": libraries}))
        assert store.find_libraries(numb.key) is None
    (made.path / "HOTSWAP.json").write_text(json.dumps(record))
    (made.path / "frame.py").unlink()
    assert store.find_libraries(numb.key) is None
    assert store.find_libraries("no key") is None


@pytest.mark.parametrize("libraries", [[{"name": "numb"}], ["numb"], 1])
def test_pruning_beside_a_record_without_form(store: Store, numb: LibrarySet, libraries: object) -> None:
    """What a library dir does not say of its wheels does not keep others from being pruned."""
    made = store.install_libraries([numb])[numb.key]
    record = json.loads((made.path / "HOTSWAP.json").read_text())
    (made.path / "HOTSWAP.json").write_text(json.dumps({**record, "content": libraries}))
    fetched = make_library(store.wheelhouse, "idle", "9.0")
    os.utime(fetched, (0, 0))
    assert store.prune().wheels == (fetched.name,)


def test_keys_that_begin_alike(store: Store, numb: LibrarySet) -> None:
    """Another set where this one belongs is an error that names both."""
    made = store.install_libraries([numb])[numb.key]
    record = json.loads((made.path / "HOTSWAP.json").read_text())
    other = "0" * 64
    (made.path / "HOTSWAP.json").write_text(json.dumps({**record, "digest": other}))
    with pytest.raises(StateDirError, match=rf"holds another set of libraries, of digest {other}, where one of digest"):
        store.install_libraries([numb])


def test_names_that_are_no_names(store: Store, numb: LibrarySet) -> None:
    """A name that could lead elsewhere never becomes a directory."""
    bad = LibrarySet((replace(numb.libraries[0], name="../evil", digest="x"),))
    with pytest.raises(WheelError) as caught:
        store.install_libraries([bad])
    assert [fault.what for fault in caught.value.faults] == [
        "name '../evil' cannot name a directory",
        "digest 'x' cannot name a directory",
    ]


def test_a_wheel_that_changed_since(store: Store, numb: LibrarySet) -> None:
    """A wheel that is not what was verified any more is refused by name, and nothing is left behind."""
    numb.libraries[1].path.write_bytes(b"something else")
    with pytest.raises(WheelError, match=r"numb 1.0: .* changed since it was verified"):
        store.install_libraries([numb])
    assert store.find_libraries(numb.key) is None
    assert list((store.state_dir / "staging").iterdir()) == []


@pytest.mark.slow
def test_killed_at_any_moment(tmp_path: Path, numb: LibrarySet) -> None:
    """However early a process is killed while it installs a set, the next one finds it whole or absent."""
    code = """
import os, signal, sys, threading
from pathlib import Path
from hotswap.model import Library, LibrarySet
from hotswap.store import Store
sys.path.insert(0, sys.argv[3])
from test_store_libraries import library
left = int(sys.argv[4])
def watch(event, arguments):
    global left
    if event in ("open", "os.mkdir", "os.rename") and "state" in str(arguments[0]):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
store = Store(Path(sys.argv[1]))
chosen = LibrarySet(tuple(library(wheel) for wheel in sorted(Path(sys.argv[2]).iterdir())))
sys.addaudithook(watch)
store.install_libraries([chosen])
"""
    tests = Path(__file__).parent
    whole = LibrarySet(tuple(library(wheel) for wheel in sorted((tmp_path / "w").iterdir())))
    outcomes = set()
    for moment in range(0, 60, 7):
        state = tmp_path / f"state{moment}"
        with start_python(code, state, tmp_path / "w", tests, moment, stderr=-3) as process:
            process.communicate()
        outcomes.add(process.returncode)
        store = Store(state)
        before = store.find_libraries(whole.key)
        assert before in (None, whole)
        made = store.install_libraries([whole])[whole.key]
        assert made.reused is (before is not None)
        assert store.find_libraries(whole.key) == whole
        assert list((state / "staging").iterdir()) == []
        store.close()
    assert -signal.SIGKILL in outcomes
