"""A realm's `sys` is the interpreter's, but for `sys.modules`, which knows the realm's modules by their plain names."""

from __future__ import annotations

import importlib.util
import logging.config
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from realmkit import OpenRealm, make_libraries, open_realm

__all__ = ["open_realm"]

FILES = {
    "alpha/__init__.py": "def run(code, **names):\n    names = {**globals(), **names}\n    exec(code, names)\n"
    "    return names.get('found')\n",
    "alpha/jobs.py": "import logging\nTOP = 1\nDICT = {}\nclass Job: ...\nclass Handler(logging.Handler):\n"
    "    def __init__(self, *seen):\n        super().__init__(); self.seen = []\n"
    "    def emit(self, record): self.seen.append(record.getMessage())\ndef make(): return Handler()\n",
}


@pytest.fixture
def run(open_realm: OpenRealm, tmp_path: Path) -> Any:
    """Run code in a plugin's package and get what it calls `found`."""
    libraries = make_libraries(
        tmp_path / "libraries", ("tools", "1", {"tools.py": "import sys\nMODULES = sys.modules"})
    )
    return open_realm("alpha", files=FILES, libraries=libraries).load("alpha").run


@pytest.mark.parametrize(
    "expression",
    [
        "sys.modules is sys.modules",
        "isinstance(sys, types.ModuleType)",
        "isinstance(sys.modules, dict)",
        "sys.modules['sys'] is sys",
        "sys.modules['importlib'] is importlib",
        "sys.modules['json'] is json",
        "sys.modules['alpha.jobs'] is alpha.jobs",
        "sys.modules[__name__] is alpha",
        "sys.modules['tools'] is tools",
        "'alpha.jobs' in sys.modules and 'alpha.absent' not in sys.modules and 3 not in sys.modules",
        "sys.modules.get('alpha') is alpha and sys.modules.get('absent') is None",
        "[n for n in sys.modules if n.startswith('alpha')] == ['alpha', 'alpha.jobs']",
        "__name__ + '.jobs' in list(sys.modules)",
        "len(sys.modules) == len(list(sys.modules)) == len(sys.modules.copy()) == len({**sys.modules})",
        "dict(sys.modules)['alpha'] is alpha and (sys.modules | {})['alpha'] is ({} | sys.modules)['alpha']",
        "[k for k, v in sys.modules.items() if v is alpha.jobs] == [__name__ + '.jobs', 'alpha.jobs']",
        "any(v is alpha for v in sys.modules.values()) and 'alpha' in sys.modules.keys()",
        "'alpha' in list(reversed(sys.modules)) and 'json' in repr(sys.modules)",
        "sys.modules == sys.modules and sys.modules != {}",
        "tools.MODULES['tools'] is tools and tools.MODULES['alpha'] is alpha",
        "sys.version_info is host.version_info and sys._getframe().f_code is not None",
        "sys.exc_info() == (None, None, None) and sys.stdout is host.stdout",
        "vars(sys) is vars(host) and sys.__name__ == 'sys' and dir(sys) == dir(host)",
        "m is sys.modules and again is sys",
    ],
)
def test_a_mapping_with_plain_names(run: Any, expression: str) -> None:
    """`sys.modules` answers own names and libraries' with the realm's modules and everything else as it is."""
    code = (
        "import sys, types, importlib, json, alpha.jobs, tools\nfrom sys import modules as m\nimport sys as again\n"
        f"found = {expression}"
    )
    assert run(code, host=sys) is True


