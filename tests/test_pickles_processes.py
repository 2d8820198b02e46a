"""Plugins in child processes that multiprocessing spawns, or has its fork server fork."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import pickle
import sys
from collections.abc import Iterator
from multiprocessing import process
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from conftest import Host, eventually
from wheelmaker import make_wheel

import hotswap
from hotswap import realms

METHODS = ["spawn", "forkserver"]
WORKS = """
import os, pickle, shelve
from concurrent.futures import ProcessPoolExecutor

class Job:
    def __init__(self, number): self.number = number
    def run(self): return VERSION, self.number

def work(number):
    import alpha_plugin
    assert alpha_plugin.VERSION == VERSION
    return Job(number * 2)

def told(job):
    assert type(job) is Job
    return VERSION, job.number, os.getpid(), events

def submit(pool, numbers):
    jobs = list(pool.map(work, numbers))
    assert all(type(job) is Job for job in jobs)
    return [job.run() for job in jobs], list(pool.map(told, jobs))

def note(path, text):
    with open(path, "w") as file: file.write(f"{VERSION} {text}")

def store(path):
    with shelve.open(path) as stored: stored["job"] = Job(5)

def stored(path):
    with shelve.open(path, "r") as stored:
        return type(stored["job"]) is Job, stored["job"].run()

def grandchild(path, method):
    import multiprocessing
    child = multiprocessing.get_context(method).Process(target=note, args=(path, "from below"))
    child.start(); child.join()
    return child.exitcode

def fails(data): return pickle.loads(data)
"""


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def pool(method: str) -> Iterator[concurrent.futures.ProcessPoolExecutor]:
    """One worker, which does not exist before the first task."""
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as made:
        yield made


Pool = concurrent.futures.ProcessPoolExecutor


def loaded_here() -> list[str]:
    """Runs in a child: the realms there."""
    modules = [(name, module) for name, module in sys.modules.items() if name.startswith("hotswap.realms.")]
    return [str(name) for name, module in modules if name.count(".") == 2 and type(module) is ModuleType]


def read_here(data: bytes) -> Any:
    """Runs in a child: host code reads what a plugin wrote."""
    return pickle.loads(data).run()


def test_the_host_submits(host: Host, pool: Pool) -> None:
    """The host has a plugin's function run in a child; the plugin's objects go there and back; no hook runs there."""
    host.add("alpha", "1.0", WORKS)
    manager = host.loaded()
    with manager.lease() as plugins:
        alpha = plugins["alpha"]
        (job,) = pool.map(alpha.lookup("work"), [4])
        assert type(job) is alpha.lookup("Job")
        assert job.run() == ("1.0", 8)
        version, number, pid, events = pool.submit(alpha.lookup("told"), job).result()
        assert (version, number, events) == ("1.0", 8, [])
        assert pid != os.getpid()


def test_the_plugin_submits(host: Host, pool: Pool) -> None:
    """A plugin has its own functions run in a child and gets its own objects back."""
    host.add("alpha", "1.0", WORKS)
    manager = host.loaded()
    jobs, told = manager.invoke("alpha", "submit", pool, [1, 2, 3])
    assert jobs == [("1.0", 2), ("1.0", 4), ("1.0", 6)]
    assert [each[:2] for each in told] == jobs


def test_a_process_whose_target_is_the_plugins(host: Host, method: str, tmp_path: Path) -> None:
    """A process can begin with a plugin's function, and have children of its own that do."""
    host.add("alpha", "1.0", WORKS)
    manager = host.loaded()
    with manager.lease() as plugins:
        context: Any = multiprocessing.get_context(method)
        child = context.Process(target=plugins["alpha"].lookup("note"), args=(tmp_path / "one", "hello"))
        child.start()
        child.join()
        assert child.exitcode == 0
        child = context.Process(target=plugins["alpha"].lookup("grandchild"), args=(tmp_path / "two", method))
        child.start()
        child.join()
        assert child.exitcode == 0
    assert (tmp_path / "one").read_text() == "1.0 hello"
    assert (tmp_path / "two").read_text() == "1.0 from below"


def test_children_find_the_very_version(host: Host, pool: Pool) -> None:
    """One child serves the old and the new version side by side, each with its own code, and reads either's objects."""
    host.add("alpha", "1.0", WORKS)
    manager = host.loaded()
    with manager.lease() as old:
        host.add("alpha", "2.0", WORKS)
        manager.reload()
        (written,) = pool.map(old["alpha"].lookup("work"), [1])
        data = pickle.dumps(written)
        assert type(written) is old["alpha"].lookup("Job")
        assert pool.submit(manager._engine.generation["alpha"].lookup("work"), 1).result().run() == ("2.0", 2)  # type: ignore[index]
        assert pool.submit(read_here, data).result() == ("1.0", 2)
        assert len(pool.submit(loaded_here).result()) == 2


