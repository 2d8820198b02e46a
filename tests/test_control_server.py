from __future__ import annotations

import asyncio
import logging
import os
import resource
import socket
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hostmaker import ALPHA, HOST, host_process, make_plugins, request_line, serving
from wheelmaker import make_wheel, plugin_source

import hotswap
from hotswap.control import ControlClient, ControlServer, RemoteError
from hotswap.control.protocol import MAX_REQUEST


def connect(path: Path) -> socket.socket:
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    peer.settimeout(30)
    peer.connect(str(path))
    return peer


def hear(peer: socket.socket) -> bytes:
    """Everything until the server hangs up."""
    with peer, peer.makefile("rb") as file:
        return file.read()


def test_status_tells_what_is_loaded(tmp_path):
    """The status has generation, plugins, retired versions and process, as the manager knows them."""
    with serving(tmp_path) as manager:
        make_wheel(tmp_path / "plugins", "alpha", "2.0", ALPHA)
        with manager.lease():
            manager.reload()
            status = ControlClient(tmp_path / "state").request("status")

        alpha, beta = status["plugins"]
        assert (status["generation"], status["reload_count"], status["pid"]) == (2, 1, os.getpid())
        assert status["state_dir"] == str(tmp_path / "state")
        assert (alpha["version"], alpha["outcome"], beta["outcome"]) == ("2.0", "reloaded", "rebound")
        assert alpha["digest"] == manager.current["alpha"].digest
        assert alpha["site_dir"] == str(manager.current["alpha"].site_dir)
        assert beta["dependencies"] == ["alpha"]
        assert [(old["plugin"], old["state"]) for old in status["retired"]] == [
            ("alpha", "draining"),
            ("beta", "draining"),
        ]


def test_status_before_the_first_load(tmp_path):
    """A host that has loaded nothing yet says so."""
    with hotswap.PluginManager(make_plugins(tmp_path / "plugins"), state_dir=tmp_path / "state") as manager:
        manager.serve_control()

        status = ControlClient(tmp_path / "state").request("status")

    assert (status["generation"], status["plugins"], status["retired"]) == (None, [], [])


def test_plan_reload_rollback_history_graph(tmp_path):
    """A client plans, reloads and rolls back as the host itself would."""
    with serving(tmp_path) as manager:
        client = ControlClient(tmp_path / "state")
        make_wheel(tmp_path / "plugins", "alpha", "2.0", ALPHA)

        plan = client.request("plan")
        assert [step["outcome"] for step in plan["plugins"]] == ["reloaded", "rebound"]
        assert manager.current.number == 1

        assert client.request("reload")["plugins"] == {"alpha": "reloaded", "beta": "rebound"}
        assert str(manager.current["alpha"].version) == "2.0"

        assert client.request("rollback")["generation"] == 3
        assert str(manager.current["alpha"].version) == "1.0"

        assert [entry["action"] for entry in client.request("history")["entries"]] == ["load", "reload", "rollback"]
        assert client.request("graph")["edges"] == [{"dependency": "alpha", "dependent": "beta", "kind": "imports"}]


def test_prune_spares_what_the_host_uses(tmp_path):
    """Pruning through the host tells what it would remove, and removes nothing of what is live."""
    with serving(tmp_path) as manager:
        (tmp_path / "state" / "history.jsonl").unlink()
        (tmp_path / "state" / "sites" / "other" / "old-1.0-0123456789abcdef").mkdir(parents=True)
        client = ControlClient(tmp_path / "state")

        for arguments in ({"dry_run": True}, {}):
            report = client.request("prune", **arguments)
            assert (report["removed"], report["kept"]) == (["other/old-1.0-0123456789abcdef"], 2)
        assert client.request("prune")["removed"] == []
        assert manager.current["alpha"].site_dir.is_dir()


@pytest.mark.parametrize(
    ("command", "arguments", "complaint"),
    [
        ("explode", {}, "no command is called 'explode'; there are: ping, status, plan"),
        ("reload", {"force": True}, "reload: got an unexpected keyword argument 'force'"),
        ("prune", {"dry_run": "no"}, "dry_run must be true or false, not 'no'"),
    ],
)
def test_wrong_command_or_argument_is_refused(tmp_path, command, arguments, complaint):
    """What the host cannot make sense of is the client's mistake, and the host says what it is."""
    with serving(tmp_path), pytest.raises(RemoteError, match=complaint) as caught:
        ControlClient(tmp_path / "state").request(command, **arguments)

    assert (caught.value.report["type"], caught.value.report["exit_code"]) == ("UsageError", 2)


