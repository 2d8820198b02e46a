"""What a child process does with the names of its parent's realms; this process plays the child."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Iterator
from multiprocessing import process
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import Host, noting
from wheelmaker import make_wheel

import hotswap
from hotswap import children, realms
from hotswap.realm import LIBRARIES, parse
from hotswap.realm.finder import FINDER
from hotswap.store import Store

JOB = """
import pickle
class Job:
    def run(self): return VERSION
def make(): return pickle.dumps(Job())
def load(data): return pickle.loads(data).run()
"""
THING = """
import pickle, thing
class Job:
    def __init__(self): self.thing = thing.Thing()
    def run(self): return VERSION, self.thing.x
def make(): return pickle.dumps(Job())
def bare(): return pickle.dumps(thing.Thing())
"""


@pytest.fixture
def inherit(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], None]]:
    """Makes this process the child of one that has a manager with that state dir."""
    opened: dict[str, list[Any]] = {}
    monkeypatch.setattr(children, "_open", opened)
    monkeypatch.setattr(children, "_absent", set())
    monkeypatch.setattr(realms.STATE_DIRS, "inherited", ())

    def inherit(state_dir: Path) -> None:
        assert realms._inherit(0, str(state_dir)) is realms.STATE_DIRS

    yield inherit
    for realm in [realm for versions in opened.values() for realm in versions]:
        realm.close()
    for realm, users in list(LIBRARIES._open.values()):
        for _ in range(users):
            LIBRARIES.close(realm)
    for state_dir in realms.STATE_DIRS.inherited:
        children._store(state_dir).close()
    children._store.cache_clear()
    sys.meta_path.remove(realms._ChildFinder)
    assert FINDER not in sys.meta_path


def written(host: Host, version: str, source: str = JOB, function: str = "make", **options: Any) -> bytes:
    """A pickle that a version makes in a manager, which is closed then."""
    host.add("alpha", version, source, **options)
    with host.manager() as manager:
        manager.load()
        data: bytes = manager.invoke("alpha", function)
    return data


def versions_open() -> list[str]:
    return [str(realm.site.manifest.version) for realm in FINDER.realms_of("alpha")]


def test_a_name_opens_its_version(host: Host, inherit: Callable[[Path], None]) -> None:
    """What a pickle names is the very version that wrote it, opened once, however many pickles name it."""
    data = written(host, "1.0")
    inherit(host.state_dir)
    inherit(host.state_dir)
    assert [pickle.loads(data).run() for _ in range(2)] == ["1.0", "1.0"]
    assert versions_open() == ["1.0"]
    assert sys.meta_path.count(realms._ChildFinder) == 1


def test_not_more_than_a_few_versions_stay(host: Host, inherit: Callable[[Path], None]) -> None:
    """The oldest versions are closed when there are more than enough, except those in which something executes."""
    held = "def hold():\n    yield VERSION\n"
    data = [written(host, f"{number}.0", JOB + held) for number in range(7)]
    inherit(host.state_dir)
    hold = sys.modules[type(pickle.loads(data[0])).__module__].hold()
    assert next(hold) == "0.0"
    for number, each in enumerate(data):
        assert pickle.loads(each).run() == f"{number}.0"
    assert versions_open() == ["0.0", "3.0", "4.0", "5.0", "6.0"]
    hold.close()


def test_a_version_reads_what_another_wrote(host: Host, inherit: Callable[[Path], None]) -> None:
    """A version's own code reads as its own what another wrote; others get that other version of the same pickle."""
    old, new = written(host, "1.0"), written(host, "2.0")
    inherit(host.state_dir)
    load = sys.modules[type(pickle.loads(new)).__module__].load
    assert load(old) == "2.0"
    assert versions_open() == ["2.0"]
    assert pickle.loads(old).run() == "1.0"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_versions_open_in_any_order(host: Host, inherit: Callable[[Path], None], order: tuple[int, int]) -> None:
    """Whichever version a child opens first, each reads as its own what the other wrote; others get the writer's."""
    late = "def late(data): import alpha_plugin.later; return load(data)"
    data = []
    for version in ("1.0", "2.0"):
        files = {
            "alpha_plugin/__init__.py": noting("alpha", version, JOB + late),
            "alpha_plugin/later.py": f"class Job:\n    def run(self): return {version!r}\n",
        }
        for old in host.plugins.glob("*.whl"):
            old.unlink()
        make_wheel(host.plugins, "alpha", version, files)
        with host.manager() as manager:
            manager.load()
            data.append(manager.invoke("alpha", "make"))
    inherit(host.state_dir)
    jobs = {index: pickle.loads(data[index]) for index in order}
    assert [jobs[index].run() for index in (0, 1)] == ["1.0", "2.0"]
    later = [f"c{type(jobs[index]).__module__}.later\nJob\n)R.".encode() for index in (0, 1)]
    for written in (data, later):
        for index, own in enumerate(["1.0", "2.0"]):
            module = sys.modules[type(jobs[index]).__module__]
            assert [module.load(each) for each in written] == [own] * 2
            assert [module.late(each) for each in written] == [own] * 2
        for loads in (pickle.loads, pickle._loads):  # type: ignore[attr-defined]
            assert [loads(each).run() for each in written] == ["1.0", "2.0"]
            assert [type(loads(pickle.dumps(jobs[index]))) is type(jobs[index]) for index in (0, 1)] == [True] * 2
    assert sorted(versions_open()) == ["1.0", "2.0"]


