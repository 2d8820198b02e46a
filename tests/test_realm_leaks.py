"""The leak report: who still executes in a realm, and who still refers to it."""

from __future__ import annotations

import asyncio
import atexit
import codecs
import contextlib
import contextvars
import copyreg
import functools
import gc
import logging
import re
import signal
import sys
import threading
import typing
import warnings
import weakref
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CoroutineType, ModuleType
from typing import Any

import pytest
from packaging.version import Version
from wheelmaker import make_wheel, plugin_source

from hotswap import leases
from hotswap.model import Candidate, Manifest, SiteDir
from hotswap.realm import Realm, leaks
from hotswap.vault import DataBag

JOBS = """
import functools

class Base: ...

class Job(Base):
    def run(self): return "ran"

class Late(UserWarning): ...

class Broken(Exception): ...

class Handler:
    level = 0
    def handle(self, record): ...

def run(): return "ran"

@functools.lru_cache
def cached(number): return Job()

def watch(frame, event, argument): ...

def call(function): return function()

def fail(): raise ValueError("boom", Job, 3)

def refuse(): raise Broken("no")

def numbers():
    yield 1
    yield 2

def through():
    yield from numbers()

def each(items):
    yield from items

def loop(reached, leave):
    reached.set()
    leave.wait()

async def work(future): return await future

async def outer(future): return await work(future)

async def ticks(future):
    yield 1
    await future

async def over(ticks):
    async for tick in ticks: ...
"""

APP = """
import contextvars, functools, threading

CURRENT = contextvars.ContextVar("current")
LOCAL = threading.local()
HANDLERS = []
hold = None

class Registry:
    def __init__(self, handler): self.handlers = {"run": handler}

class Slotted:
    __slots__ = ("empty", "handler")
    def __init__(self, handler): self.handler = handler

class Plugins:
    known = []
    def __init_subclass__(cls): Plugins.known.append(cls)

@functools.lru_cache
def lookup(cls): return cls.__name__

@functools.singledispatch
def render(value): return str(value)

def given(function=None): return function

def decorated(function):
    def wrapper(): return function()
    return wrapper

def main(handler, reached, leave):
    reached.set()
    leave.wait()

def serve(handler):
    yield

def nothing(*args): ...

class Never:
    def __await__(self): yield

class Endless:
    def __iter__(self): return self
    def __next__(self): return 1

def drop(handlers, dropping, reached, leave):
    handler = handlers.pop()
    reached.set()
    dropping.wait()
    del handler
    reached.set()
    leave.wait()

def pending(handlers, reached, leave):
    nothing(handlers.pop(), reached.set(), leave.wait())

def catch(function):
    try:
        function()
    except Exception as error:
        return error

def lose(handler): raise LookupError

def reraise(function):
    try:
        function()
    except Exception:
        raise KeyError("wrapped") from None
"""


def open_realm(directory: Path, name: str = "alpha", jobs: str = JOBS) -> Realm:
    """A realm with the package `<name>_plugin`, whose module `jobs` is given."""
    package = f"{name}_plugin"
    wheel = make_wheel(directory, name, "1.0", {f"{package}/__init__.py": plugin_source(), f"{package}/jobs.py": jobs})
    site = directory / f"{name}-site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    candidate = Candidate(name, Version("1.0"), wheel, "3f9c" * 16, "wheels/")
    return Realm(
        SiteDir(
            site,
            Manifest(
                plugin=name,
                name=name,
                version=Version("1.0"),
                digest=candidate.digest,
                candidate=candidate,
                entry_module=package,
                entry_attr="",
                provides=(package,),
                dist_info=f"{name}-1.0.dist-info",
            ),
        )
    )


@pytest.fixture
def realm(tmp_path: Path) -> Iterator[Realm]:
    realm = open_realm(tmp_path)
    yield realm
    realm.close()


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("app")
    exec(compile(APP, "app.py", "exec"), vars(module))
    monkeypatch.setitem(sys.modules, "app", module)
    return module


