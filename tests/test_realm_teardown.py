"""A closed realm leaves nothing behind, and dies when nobody refers to it."""

from __future__ import annotations

import gc
import inspect
import linecache
import logging
import sys
import threading
import traceback
import weakref
from pathlib import Path
from typing import Any

import pytest
from realmkit import OpenRealm, make_site, open_realm

from hotswap import realms
from hotswap.errors import LifecycleError
from hotswap.realm import Realm
from hotswap.realm.finder import FINDER

__all__ = ["open_realm"]

FILES = {
    "alpha/__init__.py": """
        import dataclasses, enum, functools, importlib.metadata, importlib.resources, inspect, logging, pkgutil, typing
        from . import jobs
        log = logging.getLogger(__name__)
        class Colour(enum.Enum):
            RED = 1
        @dataclasses.dataclass
        class Point:
            colour: Colour
        class Sub(Point): ...
        def work():
            import alpha.late
            return alpha.late
        @functools.lru_cache
        def cached(x): return Point(x)
        cached(1)
        VERSION = importlib.metadata.version("alpha")
        DATA = importlib.resources.files("alpha").joinpath("words.txt").read_text()
        NAMES = [info.name for info in pkgutil.walk_packages(__path__, "alpha.")]
        SOURCE = inspect.getsource(jobs)
        """,
    "alpha/jobs.py": "import alpha\ndef fails(): raise KeyError(1)\n",
    "alpha/late.py": "",
    "alpha/words.txt": "words",
}


def live_through(realm: Realm) -> list[weakref.ref[Any]]:
    """Import a plugin, use it a little, and return weak references to what it is made of."""
    alpha = realm.load("alpha")
    late = alpha.work()
    try:
        alpha.jobs.fails()
    except KeyError as error:
        traceback.format_exception(error)
    inspect.getmodule(alpha.work.__code__)
    made = [alpha, alpha.jobs, late, alpha.work, alpha.Colour, alpha.Point, alpha.Sub, alpha.cached, alpha.Sub(1)]
    return [weakref.ref(thing) for thing in made]


def traces(realm: Realm) -> list[str]:
    """Where in the interpreter a realm can still be seen, by its names and paths."""
    tables: dict[str, Any] = {
        "sys.modules": sys.modules,
        "realms": vars(realms),
        "linecache": linecache.cache,
        "path_importer_cache": sys.path_importer_cache,
        "loggers": logging.root.manager.loggerDict,
        "modulesbyfile": inspect.modulesbyfile,
    }
    return [table for table, keys in tables.items() for key in keys if realm.id in key or realm.path in key]


def test_nothing_is_left(open_realm: OpenRealm) -> None:
    """After close no module, attribute, logger or cache of the interpreter shows the realm."""
    realm = open_realm("alpha", files=FILES)
    live_through(realm)
    assert {"sys.modules", "realms", "linecache"} <= set(traces(realm))
    realm.close()
    assert traces(realm) == []
    assert FINDER not in sys.meta_path


def test_everything_dies(open_realm: OpenRealm) -> None:
    """Modules, functions, classes and objects of a closed realm die with the next garbage collection."""
    realm = open_realm("alpha", files=FILES)
    references = live_through(realm)
    assert realm.alive()
    names = sorted(module.__name__.removeprefix(realm.prefix) for module in realm.loaded())
    assert names == ["alpha", "alpha.jobs", "alpha.late", realm.name]
    assert repr(realm) == f"<Realm {realm.id}>"
    realm.close()
    assert repr(realm) == f"<Realm {realm.id} closed>"
    gc.collect()
    assert [reference() for reference in references] == [None] * len(references)
    assert not realm.alive()
    assert realm.loaded() == []


def test_somebody_holds_a_function(open_realm: OpenRealm) -> None:
    """A closed realm counts as alive while somebody holds as much as one of its functions, which still works."""
    realm = open_realm("alpha", files=FILES)
    fails = realm.load("alpha.jobs").fails
    realm.close()
    gc.collect()
    assert realm.alive()
    assert realm.executing() == ()
    with pytest.raises(KeyError):
        fails()
    del fails
    gc.collect()
    assert not realm.alive()


@pytest.mark.parametrize("statement", ["import alpha.late", "from . import late", "import alpha"])
def test_imports_after_close(open_realm: OpenRealm, statement: str) -> None:
    """Code of a closed realm that imports of its own hears that the plugin has been freed; the host's is there."""
    files = {**FILES, "alpha/jobs.py": f"def late():\n    {statement}\ndef host():\n    import json\n    return json\n"}
    realm = open_realm("alpha", files=files)
    jobs = realm.load("alpha.jobs")
    realm.close()
    with pytest.raises(ImportError, match=r"alpha 1\.0 has been freed and imports nothing of its own any more"):
        jobs.late()
    assert jobs.host() is sys.modules["json"]
    assert traces(realm) == []


def test_close_while_a_thread_imports(open_realm: OpenRealm) -> None:
    """A module whose import ends after the realm was closed leaves nothing in sys.modules."""
    gates = [threading.Event(), threading.Event()]
    realm = open_realm("alpha", files={"alpha.py": "import slow", "slow.py": "import ours\nours.wait()\nimport json\n"})
    ours = type(sys)("ours")
    ours.wait = lambda: (gates[0].set(), gates[1].wait(30))  # type: ignore[attr-defined]
    sys.modules["ours"] = ours
    failed: list[BaseException] = []

    def work() -> None:
        try:
            realm.load("alpha")
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    try:
        thread.start()
        assert gates[0].wait(30)
        realm.close()
        gates[1].set()
        thread.join()
    finally:
        del sys.modules["ours"]
    assert traces(realm) == []
    assert isinstance(failed[0], LifecycleError)


