"""Small projects of plugins, for tests that build them."""

from __future__ import annotations

import shutil
import subprocess
import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest
from wheelmaker import plugin_source

BACKEND = """
import json, pathlib, sys
sys.path.insert(0, {tests!r})
from wheelmaker import make_wheel, plugin_source

def build_wheel(directory, config_settings=None, metadata_directory=None):
    print("backend at work")
    if config_settings and "fail" in config_settings:
        raise SystemExit("asked to fail")
    broken = config_settings and "broken" in config_settings
    source = plugin_source(f"SETTINGS = {{config_settings!r}}", **({{"on_free": ""}} if broken else {{}}))
    python = ">=99" if config_settings and "unfit" in config_settings else None
    return make_wheel(pathlib.Path(directory), "alpha", "1.0", source, requires_python=python).name
"""


def backend_project(directory: Path, backend: str = BACKEND) -> Path:
    """A plugin's project with a build backend of its own."""
    directory.mkdir(parents=True)
    (directory / "backend.py").write_text(backend.format(tests=str(Path(__file__).parent)))
    (directory / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "alpha"\nversion = "1.0"\n[project.entry-points."hotswap.plugins"]\nalpha = "alpha_plugin"\n'
    )
    return directory


def project(
    directory: Path,
    name: str = "alpha",
    files: Mapping[str, str | bytes] | None = None,
    *,
    plugin: str | None = None,
    entry: str | None = None,
    backend: str = "hatchling",
    table: str = "",
    more: str = "",
    version: str | None = "1.0",
) -> Path:
    """A plugin's project with an ordinary backend: a package in `src/`, by default.

    Args:
        directory: Where it is to be.
        name: Of the distribution, and unless told otherwise of the package and the plugin.
        files: Path -> content.
        plugin: The name of the entry point.
        entry: Its value.
        backend: `hatchling` or `setuptools`.
        table: More lines of the table `[project]`.
        more: More tables of the `pyproject.toml`.
        version: None leaves it out.
    """
    module = {"hatchling": "hatchling.build", "setuptools": "setuptools.build_meta"}[backend]
    lines = ["[build-system]", f'requires = ["{backend}"]', f'build-backend = "{module}"']
    lines += ["[project]", f'name = "{name}"', *([f'version = "{version}"'] if version else [])]
    lines += ['requires-python = ">=3.11"', textwrap.dedent(table)]
    lines += ['[project.entry-points."hotswap.plugins"]', f'{plugin or name} = "{entry or name}"']
    contents = {"pyproject.toml": "\n".join([*lines, textwrap.dedent(more)])}
    for path, content in {**contents, **(files or {f"src/{name}/__init__.py": plugin_source()})}.items():
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    return directory


def git(directory: Path, *arguments: str) -> str:
    """Run git in a directory, as somebody; where there is no git there is nothing to be tested."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *who, *arguments], cwd=directory, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(directory: Path) -> str:
    """Put everything in a directory into a repository of its own, and return the commit."""
    git(directory, "init", "-q")
    git(directory, "add", "--all")
    git(directory, "commit", "-q", "-m", "all")
    return git(directory, "rev-parse", "HEAD")
