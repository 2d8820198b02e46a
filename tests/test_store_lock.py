"""The lock that threads and processes share."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from pathlib import Path

import pytest
from storemaker import manifest_of, start_python
from wheelmaker import make_wheel

from hotswap.errors import StateDirError
from hotswap.store import Store
from hotswap.store.lock import FileLock

HOLD = """
import sys
from pathlib import Path
from hotswap.store.lock import FileLock
with FileLock(Path(sys.argv[1]), 10).held():
    print("held", flush=True)
    sys.stdin.readline()
print("given back", flush=True)
"""


def test_another_process_is_named(tmp_path: Path) -> None:
    """Who waits in vain learns which process has the lock; what is installed already needs no lock."""
    there, new = (manifest_of(make_wheel(tmp_path, name)) for name in ("alpha", "beta"))
    store = Store(tmp_path / "state", lock_timeout=0.01)
    store.install([there])
    with start_python(HOLD, tmp_path / "state" / "lock") as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert store.install([there])["alpha"].reused
        with pytest.raises(StateDirError, match=f"locked by process {holder.pid} for more than 0.01 seconds"):
            store.install([new])
        holder.communicate("go\n")
    assert not store.install([new])["beta"].reused
    store.close()


def test_it_is_waited_for(tmp_path: Path) -> None:
    """Whoever finds the lock held gets it when it is given back."""
    order = []
    with start_python(HOLD, tmp_path / "lock") as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "held\n"

        def wait() -> None:
            with FileLock(tmp_path / "lock", 30).held():
                order.append("waited")

        thread = threading.Thread(target=wait)
        thread.start()
        order.append("held")
        holder.communicate("go\n")
        thread.join()
    assert order == ["held", "waited"]


def test_threads_exclude_one_another(tmp_path: Path) -> None:
    """The lock holds between two threads, and two locks, of one process."""
    inside = []

    def enter() -> None:
        with FileLock(tmp_path / "lock", 30).held():
            inside.append("in")
            inside.append("out")

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inside == ["in", "out"] * 4
    first, second = FileLock(tmp_path / "lock", 1), FileLock(tmp_path / "lock", 0)
    with first.held(), pytest.raises(StateDirError, match=f"process {os.getpid()} "), second.held():
        pass  # never reached


def test_a_removed_lock_file_excludes_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the file is removed between opening and locking, the lock is taken on the file that is there now."""
    path = tmp_path / "lock"
    opened = []
    really_open = os.open

    def open_and_lose(file: Path, *arguments: int) -> int:
        descriptor = really_open(file, *arguments)
        opened.append(descriptor)
        if len(opened) == 1:
            path.unlink()
        elif len(opened) == 2:
            path.rename(tmp_path / "old")
            path.write_bytes(b"")
        return descriptor

    monkeypatch.setattr(os, "open", open_and_lose)
    with FileLock(path, 30).held():
        assert len(opened) == 3
        assert path.read_bytes().strip() == str(os.getpid()).encode()


def test_what_cannot_be_locked_is_an_error(tmp_path: Path) -> None:
    """A directory in the lock file's place is the operating system's error, and no descriptor is left open."""
    (tmp_path / "lock").mkdir()
    with pytest.raises(IsADirectoryError), FileLock(tmp_path / "lock", 1).held():
        pass  # never reached


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the operating system says of a lock other than that it is held is passed on, and the file is closed."""
    tried = []

    def refuse(descriptor: int, _: int) -> None:
        tried.append(descriptor)
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(OSError, match=os.strerror(errno.ENOLCK)), FileLock(tmp_path / "lock", 30).held():
        pass  # never reached
    (descriptor,) = tried
    with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
        os.fstat(descriptor)


def test_a_forked_child_does_not_keep_it(tmp_path: Path) -> None:
    """A child forked while the lock is held keeps nobody out once the parent has given it back."""
    code = """
import os, sys
from pathlib import Path
from hotswap.store.lock import FileLock
lock = FileLock(Path(sys.argv[1]), 0)
reading, writing = os.pipe()
with lock.held():
    child = os.fork()
    if child == 0:
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
with lock.held():
    print("again")
os.close(writing)
os.waitpid(child, 0)
"""
    with start_python(code, tmp_path / "lock") as process:
        assert process.communicate()[0] == "again\n"
