"""The documentation: its examples run, its links lead somewhere, and it leaves out nothing that is public.

A fence is part of its document's story if its info string has a second word:

    ```python host.py        the fence is this file, as every other fence whose second word is a path
    ```diff hello/hello.py   a change to that file
    ```console run           every `$ ` line is run, and prints the lines below it; one that ends in `&` goes on
    ```text output           what the one that goes on prints next

A story is told in a directory of its own, which is /srv/app on paper, in the order of its fences; `...` stands for
anything, and times, digests and process ids may differ. A document with `<!-- begins with the files of README.md -->`
finds these in its directory.
"""

from __future__ import annotations

import ast
import os
import queue
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import pytest
from places import CHECKOUT, IMPORTED

import hotswap
from hotswap.cli import main
from hotswap.control import Exit

README = CHECKOUT / "README.md"
DOCUMENTS = sorted([*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").glob("*.md"), *(CHECKOUT / "demo").glob("*/*.md")])
GUIDE = [README, *sorted((CHECKOUT / "docs").glob("*.md"))]
BEGINS_WITH_README = "<!-- begins with the files of README.md -->"
TOO_LONG = 120.0
"""Seconds after which a command that hangs is ended."""


def text_of(document: Path) -> str:
    return document.read_text("utf-8")


class Fence(NamedTuple):
    language: str
    role: str
    """The second word of its info string, or ""."""
    body: str
    line: int


def fences(document: Path) -> list[Fence]:
    text = text_of(document)
    found = []
    for match in re.finditer(r"^```(\w*)[ ]?([^`\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        found.append(Fence(match[1], match[2], match[3], text.count("\n", 0, match.start()) + 2))
    return found


STORIES = [document for document in GUIDE if any(fence.role for fence in fences(document))]


# ---------------------------------------------------------------------------------------------- telling a story

VOLATILE = [
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d)?", "<when>"),
    (r"\b[0-9a-f]{16,64}\b", "<digest>"),
    (r"\b\d+(\.\d+)? (µs|ms|s|min|MB)\b", "<amount>"),
    (r"\b[Pp]ython ?3\.\d+(\.\d+)?", "<python>"),
    (r"\bcpython-3\d+\b", "<cache tag>"),
    (r"\bprocess \d+", "<process>"),
    (r"\b\d+-[0-9a-f]{8}\.json", "<host file>"),
]


def settled(text: str) -> str:
    """The text without what differs from run to run."""
    for pattern, word in VOLATILE:
        text = re.sub(pattern, word, text)
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def agrees(printed: str, expected: str) -> bool:
    """True if what was printed is what the document says, `...` standing for anything."""
    pattern = ".*?".join(map(re.escape, settled(expected).split("...")))
    return re.fullmatch(pattern, settled(printed), re.DOTALL) is not None


class Story:
    """A directory in which a document's examples come true, one after the other."""

    def __init__(self, root: Path) -> None:
        self.root = root / "app"
        self.root.mkdir()
        # Elsewhere an environment of its own is made for every build, which takes seconds and a package index.
        hotswap_command = (
            'case "$*" in\n'
            '*" --no-build "*|*" --static-linking "*) ;;\n'  # these build nothing
            'build*|check*) what=$1; shift; set -- "$what" --no-isolation "$@";;\n'
            "esac\n"
            f'exec {sys.executable} -m hotswap "$@"'
        )
        for name, line in (("hotswap", hotswap_command), ("python", f'exec {sys.executable} -W error "$@"')):
            script = root / "bin" / name
            script.parent.mkdir(exist_ok=True)
            script.write_text(f"#!/bin/sh\n{line}\n")
            script.chmod(0o755)
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("HOTSWAP", "PYTHON"))},
            "PATH": os.pathsep.join([str(root / "bin"), os.environ["PATH"]]),
            "PYTHONPATH": os.pathsep.join(filter(None, [str(IMPORTED), os.environ.get("PYTHONPATH")])),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            "COLUMNS": "100",
            "LC_ALL": "C",  # sort(1) goes by it
            "PYTHONUTF8": "1",
        }
        self._host: subprocess.Popen[str] | None = None
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def tell(self, fence: Fence) -> None:
        """Make one fence come true."""
        if fence.role == "run":
            for command, expected in commands(fence.body):
                self._run(command, expected)
        elif fence.role == "output":
            self._read_on(fence.body)
        elif fence.language == "diff":
            self._edit(self.root / fence.role, fence.body)
        else:
            file = self.root / fence.role
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(fence.body, "utf-8")

    def end(self) -> None:
        """End what goes on."""
        if self._host is not None:
            with self._host:
                self._host.terminate()
                self._listener.join()

    def _edit(self, file: Path, diff: str) -> None:
        old, new = (
            "".join(line[1:] for line in diff.splitlines(keepends=True) if line[0] in kinds) for kinds in ("- ", "+ ")
        )
        content = file.read_text("utf-8")
        assert content.count(old) == 1, f"{file.name} has not once: {old}"
        file.write_text(content.replace(old, new), "utf-8")

    def _run(self, command: str, expected: str) -> None:
        if command.endswith("&"):
            self._start(command.removesuffix("&"))
            self._read_on(expected)
            return
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=self.root,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TOO_LONG,
            check=False,
        )
        printed = self._on_paper(done.stdout)
        assert done.returncode == 0, f"$ {command}\n{printed}"
        assert agrees(printed, expected), f"$ {command}\n--- prints\n{printed}--- and not\n{expected}"

    def _start(self, command: str) -> None:
        assert self._host is None, "one command goes on already"
        self._host = subprocess.Popen(
            ["sh", "-c", f"exec {command}"],
            cwd=self.root,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._listener = threading.Thread(target=self._listen, args=(self._host,), daemon=True)
        self._listener.start()

    def _listen(self, host: subprocess.Popen[str]) -> None:
        assert host.stdout is not None
        for line in host.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def _read_on(self, expected: str) -> None:
        """See that these lines are printed in this order; others may stand between them."""
        printed = ""
        for wanted in expected.splitlines():
            while (line := self._lines.get(timeout=TOO_LONG)) is not None:
                printed += line
                if agrees(self._on_paper(line), wanted):
                    break
            assert line is not None, f"{wanted!r} is not printed, but\n{printed}"

    def _on_paper(self, printed: str) -> str:
        return printed.replace(str(self.root), "/srv/app")


def commands(body: str) -> Iterator[tuple[str, str]]:
    """Each `$ ` line, and the lines below it."""
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        yield command, expected


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    told = Story(tmp_path)
    yield told
    told.end()


@pytest.mark.slow
@pytest.mark.parametrize("document", STORIES, ids=lambda document: document.stem)
def test_story(document: Path, story: Story) -> None:
    """The files of a document are complete, its commands work, and what they print is what it says."""
    pytest.importorskip("build")
    pytest.importorskip("hatchling")
    pytest.importorskip("cookiecutter")
    if BEGINS_WITH_README in text_of(document):
        for fence in fences(README):
            if fence.role not in ("", "run", "output") and fence.language != "diff":
                story.tell(fence)
    for fence in fences(document):
        if fence.role:
            story.tell(fence)


def test_stories_are_told_everywhere() -> None:
    """The README and every guide that shows how to do something have examples that are run."""
    told = {document.stem for document in STORIES}
    assert told >= {"README", "hosts", "plugins", "wheels", "how-it-works", "cli", "troubleshooting"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(CHECKOUT)))
def test_python_is_python(document: Path) -> None:
    """Every Python fence, run or not, is valid Python."""
    for fence in fences(document):
        if fence.language == "python":
            ast.parse(fence.body, f"{document.name}:{fence.line}")
    assert text_of(document).count("```") % 2 == 0


# ------------------------------------------------------------------------------------------------- being complete


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as code forges make them."""
    prose = re.sub(r"^```.*?^```$", "", text_of(document), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(CHECKOUT)))
def test_links(document: Path) -> None:
    """Every relative link leads to a file that is there, and to a heading that it has."""
    prose = re.sub(r"^```.*?^```$", "", text_of(document), flags=re.MULTILINE | re.DOTALL)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        place = (document.parent / path).resolve() if path else document
        if not place.exists() or (anchor and anchor not in anchors(place)):
            broken.append(target)
    assert broken == []


def test_every_guide_can_be_reached() -> None:
    """The README links every document in docs/."""
    linked = set(re.findall(r"\]\((docs/[\w-]+\.md)", text_of(README)))
    assert linked == {f"docs/{document.name}" for document in (CHECKOUT / "docs").glob("*.md")}


def test_public_names() -> None:
    """Every public name of hotswap is in the README or the guides."""
    words = set(re.findall(r"\w+", " ".join(map(text_of, GUIDE))))
    assert set(hotswap.__all__) - words == set()


def test_methods_of_the_manager() -> None:
    """Every public method and option of the manager is in the guide for hosts, in code."""
    code = " ".join(re.findall(r"`[^`]+`|```.*?```", text_of(CHECKOUT / "docs" / "hosts.md"), re.DOTALL))
    options = re.findall(r"^        (\w+):", hotswap.PluginManager.__doc__ or "", re.MULTILINE)
    methods = [name for name in vars(hotswap.PluginManager) if not name.startswith("_")]
    assert {*options, *methods} - set(re.findall(r"\w+", code)) == set()


@pytest.mark.parametrize("name", main.commands)
def test_command(name: str) -> None:
    """Every command has a section of its own, with each of its own options and an example; the README names it."""
    text = text_of(CHECKOUT / "docs" / "cli.md")
    sections = {part.partition("\n")[0].strip("`"): part for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]}
    section = sections[f"hotswap {name}"]
    common = {option for parameter in main.params for option in parameter.opts}
    own = {
        option
        for parameter in main.commands[name].params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
        if option.startswith("--")
    }
    assert {option for option in own - common if f"`{option}" not in section} == set()
    assert f"$ hotswap {name}" in section
    assert f"`hotswap {name}" in text_of(README)


def test_common_options() -> None:
    """What all commands take is in the guide to the command line."""
    text = text_of(CHECKOUT / "docs" / "cli.md")
    options = {option for parameter in main.params for option in parameter.opts}
    assert {option for option in options if f"`{option}" not in text} == set()


@pytest.mark.parametrize("code", Exit)
def test_exit_code(code: Exit) -> None:
    """Every exit code is in the README, with the meaning that the help gives it."""
    assert f"| {code.value} | {code.meaning} |" in text_of(README)


def test_what_the_readme_installs() -> None:
    """The extras that the documents ask for are those of the project, and both commands of the README are one line."""
    extras = tomllib.loads(text_of(CHECKOUT / "pyproject.toml"))["project"]["optional-dependencies"]
    lists = [found for document in DOCUMENTS for found in re.findall(r"'\.\[([\w,]+)\]'", text_of(document))]
    asked = {extra for found in lists for extra in found.split(",")}
    assert asked
    assert asked <= extras.keys()
    for marker in ("the tour", "the tests"):
        command = re.search(rf"<!-- {marker} -->\n```\w*\n(.*)\n```\n", text_of(README))
        assert command is not None
        assert command[1].startswith("python3 -m venv .venv && .venv/bin/pip install ")
