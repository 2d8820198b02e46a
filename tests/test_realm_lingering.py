"""Private libraries that no plugin uses any more and that stay in memory, and what C code keeps."""

from __future__ import annotations

import copyreg
import ctypes
import gc
import os
import re
import subprocess
import sys
import sysconfig
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from conftest import Host
from wheelmaker import make_wheel

from hotswap.cli.hosting import draw_status
from hotswap.control.answers import Answers
from hotswap.realm import LIBRARIES

KEEPER = """
#include <Python.h>
static PyObject *kept = NULL;
static PyObject *keep(PyObject *self, PyObject *what) {
    Py_XSETREF(kept, Py_NewRef(what));
    Py_RETURN_NONE;
}
static PyMethodDef methods[] = {{"keep", keep, METH_O, NULL}, {NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "thing.keeper", NULL, -1, methods};
PyMODINIT_FUNC PyInit_keeper(void) {
    PyObject *made = PyModule_Create(&module), *inner = PyModule_New("inner");
    PyType_Slot slots[] = {{0, NULL}};
    PyType_Spec spec = {"thing.keeper.Made", 0, 0, Py_TPFLAGS_DEFAULT, slots};
    if (made == NULL || inner == NULL) return NULL;
    Py_XINCREF(PyImport_AddModule("thing.keeper.deep"));  /* as Rust does with what belongs to its module */
    PyModule_AddObject(inner, "made", Py_NewRef(made));
    PyModule_AddObject(made, "inner", inner);
    PyModule_AddObject(made, "Made", PyType_FromSpec(&spec));
    return made;
}
"""
THING = """
class Thing:
    def run(self): return Thing
Thing.__module__ = "thing"  # as packages do that show a class elsewhere than where it is made
def function(): return Thing
made = {}
exec("def nameless(): return Thing", {"Thing": Thing, "__builtins__": __builtins__}, made)
nameless = made["nameless"]
"""
USES = "import thing\ndef lookup(name): return getattr(thing, name)"


@pytest.fixture(scope="module")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    directory = tmp_path_factory.mktemp("keeper")
    (directory / "keeper.c").write_text(KEEPER)
    compiler = (sysconfig.get_config_var("CC") or "cc").split()
    command = [*compiler, "-shared", "-fPIC", f"-I{sysconfig.get_paths()['include']}", "keeper.c", "-o", "keeper.so"]
    try:
        subprocess.run(command, check=True, capture_output=True, cwd=directory)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no C compiler that can build extension modules: {error}")
    return (directory / "keeper.so").read_bytes()


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Any:
    module = ModuleType("app")
    monkeypatch.setitem(sys.modules, "app", module)
    return module


def with_thing(host: Host, files: dict[str, str | bytes], *, name: str = "thing.py", uses: str = USES) -> Any:
    """A manager with a plugin that uses the library `thing`."""
    content: dict[str, Any] = {name: THING, **files}
    make_wheel(host.plugins, "thing", "1.0", content, entry_points="")
    host.add("alpha", "1.0", uses, requires="thing")
    return host.loaded()


def without(host: Host, manager: Any) -> None:
    """The plugin has been replaced by a version that uses no library."""
    host.add("alpha", "2.0")
    manager.reload()


def words(manager: Any) -> list[str]:
    """The holders of the one set of libraries that is left."""
    (left,) = (retired for retired in manager.leaks() if retired.libraries)
    return [re.sub(r" \(realm \w+\)", "", holder) for holder in left.holders]


def test_libraries_that_somebody_holds(host: Host, app: Any) -> None:
    """A closed set that the host holds is told like a plugin version: by status, and with its holder by leaks."""
    manager = with_thing(host, {})
    assert manager.retired() == manager.leaks() == ()
    app.hold = manager.invoke("alpha", "lookup", "function")
    without(host, manager)
    assert words(manager) == ["host module app, attribute hold: function thing.function"]
    (left,) = manager.leaks()
    assert (left.plugin, left.version, left.generation, left.state) == ("private libraries", "thing 1.0", 0, "freed")
    assert left.libraries == ("thing 1.0",)
    assert 0 < left.seconds < 3600
    (seen,) = manager.retired()
    assert (seen.version, seen.holders) == ("thing 1.0", ())
    status = Answers(manager, None)._status()
    assert re.search(r"private libraries +thing 1\.0 +- +freed", draw_status(status))
    other = host.manager(state_dir=host.state_dir.with_name("other"))
    assert other.leaks() == ()
    del app.hold
    assert manager.leaks() == manager.retired() == ()


