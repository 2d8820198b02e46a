from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostmaker import make_plugins, serving

import hotswap
from hotswap.control import ControlClient
from hotswap.control import address as address_module
from hotswap.control.client import NoHostError


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    """Somebody who listens where a host would."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(tmp_path / "control.sock"))
        listener.listen()
        yield listener


@pytest.mark.parametrize("kind", ["no state dir", "no socket", "no listener", "no directory"])
def test_no_host(tmp_path, kind):
    """Where nobody listens, no host is running, whatever of its traces is there."""
    state = tmp_path / "state"
    if kind == "no directory":
        state.write_text("")
    elif kind != "no state dir":
        state.mkdir()
    if kind == "no listener":
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
            dead.bind(str(state / "control.sock"))

    with pytest.raises(NoHostError, match=f"no host is running on {state}: start one"):
        ControlClient(state).request("status")


def test_socket_that_may_not_be_used(tmp_path):
    """A control socket that is none is a fault of its own, not the absence of a host."""
    (tmp_path / "control.sock").symlink_to("control.sock")

    with pytest.raises(hotswap.ControlError, match=r"control\.sock cannot be reached") as caught:
        ControlClient(tmp_path).request("status")
    assert not isinstance(caught.value, NoHostError)


def test_silent_host(tmp_path, listener):
    """A host that takes the connection and says nothing is given up after a while."""
    with pytest.raises(hotswap.ControlError, match=r"has not answered for 0\.01 seconds"):
        ControlClient(tmp_path, patience=0.01).request("status")


def test_host_too_busy_to_take_connections(tmp_path):
    """A host whose queue of connections is full is not waited for."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(tmp_path / "control.sock"))
        listener.listen(0)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
            other.connect(str(tmp_path / "control.sock"))

            with pytest.raises(hotswap.ControlError, match="takes no more connections"):
                ControlClient(tmp_path).request("status")


@pytest.mark.parametrize("reads", [True, False])
def test_host_that_hangs_up(tmp_path, listener, reads):
    """A host that dies over a request, having read it or not, has hung up before it answered."""

    def die() -> None:
        peer, _ = listener.accept()
        with peer:
            if reads:
                peer.recv(1000)

    thread = threading.Thread(target=die)
    thread.start()
    with pytest.raises(hotswap.ControlError, match="hung up before it answered ping"):
        ControlClient(tmp_path).request("status")
    thread.join()


def test_path_longer_than_a_socket_may_have(tmp_path):
    """A state dir deeper than `sun_path` is long is served and asked like any other."""
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)

    with serving(deep) as manager:
        assert len(os.fsencode(manager.serve_control())) > 200
        assert ControlClient(deep / "state").request("ping")["pid"] == os.getpid()
    assert not (deep / "state" / "control.sock").exists()
    with pytest.raises(NoHostError):
        ControlClient(deep / "nowhere").request("ping")


def test_path_too_long_where_there_is_no_way_round(tmp_path, monkeypatch):
    """On a system without /proc, too long a path is refused with its limit and the way out."""
    monkeypatch.setattr(address_module, "_DESCRIPTORS", tmp_path / "proc")
    state = tmp_path / ("d" * 100)

    with pytest.raises(hotswap.ControlError, match="takes 103 bytes: choose a state dir with a shorter path"):
        ControlClient(state).request("ping")


def test_platform_without_unix_sockets(tmp_path, monkeypatch):
    """Where Python has no Unix sockets, serving and asking are refused by name."""
    with hotswap.PluginManager(make_plugins(tmp_path / "plugins"), state_dir=tmp_path / "state") as manager:
        monkeypatch.delattr(socket, "AF_UNIX")

        with pytest.raises(hotswap.ControlError, match="no Unix sockets on this platform"):
            manager.serve_control()