def in_short(realm: Realm, report: tuple[str, ...]) -> list[str]:
    """A report with SITE for the site dir, ID for the realm's, N for numbers that are not the test's business."""
    report = tuple(line.replace(realm.path, "SITE").replace(realm.id, "ID") for line in report)
    return [re.sub(r" \d+ more:", " N more:", re.sub(r":\d+\)", ":N)", line)) for line in report]


def held(realm: Realm, limit: int = 10) -> list[str]:
    gc.collect()
    return in_short(realm, leaks.holders(list(realm.modules.values()), realm.prefix, limit))


def executes(realm: Realm) -> list[str]:
    gc.collect()
    return in_short(realm, leaks.executing(realm.prefix))


Release = Callable[[], object]
Hold = Callable[[ModuleType, ModuleType], Release]
HOLDERS: list[Any] = []


def holder(*expected: str) -> Callable[[Hold], object]:
    """Note a way to hold a realm: it is given `app` and `alpha_plugin.jobs`, and returns what lets go."""

    def note(hold: Hold) -> object:
        HOLDERS.append(pytest.param(hold, list(expected), id=hold.__name__))
        return hold

    return note


def setter(target: object, name: str, value: object) -> Release:
    """Set an attribute; the result puts the former value back."""
    former = getattr(target, name)
    setattr(target, name, value)
    return lambda: setattr(target, name, former)


RUN = "function alpha_plugin.jobs.run"


@holder(f"host module app, attribute hold: {RUN}")
def a_function(app: Any, jobs: Any) -> Release:
    return setter(app, "hold", jobs.run)


@holder(f"host module app, attribute HANDLERS: list -> {RUN}")
def a_list(app: Any, jobs: Any) -> Release:
    app.HANDLERS.append(jobs.run)
    return lambda: app.HANDLERS.clear()


@holder(f"host module app, attribute HANDLERS and N more: list -> {RUN}")
def a_list_that_two_modules_have(app: Any, jobs: Any) -> Release:
    app.web = ModuleType("web")
    app.web.HANDLERS = app.HANDLERS
    app.HANDLERS.append(jobs.run)
    return lambda: app.HANDLERS.clear()


@holder("host module app, attributes hold, other: class alpha_plugin.jobs.Job")
def two_attributes(app: Any, jobs: Any) -> Release:
    app.hold = app.other = jobs.Job
    return lambda: vars(app).update(hold=None, other=None)


@holder("host module app, attribute hold: dict entry 'run' -> method alpha_plugin.jobs.Job.run")
def a_bound_method(app: Any, jobs: Any) -> Release:
    return setter(app, "hold", {"run": jobs.Job().run})


@holder("host module app, attribute hold: dict -> class alpha_plugin.jobs.Job")
def the_key_of_a_dict(app: Any, jobs: Any) -> Release:
    return setter(app, "hold", {jobs.Job: 1})


@holder("host module app, attribute hold: alpha_plugin.jobs.Job object")
def an_instance(app: Any, jobs: Any) -> Release:
    return setter(app, "hold", jobs.Job())


@holder("host module app, attribute hold: plugin module alpha_plugin.jobs (realm ID)")
def a_module(app: Any, jobs: Any) -> Release:
    return setter(app, "hold", jobs)


@holder(f"host module app, attribute hold: app.Registry object, attribute handlers -> dict entry 'run' -> {RUN}")
def an_instance_attribute(app: Any, jobs: Any) -> Release:
    return setter(app, "hold", app.Registry(jobs.run))


@holder(f"host module app, attribute hold: app.Slotted object, attribute handler -> {RUN}")
def a_slot(app: Any, jobs: Any) -> Release:
    return setter(app, "hold", app.Slotted(jobs.run))


@holder(f"host module app, attribute hold: Nameless object, attribute handler -> {RUN}")
def an_instance_of_a_class_without_a_module(app: Any, jobs: Any) -> Release:
    instance = eval("type('Nameless', (), {})()", {})  # made where there is no __name__
    instance.handler = jobs.run
    return setter(app, "hold", instance)


