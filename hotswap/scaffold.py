"""A new plugin's project, rendered from the template."""

from __future__ import annotations

import importlib
import importlib.util
import json
import keyword
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import cast

from packaging.version import InvalidVersion, Version

from .errors import MissingExtraError, UsageError
from .model import canonical

MAX_NAME = 100
"""Characters. A wheel's file name and a site dir's carry the name beside version, tags and digest, and no common file
system takes more than 255 bytes for one."""

_NAME = re.compile(r"[A-Z0-9]|[A-Z0-9][A-Z0-9._-]*[A-Z0-9]", re.IGNORECASE | re.ASCII)


def check_name(name: str) -> None:
    """See that a new plugin may have this name: for its entry point, its distribution and its import package.

    Source of the form: https://packaging.python.org/en/latest/specifications/name-normalization/#name-format

    Raises:
        UsageError: It may not; the message lists everything that is wrong.
    """
    _refuse(f"{name!r} cannot be a plugin's name", _faults_of_name(name))


def new_plugin(name: str, directory: Path, *, description: str = "", version: str = "0.1.0") -> Path:
    """Make the project of a new plugin, in a directory of its own inside `directory`, and return that.

    Args:
        name: The plugin's name; distribution, directory and import package take its canonical form.
        directory: Where the project's directory is to be; has to exist.
        description: One line; empty for the template's own.
        version: The plugin's first version.

    Raises:
        UsageError: Name, version, description or directory will not do, or the project is there already; nothing has
            been written.
        MissingExtraError: cookiecutter is not installed.
    """
    target = directory / canonical(name)
    description = " ".join(description.split())
    faults = _faults_of_name(name)
    if not _is_version(version):
        faults.append(f"{version!r} is not a version, such as 0.1.0")
    if not description.isprintable():
        faults.append("the description has characters that cannot be printed")
    if not directory.is_dir():
        faults.append(f"{directory} is not a directory: create it first")
    elif not os.access(directory, os.W_OK | os.X_OK, effective_ids=True):
        faults.append(f"{directory} cannot be written to: let this process write there, or name another")
    elif target != directory and os.path.lexists(target):
        faults.append(f"{target} exists already: remove it, or take another name")
    _refuse(f"cannot make a plugin {name!r}", faults)

    cookiecutter = _cookiecutter()
    context = {"name": name, "version": version}
    if description:
        # cookiecutter renders the values too: as a Jinja string literal, braces in the text stay text.
        context["description"] = "{{ " + json.dumps(description, ensure_ascii=False) + " }}"
    # Beside the target, so that the last step is one rename: the project is there whole, or not at all.
    with tempfile.TemporaryDirectory(prefix=".new-plugin-", dir=directory) as staging:
        _render(cookiecutter, context, Path(staging)).rename(target)
    return target


def template_dir() -> Path:
    """The cookiecutter template: inside the installed package, or beside it in a checkout.

    Raises:
        UsageError: It is in neither place.
    """
    package = Path(__file__).parent
    for place in (package / "plugin-template", package.parent / "plugin-template"):
        if (place / "cookiecutter.json").is_file():
            return place
    raise UsageError(f"the plugin template is missing from {package}: reinstall hotswap")


def _cookiecutter() -> Callable[..., str]:
    try:
        return cast(Callable[..., str], importlib.import_module("cookiecutter.main").cookiecutter)
    except ImportError:
        raise MissingExtraError("new-plugin", "scaffold") from None


def _render(cookiecutter: Callable[..., str], context: dict[str, str], staging: Path) -> Path:
    # A copy, because installers byte-compile the template's modules, and cookiecutter would copy their __pycache__ too.
    template = shutil.copytree(template_dir(), staging / "template", ignore=shutil.ignore_patterns("__pycache__"))
    # A dictionary instead of True is what `cookiecutter.config.get_user_config` documents; nothing in the user's home
    # is read or written then.
    own = {"cookiecutters_dir": str(staging / "cookiecutters"), "replay_dir": str(staging / "replay")}
    rendered = cookiecutter(
        str(template),
        no_input=True,
        extra_context=context,
        output_dir=str(staging / "rendered"),
        default_config=own,
        accept_hooks=False,
    )
    return Path(rendered)


def _faults_of_name(name: str) -> list[str]:
    faults = []
    package = canonical(name).replace("-", "_")
    if len(name) > MAX_NAME:
        faults.append(f"it has {len(name)} characters, more than {MAX_NAME}")
    if not _NAME.fullmatch(name):
        return [*faults, "it may have ASCII letters, digits, and between them - _ or . (PEP 508)"]
    if canonical(name) == "hotswap":
        faults.append("hotswap is the name of hotswap itself")
    elif not package.isidentifier():
        faults.append(f"its import package would be {package}, which is not a Python identifier: begin with a letter")
    elif keyword.iskeyword(package):
        faults.append(f"its import package would be {package}, which is a keyword of Python")
    elif package in sys.stdlib_module_names:
        faults.append(f"its import package would be {package}, which is a module of the standard library")
    elif _is_module(importlib.util.find_spec(package)):
        faults.append(f"its import package would be {package}, which this environment has already")
    return faults


def _is_module(spec: ModuleSpec | None) -> bool:
    """False also for a plain directory in the working directory, which Python takes for a namespace package."""
    return spec is not None and spec.origin is not None


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _refuse(head: str, faults: list[str]) -> None:
    if faults:
        raise UsageError(f"{head}: {'; '.join(faults)}")
