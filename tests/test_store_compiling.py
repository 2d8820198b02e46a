"""Byte-compiling outside the serving process."""

from __future__ import annotations

import io
import logging
import marshal
import os
import runpy
import select
import signal
import sys
import threading
from collections.abc import Iterator
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path

import pytest
from storemaker import manifest_of, start_python
from wheelmaker import make_wheel

from hotswap.store import Store, compiler
from hotswap.store.compiling import ByteCompiler

LOGGER = logging.getLogger("hotswap.store")


@pytest.fixture
def byte_compiler() -> Iterator[ByteCompiler]:
    byte_compiler = ByteCompiler(logger=LOGGER)
    yield byte_compiler
    byte_compiler.close()


@pytest.fixture
def job(tmp_path: Path) -> compiler.Job:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "good.py").write_text("A = 1\n")
    (tmp_path / "pkg" / "__init__.py").write_text("B = 2\n")
    return str(tmp_path), "/shown", ["good.py", "pkg/__init__.py"]


def wait_for_end(pid: int) -> None:
    """Wait until a process that may be another's child has ended."""
    descriptor = os.pidfd_open(pid)
    assert select.select([descriptor], [], [], 30)[0]
    os.close(descriptor)


def names(*modules: str) -> set[str]:
    return {compiler.pyc_name(module, sys.flags.optimize) for module in modules}


def test_modules_are_compiled_by_a_helper(byte_compiler: ByteCompiler, job: compiler.Job, tmp_path: Path) -> None:
    """The sizes are those of the files, another process wrote them, and the same one serves the next request."""
    byte_compiler.start()
    helper = byte_compiler.pid
    assert helper not in (None, os.getpid())
    (sizes,) = byte_compiler.compile([job])
    assert set(sizes) == names("good.py", "pkg/__init__.py")
    assert all((tmp_path / name).stat().st_size == size for name, size in sizes.items())
    (tmp_path / "other.py").write_text("")
    assert [set(made) for made in byte_compiler.compile([(job[0], job[1], ["other.py"])])] == [names("other.py")]
    assert byte_compiler.pid == helper


@pytest.mark.parametrize("in_process", [True, False])
@pytest.mark.parametrize("source", [b"def", b"\0", b"\xff", b"# coding: nothing\n", b"(" * 5000, b"1_" * 3])
def test_what_does_not_compile_is_left_out(
    byte_compiler: ByteCompiler, job: compiler.Job, tmp_path: Path, source: bytes, in_process: bool
) -> None:
    """A module that is not meant for this Python keeps the others from nothing."""
    if in_process:
        byte_compiler = ByteCompiler(logger=LOGGER, executable="")
    (tmp_path / "bad.py").write_bytes(source)
    (sizes,) = byte_compiler.compile([(job[0], job[1], ["bad.py", "good.py"])])
    assert set(sizes) == names("good.py")


@pytest.mark.parametrize("writing", [True, False])
@pytest.mark.parametrize("in_process", [True, False])
def test_what_the_disk_refuses_is_an_error(
    byte_compiler: ByteCompiler, job: compiler.Job, tmp_path: Path, in_process: bool, writing: bool
) -> None:
    """The error names errno and file, whoever compiles, and whether reading or writing failed."""
    if in_process:
        byte_compiler = ByteCompiler(logger=LOGGER, executable="")
    if writing:
        (tmp_path / "__pycache__").write_text("a file where the directory belongs")
    modules = ["good.py"] if writing else ["absent.py"]
    with pytest.raises(OSError) as caught:
        byte_compiler.compile([(job[0], job[1], modules)])
    expected = (
        (NotADirectoryError, tmp_path / compiler.pyc_name("good.py", sys.flags.optimize))
        if writing
        else (FileNotFoundError, tmp_path / "absent.py")
    )
    assert (type(caught.value), Path(caught.value.filename)) == expected


def test_an_idle_helper_ends(job: compiler.Job) -> None:
    """After the idle time there is no process left, and the next request gets a new one."""
    byte_compiler = ByteCompiler(logger=LOGGER, idle=0)
    byte_compiler.start()
    first = byte_compiler.pid
    assert first is not None
    wait_for_end(first)
    byte_compiler.start()
    assert byte_compiler.pid != first
    byte_compiler.close()
    assert byte_compiler.pid is None
    byte_compiler.close()


def test_a_killed_helper_is_replaced(byte_compiler: ByteCompiler, job: compiler.Job) -> None:
    """One that died between two requests costs nothing but a new start."""
    byte_compiler.compile([])
    first = byte_compiler.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    (sizes,) = byte_compiler.compile([job])
    assert set(sizes) == names("good.py", "pkg/__init__.py")
    assert byte_compiler.pid not in (None, first)