@holder(f"host module app, attribute hold: functools.partial object, attribute func -> {RUN}")
def a_partial(app: Any, jobs: Any) -> Release:
    return setter(app, "hold", functools.partial(jobs.run))


@holder("host module app, attribute hold: functools.lru_cache of alpha_plugin.jobs.cached")
def the_plugins_own_cache(app: Any, jobs: Any) -> Release:
    return setter(app, "hold", jobs.cached)


@holder(
    "host module app, attribute hold: _frozen_importlib.ModuleSpec object, attribute loader ->"
    " hotswap.realm.loaders.RealmSourceLoader object, attribute builtins -> dict"
)
def a_module_spec(app: Any, jobs: Any) -> Release:
    return setter(app, "hold", jobs.__spec__)


@holder("class app.Plugins, attribute known: list -> class alpha_plugin.jobs.Sub")
def a_list_of_subclasses(app: Any, jobs: Any) -> Release:
    type("Sub", (app.Plugins,), {"__module__": jobs.__name__, "run": jobs.run})
    return lambda: app.Plugins.known.clear()


@holder("class app.Mine, base class: class alpha_plugin.jobs.Base")
def a_base_class(app: Any, jobs: Any) -> Release:
    return setter(app, "hold", type("Mine", (jobs.Base,), {"__module__": "app"}))


@holder(f"host module app, attribute hold: class app.local.<locals>.Kept, attribute run -> {RUN}")
def a_class_made_in_a_function(app: Any, jobs: Any) -> Release:
    body = {"__module__": "app", "__qualname__": "local.<locals>.Kept", "run": jobs.run}
    return setter(app, "hold", type("Kept", (), body))


@holder("functools.lru_cache of app.lookup: class alpha_plugin.jobs.Job (call its cache_clear())")
def an_lru_cache(app: Any, jobs: Any) -> Release:
    app.lookup(jobs.Job)
    return lambda: app.lookup.cache_clear()


@holder("functools.lru_cache of app.lookup: class alpha_plugin.jobs.Base (call its cache_clear()), and 1 more")
def two_entries_of_an_lru_cache(app: Any, jobs: Any) -> Release:
    app.lookup(jobs.Job)
    app.lookup(jobs.Base)
    return lambda: app.lookup.cache_clear()


@holder(
    "typing's cache of generic types: class alpha_plugin.jobs.Job (the entry goes when other code has filled the cache,"
    " or after typing._cleanups)"
)
def a_generic_type(app: Any, jobs: Any) -> Release:
    typing.Optional[jobs.Job]  # noqa: UP045
    return lambda: [clear() for clear in vars(typing)["_cleanups"]]


@holder(f"functools.singledispatch of app.render: {RUN}")
def a_generic_function(app: Any, jobs: Any) -> Release:
    app.render.register(frozenset, jobs.run)
    return lambda: delattr(app, "render")


@holder(f"function app.given, default value: {RUN}")
def a_default_value(app: Any, jobs: Any) -> Release:
    return setter(app.given, "__defaults__", (jobs.run,))


@holder(f"function app.given, attribute handler: {RUN}")
def a_functions_attribute(app: Any, jobs: Any) -> Release:
    app.given.handler = jobs.run
    return lambda: delattr(app.given, "handler")


@holder(f"host module app, attribute hold: function app.decorated.<locals>.wrapper, closure variable function -> {RUN}")
def a_closure(app: Any, jobs: Any) -> Release:
    return setter(app, "hold", app.decorated(jobs.run))


@holder("an exception ValueError('boom', ..., 3) kept by host module app, attribute hold")
def an_exception(app: Any, jobs: Any) -> Release:
    return setter(app, "hold", app.catch(jobs.fail))


@holder("host module app, attribute hold: traceback")
def a_traceback(app: Any, jobs: Any) -> Release:
    return setter(app, "hold", app.catch(jobs.fail).__traceback__)


