"""Demos as a user runs them: in a copy, by their scripts."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import NamedTuple

from places import CHECKOUT, IMPORTED

from hotswap.control import Exit

TOO_LONG = 120.0
"""Seconds after which a program that hangs is ended."""


def environment(**more: object) -> dict[str, str]:
    """What a demo's scripts are started with: this interpreter, and the hotswap that is tested."""
    path = os.pathsep.join(filter(None, [str(IMPORTED), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "PYTHON": sys.executable, **{name: str(more[name]) for name in more}}


class Host:
    """The running host of a demo, and what it prints."""

    def __init__(self, command: list[str], directory: Path) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment(PYTHONUNBUFFERED=1),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.printed = ""
        self._guard = threading.Timer(TOO_LONG, self.process.kill)
        self._guard.start()

    def prints(self, pattern: str) -> bool:
        """Read on to the next line that has the pattern; False if there is none before the end."""
        return self.next(pattern) is not None

    def next(self, pattern: str) -> re.Match[str] | None:
        """Read on to the next line that has the pattern, and return the match."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed += line
            if match := re.search(pattern, line):
                return match
        return None

    def types(self, line: str) -> None:
        """Enter a line, as at a terminal."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def ends(self, number: int = signal.SIGTERM) -> bool:
        """Send a signal to the host and all that it has started, as a terminal does; True if it then ends by itself."""
        os.killpg(self.process.pid, number)
        self.prints("(?!)")  # which no line has: reads on to the end
        return self.process.wait(TOO_LONG) == 0

    def kill(self) -> None:
        """End it at once, with all that it has started."""
        self._guard.cancel()
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()


class Demo:
    """A copy of a demo, so that its plugins can be edited."""

    def __init__(self, name: str, directory: Path) -> None:
        ignored = shutil.ignore_patterns(".run", "__pycache__")
        self.root = shutil.copytree(CHECKOUT / "demo" / name, directory / name, ignore=ignored)
        self._hosts: list[Host] = []

    def run(self, *options: str) -> Host:
        """Start the host by its script, with these options."""
        return self.start("./run.sh", "--interval", "0.1", *options)

    def start(self, *command: str) -> Host:
        """Start the host by a command in the demo's directory."""
        host = Host(list(command), self.root)
        self._hosts.append(host)
        return host

    def reload(self, code: Exit = Exit.FINE) -> str:
        """Run the script that reloads, which ends with this code, and return what it prints."""
        done = subprocess.run(
            [self.root / "reload.sh"],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TOO_LONG,
            check=False,
        )
        assert done.returncode == code, done.stdout
        return done.stdout

    def edit(self, path: str, old: str, new: str) -> None:
        """Change one place in a file."""
        text = (self.root / path).read_text("utf-8")
        assert text.count(old) == 1, f"{path} has not once: {old}"
        (self.root / path).write_text(text.replace(old, new), "utf-8")

    def end(self) -> None:
        for host in self._hosts:
            host.kill()


class Change(NamedTuple):
    """One place in a file, before and after."""

    path: str
    old: str
    new: str


def diffs(document: Path) -> list[Change]:
    """The changes that a document tells its reader to make: its fences ```diff path."""
    changes = []
    for path, body in re.findall(r"^```diff (\S+)\n(.*?)^```$", document.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        old, new = (
            "".join(line[1:] for line in body.splitlines(keepends=True) if line[0] in kinds) for kinds in ("- ", "+ ")
        )
        changes.append(Change(path, old, new))
    return changes
