"""Pickles of a plugin's objects, across versions, in one process."""

from __future__ import annotations

import copy
import copyreg
import io
import pickle
import shelve
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import eventlog
import pytest
from conftest import Host, eventually
from wheelmaker import make_wheel, plugin_source

import hotswap
from hotswap.realm.finder import FINDER
from hotswap.realm.ownkeys import OWN_KEYS, OthersKey, OwnKey

KINDS = """
import collections, dataclasses, enum, pickle

class Job:
    class Inner:
        version = VERSION
    def __init__(self, number=1): self.number = number
    def run(self): return VERSION, self.number
    @classmethod
    def made(cls): return VERSION

class Slotted:
    __slots__ = ("x",)

@dataclasses.dataclass(frozen=True)
class Point:
    x: int
    version = VERSION

class Color(enum.Enum):
    RED = 1
Color.version = VERSION

Pair = collections.namedtuple("Pair", "a b")

class Broken(ValueError):
    version = VERSION

class Reduced:
    def __reduce__(self): return rebuild, (VERSION,)
def rebuild(written): return written, VERSION

class Meta(type): pass
class Made(metaclass=Meta):
    version = VERSION

def job(): return Job(7)
def slotted():
    made = Slotted(); made.x = 5; return made
def point(): return Point(3)
def color(): return Color.RED
def pair(): return Pair(1, 2)
def broken(): return Broken("no")
def reduced(): return Reduced()
def inner(): return Job.Inner
def method(): return Job(8).run
def class_method(): return Job.made
def function(): return version
def made(): return Made

def dump(protocol): return pickle.dumps(Job(9), protocol)
def load(data): return pickle.loads(data)
def is_own(data): return type(pickle.loads(data)) is Job
"""

MADE: dict[str, Callable[[Any], Any]] = {
    "job": lambda it: it.run() == ("2.0", 7),
    "slotted": lambda it: it.x == 5,
    "point": lambda it: (it.x, it.version) == (3, "2.0"),
    "color": lambda it: (it.name, it.version) == ("RED", "2.0"),
    "pair": lambda it: it == (1, 2) and it.a == 1,
    "broken": lambda it: (it.args, it.version) == (("no",), "2.0"),
    "reduced": lambda it: it == ("1.0", "2.0"),
    "inner": lambda it: it.version == "2.0",
    "method": lambda it: it() == ("2.0", 8),
    "class_method": lambda it: it() == "2.0",
    "function": lambda it: it() == "2.0",
    "made": lambda it: it.version == "2.0",
}


def formers() -> list[str]:
    return [name for name, module in list(sys.modules.items()) if type(module).__name__ == "Former"]


@pytest.fixture(autouse=True)
def nothing_stays() -> Any:
    """With the last realm its names are gone."""
    yield
    assert not FINDER.formers or FINDER in sys.meta_path


def test_every_kind_by_every_pickler(host: Host) -> None:
    """What 1.0 pickled, by any protocol of both picklers, both unpicklers read as 2.0's."""
    host.add("alpha", "1.0", KINDS)
    manager = host.loaded()
    written = {
        (kind, protocol, dumps.__module__): dumps(manager.invoke("alpha", kind), protocol)
        for kind in MADE
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
        for dumps in (pickle.dumps, pickle._dumps)  # type: ignore[attr-defined]
        if (kind, protocol) not in {("slotted", 0), ("slotted", 1)}  # which pickle does not do
    }
    host.add("alpha", "2.0", KINDS)
    manager.reload()
    for (kind, protocol, by), data in written.items():
        for loads in (pickle.loads, pickle._loads):  # type: ignore[attr-defined]
            read = loads(data)
            assert MADE[kind](read), (kind, protocol, by)
            again = loads(pickle.dumps(read, protocol)) if kind != "reduced" else read
            assert MADE[kind](again), (kind, protocol, by)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_the_plugin_pickles_itself(host: Host, protocol: int) -> None:
    """A plugin writes pickles of its own objects, and its next version reads them."""
    host.add("alpha", "1.0", KINDS)
    manager = host.loaded()
    data = manager.invoke("alpha", "dump", protocol)
    assert manager.invoke("alpha", "is_own", data)
    host.add("alpha", "2.0", KINDS)
    manager.reload()
    assert manager.invoke("alpha", "is_own", data)
    assert manager.invoke("alpha", "load", data).run() == ("2.0", 9)