@holder("an exception Broken('no') kept by host module app, attribute hold: list")
def an_exception_of_its_own(app: Any, jobs: Any) -> Release:
    return setter(app, "hold", [app.catch(jobs.refuse).with_traceback(None)])


@holder(
    "an exception ValueError('boom', ..., 3) kept by host module app, attribute hold: exception KeyError('wrapped')"
)
def the_context_of_an_exception(app: Any, jobs: Any) -> Release:
    error = app.catch(lambda: app.reraise(jobs.fail))
    return setter(app, "hold", error.with_traceback(None))


@holder(
    'host module app, attribute hold: exception LookupError() -> local variable "handler" of function app.lose'
    f" (app.py:N) -> {RUN}"
)
def a_local_variable_in_a_traceback(app: Any, jobs: Any) -> Release:
    return setter(app, "hold", app.catch(functools.partial(app.lose, jobs.run)))


@holder(f"an atexit callback: {RUN} (on_free has to call atexit.unregister)")
def an_atexit_callback(app: Any, jobs: Any) -> Release:
    atexit.register(jobs.run)
    run = weakref.ref(jobs.run)
    return lambda: atexit.unregister(run() or repr)


@holder(f"weakref.finalize of host module app, attribute func: {RUN} (call its detach() in on_free)")
def a_finalizer(app: Any, jobs: Any) -> Release:
    return weakref.finalize(app, jobs.run).detach


@holder(f"the handler of signal SIGUSR1: {RUN} (on_free has to put the former one back)")
def a_signal_handler(app: Any, jobs: Any) -> Release:
    former = signal.signal(signal.SIGUSR1, jobs.run)
    return lambda: signal.signal(signal.SIGUSR1, former)


@holder("sys.setprofile: function alpha_plugin.jobs.watch (on_free has to put the former one back)")
def a_profiler(app: Any, jobs: Any) -> Release:
    former = sys.getprofile()
    sys.setprofile(jobs.watch)
    return lambda: sys.setprofile(former)


@holder(
    "the root logger, attribute handlers: list -> alpha_plugin.jobs.Handler object (on_free has to call removeHandler"
    " or removeFilter)"
)
def a_handler_of_the_root_logger(app: Any, jobs: Any) -> Release:
    logging.getLogger().addHandler(jobs.Handler())
    return lambda: logging.getLogger().handlers.pop()


@holder(
    "logger app.db, attribute handlers: list -> alpha_plugin.jobs.Handler object (on_free has to call removeHandler or"
    " removeFilter)"
)
def a_handler_of_a_logger(app: Any, jobs: Any) -> Release:
    logging.getLogger("app.db").addHandler(jobs.Handler())
    return lambda: logging.getLogger("app.db").handlers.clear()


@holder(f"host module sys, attribute excepthook: {RUN} (on_free has to put the former one back)")
def a_hook(app: Any, jobs: Any) -> Release:
    return setter(sys, "excepthook", jobs.run)


@holder(
    "host module warnings, attribute filters: list -> tuple -> class alpha_plugin.jobs.Late (on_free has to"
    " remove the filter)"
)
def a_warnings_filter(app: Any, jobs: Any) -> Release:
    warnings.filterwarnings("ignore", category=jobs.Late)
    return lambda: vars(warnings)["filters"].pop(0)


@holder(
    f"host module copyreg, attribute dispatch_table and N more: dict -> {RUN} (on_free has to remove the reducer;"
    " __reduce__ needs none)"
)
def a_reducer(app: Any, jobs: Any) -> Release:
    copyreg.pickle(app.Registry, jobs.run)
    return lambda: copyreg.dispatch_table.pop(app.Registry)


@holder(f"codecs.register: {RUN} (on_free has to call codecs.unregister)")
def a_codec_search_function(app: Any, jobs: Any) -> Release:
    codecs.register(jobs.run)
    run = weakref.ref(jobs.run)
    return lambda: codecs.unregister(run() or codecs.lookup)