def test_failed_reload_comes_back_as_type_faults_and_code(tmp_path):
    """A plugin without its functions fails the client's reload with every fault, and no traceback unless asked."""
    with serving(tmp_path) as manager:
        make_wheel(tmp_path / "plugins", "alpha", "2.0", plugin_source(export="", on_free=""))

        with pytest.raises(RemoteError) as caught:
            ControlClient(tmp_path / "state").request("reload")
        with pytest.raises(RemoteError) as debugged:
            ControlClient(tmp_path / "state", debug=True).request("reload")

        assert manager.current.number == 1
    report = caught.value.report
    assert (report["type"], report["exit_code"], len(report["faults"])) == ("WheelContractError", 1, 2)
    assert "traceback" not in report
    assert "Traceback" in debugged.value.report["traceback"]


def test_an_error_of_our_own_is_reported_and_logged(tmp_path, caplog):
    """An error that is none of hotswap's is the host's log's to keep; the client gets its type, message and code."""

    class Broken(hotswap.PluginManager):
        def plan(self):
            raise ZeroDivisionError("by zero")

    caplog.set_level(logging.ERROR, "hotswap")
    with Broken(make_plugins(tmp_path / "plugins"), state_dir=tmp_path / "state") as manager:
        manager.serve_control()
        with pytest.raises(RemoteError, match="by zero") as caught:
            ControlClient(tmp_path / "state").request("plan")

    assert (caught.value.report["type"], caught.value.report["exit_code"]) == ("ZeroDivisionError", 5)
    (record,) = caplog.records
    assert "ZeroDivisionError: by zero" in record.getMessage()
    assert record.exc_info is None


def test_socket_is_for_its_owner_alone_and_goes_with_the_server(tmp_path):
    """The socket has mode 0600 whatever the umask, nothing is left beside it, and closing removes it, also twice."""
    with serving(tmp_path) as manager:
        path = manager.serve_control()
        server = manager._server
        mode = path.stat().st_mode

        assert path == tmp_path / "state" / "control.sock"
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
        assert list(path.parent.glob(".control-*")) == []
        server.close()
        assert not path.exists()
        server.close()


def test_second_server_is_refused_by_the_first_ones_pid(tmp_path):
    """A state dir that is served already is refused with the process that serves it, which goes on undisturbed."""
    with serving(tmp_path) as manager:
        with pytest.raises(hotswap.ControlError, match=f"served already, by process {os.getpid()}"):
            ControlServer(manager)

        assert ControlClient(tmp_path / "state").request("ping")["pid"] == os.getpid()