@pytest.mark.parametrize("deaf", ["", "<&-"])
def test_modules_that_kill_the_helper_are_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, job: compiler.Job, deaf: str
) -> None:
    """A helper that greets and dies over every request is tried twice, and the host does not follow it."""
    interpreter = tmp_path / "python-that-dies"
    code = f"import marshal, sys; sys.stdout.buffer.write(marshal.dumps({compiler.GREETING!r}))"
    interpreter.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{code}" {deaf}\n')
    interpreter.chmod(0o755)
    byte_compiler = ByteCompiler(logger=LOGGER, executable=str(interpreter))
    assert byte_compiler.compile([job]) == [{}]
    assert caplog.messages == ["the compiling helper died twice; without byte code: /shown"]
    assert byte_compiler.pid is None


@pytest.mark.parametrize(
    ("executable", "reason"),
    [
        ("", "this program is no Python interpreter"),
        ("/usr/bin/uwsgi", "/usr/bin/uwsgi is no Python interpreter"),
        ("/absent/python", "No such file"),
        ("true", "does not run the helper"),
        ("echo nonsense", "does not run the helper"),
    ],
)
def test_without_a_helper_it_compiles_in_process(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, job: compiler.Job, executable: str, reason: str
) -> None:
    """Where no helper can be had the modules are compiled all the same, and the log says once why."""
    if "/" not in executable and executable:
        program = tmp_path / "python-not"
        program.write_text(f"#!/bin/sh\n{executable}\n")
        program.chmod(0o755)
        executable = str(program)
    byte_compiler = ByteCompiler(logger=LOGGER, executable=executable)
    (sizes,) = byte_compiler.compile([job])
    assert set(sizes) == names("good.py", "pkg/__init__.py")
    assert byte_compiler.compile([]) == []
    assert [reason in message for message in caplog.messages] == [True]
    assert byte_compiler.pid is None


def test_a_frozen_program_is_not_started_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A frozen program is called what it likes, so sys.frozen decides."""
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    byte_compiler = ByteCompiler(logger=LOGGER)
    byte_compiler.start()
    assert byte_compiler.pid is None
    assert "is no Python interpreter" in caplog.text


FORKED = """
import logging, os, sys
from hotswap.store.compiling import ByteCompiler
compiler = ByteCompiler(logger=logging.getLogger())
compiler.compile([])
first = compiler.pid
child = os.fork()
if child == 0:
    compiler.compile([])
    own = compiler.pid
    compiler.close()
    os._exit(0 if own != first else 1)
assert os.waitpid(child, 0)[1] == 0
compiler.compile([])
assert compiler.pid == first
compiler.close()
"""


def test_a_forked_child_has_a_helper_of_its_own() -> None:
    """Parent and child do not talk to one helper, and the child's end leaves the parent's alone."""
    with start_python(FORKED) as process:
        process.communicate()
    assert process.returncode == 0


def test_another_process_s_helper_is_let_alone(byte_compiler: ByteCompiler, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under another process id the helper is neither killed nor waited for; it ends because nobody can ask it."""
    byte_compiler.compile([])
    first = byte_compiler.pid
    assert first is not None
    real = os.getpid()
    with monkeypatch.context() as context:
        context.setattr(os, "getpid", lambda: real + 1)
        byte_compiler.start()
        assert byte_compiler.pid not in (None, first)
        assert os.waitstatus_to_exitcode(os.waitpid(first, 0)[1]) == 0
        byte_compiler.close()


KILLED = """
import logging, os, signal
from hotswap.store.compiling import ByteCompiler
compiler = ByteCompiler(logger=logging.getLogger())
compiler.compile([])
print(compiler.pid, flush=True)
input()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_helper_of_a_killed_host_ends() -> None:
    """A host that is killed leaves no helper behind."""
    with start_python(KILLED) as host:
        assert host.stdout is not None
        helper = os.pidfd_open(int(host.stdout.readline()))
        host.communicate("go\n")
        assert host.returncode == -signal.SIGKILL
        assert select.select([helper], [], [], 30)[0]
        os.close(helper)


COMPILING = """
import logging, sys
from hotswap.store.compiling import ByteCompiler
compiler = ByteCompiler(logger=logging.getLogger())
compiler.start()
print(compiler.pid, flush=True)
compiler.compile([(sys.argv[1], "/shown", ["fifo.py"])])
"""


def test_a_killed_host_s_helper_brings_nothing_back(tmp_path: Path) -> None:
    """A helper that is still at work when another process sweeps staging makes no directory there again."""
    store = Store(tmp_path / "state")
    manifest = manifest_of(make_wheel(tmp_path, "alpha"))
    staging = store.scratch.parent / "staging"
    leftover = staging / "leftover"
    leftover.mkdir()
    os.mkfifo(leftover / "fifo.py")
    with start_python(COMPILING, leftover) as host:
        assert host.stdout is not None
        helper = os.pidfd_open(int(host.stdout.readline()))
        with (leftover / "fifo.py").open("wb") as source:  # opens when the helper reads
            host.kill()
            host.communicate()
            assert not store.install([manifest])["alpha"].reused
            source.write(b"A = 1")
        assert select.select([helper], [], [], 30)[0]
        os.close(helper)
    store.close()
    assert list(staging.iterdir()) == []


def test_the_end_of_a_store_ends_its_helper(tmp_path: Path) -> None:
    """close() waits for the helper's end, and the store works again afterwards."""
    store = Store(tmp_path / "state")
    manifests = [manifest_of(make_wheel(tmp_path, name)) for name in ("alpha", "beta")]
    store.install(manifests[:1])
    store.close()
    assert not store.install(manifests)["beta"].reused
    store.close()