def test_loggers_of_foreign_make(open_realm: OpenRealm) -> None:
    """Loggers that the host's code made by a realm's full module names go with the realm, those of others stay."""
    first, second = open_realm("alpha", "1", ""), open_realm("alpha", "2", "")
    kept = logging.getLogger(second.prefix + "alpha")
    gone = weakref.ref(logging.getLogger(first.prefix + "alpha"))
    logging.getLogger(first.prefix + "alpha.jobs")
    first.close()
    gc.collect()
    assert gone() is None
    assert traces(first) == []
    assert logging.root.manager.loggerDict[kept.name] is kept
    second.close()
    placeholder = logging.root.manager.loggerDict["hotswap.realms"]
    assert isinstance(placeholder, logging.PlaceHolder)
    assert not placeholder.loggerMap


def test_placeholder_made_a_logger(open_realm: OpenRealm) -> None:
    """Tear-down copes with a host that has a real logger for the parent of all realms."""
    parents = ("hotswap", "hotswap.realms")
    known = logging.root.manager.loggerDict
    before = {name: known.get(name) for name in parents}
    try:
        for name in parents:
            logging.getLogger(name)
        realm = open_realm("alpha", files="")
        logging.getLogger(realm.prefix + "alpha")
        realm.close()
        assert traces(realm) == []
    finally:
        for name, logger in before.items():
            if logger is None:
                known.pop(name)
            else:
                known[name] = logger


def test_linecache_entries_by_module_name(open_realm: OpenRealm) -> None:
    """Generated code that a library files in linecache under a module's name goes too."""
    realm = open_realm("alpha", files="")
    generated = f"<generated init {realm.prefix}alpha.Point>"
    linecache.cache[generated] = (1, None, ["x\n"], generated)
    realm.close()
    assert generated not in linecache.cache


def test_closing_one_of_two(open_realm: OpenRealm, tmp_path: Path) -> None:
    """Closing a realm twice, and beside another of the same site dir, takes nothing from that other."""
    site = make_site(tmp_path, "alpha", files=FILES)
    first, second = open_realm(site), open_realm(site)
    references = live_through(first)
    kept = second.load("alpha")
    first.close()
    first.close()
    gc.collect()
    assert [reference() for reference in references] == [None] * len(references)
    assert kept.work().__name__ == second.prefix + "alpha.late"
    assert second.alive()


def test_failed_import_leaves_nothing(open_realm: OpenRealm) -> None:
    """A plugin whose import fails half-way leaves nothing once its realm is closed."""
    realm = open_realm("alpha", files={**FILES, "alpha/jobs.py": "import alpha.late\n1/0\n"})
    with pytest.raises(Exception, match="division by zero"):
        realm.load("alpha")
    realm.close()
    gc.collect()
    assert traces(realm) == []
    assert not realm.alive()


def test_many_cycles_do_not_grow(tmp_path: Path) -> None:
    """Opening and closing a realm 200 times leaves as many objects and table entries as before."""
    site = make_site(tmp_path, "alpha", files=FILES)

    def cycle() -> None:
        realm = Realm(site)
        live_through(realm)
        realm.close()

    def sizes() -> list[int]:
        gc.collect()
        tables = (sys.modules, vars(realms), linecache.cache, sys.path_importer_cache, logging.root.manager.loggerDict)
        return [len(table) for table in tables] + [len(inspect.modulesbyfile)]

    for _ in range(5):
        cycle()
    tables, objects = sizes(), len(gc.get_objects())
    for _ in range(200):
        cycle()
    assert sizes() == tables
    assert len(gc.get_objects()) - objects < 100


def test_overloads_do_not_keep_the_code(open_realm: OpenRealm, tmp_path: Path) -> None:
    """`typing.overload` remembers functions by module for ever; a closed realm's are forgotten."""
    code = """
    import typing
    @typing.overload
    def f(x: int) -> int: ...
    @typing.overload
    def f(x: str) -> str: ...
    def f(x): return x
    """
    realm = open_realm(make_site(tmp_path, "alpha", "1.0", {"alpha_plugin.py": code}))
    realm.load("alpha_plugin")
    realm.close()
    gc.collect()
    assert not realm.alive()


ODD = """
    import sys, types
    class Lib:
        @property
        def __class__(self): return types.ModuleType
        def __getattr__(self, name): raise AttributeError("library has no " + name)
    class Odd(types.ModuleType):
        def __getattribute__(self, name): raise RuntimeError(name)
    sys.modules["alpha.lib"] = Lib()
    sys.modules["alpha.odd"] = Odd("odd")
    sys.modules["alpha.none"] = None
    sys.modules["alpha.number"] = 3
    nameless = sys.modules["alpha.nameless"] = types.ModuleType("nameless")
    del nameless.__name__
    __name__ = 7
"""


def test_modules_that_are_none(open_realm: OpenRealm) -> None:
    """Closing does not mind what modules have made of themselves, or put into `sys.modules`: all of it goes."""
    realm = open_realm("alpha", files={"alpha/__init__.py": ODD})
    realm.load("alpha")
    open_realm("alpha", "2.0")
    linecache.cache[3] = ()  # type: ignore[index,assignment] - what is no text is nobody's
    entered = [name for name in sys.modules if str.__str__(name).startswith(realm.prefix)]
    assert len(entered) == 6
    realm.close()
    del linecache.cache[3]  # type: ignore[arg-type]
    assert [name for name in sys.modules if str.__str__(name).startswith(realm.name)] == []
    assert realm.executing() == ()
    assert isinstance(realm.holders(), tuple)
