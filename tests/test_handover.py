"""State and exclusive resources go from a version to its successor, or stay where they were."""

from __future__ import annotations

import asyncio
import fcntl
import importlib
import logging
import socket
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest
from conftest import Host
from eventlog import shelf
from wheelmaker import make_wheel, plugin_source

import hotswap
from hotswap.wheel import inspect_wheel

PAIR = """
state = []
def on_handover():
    events.append(f'{NAME} {VERSION} on_handover')
    return {'state': state}
def on_takeover(data, from_version):
    events.append(f'{NAME} {VERSION} on_takeover from {from_version}')
    state[:] = data['state']
def push(item):
    state.append(item)
    return list(state)
"""


def plain(directory: Path, extra: str) -> Path:
    """A plugin whose source can be understood without executing it."""
    return make_wheel(directory, "alpha", files=plugin_source(extra, invoke_func="def invoke_func(name, *args): ..."))


def add(host: Host, name: str, version: str = "1.0", extra: str = "", **options: Any) -> Path:
    """A plugin that notes what it does and hands over its list."""
    return host.add(name, version, f"NAME = {name!r}\n{PAIR}\n{extra}", **options)


def test_order(host: Host, events: list[str]) -> None:
    """When all new are ready, the old hand over, dependents first; then the new take over, dependencies first."""
    add(host, "alpha")
    add(host, "beta", needs="alpha")
    manager = host.loaded(on_reload=lambda new, old: events.append("on_reload"))
    assert not [event for event in events if "over" in event]
    add(host, "alpha", "2.0")
    events.clear()
    manager.reload()
    assert [event for event in events if "reloadable" not in event and "port" not in event] == [
        "alpha 2.0 on_load",
        "beta 1.0 on_load",
        "alpha 2.0 on_init",
        "beta 1.0 on_init",
        "beta 1.0 on_handover",
        "alpha 1.0 on_handover",
        "alpha 2.0 on_takeover from 1.0",
        "beta 1.0 on_takeover from 1.0",
        "on_reload",
        "beta 1.0 on_free",
        "alpha 1.0 on_free",
    ]


def test_state_survives_upwards_and_downwards(host: Host) -> None:
    """What a version has gathered is there in the next one, and after a rollback in the one before."""
    add(host, "alpha")
    manager = host.loaded()
    manager.invoke("alpha", "push", 1)
    add(host, "alpha", "2.0", keep=True)
    manager.reload()
    assert manager.invoke("alpha", "push", 2) == [1, 2]
    manager.rollback()
    assert manager.current["alpha"].version == "1.0"
    assert manager.invoke("alpha", "push", 3) == [1, 2, 3]


def test_nothing_to_hand_over(host: Host, events: list[str]) -> None:
    """A plugin that is kept, new, or gone hands nothing over, and none takes anything over."""
    add(host, "alpha")
    add(host, "beta")
    manager = host.loaded()
    next(host.plugins.glob("beta-*")).unlink()
    add(host, "gamma")
    assert str(manager.reload()) == "alpha: unchanged, beta: removed, gamma: loaded"
    assert not [event for event in events if "over" in event]


def test_predecessor(host: Host) -> None:
    """In `on_init` the vault says whether somebody is about to hand over, and which version."""
    note = "def on_init(vault): shelf.setdefault('predecessors', []).append(vault.predecessor)"
    add(host, "alpha", on_init=note)
    manager = host.loaded()
    add(host, "alpha", "2.0", on_init=note)
    manager.reload()
    host.add("alpha", "3.0", on_init=note)
    manager.reload()
    add(host, "alpha", "4.0", on_init=note)
    manager.reload()
    assert shelf["predecessors"] == [None, "1.0", None, None]
    assert manager.current.vault.predecessor is None