READS_AT_START = """
import io, pickle, shelve
def on_load(data):
    on_load.jobs = [loads(eventlog_shelf["data"]) for loads in (pickle.loads, pickle._loads)]
    on_load.jobs += [pickle.Unpickler(io.BytesIO(eventlog_shelf["data"])).load()]
    if "path" in eventlog_shelf:
        with shelve.open(eventlog_shelf["path"], "r") as stored:
            on_load.jobs.append(stored["job"])
def are_own(): return [type(job) is Job for job in on_load.jobs]
from eventlog import shelf as eventlog_shelf
"""


def test_a_version_that_starts_reads_its_own(host: Host, tmp_path: Path, events: list[str]) -> None:
    """In `on_load` the new version reads as its own what the old one wrote; for the host the old one answers still."""
    host.add("alpha", "1.0", KINDS)
    manager = host.loaded()
    old = manager.invoke("alpha", "job")
    eventlog.shelf["data"], eventlog.shelf["path"] = pickle.dumps(old), str(tmp_path / "stored")
    with shelve.open(eventlog.shelf["path"]) as stored:
        stored["job"] = old
    seen: list[Any] = []

    def look(new: object, old: object) -> None:
        seen.append(pickle.loads(eventlog.shelf["data"]).run())
        seen.append(pickle.loads(pickle.dumps(manager.invoke("alpha", "job"))).run())

    host.add("alpha", "2.0", KINDS + READS_AT_START, on_load="")
    manager.reload(callback=look)
    assert manager.invoke("alpha", "are_own") == [True] * 4
    assert seen == [("1.0", 7)] * 2


def test_modules_with_names_of_their_own(host: Host) -> None:
    """A module that calls itself something else, or has put another object in its place, hinders no reload."""
    files = {
        "alpha/__init__.py": plugin_source("from . import one, two\nfrom .three import Job\ndef job(): return Job()"),
        "alpha/one.py": "__name__ = 'something'",
        "alpha/two.py": "import sys\nclass Two: pass\nsys.modules[__name__] = Two()",
        "alpha/three.py": "class Job: pass",
    }
    make_wheel(host.plugins, "alpha", "1.0", files)
    manager = host.loaded()
    data = pickle.dumps(manager.invoke("alpha", "job"))
    for version in ("1.1", "1.2"):
        make_wheel(host.plugins, "alpha", version, files)
        manager.reload()
        assert type(pickle.loads(data)) is type(manager.invoke("alpha", "job"))


def test_an_undone_version_leaves_no_trace(host: Host) -> None:
    """If the new version fails, the live one is found under its plain names again."""
    host.add("alpha", "1.0", KINDS)
    manager = host.loaded()
    before = {str(name): type(name) for name in sys.modules if name.startswith("hotswap.realms.")}
    data = pickle.dumps(manager.invoke("alpha", "job"))
    host.add("alpha", "2.0", KINDS, on_init="def on_init(vault): raise ValueError('no')")
    with pytest.raises(hotswap.LifecycleError):
        manager.reload()
    assert {str(name): type(name) for name in sys.modules if name.startswith("hotswap.realms.")} == before
    assert set(before.values()) == {str}
    assert pickle.loads(data).run() == ("1.0", 7)


LATE = {
    "alpha/__init__.py": plugin_source(
        """
import importlib, pickle
from alpha import early
VERSION = {version!r}
def by_statement():
    from alpha.late import Job
    return Job()
def by_string(): return importlib.import_module("alpha.late").Job()
def by_package():
    import alpha.inner.later
    return alpha.inner.later.Job()
def load(data): return pickle.loads(data)
def late_is_real():
    import alpha.late
    return type(alpha.late).__name__, alpha.late.VERSION
"""
    ),
    "alpha/early.py": "VERSION = {version!r}\nclass Job:\n    version = VERSION\n",
    "alpha/late.py": "VERSION = {version!r}\nclass Job:\n    version = VERSION\n",
    "alpha/inner/later.py": "VERSION = {version!r}\nclass Job:\n    version = VERSION\n",
}


