"""Disks that refuse."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from places import CHECKOUT, IMPORTED
from storemaker import manifest_of
from wheelmaker import make_wheel

from hotswap.errors import StateDirError
from hotswap.model import HistoryEntry
from hotswap.store import Store

ENTRY = HistoryEntry(1, "load", 0.0, 0.0, "ok", error="x" * 1000)
BIG = "A = 1\nB = " + "+".join(f"{'x' * 10}{i}" for i in range(1000)) + "\n"


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """No file of this process and its children may grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(
    ("action", "limit", "file"),
    [
        ("install", 5_000, "alpha_plugin.py"),
        ("install", len(BIG) + 10, ".pyc"),
        ("install in process", len(BIG) + 10, ".pyc"),
        ("append", 1500, ""),
        ("hold", 0, ""),
    ],
)
def test_a_file_that_may_not_grow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str, limit: int, file: str
) -> None:
    """What does not fit is an error with the cause and the way out, leaves nothing behind, and succeeds afterwards."""
    manifest = manifest_of(make_wheel(tmp_path, "alpha", "1.0", BIG))
    if action == "install in process":
        monkeypatch.setattr(sys, "executable", "")
    store = Store(tmp_path / "state")
    store.append(ENTRY)
    acts: dict[str, Callable[[], object]] = {
        "append": lambda: store.append(ENTRY),
        "hold": lambda: store.hold([manifest.digest]),
    }
    act = acts.get(action, lambda: store.install([manifest]))
    with file_size_limit(limit), pytest.raises(StateDirError, match="File too large") as caught:
        act()
    store.close()  # the helper has the limit still
    message = str(caught.value)
    assert f"state dir {tmp_path / 'state'}: " in message
    assert "free some space, prune it, or choose another state dir" in message
    assert file in message
    left = [path for part in ("staging/*", "sites/*/*", "hosts/*.json") for path in (tmp_path / "state").glob(part)]
    assert (left, store.entries()) == ([], (ENTRY,))
    assert not store.install([manifest])["alpha"].reused
    store.append(ENTRY)
    assert store.entries() == (ENTRY, ENTRY)
    store.close()


def test_a_place_that_is_not_ours(tmp_path: Path) -> None:
    """Where nobody, or nobody but others, may write, the way out says so."""
    store = Store(Path("/sys/hotswap"))
    with pytest.raises(StateDirError, match=r"state dir /sys/hotswap: holding site dirs: .*; make it writable"):
        store.hold([])


TINY_DISK = """
import json, sys
from pathlib import Path
from storemaker import manifest_of
from hotswap.errors import StateDirError
from hotswap.store import Store
disk, *wheels = map(Path, sys.argv[1:])
store = Store(disk / "state")
store.install([manifest_of(wheels[0])])
store.hold([])
filling = disk / "filling"
message = ""
with filling.open("wb", buffering=0) as file:
    try:
        while file.write(b"x" * 4096):
            pass
    except OSError as error:
        cause = error.strerror
try:
    store.install([manifest_of(wheels[1])])
except StateDirError as error:
    message = str(error)
left = [path.name for path in store.state_dir.glob("staging/*")]
pruned = len(store.prune().removed)
filling.unlink()
again = store.install([manifest_of(wheels[1])])["beta"].reused
store.close()
print(json.dumps([message, cause, left, pruned, again]))
"""


def can_mount() -> bool:
    if not shutil.which("unshare"):
        return False
    return (
        subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True).returncode == 0
    )


@pytest.mark.skipif(not can_mount(), reason="needs the right to mount a tmpfs in a namespace of its own")
def test_a_full_disk(tmp_path: Path) -> None:
    """On a disk without space installing fails cleanly, pruning works, and with space again so does installing."""
    disk = tmp_path / "disk"
    disk.mkdir()
    wheels = [make_wheel(tmp_path, name) for name in ("alpha", "beta")]
    mounted = subprocess.run(
        [
            *("unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=512k tmpfs "$0" && exec "$@"', str(disk)),
            *(sys.executable, "-c", TINY_DISK, str(disk), *map(str, wheels)),
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(IMPORTED), str(CHECKOUT / "tests")])},
        stdout=subprocess.PIPE,
        check=True,
    )
    message, cause, left, pruned, again = json.loads(mounted.stdout)
    assert cause == "No space left on device"
    assert cause in message
    assert "free some space" in message
    assert (left, pruned, again) == ([], 1, False)