def test_successor_takes_nothing(host: Host, events: list[str], caplog: pytest.LogCaptureFixture) -> None:
    """If the successor has no `on_takeover`, nobody is asked to hand over, and a warning says that the state goes."""
    add(host, "alpha")
    manager = host.loaded()
    host.add("alpha", "2.0")
    manager.reload()
    assert not [event for event in events if "over" in event]
    assert "the state of alpha 1.0 goes with it: 2.0 has no on_takeover" in caplog.messages
    add(host, "alpha", "3.0")
    manager.reload()
    assert not [event for event in events if "over" in event]


def test_handover_raises(host: Host, events: list[str]) -> None:
    """If a version refuses to hand over, nothing changes, and those that had handed over have their state again."""
    add(host, "alpha", extra="def on_handover(): raise OSError('not now')")
    add(host, "beta")
    manager = host.loaded()
    before = manager.current
    manager.invoke("beta", "push", 1)
    add(host, "alpha", "2.0")
    add(host, "beta", "2.0")
    events.clear()
    with pytest.raises(
        hotswap.LifecycleError, match=r"^alpha: on_handover\(\) of 1\.0 raised OSError: not now$"
    ) as caught:
        manager.reload()
    assert (caught.value.plugin, caught.value.stage) == ("alpha", "live")
    assert manager.current is before
    assert events[-4:] == [
        "beta 1.0 on_handover",
        "beta 2.0 on_free",
        "alpha 2.0 on_free",
        "beta 1.0 on_takeover from 1.0",
    ]
    assert manager.invoke("beta", "push", 2) == [1, 2]


def test_takeover_raises(host: Host, events: list[str]) -> None:
    """If a version cannot take over, nothing changes: it is freed, then the old one gets its own data back."""
    add(host, "alpha")
    manager = host.loaded()
    manager.invoke("alpha", "push", 1)
    before = manager.current
    add(host, "alpha", "2.0", "def on_takeover(data, version): data / version")
    events.clear()
    with pytest.raises(hotswap.LifecycleError, match=r"^alpha: on_takeover\(\) of 2\.0 raised TypeError"):
        manager.reload()
    assert manager.current is before
    assert events[-2:] == ["alpha 2.0 on_free", "alpha 1.0 on_takeover from 1.0"]
    assert manager.invoke("alpha", "push", 2) == [1, 2]
    add(host, "alpha", "3.0")
    manager.reload()
    assert manager.invoke("alpha", "push", 3) == [1, 2, 3]


def test_handed_back(host: Host, events: list[str]) -> None:
    """If a callback raises, the versions that had taken over hand back before they are freed, in reverse order."""
    add(host, "alpha")
    add(host, "beta", needs="alpha")
    manager = host.loaded()
    before = manager.current
    add(host, "alpha", "2.0")

    def veto(new: hotswap.Generation, old: hotswap.Generation) -> None:
        new["alpha"].invoke_func("push", "by the callback")
        events.clear()
        raise ValueError("no")

    with pytest.raises(hotswap.ReloadVetoError):
        manager.reload(callback=veto)
    assert manager.current is before
    assert events == [
        "beta 1.0 on_handover",
        "alpha 2.0 on_handover",
        "beta 1.0 on_free",
        "alpha 2.0 on_free",
        "alpha 1.0 on_takeover from 2.0",
        "beta 1.0 on_takeover from 1.0",
    ]
    assert manager.invoke("alpha", "push", 2) == ["by the callback", 2]


@pytest.mark.parametrize("why", ["raise OSError('no')", "return object.__new__(type('Own', (), {}))"])
def test_handing_back_fails(host: Host, caplog: pytest.LogCaptureFixture, why: str) -> None:
    """If handing back raises, or returns something of its own, that is logged; the old version gets its own data."""
    add(host, "alpha")
    manager = host.loaded()
    manager.invoke("alpha", "push", 1)
    add(host, "alpha", "2.0", f"def on_handover(): {why}")
    with pytest.raises(hotswap.ReloadVetoError):
        manager.reload(callback=lambda new, old: 1 / 0)
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.getMessage().startswith("alpha 2.0 has not handed back: alpha: ")
    assert manager.invoke("alpha", "push", 2) == [1, 2]


