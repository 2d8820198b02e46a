"""Live functions and types: which names are live, and who may offer them."""

from __future__ import annotations

from types import ModuleType

import pytest
from realmkit import OpenRealm, open_realm

import hotswap
from hotswap.errors import ContractError, ResolutionError
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
    """The live functions of all plugins make one mapping, and the types another."""
    functions = {"alpha": {"live_a": 1}, "beta": {"live_b": 2}}
    assert merge_live(functions, {"alpha": {"live_a": 3}}) == ({"live_a": 1, "live_b": 2}, {"live_a": 3})


def test_doubled_across_plugins() -> None:
    """All names that plugins offer twice are listed with their plugins, functions and types at once."""
    offers = {"alpha": {"live_a": 1, "live_b": 1}, "beta": {"live_b": 2}, "gamma": {"live_a": 3, "live_c": 3}}
    with pytest.raises(ResolutionError, match="duplicate live function and type names") as caught:
        merge_live(offers, {"beta": {"LiveX": 1}, "delta": {"LiveX": 2}})
    assert caught.value.plugins == ("alpha", "gamma", "beta", "delta")
    assert caught.value.reasons == (
        "live_a is in alpha and in gamma; rename one",
        "live_b is in alpha and in beta; rename one",
        "LiveX is in beta and in delta; rename one",
    )


def test_names_that_wrap_does_not_use(open_realm: OpenRealm) -> None:
    """A type that is live under a name which is not its own is refused; a second name beside its own is not."""
    source = """
        from collections import namedtuple
        Live_Point = namedtuple("Point", "x")
        class Live_Job: ...
        Live_Older = Live_Job
    """
    realm = open_realm("alpha", "2.0", files=source)
    module = realm.load("alpha")
    with pytest.raises(ContractError) as caught:
        collect_live(realm.loaded())
    assert caught.value.plugin == "alpha 2.0"
    assert [(fault.where, fault.what) for fault in caught.value.faults] == [
        (
            module.__file__,
            "the live type Live_Point is called 'Point', by which its data would be held and not be found",
        )
    ]
    del module.Live_Point
    assert collect_live(realm.loaded())[1] == {"Live_Job": module.Live_Job, "Live_Older": module.Live_Job}


MIGRATING = """
    import hotswap
    class Inner:
        x: int
        @hotswap.live.migration(before="{0}")
        @staticmethod
        def _(fields): return fields
    class Live_Job:
        inner: Inner
        @hotswap.live.migration(before="1.0")
        @staticmethod
        def _(fields): return fields
    Other = Inner
"""


@pytest.mark.parametrize(
    ("version", "before", "fits"),
    [
        ("1.9", "2.0", False),
        ("2.0", "2.0", True),
        ("2.0.dev1", "2.0", True),
        ("2.0rc1+local", "2.0.0", True),
        ("2.0.dev1", "2.0.1", False),
        ("2.0b1", "2.0rc1", False),
        ("2.0rc1", "2.0rc1", True),
    ],
)
def test_migrations_of_later_versions(open_realm: OpenRealm, version: str, before: str, fits: bool) -> None:
    """A migration for a later version than the plugin's own, which it would run on its own data, is refused."""
    realm = open_realm("alpha", version, files=MIGRATING.replace("{0}", before))
    realm.load("alpha")
    if fits:
        assert list(collect_live(realm.loaded())[1]) == ["Live_Job"]
        return
    with pytest.raises(ContractError) as caught:
        collect_live(realm.loaded())
    (fault,) = caught.value.faults
    assert fault.what == f"migration(before={before!r}) of Inner is for a later version than alpha {version}"
    assert fault.way_out == "raise the version of alpha, or lower before="


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
