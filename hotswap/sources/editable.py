"""Editable installs: the distribution in the environment only points at a source tree."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ..errors import Fault
from ..model import Finding, Project
from .fingerprint import shown


def editable_project(dist_info: Path, isolated: bool) -> Finding | None:
    """The project that an editable install points at, or what is wrong with it; None if this is no editable install.

    Source: https://packaging.python.org/en/latest/specifications/direct-url/
    """
    file = dist_info / "direct_url.json"
    try:
        content = json.loads(file.read_bytes())
    except OSError:
        return None  # installed by name, from an index
    except ValueError as error:
        return _fault(file, f"is not valid JSON: {error}")
    if not isinstance(content, dict):
        return _fault(file, "is not a JSON object")
    directory = content.get("dir_info")
    if not isinstance(directory, dict) or directory.get("editable") is not True:
        return None
    url = urlsplit(str(content.get("url")))
    if url.scheme != "file":
        return _fault(file, f"names no local directory: {url.geturl()}")
    project = Path(url2pathname(url.path))
    if not (project / "pyproject.toml").is_file():
        return _fault(file, f"points at {shown(project)}, where no pyproject.toml is")
    return Finding(projects=(Project(project, "environment (editable)", isolated),))


def _fault(file: Path, what: str) -> Finding:
    return Finding(faults=(Fault(shown(file), what, "reinstall it: pip install --editable PROJECT"),))