def test_giving_back_raises(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    """What a version raises when it gets its state back is logged, and the next one still gets its own."""
    add(host, "alpha", extra="def on_takeover(data, version): raise RuntimeError('gone')")
    add(host, "beta")
    manager = host.loaded()
    manager.invoke("beta", "push", 1)
    add(host, "alpha", "2.0")
    add(host, "beta", "2.0", extra="def on_takeover(data, version): raise ValueError('no')")
    with pytest.raises(hotswap.LifecycleError, match="beta") as caught:
        manager.reload()
    lost = "alpha 1.0 has not got its state back: alpha: on_takeover() of 1.0 raised RuntimeError: gone"
    assert caught.value.__notes__ == [lost]
    assert manager.history()[-1].error.endswith(f"\n{lost}")
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    message = record.getMessage()
    assert message.startswith(
        "alpha 1.0 has not got its state back: alpha: on_takeover() of 1.0 raised RuntimeError: gone\n"
    )
    assert 'raise RuntimeError("gone")' in message or "raise RuntimeError('gone')" in message
    assert record.exc_info is None
    assert isinstance(record.args, tuple)
    assert {type(each) for each in record.args} == {str}  # an exception would keep the plugin by its traceback
    assert manager.invoke("beta", "push", 2) == [1, 2]


def test_interrupted_while_going_back(host: Host, events: list[str]) -> None:
    """Ctrl-C in one plugin while a change is undone keeps no other from handing back and taking over."""
    for name in ("alpha", "beta", "gamma"):
        add(host, name)
    manager = host.loaded()
    before = manager.current
    interrupted = "def on_handover():\n    events.append('interrupted')\n    raise KeyboardInterrupt"
    add(host, "alpha", "2.0")
    add(host, "beta", "2.0", interrupted)
    add(host, "gamma", "2.0")
    events.clear()

    def veto(new: hotswap.Generation, old: hotswap.Generation) -> None:
        new["alpha"].invoke_func("push", "kept")
        raise ValueError("no")

    with pytest.raises(KeyboardInterrupt):
        manager.reload(callback=veto)
    assert manager.current is before
    assert [event for event in events if "over" in event or "interrupted" in event][6:] == [
        "gamma 2.0 on_handover",
        "interrupted",
        "alpha 2.0 on_handover",
        "alpha 1.0 on_takeover from 2.0",
        "beta 1.0 on_takeover from 1.0",
        "gamma 1.0 on_takeover from 2.0",
    ]
    assert manager.invoke("alpha", "push", 2) == ["kept", 2]
    add(host, "beta", "3.0")
    assert str(manager.reload()) == "alpha: reloaded, beta: reloaded, gamma: reloaded"


def test_calls_from_inside(host: Host) -> None:
    """`on_handover` may call plugins and hold leases, and means the version that goes; a reload from it is refused."""
    code = """
        def on_handover():
            manager = shelf["manager"]
            with manager.lease() as plugins:
                shelf["seen"] = [plugins["alpha"].version, manager.current["beta"].version]
            return {"state": [*state, manager.invoke("beta", "push", "called")]}
    """
    add(host, "alpha", extra=textwrap.dedent(code))
    add(host, "beta")
    shelf["manager"] = manager = host.loaded()
    add(host, "alpha", "2.0", "def on_handover(): shelf['manager'].reload()")
    add(host, "beta", "2.0")
    manager.reload()
    assert shelf["seen"] == ["1.0", "1.0"]
    assert manager.invoke("alpha", "push", 1) == [["called"], 1]
    add(host, "alpha", "3.0")
    with pytest.raises(hotswap.LifecycleError, match=r"on_handover\(\) of 2\.0 raised ReentrantReloadError"):
        manager.reload()
    assert manager.current["alpha"].version == "2.0"


def test_thread_that_reloads_and_is_joined(host: Host) -> None:
    """`on_handover` may join a thread of the plugin that waits to reload: the thread's reload is refused, by name."""
    code = """
        import threading
        def again():
            try:
                shelf["manager"].reload()
            except Exception as error:
                shelf["error"] = error
        def start():
            shelf["thread"] = threading.Thread(target=again)
            shelf["thread"].start()
        def on_handover():
            shelf["thread"].join()
            return {"state": state}
    """
    add(host, "alpha", extra=textwrap.dedent(code))
    shelf["manager"] = manager = host.loaded()
    # The thread begins to wait before its plugin is asked to hand over.
    add(host, "alpha", "2.0", on_init="def on_init(vault): shelf['manager'].invoke('alpha', 'start')")
    manager.reload()
    assert manager.current["alpha"].version == "2.0"
    assert isinstance(shelf["error"], hotswap.ReentrantReloadError)
    assert "code that is just being loaded or replaced" in str(shelf["error"])


def test_misspelt(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    """A warning tells of functions that are called almost like one of the pair; `on_` alone is nobody's."""
    host.add("alpha", extra="def on_hand_over(): ...\ndef on_take_over(data, version): ...\ndef on_message(): ...")
    host.loaded()
    assert [message for message in caplog.messages if "meant" in message] == [
        "alpha 1.0 has on_hand_over, which nobody calls: is on_handover meant?",
        "alpha 1.0 has on_take_over, which nobody calls: is on_takeover meant?",
    ]


@pytest.mark.parametrize("one", ["on_handover", "on_takeover"])
def test_only_one_of_the_pair(tmp_path: Path, one: str) -> None:
    """A plugin with one function of the pair is told to write the other, before it is installed."""
    body = {"on_handover": "def on_handover(): ...", "on_takeover": "def on_takeover(data, from_version): ..."}
    other = ({*body} - {one}).pop()
    signature = {"on_handover": "on_handover()", "on_takeover": "on_takeover(data, from_version)"}[other]
    wheel = plain(tmp_path, body[one])
    with pytest.raises(hotswap.WheelError, match=rf"no function {other}.*write def {other}\(") as caught:
        inspect_wheel(wheel)
    assert signature in str(caught.value)


def test_pair_that_only_the_load_sees(host: Host) -> None:
    """What the source does not show is refused when the module is there: one function alone, and a wrong signature."""
    host.add("alpha", extra="globals()['on_handover'] = lambda: None")
    with pytest.raises(hotswap.ContractError, match=r"on_takeover is missing \(write def on_takeover\(data, from_ver"):
        host.loaded()
    host.add("alpha", extra="globals()['on_handover'] = lambda: None\nglobals()['on_takeover'] = lambda data: None")
    with pytest.raises(hotswap.ContractError, match="has a wrong signature"):
        host.loaded()


def test_wrong_signature(tmp_path: Path) -> None:
    """A function of the pair that cannot be called as specified is a fault of the wheel."""
    wheel = plain(tmp_path, "def on_handover(): ...\ndef on_takeover(data): ...")
    with pytest.raises(hotswap.WheelError, match=r"on_takeover\(data\) cannot be called as specified"):
        inspect_wheel(wheel)


@pytest.mark.parametrize(
    "returned",
    [
        "Counter()",
        "[{'x': (1, Counter())}]",
        "{Counter}",
        "{Counter(): 1}",
        "count",
        "Counter().bump",
        "frozenset([Counter()])",
        "__import__('collections').deque([count])",
        "__import__('functools').partial(count)",
        "__import__('functools').partial(len, Counter())",
        "__import__('functools').lru_cache(count)",
    ],
)
def test_own_things_are_refused(host: Host, events: list[str], returned: str) -> None:
    """An object, class or function of the plugin's own would keep its code: it is refused with the way out."""
    own = "class Counter:\n    def bump(self): ...\ndef count(): ..."
    add(host, "alpha", extra=f"{own}\ndef on_handover(): return {returned}\ndef on_takeover(data, version): ...")
    manager = host.loaded()
    before = manager.current
    add(host, "alpha", "2.0")
    with pytest.raises(
        hotswap.ContractError, match=r"something of 1\.0's own \((Counter|count).*hotswap\.live\.wrap"
    ) as caught:
        manager.reload()
    assert manager.current is before
    assert caught.value.faults[0].where.startswith(str(before["alpha"].site_dir))


def things(host: Host, version: str) -> None:
    """A library whose class and function somebody may hand over."""
    source = (
        f"def made(): return Thing()\nVERSION = {version!r}\nclass Thing: ...\nclass Plain: __module__ = 'things'\n"
    )
    make_wheel(host.plugins, "things", version, {"things.py": source}, entry_points="")


HANDS_THINGS = """
import things
state = things.made()
def on_handover(): return [things.made, state, things.Plain()]
def on_takeover(data, version): global state; state = data[1]
def is_own(): return type(state) is things.Thing
"""


def test_things_of_a_library_that_stays(host: Host) -> None:
    """Objects of a private library pass if both versions have the same set, and so the same copy of it."""
    things(host, "1.0")
    for version in ("1.0", "2.0"):
        host.add("alpha", version, HANDS_THINGS, requires="things", keep=True)
    manager = host.loaded()
    host.add("alpha", "3.0", HANDS_THINGS, requires="things")
    manager.reload()
    assert manager.current["alpha"].version == "3.0"
    assert manager.invoke("alpha", "is_own")


@pytest.mark.parametrize("later", ["things>=2", ""])
def test_things_of_a_library_that_goes_are_refused(host: Host, later: str) -> None:
    """If the successor has another copy of a private library, or none, nothing of the old copy is handed to it."""
    things(host, "1.0")
    host.add("alpha", "1.0", HANDS_THINGS, requires="things")
    manager = host.loaded()
    before = manager.current
    things(host, "2.0")
    host.add("alpha", "2.0", "def on_handover(): ...\ndef on_takeover(data, version): ...", requires=later)
    with pytest.raises(
        hotswap.ContractError, match=r"something of 1\.0's own \(things\.Plain, things\.Thing, things\.made\)"
    ):
        manager.reload()
    assert manager.current is before
    assert manager.invoke("alpha", "is_own")


def test_things_of_the_hosts_copy(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects of the host's copy of a library pass, whatever copies the two versions have of their own."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "things.py").write_text("class Thing: ...\n")
    monkeypatch.syspath_prepend(tmp_path / "lib")
    shelf["thing"] = importlib.import_module("things").Thing()
    hand = "from eventlog import shelf\ndef on_handover(): return shelf['thing']"
    take = "def on_takeover(data, version): shelf['got'] = data"
    try:
        things(host, "1.0")
        host.add("alpha", "1.0", f"{hand}\n{take}", requires="things")
        manager = host.loaded()
        things(host, "2.0")
        host.add("alpha", "2.0", f"{hand}\n{take}", requires="things")
        manager.reload()
        assert shelf["got"] is shelf["thing"]
    finally:
        sys.modules.pop("things")


def test_values_of_python_and_the_host(host: Host) -> None:
    """Values, containers, cycles and objects of the host pass as they are."""
    shelf["thing"] = threading.Lock()
    hand = """
        def on_handover():
            ring, deep = [None], []
            ring[0] = ring
            for _ in range(10_000):
                deep = [deep]
            shelf['deep'] = deep
            return [ring, shelf['thing'], len, {1}, deep, [].append]
    """
    take = "def on_takeover(data, version): shelf['got'] = data"
    add(host, "alpha", extra=f"{textwrap.dedent(hand)}\n{take}")
    manager = host.loaded()
    add(host, "alpha", "2.0", take)
    manager.reload()
    ring, thing, function, numbers, deep, _ = shelf["got"]
    assert deep is shelf["deep"]
    assert ring[0] is ring
    assert (thing, function, numbers) == (shelf["thing"], len, {1})


ASYNC = """
import asyncio
async def on_handover():
    await asyncio.sleep(0)
    return {'state': state}
async def on_takeover(data, from_version):
    await asyncio.sleep(0)
    state[:] = data['state']
"""


def test_async_pair(host: Host) -> None:
    """Both may be `async` under `areload`; a plain `reload` says so."""

    async def run() -> None:
        add(host, "alpha", extra=ASYNC)
        manager = host.manager()
        await manager.aload()
        manager.invoke("alpha", "push", 1)
        add(host, "alpha", "2.0", ASYNC)
        await manager.areload()
        assert manager.invoke("alpha", "push", 2) == [1, 2]
        await manager.aclose()

    asyncio.run(run())
    manager = host.loaded()
    add(host, "alpha", "3.0")
    with pytest.raises(
        hotswap.LifecycleError, match=r"on_handover\(\) of 2\.0 raised TypeError: it is async: use aload, areload"
    ):
        manager.reload()
    assert manager.current["alpha"].version == "2.0"


def test_cancelled(host: Host, events: list[str]) -> None:
    """A cancelled `areload` gives back what had been handed over."""
    never = "async def on_takeover(data, version):\n    shelf['begun'].set()\n    await shelf['never'].wait()"
    add(host, "alpha")

    async def run() -> None:
        manager = host.manager()
        await manager.aload()
        manager.invoke("alpha", "push", 1)
        shelf["begun"], shelf["never"] = asyncio.Event(), asyncio.Event()
        add(host, "alpha", "2.0", never)
        reload = asyncio.create_task(manager.areload())
        await shelf["begun"].wait()
        reload.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reload
        assert events[-1] == "alpha 1.0 on_takeover from 1.0"
        assert manager.invoke("alpha", "push", 2) == [1, 2]
        await manager.aclose()

    asyncio.run(run())


def test_cancelled_too_late(host: Host) -> None:
    """An `areload` that is cancelled in the moment in which `on_handover` ends loses nothing."""
    late = "async def on_handover():\n    shelf['reload'].cancel()\n    return {'state': [*state, 'given']}"
    add(host, "alpha", extra=late)

    async def run() -> None:
        manager = host.manager()
        await manager.aload()
        add(host, "alpha", "2.0")
        shelf["reload"] = asyncio.create_task(manager.areload())
        with pytest.raises(asyncio.CancelledError):
            await shelf["reload"]
        assert manager.current["alpha"].version == "1.0"
        assert manager.invoke("alpha", "push", 1) == ["given", 1]
        await manager.aclose()

    asyncio.run(run())


def test_cancelled_ends_first(host: Host, events: list[str]) -> None:
    """What a cancelled `on_takeover` has to clean up is done before the old version takes over again."""
    slow = """
        import asyncio
        async def on_takeover(data, version):
            shelf['begun'].set()
            try:
                await asyncio.Event().wait()
            finally:
                for _ in range(1000):
                    await asyncio.sleep(0)
                events.append('cleaned up')
    """
    add(host, "alpha")

    async def run() -> None:
        manager = host.manager()
        await manager.aload()
        shelf["begun"] = asyncio.Event()
        add(host, "alpha", "2.0", textwrap.dedent(slow))
        reload = asyncio.create_task(manager.areload())
        await shelf["begun"].wait()
        reload.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reload
        assert events[-3:] == ["cleaned up", "alpha 2.0 on_free", "alpha 1.0 on_takeover from 1.0"]
        await manager.aclose()

    asyncio.run(run())


def test_task_that_reloads_and_is_cancelled(host: Host) -> None:
    """`on_handover` may cancel a task of the plugin that waits to reload, and await its end."""
    code = """
        import asyncio
        async def on_handover():
            shelf['task'].cancel()
            await asyncio.wait([shelf['task']])
            return {'state': state}
    """
    add(host, "alpha", extra=textwrap.dedent(code))

    async def run() -> None:
        manager = host.manager()
        await manager.aload()
        begin = "async def on_init(vault): shelf['begun'].set(); await shelf['go'].wait()"
        shelf["begun"], shelf["go"] = asyncio.Event(), asyncio.Event()
        add(host, "alpha", "2.0", on_init=begin)
        reload = asyncio.create_task(manager.areload())
        await shelf["begun"].wait()
        shelf["task"] = asyncio.create_task(manager.areload())
        await asyncio.sleep(0)
        shelf["go"].set()
        await reload
        assert shelf["task"].cancelled()
        assert manager.current["alpha"].version == "2.0"
        await manager.aclose()

    asyncio.run(run())


SERVER = """
import select, socket, threading
listener = None
def serve():
    while True:
        ready, _, _ = select.select([listener, bell], [], [])
        if bell in ready:
            return
        connection, _ = listener.accept()
        with connection:
            connection.sendall(VERSION.encode())
def start(given):
    global listener, bell, ring, thread
    listener = given
    bell, ring = socket.socketpair()
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
def stop():
    global listener
    ring.send(b'.')
    thread.join()
    bell.close(), ring.close()
    given, listener = listener, None
    return given
def port(): return listener.getsockname()[1]
def on_handover(): return stop()
def on_takeover(given, from_version): start(given)
"""
SERVER_INIT = """
def on_init(vault):
    if vault.predecessor is None:
        start(socket.create_server(('127.0.0.1', 0)))
"""
SERVER_FREE = """
def on_free():
    if listener is not None:  # not handed over
        stop().close()
"""


def add_server(host: Host, version: str, extra: str = "", **replace: str) -> Path:
    return host.add("alpha", version, SERVER + extra, on_init=SERVER_INIT, on_free=SERVER_FREE, keep=True, **replace)


def ask(port: int) -> str:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        return connection.recv(16).decode()


def test_port(host: Host) -> None:
    """A listening socket goes from version to version, and back if a change fails: no connection is ever refused."""
    add_server(host, "1.0")
    manager = host.loaded()
    port = manager.invoke("alpha", "port")
    answers = [ask(port)]
    stop = threading.Event()

    def knock() -> None:
        while not stop.is_set():
            answers.append(ask(port))

    client = threading.Thread(target=knock)
    client.start()
    try:
        add_server(host, "2.0")
        manager.reload()
        assert ask(port) == "2.0"
        bad = add_server(host, "3.0", "def on_takeover(given, version): raise OSError('no')")
        with pytest.raises(hotswap.LifecycleError, match="on_takeover"):
            manager.reload()
        assert ask(port) == "2.0"
        bad.unlink()
        add_server(host, "4.0")
        with pytest.raises(hotswap.ReloadVetoError, match="division"):
            manager.reload(callback=lambda new, old: 1 / 0)
        assert ask(port) == "2.0"
        manager.rollback()
        assert ask(port) == "1.0"
    finally:
        stop.set()
        client.join()
    assert set(answers) <= {"1.0", "2.0", "4.0"}
    assert len(answers) > 1
    manager.close()
    with pytest.raises(OSError, match="refused"):
        ask(port)


LOCK = """
import fcntl
file = None
def acquire():
    global file
    file = open(PATH, 'w')
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
def on_handover():
    file.close()
def on_takeover(data, from_version):
    acquire()
"""


def test_file_lock(host: Host, tmp_path: Path) -> None:
    """What only one can have is let go of by one version and taken by the next; a failed change gives it back."""
    path = tmp_path / "lock"
    extra = f"PATH = {str(path)!r}\n{LOCK}"
    init = "def on_init(vault): vault.predecessor or acquire()"
    free = "def on_free(): file and file.close()"
    for version in ("1.0", "2.0"):
        host.add("alpha", version, extra, on_init=init, on_free=free, keep=True)
        manager = host.managers[0] if host.managers else host.loaded()
        if version == "2.0":
            manager.reload()
        assert is_locked(path)
    with pytest.raises(hotswap.ReloadVetoError):
        manager.rollback(callback=lambda new, old: 1 / 0)
    assert is_locked(path)
    manager.close()
    assert not is_locked(path)


def is_locked(path: Path) -> bool:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