@holder(f"codecs.register_error('alpha'): {RUN} (on_free has to register another one by its name)")
def a_codec_error_handler(app: Any, jobs: Any) -> Release:
    codecs.register_error("alpha", jobs.run)
    return lambda: codecs.register_error("alpha", codecs.strict_errors)


@holder(
    f"the cache of codecs: codecs.CodecInfo object, attributes encode, decode -> {RUN} (on_free has to call"
    " codecs.unregister)"
)
def a_codec_that_was_looked_up(app: Any, jobs: Any) -> Release:
    run = jobs.run
    info = codecs.CodecInfo(run, run, name="alpha-hotswap")

    found = {"alpha-hotswap": info, "alpha_hotswap": info}
    search = found.get
    codecs.register(search)
    codecs.lookup("alpha-hotswap")
    found.clear()
    return lambda: codecs.unregister(search)


@holder(f'ContextVar "current", set in a context: list -> {RUN} (reset the variable with its token)')
def a_context_variable(app: Any, jobs: Any) -> Release:
    app.context = contextvars.copy_context()
    app.context.run(app.CURRENT.set, [jobs.run])
    return lambda: delattr(app, "context")


@holder(f'ContextVar "late", set in a context: {RUN} (reset the variable with its token)')
def the_default_of_a_context_variable(app: Any, jobs: Any) -> Release:
    app.context = contextvars.copy_context()
    app.context.run(contextvars.ContextVar("late", default=jobs.run).set, None)
    return lambda: delattr(app, "context")


@holder(f"host module app, attribute LOCAL: _thread._local object -> dict -> dict entry 'handler' -> {RUN}")
def a_thread_local(app: Any, jobs: Any) -> Release:
    app.LOCAL.handler = jobs.run
    return lambda: delattr(app.LOCAL, "handler")


@holder(f'local variable "handler" of generator app.serve (app.py:N): {RUN}')
def a_variable_of_a_suspended_generator(app: Any, jobs: Any) -> Release:
    app.hold = app.serve(jobs.run)
    next(app.hold)
    return lambda: setattr(app, "hold", None)


@holder("host module app, attribute hold: generator alpha_plugin.jobs.numbers (SITE/alpha_plugin/jobs.py:N)")
def a_suspended_generator(app: Any, jobs: Any) -> Release:
    app.hold = jobs.numbers()
    next(app.hold)
    return lambda: setattr(app, "hold", None)


@holder(f"the vault's data bag, attribute _entries: dict entry 'run' -> tuple -> {RUN}")
def a_data_bag(app: Any, jobs: Any) -> Release:
    app.bag = DataBag()
    app.bag.put("run", jobs.run, None)
    return lambda: app.bag.clear()


def in_thread(function: Callable[..., Any], *arguments: Any) -> Release:
    """Start a thread; the result waits for its end."""
    reached, leave = threading.Event(), threading.Event()
    thread = threading.Thread(target=function, args=(*arguments, reached, leave), name="worker-3")
    thread.start()
    reached.wait()

    def end() -> None:
        leave.set()
        thread.join()

    return end


@holder(
    f'local variable "handler" of function app.main (app.py:N): {RUN}',
    f'thread "worker-3", attribute _args: tuple -> {RUN}',
)
def a_variable_of_a_running_function(app: Any, jobs: Any) -> Release:
    return in_thread(app.main, jobs.run)


@holder('thread "worker-3" running alpha_plugin.jobs.loop (SITE/alpha_plugin/jobs.py:N)')
def a_running_thread(app: Any, jobs: Any) -> Release:
    return in_thread(jobs.loop)


@holder(
    "alpha_plugin.jobs.Job object, held by something that the garbage collector does not show (the stack of a running"
    " function, C code, os.register_at_fork, sys.addaudithook)"
)
def the_stack_of_a_running_function(app: Any, jobs: Any) -> Release:
    return in_thread(app.pending, [jobs.Job()])