def test_a_child_is_told_when_it_starts(host: Host, method: str, tmp_path: Path) -> None:
    """A fork server that has started before any manager makes no difference, nor does a state dir anywhere else."""
    context = multiprocessing.get_context(method)
    with Pool(1, mp_context=context) as before:
        assert before.submit(loaded_here).result() == []
        host.add("alpha", "1.0", WORKS)
        other = host.manager(state_dir=tmp_path / "else" / "where")
        other.load()
        with Pool(1, mp_context=context) as pool:
            assert other.invoke("alpha", "submit", pool, [1])[0] == [("1.0", 2)]


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="the system does not say what is open")


@needs_proc
def test_a_pool_that_is_older_than_the_manager(host: Host, method: str, tmp_path: Path) -> None:
    """Children that were there before any manager find its plugins and private libraries, and those of the next."""
    make_wheel(host.plugins, "thing", "1.0", {"thing.py": "class Thing:\n    x = 3\n"}, entry_points="")
    host.add("alpha", "1.0", WORKS + "\nimport thing\ndef make(): return thing.Thing()", requires="thing")
    with Pool(1, mp_context=multiprocessing.get_context(method)) as pool:
        assert pool.submit(loaded_here).result() == []
        manager = host.loaded()
        assert manager.invoke("alpha", "submit", pool, [1])[0] == [("1.0", 2)]
        assert pool.submit(getattr, manager.invoke("alpha", "make"), "x").result() == 3
        other = host.manager(state_dir=tmp_path / "else" / "where")
        host.add("alpha", "2.0", WORKS)
        other.load()
        assert other.invoke("alpha", "submit", pool, [1])[0] == [("2.0", 2)]
        with other.lease() as plugins:
            path = tmp_path / "two"
            assert pool.submit(plugins["alpha"].lookup("grandchild"), path, method).result() == 0
        assert path.read_text() == "2.0 from below"


@needs_proc
def test_a_multiprocessing_pool_that_is_older(host: Host, method: str) -> None:
    """The workers of a `multiprocessing.Pool`, too, need not be younger than the manager."""
    with multiprocessing.get_context(method).Pool(1) as pool:
        assert pool.apply(loaded_here) == []
        host.add("alpha", "1.0", WORKS)
        manager = host.loaded()
        with manager.lease() as plugins:
            (job,) = pool.map(plugins["alpha"].lookup("work"), [3])
            assert (type(job) is plugins["alpha"].lookup("Job"), job.run()) == (True, ("1.0", 6))


def test_a_multiprocessing_pool(host: Host, method: str) -> None:
    """`multiprocessing.Pool` runs a plugin's functions and gets its objects back, by every method of its."""
    host.add("alpha", "1.0", WORKS)
    manager = host.loaded()
    with manager.lease() as plugins, multiprocessing.get_context(method).Pool(1) as pool:
        work, told = plugins["alpha"].lookup("work"), plugins["alpha"].lookup("told")
        jobs = [
            *pool.map(work, [1]),
            *pool.imap(work, [2]),
            pool.apply_async(work, (3,)).get(),
            *pool.starmap(work, [(4,)]),
        ]
        assert [job.run() for job in jobs] == [("1.0", 2), ("1.0", 4), ("1.0", 6), ("1.0", 8)]
        assert all(type(job) is plugins["alpha"].lookup("Job") for job in jobs)
        assert [each[:2] for each in pool.map(told, jobs)] == [job.run() for job in jobs]


def test_a_version_reads_its_own_in_a_child(host: Host, pool: Pool, tmp_path: Path) -> None:
    """In a child, too, what the old version wrote is the new one's where that reads it."""
    host.add("alpha", "1.0", WORKS)
    manager = host.loaded()
    path = str(tmp_path / "stored")
    manager.invoke("alpha", "store", path)
    host.add("alpha", "2.0", WORKS)
    manager.reload()
    with manager.lease() as plugins:
        assert pool.submit(plugins["alpha"].lookup("stored"), path).result() == (True, ("2.0", 5))


def test_under_load_while_reloading(host: Host, method: str) -> None:
    """20 reloads under a pool that never rests: no task fails, and each runs in the version that submitted it."""
    host.add("alpha", "0", WORKS)
    manager = host.loaded()
    versions: set[str] = set()
    tasks = 0
    with (
        Pool(2, mp_context=multiprocessing.get_context(method)) as pool,
        concurrent.futures.ThreadPoolExecutor(2) as threads,
    ):
        done = False

        def call() -> int:
            made = 0
            while not done:
                jobs, told = manager.invoke("alpha", "submit", pool, range(3))
                (version,) = {job[0] for job in jobs} | {each[0] for each in told}
                versions.add(version)
                made += 6
            return made

        callers = [threads.submit(call) for _ in range(2)]
        try:
            for number in range(1, 21):
                host.add("alpha", str(number), WORKS)
                manager.reload()
                assert eventually(lambda: str(number) in versions or any(caller.done() for caller in callers))  # noqa: B023
        finally:
            done = True
        tasks = sum(caller.result() for caller in callers)
        # At most four versions besides what executes, in each of them.
        assert len(pool.submit(loaded_here).result()) <= 6
    assert versions >= {str(number) for number in range(1, 21)}
    assert tasks >= 120


