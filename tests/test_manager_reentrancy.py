"""Reloads are serialised; one that could only wait for itself is refused by name and never deadlocks."""

from __future__ import annotations

import asyncio
import threading

import pytest
from conftest import PATIENCE, Host, eventually
from eventlog import shelf

import hotswap


def test_reload_from_inside_a_call_works(host: Host, events: list[str]) -> None:
    """A plugin may have its host reload it: the call ends in the old version."""
    host.add("alpha", extra="def renew(): return str(shelf['manager'].reload()), VERSION")
    shelf["manager"] = manager = host.loaded()
    host.add("alpha", "2.0")
    assert manager.invoke("alpha", "renew") == ("alpha: reloaded", "1.0")
    assert manager.invoke("alpha", "version") == "2.0"
    assert eventually(lambda: "alpha 1.0 on_free" in events)


@pytest.mark.parametrize("function", ["on_load(data)", "on_init(vault)", "export()", "import_()", "reloadable()"])
@pytest.mark.parametrize("call", ["reload()", "rollback()", "load()", "close()"])
def test_change_from_inside_a_change_is_refused(host: Host, function: str, call: str) -> None:
    """Reload, rollback, load and close are refused inside the functions that a reload itself runs."""
    host.add("alpha")
    shelf["manager"] = manager = host.loaded()
    name = function.partition("(")[0]
    host.add("alpha", "2.0", **{name: f"def {function}: shelf['manager'].{call}"})
    with pytest.raises(hotswap.LifecycleError) as caught:
        manager.reload()
    assert isinstance(caught.value.__cause__, hotswap.ReentrantReloadError)
    assert manager.invoke("alpha", "version") == "1.0"


def test_reload_from_a_callback_is_refused(host: Host) -> None:
    """A reload callback cannot start another reload."""
    host.add("alpha")
    manager = host.loaded()
    with pytest.raises(hotswap.ReloadVetoError, match="inside a running") as caught:
        manager.reload(callback=lambda new, old: manager.reload())
    assert isinstance(caught.value.__cause__, hotswap.ReentrantReloadError)