def test_somebody_else_on_the_socket_is_not_replaced(tmp_path):
    """A socket on which somebody answers strangely is not taken for a dead one."""
    (tmp_path / "state").mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(tmp_path / "state" / "control.sock"))
        listener.listen()

        def answer() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(1000)
                peer.sendall(b"220 mail.example.org\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        manager = hotswap.PluginManager(make_plugins(tmp_path / "plugins"), state_dir=tmp_path / "state")
        with manager, pytest.raises(hotswap.ControlError, match="does not answer as a host does"):
            manager.serve_control()
        thread.join()

    assert (tmp_path / "state" / "control.sock").exists()


def test_stale_socket_and_leftovers_are_replaced(tmp_path):
    """What a killed host left behind, a socket that nobody listens on and a half-made one, gives way to a new host."""
    state = tmp_path / "state"
    (state / ".control-dead").mkdir(parents=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(state / "control.sock"))

    with serving(tmp_path):
        assert ControlClient(state).request("ping")["pid"] == os.getpid()
        assert not (state / ".control-dead").exists()


def test_close_leaves_a_successors_socket_alone(tmp_path):
    """A host whose state dir was removed and made anew by another one does not remove that one's socket."""
    with serving(tmp_path) as manager:
        path = manager.serve_control()
        path.unlink()
        path.write_text("another's")

    assert path.read_text() == "another's"


def test_close_bears_a_state_dir_that_is_gone(tmp_path):
    """Closing after somebody removed the state dir raises nothing."""
    with hotswap.PluginManager(make_plugins(tmp_path / "plugins"), state_dir=tmp_path / "state") as manager:
        manager.serve_control()
        (tmp_path / "state").rename(tmp_path / "gone")

    assert (tmp_path / "gone" / "control.sock").exists()


def test_socket_that_cannot_be_made_is_an_error_with_a_way_out(tmp_path):
    """If the state dir is no directory any more, opening the socket says so, and leaves nothing open."""
    with hotswap.PluginManager(make_plugins(tmp_path / "plugins"), state_dir=tmp_path / "state") as manager:
        (tmp_path / "state").rename(tmp_path / "gone")
        (tmp_path / "state").touch()

        with pytest.raises(hotswap.ControlError, match=r"control\.sock: File exists; choose another"):
            manager.serve_control()
        (tmp_path / "state").unlink()


def test_closed_manager_serves_no_more(tmp_path):
    """A manager that has been closed opens no socket, which nobody would close."""
    with hotswap.PluginManager(make_plugins(tmp_path / "plugins"), state_dir=tmp_path / "state") as manager:
        pass

    with pytest.raises(hotswap.NotLoadedError, match="the manager has been closed"):
        manager.serve_control()
    assert not (tmp_path / "state" / "control.sock").exists()


def test_too_long_a_request_is_answered_and_hung_up(tmp_path):
    """A request without end is answered with an error, and the connection is over."""
    with serving(tmp_path) as manager:
        peer = connect(manager.serve_control())
        peer.sendall(b"x" * (MAX_REQUEST + 1))

        assert b"more than 65536 bytes" in hear(peer)


def test_bad_request_is_answered_and_the_next_one_served(tmp_path):
    """A line that is no request gets an error, and the connection goes on."""
    with serving(tmp_path) as manager:
        peer = connect(manager.serve_control())
        peer.sendall(b"\n" + request_line("ping"))
        peer.shutdown(socket.SHUT_WR)
        refusal, reply, rest = hear(peer).split(b"\n")

    assert b"the request is not JSON" in refusal
    assert b'"ok":true' in reply
    assert rest == b""


def test_idle_peer_is_hung_up_on(tmp_path):
    """A peer that asks for nothing for longer than it may is hung up on."""
    with hotswap.PluginManager(make_plugins(tmp_path / "plugins"), state_dir=tmp_path / "state") as manager:
        server = ControlServer(manager, idle=0.05)
        try:
            peer = connect(server.path)
            peer.sendall(b'{"version"')
            assert hear(peer) == b""
        finally:
            server.close()


def test_peer_that_does_not_take_its_reply_disturbs_nobody(tmp_path):
    """A peer that hangs up while it is answered is forgotten, and others are served."""
    with serving(tmp_path) as manager:
        peer = connect(manager.serve_control())
        peer.sendall(request_line("status") * 100)
        peer.close()

        assert ControlClient(tmp_path / "state").request("ping")["pid"] == os.getpid()


def test_close_hangs_up_on_idle_peers_but_answers_who_waits(tmp_path):
    """Closing ends idle connections at once, while a request on its way still gets its reply."""
    entered, go_on = threading.Event(), threading.Event()

    def hold(new: object, old: object) -> None:
        entered.set()
        assert go_on.wait(30)

    plugins = make_plugins(tmp_path / "plugins")
    with hotswap.PluginManager(plugins, state_dir=tmp_path / "state", on_reload=hold) as manager:
        manager.load()
        path = manager.serve_control()
        idle, waiting = connect(path), connect(path)
        waiting.sendall(request_line("reload"))
        assert entered.wait(30)

        manager._server.close()
        assert hear(idle) == b""
        go_on.set()
        assert b'"generation":2' in hear(waiting)


def test_reload_awaits_asynchronous_plugins_on_the_hosts_loop(tmp_path):
    """Served from a running event loop, a client's reload and rollback await `async` functions on that loop."""
    source = plugin_source(
        "import asyncio",
        on_load="async def on_load(data): data.append(asyncio.get_running_loop())",
    )
    make_wheel(tmp_path / "plugins", "alpha", "1.0", source)

    async def host() -> None:
        loops: list[object] = []
        client = ControlClient(tmp_path / "state")
        async with hotswap.PluginManager(tmp_path / "plugins", state_dir=tmp_path / "state") as manager:
            await manager.aload(loops)
            manager.serve_control()
            make_wheel(tmp_path / "plugins", "alpha", "2.0", source)
            reloaded = await asyncio.to_thread(client.request, "reload")
            back = await asyncio.to_thread(client.request, "rollback")
            assert (reloaded["plugins"], back["generation"]) == ({"alpha": "reloaded"}, 3)
            assert loops == [asyncio.get_running_loop()] * 3

    asyncio.run(host())


def test_reload_after_the_hosts_loop_has_ended(tmp_path):
    """A host that goes on without its event loop is still reloaded."""
    manager = hotswap.PluginManager(make_plugins(tmp_path / "plugins"), state_dir=tmp_path / "state")

    async def begin() -> None:
        await manager.aload()
        manager.serve_control()

    with manager:
        asyncio.run(begin())

        assert ControlClient(tmp_path / "state").request("reload")["generation"] == 2


@pytest.mark.parametrize("cancelled", [False, True])
def test_loop_that_ends_during_a_reload_is_told_to_the_client(tmp_path, monkeypatch, cancelled):
    """A client is not left waiting for an event loop that ends before the reload does."""
    monkeypatch.setattr("hotswap.control.answers._LOOK", 0.001)
    looked_twice = threading.Semaphore(0)

    class Loop(asyncio.SelectorEventLoop):
        def is_closed(self):
            looked_twice.release()
            return super().is_closed()

    loop = Loop()
    with hotswap.PluginManager(make_plugins(tmp_path / "plugins"), state_dir=tmp_path / "state") as manager:
        manager.load()
        server = ControlServer(manager, loop)
        with ThreadPoolExecutor() as executor:
            asked = executor.submit(ControlClient(tmp_path / "state").request, "reload")
            for _ in range(3):
                assert looked_twice.acquire(timeout=30)
            if cancelled:
                loop.run_until_complete(cancel_all())
            loop.close()
            with pytest.raises(RemoteError, match="event loop has ended") as caught:
                asked.result()
        server.close()

    assert caught.value.report["exit_code"] == 3


async def cancel_all() -> None:
    while not (tasks := asyncio.all_tasks() - {asyncio.current_task()}):
        await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def test_closed_loop_refuses_at_once(tmp_path):
    """A loop that is closed between the look at it and the submission is the same as one that ends later."""

    class Loop(asyncio.SelectorEventLoop):
        def call_soon_threadsafe(self, *args, **kwargs):
            self.close()
            return super().call_soon_threadsafe(*args, **kwargs)

    loop = Loop()
    with hotswap.PluginManager(make_plugins(tmp_path / "plugins"), state_dir=tmp_path / "state") as manager:
        manager.load()
        server = ControlServer(manager, loop)
        try:
            with pytest.raises(RemoteError, match="event loop has ended"):
                ControlClient(tmp_path / "state").request("reload")
        finally:
            server.close()


def test_forked_child_does_not_keep_the_socket_alive(tmp_path):
    """A child forked by a host that was killed does not seem to be that host."""
    code = HOST.replace('print("ready"', 'os.fork() or print("ready"').replace("import sys", "import os, sys")
    with host_process(make_plugins(tmp_path / "plugins"), tmp_path / "state", code) as host:
        client = ControlClient(tmp_path / "state")
        assert client.request("ping")["pid"] == host.pid
        host.kill()
        host.wait()

        with pytest.raises(hotswap.ControlError, match="no host is running"):
            client.request("ping")


def test_host_without_file_descriptors_serves_later(tmp_path):
    """A host that has run out of file descriptors serves who has connected as soon as it has some again."""
    refused = threading.Event()

    class Noticed(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "cannot accept connections for now" in record.getMessage():
                refused.set()

    logger, handler = logging.getLogger("hotswap.control"), Noticed()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with serving(tmp_path) as manager, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        path = str(manager.serve_control())
        logger.addHandler(handler)
        lowest_free = os.dup(peer.fileno())
        os.close(lowest_free)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
            peer.connect(path)
            assert refused.wait(30)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            logger.removeHandler(handler)
        peer.settimeout(30)
        peer.sendall(request_line("ping"))

        assert b'"ok":true' in peer.recv(1000)
