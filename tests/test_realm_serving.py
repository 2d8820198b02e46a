"""The host's libraries import modules of a plugin by a string for the plugin that calls them, and for nobody else."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from realmkit import OpenRealm, make_libraries, make_site, open_realm

__all__ = ["open_realm"]

HOSTS = """
import importlib, importlib.util, pkgutil, sys

def by_function(name):
    return importlib.import_module(name)

def by_builtin(name):
    __import__(name)
    return sys.modules[name]

def by_walking(name):
    module = __import__(name)
    for part in name.split(".")[1:]:
        module = getattr(module, part)
    return module

def by_fromlist(name):
    return __import__(name, fromlist=["X"])

def by_pkgutil(name):
    return pkgutil.resolve_name(name)

def looked_up(name):
    importlib.import_module(name)
    return sys.modules.get(name)

def spec(name):
    return importlib.util.find_spec(name)

def statement():
    import alpha
    return alpha

def call(function, *arguments):
    return function(*arguments)
"""
FILES = {
    "alpha/__init__.py": "import webby, sys\nVERSION = '{}'\ndef ask(how, *arguments):\n"
    "    return getattr(webby, how)(*arguments)\n",
    "alpha/jobs.py": "X = 1\n",
}
WAYS = ["by_function", "by_builtin", "by_walking", "by_fromlist", "by_pkgutil", "looked_up"]


@pytest.fixture
def webby(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A library of the host's that imports by strings."""
    monkeypatch.syspath_prepend(str(make_site(tmp_path / "host", "webby", files=HOSTS).path))
    yield importlib.import_module("webby")
    for name in ("webby", "alpha", "alpha.jobs"):
        sys.modules.pop(name, None)


@pytest.fixture
def alpha(webby: Any, open_realm: OpenRealm) -> Any:
    """A plugin that calls the library."""
    return open_realm("alpha", files=FILES).load("alpha")


@pytest.mark.parametrize("how", WAYS)
def test_for_the_plugin(alpha: Any, webby: Any, how: str) -> None:
    """Beneath a plugin's call it finds the plugin's modules, and nowhere else; nothing is left in the host's names."""
    found = alpha.ask(how, "alpha.jobs")
    assert found is sys.modules[alpha.__name__ + ".jobs"]
    assert alpha.ask(how, "alpha") is alpha
    for name in ("alpha", "alpha.jobs"):
        with pytest.raises(ModuleNotFoundError, match="No module named 'alpha'"):
            getattr(webby, how)(name)
        assert name not in sys.modules


def test_by_a_spec(alpha: Any, webby: Any) -> None:
    """A library that only looks where a module is finds the plugin's file."""
    assert alpha.ask("spec", "alpha.jobs").origin == alpha.ask("by_function", "alpha.jobs").__file__
    assert webby.spec("alpha") is None


def test_what_is_not_there(alpha: Any) -> None:
    """What the plugin does not have is missing by the name that was asked for."""
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'alpha\.absent'$"):
        alpha.ask("by_function", "alpha.absent")


def test_statements_of_the_host(alpha: Any) -> None:
    """An import statement of the host's means the host's own, also beneath a plugin's call."""
    alpha.ask("by_function", "alpha")
    with pytest.raises(ModuleNotFoundError, match="No module named 'alpha'"):
        alpha.ask("statement")


def test_the_host_has_one(alpha: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the host can import by itself it gets, also beneath a plugin's call, and also once it has been served."""
    assert alpha.ask("by_function", "alpha") is alpha
    hosts = make_site(tmp_path / "other", "alpha", files={"alpha/__init__.py": "VERSION = 'host'", "alpha/jobs.py": ""})
    monkeypatch.syspath_prepend(str(hosts.path))
    importlib.invalidate_caches()
    for how in WAYS:
        assert alpha.ask(how, "alpha").VERSION == "host"
        assert alpha.ask(how, "alpha.jobs") is sys.modules["alpha.jobs"]
    assert sys.modules["alpha"].VERSION == "host"


def test_two_versions(webby: Any, open_realm: OpenRealm) -> None:
    """Each version of a plugin gets its own modules."""
    one, two = (open_realm("alpha", version, files=FILES).load("alpha") for version in ("1.0", "2.0"))
    for how in WAYS:
        assert one.ask(how, "alpha") is one
        assert two.ask(how, "alpha") is two
        assert one.ask(how, "alpha.jobs") is not two.ask(how, "alpha.jobs")
        assert one.ask("call", two.ask, how, "alpha") is two


def test_libraries_are_served_with_their_own(webby: Any, open_realm: OpenRealm, tmp_path: Path) -> None:
    """A private library asks for its own modules by a string, not for others, which may be options of the host's."""
    tools = "import webby\ndef ask(how, name): return getattr(webby, how)(name)"
    libraries = make_libraries(
        tmp_path / "libraries", ("tools", "1", {"tools.py": tools}), ("option", "1", {"option.py": ""})
    )
    files = {**FILES, "alpha/__init__.py": FILES["alpha/__init__.py"] + "import tools, option\n"}
    alpha = open_realm("alpha", files=files, libraries=libraries).load("alpha")
    for how in WAYS:
        assert alpha.ask("call", alpha.tools.ask, how, "tools") is alpha.tools
        assert alpha.ask("call", alpha.tools.ask, how, "alpha") is alpha
        for ask in (alpha.ask, alpha.tools.ask):
            with pytest.raises(ModuleNotFoundError, match="No module named 'option'"):
                ask(how, "option")
        with pytest.raises(ModuleNotFoundError):
            alpha.ask(how, "tools")
    assert "tools" not in sys.modules


def test_other_threads(alpha: Any, webby: Any) -> None:
    """While a plugin's call goes on in one thread, another one that asks for the host finds nothing."""
    found: list[Any] = []

    def ask() -> None:
        with pytest.raises(ModuleNotFoundError) as caught:
            webby.by_function("alpha")
        found.append(caught)

    def inside() -> Any:
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
        return webby.by_function("alpha")

    assert alpha.ask("call", inside) is alpha
    assert len(found) == 1
    assert pkgutil.resolve_name("webby:call") is webby.call
