"""A realm's import statement: own names to the realm, other plugins' refused, the rest to the host."""

from __future__ import annotations

import builtins
import dataclasses
import enum
import inspect
import os
import pickle
import py_compile
import subprocess
import sys
import sysconfig
import threading
import traceback
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest
from realmkit import OpenRealm, make_site, open_realm

from hotswap import realms
from hotswap.errors import LifecycleError
from hotswap.realm.finder import FINDER

__all__ = ["open_realm"]

PACKAGE = {
    "alpha/__init__.py": "from . import jobs\nNAME = __name__\n",
    "alpha/jobs.py": "import alpha\nfrom alpha.deep.tool import TOOL\nfrom .deep import tool as same\n",
    "alpha/deep/__init__.py": "",
    "alpha/deep/tool.py": "TOOL = 'tool'\nfrom ..version import VERSION\n",
    "alpha/version.py": "VERSION = 1\n",
    "alpha/late.py": "LATE = True\n",
}


@pytest.fixture
def host_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory from which the host can import, until the test ends."""
    path = tmp_path / "host"
    path.mkdir()
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(path))
    yield path
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if file.startswith(str(path)) or name.partition(".")[0] == "shared_ns":
            del sys.modules[name]


def put(root: Path, **files: str) -> None:
    for name, text in files.items():
        target = root / (name.replace("__slash__", "/") + ".py")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


# ------------------------------------------------------------------------------------------------- the own modules


def test_two_versions_side_by_side(open_realm: OpenRealm) -> None:
    """Two versions of one plugin keep each to its own modules, also in imports that run late."""
    text = "VERSION = {}\ndef late():\n    import helper\n    return helper.VERSION\n"
    sites = [
        open_realm("alpha", str(n), {"alpha.py": text.format(n), "helper.py": f"VERSION = {n}"}).load("alpha")
        for n in (1, 2)
    ]
    assert [(module.VERSION, module.late()) for module in sites] == [(1, 1), (2, 2)]
    assert "alpha" not in sys.modules
    assert "helper" not in sys.modules


def test_one_site_dir_in_two_realms(open_realm: OpenRealm, tmp_path: Path) -> None:
    """A rebound plugin gets fresh modules from the same site dir, beside those it had."""
    site = make_site(tmp_path, "alpha", files=PACKAGE)
    first, second = open_realm(site), open_realm(site)
    old, new = first.load("alpha"), second.load("alpha")
    assert old is not new
    assert old.__file__ == new.__file__
    first.close()
    assert new.jobs.TOOL == "tool"
    assert second.load("alpha.late").LATE


def test_full_names(open_realm: OpenRealm) -> None:
    """A module carries its full name, its real file, and stands in sys.modules under that name."""
    realm = open_realm("alpha", files=PACKAGE)
    module = realm.load("alpha.deep.tool")
    assert module.__name__ == f"hotswap.realms.{realm.id}.alpha.deep.tool"
    assert sys.modules[module.__name__] is module
    assert Path(module.__file__) == realm.site.path / "alpha/deep/tool.py"
    assert getattr(realms, realm.id).alpha.deep.tool is module


@pytest.mark.parametrize(
    ("statement", "expression", "value"),
    [
        ("import alpha.deep.tool", "alpha.deep.tool.TOOL", "tool"),
        ("import alpha.deep.tool as t", "t.TOOL", "tool"),
        ("from alpha.deep import tool", "tool.TOOL", "tool"),
        ("from alpha.deep.tool import *", "TOOL", "tool"),
        ("from .deep.tool import TOOL as t", "t", "tool"),
        ("from . import late", "late.LATE", True),
        ("t = __import__('alpha.deep.tool')", "t.__name__.rpartition('.')[2]", "alpha"),
        ("t = __import__('alpha.deep.tool', None, None, ['TOOL'])", "t.TOOL", "tool"),
        ("t = __import__('deep.tool', globals(), level=1)", "t.tool.TOOL", "tool"),
        ("t = __import__('decoder', {'__package__': 'json'}, None, ['x'], 1)", "t.__name__", "json.decoder"),
        ("exec('from alpha.late import LATE as t')", "t", True),
        ("t = eval(\"__import__('alpha').late\")", "t.LATE", True),
        ("import builtins; t = builtins.__import__('alpha')", "t.late.LATE", True),
        ("import json", "json.loads('1')", 1),
        ("import os.path", "os.path.sep", os.path.sep),
        ("from json import *", "loads('2')", 2),
    ],
)
def test_import_forms(open_realm: OpenRealm, statement: str, expression: str, value: object) -> None:
    """Every form of import inside a realm finds the realm's modules, and the host's where they are not its own."""
    files = {**PACKAGE, "alpha/form.py": f"from alpha import late\n{statement}\nVALUE = {expression}\n"}
    found = open_realm("alpha", files=files).load("alpha.form").VALUE
    assert found == value


def test_star_import_follows_all(open_realm: OpenRealm) -> None:
    """`from package import *` imports the submodules that `__all__` names."""
    files = {"alpha/__init__.py": "__all__ = ['sub']", "alpha/sub.py": "", "top.py": "from alpha import *\nsub\n"}
    assert open_realm("alpha", files=files).load("top").sub.__name__.endswith("alpha.sub")


def test_circular_imports(open_realm: OpenRealm) -> None:
    """Modules of a plugin may import one another in a circle, as far as Python lets them."""
    files = {
        "alpha/__init__.py": "import alpha.a\n",
        "alpha/a.py": "import alpha.b as b\ndef here(): return b.there()\n",
        "alpha/b.py": "import alpha.a as a\nfrom alpha import a as again\ndef there(): return a is again\n",
    }
    assert open_realm("alpha", files=files).load("alpha").a.here() is True


def test_module_getattr(open_realm: OpenRealm) -> None:
    """A module's own `__getattr__` serves imports from it, and may import lazily."""
    files = {
        "alpha/__init__.py": "def __getattr__(name):\n    import importlib\n"
        "    if name.startswith('__'): raise AttributeError(name)\n"
        "    return importlib.import_module(f'.{name}', __name__)\n",
        "alpha/lazy.py": "LAZY = 1",
        "top.py": "from alpha import lazy\n",
    }
    assert open_realm("alpha", files=files).load("top").lazy.LAZY == 1


