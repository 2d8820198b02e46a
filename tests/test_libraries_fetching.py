"""Wheels from an index, by the installers that are there: an index on this machine, real installers, no network."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import select
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import PATIENCE, Host
from indexmaker import Index, serving, silent
from packaging.version import Version
from test_libraries_choice import make_library
from test_libraries_loading import USES, library_dirs

import hotswap
from hotswap.errors import FetchError, UsageError, VersionConflictError
from hotswap.libraries import Fetcher, LibraryOptions, advising, fetching, running
from hotswap.model import Outcome, Sharing

pytestmark = pytest.mark.slow

UV = fetching.find_uv()


@pytest.fixture(params=["pip", pytest.param("uv", marks=pytest.mark.skipif(UV is None, reason="uv is not installed"))])
def installer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    pytest.importorskip("pip")
    if request.param == "pip":
        monkeypatch.setattr(fetching, "find_uv", lambda: None)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    return str(request.param)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with serving(tmp_path / "index") as served:
        yield served


def fetcher(index: Index, tmp_path: Path, **options: object) -> Fetcher:
    return Fetcher(index.publish(), tmp_path / "house", logger=logging.getLogger("hotswap"), **options)  # type: ignore[arg-type]


def names(wheels: list[Path]) -> list[str]:
    return [wheel.name.removesuffix("-py3-none-any.whl") for wheel in wheels]


def test_what_is_missing_is_fetched(host: Host, index: Index, installer: str) -> None:
    """A reload fetches what is missing, installs it, and asks nobody again while it is there; a plan only says so."""
    host.add("alpha", extra=USES, requires="numb>=2")
    make_library(index.wheels, "numb", "2.0", "lib-c")
    make_library(index.wheels, "numb", "1.0")
    make_library(index.wheels, "lib_c", "1.0")
    manager = host.manager(index=index.publish())
    plan = manager.plan()
    assert plan.fetch == {"alpha": ("numb>=2",)}
    assert index.asked == []
    manager.load()
    assert manager.invoke("alpha", "numb") == "2.0"
    house = host.state_dir / "wheelhouse"
    assert names(sorted(house.iterdir())) == ["lib_c-1.0", "numb-2.0"]
    asked = len(index.asked)
    host.add("alpha", "1.1", extra=USES, requires="numb>=2")
    assert manager.reload()["alpha"] is Outcome.RELOADED
    assert len(index.asked) == asked
    assert host.loaded().invoke("alpha", "numb") == "2.0"  # offline, from the wheelhouse


def test_the_hosts_versions_go_along(index: Index, tmp_path: Path, installer: str) -> None:
    """What the host has, in a version that will do, is not downloaded; what will not do, or is private, is."""
    make_library(index.wheels, "frame", "1.0", "numb", "lib-c>=2")
    for version in ("1.0", "2.0", "3.0"):
        make_library(index.wheels, "numb", version)
        make_library(index.wheels, "lib_c", version)
    host = {"numb": Version("2.0"), "lib-c": Version("1.0")}
    fetched = fetcher(index, tmp_path).fetch(["frame"], host, Sharing())
    assert names(fetched)[:1] == ["frame-1.0"]
    assert not [name for name in names(fetched) if name.startswith("numb")]
    assert [name for name in names(fetched) if name.startswith("lib_c")] == ["lib_c-3.0"]
    fetched = fetcher(index, tmp_path).fetch(["frame"], host, Sharing(private=frozenset({"numb"})))
    assert "numb-3.0" in names(fetched)


def test_share_is_a_constraint(index: Index, tmp_path: Path, installer: str) -> None:
    """A distribution of share= is resolved to the host's version or not at all."""
    make_library(index.wheels, "frame", "2.0", "numb>=2")
    make_library(index.wheels, "frame", "1.0", "numb")
    for version in ("1.0", "2.0"):
        make_library(index.wheels, "numb", version)
    sharing = Sharing(share=frozenset({"numb"}))
    assert names(fetcher(index, tmp_path).fetch(["frame"], {"numb": Version("1.0")}, sharing)) == ["frame-1.0"]
    with pytest.raises(FetchError):
        fetcher(index, tmp_path).fetch(["frame>=2"], {"numb": Version("1.0")}, sharing)


def test_wheels_of_other_directories_count(host: Host, index: Index, tmp_path: Path, installer: str) -> None:
    """A library from a directory of find_links may need one from the index."""
    host.add("alpha", requires="numb")
    make_library(tmp_path / "more", "numb", "1.0", "lib-c")
    make_library(index.wheels, "lib_c", "1.0")
    host.loaded(index=index.publish(), find_links=[tmp_path / "more"])
    assert [name.rpartition("-")[0] for name in library_dirs(host)] == ["lib-c-1.0-and-1-more"]


