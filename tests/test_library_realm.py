"""Private libraries live in a realm of their own, which all plugins with the same set share."""

from __future__ import annotations

import codecs
import copyreg
import gc
import importlib.metadata
import logging
import multiprocessing.context
import os
import pickle
import sys
import threading
import traceback
import warnings
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from realmkit import OpenRealm, make_libraries, make_site, open_realm

from hotswap.errors import LifecycleError
from hotswap.model import LibraryDir
from hotswap.realm.libraries import LIBRARIES

__all__ = ["open_realm"]

TOOLS: dict[str, str | bytes] = {
    "tools/__init__.py": "from importlib.metadata import version\nimport helper\nVERSION = version('tools')\n",
    "tools/work.py": """
        import importlib, logging, pkgutil
        from importlib.util import find_spec
        from importlib.resources import files
        LOGGER = logging.getLogger(__name__)
        class Job: ...
        def fail(): raise ValueError("no")
        def call(function, *args): return function(*args)
        def load(name): return importlib.import_module(name)
        def load_by_builtin(name): return __import__(name)
        def spec(name): return find_spec(name)
        def read(name, file): return (files(name) / file).read_text()
        def resolve(name): return pkgutil.resolve_name(name)
        def alpha():
            import alpha
            return alpha
    """,
}
HELPER: dict[str, str | bytes] = {"helper.py": "import json\nHELP = 1\n"}
RUN = "def run(code, **names):\n    exec(code, globals(), names)\n    return names.get('found')\n"
POINTS = "[tools.jobs]\njob = tools.work:Job\n"


@pytest.fixture
def libraries(tmp_path: Path) -> LibraryDir:
    return make_libraries(
        tmp_path / "libraries", ("tools", "2.0", TOOLS), ("helper", "1.0", HELPER), entry_points=POINTS
    )


@pytest.fixture
def alpha(open_realm: OpenRealm, libraries: LibraryDir) -> Any:
    """A plugin with private libraries: runs code in its module."""
    return open_realm("alpha", files={"alpha.py": RUN}, libraries=libraries).load("alpha").run


@pytest.fixture
def on_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The host's own versions of `tools`, `helper` and `other`."""
    for name, files in {
        "tools": {"tools/__init__.py": "VERSION = 'host'"},
        "other": {"other.py": "import helper"},
    }.items():
        monkeypatch.syspath_prepend(str(make_site(tmp_path / "host", name, "0.5", files).path))
    monkeypatch.syspath_prepend(str(make_site(tmp_path / "host", "helper", "0.5", "HELP = 'host'").path))
    yield tmp_path / "host"
    for name in ("tools", "helper", "other"):
        sys.modules.pop(name, None)


# -------------------------------------------------------------------------------------------------------- whose copy


def test_own_then_library_then_host(open_realm: OpenRealm, libraries: LibraryDir, on_host: Path) -> None:
    """A name is the plugin's own, else its library's, else the host's."""
    text = "import helper, tools, other\nFOUND = (helper.HELP, tools.helper.HELP, tools.VERSION, other.helper.HELP)\n"
    realm = open_realm("alpha", files={"alpha.py": text, "helper.py": "HELP = 'own'"}, libraries=libraries)
    assert realm.load("alpha").FOUND == ("own", 1, "2.0", "host")
    assert sys.modules["helper"].HELP == "host"
    assert "tools" not in sys.modules


