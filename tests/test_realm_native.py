"""C code in a realm that asks for modules by their plain names reaches its own realm's, and only it does."""

from __future__ import annotations

import _thread
import base64
import builtins
import ctypes
import gc
import hashlib
import importlib
import importlib.util
import operator
import os
import pickle
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import weakref
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from queue import Queue
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from realmkit import OpenRealm, make_libraries, open_realm

from hotswap.errors import LifecycleError, PrivateCopyError
from hotswap.realm import Realm, bundled, native, nativestack, registries, sites
from hotswap.realm import libraries as realm_libraries
from hotswap.realm.inertkeys import InertKey
from hotswap.realm.nativestack import STACK
from hotswap.realm.plainkeys import KEYS, PlainKey
from hotswap.realm.unwinding import Place, Unwinder
from hotswap.solitary import Solitary

__all__ = ["open_realm"]

SOURCE = """
#include <Python.h>
static long made = 0;

/* As PyImport_ImportModule, which all C code uses that is not made by Cython. */
static PyObject *ask(PyObject *self, PyObject *name) { return PyImport_Import(name); }

/* As Cython does: sys.modules first, then the finders; no __import__ is asked. */
static PyObject *ask_level(PyObject *self, PyObject *args) {
    PyObject *name, *fromlist;
    if (!PyArg_ParseTuple(args, "OO", &name, &fromlist)) return NULL;
    return PyImport_ImportModuleLevelObject(name, NULL, NULL, fromlist, 0);
}

static PyObject *peek(PyObject *self, PyObject *name) {
    PyObject *found = PyDict_GetItemWithError(PyImport_GetModuleDict(), name);
    if (found == NULL) { if (PyErr_Occurred()) return NULL; Py_RETURN_NONE; }
    return Py_NewRef(found);
}

static PyObject *enter(PyObject *self, PyObject *args) {
    PyObject *name, *module;
    if (!PyArg_ParseTuple(args, "OO", &name, &module)) return NULL;
    if (PyDict_SetItem(PyImport_GetModuleDict(), name, module) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *call_back(PyObject *self, PyObject *function) { return PyObject_CallNoArgs(function); }

static PyMethodDef methods[] = {
    {"call_back", call_back, METH_O, NULL}, {"ask", ask, METH_O, NULL},
    {"ask_level", ask_level, METH_VARARGS, NULL}, {"peek", peek, METH_O, NULL},
    {"enter", enter, METH_VARARGS, NULL}, {NULL, NULL, 0, NULL}
};

static int initialise(PyObject *module) {
    PyObject *modules = PyImport_GetModuleDict();
    PyObject *found = PyImport_ImportModule("pack.data");
    if (found == NULL || PyModule_AddObject(module, "at_init", found) < 0) return -1;
    /* Cython's modules enter themselves. */
    if (PyDict_GetItemString(modules, "pack.native") == NULL
        && PyDict_SetItemString(modules, "pack.native", module) < 0) return -1;
    found = PyModule_New("pack.made");
    if (found == NULL || PyDict_SetItemString(modules, "pack.made", found) < 0) return -1;
    Py_DECREF(found);
    return PyModule_AddIntConstant(module, "made", ++made);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, initialise}, {0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "native", NULL, 0, methods, slots, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_native(void) { return PyModuleDef_Init(&definition); }
"""
SINGLE = """
#include <Python.h>
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "single", NULL, -1, NULL, NULL, NULL, NULL, NULL};
static int used = 0;
PyMODINIT_FUNC PyInit_single(void) {
    if (used++) { PyErr_SetString(PyExc_ImportError, "cannot load module more than once per process"); return NULL; }
    if (PyImport_ImportModule("pack.data") == NULL) return NULL;
    return PyModule_Create(&definition);
}
"""
INNER = SOURCE.replace("PyInit_native", "PyInit_inner").replace('"pack.native"', '"pack.deep.inner"')
INNER = INNER.replace("static long made", 'const char *other = "elsewhere.inner";\nstatic long made')
INNER = INNER.replace('"pack.made"', '"pack.none"').replace('PyModule_New("pack.none")', "Py_NewRef(Py_None)")
ENTERS = """
#include <Python.h>
static const char *names[] = {"inner", "pack.deep.inner", "elsewhere.pack.inner", "json", NULL};

static int initialise(PyObject *module) {
    /* As Cython, which knows one name only: that of its compilation. */
    PyObject *modules = PyImport_GetModuleDict();
    long entered = 0;
    for (const char **name = names; *name; name++) {
        PyObject *found = PyDict_GetItemString(modules, *name);
        if (found == NULL && ++entered && PyDict_SetItemString(modules, *name, module) < 0) return -1;
        if (found != NULL && PyModule_AddObject(module, strrchr(*name, '.') ? "dotted" : *name, Py_NewRef(found)) < 0)
            return -1;
    }
    if (PyImport_ImportModule("pack.watch") == NULL) return -1;
    return PyModule_AddIntConstant(module, "entered", entered);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, initialise}, {0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "inner", NULL, 0, NULL, slots, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_inner(void) { return PyModuleDef_Init(&definition); }
"""
FINDS = """
#include <Python.h>
static PyObject *seen;
static PyObject *find_spec(PyObject *self, PyObject *args) {
    PyObject *found = PyImport_ImportModule("pack.data");
    if (found == NULL || PyList_Append(seen, found) < 0) return NULL;
    Py_RETURN_NONE;
}
static PyMethodDef methods[] = {{"find_spec", find_spec, METH_VARARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "finds", NULL, -1, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_finds(void) {
    PyObject *module = PyModule_Create(&definition);
    PyModule_AddObject(module, "seen", Py_NewRef(seen = PyList_New(0)));
    return module;
}
"""
NAMED = """
#include <Python.h>

static int initialise(PyObject *module) {
    /* As Cython, for `__name__ == "..."`. */
    PyObject *name = PyDict_GetItemString(PyModule_GetDict(module), "__name__");
    PyObject *author = PyUnicode_FromString("pack.named");
    int same = name && author ? PyObject_RichCompareBool(name, author, Py_EQ) : -1;
    if (same == 0) PyErr_SetString(PyExc_ImportError, "it has been renamed");
    return same == 1 ? 0 : -1;
}
static PyModuleDef_Slot slots[] = {{Py_mod_exec, initialise}, {0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "named", NULL, 0, NULL, slots, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_named(void) { return PyModuleDef_Init(&definition); }
"""
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
LATE = """
from pack import native
def late(how, *args): return getattr(native, how)(*args)
def call(function, *args): return function(*args)
def names():
    import sys
    return list(sys.modules)
"""