def in_loop(start: Callable[[asyncio.AbstractEventLoop], object]) -> Release:
    """Start something in an event loop that then stands still; the result lets it go on to its end."""
    loop = asyncio.new_event_loop()

    async def step() -> None:
        start(loop)
        await asyncio.sleep(0)

    loop.run_until_complete(step())

    def end() -> None:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()

    return end


@holder('task "job": coroutine alpha_plugin.jobs.work (SITE/alpha_plugin/jobs.py:N)')
def a_task(app: Any, jobs: Any) -> Release:
    def begin(loop: asyncio.AbstractEventLoop) -> None:
        app.future = loop.create_future()
        loop.create_task(jobs.work(app.future), name="job")

    return in_loop(begin)


@holder(
    f"the event loop, attribute _scheduled: list -> asyncio.events.TimerHandle object, attribute _callback -> {RUN}"
)
def a_timer(app: Any, jobs: Any) -> Release:
    return in_loop(lambda loop: loop.call_later(1000, jobs.run))


@holder(
    'host module app, attribute hold: task "job" -> alpha_plugin.jobs.Job object',
)
def the_result_of_a_finished_task(app: Any, jobs: Any) -> Release:
    async def job() -> object:
        return jobs.Job()

    def begin(loop: asyncio.AbstractEventLoop) -> None:
        app.hold = loop.create_task(job(), name="job")

    end = in_loop(begin)
    return lambda: [step() for step in (end, functools.partial(delattr, app, "hold"))]


@holder(f"hotswap module hotswap.realm.leaks, attribute hold: {RUN}")
def hotswap_itself(app: Any, jobs: Any) -> Release:
    vars(leaks)["hold"] = jobs.run
    return lambda: delattr(leaks, "hold")


@holder(f"host module app, attribute hold: {RUN}")
def hotswap_and_somebody_else(app: Any, jobs: Any) -> Release:
    app.hold = vars(leaks)["hold"] = jobs.run
    return lambda: [vars(each).pop("hold") for each in (app, leaks)]


@holder(f"{'list -> ' * 8}{RUN}, held by something more than 8 references away")
def somebody_far_away(app: Any, jobs: Any) -> Release:
    nested = jobs.run
    for _ in range(9):
        nested = [nested]
    return setter(app, "hold", nested)


def start(realm: Realm, app: ModuleType, hold: Hold) -> tuple[Release, weakref.ref[Any]]:
    jobs = realm.load("alpha_plugin.jobs")
    return hold(app, jobs), weakref.ref(jobs.run.__code__)


@pytest.mark.parametrize(("hold", "expected"), HOLDERS)
def test_holders_are_named_and_not_joined(realm: Realm, app: ModuleType, hold: Hold, expected: list[str]) -> None:
    """Whoever refers to a closed realm is told in words, and nobody else; the report itself keeps nothing."""
    release, code = start(realm, app, hold)
    realm.close()
    try:
        report = held(realm)
    finally:
        release()
    gc.collect()
    assert report == expected
    assert code() is None
    assert not realm.alive()


def test_an_operator_is_told_as_many_holders_as_he_asks_for(realm: Realm, app: ModuleType) -> None:
    """The limit cuts the report, and the shortest chain comes first."""

    def hold(app: Any, jobs: Any) -> Release:
        app.deep, app.flat = [jobs.run], jobs.run
        return lambda: vars(app).update(deep=None, flat=None)

    release, _ = start(realm, app, hold)
    realm.close()
    assert held(realm, limit=1) == [f"host module app, attribute flat: {RUN}"]
    assert held(realm) == [f"host module app, attribute flat: {RUN}", f"host module app, attribute deep: list -> {RUN}"]
    release()


def test_another_plugin_is_named_as_the_holder(realm: Realm, tmp_path: Path) -> None:
    """What another plugin's module holds is told with the name of that plugin's realm."""
    other = open_realm(tmp_path, "beta")
    other.load("beta_plugin.jobs").kept = realm.load("alpha_plugin.jobs").run
    realm.close()
    report = held(realm)
    other.close()
    assert report == [f"plugin module beta_plugin.jobs (realm {other.id}), attribute kept: {RUN}"]


