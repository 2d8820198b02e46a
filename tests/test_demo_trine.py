"""The trine demo, as a user runs it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from places import CHECKOUT, IMPORTED

from hotswap.wheel import build_wheel

DEMO = CHECKOUT / "demo" / "trine"
TOO_LONG = 120.0
"""Seconds after which a program that hangs is ended."""


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """A copy of the demo, so that its plugins can be edited."""
    return shutil.copytree(DEMO, tmp_path / "trine", ignore=shutil.ignore_patterns(".run", "__pycache__"))


def environment(**more: object) -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(IMPORTED), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "PYTHON": sys.executable, **{name: str(more[name]) for name in more}}


class Host:
    """The running host, and what it prints."""

    def __init__(self, demo: Path) -> None:
        self.process = subprocess.Popen(
            [demo / "run.sh", "--interval", "0.1"],
            env=environment(PYTHONUNBUFFERED=1),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.printed = ""
        self._guard = threading.Timer(TOO_LONG, self.process.kill)
        self._guard.start()

    def prints(self, pattern: str) -> bool:
        """Read on to the next line that has the pattern; False if there is none before the end."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed += line
            if re.search(pattern, line):
                return True
        return False

    def end(self) -> None:
        self._guard.cancel()
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def host(demo: Path) -> Iterator[Host]:
    host = Host(demo)
    yield host
    host.end()


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.slow
def test_tour(tmp_path: Path) -> None:
    """The tour keeps all its promises, counts no failed call and one generation, and leaves no file behind."""
    result = subprocess.run(
        [sys.executable, "-W", "error", DEMO / "host.py", "--tour"],
        env=environment(TMPDIR=tmp_path),
        capture_output=True,
        text=True,
        timeout=TOO_LONG,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stderr == ""
    calls, memory = result.stdout.splitlines()[-2:]
    assert re.fullmatch(r"[1-9][\d,]* calls made, 0 failed; the slowest took [\d.]+ ms", calls)
    assert memory == "3 swaps, 1 generation in memory"
    assert "NOT SO" not in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_host(demo: Path, host: Host) -> None:
    """The host pulses, brings an edited plugin live by reload.sh and a new wheel by SIGUSR1, and ends on SIGTERM."""
    assert host.prints(r"alpha 1\.0: \w+\+\w+\("), host.printed

    edit(demo / "plugins/alpha/src/trine_alpha/drawing/style.py", '"()"', '"<>"')
    reload = subprocess.run(
        [demo / "reload.sh"], env=environment(), capture_output=True, text=True, timeout=TOO_LONG, check=False
    )
    assert reload.returncode == 0, reload.stdout + reload.stderr
    assert re.search(r"alpha:? +reloaded", reload.stdout)
    assert host.prints(r"alpha 1\.0: \w+\+\w+<"), host.printed

    beta = demo / "plugins/beta"
    edit(beta / "pyproject.toml", 'version = "1.0"', 'version = "1.1"')
    build_wheel(beta, demo / ".run/plugins", isolated=False)
    host.process.send_signal(signal.SIGUSR1)
    assert host.prints(r"beta 1\.1: "), host.printed

    host.process.send_signal(signal.SIGTERM)
    assert host.prints("ended; reloads: 2"), host.printed
    assert host.process.wait(TOO_LONG) == 0


@pytest.mark.slow
def test_host_survives_a_broken_plugin(demo: Path, host: Host) -> None:
    """A broken wheel changes nothing: the host says what is wrong, and pulses on until SIGINT."""
    assert host.prints("pulse"), host.printed
    gamma = demo / "plugins/gamma"
    edit(gamma / "src/trine_gamma/__init__.py", "def on_free() -> None:", "def on_fre() -> None:")
    build_wheel(gamma, demo / ".run/plugins", isolated=False)
    host.process.send_signal(signal.SIGUSR1)
    assert host.prints("nothing has changed: gamma"), host.printed
    assert host.prints("gamma 1.0: pulse"), host.printed
    host.process.send_signal(signal.SIGINT)
    assert host.prints("ended; reloads: 0"), host.printed
    assert host.process.wait(TOO_LONG) == 0


@pytest.mark.slow
def test_picture(tmp_path: Path) -> None:
    """The picture of a reload under load can be drawn anew: no call failed, and dots of both versions are in it."""
    picture = tmp_path / "picture.svg"
    result = subprocess.run(
        [sys.executable, "-W", "error", CHECKOUT / "docs" / "render_reload.py", picture],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=TOO_LONG,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    svg = ElementTree.parse(picture).getroot()
    texts = [element.text or "" for element in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert any(re.fullmatch(r"[1-9][\d,]* calls made, 0 failed", text) for text in texts)
    assert texts.count("ends in 1.0") == texts.count("ends in 1.1") == 1
    dots = {path.get("class"): (path.get("d") or "").count("h0") for path in svg.iter() if path.get("stroke-opacity")}
    assert dots["old"] > 0
    assert dots["new"] > 0
    assert dots["failed"] == 0