def test_reload_from_on_free_is_refused(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    """`on_free` cannot start a reload; the refusal is logged."""
    host.add("alpha", on_free="def on_free(): shelf['manager'].reload()")
    shelf["manager"] = manager = host.loaded()
    host.add("alpha", "2.0")
    manager.reload()
    assert eventually(lambda: any("ReentrantReloadError" in r.getMessage() for r in caplog.records))


def test_close_inside_a_lease_or_call_is_refused(host: Host) -> None:
    """`close` would wait for the lease or call it is called from."""
    host.add("alpha", extra="def stop(): shelf['manager'].close()")
    shelf["manager"] = manager = host.loaded()
    with manager.lease(), pytest.raises(hotswap.UsageError, match="inside a lease"):
        manager.close()
    with pytest.raises(hotswap.ReentrantReloadError, match="inside a plugin's own call"):
        manager.invoke("alpha", "stop")
    assert manager.invoke("alpha", "version") == "1.0"


def test_reloads_from_many_threads_are_serialised(host: Host, events: list[str]) -> None:
    """Reloads asked for at once happen one after the other, each with a generation of its own."""
    host.add("alpha")
    manager = host.loaded()
    numbers: list[int] = []
    threads = [threading.Thread(target=lambda: numbers.append(manager.reload().generation)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert sorted(numbers) == list(range(2, 10))
    assert manager.reload_count == 8


def test_task_started_in_on_load_may_reload_later(host: Host) -> None:
    """What a plugin starts in `on_load` inherits its context and may still reload once the load is over."""
    on_load = """
    async def on_load(data):
        async def later():
            await shelf['loaded'].wait()
            return str(await shelf['manager'].areload())
        import asyncio
        shelf['task'] = asyncio.create_task(later())
    """
    host.add("alpha", on_load=on_load)

    async def scenario() -> str:
        shelf["loaded"] = asyncio.Event()
        shelf["manager"] = manager = host.manager()
        await manager.aload()
        shelf["loaded"].set()
        answer = await shelf["task"]
        await manager.aclose()
        return str(answer)

    assert asyncio.run(scenario()) == "alpha: unchanged"


def test_blocking_reload_on_the_loop_of_a_running_areload_is_refused(host: Host) -> None:
    """A plain `reload` that would stop the event loop which a running `areload` needs is refused."""
    host.add("alpha")

    async def scenario() -> None:
        manager = host.manager()
        await manager.aload()
        shelf["entered"], shelf["go"] = asyncio.Event(), asyncio.Event()
        host.add(
            "alpha", "2.0", on_load="async def on_load(data):\n    shelf['entered'].set()\n    await shelf['go'].wait()"
        )
        reloading = asyncio.create_task(manager.areload())
        await shelf["entered"].wait()
        with pytest.raises(hotswap.ReentrantReloadError, match="await areload instead"):
            manager.reload()
        shelf["go"].set()
        assert str(await reloading) == "alpha: reloaded"
        await manager.aclose()

    asyncio.run(scenario())


def test_reload_from_a_call_that_close_waits_for_is_refused(host: Host) -> None:
    """A call in flight that asks for a reload while the manager is closing is refused, and both end."""
    renew = "def renew(): shelf['entered'].set(); assert shelf['go'].wait(30); return shelf['manager'].reload()"
    host.add("alpha", extra=renew)
    shelf["manager"] = manager = host.loaded()
    shelf["entered"], shelf["go"] = threading.Event(), threading.Event()
    errors: list[BaseException] = []

    def call() -> None:
        with pytest.raises(hotswap.NotLoadedError, match="closed") as caught:
            manager.invoke("alpha", "renew")
        errors.append(caught.value)

    calling, closing = threading.Thread(target=call, daemon=True), threading.Thread(target=manager.close, daemon=True)
    calling.start()
    assert shelf["entered"].wait(PATIENCE)
    closing.start()
    assert eventually(lambda: [retired.state for retired in manager.retired()] == ["draining"])
    shelf["go"].set()
    calling.join(PATIENCE)
    closing.join(PATIENCE)
    assert len(errors) == 1
    assert not closing.is_alive()


def test_plugin_may_wait_for_its_reloading_thread(host: Host) -> None:
    """An `on_free` that joins the plugin's own thread, which reloads all the while, comes to its end."""
    host.add(
        "alpha",
        on_load="""
        def on_load(data):
            def renew():
                while not shelf['stop'].is_set():
                    shelf['manager'].reload()
            shelf['thread'] = __import__('threading').Thread(target=renew, daemon=True)
        """,
        on_free="""
        def on_free():
            shelf['stop'].set()
            shelf['thread'].join(30)
            shelf['ended'] = not shelf['thread'].is_alive()
        """,
    )
    shelf["manager"], shelf["stop"] = host.manager(), threading.Event()
    shelf["manager"].load()
    wheel = next(host.plugins.glob("alpha-*.whl"))
    shelf["thread"].start()
    wheel.unlink()
    shelf["manager"].reload()
    assert eventually(lambda: "ended" in shelf)
    assert shelf["ended"]


def test_thread_of_a_plugin_may_replace_that_plugin(host: Host) -> None:
    """A thread that a plugin has started may reload it away: its `on_free`, which joins the thread, runs in another."""
    host.add(
        "alpha",
        extra="""
        def start():
            shelf['thread'] = __import__('threading').Thread(target=lambda: shelf['manager'].reload(), daemon=True)
            shelf['thread'].start()
        """,
        on_free="def on_free(): shelf['thread'].join(30); shelf['ended'] = not shelf['thread'].is_alive()",
    )
    shelf["manager"] = manager = host.loaded()
    host.add("alpha", "2.0")
    manager.invoke("alpha", "start")
    assert eventually(lambda: "ended" in shelf)
    assert shelf["ended"]


def test_plugins_thread_that_the_running_load_waits_for_is_refused(host: Host) -> None:
    """An `on_load` that joins a thread which reloads does not deadlock: the thread's reload is refused by name."""
    code = """
    import threading
    def again():
        try:
            shelf["manager"].reload()
        except Exception as error:
            shelf["error"] = error
    def on_load(data):
        thread = threading.Thread(target=again)
        thread.start()
        thread.join()
    """
    host.add("alpha")
    shelf["manager"] = manager = host.loaded()
    host.add("alpha", "2.0", extra=code, on_load="")
    assert str(manager.reload()) == "alpha: reloaded"
    assert isinstance(shelf["error"], hotswap.ReentrantReloadError)
    assert "code that is just being loaded" in str(shelf["error"])