def test_the_host_does_not_see_libraries(alpha: Any) -> None:
    """What only a library brings cannot be imported by the host."""
    alpha("import tools")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("tools")
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version("tools")


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("import tools.work; found = tools.work.__name__ == tools.work.Job.__module__ == 'tools.work'", True),
        ("import tools.work; found = f'{tools.work.__name__}, {tools.work.Job.__module__}'", "tools.work, tools.work"),
        ("from tools import work; import tools.work as w; found = w is work", True),
        ("from importlib import import_module as m; found = m('tools').VERSION", "2.0"),
        ("from importlib import import_module as m; import tools; found = m('.', package='tools') is tools", True),
        ("from importlib import import_module as m; found = m('.work', 'tools').Job.__qualname__", "Job"),
        ("from importlib.util import find_spec as f; found = f('tools.work').name[-10:]", "tools.work"),
        ("from importlib.util import find_spec as f; found = f('tools.absent')", None),
        ("import pkgutil; found = pkgutil.resolve_name('tools.work:Job').__name__", "Job"),
        ("import importlib.resources as r; found = r.files('tools').joinpath('work.py').is_file()", True),
        ("import importlib.metadata as m; found = m.version('tools')", "2.0"),
        ("import importlib.metadata as m; found = m.entry_points(group='tools.jobs')['job'].load().__name__", "Job"),
        ("import importlib.metadata as m; found = sorted(m.packages_distributions()['tools'])", ["tools"]),
        ("import importlib.metadata as m; found = m.distribution('alpha').version", "1.0"),
        ("import importlib.metadata as m; found = m.Distribution.from_name('tools').version", "2.0"),
        ("import importlib.metadata as m; found = [d.version for d in m.distributions(name='tools')]", ["2.0"]),
        ("from tools import work; found = work.LOGGER.name", "tools.work"),
        ("import logging, tools; found = logging.getLogger(tools.__name__).name", "tools"),
        ("import sys, tools; found = sys.modules['tools'] is tools", True),
        ("from tools import work; found = work.load_by_builtin('alpha').run is run", True),
        ("from tools import work; found = work.load('alpha').run is run", True),
        ("from tools import work; found = work.spec('alpha').name[-5:]", "alpha"),
        ("from tools import work; found = 'def run' in work.read('tools', 'work.py')", False),
        ("from tools import work; found = work.resolve('alpha:run') is run", True),
        ("from tools import work; import alpha; found = work.call(work.load, 'alpha') is alpha", True),
    ],
)
def test_names_of_libraries(alpha: Any, code: str, value: object) -> None:
    """In a plugin a library's names mean its private copy, and a library finds the plugin that calls it, by string."""
    found = alpha(code)
    assert found == value


def test_a_statement_never_means_a_plugin(alpha: Any) -> None:
    """An import statement in a library finds its own set and the host, and no plugin, whoever calls it."""
    with pytest.raises(ImportError, match=r"private libraries \(helper 1.0 and 1 more\) imports 'alpha', .*'alpha'"):
        alpha("from tools import work; work.alpha()")


def test_a_library_sees_no_other_plugin(open_realm: OpenRealm, alpha: Any) -> None:
    """By string too a library finds the plugin that calls it, not any other."""
    open_realm("beta", files="")
    with pytest.raises(ImportError, match="belongs to the plugin 'beta'"):
        alpha("from tools import work; work.load('beta')")