def late(version: str) -> dict[str, str]:
    """A plugin of which modules are imported when a function needs them."""
    return {path: source.replace("{version!r}", repr(version)) for path, source in LATE.items()}


@pytest.mark.parametrize("function", ["by_statement", "by_string", "by_package"])
def test_what_an_old_version_imports_late_is_its_own(host: Host, function: str) -> None:
    """A module that a version imports when its successor is there already is found as those from before."""
    make_wheel(host.plugins, "alpha", "1.0", late("1.0"))
    manager = host.loaded(free_delay=3600.0)
    with manager.lease() as plugins:
        alpha = plugins["alpha"]
        make_wheel(host.plugins, "alpha", "2.0", late("2.0"))
        manager.reload()
        job = alpha.invoke_func(function)
        assert job.version == "1.0"
        data = pickle.dumps(job)
        for loads in (pickle.loads, pickle._loads):  # type: ignore[attr-defined]
            assert type(loads(data)) is type(job)  # in use, so it answers
            assert loads(pickle.dumps(alpha.invoke_func("load", data))).version == "1.0"
        late_job = type(manager._engine.generation["alpha"].invoke_func(function))  # type: ignore[index]
        assert late_job.version == "2.0"
    assert eventually(lambda: manager.retired()[0].state == "drained")
    for loads in (pickle.loads, pickle._loads):  # type: ignore[attr-defined]
        assert loads(data).version == "2.0"
    assert pickle.dumps(job) == data  # its own objects are its own still
    assert type(copy.deepcopy(job)) is type(job)


def test_a_late_import_after_others_have_asked(host: Host) -> None:
    """That others have been sent to the successor for a module does not keep the old version from importing its own."""
    make_wheel(host.plugins, "alpha", "1.0", late("1.0"))
    manager = host.loaded(free_delay=3600.0)
    alpha = manager.current["alpha"]
    data = f"c{alpha.lookup('early.Job').__module__.removesuffix('early')}late\nJob\n.".encode()
    load, real = alpha.lookup("load"), alpha.lookup("late_is_real")
    make_wheel(host.plugins, "alpha", "2.0", late("2.0"))
    manager.reload()
    assert eventually(lambda: manager.retired()[0].state == "drained")
    assert pickle.loads(data).version == "2.0"
    assert real() == ("module", "1.0")
    assert load(data).version == "1.0"
    assert pickle.loads(data).version == "2.0"
    manager.close()
    assert not formers()


SLOW = """
import importlib, pickle
from eventlog import shelf
def slowly():
    import alpha.slow
    return alpha.slow.Job()
def breaks():
    try: importlib.import_module("alpha.broken")
    except ZeroDivisionError: return "broken"
"""


def test_a_successor_that_comes_during_an_import(host: Host, events: list[str]) -> None:
    """A module that is half imported when the successor is opened becomes the old version's own all the same."""
    slow = "from eventlog import shelf\nclass Job: pass\nshelf['reached'].set()\nshelf['leave'].wait()\n"
    files = {"alpha/__init__.py": plugin_source(SLOW), "alpha/slow.py": slow, "alpha/broken.py": "1 / 0"}
    make_wheel(host.plugins, "alpha", "1.0", files)
    manager = host.loaded(free_delay=3600.0)
    reached, leave = eventlog.shelf["reached"], eventlog.shelf["leave"] = threading.Event(), threading.Event()
    jobs: list[Any] = []
    with manager.lease() as plugins:
        alpha = plugins["alpha"]
        thread = threading.Thread(target=lambda: jobs.append(alpha.invoke_func("slowly")))
        thread.start()
        reached.wait()
        make_wheel(host.plugins, "alpha", "2.0", files | {"alpha/slow.py": "class Job: pass"})
        manager.reload()
        leave.set()
        thread.join()
        assert alpha.invoke_func("breaks") == "broken"
        assert type(alpha.invoke_func("slowly")) is type(jobs[0])
        data = pickle.dumps(jobs[0])
        assert type(pickle.loads(data)) is type(jobs[0])
        own = [key for key in sys.modules if type(key) is OwnKey]
        assert sorted(key.split(".", 3)[-1] for key in own if key.count(".") > 2) == ["alpha", "alpha.slow"]
    assert eventually(lambda: manager.retired()[0].state == "drained")
    assert type(pickle.loads(data)) is type(manager.invoke("alpha", "slowly"))