def test_extension_modules_stay(host: Host, keeper: bytes) -> None:
    """Of libraries with C code the extension modules stay, and are told as that, and not among what is retired."""
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    files: dict[str, str | bytes] = {f"thing/keeper{suffix}": keeper}
    manager = with_thing(host, files, name="thing/__init__.py", uses="import thing.keeper")
    without(host, manager)
    gc.collect()
    (said,) = words(manager)
    assert said == "extension modules stay, because Python never unloads them: thing.keeper, thing.keeper.deep"
    assert manager.retired() == ()


def test_what_extension_modules_keep(host: Host, keeper: bytes) -> None:
    """What C code keeps of a library's Python code is told with the extension modules."""
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    files: dict[str, str | bytes] = {f"thing/keeper{suffix}": keeper}
    uses = "import thing.keeper\nthing.keeper.keep(thing.Thing)"
    manager = with_thing(host, files, name="thing/__init__.py", uses=uses)
    without(host, manager)
    assert words(manager) == [
        "extension modules stay, because Python never unloads them: thing.keeper, thing.keeper.deep; they keep class"
        " thing.Thing"
    ]


@pytest.mark.parametrize("name", ["function", "Thing", "nameless"])
def test_references_that_nobody_shows(host: Host, name: str) -> None:
    """An object of a library with more references than the collector shows is named; its own class is no holder."""
    manager = with_thing(host, {})
    held = ctypes.py_object(manager.invoke("alpha", "lookup", name))
    ctypes.pythonapi.Py_IncRef(held)
    number = id(held.value)
    del held
    without(host, manager)
    (said,) = words(manager)
    ctypes.pythonapi.Py_DecRef(ctypes.cast(number, ctypes.py_object))
    named = {"function": "function thing.function", "Thing": "class thing.Thing", "nameless": "function nameless"}
    assert said.startswith(f"{named[name]}, held by something that the garbage collector does not show")
    assert manager.leaks() == ()


def test_reducers_of_libraries_go(host: Host) -> None:
    """A reducer that a library has registered for a class that is not its own, as it seems, goes with the library."""
    uses = "import copyreg, thing, _thread\ncopyreg.pickle(_thread.LockType, thing.function)"
    manager = with_thing(host, {}, uses=uses)
    registered = [value for value in copyreg.dispatch_table.values() if value.__module__.endswith(".thing")]
    assert len(registered) == 1
    registered.clear()
    without(host, manager)
    assert manager.leaks() == ()
    assert not [value for value in copyreg.dispatch_table.values() if value.__module__.startswith("hotswap.realms")]


def test_what_runs_after_a_fork(host: Host, tmp_path: Path) -> None:
    """`os.register_at_fork` is named as the holder, in a process of its own, because nothing can undo it."""
    uses = "import os, thing\nos.register_at_fork(after_in_child=thing.function)"
    with_thing(host, {}, uses=uses).close()
    script = """
        import sys, hotswap
        with hotswap.PluginManager(sys.argv[1], state_dir=sys.argv[2]) as manager:
            manager.load()
            manager.set_sources(sys.argv[3])
            manager.reload()
            print(*[holder for retired in manager.leaks() for holder in retired.holders], sep="\\n")
    """
    (tmp_path / "none").mkdir()
    arguments = [str(host.plugins), str(host.state_dir), str(tmp_path / "none")]
    tests = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{tests.parent}:{tests}"},
        check=True,
    )
    assert done.stdout.splitlines() == [
        "os.register_at_fork: function thing.function (that cannot be undone: let the host provide what does it)"
    ]


def test_a_set_is_gone_when_nobody_holds_it(host: Host) -> None:
    """A set that is collected is not told, and not kept in mind."""
    manager = with_thing(host, {})
    without(host, manager)
    assert manager.leaks() == ()
    assert not [realm for realm in LIBRARIES.lingering() if realm.path.startswith(str(host.state_dir))]