def compiled(directory: Path, name: str, source: str) -> bytes:
    compiler = (sysconfig.get_config_var("CC") or "cc").split()
    (directory / f"{name}.c").write_text(source)
    include = sysconfig.get_paths()["include"]
    target = directory / f"{name}.so"
    command = [*compiler, "-shared", "-fPIC", f"-I{include}", str(directory / f"{name}.c"), "-o", str(target)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no C compiler that can build extension modules: {error}")
    return target.read_bytes()


@pytest.fixture(scope="module")
def extension(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return compiled(tmp_path_factory.mktemp("native"), "native", SOURCE)


def package(extension: bytes, version: str) -> dict[str, str | bytes]:
    return {
        "pack/__init__.py": f"VERSION = {version!r}\n",
        "pack/data.py": f"VERSION = {version!r}\n",
        "pack/lazy.py": f"VERSION = {version!r}\n",
        "pack/deep/__init__.py": "",
        "pack/deep/lazy.py": f"VERSION = {version!r}\n",
        f"pack/native{SUFFIX}": extension,
    }


@pytest.fixture
def user(open_realm: OpenRealm, tmp_path: Path, extension: bytes) -> Any:
    """Open a plugin realm that uses `pack` of some version from its private libraries."""

    def opened(version: str, name: str = "alpha") -> Realm:
        libraries = make_libraries(tmp_path / "libraries", ("pack", version, package(extension, version)))
        realm: Realm = open_realm(name, version, {f"{name}.py": LATE}, libraries=libraries)
        return realm

    return opened


@pytest.fixture
def host_pack(tmp_path: Path, extension: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The host's own copy on its path."""
    root = tmp_path / "host"
    for relative, content in package(extension, "host").items():
        target = root / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
    monkeypatch.syspath_prepend(str(root))
    yield root
    for name in [name for name in sys.modules if name.partition(".")[0] == "pack"]:
        del sys.modules[name]
    importlib.invalidate_caches()


def plain_names() -> list[str]:
    return [name for name in sys.modules if type(name) is str and name.partition(".")[0] == "pack"]


WAYS = [("ask",), ("ask_level", ("x",)), ("ask_level", ())]


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("name", ["pack", "pack.data", "pack.lazy", "pack.deep.lazy", "pack.native"])
def test_late_imports_by_name(user: Any, way: tuple[Any, ...], name: str) -> None:
    """C code of two realms with two copies gets each its own module, in whatever way it imports."""
    first, second = user("1").load("alpha").late, user("2").load("alpha").late
    for _ in range(2):
        for late, version in ((first, "1"), (second, "2")):
            found = late(way[0], name, *way[1:])
            wanted = name if way != WAYS[2] else "pack"
            assert found.__name__.endswith("." + wanted)
            assert f"pack-{version}/" in found.__file__
    assert plain_names() == []


def test_at_initialisation(user: Any) -> None:
    """What an extension imports while it initialises is its realm's, and what it enters by itself goes to the realm."""
    realms = [user("1"), user("2")]
    modules = [realm.load("alpha").native for realm in realms]
    assert [module.at_init.VERSION for module in modules] == ["1", "2"]
    for realm, module in zip(realms, modules, strict=True):
        assert realm.load("alpha").late("peek", "pack.native") is module
        assert sys.modules[f"{realm.libraries.prefix}pack.made"] is realm.load("alpha").late("peek", "pack.made")
    assert plain_names() == []


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_the_host_lacks_what_a_realm_has(user: Any, way: tuple[Any, ...]) -> None:
    """The host gets ModuleNotFoundError for a package that only a realm has, in whatever way it imports."""
    module = user("1").load("alpha")
    module.late(way[0], "pack.data", *way[1:])
    with pytest.raises(ModuleNotFoundError, match="No module named 'pack'"):
        importlib.import_module("pack.data")
    with pytest.raises(ModuleNotFoundError):
        import pack  # noqa: F401
    for asks in (__import__, builtins.__dict__["__import__"], pickle.loads):
        with pytest.raises(ModuleNotFoundError):
            asks("pack.data" if asks is not pickle.loads else b"cpack.data\nVERSION\n.")  # type: ignore[arg-type]
    assert "pack" not in sys.modules
    assert sys.modules.get("pack.data") is None


@pytest.mark.parametrize("order", ["host first", "realm first", "host later"])
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_beside_a_copy_of_the_hosts(user: Any, host_pack: Path, order: str, way: tuple[Any, ...]) -> None:
    """Where the host has a copy too, the host's code gets that and the realm's code its own, whoever was first."""
    if order == "host first":
        importlib.import_module("pack.deep.lazy")
    module = user("1").load("alpha")
    names = ["pack.data", "pack.deep.lazy", "pack"]
    if order == "realm first":
        for name in names:
            module.late(way[0], name, *way[1:])
    for name in names:
        assert importlib.import_module(name).__name__ == name
    for name in names:
        found = module.late(way[0], name, *way[1:])
        assert "pack-1/" in found.__file__
        assert sys.modules[name].__file__ is not None
        assert sys.modules[name].__file__.startswith(str(host_pack))  # type: ignore[union-attr]
        hosts = importlib.import_module("pack.native")
        assert getattr(hosts, way[0])(name, *way[1:]).__file__.startswith(str(host_pack))


def in_a_pool(function: Any, *args: Any) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *args).result()


def in_a_bare_thread(function: Any, *args: Any) -> Any:
    """Call from C code alone: there is no Python function in that thread."""
    results: Queue[Any] = Queue()
    steps = map(results.put, map(function, *([arg] for arg in args)))
    _thread.start_new_thread(deque[None](maxlen=0).extend, (steps,))
    return results.get(timeout=60)


@pytest.fixture(params=[False, True], ids=["", "traced"])
def traced(request: pytest.FixtureRequest) -> Iterator[None]:
    """With and without a debugger, which has the interpreter take other ways."""
    former = sys.gettrace()
    if request.param:
        sys.settrace(lambda *_: None)
    yield
    sys.settrace(former)


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("hosts_copy", [True, False])
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_c_code_that_is_handed_out(
    user: Any, request: pytest.FixtureRequest, way: tuple[Any, ...], hosts_copy: bool
) -> None:
    """C code that the host, another plugin or a thread calls directly asks for its own realm's modules all the same."""
    if hosts_copy:
        request.getfixturevalue("host_pack")
        importlib.import_module("pack.lazy")
    first, second = user("1").load("alpha"), user("2").load("alpha")
    ask = partial(getattr(first.native, way[0]))
    for name in ("pack.lazy", "pack.deep.lazy"):
        for caller in (lambda f, *args: f(*args), second.call, in_a_pool, in_a_bare_thread):
            assert "pack-1/" in caller(ask, name, *way[1:]).__file__
        assert "pack-2/" in second.late(way[0], name, *way[1:]).__file__
        assert "pack-2/" in first.call(getattr(second.native, way[0]), name, *way[1:]).__file__


def test_threads_of_the_hosts(user: Any, host_pack: Path) -> None:
    """A thread that runs nothing but the standard library's importer, or the interpreter's, imports for the host."""
    late = user("1").load("alpha").late
    assert "pack-1/" in late("ask", "pack.lazy").__file__
    found = [in_a_pool(importlib.import_module, "pack.lazy"), in_a_bare_thread(__import__, "pack.deep.lazy")]
    assert all(module.__file__.startswith(str(host_pack)) for module in found)


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("others", [True, False])
@pytest.mark.parametrize("way", [*WAYS, ("peek",)], ids=str)
def test_c_code_of_the_hosts(user: Any, host_pack: Path, way: tuple[Any, ...], others: bool) -> None:
    """C code of the host that a realm's code calls gets the host's module, in whatever way it asks."""
    native = importlib.import_module("pack.native")
    module = user("1").load("alpha")
    if others:
        assert "pack-2/" in user("2", "beta").load("beta").late("ask", "pack.lazy").__file__
    for name in ("pack.data", "pack.lazy", "pack.deep.lazy"):
        for _ in range(2):
            importlib.import_module(name) if way == ("peek",) else None
            found = module.call(getattr(native, way[0]), name, *way[1:])
            assert found.__file__.startswith(str(host_pack))
            assert "pack-1/" in module.late(way[0], name, *way[1:]).__file__ or way == ("peek",)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_c_code_of_the_hosts_with_a_name_of_the_plugins(open_realm: OpenRealm, host_pack: Path, way: Any) -> None:
    """A module of a plugin that the host lacks, C code of the host finds for the plugin that calls it."""
    native = importlib.import_module("pack.native")
    files = {"alpha/__init__.py": "def call(function, *args): return function(*args)\n", "alpha/settings.py": ""}
    realm = open_realm("alpha", files=files)
    found = realm.load("alpha").call(getattr(native, way[0]), "alpha.settings", *way[1:])
    assert found.__name__.startswith(realm.prefix)


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("asks", ["pickle.loads", "pickle._loads", "__import__", "importlib.import_module"])
def test_the_standard_library_asks_for_its_caller(open_realm: OpenRealm, user: Any, host_pack: Path, asks: str) -> None:
    """Code of the standard library, in C or Python, asks for the realm that calls it, in whatever way it is called."""
    native = importlib.import_module("pack.native")
    module = user("1").load("alpha")
    given = b"cpack.deep.lazy\n__file__\n." if "pickle" in asks else "pack.deep.lazy"
    exec(f"import importlib, pickle\ndef asks(): return {asks}({given!r})", vars(module))
    for function in (module.asks, partial(native.call_back, module.asks), partial(module.call, module.asks)):
        found = function()
        assert "pack-1/" in (found if isinstance(found, str) else found.__file__ or found.deep.lazy.__file__)


@pytest.mark.usefixtures("traced")
def test_c_code_that_calls_the_host(user: Any, host_pack: Path) -> None:
    """A function of the host that a realm's C code calls back gets the host's module, in whatever way it imports."""
    module = user("1").load("alpha")

    def back() -> tuple[ModuleType, ...]:
        import pack.data

        return pack.data, sys.modules["pack.data"], importlib.import_module("pack.data"), __import__("pack.data").data

    for found in (module.native.call_back(back), module.late("call_back", back)):
        assert all(each.__file__.startswith(str(host_pack)) for each in found)


LOOKS = """
import sys
def contains(): return "pack.data" in sys.modules and sys.modules.get("pack.data", None)
def item(): return sys.modules["pack.data"]
def get(): return sys.modules.get("pack.data")
def other(stand_in=None): return (stand_in or sys).modules["pack.data"]
def local(sys=sys): return sys.modules["pack.data"]
def called(name=lambda: "pack.data"): return sys.modules[name()]
def no_name(): return sys.modules.get(*["pack.data"]) or sys.modules[0]
def kept(get=sys.modules.get): return get("pack.data")
"""


def test_looks_of_the_hosts(user: Any, host_pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the host's code looks into `sys.modules`, it finds its own; where it is plain to see, nobody is asked."""
    native = user("1").load("alpha").native
    native.ask("pack.data")
    host = importlib.import_module("pack.data")
    names: dict[str, Any] = {"__name__": "hosts"}
    exec(LOOKS, names)
    forms = ["contains", "item", "get", "other", "local", "called", "no_name", "kept"]
    assert [names[form]() for form in forms] == [host] * len(forms)
    asked = []
    monkeypatch.setattr(STACK, "asker", asked.append)
    for form in forms:
        names[form]()
        assert bool(asked) is (form not in forms[:3]), form
        asked.clear()


def test_looks_of_c_code(user: Any, host_pack: Path) -> None:
    """C code of a realm that the host calls by something like a look into `sys.modules` finds its realm's module."""
    native = user("1").load("alpha").native
    native.ask("pack.data")
    importlib.import_module("pack.data")
    # A builtin function is no method, so it is called with the key alone.
    stand_in = ModuleType("sys")
    stand_in.modules = type("Modules", (), {"__getitem__": native.peek, "get": native.peek})()  # type: ignore[attr-defined]
    names: dict[str, Any] = {"__name__": "hosts"}
    exec(LOOKS, names)
    assert "pack-1/" in names["other"](stand_in).__file__
    assert "pack-1/" in names["local"](stand_in).__file__
    names["sys"] = stand_in
    for form in ("item", "get"):
        assert "pack-1/" in names[form]().__file__


def test_code_that_has_no_name(user: Any, host_pack: Path) -> None:
    """Code of the host in a namespace without a name imports what is the host's."""
    native = user("1").load("alpha").native
    native.ask("pack.data")
    names: dict[str, Any] = {}
    exec("import sys, pack.data\nfound = pack.data, sys.modules['pack.data']", names)
    assert [module.__file__ for module in names["found"]] == [str(host_pack / "pack/data.py")] * 2


def test_stacks_that_are_many(user: Any, host_pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That some stacks are remembered, and how many, makes no difference."""
    monkeypatch.setattr(nativestack, "_MEMORY", 1)
    native = user("1").load("alpha").native
    for _ in range(3):
        for look in (lambda: native.ask("pack.lazy"), lambda: native.peek("pack.data")):
            assert "pack-1/" in look().__file__
        assert importlib.import_module("pack.lazy").__file__ == str(host_pack / "pack/lazy.py")
    assert len(STACK._answers) == 1


def test_where_the_stack_cannot_be_read(user: Any, host_pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the native stack the Python functions on the stack say who asks."""
    native = user("1").load("alpha").native
    native.ask("pack.data")
    monkeypatch.setattr(STACK, "_unwinder", None)
    host = importlib.import_module("pack.data")
    assert native.peek("pack.data") is host


def test_a_realm_without_extensions(open_realm: OpenRealm, monkeypatch: pytest.MonkeyPatch) -> None:
    """To close a realm, nothing is loaded that only extensions need."""
    monkeypatch.delitem(sys.modules, "hotswap.realm.registries")
    open_realm("alpha").close()
    assert "hotswap.realm.registries" not in sys.modules


def test_looks_are_forgotten(user: Any, host_pack: Path) -> None:
    """What is known of code goes with it."""
    user("1").load("alpha").native.ask("pack.data")
    names: dict[str, Any] = {"__name__": "hosts"}
    exec(LOOKS, names)
    code = weakref.ref(names["item"].__code__)
    key = id(code())
    importlib.import_module("pack.data")
    names["item"]()
    assert key in sites._known
    del names
    gc.collect()
    assert code() is None
    assert key not in sites._known


def test_what_the_host_alone_has(user: Any, host_pack: Path) -> None:
    """A submodule that only the host's copy has does not exist for a realm's C code."""
    (host_pack / "pack/extra.py").touch()
    importlib.import_module("pack.extra")
    late = user("1").load("alpha").late
    for way in WAYS:
        with pytest.raises(ModuleNotFoundError, match=r"pack\.extra"):
            late(way[0], "pack.extra", *way[1:])
    assert "pack.extra" in sys.modules


def test_no_moment_in_another_thread(user: Any, host_pack: Path) -> None:
    """While realms come, ask and go, another thread always finds the host's own module under the plain name."""
    host = importlib.import_module("pack.data")
    stop = threading.Event()
    wrong: list[object] = []

    def watch() -> None:
        while not stop.is_set():
            if (found := sys.modules.get("pack.data")) is not host:
                wrong.append(found)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread = threading.Thread(target=watch)
    thread.start()
    try:
        for version in ("1", "2", "3"):
            realm = user(version)
            for way in WAYS:
                assert "pack-" + version in realm.load("alpha").late(way[0], "pack.data", *way[1:]).__file__
            realm.close()
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(interval)
    assert wrong == []


def test_keys_that_change_places_meanwhile(
    open_realm: OpenRealm, tmp_path: Path, extension: bytes, host_pack: Path
) -> None:
    """A key that another replaces while its module is imported, as the host imports one of that name, comes to no harm.

    The host has tried each name while it lacked it, so its entries may get ahead of keys.
    """
    names = [f"pack.m{number}" for number in range(60)]
    (host_pack / "pack_asks.py").write_text("import importlib\ndef asks(name): importlib.import_module(name)\n")
    modules = {name.replace(".", "/") + ".py": f"import pack_asks\npack_asks.asks({name!r})\n" for name in names}
    libraries = make_libraries(tmp_path / "libraries", ("pack", "1", {**package(extension, "1"), **modules}))
    realm = open_realm("alpha", files={"alpha.py": LATE}, libraries=libraries)
    late = realm.load("alpha").late
    stale = [f"stale{number}" for number in range(300)]
    sys.modules.update(dict.fromkeys(stale))  # type: ignore[arg-type]
    for name in names:
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module(name)
    for name in stale:
        del sys.modules[name]
    for path in modules:
        (host_pack / path).touch()
    importlib.invalidate_caches()
    try:
        assert ["pack-1/" in late("peek", name).__file__ for name in names] == [True] * len(names)
        assert [sys.modules[name].__file__ for name in names] == [str(host_pack / path) for path in modules]
        realm.close()
        assert [key for key in sys.modules if type(key) is PlainKey] == []
    finally:
        del sys.modules["pack_asks"]


def test_keys_that_have_fallen_behind(user: Any, host_pack: Path) -> None:
    """To put keys before the host's entries again takes nothing of the host's away, whoever has it done."""
    module = user("1").load("alpha")
    module.late("ask", "pack.data")
    host = importlib.import_module("pack.data")
    for count in range(100):
        (key,) = [key for key in sys.modules if type(key) is PlainKey and key.plain == "pack.data"]
        own = sys.modules.pop(key)
        del sys.modules["pack.data"]
        between = [f"between{count}.{number}" for number in range(count)]
        sys.modules.update({"pack.data": host, **dict.fromkeys(between)})  # type: ignore[dict-item]
        sys.modules.update({key: own})
        for name in between:
            del sys.modules[name]
        module.call(KEYS.check)
        assert sys.modules["pack.data"] is host
        assert module.late("peek", "pack.data") is own


def test_a_realm_that_is_closed_meanwhile(user: Any, host_pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A realm that is closed while the host imports something of the same name has no keys any more."""
    realm = user("1")
    realm.load("alpha")
    libraries = realm.libraries
    owns = libraries.territory.owns

    def closing(name: str) -> bool:
        if name == "pack.lazy":
            realm.close()
        return bool(owns(name))

    monkeypatch.setattr(libraries.territory, "owns", closing)
    importlib.import_module("pack.lazy")
    assert libraries.closed
    assert KEYS.of(libraries.prefix) == []
    assert [key for key in sys.modules if type(key) is PlainKey] == []


def test_names_go_with_their_realm(user: Any) -> None:
    """The last plugin that uses a library takes all of its plain names along."""
    first, second = user("1"), user("1", "beta")
    first.load("alpha").late("ask_level", "pack.lazy", ("x",))
    second.load("beta")
    prefix = first.libraries.prefix
    first.close()
    assert "pack.lazy" in KEYS.of(prefix)
    assert "pack-1/" in second.load("beta").late("peek", "pack.lazy").__file__
    assert prefix in STACK._reaches
    owned = len(STACK._owners)
    second.close()
    assert KEYS.of(prefix) == []
    assert prefix not in STACK._reaches
    assert len(STACK._owners) < owned
    assert [name for name in sys.modules if type(name) is PlainKey or name.startswith(prefix)] == []


def test_a_file_that_was_loaded_before(user: Any) -> None:
    """A set that comes back is loaded from copies of its extensions, so that nothing of the former realm is found."""
    first = user("1")
    module = first.load("alpha").native
    first.close()
    second = user("1")
    again = second.load("alpha").native
    assert again is not module
    assert (module.made, again.made) == (1, 1)
    assert again.__file__ == module.__file__
    assert again.at_init is sys.modules[f"{second.libraries.prefix}pack.data"]


def test_a_file_with_two_names(user: Any, open_realm: OpenRealm, tmp_path: Path) -> None:
    """A file that another realm has loaded is loaded from a copy by whatever path it is reached."""
    first = user("1")
    module = first.load("alpha").native
    libraries = make_libraries(tmp_path / "libraries", ("pack", "2", package(b"", "2")))
    file = libraries.path / f"pack/native{SUFFIX}"
    file.unlink()
    file.hardlink_to(module.__file__)
    again = open_realm("beta", "2", {"beta.py": LATE}, libraries=libraries).load("beta")
    assert (module.made, again.native.made) == (1, 1)
    assert "pack-2/" in again.late("ask", "pack.data").__file__


def test_asking_the_finders(user: Any, host_pack: Path) -> None:
    """Code that asks the finders itself and does not import what they find changes nothing for who looks next."""
    importlib.import_module("pack.lazy")
    module = user("1").load("alpha")
    module.late("ask", "pack.lazy")
    found = [spec for each in sys.meta_path if (spec := module.call(each.find_spec, "pack.lazy", None)) is not None]
    assert "pack-1/" in found[0].origin  # type: ignore[operator]
    assert "pack-1/" in module.late("peek", "pack.lazy").__file__


def test_an_import_of_the_hosts_in_progress(user: Any, host_pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the host has begun to import before a realm's C code was there does not get ahead of the realm's own."""
    reached, go = threading.Event(), threading.Event()

    class Loader(SourceFileLoader):
        def create_module(self, spec: ModuleSpec) -> None:
            reached.set()
            assert go.wait(60)

    class Finder:
        @staticmethod
        def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
            file = str(host_pack / "pack/lazy.py")
            return spec_from_file_location(name, file, loader=Loader(name, file)) if name == "pack.lazy" else None

    importlib.import_module("pack")
    realm = user("1")
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path[:1], Finder, *sys.meta_path[1:]])
    with ThreadPoolExecutor(1) as pool:
        host = pool.submit(importlib.import_module, "pack.lazy")
        try:
            assert reached.wait(60)
            late = realm.load("alpha").late
        finally:
            go.set()
        assert host.result() is sys.modules["pack.lazy"]
    assert "pack-1/" in late("peek", "pack.lazy").__file__


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_process_that_is_forked(user: Any, host_pack: Path) -> None:
    """A process that is forked while a thread puts keys imports on, in the host's name and the realm's."""
    late = user("1").load("alpha").late
    inside, go = threading.Event(), threading.Event()

    def hold() -> None:
        with KEYS._lock, STACK._lock:
            inside.set()
            go.wait(60)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(hold)
        try:
            assert inside.wait(60)
            if (child := os.fork()) == 0:
                try:
                    signal.alarm(30)
                    ours = importlib.import_module("pack.lazy").__file__
                    theirs = late("ask", "pack.lazy").__file__
                    os._exit(0 if str(ours).startswith(str(host_pack)) and "pack-1/" in theirs else 1)
                finally:
                    os._exit(2)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        finally:
            go.set()


def test_a_key_that_is_inert_meanwhile(user: Any) -> None:
    """A comparison that has begun comes to its end where an audit hook lets another thread make the key inert."""
    module = user("1").load("alpha")
    module.late("ask", "pack.data")
    (key,) = [key for key in sys.modules if type(key) is PlainKey and key.plain == "pack.data"]
    key.__class__ = InertKey
    try:
        assert module.call(PlainKey.__eq__, key, "pack.data") is True
    finally:
        key.__class__ = PlainKey  # type: ignore[assignment]


@pytest.mark.parametrize("names", [0, 300])
def test_c_code_within_an_import_of_the_hosts(
    open_realm: OpenRealm, tmp_path: Path, host_pack: Path, monkeypatch: pytest.MonkeyPatch, names: int
) -> None:
    """C code that is called while the host imports something else finds its own realm's module."""
    code = compiled(tmp_path, "finds", FINDS)
    files: dict[str, str | bytes] = {"pack/__init__.py": "", "pack/data.py": "", f"pack/finds{SUFFIX}": code}
    libraries = make_libraries(tmp_path / "libraries", ("pack", "1", files))
    finds = open_realm("alpha", files="from pack import data, finds\n", libraries=libraries).load("alpha").finds
    data = importlib.import_module("pack.data")
    monkeypatch.setattr(sys, "meta_path", [finds, *sys.meta_path])
    before = "".join(f"  name_{number}\n" for number in range(names))
    exec(f"def imports(unused=0):\n if unused:\n  pass\n{before} import pack_other\n", scope := {"__name__": "hosts"})
    with pytest.raises(ModuleNotFoundError, match="pack_other"):
        scope["imports"]()  # type: ignore[operator]
    assert [str(found.__file__).endswith("pack-1/pack/data.py") for found in finds.seen] == [True]
    exec("from . import data", scope := {"__name__": "pack.hosts", "__package__": "pack"})
    assert scope["data"] is data


@pytest.mark.parametrize("hosts_copy", [True, False])
def test_c_code_of_a_realm_that_is_closed(user: Any, request: pytest.FixtureRequest, hosts_copy: bool) -> None:
    """C code that lives longer than its realm reaches no realm any more, and no new key comes of it."""
    if hosts_copy:
        host_pack = request.getfixturevalue("host_pack")
    realm = user("1")
    module = realm.load("alpha")
    module.late("ask", "pack.data")
    realm.close()
    with pytest.raises(ImportError, match="has been freed"):
        module.late("ask", "pack.lazy")
    if hosts_copy:
        assert module.native.ask("pack.lazy").__file__ == str(host_pack / "pack/lazy.py")
        assert module.late("peek", "pack.lazy").__file__ == str(host_pack / "pack/lazy.py")
    else:
        with pytest.raises(ModuleNotFoundError, match=r"^No module named 'pack'$"):
            module.native.ask("pack.lazy")
    assert [key for key in sys.modules if type(key) is PlainKey] == []


def test_statements_of_the_standard_library(user: Any, host_pack: Path) -> None:
    """An import statement in a module of the standard library means what its caller means."""
    importlib.import_module("pack.data")
    module = user("1").load("alpha")
    module.late("ask", "pack.data")
    names: dict[str, Any] = {"__name__": "json.made"}
    exec("def found():\n    import pack.data\n    return pack.data", names)
    assert "pack-1/" in module.call(names["found"]).__file__
    assert names["found"]().__file__ == str(host_pack / "pack/data.py")


def test_a_library_beside_an_extension(open_realm: OpenRealm, user: Any, host_pack: Path) -> None:
    """All files of a realm's directory ask for the realm, also those that it has not loaded as extensions."""
    realm = user("1")
    late = realm.load("alpha").late
    importlib.import_module("pack.data")
    copy = Path(shutil.copy2(late.__globals__["native"].__file__, realm.libraries.path))
    spec = spec_from_file_location("native", copy.rename(copy.with_name(f"beside{SUFFIX}")))
    assert spec is not None
    assert spec.loader is not None
    assert "pack-1/" in spec.loader.create_module(spec).peek("pack.data").__file__  # type: ignore[union-attr]


def test_an_extension_that_is_empty(open_realm: OpenRealm) -> None:
    """A file without content is an ImportError, which packages catch that do without."""
    code = "try:\n    from . import fast\nexcept ImportError as error:\n    fast = error.path\n"
    realm = open_realm("alpha", files={"alpha/__init__.py": code, f"alpha/fast{SUFFIX}": b""})
    assert realm.load("alpha").fast == str(realm.site.path / f"alpha/fast{SUFFIX}")


def test_single_phase_initialisation(open_realm: OpenRealm, tmp_path: Path) -> None:
    """An extension of the old kind, that loads once per process only, initialises in every realm, with its imports."""
    code = compiled(tmp_path, "single", SINGLE)
    files: dict[str, str | bytes] = {"pack/__init__.py": "", "pack/data.py": "", f"pack/single{SUFFIX}": code}
    libraries = make_libraries(tmp_path / "libraries", ("pack", "1", files))
    for _ in range(2):
        realm = open_realm("alpha", files="from pack import single\n", libraries=libraries)
        assert realm.load("alpha").single.__file__ == str(libraries.path / f"pack/single{SUFFIX}")
        realm.close()


def test_an_extension_of_a_realm_that_is_closed(user: Any) -> None:
    """A spec that somebody has kept does not load an extension any more once its realm is closed."""
    realm = user("1")
    spec = importlib.util.find_spec(realm.load("alpha").native.__name__)
    assert spec is not None
    realm.close()
    with pytest.raises(ImportError, match=r"private libraries \(pack 1\) has been freed"):
        importlib.util.module_from_spec(spec)
    assert KEYS.of(realm.libraries.prefix) == []


def test_an_extension_with_another_name(open_realm: OpenRealm, tmp_path: Path) -> None:
    """What a top-level extension enters by the name of the package that it was made in, the host does not get."""
    code = compiled(tmp_path, "inner", INNER)
    files: dict[str, str | bytes] = {"pack/__init__.py": "", "pack/data.py": "", f"inner{SUFFIX}": code}
    libraries = make_libraries(tmp_path / "libraries", ("pack", "1", files))
    realm = open_realm("alpha", files="import inner\n", libraries=libraries)
    inner = realm.load("alpha").inner
    assert realm.libraries is not None
    assert inner.at_init.__name__ == f"{realm.libraries.prefix}pack.data"
    assert {"inner", "pack.deep.inner"} <= set(KEYS.of(realm.libraries.prefix))
    assert plain_names() == []
    assert "elsewhere.inner" not in sys.modules


@pytest.mark.parametrize("hosts_copy", [True, False])
@pytest.mark.parametrize("place", ["pack/inner", "inner"])
def test_an_extension_that_enters_itself(
    open_realm: OpenRealm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, hosts_copy: bool
) -> None:
    """While an extension initialises, no thread of the host finds it by any name it may have been compiled under."""
    seen: list[Any] = []
    if hosts_copy:
        (tmp_path / "hosts").mkdir()
        (tmp_path / "hosts/inner.py").touch()
        monkeypatch.syspath_prepend(str(tmp_path / "hosts"))

    def watch() -> None:
        seen.extend(name for name in sys.modules if type(name) is str and name.rpartition(".")[2] == "inner")
        assert sys.modules.get("inner") is None
        try:
            seen.append(importlib.import_module("inner").__file__)
        except ModuleNotFoundError:
            seen.append(None)

    watcher = ModuleType("pack_watcher")
    watcher.watch = partial(in_a_pool, watch)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pack_watcher", watcher)
    code = compiled(tmp_path, "inner", ENTERS)
    files: dict[str, str | bytes] = {"pack/__init__.py": "", f"{place}{SUFFIX}": code}
    files["pack/watch.py"] = "import pack_watcher\npack_watcher.watch()\n"
    libraries = make_libraries(tmp_path / "libraries", ("pack", "1", files))
    name = place.replace("/", ".")
    realm = open_realm("alpha", files=f"import {name}\ninner = {name}\n", libraries=libraries)
    inner = realm.load("alpha").inner
    assert realm.libraries is not None
    try:
        assert seen == [realm.libraries.prefix + name, str(tmp_path / "hosts/inner.py") if hosts_copy else None]
        assert inner.entered == 0
        assert inner.inner is inner
        assert inner.json is sys.modules["json"]
        assert sys.modules.get("inner") is None or sys.modules["inner"].__file__ == seen[1]
        assert [name for name in sys.modules if type(name) is PlainKey and name.prefix] == []
    finally:
        sys.modules.pop("inner", None)


def test_an_extension_with_a_name_of_nobodys(open_realm: OpenRealm, tmp_path: Path) -> None:
    """What an extension of a package enters by a bare name does not stay behind either."""
    bare = INNER.replace('"pack.deep.inner"', '"bare_inner"').replace("elsewhere.", "")
    code = compiled(tmp_path, "inner", bare)
    files: dict[str, str | bytes] = {"pack/__init__.py": "", "pack/data.py": "", f"pack/inner{SUFFIX}": code}
    libraries = make_libraries(tmp_path / "libraries", ("pack", "1", files))
    realm = open_realm("alpha", files="from pack import inner\n", libraries=libraries)
    assert realm.load("alpha").inner.made == 1
    assert "bare_inner" not in sys.modules


def test_what_the_host_imports_meanwhile(
    open_realm: OpenRealm, tmp_path: Path, extension: bytes, host_pack: Path
) -> None:
    """A module that the host imports for itself while an extension initialises stays the host's."""
    (host_pack / "pack_asks.py").write_text("import pack.lazy\nLAZY = pack.lazy\n")
    files = {**package(extension, "1"), "pack/data.py": "import pack_asks\n"}
    libraries = make_libraries(tmp_path / "libraries", ("pack", "1", files))
    late = open_realm("alpha", files={"alpha.py": LATE}, libraries=libraries).load("alpha").late
    try:
        assert sys.modules["pack.lazy"] is sys.modules["pack_asks"].LAZY
        assert sys.modules["pack.lazy"].__file__ == str(host_pack / "pack/lazy.py")
        assert "pack-1/" in late("ask", "pack.lazy").__file__
    finally:
        del sys.modules["pack_asks"]


def test_what_the_hosts_c_code_enters_meanwhile(
    open_realm: OpenRealm, tmp_path: Path, extension: bytes, host_pack: Path
) -> None:
    """A module without a spec that the host's package has got while an extension initialises stays the host's."""
    (host_pack / "pack_asks.py").write_text(
        "import pack, sys, types\npack.extra = sys.modules['pack.extra'] = types.ModuleType('pack.extra')\n"
    )
    files = {**package(extension, "1"), "pack/data.py": "import pack_asks\n"}
    libraries = make_libraries(tmp_path / "libraries", ("pack", "1", files))
    late = open_realm("alpha", files={"alpha.py": LATE}, libraries=libraries).load("alpha").late
    try:
        assert sys.modules["pack.extra"] is sys.modules["pack"].extra
        assert late("peek", "pack.made") is sys.modules[late.__globals__["native"].__name__[:-6] + "made"]
        assert "pack.made" not in sys.modules
    finally:
        del sys.modules["pack_asks"]


def test_a_module_that_does_not_import(
    open_realm: OpenRealm, tmp_path: Path, extension: bytes, host_pack: Path
) -> None:
    """C code that finds a module whose own import lacks something gets that error, not the host's module."""
    importlib.import_module("pack.lazy")
    files = {**package(extension, "1"), "pack/lazy.py": "import absent_dependency\n"}
    libraries = make_libraries(tmp_path / "libraries", ("pack", "1", files))
    late = open_realm("alpha", files={"alpha.py": LATE}, libraries=libraries).load("alpha").late
    with pytest.raises(ModuleNotFoundError, match="absent_dependency"):
        late("peek", "pack.lazy")


def test_a_module_that_asks_for_itself(open_realm: OpenRealm, tmp_path: Path, extension: bytes) -> None:
    """A module that C code asks for by name while the standard library imports it by string is imported once."""
    text = "import pack\nfrom pack import native\npack.RUNS = getattr(pack, 'RUNS', 0) + 1\nnative.ask('pack.own')\n"
    files = {**package(extension, "1"), "pack/own.py": text}
    libraries = make_libraries(tmp_path / "libraries", ("pack", "1", files))
    code = "import pickle, pack\ndef load(): return pickle._loads(b'cpack.own\\npack\\n.')\n"
    module = open_realm("alpha", files=code, libraries=libraries).load("alpha")
    assert module.load() is module.pack
    assert module.pack.RUNS == 1
    assert plain_names() == []


def test_reloading_what_c_code_made(user: Any) -> None:
    """A module without a spec cannot be reloaded, as outside, and is found by its plain name all the same."""
    realm = user("1")
    module = realm.load("alpha")
    made = module.late("peek", "pack.made")
    assert module.late("ask", "pack") is sys.modules[realm.libraries.prefix + "pack"]
    with pytest.raises(ModuleNotFoundError, match=r"^spec not found for the module 'pack\.made'$"):
        module.call(importlib.reload, made)
    assert module.late("peek", "pack.made") is made


def test_names_are_listed_once(user: Any) -> None:
    """In a realm's list of modules each is under its plain and its full name, once."""
    module = user("1").load("alpha")
    module.late("ask", "pack.lazy")
    names = module.names()
    assert names.count("pack.lazy") == 1
    assert names.count(str.__str__(module.native.__name__)) == 1
    assert len(names) == len(set(names))


def test_a_key_is_itself(user: Any) -> None:
    """Who compares what lists `sys.modules` finds a key equal to itself and to nothing of another kind."""
    user("1").load("alpha").late("ask", "pack.data")
    (key,) = [name for name in sys.modules if type(name) is PlainKey and name.plain == "pack.data"]
    assert operator.eq(key, key)
    assert key != 3


def test_an_address_of_no_library() -> None:
    """An address that lies in no library belongs to nobody."""
    assert Unwinder()._place(1) == Place("", False)


def test_c_code_of_the_standard_library(user: Any) -> None:
    """The C unpickler, called in a realm, finds classes by their plain names in that realm."""
    realm = user("1")
    data = b"cpack.data\nVERSION\n."
    (realm.site.path / "alpha.py").write_text("import pickle\ndef load(data): return pickle.loads(data)\n")
    assert realm.load("alpha").load(data) == "1"
    with pytest.raises(ModuleNotFoundError):
        pickle.loads(data)


def test_plain_entries_of_c_code(user: Any) -> None:
    """What C code enters under a plain name that is known to be a realm's stays in that realm."""
    late = user("1").load("alpha").late
    late("ask", "pack.data")
    module = ModuleType("entered")
    late("enter", "pack.data", module)
    assert plain_names() == []


def test_keys_keep_their_place(user: Any, host_pack: Path) -> None:
    """A key that has come to stand behind the host's entry is put before it again."""
    late = user("1").load("alpha").late
    late("ask", "pack.data")
    host = importlib.import_module("pack.data")
    (key,) = [name for name in sys.modules if type(name) is PlainKey and name.plain == "pack.data"]
    module = sys.modules.pop(key)
    del sys.modules["pack.data"]
    sys.modules.update({"pack.data": host, key: module})
    assert late("peek", "pack.data") is host
    KEYS.check()
    assert late("peek", "pack.data") is module
    assert sys.modules["pack.data"] is host


def test_keys_keep_their_place_when_the_host_imports(
    open_realm: OpenRealm, tmp_path: Path, extension: bytes, host_pack: Path
) -> None:
    """What the host imports after a key was put does not get before it, whatever has gone from there meanwhile."""
    names = [f"pack.m{index}" for index in range(60)]
    files = {**package(extension, "1"), **{f"{name.replace('.', '/')}.py": "" for name in names}}
    for name in names:
        (host_pack / f"{name.replace('.', '/')}.py").touch()
    stale = [f"stale{index}" for index in range(300)]
    sys.modules.update(dict.fromkeys(stale))  # type: ignore[arg-type]
    libraries = make_libraries(tmp_path / "libraries", ("pack", "1", files))
    late = open_realm("alpha", files={"alpha.py": LATE}, libraries=libraries).load("alpha").late
    for name in names:
        late("ask", name)
    for name in stale:
        del sys.modules[name]
    for name in names:
        host = importlib.import_module(name)
        assert "pack-1/" in late("peek", name).__file__
        assert sys.modules[name] is host


def test_keys_are_pickled_as_text(user: Any) -> None:
    """Who sends the names of all modules to another process sends text, keys of realms included."""
    user("1").load("alpha").late("ask", "pack.data")
    (key,) = [name for name in sys.modules if type(name) is PlainKey and name.plain == "pack.data"]
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(key, protocol))
        assert type(again) is str
        assert again == str.__str__(key)
    assert pickle.loads(pickle.dumps(list(sys.modules))) == [str.__str__(name) for name in sys.modules]


def test_an_extension_that_asks_for_its_own_name(open_realm: OpenRealm, tmp_path: Path) -> None:
    """An extension that compares its `__name__` with the one it was compiled under finds them equal."""
    files: dict[str, str | bytes] = {"pack/__init__.py": "", f"pack/named{SUFFIX}": compiled(tmp_path, "named", NAMED)}
    named = open_realm("alpha", files={**files, "alpha.py": "from pack import named\n"}).load("alpha").named
    assert named.__name__ == "pack.named"
    assert sys.modules[str.__str__(named.__name__)] is named


@pytest.fixture
def solitary(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `pack` be a package of which a process can have one copy."""
    table = {"pack": Solitary("it says so", "_PackContext")}
    for room in (native, realm_libraries):
        monkeypatch.setattr(room, "SOLITARY", table)


@pytest.mark.usefixtures("solitary")
def test_a_package_that_cannot_be_twice(user: Any, host_pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package of which a process can have one copy is refused beside another one, when its realm is to be opened."""
    with pytest.raises(PrivateCopyError, match=r"pack cannot be private .* because it says so: let the host") as caught:
        user("1")
    assert caught.value.library == "pack"
    assert caught.value.plugins == ("alpha",)
    assert caught.value.reasons == ("alpha would get pack 1 for itself, beside what the host can import",)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(host_pack)])
    importlib.invalidate_caches()
    spec = ModuleSpec("pack", None)
    finder = SimpleNamespace(find_spec=lambda name, *args: spec if name == "pack" else None)
    for target, name, value in (
        (vars(sys), "meta_path", [SimpleNamespace(), finder, *sys.meta_path]),
        (sys.modules, "pack", ModuleType("pack")),
    ):
        with monkeypatch.context() as context:
            context.setitem(target, name, value)
            with pytest.raises(PrivateCopyError, match="beside what the host can import"):
                user("1")
    first = user("1")
    assert user("1", "beta").libraries is first.libraries
    with pytest.raises(PrivateCopyError, match=r"gamma would get pack 2 for itself, beside .* \(pack 1\)"):
        user("2", "gamma")


@pytest.mark.usefixtures("solitary")
def test_a_package_that_comes_after_its_last_copy(user: Any) -> None:
    """When nobody has the former copy of such a package any more, the next does not meet what it left in threads."""
    context = type("_PackContext", (), {})

    def use() -> None:
        thread_state()["_PackContext"] = context()

    first = user("1")
    first.load("alpha")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(use).result(timeout=60)
        use()
        first.close()
        user("2").load("alpha")
        assert "_PackContext" not in thread_state()
        assert pool.submit(lambda: "_PackContext" in thread_state()).result(timeout=60) is False


def thread_state() -> dict[str, Any]:
    """The dict in which C code keeps what belongs to the running thread."""
    get = ctypes.PYFUNCTYPE(ctypes.c_void_p)(("PyThreadState_GetDict", ctypes.pythonapi))
    state: dict[str, Any] = ctypes.cast(get(), ctypes.py_object).value
    return state


@pytest.mark.usefixtures("solitary")
def test_a_plugin_that_brings_such_a_package_itself(open_realm: OpenRealm, extension: bytes) -> None:
    """In a plugin's own wheel such a package is refused, with the way out."""
    files = {**package(extension, "1"), "alpha.py": "import pack.native\n"}
    with pytest.raises(PrivateCopyError, match=r"alpha 1.0 has pack in its own wheel \(let it require pack\)"):
        open_realm("alpha", files=files)
    realm = open_realm("alpha", files=files, provides=["alpha", "pack.native"])  # a part of it in a namespace
    with pytest.raises(LifecycleError, match=r"alpha 1.0: pack.native cannot be in a plugin's own wheel: let"):
        realm.load("alpha")


REGISTRY = """
#include <Python.h>
#define ID "__pybind11_internals_v5_gcc_test__"
const char *older = "__pybind11_internals_v4_gcc_test__";
static long **registry;  /* a type is registered if it points at 1 */

static PyObject *registered(PyObject *self, PyObject *none) { return PyLong_FromVoidPtr(*registry); }
static PyMethodDef methods[] = {{"registered", registered, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "%(name)s", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_%(name)s(void) {
    /* As pybind11: the registry is made by who is first, and kept for all in the state of the interpreter. */
    PyObject *state = PyInterpreterState_GetDict(PyInterpreterState_Get());
    PyObject *found = PyDict_GetItemString(state, ID);
    registry = found ? PyCapsule_GetPointer(found, NULL) : calloc(1, sizeof(long *));
    if (*registry == NULL) {
        *registry = calloc(2, sizeof(long));
        if (PyDict_SetItemString(state, ID, PyCapsule_New(registry, NULL, NULL)) < 0) return NULL;
    }
    if ((*registry)[%(index)s]++) { PyErr_SetString(PyExc_ImportError, "type is already registered"); return NULL; }
    PyObject *cache = PyDict_GetItemString(state, "__pybind11_module_cache");
    PyObject *module = PyModule_Create(&definition);
    PyDict_SetItemString(state, "__pybind11_module_cache", cache = cache ? cache : PyDict_New());
    PyDict_SetItemString(cache, PyModule_GetName(module), module);
    return module;
}
"""


def test_registries_of_types(open_realm: OpenRealm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Extensions of one realm share a registry of C++ types, those of another or the host have another one."""
    files: dict[str, str | bytes] = {"pack/__init__.py": "from . import one, two\n"}
    for index, name in enumerate(["one", "two"]):
        code = compiled(tmp_path, name, REGISTRY % {"name": name, "index": index})
        files[f"pack/{name}{SUFFIX}"] = code
        (tmp_path / f"hosts/{name}{SUFFIX}").parent.mkdir(exist_ok=True)
        (tmp_path / f"hosts/{name}{SUFFIX}").write_bytes(code)
    monkeypatch.syspath_prepend(str(tmp_path / "hosts"))
    found = []
    for version in ("1", "2"):
        libraries = make_libraries(tmp_path / "libraries", ("pack", version, files))
        realm = open_realm("alpha", version, "import pack\n", libraries=libraries)
        pack = realm.load("alpha").pack
        found.append(pack.one.registered())
        assert pack.two.registered() == found[-1]
        if version == "1":
            for name in ("one", "two"):
                host = importlib.import_module(name)
                del sys.modules[name]
            found.append(host.registered())
        realm.close()
    state = registries._state()
    assert len({*found}) == 3
    keys = [key for key in state if isinstance(key, registries.RegistryKey) and "_gcc_test__" in key]
    assert len(keys) == 2
    assert operator.eq(keys[0], keys[0])
    assert keys[0] != keys[1]
    assert keys[0] != keys[0].plain
    assert [name for name in state["__pybind11_module_cache"] if name.startswith("hotswap.")] == []


def test_modules_die(open_realm: OpenRealm, user: Any) -> None:
    """Python modules of a library that C code has asked for by name are collected with their realm."""
    realm = user("1")
    module = weakref.ref(realm.load("alpha").late("ask_level", "pack.lazy", ("x",)))
    realm.close()
    del realm
    gc.collect()
    assert module() is None


NANOBIND = """
#include <Python.h>
static long *registry;  /* a type is registered if it is 1 */

static PyObject *registered(PyObject *self, PyObject *none) { return PyLong_FromVoidPtr(registry); }
static PyMethodDef methods[] = {{"registered", registered, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};

static int initialise(PyObject *module) {
    /* As nanobind, which puts the key together, ends the process, and initialises in the first phase up to 2.7. */
    PyObject *state = PyInterpreterState_GetDict(PyInterpreterState_Get());
    PyObject *key = PyUnicode_FromFormat("__nb_internals_%%s_%%s__", "v%(phased)s", "test");
    PyObject *found = PyDict_GetItemWithError(state, key);
    registry = found ? PyCapsule_GetPointer(found, "nb_internals") : calloc(4, sizeof(long));
    if (!found && PyDict_SetItem(state, key, PyCapsule_New(registry, "nb_internals", NULL)) < 0) return -1;
    if (registry[%(index)s]++) { PyErr_SetString(PyExc_ImportError, "refusing to add duplicate key"); return -1; }
    PyObject *other = %(other)s ? PyImport_ImportModule(%(other)s) : Py_None;
    return other ? 0 : -1;
}
static PyModuleDef_Slot slots[] = {{Py_mod_exec, initialise}, {0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "%(name)s", NULL, %(phased)s ? 0 : -1, methods, %(phased)s ? slots : NULL, NULL, NULL, NULL
};
PyMODINIT_FUNC PyInit_%(name)s(void) {
    if (%(phased)s) return PyModuleDef_Init(&definition);
    PyObject *module = PyModule_Create(&definition);
    return initialise(module) < 0 ? NULL : module;
}
"""


@pytest.mark.parametrize("phased", [0, 1])
def test_registries_of_nanobind(
    open_realm: OpenRealm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phased: int
) -> None:
    """Registries that are put together at run time are the realm's whose extension made them, or the host's."""
    files: dict[str, str | bytes] = {"pack/__init__.py": "from . import one, two\n"}
    others = {"one": "NULL", "two": '"pack.three"', "three": "NULL", "four": "NULL"}
    (tmp_path / "hosts").mkdir()
    for index, (name, other) in enumerate(others.items()):
        known = {"name": name, "index": index, "phased": phased, "other": other}
        files[f"pack/{name}{SUFFIX}"] = compiled(tmp_path, name, NANOBIND % known)
        (tmp_path / f"hosts/{name}{SUFFIX}").write_bytes(
            compiled(tmp_path, name, NANOBIND % {**known, "other": "NULL"})
        )
    monkeypatch.syspath_prepend(str(tmp_path / "hosts"))
    hosts, found = [], []
    libraries = {each: make_libraries(tmp_path / "libraries", ("pack", each, files)) for each in ("1", "2")}
    for version, name in (("1", "one"), ("2", "two"), ("1", "three")):
        realm = open_realm("alpha", version, "import pack\n", libraries=libraries[version])
        pack = realm.load("alpha").pack
        found.append(pack.one.registered())
        assert pack.two.registered() == importlib.import_module(f"{pack.__name__}.three").registered() == found[-1]
        hosts.append(importlib.import_module(name).registered())
        del sys.modules[name]
        realm.close()
    assert len({*hosts}) == 1
    assert len({*hosts, *found}) == 4


def recorded(name: str, version: str, path: str, content: bytes) -> dict[str, str | bytes]:
    """The files of a library that brings a C library."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
    record = f"{path},sha256={digest},{len(content)}\n"
    needs = b"\0" + path.rpartition("/")[2].encode() + b"\0"
    files: dict[str, str | bytes] = {path: content, f"{name}-{version}.dist-info/RECORD": record}
    return {**files, f"{name}/__init__.py": "", f"{name}/native{SUFFIX}": needs}


def test_c_libraries_of_one_name(open_realm: OpenRealm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A set is refused whose C library has the name of another one that the process has; copies of one are not."""
    code = {text: compiled(tmp_path, f"help{text}", f"int help{text};") for text in ("A", "B")}

    def opened(plugin: str, name: str, version: str, text: str) -> Realm:
        files = recorded(name, version, f"{name}.libs/libhelp.so", code[text])
        libraries = make_libraries(tmp_path / "libraries", (name, version, files))
        realm: Realm = open_realm(plugin, version, libraries=libraries)
        return realm

    first = opened("alpha", "one", "1", "A")
    second = opened("beta", "other", "1", "A")
    with pytest.raises(PrivateCopyError, match=r"one cannot be private .* loads one libhelp.so for the") as caught:
        opened("gamma", "one", "2", "B")
    path = tmp_path / "libraries/one-1/one.libs/libhelp.so"
    theirs = tmp_path / "libraries/one-2/one.libs/libhelp.so"
    assert caught.value.plugins == ("gamma",)
    assert caught.value.reasons[0].startswith(f"gamma would get one 2 with {theirs}, beside {tmp_path}/libraries/o")
    ctypes.CDLL(str(path))
    first.close()
    second.close()
    for _ in range(2):
        with pytest.raises(PrivateCopyError, match=r"epsilon would get two 2 with .*, beside .*/libhelp.so"):
            opened("epsilon", "two", "2", "B")
        path.unlink(missing_ok=True)
    monkeypatch.setattr(bundled, "_MAPS", tmp_path / "absent")
    assert list(bundled._mapped((str(tmp_path),))) == []


def test_c_libraries_of_the_host(open_realm: OpenRealm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside a C library of the host's packages another one of the same name is refused, beside the system's not."""
    code = [compiled(tmp_path, f"shared{number}", f"int shared{number};") for number in (1, 2)]
    (tmp_path / "host").mkdir()
    (tmp_path / "host/libshared.so").write_bytes(code[0])
    ctypes.CDLL(str(tmp_path / "host/libshared.so"))
    files = recorded("pack", "1", "pack/libshared.so", code[1])
    libraries = make_libraries(tmp_path / "libraries", ("pack", "1", files))
    monkeypatch.syspath_prepend(str(tmp_path / "host"))
    with pytest.raises(PrivateCopyError, match=r"beside .*/host/libshared.so"):
        open_realm("alpha", libraries=libraries)
    monkeypatch.undo()
    assert open_realm("alpha", libraries=libraries).libraries is not None


@pytest.mark.parametrize("name", ["libhelp-0a1b2c3d.so", "libhelp.so.1", "libsf_error_state.so", "libpath.so"])
def test_c_libraries_that_do_not_clash(open_realm: OpenRealm, tmp_path: Path, name: str) -> None:
    """C libraries of one name may differ that are the same in effect, or that nothing asks for by name."""
    for version in ("1", "2"):
        files = recorded("pack", version, f"pack/{name}", version.encode())
        if name == "libpath.so":
            del files[f"pack/native{SUFFIX}"]
        libraries = make_libraries(tmp_path / "libraries", ("pack", version, files))
        assert open_realm("alpha", version, libraries=libraries).libraries is not None