def test_module_replaces_itself(open_realm: OpenRealm) -> None:
    """A module that puts something else in its place in sys.modules is imported as that."""
    files = {"alpha.py": "import sys\nclass Self: X = 1\nsys.modules[__name__] = Self()\n", "top.py": "import alpha\n"}
    assert open_realm("alpha", files=files).load("top").alpha.X == 1


def test_threads_import_at_once(open_realm: OpenRealm) -> None:
    """Threads that import the same module at once run it once and all get it whole."""
    gate = threading.Barrier(8)
    realm = open_realm("alpha", files={"alpha.py": "import runs\nruns.note()\nDONE = 1\n", "runs.py": RUNS})
    realm.load("runs")
    seen: list[object] = []

    def work() -> None:
        gate.wait()
        seen.append(realm.load("alpha").DONE)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1] * 8
    assert realm.load("runs").COUNT == [1]


RUNS = "COUNT = []\ndef note(): COUNT.append(1)\n"


def test_reload_of_an_own_module(open_realm: OpenRealm) -> None:
    """`importlib.reload` runs one of the realm's modules again, in the realm."""
    text = "import importlib\nRUNS = globals().get('RUNS', 0) + 1\nimport helper\ndef again(m): importlib.reload(m)\n"
    module = open_realm("alpha", files={"alpha.py": text, "helper.py": ""}).load("alpha")
    module.again(module)
    assert module.RUNS == 2


def test_load_an_attribute(open_realm: OpenRealm) -> None:
    """An entry point may name an object deep inside a module."""
    realm = open_realm("alpha", files="class A:\n    class B:\n        x = 3\n")
    assert realm.load("alpha", "A.B.x") == 3


