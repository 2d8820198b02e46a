"""A directory of wheels as a source."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from packaging.version import Version
from wheelmaker import make_wheel

from hotswap.errors import UsageError
from hotswap.model import Finding
from hotswap.sources import WheelDir
from hotswap.sources.fingerprint import hash_file


def later() -> int:
    """A clock by which everything written in the test has settled."""
    return time.time_ns() + 3600 * 10**9


def during(monkeypatch: pytest.MonkeyPatch, interfere: Callable[[], object]) -> None:
    """Let somebody interfere while a file is being hashed: after its content was read, before it is looked at again."""
    real = hashlib.file_digest

    def interrupted(*arguments: object) -> object:
        digest = real(*arguments)  # type: ignore[arg-type]
        interfere()
        return digest

    monkeypatch.setattr(hashlib, "file_digest", interrupted)


@contextlib.contextmanager
def unprivileged() -> Iterator[Path]:
    """A directory that an ordinary user can reach, and that user's rights even if the tests run as root."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


@contextlib.contextmanager
def ordinary_user() -> Iterator[None]:
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_lists_wheels_by_file_name(tmp_path: Path) -> None:
    """Each wheel is a candidate with canonical name, version, sha256 and path, in the order of the file names."""
    beta = make_wheel(tmp_path, "Beta.Plugin", "2.1")
    alpha = make_wheel(tmp_path, "alpha", "1.0")

    finding = WheelDir(tmp_path).find()

    assert [(c.name, c.version, c.path) for c in finding.candidates] == [
        ("beta-plugin", Version("2.1"), beta),
        ("alpha", Version("1.0"), alpha),
    ]
    assert [c.digest for c in finding.candidates] == [
        hashlib.sha256(path.read_bytes()).hexdigest() for path in (beta, alpha)
    ]
    assert {c.source for c in finding.candidates} == {f"{tmp_path}/"}
    assert (finding.projects, finding.pending, finding.faults) == ((), (), ())


def test_ignores_what_is_no_wheel(tmp_path: Path) -> None:
    """Hidden files, directories and files that are being written under other names are not even looked at."""
    for name in (".alpha-1.0-py3-none-any.whl", "alpha-1.0-py3-none-any.whl.part", ".alpha.whl.tmp", "README", ".whl"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "beta-1.0-py3-none-any.whl").mkdir()
    make_wheel(tmp_path / "below", "gamma")

    assert WheelDir(tmp_path).find() == Finding()


def test_an_unchanged_settled_wheel_is_the_same_candidate(tmp_path: Path) -> None:
    """While its stat does not change, a wheel is not read again; what replaces it is."""
    make_wheel(tmp_path, "alpha", "1.0")
    other = make_wheel(tmp_path, "beta", "1.0")
    source = WheelDir(tmp_path, clock=later)
    first = source.find().candidates
    other.write_bytes(b"replaced")
    second = source.find().candidates

    assert second[0] is first[0]
    assert second[1].digest == hashlib.sha256(b"replaced").hexdigest()


def test_a_wheel_that_changed_just_now_is_hashed_again(tmp_path: Path) -> None:
    """Two writes within one tick of the file system's clock are told apart, since young files are not remembered."""
    wheel = tmp_path / "alpha-1.0-py3-none-any.whl"
    wheel.write_bytes(b"one")
    source = WheelDir(tmp_path)
    times = wheel.stat().st_mtime_ns
    first = source.find().candidates[0]
    wheel.write_bytes(b"two")
    os.utime(wheel, ns=(times, times))
    second = source.find().candidates[0]

    assert (first.digest, second.digest) == tuple(hashlib.sha256(data).hexdigest() for data in (b"one", b"two"))


def test_a_wheel_that_goes_is_no_longer_offered(tmp_path: Path) -> None:
    """What was there at the last look and is gone now is gone from the finding."""
    make_wheel(tmp_path, "alpha").rename(tmp_path / "alpha-2.0-py3-none-any.whl")
    wheel = make_wheel(tmp_path, "alpha")
    source = WheelDir(tmp_path, clock=later)
    assert len(source.find().candidates) == 2
    wheel.unlink()

    assert [c.version for c in source.find().candidates] == [Version("2.0")]


