"""Who uses what, and what may go."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from storemaker import manifest_of, start_python
from wheelmaker import make_wheel

from hotswap.errors import StateDirError
from hotswap.model import HistoryEntry, Manifest, RememberedPlugin
from hotswap.store import PruneReport, Store


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def store(state: Path) -> Iterator[Store]:
    store = Store(state, keep_history=2)
    yield store
    store.close()


@pytest.fixture
def manifests(tmp_path: Path, store: Store) -> list[Manifest]:
    """Three wheels, installed, and held by nobody."""
    manifests = [manifest_of(make_wheel(tmp_path, name)) for name in ("alpha", "beta", "gamma")]
    store.install(manifests)
    store.hold([])
    return manifests


def there(state: Path) -> list[str]:
    return sorted(path.name.split("-")[0] for path in state.glob("sites/*/*"))


def host_files(state: Path) -> list[Path]:
    return sorted(state.glob("hosts/*.json"))


def remember(store: Store, *manifests: Manifest, generation: int | None = 1) -> None:
    plugins = tuple(RememberedPlugin(m.plugin, str(m.version), m.digest, "loaded") for m in manifests)
    store.append(HistoryEntry(generation, "load", 0.0, 0.0, "ok" if generation else "failed", plugins))


def test_what_nobody_uses_goes(state: Path, store: Store, manifests: list[Manifest]) -> None:
    """The report names what went, counts what stayed, and its bytes are those of the files."""
    alpha, beta, gamma = manifests
    remember(store, alpha)
    sites = {m.plugin: next(state.glob(f"sites/*/{store.site_name(m)}")) for m in manifests}
    expected = sum(path.stat().st_size for path in sites["gamma"].rglob("*") if path.is_file())
    report = store.prune(keep=[beta.digest])
    name = f"{sites['gamma'].parent.name}/{store.site_name(gamma)}"
    assert report == PruneReport(removed=(name,), freed=expected, kept=2)
    assert str(report) == "1 site dir removed, 2 dirs kept, 0.0 MB freed"
    assert there(state) == ["alpha", "beta"]
    assert list((state / "staging").iterdir()) == []


def test_a_dry_run_removes_nothing(state: Path, store: Store, manifests: list[Manifest]) -> None:
    """It reports what the next prune removes, and leaves everything in place."""
    report = store.prune(dry_run=True)
    assert there(state) == ["alpha", "beta", "gamma"]
    assert len(report.removed) == 3
    assert store.prune() == report
    assert there(state) == []


def test_only_remembered_generations_count(state: Path, store: Store, manifests: list[Manifest]) -> None:
    """A load that failed keeps no site dir, nor does a generation that has left the history."""
    alpha, beta, gamma = manifests
    for number, manifest in enumerate((alpha, beta, beta, alpha, beta), 1):
        remember(store, manifest, generation=number)
    remember(store, gamma, generation=None)
    store.prune()
    assert there(state) == ["alpha", "beta"]
    for number in (6, 7):
        remember(store, beta, generation=number)
        remember(store, gamma, generation=number)
    store.prune()
    assert there(state) == ["beta"]


def test_what_is_installed_is_held(state: Path, store: Store, manifests: list[Manifest], tmp_path: Path) -> None:
    """From its install on, reused or new, a site dir stays until hold() does not name it."""
    alpha = manifests[0]
    delta = manifest_of(make_wheel(tmp_path, "delta"))
    store.install([alpha])
    store.install([delta])
    pruner = Store(state)
    pruner.prune()
    assert there(state) == ["alpha", "delta"]
    store.hold([delta.digest])
    pruner.prune()
    assert there(state) == ["delta"]
    assert len(host_files(state)) == 1
    store.close()
    assert host_files(state) == []
    pruner.prune()
    assert there(state) == []


def test_a_host_file_says_who_uses_what(state: Path, store: Store, manifests: list[Manifest]) -> None:
    """There is one file, named by the process, with the digests held; it comes back if it was removed."""
    digests = sorted(manifest.digest for manifest in manifests)
    store.install(manifests)
    (path,) = host_files(state)
    assert path.name.startswith(f"{os.getpid()}-")
    assert json.loads(path.read_bytes()) == {"pid": os.getpid(), "digests": digests}
    store.install(manifests)
    assert host_files(state) == [path]
    path.unlink()
    store.install(manifests)
    assert len(host_files(state)) == 1
    host_files(state)[0].unlink()
    store.hold(digests)
    assert len(host_files(state)) == 1


def test_a_removed_state_dir(state: Path, store: Store, manifests: list[Manifest]) -> None:
    """A store whose state dir somebody removed can be closed, which does not bring it back, and used again."""
    store.install(manifests)
    shutil.rmtree(state)
    store.close()
    assert not state.exists()
    assert not store.install(manifests)["alpha"].reused


HOST = """
import os, sys
from pathlib import Path
from hotswap.store import Store
state, *digests = sys.argv[1:]
store = Store(Path(state))
store.hold(digests)
print(os.getpid(), flush=True)
sys.stdin.readline()
os.kill(os.getpid(), 9)
"""


def test_another_process_holds_as_long_as_it_lives(state: Path, store: Store, manifests: list[Manifest]) -> None:
    """What a living process uses stays; once it was killed, its host file and its site dirs go."""
    with start_python(HOST, state, manifests[0].digest) as host:
        assert host.stdout is not None
        host.stdout.readline()
        store.prune()
        assert there(state) == ["alpha"]
        host.communicate("go\n")
    assert [path.name.split("-")[0] for path in host_files(state)] == sorted([str(host.pid), str(os.getpid())])
    store.prune(dry_run=True)
    assert len(host_files(state)) == 2
    store.prune()
    assert there(state) == []
    assert [path.name.split("-")[0] for path in host_files(state)] == [str(os.getpid())]


FORKED = """
import os, sys
from pathlib import Path
from hotswap.store import Store
state, first, second = sys.argv[1:]
store = Store(Path(state))
store.hold([first])
reading, writing = os.pipe()
done_reading, done_writing = os.pipe()
child = os.fork()
if child == 0:
    os.read(reading, 1)
    store.hold([second])
    os.write(done_writing, b".")
    os.read(reading, 1)
    os._exit(0)