@pytest.mark.parametrize(
    ("text", "attribute", "said"),
    [
        ("1/0", "", "importing alpha raised ZeroDivisionError: division by zero"),
        ("raise SystemExit('bye')", "", "importing alpha raised SystemExit: bye"),
        ("", "absent", "absent"),
        ("import absent_module", "", "No module named 'absent_module'"),
    ],
)
def test_load_failure(open_realm: OpenRealm, text: str, attribute: str, said: str) -> None:
    """What a plugin's module raises comes out as an error that names the plugin, with the exception as its cause."""
    with pytest.raises(LifecycleError, match=said) as caught:
        open_realm("alpha", files=text).load("alpha", attribute)
    assert caught.value.plugin == "alpha"
    assert caught.value.__cause__ is not None
    assert "hotswap.realms" not in str(caught.value)


def test_keyboard_interrupt_passes(open_realm: OpenRealm) -> None:
    """Ctrl-C during an import is nobody's fault and passes through."""
    with pytest.raises(KeyboardInterrupt):
        open_realm("alpha", files="raise KeyboardInterrupt").load("alpha")


@pytest.mark.parametrize(
    ("statement", "message", "name"),
    [
        ("import alpha.absent", "No module named 'alpha.absent'", "alpha.absent"),
        ("import alpha.late.absent", "'alpha.late' is not a package", "alpha.late.absent"),
        ("from .absent import x", "No module named 'alpha.absent'", "alpha.absent"),
        ("from alpha import absent", "cannot import name 'absent' from 'alpha'", "alpha"),
        ("from importlib import import_module as m; m('alpha.absent')", "'alpha.absent'", "alpha.absent"),
        ("from importlib import import_module as m; m('.absent', 'alpha')", "'alpha.absent'", "alpha.absent"),
        ("from importlib import import_module as m; m('..late', 'alpha')", "beyond top-level package", None),
        ("from ... import x", "beyond top-level package", None),
        ("import absent_module", "No module named 'absent_module'", "absent_module"),
    ],
)
def test_errors_use_the_plugins_names(open_realm: OpenRealm, statement: str, message: str, name: str | None) -> None:
    """An import that fails names modules as the plugin writes them."""
    files = {**PACKAGE, "alpha/deep/bad.py": statement.replace("from .absent", "from ..absent") + "\n"}
    if statement == "from ... import x":
        files["alpha/deep/bad.py"] = statement
    with pytest.raises(LifecycleError) as caught:
        open_realm("alpha", files=files).load("alpha.deep.bad")
    cause = caught.value.__cause__
    assert isinstance(cause, ImportError)
    assert message in str(cause)
    assert "hotswap.realms" not in str(cause)
    assert cause.name == name


@pytest.mark.parametrize("statement", ["from . import helper", "from .. import realms", "from ..other import x"])
def test_top_level_module_has_no_parent(open_realm: OpenRealm, statement: str) -> None:
    """A relative import in a top-level module fails as it does outside, and never climbs out of the realm."""
    with pytest.raises(LifecycleError, match="attempted relative import with no known parent package"):
        open_realm("alpha", files={"alpha.py": statement, "helper.py": ""}).load("alpha")


def test_import_error_without_words(open_realm: OpenRealm) -> None:
    """An ImportError that a plugin raises without a message or name passes as it is."""
    with pytest.raises(LifecycleError) as caught:
        open_realm("alpha", files={"alpha.py": "import bad", "bad.py": "raise ImportError"}).load("alpha")
    assert caught.value.__cause__.args == ()  # type: ignore[union-attr]


# ------------------------------------------------------------------------------------------- the language inside


LANGUAGE = """
from __future__ import annotations
import dataclasses, enum, typing, inspect, sys
class Colour(enum.Enum):
    RED = 1
@dataclasses.dataclass(slots=True)
class Point:
    colour: Colour
    extra: typing.ClassVar[int] = 3
def here(): return inspect.currentframe().f_code.co_filename
def fails(): raise KeyError('x')
def hints(): return typing.get_type_hints(Point)
def self_(): return sys.modules[__name__]
def run(code, **names): exec(code, names); return names
"""


