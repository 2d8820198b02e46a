"""The name of a realm's module: unique as a key, and to who compares it the name that its author wrote."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import re
import subprocess
import sys
import traceback
import typing
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from realmkit import OpenRealm, open_realm

from hotswap.live import unwrap, wrap
from hotswap.realm.ownnames import OwnName, exact

__all__ = ["open_realm"]

FILES = {
    "alpha/__init__.py": "def run(code, **names):\n    names = {**globals(), **names}\n    exec(code, names)\n"
    "    return names.get('found')\n",
    "alpha/jobs.py": "import alpha\nclass Job: ...\nclass Lost(Exception): ...\ndef work(): ...\n",
}
NAME = "alpha.jobs"


@pytest.fixture
def alpha(open_realm: OpenRealm) -> Any:
    """A plugin's package, which runs code."""
    package = open_realm("alpha", files=FILES).load("alpha")
    package.run("import alpha.jobs")
    return package


def full_name(module: Any) -> str:
    name: str = module.__spec__.name
    return name


@pytest.mark.parametrize(
    "expression",
    [
        "name == 'alpha.jobs' and 'alpha.jobs' == name and name == full and not name != full and name != 'jobs'",
        "name in ('x', 'alpha.jobs') and name.startswith('alpha.') and name.startswith(('x', 'alpha'))",
        "name.startswith('hotswap.') and not name.startswith('jobs') and name.startswith('jobs', 6)",
        "name.removeprefix('alpha.') == 'jobs' and name.removeprefix('beta.') == full and name.endswith('a.jobs')",
        "name.split('.') == ['alpha', 'jobs'] and name.rsplit('.', 1)[0] == 'alpha' and name.split('_') == [name]",
        "name.partition('.') == ('alpha', '.', 'jobs') and name.rpartition('.')[0] == 'alpha'",
        "'.'.join(name.split('.')) == full and name + '.Job' == 'alpha.jobs.Job' == f'{name + chr(46)}Job'",
        "f'{name}' == '%s' % name == str(name) == 'alpha.jobs' and repr(name) == \"'alpha.jobs'\"",
        "type(str(name)) is str and f'{name:>12}' == '  alpha.jobs' and 'the ' + name == 'the alpha.jobs'",
        "len(name) == 10 and name[0] == 'a' and name[-4:] == 'jobs' and list(name)[0] == 'a' and 'jobs' in name",
        "'hotswap' not in name and name.find('.') == 5 and name.count('a') == 2 and name.upper() == 'ALPHA.JOBS'",
        "name.encode() == b'alpha.jobs' and name.replace('.', '/') == 'alpha/jobs' and name * 2 == 2 * name",
        "name[len(__package__) + 1:] == 'jobs' and name[:name.rfind('.')] == 'alpha' and name.split('l')[0] == 'a'",
        "sys.modules[name[:name.rfind('.')]] is alpha and importlib.import_module('.jobs', __package__) is alpha.jobs",
        "[m.name[len(__name__) + 1:] for m in pkgutil.walk_packages(__path__, __name__ + '.')] == ['jobs']",
        "[m.name[len(__name__) + 1:] for m in pkgutil.iter_modules(__path__, __name__ + '.')] == ['jobs']",
        "[m.name for m in pkgutil.walk_packages(__path__, f'{__name__}.')] == ['alpha.jobs']",
        "sys.modules[name] is sys.modules['alpha.jobs'] is sys.modules[name + ''] is sys.modules[f'{name}']",
        "sys.modules[name.rpartition('.')[0]] is sys.modules[name.split('.')[0]] is alpha and name in sys.modules",
        "importlib.import_module(name) is importlib.import_module('.jobs', name.split('.')[0]) is alpha.jobs",
        "__import__(name, fromlist=['Job']) is alpha.jobs and importlib.util.find_spec(name).name == full",
        "functools.reduce(getattr, name.split('.')[1:], __import__(name)) is alpha.jobs",
        "logging.getLogger(name).name == 'alpha.jobs' and type(logging.getLogger(name).name) is str",
        "alpha.jobs.Job.__module__ == alpha.jobs.work.__module__ == 'alpha.jobs'",
        "importlib.util.find_spec(name.split('.')[0]).name == alpha.__spec__.name",
    ],
)
def test_as_the_author_knows_it(alpha: Any, expression: str) -> None:
    """What a plugin's own code asks of the name of its module, or takes of it, is as its author wrote it."""
    code = "import sys, alpha, alpha.jobs, functools, importlib.util, logging, pkgutil\nname = alpha.jobs.__name__\n"
    assert alpha.run(f"{code}full = alpha.jobs.__spec__.name\nfound = {expression}")