def served(*requests: object, idle: float = 30.0) -> list[object]:
    """What the helper's loop answers to these requests, then the end of its input."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as incoming, os.fdopen(writing, "wb") as outgoing:
        for request in requests:
            marshal.dump(request, outgoing)
        outgoing.close()
        replies = io.BytesIO()
        compiler.serve(incoming, replies, idle)
    replies.seek(0)
    answers = []
    while replies.tell() < len(replies.getbuffer()):
        answers.append(marshal.load(replies))
    return answers


def test_the_helper_greets_and_answers(job: compiler.Job) -> None:
    """The loop greets, answers each request with sizes by job, and ends with its input."""
    greeting, (sizes, failure) = served((1, [job]))  # type: ignore[misc]
    assert greeting == compiler.GREETING
    assert [set(made) for made in sizes] == [{compiler.pyc_name("good.py", 1), compiler.pyc_name("pkg/__init__.py", 1)}]
    assert failure is None


def test_the_helper_ends_when_nobody_asks() -> None:
    """The loop ends after the idle time although its input stays open."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as incoming, os.fdopen(writing, "wb"):
        replies = io.BytesIO()
        compiler.serve(incoming, replies, 0)
    assert marshal.loads(replies.getvalue()) == compiler.GREETING


@pytest.mark.parametrize("magic", [MAGIC_NUMBER.hex(), "00000000"])
def test_the_helper_greets_only_its_own_kind(monkeypatch: pytest.MonkeyPatch, magic: str) -> None:
    """A helper whose byte code the host could not read says nothing."""
    reading, writing = os.pipe()
    os.close(writing)
    with os.fdopen(reading) as incoming, io.TextIOWrapper(io.BytesIO()) as outgoing:
        monkeypatch.setattr(sys, "argv", [compiler.__file__, magic, "0"])
        monkeypatch.setattr(sys, "stdin", incoming)
        monkeypatch.setattr(sys, "stdout", outgoing)
        runpy.run_path(compiler.__file__, run_name="__main__")
        said = outgoing.buffer.getvalue()  # type: ignore[attr-defined]
    assert said == (marshal.dumps(compiler.GREETING) if magic == MAGIC_NUMBER.hex() else b"")


def test_the_name_of_byte_code() -> None:
    """It is what the import system looks for."""
    for optimize in ("", 1, 2):
        for module in ("a.py", "pkg/sub/m.py", "pkg/a.b.py"):
            expected = cache_from_source(module, optimization=optimize)
            assert compiler.pyc_name(module, int(optimize or 0)) == expected


def test_two_threads_share_one_helper(byte_compiler: ByteCompiler, tmp_path: Path) -> None:
    """Requests of several threads are answered one after another, each with its own answer."""
    results: dict[int, list[dict[str, int]]] = {}

    def ask(number: int) -> None:
        root = tmp_path / str(number)
        root.mkdir()
        (root / f"m{number}.py").write_text("")
        results[number] = byte_compiler.compile([(str(root), "/shown", [f"m{number}.py"])])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {number: set(*made) for number, made in results.items()} == {
        number: names(f"m{number}.py") for number in range(4)
    }


def test_an_interrupted_request_leaves_no_answer_behind(
    byte_compiler: ByteCompiler, job: compiler.Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After Ctrl-C while the helper works the next request gets its own answer, not that of the interrupted one."""
    byte_compiler.compile([(*job[:2], [])])

    def interrupted(stream: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(marshal, "load", interrupted)
        with pytest.raises(KeyboardInterrupt):
            byte_compiler.compile([(job[0], job[1], ["good.py"])])
    assert [set(sizes) for sizes in byte_compiler.compile([(job[0], job[1], ["pkg/__init__.py"])])] == [
        names("pkg/__init__.py")
    ]