def test_the_hosts_module_of_an_own_name(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the host has under a name that is the realm's own is not in its `sys.modules`."""
    monkeypatch.setitem(sys.modules, "alpha.hosts", types.ModuleType("alpha.hosts"))
    assert run("import sys\nfound = [n for n in sys.modules if n.startswith('alpha')]") == ["alpha"]
    assert run("import sys\nfound = 'alpha.hosts' in sys.modules") is False


def test_writes(run: Any) -> None:
    """A module under an own name is put into the realm, any other into the interpreter's, and so for deletions."""
    module = types.ModuleType("made")
    run("import sys\nsys.modules['alpha.made'] = module\nfrom alpha import made\nassert made is module", module=module)
    assert "alpha.made" not in sys.modules
    run(
        "import sys\nassert sys.modules.setdefault('alpha.made', 3) is module\ndel sys.modules['alpha.made']",
        module=module,
    )
    assert run("import sys\nfound = 'alpha.made' in sys.modules") is False
    run("import sys\nsys.modules |= {'hotswap_test_made': module}", module=module)
    assert sys.modules["hotswap_test_made"] is module
    assert run("import sys\nfound = sys.modules.pop('hotswap_test_made')") is module
    assert "hotswap_test_made" not in sys.modules
    assert run("import sys\nfound = sys.modules.pop('alpha.absent', 3)") == 3
    for code in ("sys.modules['alpha.made']", "sys.modules.pop('alpha.made')", "del sys.modules['alpha.made']"):
        with pytest.raises(KeyError, match=r"^'alpha\.made'$"):
            run(f"import sys\n{code}")
    assert sys.modules["sys"] is sys


def test_pickled(run: Any) -> None:
    """What stands for a module of the standard library is pickled by its name, where a pickler takes modules."""
    code = "import sys, importlib.util as u, pickle\nfound = [pickle.loads(pickle.dumps(each)) for each in (sys, u)]"
    assert run(code) == [sys, importlib.util]


def test_a_full_name_without_a_fromlist(run: Any) -> None:
    """A module imported by its full name is found from what `__import__` returns by the rest of either name."""
    code = (
        "import functools, alpha.jobs, tools\n"
        "def named(name, parts): return functools.reduce(getattr, parts[1:], __import__(name))\n"
        "parts = alpha.jobs.__name__.split('.')\nfull = '.'.join(parts)\n"
        "found = [each is alpha.jobs for each in (named(full, parts), named(full, full.split('.')))]\n"
        "found += [__import__(full).__name__ == 'alpha', __import__(full, fromlist=['x']) is alpha.jobs]\n"
        "found += [type(parts) is list and parts[1:] == ['jobs'], __import__(alpha.jobs.__name__) is alpha]\n"
    )
    assert run(code) == [True] * 6
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'alpha\.absent'$"):
        run("__import__(''.join([__name__, '.absent']))")


def test_another_dict_as_modules(run: Any) -> None:
    """What a plugin puts in the place of `sys.modules` its libraries see, and the host does not."""
    code = (
        "import sys, tools\nbefore = sys.modules\nsys.modules = {}\nsys.modules = {1: 2}\nfound = [dict(sys.modules)]\n"
        "found += [dict(tools.sys.modules)]\nsys.modules = before\nfound += [sys.modules is before]\n"
        "found += [tools.sys.modules is tools.MODULES]"
    )
    assert run(code) == [{1: 2}, {1: 2}, True, True]
    assert sys.modules["sys"] is sys


def test_attributes_are_the_interpreters(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a plugin sets, patches or deletes in `sys` it does to the interpreter's."""
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    written: list[str] = []
    run("import sys\nsys.stdout = out", out=types.SimpleNamespace(write=written.append, flush=lambda: None))
    print("x", end="")
    assert written[0] == "x"
    run("import sys\nsys.hotswap_test = 1\nassert sys.hotswap_test == 1\ndel sys.hotswap_test")
    assert not hasattr(sys, "hotswap_test")
    with pytest.raises(AttributeError, match="module 'sys' has no attribute 'hotswap_test'"):
        run("import sys\nsys.hotswap_test")


def test_a_module_from_a_file(run: Any, tmp_path: Path) -> None:
    """A file that a plugin loads by its path imports as the plugin does, under an own name also as part of it."""
    (tmp_path / "script.py").write_text("import alpha.jobs\nNAME = __name__\n")
    code = (
        "import sys, importlib.util as u\nspec = u.spec_from_file_location(name, path)\n"
        "module = u.module_from_spec(spec)\nsys.modules[spec.name] = module\nspec.loader.exec_module(module)\n"
        "found = module\n"
    )
    own = run(code, name="alpha.script", path=str(tmp_path / "script.py"))
    assert own.NAME.endswith(".alpha.script")
    assert run("from alpha import script\nfound = script") is own
    assert run(code.replace("sys.modules[spec.name]", "_"), name="script", path=tmp_path / "script.py").NAME == "script"
    assert run("import importlib.util as u\nfound = u.spec_from_file_location('x', '/x.txt')") is None


# ------------------------------------------------------------------------------- the standard library, by string

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {
        "own": {"class": "alpha.jobs.Handler"},
        "made": {"()": "alpha.jobs.make"},
        "ext": {"()": "alpha.jobs.Handler", "seen": "ext://alpha.jobs.TOP"},
    },
    "loggers": {"hotswap_test_logger": {"handlers": ["own", "made"], "level": "INFO"}},
}


def test_dict_config(run: Any) -> None:
    """`dictConfig` finds a plugin's classes, factories and objects by their plain names."""
    config = {**LOGGING, "handlers": {k: LOGGING["handlers"][k] for k in ("own", "made")}}
    run("import logging.config as c\nc.dictConfig(config)", config=config)
    logger = logging.getLogger("hotswap_test_logger")
    try:
        logger.info("hello")
        assert [handler.seen for handler in logger.handlers] == [["hello"], ["hello"]]  # type: ignore[attr-defined]
        resolved = run("import logging.config as c\nfound = c.DictConfigurator({}).convert('ext://alpha.jobs.TOP')")
        assert resolved == 1
    finally:
        logger.handlers.clear()
    with pytest.raises(ValueError, match="Unable to configure"):
        logging.config.dictConfig(config)


@pytest.mark.parametrize(
    "code",
    [
        "with mock.patch('alpha.jobs.TOP', 2): found = alpha.jobs.TOP",
        "with mock.patch.multiple('alpha.jobs', TOP=2): found = alpha.jobs.TOP",
        "with mock.patch.object(alpha.jobs, 'TOP', 2): found = alpha.jobs.TOP",
        "with mock.patch.dict('alpha.jobs.DICT', {'x': 2}): found = alpha.jobs.DICT['x']",
        "with mock.patch.dict(alpha.jobs.DICT, x=2): found = alpha.jobs.DICT['x']",
        "with mock.patch.multiple(alpha.jobs, TOP=2): found = alpha.jobs.TOP",
        "with mock.patch('json.dumps', 2): import json; found = json.dumps",
        "import unittest; found = call(unittest.mock.patch('alpha.jobs.TOP', 2)(read))",
    ],
)
def test_mock_patch(run: Any, code: str) -> None:
    """`patch` finds a plugin's names, also where the host's test runner calls the patched function."""
    setup = "from unittest import mock\nimport alpha.jobs\nread = lambda: __import__('alpha.jobs').jobs.TOP\n"
    assert run(setup + code, call=lambda function: function()) == 2
    assert run("import alpha.jobs\nfound = alpha.jobs.TOP") == 1


@pytest.mark.parametrize("name", ["alpha", "alpha.jobs"])
def test_the_host_by_string(run: Any, name: str) -> None:
    """The same functions, called by the host, do not find what is a plugin's."""
    run("import pickle, alpha.jobs\npickle.loads(b'calpha.jobs\\nTOP\\n.')")
    with pytest.raises(ModuleNotFoundError):
        __import__(name)


def test_runpy(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`runpy` runs a plugin's modules and scripts with the realm's import."""
    for call in ("'alpha.jobs', {'A': 1}", "mod_name='alpha.jobs', init_globals={'A': 1}"):
        found = run(f"import runpy\nfound = runpy.run_module({call})")
        assert (found["TOP"], found["A"]) == (1, 1)
    (tmp_path / "script.py").write_text("from alpha.jobs import TOP\n")
    assert run("import runpy\nfound = runpy.run_path(path)", path=str(tmp_path / "script.py"))["TOP"] == 1
    monkeypatch.chdir(tmp_path)
    (tmp_path / "script.py").rename("alpha.py")
    assert run("import runpy\nfound = runpy.run_path(path_name='alpha.py', run_name='x')")["__name__"] == "x"


def test_what_the_standard_library_does_not_find(run: Any) -> None:
    """An import by string that fails names the module as the plugin does."""
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'alpha\.absent'$") as caught:
        run("import pickle\npickle._loads(b'calpha.absent\\nX\\n.')")
    assert caught.value.name == "alpha.absent"


def test_something_else_in_a_modules_place(run: Any) -> None:
    """An object that a module has put in its own place is what the standard library imports by string."""
    code = "import sys\nclass Odd:\n    __slots__ = ()\n    X = 5\nsys.modules['alpha.odd'] = Odd()\n"
    assert run(code + "import pickle\nfound = pickle._loads(b'calpha.odd\\nX\\n.')") == 5
