"""The trine demo, as a user runs it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from demokit import TOO_LONG, Demo, environment
from places import CHECKOUT

from hotswap.wheel import build_wheel


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = Demo("trine", tmp_path)
    yield demo
    demo.end()


@pytest.mark.slow
def test_tour(tmp_path: Path) -> None:
    """The tour keeps all its promises, counts no failed call and one generation, and leaves no file behind."""
    result = subprocess.run(
        [sys.executable, "-W", "error", CHECKOUT / "demo" / "trine" / "host.py", "--tour"],
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
def test_host(demo: Demo) -> None:
    """The host pulses, brings an edited plugin live by reload.sh and a new wheel by SIGUSR1, and ends on SIGTERM."""
    host = demo.run()
    assert host.prints(r"alpha 1\.0: \w+\+\w+\("), host.printed

    demo.edit("plugins/alpha/src/trine_alpha/drawing/style.py", '"()"', '"<>"')
    assert re.search(r"alpha:? +reloaded", demo.reload())
    assert host.prints(r"alpha 1\.0: \w+\+\w+<"), host.printed

    demo.edit("plugins/beta/pyproject.toml", 'version = "1.0"', 'version = "1.1"')
    build_wheel(demo.root / "plugins/beta", demo.root / ".run/plugins", isolated=False)
    host.process.send_signal(signal.SIGUSR1)
    assert host.prints(r"beta 1\.1: "), host.printed

    host.process.send_signal(signal.SIGTERM)
    assert host.prints("ended; reloads: 2"), host.printed
    assert host.process.wait(TOO_LONG) == 0


@pytest.mark.slow
def test_host_survives_a_broken_plugin(demo: Demo) -> None:
    """A broken wheel changes nothing: the host says what is wrong, and pulses on until SIGINT."""
    host = demo.run()
    assert host.prints("pulse"), host.printed
    demo.edit("plugins/gamma/src/trine_gamma/__init__.py", "def on_free() -> None:", "def on_fre() -> None:")
    build_wheel(demo.root / "plugins/gamma", demo.root / ".run/plugins", isolated=False)
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