def test_the_language_needs_nothing(open_realm: OpenRealm) -> None:
    """Dataclasses, annotations as text, enums, inspect and tracebacks work on a realm's code as on any other."""
    realm = open_realm("alpha", files=LANGUAGE)
    module = realm.load("alpha")
    assert module.hints()["colour"] is module.Colour
    assert [field.name for field in dataclasses.fields(module.Point)] == ["colour"]
    assert typing.get_type_hints(module.Point)["colour"] is module.Colour
    assert module.self_() is module
    assert issubclass(module.Colour, enum.Enum)
    assert inspect.getsource(module.here).startswith("def here")
    assert inspect.getmodule(module.Point) is module
    assert inspect.getfile(module.Point) == module.here() == module.__file__
    with pytest.raises(KeyError) as caught:
        module.fails()
    assert "def fails(): raise KeyError('x')" in "".join(traceback.format_exception(caught.value))


def test_pickles_within_one_version(open_realm: OpenRealm) -> None:
    """Objects of a realm can be pickled and read back while it is open, by their full names."""
    module = open_realm("alpha", files=LANGUAGE).load("alpha")
    again = pickle.loads(pickle.dumps(module.Point(module.Colour.RED)))
    assert again == module.Point(module.Colour.RED)
    assert again.colour is module.Colour.RED


def test_exec_gets_the_realms_import(open_realm: OpenRealm) -> None:
    """Code that a plugin runs by `exec` in an empty namespace imports as the plugin itself does."""
    module = open_realm("alpha", files={"alpha.py": LANGUAGE, "helper.py": "X = 5"}).load("alpha")
    assert module.run("import helper; x = helper.X")["x"] == 5


def test_frame_lookup_survives_a_rebinding(open_realm: OpenRealm, tmp_path: Path) -> None:
    """After a realm has gone, inspect finds the module of a code object in the one that took its place."""
    site = make_site(tmp_path, "alpha", files=LANGUAGE)
    first = open_realm(site)
    assert inspect.getmodule(first.load("alpha").here.__code__).__name__ == first.prefix + "alpha"  # type: ignore[union-attr]
    first.close()
    second = open_realm(site).load("alpha")
    assert inspect.getmodule(second.here.__code__) is second


def test_builtins_written_by_a_plugin(open_realm: OpenRealm) -> None:
    """What a plugin hangs into the builtins module is there for its own code and for nobody else."""
    text = "import builtins\nbuiltins.hotswap_test_word = 1\nVALUE = hotswap_test_word\nLEN = builtins.len('ab')\n"
    module = open_realm("alpha", files=text).load("alpha")
    assert (module.VALUE, module.LEN) == (1, 2)
    assert not hasattr(builtins, "hotswap_test_word")


def test_sourceless_module(open_realm: OpenRealm, tmp_path: Path) -> None:
    """A module that comes as byte code only is loaded with the realm's import too."""
    source = tmp_path / "alpha.py"
    source.write_text("import helper\nX = helper.X\n")
    code = Path(py_compile.compile(str(source), cfile=str(tmp_path / "alpha.pyc"), doraise=True) or "").read_bytes()
    assert open_realm("alpha", files={"alpha.pyc": code, "helper.py": "X = 7"}).load("alpha").X == 7


def test_nothing_is_written(open_realm: OpenRealm) -> None:
    """Importing leaves a site dir as it was: no byte code is written into it."""
    realm = open_realm("alpha", files=PACKAGE)
    before = sorted(realm.site.path.rglob("*"))
    realm.load("alpha")
    assert sorted(realm.site.path.rglob("*")) == before