def test_others_have_asked_for_what_is_never_imported(host: Host) -> None:
    """What stands for a module that the old version has not imported is a text to the host, and stays in the end."""
    make_wheel(host.plugins, "alpha", "1.0", late("1.0"))
    manager = host.loaded()
    with manager.lease() as plugins:
        name = f"{plugins['alpha'].lookup('early.Job').__module__.removesuffix('early')}late"
        data = f"c{name}\nJob\n.".encode()
        make_wheel(host.plugins, "alpha", "2.0", late("2.0"))
        manager.reload()
        current = manager._engine.generation["alpha"]  # type: ignore[index]
        assert current.lookup("load")(data).version == "2.0"
        (key,) = (key for key in sys.modules if type(key) is OthersKey)
        assert (pickle.loads(pickle.dumps(key)), str(key)) == (name, name)
        same = key
        assert [key == other for other in (same, "another", 5)] == [True, False, False]
        old = FINDER.realms_of("alpha")[0]
        assert OWN_KEYS.key_for_others(old, name) is key
        assert OWN_KEYS.key_for_others(old, f"{name}r") is not key  # and nothing is ever put under that one
        assert OWN_KEYS.key_for_others(old, name.removesuffix("late") + "early") is None
        assert name not in sys.modules  # for the host the old version answers
        assert current.lookup("load")(data).version == "2.0"
    assert eventually(lambda: not manager.retired() or manager.leaks() == ())
    assert pickle.loads(data).version == "2.0"
    with pytest.raises(AttributeError, match="no attribute '__nothing__'"):
        _ = sys.modules[name].__nothing__
    assert not [key for key in sys.modules if type(key) is not str]


def test_while_leased_the_old_version_answers(host: Host) -> None:
    """As long as somebody holds a version, its name is its own, also in other threads; then it is the newest's."""
    host.add("alpha", "1.0", KINDS)
    manager = host.loaded()
    data = pickle.dumps(manager.invoke("alpha", "job"))
    with manager.lease() as plugins:
        host.add("alpha", "2.0", KINDS)
        manager.reload()
        job = plugins["alpha"].invoke_func("job")
        assert pickle.loads(data).run() == ("1.0", 7)
        assert type(pickle.loads(pickle.dumps(job))) is type(job)
        assert plugins["alpha"].invoke_func("is_own", data)
        new = manager.invoke("alpha", "job")
        assert new.run() == ("1.0", 7)  # inside the lease
    assert eventually(lambda: pickle.loads(data).run() == ("2.0", 7))


