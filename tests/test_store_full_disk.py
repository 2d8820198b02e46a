"""Disks that refuse."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from storemaker import ROOT, run_python
from wheelmaker import make_wheel

LIMITED = """
import json, resource, sys
from pathlib import Path
from storemaker import manifest_of
from hotswap.errors import StateDirError
from hotswap.model import HistoryEntry
from hotswap.store import Store
state, wheel, limit, action = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
store = Store(state)
entry = HistoryEntry(1, "load", 0.0, 0.0, "ok", error="x" * 1000)
store.append(entry)
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
message = ""
try:
    if action == "install":
        store.install([manifest_of(wheel)])
    elif action == "append":
        store.append(entry)
    else:
        store.hold(["0" * 64])
except StateDirError as error:
    message = str(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
left = [path.name for part in ("staging", "sites/*", "hosts") for path in state.glob(part + "/*.*")]
entries = len(store.entries())
again = store.install([manifest_of(wheel)])["alpha"].reused
store.append(entry)
print(json.dumps([message, left, entries, again, len(store.entries())]))
store.close()
"""

BIG = "A = 1\nB = " + "+".join(f"{'x' * 10}{i}" for i in range(1000)) + "\n"


@pytest.mark.parametrize(
    ("action", "limit", "file"),
    [
        ("install", 5_000, "alpha_plugin.py"),
        ("install", len(BIG) + 10, ".pyc"),
        ("append", 1500, ""),
        ("hold", 10, ""),
    ],
    ids=["a member", "byte code", "history", "host file"],
)
def test_a_file_that_may_not_grow(tmp_path: Path, action: str, limit: int, file: str) -> None:
    """What does not fit is an error with the cause and the way out, leaves nothing behind, and succeeds afterwards."""
    wheel = make_wheel(tmp_path, "alpha", "1.0", BIG)
    output = run_python(LIMITED, tmp_path / "state", wheel, limit, action)
    message, left, entries, again, entries_after = json.loads(output)
    assert f"state dir {tmp_path / 'state'}: " in message
    assert "File too large" in message
    assert "free some space, prune it, or choose another state dir" in message
    assert file in message
    assert [name for name in left if not name.endswith(".json")] == []
    assert (entries, again, entries_after) == (1, False, 2)


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
    """On a disk without space installing fails cleanly, pruning works, and installing works when there is space again."""
    disk = tmp_path / "disk"
    disk.mkdir()
    wheels = [make_wheel(tmp_path, name) for name in ("alpha", "beta")]
    mounted = subprocess.run(
        [
            *("unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=512k tmpfs "$0" && exec "$@"', str(disk)),
            *(sys.executable, "-c", TINY_DISK, str(disk), *map(str, wheels)),
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])},
        stdout=subprocess.PIPE,
        check=True,
    )
    message, cause, left, pruned, again = json.loads(mounted.stdout)
    assert cause == "No space left on device"
    assert cause in message
    assert "free some space" in message
    assert (left, pruned, again) == ([], 1, False)