def test_byte_code_is_used(open_realm: OpenRealm, tmp_path: Path) -> None:
    """Byte code that lies in the site dir is run in place of the source."""
    site = make_site(tmp_path, "alpha", files="X = 'source'\n")
    source = site.path / "alpha.py"
    other = tmp_path / "other.py"
    other.write_text("X = 'binary'\n")
    cached = Path(
        py_compile.compile(str(other), doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
        or ""
    )
    target = source.parent / "__pycache__" / cached.name.replace("other", "alpha")
    target.parent.mkdir()
    target.write_bytes(cached.read_bytes())
    assert open_realm(site).load("alpha").X == "binary"


# ---------------------------------------------------------------------------------------------- other plugins


FOREIGN_FORMS = [
    "import beta",
    "import beta.tools",
    "import beta.tools as b",
    "from beta import tools",
    "from beta.tools import X",
    "from beta import *",
    "__import__('beta')",
    "import importlib; importlib.import_module('beta')",
    "import importlib; importlib.import_module('.tools', 'beta')",
    "from importlib import __import__ as i; i('beta')",
    "import builtins; builtins.__import__('beta')",
    "import importlib.resources; importlib.resources.files('beta')",
    "import pkgutil; pkgutil.resolve_name('beta.tools:X')",
    "import pkgutil; pkgutil.resolve_name('beta.tools.X')",
    "import pkgutil; pkgutil.get_data('beta', 'tools.py')",
    "exec('import beta')",
]
BETA = {"beta/__init__.py": "", "beta/tools.py": "X = 1"}


@pytest.mark.parametrize("in_host", [False, True])
@pytest.mark.parametrize("statement", FOREIGN_FORMS)
def test_another_plugins_package(open_realm: OpenRealm, host_path: Path, statement: str, in_host: bool) -> None:
    """Importing another plugin's package fails in every form and says to use import_(), also where the host has it."""
    if in_host:
        put(host_path, beta__slash____init__="", beta__slash__tools="X = 1")
    open_realm("beta", files=BETA, in_host=in_host)
    with pytest.raises(LifecycleError) as caught:
        open_realm("alpha", files=statement).load("alpha")
    cause = caught.value.__cause__
    assert isinstance(cause, ImportError)
    assert "alpha 1.0 imports 'beta" in str(cause)
    assert "belongs to the plugin 'beta'" in str(cause)
    assert "import_()" in str(cause)
    assert "beta" not in sys.modules


@pytest.mark.parametrize("there", ["on disk", "imported", "without a spec"])
def test_a_name_of_the_hosts_own(
    open_realm: OpenRealm, host_path: Path, monkeypatch: pytest.MonkeyPatch, there: str
) -> None:
    """A module that the host has by itself stays the host's, whatever plugin brings one of the same name."""
    put(host_path, common="X = 'host'")
    if there != "on disk":
        module = type(sys)("common")
        module.X = "host"  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "common", module)
        if there == "imported":
            monkeypatch.delitem(sys.modules, "common")
            __import__("common")
    open_realm("beta", files={"beta.py": "", "common.py": "X = 'beta'"})
    assert open_realm("alpha", files="from common import X").load("alpha").X == "host"


def test_a_module_both_plugins_bring(open_realm: OpenRealm) -> None:
    """Two plugins that bring a module of the same name have each its own, by statement and by find_spec."""
    text = "import common\nfrom importlib.util import find_spec\nFILE = find_spec('common').origin\nX = common.X\n"
    found = [
        open_realm(name, files={f"{name}.py": text, "common.py": f"X = {name!r}"}).load(name)
        for name in ("alpha", "beta")
    ]
    assert [module.X for module in found] == ["alpha", "beta"]
    assert ["alpha-1.0" in found[0].FILE, "beta-1.0" in found[1].FILE] == [True, True]


def test_what_an_older_version_had(open_realm: OpenRealm) -> None:
    """A module that only the plugin's older version brings is simply not there."""
    open_realm("alpha", "1", {"alpha.py": "", "gone.py": ""})
    with pytest.raises(LifecycleError, match="No module named 'gone'"):
        open_realm("alpha", "2", "import gone").load("alpha")


def test_a_closed_plugins_name_is_free(open_realm: OpenRealm) -> None:
    """Once a plugin's last realm is closed its names are nobody's."""
    open_realm("beta", files=BETA).close()
    with pytest.raises(LifecycleError, match="No module named 'beta'"):
        open_realm("alpha", files="import beta").load("alpha")


# ------------------------------------------------------------------------------------------ namespace packages


def ns(name: str, text: str = "") -> dict[str, str]:
    return {f"shared_ns/{name}/__init__.py": text, f"shared_ns/{name}/sub.py": f"X = '{name}'\n"}