def test_nobody_holds_a_realm_that_has_been_collected(realm: Realm) -> None:
    """The report of a realm that nobody holds is empty."""
    realm.load("alpha_plugin.jobs")
    realm.close()
    assert held(realm) == []
    assert not realm.alive()


EXECUTIONS: list[Any] = []


def execution(*expected: str) -> Callable[[Hold], object]:
    """Note a way to execute in a realm; the parameters are those of `holder`."""

    def note(hold: Hold) -> object:
        EXECUTIONS.append(pytest.param(hold, list(expected), id=hold.__name__))
        return hold

    return note


def kept(app: Any, *objects: object) -> Release:
    app.kept = list(objects)
    return lambda: app.kept.clear()


AT = "(SITE/alpha_plugin/jobs.py:N)"


@execution(f'thread "worker-3" running alpha_plugin.jobs.loop {AT}')
def one_thread(app: Any, jobs: Any) -> Release:
    return in_thread(jobs.loop)


@execution(f'threads "worker-3", "worker-3" running alpha_plugin.jobs.loop {AT}')
def two_threads(app: Any, jobs: Any) -> Release:
    ends = [in_thread(jobs.loop), in_thread(jobs.loop)]
    return lambda: [end() for end in ends]


@execution()
def a_thread_elsewhere(app: Any, jobs: Any) -> Release:
    return in_thread(app.main, jobs.run)


@execution(f"a generator of alpha_plugin.jobs.numbers {AT}, suspended")
def a_generator(app: Any, jobs: Any) -> Release:
    numbers = jobs.numbers()
    next(numbers)
    return kept(app, numbers)


@execution(f"3 generators of alpha_plugin.jobs.numbers {AT}, not yet started")
def generators_not_started(app: Any, jobs: Any) -> Release:
    return kept(app, *(jobs.numbers() for _ in range(3)))


@execution()
def a_finished_generator(app: Any, jobs: Any) -> Release:
    numbers = jobs.numbers()
    list(numbers)
    return kept(app, numbers)


@execution(f"a generator of alpha_plugin.jobs.numbers {AT}, suspended")
def a_chain_of_generators(app: Any, jobs: Any) -> Release:
    through = jobs.through()
    next(through)
    return kept(app, through)


@execution(f"a generator of alpha_plugin.jobs.each {AT}, suspended")
def a_generator_that_its_iterator_refers_to(app: Any, jobs: Any) -> Release:
    items = app.Endless()
    items.owner = jobs.each(items)
    next(items.owner)
    return kept(app, items)


@execution(f"a coroutine of alpha_plugin.jobs.work {AT}, not yet awaited")
def a_coroutine_not_awaited(app: Any, jobs: Any) -> Release:
    app.kept = jobs.work(None)

    def end() -> None:
        app.kept.close()
        del app.kept

    return end


@execution(f"a coroutine of alpha_plugin.jobs.work {AT}, suspended")
def a_coroutine_without_a_task(app: Any, jobs: Any) -> Release:
    outer = jobs.outer(app.Never())
    outer.send(None)
    return kept(app, outer)


@execution(f"an async generator of alpha_plugin.jobs.ticks {AT}, not yet started")
def an_async_generator_not_started(app: Any, jobs: Any) -> Release:
    return kept(app, jobs.ticks(None))


@execution(f"an async generator of alpha_plugin.jobs.ticks {AT}, suspended")
def an_async_generator(app: Any, jobs: Any) -> Release:
    ticks = jobs.ticks(None)
    with contextlib.suppress(StopIteration):
        ticks.asend(None).send(None)
    return kept(app, ticks)


@execution(f"an async generator of alpha_plugin.jobs.ticks {AT}, suspended")
def an_async_generator_in_a_loop(app: Any, jobs: Any) -> Release:
    over = jobs.over(jobs.ticks(app.Never()))
    over.send(None)
    return kept(app, over)