def test_a_namespace_of_three(open_realm: OpenRealm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one namespace package the plugin, a library and the host may each have a portion."""
    host = make_site(tmp_path, "acme-host", files={"acme/host.py": "WHO = 'host'"}, provides=["acme.host"])
    monkeypatch.syspath_prepend(str(host.path))
    files = {"acme/lib/__init__.py": "from acme import host\nWHO = 'lib'"}
    directory = make_libraries(tmp_path / "libraries", ("acme-lib", "1", files))
    object.__setattr__(directory.library_set.libraries[0], "provides", ("acme.lib",))
    text = "from acme import host, lib\nimport acme.lib, acme.alpha.sub\nFOUND = host.WHO, lib.WHO, lib.host is host\n"
    own = {"acme/alpha/__init__.py": text, "acme/alpha/sub.py": ""}
    realm = open_realm("alpha", files=own, provides=["acme.alpha"], libraries=directory)
    assert realm.load("acme.alpha").FOUND == ("host", "lib", True)
    plain = open_realm(
        "beta", files="import acme.lib, acme.host as h\nFOUND = acme.lib.WHO, h.WHO", libraries=directory
    )
    assert plain.load("beta").FOUND == ("lib", "host")


# ----------------------------------------------------------------------------------------------------------- sharing


def test_a_set_is_shared(open_realm: OpenRealm, libraries: LibraryDir, tmp_path: Path) -> None:
    """Plugins with the same set, and the next version of one, have the very same library modules; others do not."""
    text = "import tools, helper"
    first = open_realm("alpha", "1", text, libraries=libraries)
    modules = [first.load("alpha").tools]
    modules.append(open_realm("beta", "1", text, libraries=libraries).load("beta").tools)
    modules.append(open_realm("alpha", "2", text, libraries=libraries).load("alpha").tools)
    assert all(module is modules[0] for module in modules)
    other = make_libraries(tmp_path / "other", ("tools", "2.1", TOOLS), ("helper", "1.0", HELPER))
    assert open_realm("alpha", "3", text, libraries=other).load("alpha").tools is not modules[0]


def test_the_last_user_takes_it_along(open_realm: OpenRealm, libraries: LibraryDir) -> None:
    """A library realm is open while any plugin uses it, and collected after the last."""
    realms = [open_realm(name, files="import tools", libraries=libraries) for name in ("alpha", "beta")]
    library = realms[0].libraries
    assert library is not None
    module = weakref.ref(realms[0].load("alpha").tools)
    realms[0].close()
    realms[0].close()
    gc.collect()
    assert not library.closed
    assert library.alive()
    assert realms[1].load("beta").tools is module()
    realms[1].close()
    gc.collect()
    assert library.closed
    library.close()
    assert module() is None
    assert not library.alive()
    assert [name for name in sys.modules if name.startswith(library.name)] == []


def test_a_plugin_is_collected_without_its_libraries(open_realm: OpenRealm, libraries: LibraryDir) -> None:
    """Whether a plugin's realm is alive does not depend on its libraries, which others may use."""
    realm = open_realm("alpha", files="import tools", libraries=libraries)
    held = realm.load("alpha").tools
    realm.close()
    gc.collect()
    assert not realm.alive()
    assert realm.libraries is not None
    assert realm.libraries.alive()
    assert held.VERSION == "2.0"


def test_a_set_comes_back(open_realm: OpenRealm, libraries: LibraryDir) -> None:
    """After its last user a set is imported afresh."""
    first = open_realm("alpha", files="import tools", libraries=libraries)
    module = first.load("alpha").tools
    first.close()
    assert open_realm("alpha", files="import tools", libraries=libraries).load("alpha").tools is not module


def test_a_closed_realms_libraries(open_realm: OpenRealm, libraries: LibraryDir) -> None:
    """A library that is gone imports nothing of its own any more, and says so."""
    realm = open_realm("alpha", files={"alpha.py": RUN}, libraries=libraries)
    run = realm.load("alpha").run
    realm.close()
    with pytest.raises(ImportError, match=r"private libraries .* has been freed"):
        run("import tools.work")


# ------------------------------------------------------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import tools.absent", "No module named 'tools.absent'"),
        ("from tools import absent", "cannot import name 'absent' from 'tools'"),
        ("import tools; tools.absent", "module 'tools' has no attribute 'absent'"),
        ("from importlib import import_module as m; m('tools.absent')", "No module named 'tools.absent'"),
    ],
)
def test_errors_speak_plainly(open_realm: OpenRealm, libraries: LibraryDir, code: str, said: str) -> None:
    """An import from a library that fails names modules as their authors do."""
    with pytest.raises(LifecycleError) as caught:
        open_realm("alpha", files=code, libraries=libraries).load("alpha")
    assert said in str(caught.value)
    assert "hotswap.realms" not in str(caught.value)


def test_tracebacks_show_the_source(alpha: Any) -> None:
    """A traceback through a library shows its files and lines."""
    with pytest.raises(ValueError, match="no") as caught:
        alpha("from tools import work; work.fail()")
    text = "".join(traceback.format_exception(caught.value))
    assert 'raise ValueError("no")' in text
    assert "tools/work.py" in text


def test_who_executes_in_a_library(open_realm: OpenRealm, libraries: LibraryDir) -> None:
    """A thread that runs a library's function is told of."""
    realm = open_realm("alpha", files="from tools import work", libraries=libraries)
    work = realm.load("alpha").work
    assert realm.libraries is not None
    entered, leave = threading.Event(), threading.Event()

    def wait() -> None:
        entered.set()
        leave.wait()

    thread = threading.Thread(target=work.call, args=(wait,), name="worker")
    thread.start()
    entered.wait()
    report = realm.libraries.executing()
    leave.set()
    thread.join()
    assert [line.partition(" (")[0] for line in report] == ['thread "worker" running tools.work.call']
    assert realm.libraries.executing() == ()


