"""Calls from many threads and tasks while versions come and go: none fails, none is lost, nothing is left."""

from __future__ import annotations

import asyncio
import threading

from conftest import PATIENCE, Host, collected, eventually
from eventlog import shelf

RELOADS = 25
REST = 0.0005
"""Seconds between two calls: callers that never rest take the interpreter lock from the reload at each of its system
calls, and a run of this test would take minutes instead of seconds. `benchmarks/bench_load.py` has such callers."""

ALPHA = """
freed = []
def on_free(): freed.append(True); events.append(f"{VERSION} freed")
class Marker: ...
shelf.setdefault("markers", []).append(__import__("weakref").ref(Marker))
class Export:
    def one(self):
        assert not freed, "called after on_free"
        return VERSION
the = Export()
"""
BETA = """
class Deps:
    alpha: object = None
deps = Deps()
freed = []
def on_free(): freed.append(True)
def pair(): return deps.alpha.one(), VERSION, deps.alpha.one()
def pairs():
    yield pair()
    yield pair()
async def later():
    import asyncio
    first = pair()
    await asyncio.sleep(0)
    return first, pair()
"""


def put(host: Host, number: int) -> None:
    """Alpha and beta always come in the same version, so that a mixture would show."""
    host.add("alpha", f"{number}.0", extra=ALPHA, export="def export(): return the", on_free="")
    host.add("beta", f"{number}.0", extra=BETA, on_free="", import_="def import_(): return deps")


def test_threads_call_while_versions_change(host: Host, events: list[str]) -> None:
    """In each call every part answers in one version, no call fails, and each version is freed once and collected."""
    put(host, 1)
    manager = host.loaded()
    faults: list[object] = []
    counts = [0, 0, 0, 0]
    stop = threading.Event()

    def check(answer: tuple[str, str, str]) -> None:
        if len(set(answer)) != 1:
            faults.append(answer)

    def by_invoke() -> None:
        check(manager.invoke("beta", "pair"))

    def by_lease() -> None:
        with manager.lease() as plugins:
            check((*plugins["beta"].invoke_func("pair")[:2], plugins["alpha"].exported.one()))

    def by_generator() -> None:
        first, second = manager.invoke("beta", "pairs")
        check((*first[:2], second[0]))

    def by_current() -> None:
        check(manager.current["beta"].invoke_func("pair"))

    def run(index: int, way: object) -> None:
        try:
            while not stop.wait(REST):
                way()  # type: ignore[operator]
                counts[index] += 1
        except BaseException as error:
            faults.append(error)

    ways = (by_invoke, by_lease, by_generator, by_current)
    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(ways)]
    for thread in threads:
        thread.start()
    for number in range(2, RELOADS + 2):
        put(host, number)
        seen = list(counts)
        manager.reload()
        # Every way of calling gets its turn in every generation.
        assert eventually(lambda seen=seen: all(now > then for now, then in zip(counts, seen, strict=True)) or faults)
    stop.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert faults == []
    assert eventually(lambda: len([event for event in events if event.endswith("freed")]) == RELOADS)
    freed = [event for event in events if event.endswith("freed")]
    assert len(freed) == len(set(freed))
    assert eventually(lambda: all(collected(marker) for marker in shelf["markers"][:-1]))
    assert manager.leaks() == ()
    assert manager.reload_count == RELOADS


def test_tasks_call_while_versions_change(host: Host, events: list[str]) -> None:
    """Under asyncio the same holds for tasks, with coroutines that are awaited long after they were returned."""

    async def scenario() -> None:
        put(host, 1)
        async with host.manager() as manager:
            await manager.aload()
            stop = asyncio.Event()
            calls = 0

            async def call() -> None:
                nonlocal calls
                while not stop.is_set():
                    coroutine = manager.invoke("beta", "later")
                    await asyncio.sleep(0)
                    first, second = await coroutine
                    assert len({*first, *second}) == 1
                    async with manager.lease() as plugins:
                        one = plugins["beta"].invoke_func("pair")
                        await asyncio.sleep(0)
                        assert manager.invoke("beta", "pair") == one
                    calls += 1
                    await asyncio.sleep(REST)

            tasks = [asyncio.create_task(call()) for _ in range(10)]
            for number in range(2, RELOADS + 2):
                put(host, number)
                seen = calls
                await manager.areload()
                while calls == seen and not any(task.done() for task in tasks):
                    await asyncio.sleep(0)
            stop.set()
            await asyncio.gather(*tasks)
            assert manager.reload_count == RELOADS
        assert len([event for event in events if event.endswith("freed")]) == RELOADS + 1

    asyncio.run(asyncio.wait_for(scenario(), 2 * PATIENCE))