def in_tasks(app: Any, works: Callable[[Any], list[Any]]) -> Release:
    """Have tasks `job 0`, `job 1` ... await what `works` makes of a future that is never done."""

    def begin(loop: asyncio.AbstractEventLoop) -> None:
        app.future = loop.create_future()
        app.tasks = [loop.create_task(work, name=f"job {i}") for i, work in enumerate(works(app.future))]

    end = in_loop(begin)
    return lambda: [step() for step in (end, app.tasks.clear)]


@execution(f'task "job 0" waiting in alpha_plugin.jobs.work {AT}')
def one_task(app: Any, jobs: Any) -> Release:
    return in_tasks(app, lambda future: [jobs.outer(future)])


class OtherTask(asyncio.Task[Any]):
    """Hosts may have tasks of their own."""


@execution(f'task "other" waiting in alpha_plugin.jobs.work {AT}')
def a_task_of_another_class(app: Any, jobs: Any) -> Release:
    def begin(loop: asyncio.AbstractEventLoop) -> None:
        app.future = loop.create_future()
        app.task = OtherTask(jobs.work(app.future), loop=loop, name="other")

    end = in_loop(begin)
    return lambda: [step() for step in (end, functools.partial(delattr, app, "task"))]


@execution(f'tasks "job 0", "job 1", "job 2" and 2 more waiting in alpha_plugin.jobs.work {AT}')
def many_tasks(app: Any, jobs: Any) -> Release:
    return in_tasks(app, lambda future: [jobs.work(future) for _ in range(5)])


@execution(f'task "job 0" waiting in alpha_plugin.jobs.work {AT}')
def a_task_that_a_lease_wraps(app: Any, jobs: Any) -> Release:
    return in_tasks(app, lambda future: [leases.HOLDERS[CoroutineType](jobs.work(future), leases.Pin(()))])


@execution(f'task "late" about to start alpha_plugin.jobs.work {AT}')
def a_task_that_has_not_started(app: Any, jobs: Any) -> Release:
    loop = asyncio.new_event_loop()
    app.task = loop.create_task(leases.HOLDERS[CoroutineType](jobs.work(app.Never()), leases.Pin(())), name="late")

    def end() -> None:
        app.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(app.task)
        del app.task
        loop.close()

    return end


@pytest.mark.parametrize(("hold", "expected"), EXECUTIONS)
def test_who_executes_is_named_and_not_joined(realm: Realm, app: ModuleType, hold: Hold, expected: list[str]) -> None:
    """Whoever executes in a realm, or is about to, is told in words; the report itself keeps nothing."""
    release, code = start(realm, app, hold)
    try:
        report = executes(realm)
    finally:
        release()
    realm.close()
    gc.collect()
    assert report == expected
    assert code() is None


def test_the_thread_that_asks_is_told_too(realm: Realm) -> None:
    """A plugin that asks for the report while it executes finds itself in it."""
    jobs = realm.load("alpha_plugin.jobs")
    name = threading.current_thread().name
    report = in_short(realm, jobs.call(lambda: leaks.executing(realm.prefix)))
    assert report == [f'thread "{name}" running alpha_plugin.jobs.call {AT}']


def test_a_running_function_can_still_let_go_of_its_variables(realm: Realm, app: ModuleType) -> None:
    """After a report that has looked at a running function's variables, deleting one frees what it referred to."""
    reached, dropping, leave = threading.Event(), threading.Event(), threading.Event()
    handlers = [realm.load("alpha_plugin.jobs").run]
    code = weakref.ref(handlers[0].__code__)
    realm.close()
    hook = threading.gettrace()
    threading.settrace(None)
    thread = threading.Thread(target=app.drop, args=(handlers, dropping, reached, leave))
    try:
        thread.start()
        reached.wait()
        report = held(realm)
        reached.clear()
        dropping.set()
        reached.wait()
        gc.collect()
        gone = code() is None
    finally:
        leave.set()
        thread.join()
        threading.settrace(hook)
    assert report == [f'local variable "handler" of function app.drop (app.py:N): {RUN}']
    assert gone