def test_a_wheel_that_vanishes_while_looking_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that was listed and is gone when it is to be read was never there."""
    make_wheel(tmp_path, "alpha")
    victim = make_wheel(tmp_path, "beta")
    during(monkeypatch, lambda: victim.unlink(missing_ok=True))

    finding = WheelDir(tmp_path).find()

    assert [c.name for c in finding.candidates] == ["alpha"]
    assert not finding.faults
    assert not finding.pending


@pytest.mark.parametrize(
    "file_name",
    [
        "alpha.whl",
        "alpha-1.0.whl",
        "alpha-not_a_version-py3-none-any.whl",
        "a..__b-1.0-py3-none-any.whl",
        "_.._-1.0-py3-none-any.whl",
        "~alpha-1.0-py3-none-any.whl",
        "älpha-1.0-py3-none-any.whl",
        "alpha\\..\\evil-1.0-py3-none-any.whl",
        "alpha-1.0-py3-none-a\nny.whl",
    ],
)
def test_a_name_that_is_no_wheels_is_a_fault(tmp_path: Path, file_name: str) -> None:
    """A file that calls itself a wheel under an impossible name is a fault on one line, not an exception."""
    (tmp_path / file_name).write_bytes(b"x")
    good = make_wheel(tmp_path, "good")

    finding = WheelDir(tmp_path).find()

    assert [c.path for c in finding.candidates] == [good]
    (fault,) = finding.faults
    assert "is not named as a wheel is" in fault.what
    assert fault.where.isprintable()
    assert fault.way_out


def test_symbolic_links_are_not_followed(tmp_path: Path) -> None:
    """A link is a fault that says so, whatever it points at."""
    wheel = make_wheel(tmp_path / "elsewhere", "alpha")
    (tmp_path / "plugins").mkdir()
    link = tmp_path / "plugins" / wheel.name
    link.symlink_to(wheel)

    finding = WheelDir(tmp_path / "plugins").find()

    assert not finding.candidates
    assert [(f.where, "symbolic link" in f.what) for f in finding.faults] == [(str(link), True)]


def test_a_fifo_is_a_fault(tmp_path: Path) -> None:
    """What is not a regular file is named, and nobody waits for a writer."""
    os.mkfifo(tmp_path / "alpha-1.0-py3-none-any.whl")

    assert [f.what for f in WheelDir(tmp_path).find().faults] == ["is not a regular file"]


def test_an_empty_wheel_is_pending_at_first(tmp_path: Path) -> None:
    """A copy that has just begun is left for the next reload; an empty file that stays so is offered, to be refused."""
    wheel = tmp_path / "alpha-1.0-py3-none-any.whl"
    wheel.touch()

    finding = WheelDir(tmp_path).find()
    assert [(p.path, p.reason, p.name) for p in finding.pending] == [(wheel, "still being written", "alpha")]
    assert not finding.candidates
    assert [c.name for c in WheelDir(tmp_path, clock=later).find().candidates] == ["alpha"]


def test_a_wheel_that_is_written_while_it_is_hashed_is_pending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A digest of half a file is never handed on."""
    wheel = make_wheel(tmp_path, "alpha")

    def write() -> None:
        with wheel.open("ab") as file:
            file.write(b"more")

    during(monkeypatch, write)
    finding = WheelDir(tmp_path).find()

    assert [(p.path, p.reason, p.name) for p in finding.pending] == [(wheel, "still being written", "alpha")]
    assert not finding.candidates


def test_a_file_that_was_replaced_since_its_stat_has_no_hash(tmp_path: Path) -> None:
    """Hashing starts only on the file that was looked at."""
    wheel = make_wheel(tmp_path, "alpha")
    seen = wheel.stat()
    make_wheel(tmp_path, "alpha", requires=["beta"])

    assert hash_file(wheel, seen) is None
    assert hash_file(wheel, wheel.stat()) == hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_a_wheel_that_cannot_be_read_is_a_fault() -> None:
    """A file without read permission is named, with the system's reason; the others are offered."""
    with unprivileged() as directory:
        secret = make_wheel(directory, "alpha")
        make_wheel(directory, "beta")
        secret.chmod(0)
        with ordinary_user():
            finding = WheelDir(directory).find()

    assert [c.name for c in finding.candidates] == ["beta"]
    assert [(f.where, f.what) for f in finding.faults] == [(str(secret), "cannot be read: Permission denied")]


def test_a_place_that_is_no_readable_directory_is_the_hosts_fault(tmp_path: Path) -> None:
    """A directory that is missing, none, or unreadable is named at `find`, not before, with the way out."""
    missing, file, too_long = WheelDir(tmp_path / "no"), WheelDir(make_wheel(tmp_path, "alpha")), WheelDir("x" * 300)

    with pytest.raises(UsageError, match=r"/no does not exist: create it"):
        missing.find()
    with pytest.raises(UsageError, match=r"any\.whl is not a directory: name the directory"):
        file.find()
    with pytest.raises(UsageError, match=r"cannot be read \(File name too long\): let this process read it"):
        too_long.find()


def test_an_empty_directory_offers_nothing(tmp_path: Path) -> None:
    """No plugins are no error."""
    assert WheelDir(tmp_path).find() == Finding()


def test_a_relative_directory_keeps_its_meaning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is resolved when the source is made, so a later change of directory changes nothing; it prints as given."""
    make_wheel(tmp_path / "plugins", "alpha")
    monkeypatch.chdir(tmp_path)
    source = WheelDir("plugins")
    monkeypatch.chdir("/")

    assert [c.path.parent for c in source.find().candidates] == [tmp_path / "plugins"]
    assert (str(source), repr(source)) == ("plugins/", "WheelDir('plugins')")
