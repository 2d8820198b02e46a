"""Manifests and processes for tests of the store, which sees wheels only after they have been verified."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from packaging.version import Version
from places import CHECKOUT, IMPORTED

from hotswap.model import Candidate, Manifest, TreeFile


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def manifest_of(wheel: Path, *, digest: str | None = None, **changes: Any) -> Manifest:
    """The manifest that verifying a wheel of wheelmaker gives."""
    name, version = wheel.name.split("-")[:2]
    digest = digest or sha256(wheel.read_bytes())
    candidate = Candidate(name, Version(version), wheel, digest, "wheels/")
    return _manifest(candidate, f"{name}-{version}.dist-info", changes)


def manifest_of_tree(site_packages: Path, name: str, version: str = "1.0", **changes: Any) -> Manifest:
    """The manifest of a distribution that lies unpacked in a directory, alone."""
    files = sorted(path for path in site_packages.rglob("*") if path.is_file())
    tree = tuple(
        TreeFile(path.relative_to(site_packages).as_posix(), path, sha256(path.read_bytes()), len(path.read_bytes()))
        for path in files
    )
    digest = sha256(repr([(file.relative, file.sha256) for file in tree]).encode())
    dist_info = f"{name}-{version}.dist-info"
    candidate = Candidate(name, Version(version), site_packages / dist_info, digest, "environment", tree)
    return _manifest(candidate, dist_info, changes)


def _manifest(candidate: Candidate, dist_info: str, changes: dict[str, Any]) -> Manifest:
    module = f"{candidate.name}_plugin"
    values: dict[str, Any] = {
        "plugin": candidate.name,
        "name": candidate.name,
        "version": candidate.version,
        "digest": candidate.digest,
        "candidate": candidate,
        "entry_module": module,
        "entry_attr": "",
        "provides": (module,),
        "dist_info": dist_info,
    }
    return Manifest(**(values | changes))


def files_of(site: Path) -> dict[str, bytes]:
    """Relative path -> content of every file in a site dir but its byte code."""
    return {
        path.relative_to(site).as_posix(): path.read_bytes()
        for path in site.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


def start_python(code: str, *arguments: object, flags: Sequence[str] = (), **options: Any) -> subprocess.Popen[str]:
    """Run code in a process of its own that can import hotswap and the tests' modules."""
    path = os.pathsep.join([str(IMPORTED), str(CHECKOUT / "tests")])
    return subprocess.Popen(
        [sys.executable, *flags, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        **options,
    )


def run_python(code: str, *arguments: object, **options: Any) -> str:
    """What the code prints; it must end well."""
    with start_python(code, *arguments, **options) as process:
        output, _ = process.communicate()
    assert process.returncode == 0, f"ended with {process.returncode}: {output}"
    return output