def test_nothing_on_the_index(host: Host, index: Index, installer: str) -> None:
    """What the index does not have is an error with the installer's last lines, and nothing has changed."""
    host.add("alpha")
    manager = host.loaded(index=index.publish())
    before = manager.current
    host.add("alpha", "1.1", requires="absent>=3")
    with pytest.raises(FetchError, match=r"fetching absent>=3 for alpha 1.1: \w+ ended with \d") as caught:
        manager.reload()
    assert "absent" in caught.value.output
    assert str(caught.value).count(caught.value.output.splitlines()[-1]) == 1
    assert "only wheels are taken" in str(caught.value)
    assert manager.current is before
    assert manager.history()[-1].outcome == "failed"
    assert not list((host.state_dir / "wheelhouse").iterdir())


def test_a_project_without_wheels(index: Index, tmp_path: Path, installer: str) -> None:
    """A project that has only a source distribution is an error that says how to get a wheel."""
    (index.wheels / "numb-1.0.tar.gz").write_bytes(b"")
    with pytest.raises(FetchError, match=r"pip wheel NAME"):
        fetcher(index, tmp_path).fetch(["numb"], {}, Sharing())


def test_no_network(tmp_path: Path, installer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index that nobody serves is an error of the installer."""
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    nobody = Fetcher("http://127.0.0.1:9/simple", tmp_path / "house", logger=logging.getLogger("hotswap"))
    with pytest.raises(FetchError, match="fetching numb"):
        nobody.fetch(["numb"], {}, Sharing())


def test_one_index_means_one(index: Index, tmp_path: Path, installer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one index named, what the installer is configured for beside it is not asked."""
    make_library(tmp_path / "other", "numb", "9.0")
    make_library(index.wheels, "numb", "1.0")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "other"))
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "other"))
    assert names(fetcher(index, tmp_path).fetch(["numb"], {}, Sharing())) == ["numb-1.0"]