@pytest.mark.parametrize(
    "look",
    [
        lambda name: f"{name}",
        lambda name: f"{name}.x"[:-2],
        lambda name: "%s" % name,  # noqa: UP031 - one way of many
        lambda name: ".".join([*name.split(".")]),
        lambda name: "".join(name.rpartition(".")),
        lambda name: "".join([name]),
        lambda name: name[:],
        lambda name: json.loads(json.dumps(name)),
        lambda name: re.fullmatch(".*", name).group(),
        lambda name: pickle.loads(pickle.dumps(name)),
        lambda name: pickle._loads(pickle._dumps(name)),  # type: ignore[attr-defined]
        exact,
        str,
    ],
)
def test_as_the_host_uses_it(alpha: Any, look: Any) -> None:
    """Text that the host's code, or C, makes of a name is the full one: no two versions have the same."""
    found = look(alpha.jobs.__name__)
    assert type(found) is str
    assert found == full_name(alpha.jobs)
    assert found != NAME


def test_others_opinions(alpha: Any) -> None:
    """What is no string decides itself whether it equals a name."""
    name = alpha.jobs.__name__
    assert name == mock.ANY
    assert (name != mock.ANY) is False
    assert name != 3


def test_where_no_python_code_is_executing(tmp_path: Path) -> None:
    """C code that has not been called from Python, e.g. to print what nobody has caught, gets the full name."""
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]\nfrom hotswap.realm.ownnames import OwnName\n"
        "class Lost(Exception): __module__ = OwnName('hotswap.realms.x.alpha.jobs')\nimport _thread, threading\n"
        "done = threading.Lock(); done.acquire(); print(OwnName('hotswap.realms.x.a').split('.'))\n"
        "_thread.start_new_thread(Lost.__module__.split, ('.',))\nraise Lost('it')\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *sys.path], capture_output=True, text=True, check=False)
    assert done.stdout == "['hotswap', 'realms', 'x', 'a']\n"
    assert done.stderr.rstrip().endswith("alpha.jobs.Lost: it")
    assert "stack" not in done.stderr


def test_live_data(alpha: Any) -> None:
    """Live data holds the author's name, by which it says the same in every version."""
    name = alpha.jobs.__name__
    assert wrap(name, str).value == NAME
    assert unwrap(wrap([name, {name: name}], list[Any]), list[Any]) == [NAME, {NAME: NAME}]
    assert type(unwrap(wrap([name], list[Any]), list[Any])[0]) is str


def test_modules_that_are_named_by_it(open_realm: OpenRealm) -> None:
    """A module that the plugin or the host enters under a name with something added goes with the realm."""
    realm = open_realm("alpha", files=FILES)
    alpha = realm.load("alpha")
    alpha.run("import sys, types\nsys.modules[__name__ + '.made'] = types.ModuleType('made')\nimport alpha.made")
    made = sys.modules[alpha.__name__ + ".made"]
    sys.modules[alpha.__name__ + ".hosts"] = made
    assert exact(alpha.__name__) + ".made" in map(str, sys.modules)
    realm.close()
    assert not [each for each in sys.modules if each.startswith(realm.prefix)]


