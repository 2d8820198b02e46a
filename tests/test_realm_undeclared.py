"""The import statements of a plugin that nothing it declares brings."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.version import Version
from realmkit import make_site

from hotswap.model import Copy
from hotswap.realm import undeclared_imports

PROVIDERS = {"yaml": ["PyYAML"], "requests": ["requests"], "google": ["google-auth", "protobuf"], "attr": ["attrs"]}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import yaml", ["yaml"]),
        ("import json, os.path, hotswap, alpha.jobs, __main__", []),
        ("from . import jobs\nfrom .. import x\nfrom .jobs import y", []),
        ("import requests.sessions\nfrom requests import get", []),
        ("from google.auth import x", []),
        ("def f():\n    from attr import define", ["attr"]),
        ("class A:\n    import nowhere.at.all", ["nowhere"]),
        ("import declared_elsewhere", []),
        ("try:\n    import yaml\nexcept ImportError:\n    yaml = None", []),
        ("try:\n    import yaml\nexcept (OSError, ModuleNotFoundError):\n    import attr", ["attr"]),
        (
            "try:\n    import yaml\nexcept:\n    pass\nelse:\n    import attr\nfinally:\n    import nowhere",
            ["attr", "nowhere"],
        ),
        ("try:\n    import yaml\nexcept OSError:\n    pass", ["yaml"]),
        ("import typing\nif typing.TYPE_CHECKING:\n    import yaml\nelse:\n    import attr", ["attr"]),
        ("if not TYPE_CHECKING:\n    import yaml\nelse:\n    import attr", ["yaml"]),
        ("try:\n    import yaml\nexcept http.MyException:\n    pass", ["yaml"]),
        ("try:\n    import yaml\nexcept builtins.ImportError:\n    pass", []),
        ("if 1:\n    import yaml", ["yaml"]),
        ("this is no python", []),
    ],
)
def test_what_nothing_declares(tmp_path: Path, source: str, found: list[str]) -> None:
    """Statements that have to succeed and that no declared distribution brings are told, wherever they stand."""
    manifest = make_site(tmp_path, "alpha", requires=["requests>=2", "google_auth; python_version > '3'"]).manifest
    copies = [Copy("declared-elsewhere", Version("1"), True, "")]
    faults = undeclared_imports({"alpha/__init__.py": source.encode()}, manifest, PROVIDERS, copies)
    assert [fault.what.split()[1].rstrip(",") for fault in faults] == found
    assert all("alpha 1.0 does not declare" in str(fault) for fault in faults)


def test_the_words(tmp_path: Path) -> None:
    """A fault names the place, the module, and what to declare."""
    manifest = make_site(tmp_path, "alpha").manifest
    sources = {"alpha/b.py": b"\nimport google.x\n", "alpha/a.py": b"import nowhere"}
    assert [str(fault) for fault in undeclared_imports(sources, manifest, PROVIDERS)] == [
        "alpha/a.py:1: imports nowhere, which alpha 1.0 does not declare (add 'nowhere' to its dependencies"
        " (Requires-Dist))",
        "alpha/b.py:2: imports google, which alpha 1.0 does not declare (add 'google-auth' or 'protobuf' to its"
        " dependencies (Requires-Dist))",
    ]