@pytest.mark.parametrize(
    ("statement", "expression", "value"),
    [
        ("import shared_ns.alpha.sub", "shared_ns.alpha.sub.X", "alpha"),
        ("import shared_ns.host.sub", "shared_ns.host.sub.X", "host"),
        ("import shared_ns.host.sub, shared_ns.alpha.sub", "shared_ns.host.sub.X + shared_ns.alpha.sub.X", "hostalpha"),
        ("from shared_ns.host import sub", "sub.X", "host"),
        ("from shared_ns.host.sub import X", "X", "host"),
        ("from shared_ns import host, alpha", "(host.HOST, alpha.__name__.rpartition('.')[2])", (1, "alpha")),
        ("from shared_ns import host; from shared_ns import host as h", "h is host", True),
        ("from shared_ns import *", "1", 1),
        ("import shared_ns", "shared_ns.__name__.startswith('hotswap')", True),
        ("from .. import host", "host.HOST", 1),
        ("from ..host.sub import X", "X", "host"),
        ("from ..alpha.sub import X", "X", "alpha"),
        ("from importlib import import_module as m", "m('shared_ns.host').HOST", 1),
        ("from importlib import import_module as m", "m('..host.sub', __package__).X", "host"),
        ("from importlib.util import find_spec as f", "f('shared_ns.host').name", "shared_ns.host"),
        ("from importlib.util import find_spec as f", "f('shared_ns.absent')", None),
        ("from importlib.util import find_spec as f", "f('shared_ns').loader is not None", True),
    ],
)
def test_namespace_shared_with_the_host(
    open_realm: OpenRealm, host_path: Path, statement: str, expression: str, value: object
) -> None:
    """Of a namespace package, plugin and host have each their portions, and the plugin reaches both."""
    put(host_path, shared_ns__slash__host__slash____init__="HOST = 1", shared_ns__slash__host__slash__sub="X = 'host'")
    files = {**ns("alpha"), "shared_ns/alpha/form.py": f"{statement}\nVALUE = {expression}\n"}
    realm = open_realm("alpha", files=files, provides=["shared_ns.alpha"])
    found = realm.load("shared_ns.alpha.form").VALUE
    assert found == value
    assert "shared_ns.alpha" not in sys.modules


def test_find_spec_where_the_host_lacks_the_namespace(open_realm: OpenRealm) -> None:
    """What nobody provides below a plugin's namespace package is absent, not an error."""
    text = "from importlib.util import find_spec\nVALUE = find_spec('shared_ns.absent')\n"
    realm = open_realm("alpha", files=ns("alpha", text), provides=["shared_ns.alpha"])
    assert realm.load("shared_ns.alpha").VALUE is None


@pytest.mark.parametrize(
    "statement",
    [
        "import shared_ns.absent",
        "from shared_ns import absent",
        "from shared_ns.absent import x",
        "from .. import absent",
    ],
)
def test_absent_from_a_namespace(open_realm: OpenRealm, statement: str) -> None:
    """A portion that nobody has is missing by its plain name."""
    files = {**ns("alpha"), "shared_ns/alpha/form.py": statement}
    with pytest.raises(LifecycleError, match="No module named 'shared_ns") as caught:
        open_realm("alpha", files=files, provides=["shared_ns.alpha"]).load("shared_ns.alpha.form")
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


@pytest.mark.parametrize(
    "statement",
    ["import shared_ns.beta", "from shared_ns import beta", "from shared_ns.beta import sub", "from .. import beta"],
)
def test_namespace_shared_by_two_plugins(open_realm: OpenRealm, statement: str) -> None:
    """The portion of another plugin is another plugin's package, though they share the namespace."""
    open_realm("beta", files=ns("beta"), provides=["shared_ns.beta"])
    realm = open_realm(
        "alpha", files={**ns("alpha"), "shared_ns/alpha/form.py": statement}, provides=["shared_ns.alpha"]
    )
    with pytest.raises(LifecycleError, match=r"imports 'shared_ns\.beta.*' which belongs to the plugin 'beta'|'beta'"):
        realm.load("shared_ns.alpha.form")
    assert realm.load("shared_ns.alpha.sub").X == "alpha"


def test_namespace_module_of_a_plugin_without_one(open_realm: OpenRealm) -> None:
    """A plugin outside the namespace is refused too where the foreign package stands in the fromlist only."""
    open_realm("beta", files=ns("beta"), provides=["shared_ns.beta"])
    with pytest.raises(LifecycleError, match="belongs to the plugin 'beta'"):
        open_realm("alpha", files="from shared_ns import beta").load("alpha")