def test_who_holds_a_library(open_realm: OpenRealm, libraries: LibraryDir, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who keeps an object of a closed library is named."""
    realm = open_realm("alpha", files="from tools import work", libraries=libraries)
    monkeypatch.setattr(logging, "hotswap_kept", realm.load("alpha").work.Job, raising=False)
    realm.close()
    gc.collect()
    assert realm.libraries is not None
    assert realm.libraries.holders() == ("host module logging, attribute hotswap_kept: class tools.work.Job",)


def test_a_decorated_function_holds_nothing(open_realm: OpenRealm, tmp_path: Path, monkeypatch: Any) -> None:
    """A wrapper of the standard library's around a library's own function is not told to be a holder."""
    text = "from contextlib import contextmanager\nclass Job:\n    @contextmanager\n    def run(self): yield\n"
    directory = make_libraries(tmp_path / "libraries", ("tools", "1", {"tools.py": text}))
    realm = open_realm("alpha", files="import tools", libraries=directory)
    monkeypatch.setattr(logging, "hotswap_kept", realm.load("alpha").tools.Job, raising=False)
    realm.close()
    gc.collect()
    assert realm.libraries is not None
    assert realm.libraries.holders() == ("host module logging, attribute hotswap_kept: class tools.Job",)


def test_what_libraries_enter_goes_with_them(open_realm: OpenRealm, tmp_path: Path) -> None:
    """Finders, hooks, warning filters, reducers, log handlers and filters of a library are gone when it is closed."""
    text = """
        import copyreg, functools, logging, sys, warnings
        class Handler(logging.Handler): ...
        class Word(Warning): ...
        class Finder:
            def find_spec(self, *args): return None
            def hook(self, path): raise ImportError
        def hook(path): raise ImportError
        sys.meta_path.append(Finder())
        sys.path_hooks.append(hook)
        sys.path_hooks.append(Finder().hook)
        warnings.filterwarnings("ignore", category=Word)
        copyreg.pickle(Word, hook)
        logging.getLogger(__name__).addHandler(Handler())
        logging.getLogger(__name__).addHandler(logging.NullHandler())
        logging.getLogger(__name__).addFilter(hook)
        logging.getLogger(__name__).addFilter(functools.partial(Finder().hook))
    """
    directory = make_libraries(tmp_path / "libraries", ("tools_that_enter", "1", {"tools_that_enter.py": text}))
    tables = (sys.meta_path, sys.path_hooks, warnings.filters, copyreg.dispatch_table)
    before = [list(table) for table in tables]
    realm = open_realm("alpha", files="import tools_that_enter", libraries=directory)
    before[0] = list(sys.meta_path)
    realm.load("alpha")
    logger = logging.getLogger("tools_that_enter")
    realm.close()
    gc.collect()
    before[0] = [each for each in before[0] if each in sys.meta_path]
    assert [list(table) for table in tables] == before
    assert [type(handler) for handler in logger.handlers] == [logging.NullHandler]
    assert logger.filters == []
    logger.handlers.clear()
    assert realm.libraries not in LIBRARIES.lingering()


OVERWRITES = """
    import codecs, copyreg, functools, multiprocessing.context as contexts, pickle
    class Word(str): ...
    class Context: ...
    def own(*args): return None
    @functools.wraps(pickle._Pickler.save_tuple)
    def wrapping(*args): ...
    pickle._Pickler.dispatch.update({Word: pickle._Pickler.save_str, str: own, tuple: wrapping, complex: own})
    contexts._concrete_contexts.update(spawn=Context(), ours=Context())
    copyreg.pickle(complex, own)
    codecs.register_error("overwritten", own)
    codecs.register_error("entered", own)
    codecs.register(own)
"""


def test_what_libraries_overwrite_comes_back(open_realm: OpenRealm, tmp_path: Path) -> None:
    """Where a library has overwritten something in a table of the standard library, it is there again afterwards."""
    codecs.register_error("overwritten", codecs.replace_errors)
    tables = (pickle._Pickler.dispatch, multiprocessing.context._concrete_contexts, copyreg.dispatch_table)  # type: ignore[attr-defined]
    before = [dict(table) for table in tables]
    realms = []
    for name in ("one", "two"):
        libraries = make_libraries(tmp_path / "libraries", (name, "1", {f"{name}.py": OVERWRITES}))
        realms.append(open_realm(f"uses-{name}", files=f"import {name}", libraries=libraries))
        realms[-1].load(f"uses-{name}")
    assert pickle._Pickler.dispatch[str].__module__ == "two"  # type: ignore[attr-defined]
    realms[1].close()
    assert pickle._dumps("text")  # type: ignore[attr-defined]
    realms[0].close()
    assert [dict(table) for table in tables] == before
    assert codecs.lookup_error("overwritten") is codecs.replace_errors
    with pytest.raises(LookupError):
        codecs.lookup_error("entered")
    assert codecs.lookup("utf_8").name == "utf-8"
    closed = {realm.libraries.name for realm in realms if realm.libraries is not None}
    del realms
    gc.collect()
    assert closed.isdisjoint(each.name for each in LIBRARIES.lingering())


def test_filters_that_are_gone_count_no_more(
    open_realm: OpenRealm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A warning that a library's filter has let pass is decided anew when the library is closed."""
    text = "import warnings\nclass Word(Warning): ...\nwarnings.filterwarnings('default', category=Word)\n"
    libraries = make_libraries(tmp_path / "libraries", ("words", "1", {"words.py": text}))
    realm = open_realm("alpha", files="from words import Word", libraries=libraries)
    word = realm.load("alpha").Word
    registry: dict[Any, Any] = {}
    monkeypatch.setattr(warnings, "showwarning", lambda *args: None)
    warnings.warn_explicit("said", word, "here.py", 1, registry=registry)
    realm.close()
    with pytest.raises(word, match="said"):
        warnings.warn_explicit("said", word, "here.py", 1, registry=registry)


def test_lingering_libraries(open_realm: OpenRealm, libraries: LibraryDir) -> None:
    """Closed libraries of which somebody keeps an object can be found, to ask who it is."""
    realm = open_realm("alpha", files="from tools import work", libraries=libraries)
    kept = realm.load("alpha").work.call
    assert realm.libraries not in LIBRARIES.lingering()
    realm.close()
    gc.collect()
    assert realm.libraries in LIBRARIES.lingering()
    assert kept.__qualname__ == "call"


# -------------------------------------------------------------------------------------------------- undeclared imports


@pytest.fixture
def warned(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    monkeypatch.setattr("hotswap.realm.undeclared._told", set())
    return caplog


def put_installed(directory: Path, name: str, files: Mapping[str, str]) -> Path:
    return make_site(directory, name, "0.5", {**files}).path


def test_an_undeclared_import_is_told_once(
    open_realm: OpenRealm, on_host: Path, warned: pytest.LogCaptureFixture
) -> None:
    """Importing a host package that nothing declares works, with one warning that names both and the way out."""
    text = "import helper, json\nfrom helper import HELP\nimport hotswap, alpha\n"
    for version in ("1", "2"):
        assert open_realm("alpha", version, text).load("alpha").HELP == "host"
    (record,) = [record for record in warned.records if record.name == "hotswap.realm"]
    assert record.getMessage() == (
        "alpha 1 imports helper, which it does not declare: add 'helper' to its dependencies (Requires-Dist), so that"
        " it gets a version that it works with; the host's is used"
    )


def test_what_is_installed_later(open_realm: OpenRealm, on_host: Path, warned: pytest.LogCaptureFixture) -> None:
    """What the host gets while it runs, beside what it had, is spoken of as well."""
    open_realm("alpha", files="import helper").load("alpha")
    directory = make_site(on_host, "helper", "0.5", "HELP = 'host'").path
    changed = directory.stat().st_mtime
    for each in make_site(on_host, "late", files={"late.py": ""}).path.iterdir():
        each.rename(directory / each.name)
    os.utime(directory, (changed, changed + 1))  # however coarse the system's clock is
    open_realm("beta", files="import late").load("beta")
    del sys.modules["late"]
    assert [record.args[1] for record in warned.records if isinstance(record.args, tuple)] == ["helper", "late"]


@pytest.mark.parametrize(("requires", "told"), [(["Helper>=0.1"], 0), (["tools"], 1)])
def test_declared_imports(
    open_realm: OpenRealm, on_host: Path, warned: pytest.LogCaptureFixture, requires: list[str], told: int
) -> None:
    """What a plugin declares it may import."""
    open_realm("alpha", files="import helper", requires=requires).load("alpha")
    assert len(warned.records) == told


def test_the_programs_own_modules(
    open_realm: OpenRealm, tmp_path: Path, warned: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Modules of the program itself, which no distribution brings, and libraries' imports are not spoken of."""
    (tmp_path / "ownapp.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "ownapp", raising=False)
    directory = make_libraries(tmp_path / "libraries", ("tools", "1", {"tools.py": "import ownapp, packaging"}))
    open_realm("alpha", files="import ownapp, tools", libraries=directory).load("alpha")
    assert warned.records == []


def test_modules_that_only_the_host_may_have(
    open_realm: OpenRealm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No private setuptools is imported: it would take the place of distutils. One that is only there does no harm."""
    directory = make_libraries(
        tmp_path / "libraries", ("setuptools", "1", {"setuptools/__init__.py": "", "_distutils_hack/__init__.py": ""})
    )
    alpha = open_realm("alpha", files={"alpha.py": RUN}, libraries=directory).load("alpha").run
    for name in ("setuptools", "_distutils_hack"):
        with pytest.raises(
            ImportError, match=f"{name} cannot be private, because .*: let the host provide setuptools$"
        ):
            alpha(f"import {name}")