sites = lambda: sorted(path.name.split("-")[0] for path in Path(state).glob("sites/*/*"))
store.hold([second])
Store(Path(state)).prune()
print(*sites())
os.write(writing, b".")
os.read(done_reading, 1)
Store(Path(state)).prune()
print(*sites())
store.close()
Store(Path(state)).prune()
print(*sites())
os.write(writing, b".")
os.waitpid(child, 0)
Store(Path(state)).prune()
print(*sites())
"""


def test_a_forked_child_holds_what_its_parent_held(state: Path, store: Store, manifests: list[Manifest]) -> None:
    """The child still uses the old version when the parent has gone on, until it says otherwise or ends."""
    with start_python(FORKED, state, manifests[0].digest, manifests[1].digest) as process:
        output = process.communicate()[0]
    assert output.splitlines() == ["alpha beta", "beta", "beta", ""]


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"digests": 1}'])
def test_a_living_process_that_says_nothing(
    state: Path, store: Store, manifests: list[Manifest], content: bytes
) -> None:
    """If it cannot be told what a living process uses, nothing is pruned."""
    store.install(manifests)
    (path,) = host_files(state)
    path.write_bytes(content)
    with pytest.raises(StateDirError, match="does not say which site dirs its process uses"):
        Store(state).prune()
    assert there(state) == ["alpha", "beta", "gamma"]


def test_scratch_of_builders_goes_when_it_is_old(state: Path, store: Store, manifests: list[Manifest]) -> None:
    """What a builder has left behind for hours is removed, what may be in use is not."""
    for name in ("old", "new"):
        (store.scratch / name).mkdir()
        (store.scratch / name / "file").write_bytes(b"12345")
        (store.scratch / name / "link").symlink_to("nowhere")
    os.utime(store.scratch / "old", (0, 0))
    report = store.prune(keep=[manifest.digest for manifest in manifests])
    assert (report.builds, report.freed, report.removed) == (("old",), 5 + len("nowhere"), ())
    assert [path.name for path in store.scratch.iterdir()] == ["new"]


def test_pruning_an_empty_state_dir(state: Path) -> None:
    """There is nothing to remove, and that is no error."""
    assert Store(state).prune() == PruneReport()


def test_site_dirs_of_other_interpreters(state: Path, store: Store, manifests: list[Manifest]) -> None:
    """They are held and pruned by digest alike."""
    mine = next(state.glob("sites/*"))
    other = state / "sites" / "cpython-27"
    mine.rename(other)
    remember(store, manifests[0])
    report = store.prune()
    assert [path.name for path in other.iterdir()] == [store.site_name(manifests[0])]
    assert all(name.startswith("cpython-27/") for name in report.removed)
    assert report.kept == 1