# ------------------------------------------------------------------------------------------------ the finder


def test_the_finder_stands_while_a_realm_is_open(open_realm: OpenRealm) -> None:
    """The one finder is first on sys.meta_path exactly while a realm is open."""
    assert FINDER not in sys.meta_path
    first, second = open_realm("alpha", files=""), open_realm("beta", files="")
    assert sys.meta_path.count(FINDER) == 1
    assert sys.meta_path[0] is FINDER
    first.close()
    assert FINDER in sys.meta_path
    second.close()
    assert FINDER not in sys.meta_path
    first.close()
    FINDER.remove(first)
    assert FINDER not in sys.meta_path


def test_the_finder_answers_for_realms_only(open_realm: OpenRealm) -> None:
    """Names outside, realms themselves and realms that are not open are not the finder's."""
    realm = open_realm("alpha", files="")
    FINDER.invalidate_caches()
    assert FINDER.find_spec("alpha", None) is None
    assert FINDER.find_spec(realm.name, realms.__path__) is None
    assert FINDER.find_spec("hotswap.realms.none.alpha", []) is None
    assert FINDER.find_spec(realm.prefix + "alpha", None) is None
    assert FINDER.find_spec(realm.prefix + "alpha", [realm.path]) is not None


def test_path_extended_by_the_plugin(open_realm: OpenRealm, tmp_path: Path) -> None:
    """A package that lengthens its `__path__` finds modules there, with the realm's import."""
    (tmp_path / "more").mkdir()
    (tmp_path / "more/extra.py").write_text("import alpha\nX = alpha.Y\n")
    text = f"Y = 4\n__path__.append({str(tmp_path / 'more')!r})\nfrom . import extra\n"
    assert open_realm("alpha", files={"alpha/__init__.py": text}).load("alpha").extra.X == 4


# ---------------------------------------------------------------------------------------------- extension modules


COUNTER = """
#include <Python.h>
static long count = 0;
static PyObject *tick(PyObject *self, PyObject *none) { return PyLong_FromLong(++count); }
static PyMethodDef methods[] = {{"tick", tick, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static PyModuleDef_Slot slots[] = {{0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "counter", NULL, 0, methods, slots, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_counter(void) { return PyModuleDef_Init(&definition); }
"""


def compiled(directory: Path, source: str) -> bytes:
    compiler = (sysconfig.get_config_var("CC") or "cc").split()
    (directory / "counter.c").write_text(source)
    target = directory / "counter.so"
    include = sysconfig.get_paths()["include"]
    command = [*compiler, "-shared", "-fPIC", f"-I{include}", str(directory / "counter.c"), "-o", str(target)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no C compiler that can build extension modules: {error}")
    return target.read_bytes()


def test_extension_modules(open_realm: OpenRealm, tmp_path: Path) -> None:
    """An extension module copied into two site dirs has a state of its own in each realm."""
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    code = compiled(tmp_path, COUNTER)
    files: dict[str, str | bytes] = {
        "alpha/__init__.py": "from alpha.counter import tick",
        f"alpha/counter{suffix}": code,
    }
    first = open_realm("alpha", "1", files).load("alpha")
    second = open_realm("alpha", "2", files).load("alpha")
    assert [first.tick(), first.tick(), second.tick()] == [1, 2, 1]
    assert "alpha.counter" not in sys.modules


def test_byte_code_is_found_where_the_host_keeps_its_own_elsewhere(
    open_realm: OpenRealm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `sys.pycache_prefix` set, the byte code that the store has made is used all the same."""
    site = make_site(tmp_path, "alpha", "1.0", {"alpha_plugin.py": "VALUE = 1", "plain.py": "VALUE = 3"})
    source = site.path / "alpha_plugin.py"
    py_compile.compile(str(source), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    source.write_text("VALUE = 2")
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "elsewhere"))
    assert open_realm(site).load("alpha_plugin").VALUE == 1
    assert open_realm(site).load("plain").VALUE == 3
    assert not (tmp_path / "elsewhere").exists()