def test_the_indexes_that_the_installer_is_configured_for(
    index: Index, tmp_path: Path, installer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """index=True asks where the installer itself would."""
    make_library(index.wheels, "numb", "1.0")
    monkeypatch.setenv("PIP_INDEX_URL", index.publish())
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
    fetched = Fetcher(True, tmp_path / "house", logger=logging.getLogger("hotswap")).fetch(["numb"], {}, Sharing())
    assert names(fetched) == ["numb-1.0"]


@pytest.mark.parametrize("password", ["s3cret", "s3cr@t", "s3cr%2Ft"])
def test_passwords_are_never_shown(
    host: Host, installer: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, password: str
) -> None:
    """The address of an index may have a password: no message, log line, history, file or argument has it."""
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    commands: list[list[str]] = []
    started = running.subprocess.Popen

    def starting(command: list[str], **rest: Any) -> Any:
        commands.append(command)
        return started(command, **rest)

    monkeypatch.setattr(running.subprocess, "Popen", starting)
    terminal = Terminal()
    host.add("alpha", requires="numb")
    url = f"http://me:{password}@127.0.0.1:9/simple"
    manager = host.manager(index=url)
    with caplog.at_level(logging.DEBUG, "hotswap"), monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", terminal)
        with pytest.raises(FetchError) as caught:
            manager.load()
    assert "http://****@127.0.0.1:9/simple" in caplog.text
    assert "fetching numb for alpha 1.0" in terminal.written
    files = "".join(path.read_text("utf-8", "replace") for path in host.state_dir.rglob("*") if path.is_file())
    assert "fetching numb" in files  # in the history
    told = [caplog.text, terminal.written, str(caught.value), str(commands), files, repr(LibraryOptions(index=url))]
    assert len(commands) == 1
    assert [text for text in told if "s3cr" in text or "me:" in text] == []


def test_it_takes_too_long(index: Index, tmp_path: Path, installer: str) -> None:
    """An installer that comes to no end is ended."""
    with pytest.raises(FetchError, match=r"took longer than 0.001 s and was ended"):
        fetcher(index, tmp_path, timeout=0.001).fetch(["numb"], {}, Sharing())


def test_no_installer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pip and uv the error says what to install, or where to put the wheels."""
    monkeypatch.setattr(fetching, "find_uv", lambda: None)
    monkeypatch.setattr(fetching.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FetchError, match=r"there is no installer .* install pip or uv beside the host"):
        Fetcher(True, tmp_path / "house", logger=logging.getLogger("hotswap")).fetch(["numb"], {}, Sharing())


def test_pip_by_way_of_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where uv is and pip is not, uv runs one."""
    monkeypatch.setattr(fetching, "find_uv", lambda: "/bin/uv")
    monkeypatch.setattr(fetching.importlib.util, "find_spec", lambda name: None)
    command = Fetcher(True, tmp_path, logger=logging.getLogger("hotswap"))._pip()
    assert command[:7] == ["/bin/uv", "tool", "run", "--quiet", "--python", sys.executable, "pip"]


def test_where_uv_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """uv beside the interpreter comes before one on PATH."""
    beside = tmp_path / "bin"
    beside.mkdir()
    monkeypatch.setattr(fetching.sys, "executable", str(beside / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert fetching.find_uv() is None
    shutil.copy("/bin/true", tmp_path / "uv")
    assert fetching.find_uv() == str(tmp_path / "uv")
    shutil.copy("/bin/true", beside / "uv")
    assert fetching.find_uv() == str(beside / "uv")


def test_a_program_that_cannot_be_started(tmp_path: Path) -> None:
    """An installer that is no program is an error with its name."""
    with pytest.raises(FetchError, match="trying: /nowhere/uv cannot be started: No such file"):
        running.run(["/nowhere/uv"], {}, 1.0, running.Progress(), "trying", tool="uv", check=lambda: None)


def test_output_of_any_form() -> None:
    """Lines may come in pieces, without an end, in no encoding; a program may close its output and go on."""
    code = r"""
import os, time
noise = b"WARNING: Retrying (Retry(x\n"
for piece in (b"one\n", b"\xc3", b"\xa4 two", b"\n\n", noise, b"http://u:p@w@h/ \xff end"):
    os.write(1, piece)
os.close(1)
os.close(2)
time.sleep(0.3)
os._exit(3)
"""
    command = [sys.executable, "-c", code]
    with pytest.raises(FetchError, match="trying: pip ended with 3") as caught:
        running.run(command, os.environ, 60.0, running.Progress(), "trying", tool="pip", check=lambda: None)
    assert caught.value.output.splitlines() == ["one", "\u00e4 two", "http://****@h/ \ufffd end"]


@pytest.mark.parametrize(
    ("said", "way_out"),
    [
        ("401 Client Error: Unauthorized for url", "the index wants a user and a password"),
        ("Failed to establish a new connection", "the index cannot be reached"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "write the lock anew"),
        ("Skipping link: No sources permitted for numb: http", "only wheels are taken"),
        ("ERROR: ResolutionImpossible: for help", "no versions go together"),
        ("No matching distribution found for numb", "see that names and versions are those of the index"),
    ],
)
def test_what_to_do_about_a_failure(said: str, way_out: str) -> None:
    """What an installer says leads to what can be done."""
    assert way_out in advising.advice(said)


def test_what_pip_writes_into_its_log_alone() -> None:
    """Why pip has passed something over stands in its log: an index that refuses, files that do not fit."""
    log = """2026-01-01T00:00:00,000 Could not fetch URL http://h/simple/numb/: 404 Client Error: Not Found - skipping
2026-01-01T00:00:00,000 Could not fetch URL http://h/simple/numb/: 403 Client Error: Forbidden - skipping
2026-01-01T00:00:00,000   Skipping link: none of the wheel's tags (cp27-cp27m-win32) are compatible: http://h/numb.whl
2026-01-01T00:00:00,000   Skipping link: none of the wheel's tags (cp27-cp27m-win32) are compatible: http://h/numb.whl
2026-01-01T00:00:00,000 Skipping link: not a file: http://h/simple/numb/
"""
    assert advising.telling(log) == [
        "Could not fetch URL http://h/simple/numb/: 403 Client Error: Forbidden - skipping",
        "Skipping link: none of the wheel's tags (cp27-cp27m-win32) are compatible: http://h/numb.whl",
    ]


def test_wheels_for_others_alone(index: Index, tmp_path: Path, installer: str) -> None:
    """A project that has wheels only for other platforms is an error that says so."""
    make_library(index.wheels, "numb", "1.0", tag="cp27-cp27m-win32")
    with pytest.raises(FetchError, match=r"pip wheel NAME") as caught:
        fetcher(index, tmp_path).fetch(["numb"], {}, Sharing())
    assert "tag" in caught.value.output


def test_a_directory_as_index(host: Host, index: Index, tmp_path: Path, installer: str) -> None:
    """An index may be a directory of the form that servers have; what is neither that nor an address is refused."""
    wheel = make_library(index.wheels, "numb", "1.0")
    page = tmp_path / "mirror" / "numb" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text(f'<!DOCTYPE html><html><body><a href="{wheel.as_uri()}">{wheel.name}</a></body></html>')
    host.add("alpha", requires="numb")
    host.loaded(index=str(tmp_path / "mirror")).close()
    with pytest.raises(UsageError, match=r"index='mirror' is neither an address, as in https://..., nor a directory"):
        host.manager(index="mirror")


def test_a_requirement_that_names_an_address(host: Host, index: Index) -> None:
    """From an address in a requirement nothing is fetched, nor by its name from an index; a wheel on offer will do."""
    host.add("alpha", extra=USES, requires="numb @ http://me:secret@127.0.0.1:9/numb-1.0-py3-none-any.whl, lib-c")
    make_library(index.wheels, "numb", "6.6.6")
    make_library(index.wheels, "lib_c", "1.0")
    with pytest.raises(VersionConflictError, match=r"requires numb @ ..., and from the address .* nothing is fetched"):
        host.loaded(index=index.publish())
    assert index.asked == []
    make_library(host.plugins, "numb", "1.0")
    assert host.loaded(index=index.url).invoke("alpha", "numb") == "1.0"
    assert not [path for path in index.asked if "numb" in path]


# ------------------------------------------------------------------------------------------- given up, interrupted


def test_cancelled_while_fetching(host: Host, installer: str) -> None:
    """A reload that is cancelled while an installer waits for an index ends it; nothing changes, no loop is blocked."""

    async def scenario() -> None:
        host.add("alpha")
        with silent() as index:
            async with host.manager(index=index.url) as manager:
                await manager.aload()
                before = manager.current
                host.add("alpha", "1.1", requires="numb")
                task = asyncio.create_task(manager.areload())
                assert await asyncio.to_thread(index.asked.wait, PATIENCE)
                assert manager.invoke("alpha", "version") == "1.0"
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert await asyncio.to_thread(index.left.wait, PATIENCE)  # the installer is gone
                assert manager.current is before
                assert manager.history()[-1].outcome == "failed"
                assert not list((host.state_dir / "wheelhouse").iterdir())
                host.add("alpha", "1.2")
                assert (await manager.areload())["alpha"] is Outcome.RELOADED

    asyncio.run(scenario())


def test_ctrl_c_while_fetching(host: Host, installer: str) -> None:
    """Ctrl-C during a reload that waits for an index ends the installer, and nothing changes."""
    host.add("alpha")
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with silent() as index:
            manager = host.loaded(index=index.url)
            before = manager.current
            host.add("alpha", "1.1", requires="numb")
            main = threading.get_ident()

            def interrupt() -> None:
                index.asked.wait(PATIENCE)
                signal.pthread_kill(main, signal.SIGINT)

            user = threading.Thread(target=interrupt)
            user.start()
            with pytest.raises(KeyboardInterrupt):
                manager.reload()
            user.join()
            assert index.left.wait(PATIENCE)
            assert manager.current is before
            assert not list((host.state_dir / "wheelhouse").iterdir())
    finally:
        signal.signal(signal.SIGINT, handler)


def test_an_interrupted_wait_leaves_no_process() -> None:
    """Ctrl-C while an installer runs ends it, and what it has started itself."""
    with contextlib.ExitStack() as processes:
        descriptors: list[int] = []

        class Interrupting(running.Progress):
            def say(self, text: str) -> None:
                for pid in text.split()[1:]:
                    descriptors.append(os.pidfd_open(int(pid)))
                    processes.callback(os.close, descriptors[-1])
                raise KeyboardInterrupt

        child = "import os, time; print(os.getppid(), os.getpid(), flush=True); time.sleep(600)"
        installer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
        command = [sys.executable, "-c", installer]
        with pytest.raises(KeyboardInterrupt):
            running.run(command, os.environ, 60.0, Interrupting(), "pids", tool="pip", check=lambda: None)
        assert len(descriptors) == 2
        for descriptor in descriptors:
            assert select.select([descriptor], [], [], 10.0)[0], "a process goes on"


class Terminal:
    """A stderr that says it is a terminal."""

    def __init__(self) -> None:
        self.written = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> None:
        self.written += text

    def flush(self) -> None:
        pass


def test_progress_is_shown_on_a_terminal_alone(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """On a terminal one line says what goes on, and is gone at the end; elsewhere nothing is written."""
    terminal = Terminal()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", terminal)
        progress = running.Progress()
        progress.say("fetching \x1b[31mnumb\n")
        progress.end()
    assert terminal.written == "\r\x1b[2Kfetching  [31mnumb\r\x1b[2K"
    silent = running.Progress()
    silent.say("nothing")
    silent.end()
    assert capfd.readouterr().err == ""


def test_an_index_does_not_change_what_is_there(host: Host, index: Index, installer: str) -> None:
    """With wheels of everything at hand nobody is asked, and share= that cannot be is refused before."""
    host.add("alpha", requires="numb")
    make_library(host.plugins, "numb", "1.0")
    host.loaded(index=index.publish())
    with pytest.raises(VersionConflictError, match="only the host's will do"):
        hotswap.PluginManager(host.plugins, state_dir=host.state_dir, index=index.url, share=["numb"]).load()
    assert index.asked == []
