"""Live functions and types: which names are live, and who may offer them."""

from __future__ import annotations

from types import ModuleType

import pytest
from realmkit import OpenRealm, open_realm

import hotswap
from hotswap.errors import ResolutionError
from hotswap.live import collect_live, is_live, merge_live

__all__ = ["open_realm"]


@pytest.mark.parametrize(
    ("name", "prefix", "live"),
    [
        ("live_tick", "live_", True),
        ("Live_Tick", "live_", True),
        ("LIVE_TICK", "live_", True),
        ("LiveTick", "live_", True),
        ("lively", "live_", False),
        ("Lively", "live_", False),
        ("live", "live_", False),
        ("alive_tick", "live_", False),
        ("liveTick", "live_", False),
        ("hot_tick", "hot_", True),
        ("HotTick", "HOT_", True),
        ("live_tick", "hot_", False),
    ],
)
def test_names(name: str, prefix: str, live: bool) -> None:
    """A name is live by its prefix, whatever its case, as a function or as a class writes it."""
    assert is_live(name, prefix) is live


def test_collecting(open_realm: OpenRealm) -> None:
    """Functions and classes are live in the module that defines them, decorated ones and asynchronous ones too."""
    files = {
        "alpha/__init__.py": "from alpha.jobs import live_tick, LiveJob\nfrom json import loads as live_loads\n",
        "alpha/jobs.py": "import functools\ndef live_tick(): ...\nclass LiveJob: ...\nlive_number = 3\n"
        "def tick(): ...\n@functools.lru_cache\ndef live_cached(): ...\nasync def live_async(): ...\n"
        "live_job = LiveJob()\ndef hot_tick(): ...\n",
    }
    realm = open_realm("alpha", files=files)
    jobs = realm.load("alpha").live_tick.__globals__
    functions, types = collect_live(realm.loaded())
    assert functions == {name: jobs[name] for name in ("live_tick", "live_cached", "live_async")}
    assert types == {"LiveJob": jobs["LiveJob"]}
    assert collect_live(realm.loaded(), "hot_") == ({"hot_tick": jobs["hot_tick"]}, {})


def test_doubled_in_one_plugin(open_realm: OpenRealm) -> None:
    """Two modules of one plugin that define the same live name are an error naming both files."""
    files = {"alpha/__init__.py": "from . import a, b", "alpha/a.py": "def live_x(): ..."}
    realm = open_realm("alpha", files={**files, "alpha/b.py": files["alpha/a.py"]})
    realm.load("alpha")
    with pytest.raises(ResolutionError, match=r"live_x is in .*alpha/a\.py and in .*alpha/b\.py; rename one"):
        collect_live(realm.loaded())


def test_module_without_a_file() -> None:
    """A module made by hand is told by its name."""
    modules = [ModuleType("one"), ModuleType("two")]
    for module in modules:
        exec("class LiveX: ...", vars(module))
    with pytest.raises(ResolutionError, match="duplicate live type names\n  - LiveX is in one and in two"):
        collect_live(modules)


def test_merging() -> None:
    """The live names of all plugins make one mapping."""
    assert merge_live("function", {"alpha": {"live_a": 1}, "beta": {"live_b": 2}}) == {"live_a": 1, "live_b": 2}


def test_doubled_across_plugins() -> None:
    """All names that plugins offer twice are listed with their plugins."""
    offers = {"alpha": {"live_a": 1, "live_b": 1}, "beta": {"live_b": 2}, "gamma": {"live_a": 3, "live_c": 3}}
    with pytest.raises(ResolutionError) as caught:
        merge_live("function", offers)
    assert caught.value.plugins == ("alpha", "gamma", "beta")
    assert caught.value.reasons == (
        "live_a is in alpha and in gamma; rename one",
        "live_b is in alpha and in beta; rename one",
    )


def test_marked(open_realm: OpenRealm) -> None:
    """What carries a decorator is live whatever its name, where it is defined; a subclass needs its own."""
    source = """
        import functools, hotswap
        from dataclasses import dataclass
        @hotswap.live.function
        def tick(): ...
        @hotswap.live.function
        @functools.lru_cache
        def cached(): ...
        @dataclass(slots=True)
        @hotswap.live.type
        class Job: ...
        class Other(Job): ...
    """
    realm = open_realm("alpha", files={"alpha/__init__.py": "from .jobs import *", "alpha/jobs.py": source})
    realm.load("alpha")
    functions, types = collect_live(realm.loaded())
    assert (list(functions), list(types)) == (["tick", "cached"], ["Job"])


def test_marking_something_else() -> None:
    """The decorators say what they are for."""
    with pytest.raises(TypeError, match="marks functions, and <class 'int'> is none"):
        hotswap.live.function(int)
    with pytest.raises(TypeError, match="marks classes, and 3 is none"):
        hotswap.live.type(3)  # type: ignore[type-var]