def test_as_the_host_compares_it(alpha: Any) -> None:
    """The host may compare by either name; two versions' names are never equal, nor their hashes."""
    name = alpha.jobs.__name__
    assert name == NAME
    assert name == full_name(alpha.jobs)
    assert name.startswith("alpha.")
    assert name != 3
    assert hash(name) == hash(full_name(alpha.jobs))
    assert {name: 1}[full_name(alpha.jobs)] == 1
    assert NAME not in {name: 1}


def test_two_versions(open_realm: OpenRealm) -> None:
    """Names that are the same to their authors are different ones, alone, as keys, and in what is added to them."""
    one, two = (open_realm("alpha", version, files=FILES).load("alpha") for version in ("1.0", "2.0"))
    assert one.__name__ == "alpha" == two.__name__
    assert one.__name__ != two.__name__
    assert one.__name__ + ".jobs" != two.__name__ + ".jobs"
    assert len({one.__name__, two.__name__, "alpha"}) == 3


def test_copies(alpha: Any) -> None:
    """A name is never copied, and pickled it is the full one."""
    name = alpha.jobs.__name__
    assert copy.copy(name) is name
    assert copy.deepcopy([name])[0] is name
    assert [pickle.loads(pickle.dumps(name, protocol)) for protocol in range(6)] == [full_name(alpha.jobs)] * 6


def test_added_to(alpha: Any) -> None:
    """What is added to a name is a name as well, and what is no text cannot be added."""
    added = alpha.jobs.__name__ + ".Job"
    assert type(added) is OwnName
    assert added == "alpha.jobs.Job"
    assert exact(added) == full_name(alpha.jobs) + ".Job"
    with pytest.raises(TypeError):
        alpha.jobs.__name__ + 1


def test_as_a_key_of_modules(alpha: Any) -> None:
    """The standard library finds a class's module by it, and `sys.modules` never gets a key that is no text."""
    members = {"__module__": alpha.jobs.__name__, "__annotations__": {"x": int}}
    cls = dataclasses.dataclass(type("Point", (), members))
    assert typing.get_type_hints(cls) == {"x": int}
    assert sys.modules[cls.__module__] is alpha.jobs
    alpha.run("import pkgutil\nfor each in pkgutil.walk_packages(__path__, __name__ + '.'): __import__(each.name)")
    assert __import__("importlib").import_module(alpha.__name__ + ".jobs") is alpha.jobs
    assert {type(each) for each in sys.modules if each.startswith("hotswap.realms.")} == {str}


def test_reloading_a_module(alpha: Any) -> None:
    """A module that is loaded again has a name of the same kind again."""
    alpha.run("import importlib, alpha.jobs\nimportlib.reload(alpha.jobs)")
    assert type(alpha.jobs.__name__) is OwnName


def test_traceback(alpha: Any) -> None:
    """A traceback shows an exception's class by the author's name, whoever prints it."""
    try:
        alpha.run("raise alpha.jobs.Lost('it')", alpha=alpha)
    except alpha.jobs.Lost as error:
        shown = traceback.format_exception_only(error)
    assert shown == ["alpha.jobs.Lost: it\n"]


def test_meta_path(alpha: Any) -> None:
    """A finder of the plugin's own knows the modules it makes by names that are added to its own."""
    code = """if True:
    import importlib.util, sys, types

    class Finder:
        known = {__name__ + ".made": 3}

        def find_spec(self, name, path=None, target=None):
            return importlib.util.spec_from_loader(name, self) if name in self.known else None

        def create_module(self, spec):
            return None

        def exec_module(self, module):
            module.value = self.known[module.__spec__.name]

    finder = Finder()
    sys.meta_path.append(finder)
    try:
        from alpha.made import value as found
    finally:
        sys.meta_path.remove(finder)
    """
    assert alpha.run(code) == 3
    assert "alpha.made" not in sys.modules