def test_what_children_use_is_not_pruned(host: Host, pool: Pool) -> None:
    """A child holds what it has found, though the parent has done with it and remembers it no more."""
    host.add("alpha", "1.0", WORKS)
    manager = host.loaded(keep_history=1)
    with manager.lease() as plugins:
        assert pool.submit(plugins["alpha"].lookup("work"), 1).result().run() == ("1.0", 2)
        site = plugins["alpha"].site_dir
    for version in ("2.0", "3.0", "4.0"):
        host.add("alpha", version, WORKS)
        manager.reload()
    assert eventually(lambda: not manager.retired() or manager.leaks() == ())
    manager.reload()
    manager.prune()
    assert site.is_dir()
    pool.shutdown()
    manager.prune()
    assert not site.exists()


def test_errors_come_back(host: Host, pool: Pool) -> None:
    """What a child cannot read is an error of the task that names plugin and class, not the end of the pool."""
    host.add("alpha", "1.0", WORKS)
    manager = host.loaded()
    with manager.lease() as plugins:
        job = type(pool.submit(plugins["alpha"].lookup("work"), 1).result())
        gone = f"c{job.__module__.replace('alpha__1_0', 'omega__1_0')}\nJob\n.".encode()
        with pytest.raises(hotswap.FormerNameError, match=r"omega_?.* of omega 1\.0|no version of omega is"):
            pool.submit(plugins["alpha"].lookup("fails"), gone).result()
        assert pool.submit(plugins["alpha"].lookup("work"), 1).result().run() == ("1.0", 2)


def test_private_libraries_in_children(host: Host, pool: Pool) -> None:
    """Objects of a private library go to a child and back, and the child finds the same library dir."""
    library = "class Thing:\n    version = {!r}\n    def __init__(self, x): self.x = x\n"
    make_wheel(host.plugins, "thing", "1.0", {"thing.py": library.format("1.0")}, entry_points="")
    uses = """
    import thing
    def make(x): return thing.Thing(x)
    def look(it): return type(it) is thing.Thing, it.x, it.version
    """
    host.add("alpha", "1.0", uses, requires="thing")
    manager = host.loaded()
    with manager.lease() as plugins:
        alpha = plugins["alpha"]
        thing = pool.submit(alpha.lookup("make"), 3).result()
        assert type(thing) is type(alpha.invoke_func("make", 3))
        assert pool.submit(alpha.lookup("look"), thing).result() == (True, 3, "1.0")
        assert pool.submit(getattr, thing, "x").result() == 3
    data = pickle.dumps(thing)
    (host.plugins / "thing-1.0-py3-none-any.whl").unlink()
    make_wheel(host.plugins, "thing", "1.1", {"thing.py": library.format("1.1")}, entry_points="")
    host.add("alpha", "1.1", uses, requires="thing")
    manager.reload()
    assert eventually(lambda: pickle.loads(data).version == "1.1")


def test_a_library_goes_alone(host: Host, pool: Pool) -> None:
    """An object of a private library finds its library in a child that has seen nothing of the plugin."""
    make_wheel(host.plugins, "thing", "1.0", {"thing.py": "class Thing:\n    x = 3\n"}, entry_points="")
    host.add("alpha", "1.0", "import thing\ndef make(): return thing.Thing()", requires="thing")
    manager = host.loaded()
    assert pool.submit(getattr, manager.invoke("alpha", "make"), "x").result() == 3


def test_nothing_stays_in_the_parent(host: Host) -> None:
    """The managers' state dirs are handed to children while the managers are open, and not afterwards."""
    host.add("alpha", "1.0", WORKS)
    config = process.current_process()._config  # type: ignore[attr-defined]
    assert "hotswap" not in config
    one, two = host.loaded(), host.loaded()
    assert config["hotswap"] is realms.STATE_DIRS
    one.close()
    assert config["hotswap"] is realms.STATE_DIRS
    two.close()
    assert "hotswap" not in config


def test_a_copied_process_object_changes_nothing() -> None:
    """What is handed to children has no effect where it comes from."""
    assert pickle.loads(pickle.dumps(realms.STATE_DIRS)) is realms.STATE_DIRS
    assert realms.STATE_DIRS.inherited == ()
    assert realms.reopener() is None