def test_a_glance_is_no_hold(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Right after a reload the new version answers, though the old one has just been seen by `manager.current`."""
    monkeypatch.setattr("hotswap.retirement.GLANCE", 3600.0)  # the machine may be slow
    host.add("alpha", "1.0", KINDS)
    manager = host.loaded()
    job = manager.current["alpha"].invoke_func("job")
    data = pickle.dumps(job)
    host.add("alpha", "2.0", KINDS)
    generation = manager.current
    manager.reload()
    assert pickle.loads(data).run() == ("2.0", 7)
    assert pickle._loads(data).run() == ("2.0", 7)  # type: ignore[attr-defined]
    # The old version's own code, and pickling what is its own, goes on meanwhile.
    assert generation["alpha"].invoke_func("is_own", data)
    assert pickle.dumps(generation["alpha"].invoke_func("job")) == data


def test_delayed_freeing_gives_way(host: Host) -> None:
    """A version that has drained and waits for its delayed `on_free` answers for nothing any more."""
    host.add("alpha", "1.0", KINDS)
    manager = host.loaded(free_delay=3600.0)
    data = pickle.dumps(manager.invoke("alpha", "job"))
    host.add("alpha", "2.0", KINDS)
    manager.reload()
    assert eventually(lambda: manager.retired()[0].state == "drained")
    assert pickle.loads(data).run() == ("2.0", 7)


def test_after_a_rollback(host: Host) -> None:
    """What the newer version wrote reads under the older one that was rolled back to."""
    host.add("alpha", "1.0", KINDS)
    manager = host.loaded()
    host.add("alpha", "2.0", KINDS)
    manager.reload()
    data = pickle.dumps(manager.invoke("alpha", "job"))
    manager.rollback()
    assert pickle.loads(data).run() == ("1.0", 7)


def test_another_run_of_the_host(host: Host) -> None:
    """What an earlier run of the host wrote reads in the next, which has a newer version."""
    host.add("alpha", "1.0", KINDS)
    with host.manager() as manager:
        manager.load()
        data = pickle.dumps(manager.invoke("alpha", "job"))
    host.add("alpha", "2.0", KINDS)
    host.loaded()
    assert pickle.loads(data).run() == ("2.0", 7)


@pytest.mark.parametrize("loads", [pickle.loads, pickle._loads])  # type: ignore[attr-defined]
def test_a_plugin_that_is_not_loaded(host: Host, loads: Callable[[bytes], Any]) -> None:
    """Without any version of the plugin the error says which one is missing, and for which class."""
    host.add("alpha", "1.0", KINDS)
    host.add("beta")
    manager = host.loaded()
    data = pickle.dumps(manager.invoke("alpha", "job"))
    for wheel in host.plugins.glob("alpha-*"):
        wheel.unlink()
    manager.reload()
    with pytest.raises(hotswap.FormerNameError) as caught:
        loads(data)
    error = caught.value
    assert isinstance(error, ImportError)
    assert (error.plugin, error.former, error.live, error.what) == ("alpha", "alpha 1.0", None, "alpha_plugin.Job")
    assert str(error) == (
        "a pickle names alpha_plugin.Job of alpha 1.0, which is not loaded any more; no version of alpha is: load one"
        " before this is read"
    )
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), vars(again)) == (str(error), vars(error))


@pytest.mark.parametrize("loads", [pickle.loads, pickle._loads])  # type: ignore[attr-defined]
def test_a_class_that_is_gone(host: Host, loads: Callable[[bytes], Any]) -> None:
    """A class that was renamed, or whose module has gone, is an error that names plugin, versions and class."""
    files = {"alpha/__init__.py": plugin_source("from .jobs import Job"), "alpha/jobs.py": "class Job: pass"}
    make_wheel(host.plugins, "alpha", "1.0", files)
    manager = host.loaded()
    data = pickle.dumps(manager.current["alpha"].lookup("Job")())
    files = {"alpha/__init__.py": plugin_source(), "alpha/jobs.py": "class Task: pass"}
    make_wheel(host.plugins, "alpha", "1.1", files)
    manager.reload()
    with pytest.raises(
        hotswap.FormerNameError, match=r"alpha\.jobs\.Job of alpha 1\.0.*alpha 1\.1 is, and has no Job in"
    ):
        loads(data)
    make_wheel(host.plugins, "alpha", "1.2", {"alpha/__init__.py": plugin_source()})
    manager.reload()
    with pytest.raises(hotswap.FormerNameError, match=r"alpha 1\.2 is, and has no module alpha\.jobs: let alpha keep"):
        loads(data)
    make_wheel(host.plugins, "alpha", "1.3", {"alpha/__init__.py": plugin_source(), "alpha/jobs.py": "import gone"})
    manager.reload()
    with pytest.raises(ModuleNotFoundError, match="No module named 'gone'"):
        loads(data)


def test_an_inner_class_that_is_gone(host: Host) -> None:
    """pickle itself reports an inner class that is gone, and names both versions by the module."""
    host.add("alpha", "1.0", KINDS)
    manager = host.loaded()
    data = pickle.dumps(manager.invoke("alpha", "inner"))
    host.add("alpha", "2.0", KINDS.replace("class Inner:", "class Other:").replace("Job.Inner", "Job"))
    manager.reload()
    with pytest.raises(AttributeError, match=r"Job\.Inner.*alpha 1\.0, which is not loaded.*: alpha 2\.0 answers"):
        pickle.loads(data)
    with pytest.raises(AttributeError, match=r"Inner"):
        pickle._loads(data)  # type: ignore[attr-defined]


def test_copies_shelves_and_registered_reducers(host: Host, tmp_path: Path) -> None:
    """`copy`, `shelve`, `copyreg` and picklers with reducers of their own need nothing special."""
    host.add("alpha", "1.0", KINDS)
    manager = host.loaded()
    job = manager.invoke("alpha", "job")
    assert type(copy.deepcopy(job)) is type(job)
    assert copy.copy(job).run() == ("1.0", 7)
    with shelve.open(str(tmp_path / "stored")) as stored:
        stored["job"] = job

    class Reducing(pickle.Pickler):
        def reducer_override(self, each: Any) -> Any:
            return (type(each), (each.number + 1,)) if type(each).__name__ == "Job" else NotImplemented

    reduced = io.BytesIO()
    Reducing(reduced).dump(job)
    copyreg.pickle(type(job), lambda each: (type(each), (each.number + 2,)))
    try:
        registered = pickle.dumps(job)
    finally:
        copyreg.dispatch_table.pop(type(job))
    host.add("alpha", "2.0", KINDS)
    manager.reload()
    with shelve.open(str(tmp_path / "stored")) as stored:
        assert stored["job"].run() == ("2.0", 7)
    assert [pickle.loads(data).run() for data in (reduced.getvalue(), registered)] == [("2.0", 8), ("2.0", 9)]


def test_objects_that_come_back_after_a_reload(host: Host) -> None:
    """What a plugin has given to the host works when it comes back after a reload, as it is, copied, or as a pickle.

    Copies of a live object are of its own class; a pickle is read as the new version's. What is left of a version that
    has been freed can no more be pickled, which pickle says, and not something else in its place.
    """
    more = KINDS + "\ndef run(job): return type(job) is Job, job.run()\n"
    host.add("alpha", "1.0", more)
    manager = host.loaded()
    job = manager.invoke("alpha", "job")
    data = pickle.dumps({"jobs": [job, job], "point": manager.invoke("alpha", "point")})
    host.add("alpha", "2.0", more)
    manager.reload()
    for each in (job, copy.copy(job), copy.deepcopy(job), copy.deepcopy([job])[0]):
        assert manager.invoke("alpha", "run", each) == (False, ("1.0", 7))
    read = pickle.loads(data)
    assert manager.invoke("alpha", "run", read["jobs"][0]) == (True, ("2.0", 7))
    assert read["jobs"][0] is read["jobs"][1]
    assert copy.deepcopy(read)["point"] == manager.invoke("alpha", "point")
    for dumps in (pickle.dumps, pickle._dumps):  # type: ignore[attr-defined]
        with pytest.raises(pickle.PicklingError, match=r"not the same object as .*alpha__1_0"):
            dumps(job)
    manager.rollback()
    assert manager.invoke("alpha", "run", pickle.loads(data)["jobs"][0]) == (True, ("1.0", 7))


def test_a_search_through_all_modules_asks_nobody(host: Host) -> None:
    """pickle's search for an object that does not know its module neither finds it in a former one nor fails there."""
    host.add("alpha", "1.0", KINDS)
    manager = host.loaded()
    data = pickle.dumps(manager.invoke("alpha", "job"))
    host.add("alpha", "2.0", KINDS)
    manager.reload()
    pickle.loads(data)
    (former, *_) = [sys.modules[name] for name in formers() if name.endswith("alpha_plugin")]
    assert not hasattr(former, "nothing")
    assert former.Job is type(manager.invoke("alpha", "job"))
    assert pickle.whichmodule(object(), "Job") == "__main__"  # type: ignore[attr-defined]
    assert "alpha 2.0 answers for it" in repr(former)


def test_things_of_a_library_that_is_gone(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object of a private library that is gone reads with another plugin's copy, else the host's; else says so."""

    def things(version: str) -> str:
        return f"class Thing:\n    version = {version!r}\n"

    make_wheel(host.plugins, "thing", "1.0", {"thing.py": things("1.0")}, entry_points="")
    host.add("alpha", "1.0", "import thing\ndef make(): return thing.Thing()", requires="thing")
    manager = host.loaded()
    data = pickle.dumps(manager.invoke("alpha", "make"))
    host.add("alpha", "2.0")
    host.add("beta", "1.0", requires="thing>=2")
    make_wheel(host.plugins, "thing", "2.0", {"thing.py": things("2.0")}, entry_points="")
    manager.reload()
    assert eventually(lambda: pickle.loads(data).version == "2.0")
    host.add("beta", "2.0")
    manager.reload()

    def message() -> str:
        try:
            pickle.loads(data)
        except hotswap.FormerNameError as error:
            return str(error)
        return ""

    assert eventually(message)
    assert "Thing of the private libraries" in message()
    assert "no other copy has it (no module thing): load a plugin that brings these libraries" in message()
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "thing.py").write_text(things("the host's"))
    monkeypatch.syspath_prepend(tmp_path / "lib")
    try:
        assert pickle.loads(data).version == "the host's"
    finally:
        sys.modules.pop("thing", None)


def test_what_the_host_sees_in_sys_modules(host: Host) -> None:
    """While two versions are in memory, the keys of `sys.modules` are texts to who compares, copies or sends them."""
    host.add("alpha", "1.0", KINDS)
    manager = host.loaded()
    with manager.lease():
        host.add("alpha", "2.0", KINDS)
        manager.reload()
        keys = [key for key in sys.modules if key.endswith("alpha_plugin")]
        assert sum(type(key) is not str for key in keys) == 1
        assert "another" not in keys
        assert 5 not in keys
        sent = pickle.loads(pickle.dumps(keys))
        assert [type(name) for name in sent] == [str] * len(keys)
        assert sent == [str(key) for key in keys]


def test_names_that_were_read_do_not_add_up(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of former modules no more stay than a fixed number, those of the last seconds apart, and none with the realms."""
    now = [0.0]
    monkeypatch.setattr(FINDER.formers, "_clock", lambda: now[0])
    monkeypatch.setattr("hotswap.realm.succession.KEPT", 6)
    host.add("alpha", "1.0", KINDS)
    manager = host.loaded()
    data = pickle.dumps(manager.invoke("alpha", "job"))
    host.add("alpha", "2.0", KINDS)
    manager.reload()
    new = type(pickle.loads(data))
    stem = new.__module__.rsplit("__", 1)[0]
    for serial in range(900, 950):
        assert pickle.loads(f"c{stem}__{serial}.alpha_plugin\nJob\n.".encode()) is new
        now[0] += 1.0
    assert 6 <= len(formers()) == len(FINDER.formers) <= 6 + 2 * 6 + 2
    now[0] += 100.0
    pickle.loads(f"c{stem}__950.alpha_plugin\nJob\n.".encode())
    assert len(formers()) == 6
    manager.close()
    assert formers() == []


def test_reading_while_reloading(host: Host) -> None:
    """Threads read what was written by versions that are gone, without a failure, while versions come and go."""
    host.add("alpha", "1.0", KINDS)
    manager = host.loaded()
    written = [manager.invoke("alpha", "dump", 4)]
    failures: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                for data in list(written):
                    assert pickle.loads(data).run()[1] == 9
                with manager.lease() as plugins:
                    job = plugins["alpha"].invoke_func("job")
                    assert type(pickle.loads(pickle.dumps(job))) is type(job)
            except BaseException as error:
                failures.append(error)
                return

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(20):
        host.add("alpha", f"1.{number + 1}", KINDS)
        manager.reload()
        written.append(manager.invoke("alpha", "dump", 4))
    done.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert eventually(lambda: not manager.retired() or manager.leaks() == ())
    assert not [prefix for prefix in OWN_KEYS if prefix != manager.current["alpha"].prefix]