@pytest.mark.parametrize("function", ["make", "bare"])
@pytest.mark.parametrize("can_hold", [True, False])
def test_private_libraries(
    host: Host, inherit: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch, function: str, can_hold: bool
) -> None:
    """Private libraries are opened with their plugin, or alone, also where the state dir can only be read."""
    for x in ("1", "2"):  # two sets, of which one is looked for
        make_wheel(host.plugins, "thing", f"{x}.0", {"thing.py": f"class Thing:\n    x = {x}\n"}, entry_points="")
        data = written(host, "1.0", THING, function, requires="thing")
    if not can_hold:
        for file in host.state_dir.glob("hosts*"):
            file.rename(file.with_name("moved"))
        (host.state_dir / "hosts").touch()
    inherit(host.state_dir)
    read = pickle.loads(data)
    assert (read.run() == ("1.0", 2)) if function == "make" else (read.x == 2)
    assert ("thing" in sys.modules) is False


def test_what_is_not_there(host: Host, inherit: Callable[[Path], None], tmp_path: Path) -> None:
    """A version that no state dir has is not looked for twice; the error names it."""
    data = written(host, "1.0")
    inherit(tmp_path / "empty")
    for _ in range(2):
        with pytest.raises(hotswap.FormerNameError, match=r"alpha_plugin\.Job of alpha 1\.0.*no version of alpha is"):
            pickle.loads(data)
    assert len(children._absent) == 1


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="the system does not say what is open")
def test_state_dirs_are_those_of_the_parent(
    host: Host, inherit: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child looks which state dirs its parent uses, unless it has managers of its own; of others none are told."""
    data = written(host, "1.0")
    config = process.current_process()._config  # type: ignore[attr-defined]
    monkeypatch.setattr(process, "_parent_process", SimpleNamespace(pid=os.getpid()))
    assert realms.reopener() is None  # the parent uses none
    with host.manager() as manager:
        manager.load()
        assert realms.reopener() is None
    assert "hotswap" not in config
    store = Store(host.state_dir)
    store.hold(["3f9c" * 16])
    assert children.state_dirs_of(os.getpid()) == [str(host.state_dir)]
    assert children.state_dirs_of(2**30) == []
    try:
        assert pickle.loads(data).run() == "1.0"
        assert config.pop("hotswap") is realms.STATE_DIRS
        assert realms.STATE_DIRS.inherited == (str(host.state_dir),)
    finally:
        store.close()


def test_two_threads_open_one_version(host: Host, inherit: Callable[[Path], None]) -> None:
    """A version that another thread has opened meanwhile is not opened again."""
    data = written(host, "1.0")
    inherit(host.state_dir)
    name = type(pickle.loads(data)).__module__.split(".")[2]
    parsed = parse(f"hotswap.realms.{name}")
    assert parsed is not None
    assert children.reopen(parsed[0], name)
    assert versions_open() == ["1.0"]


def test_others_names(inherit: Callable[[Path], None], tmp_path: Path) -> None:
    """A child looks for nothing but realms: other names are absent as ever."""
    inherit(tmp_path)
    for name in ("no_such_module", "hotswap.realms.nothing", "hotswap.realms.a__b"):
        with pytest.raises(ModuleNotFoundError, match=name):
            __import__(name)
    assert not children._absent
