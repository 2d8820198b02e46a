"""What the source of a plugin shows of its seven functions and of the plugins it imports."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest
from wheelmaker import make_wheel, plugin_source

from hotswap.errors import WheelError
from hotswap.wheel import inspect_wheel

NO_ON_LOAD = {"on_load": ""}


def faults(path: Path) -> list[str]:
    try:
        inspect_wheel(path)
    except WheelError as error:
        return [str(fault) for fault in error.faults]
    return []


# ------------------------------------------------------------------------------------------- missing, or not shown


def test_missing(tmp_path: Path) -> None:
    """Every function that is missing is named, with the way it is written."""
    assert faults(make_wheel(tmp_path, "alpha", files="x = 1")) == [
        "alpha_plugin.py: has no function on_load (write def on_load(data))",
        "alpha_plugin.py: has no function on_init (write def on_init(vault))",
        "alpha_plugin.py: has no function on_free (write def on_free())",
        "alpha_plugin.py: has no function export (write def export())",
        "alpha_plugin.py: has no function import_ (write def import_())",
        "alpha_plugin.py: has no function invoke_func (write def invoke_func(name, *args, **kwargs))",
        "alpha_plugin.py: has no function reloadable (write def reloadable())",
    ]


BOUND = {
    "assignment": "on_load = print",
    "annotated assignment": "on_load: object = print",
    "lambda": "on_load = lambda data: None",
    "tuple assignment": "on_load, other = print, print",
    "import": "from json import dump as on_load",
    "plain import": "import json as on_load",
    "star import": "from json import *",
    "class": "class on_load: ...",
    "condition": "if print:\n    def on_load(data): ...",
    "try": "try:\n    from fast import on_load\nexcept ImportError as error:\n    on_load = print",
    "exception": "try: ...\nexcept ValueError as on_load: ...",
    "loop": "for on_load in [print]: ...",
    "with": "with open('x') as on_load: ...",
    "walrus": "print(on_load := print)",
    "walrus in a default": "def f(x=(on_load := print)): ...",
    "match": "match print:\n    case on_load: ...",
    "match of a rest": "match {}:\n    case {**on_load}: ...",
    "match of a list": "match []:\n    case [*on_load]: ...",
    "global statement": "def make():\n    global on_load\n    on_load = print\nmake()",
    "attribute of some object": "import alpha_plugin\nalpha_plugin.on_load = print",
    "module __getattr__": "def __getattr__(name): return print",
    "assigned __getattr__": "__getattr__ = print",
    "imported __getattr__": "from lazy import attach as __getattr__",
    "globals()": "globals()['on_load'] = print",
    "globals().update": "globals().update(on_load=print)",
    "globals() passed on": "print(globals())",
    "vars()": "vars()['on_load'] = print",
    "exec": "exec('def on_load(data): ...')",
    "setattr": "import sys\nsetattr(sys.modules[__name__], 'on_load', print)",
    "sys.modules": "from sys import modules\nmodules['alpha_plugin'].__dict__['on_load'] = print",
    "members of an enumeration": "import enum\n@enum.global_enum\nclass E(enum.Enum): on_load = print",
    "its own name passed on": "import helper\nhelper.install(__name__)",
    "hookimpl": "import hotswap\n@hotswap.hookimpl(specname='on_load')\ndef boot(data): ...",
    "hookimpl of an unknown name": "import hotswap\n@hotswap.hookimpl(specname=NAME)\ndef boot(data): ...",
    "hookimpl as a function": "from hotswap import hookimpl\nboot = hookimpl(specname='on_load')(print)",
}


@pytest.mark.parametrize("source", BOUND.values(), ids=BOUND)
def test_bound_somehow(tmp_path: Path, source: str) -> None:
    """A function that is bound in a way the source does not show for certain is left to the load."""
    assert faults(make_wheel(tmp_path, "alpha", files=plugin_source(source, **NO_ON_LOAD))) == []


UNBOUND = {
    "annotation alone": "on_load: object",
    "inside a function": "def make():\n    def on_load(data): ...\n    x = [on_load for y in ()]",
    "inside a class": "class Plugin:\n    def on_load(self, data): ...",
    "reading globals()": "def f(x): return globals()[x] or globals().get(x) or x in globals()",
    "its own name for a logger": "import logging\nlog = logging.getLogger(__name__)",
    "its own name compared": "if __name__ == '__main__': print('no')",
    "hookimpl without a specname": "import hotswap\n@hotswap.hookimpl\ndef boot(data): ...",
    "calls of everything": "(lambda: print)()(end='')\ntry: ...\nexcept ValueError: ...",
}


@pytest.mark.parametrize("source", UNBOUND.values(), ids=UNBOUND)
def test_not_bound(tmp_path: Path, source: str) -> None:
    """What does not bind a name in the module does not hide that a function is missing."""
    (fault,) = faults(make_wheel(tmp_path, "alpha", files=plugin_source(source, **NO_ON_LOAD)))
    assert "has no function on_load" in fault


def test_marked_in_another_module(tmp_path: Path) -> None:
    """A function that another module of the wheel may mark as one of the seven is not called missing."""
    files = {
        "alpha_plugin.py": plugin_source("from alpha_lib import boot", **NO_ON_LOAD),
        "alpha_lib.py": "import hotswap\n@hotswap.hookimpl(specname='on_load')\ndef boot(data): ...",
    }
    assert faults(make_wheel(tmp_path, "alpha", files=files)) == []


@pytest.mark.parametrize("submodule", ["alpha/export.py", "alpha/export/x.py", "alpha/export.abi3.so"])
def test_submodule(tmp_path: Path, submodule: str) -> None:
    """A submodule of that name, once imported, is bound in its package, whatever the package's own source binds."""
    for number, text in enumerate(("", "def export(wrong): ...")):
        files = {"alpha/__init__.py": plugin_source(export=text), submodule: ""}
        assert faults(make_wheel(tmp_path / str(number), "alpha", files=files)) == []


# ---------------------------------------------------------------------------------------------------- signatures

WRONG = {
    "on_load without data": {"on_load": "def on_load(): ..."},
    "on_load with more": {"on_load": "def on_load(data, more): ..."},
    "on_load by keyword only": {"on_load": "def on_load(*, data): ..."},
    "on_load by more keywords": {"on_load": "def on_load(data, *, more): ..."},
    "on_init without vault": {"on_init": "async def on_init(): ..."},
    "on_free with more": {"on_free": "def on_free(why): ..."},
    "export with more": {"export": "def export(to, /): ..."},
    "import_ as a method": {"import_": "def import_(self): ..."},
    "invoke_func without name": {"invoke_func": "def invoke_func(**kwargs): ..."},
    "invoke_func with more": {"invoke_func": "def invoke_func(name, number): ..."},
    "reloadable with more": {"reloadable": "def reloadable(x, y=1): ..."},
    "marked, with more": {"on_load": "import hotswap\n@hotswap.hookimpl(tryfirst=True)\ndef on_load(a, b): ..."},
}


@pytest.mark.parametrize("replace", WRONG.values(), ids=WRONG)
def test_wrong_signature(tmp_path: Path, replace: dict[str, str]) -> None:
    """A function that cannot be called as specified is named with its line and the way it is written."""
    ((name, text),) = replace.items()
    (fault,) = faults(make_wheel(tmp_path, "alpha", files=plugin_source(**replace)))
    written = text.rpartition(f"def {name}")[2].removesuffix(": ...")
    assert fault.startswith("alpha_plugin.py:")
    assert f": {name}{written} cannot be called as specified (write def {name}(" in fault


@pytest.mark.parametrize("name", ["export", "import_", "reloadable"])
def test_must_not_be_async(tmp_path: Path, name: str) -> None:
    """Three of the seven are not awaited by anybody, so that an async one is wrong."""
    (fault,) = faults(make_wheel(tmp_path, "alpha", files=plugin_source(**{name: f"async def {name}(): ..."})))
    assert f"{name} is async and cannot be (write def {name}())" in fault


RIGHT = {
    "async": {
        "on_load": "async def on_load(data): ...",
        "on_init": "async def on_init(vault): ...",
        "on_free": "async def on_free(): ...",
        "invoke_func": "async def invoke_func(name): ...",
    },
    "other names": {"on_load": "def on_load(d, /): ...", "on_init": "def on_init(*v): ..."},
    "defaults": {"on_load": "def on_load(data=None, more=1, *, x=2): ...", "export": "def export(*a, **k): ..."},
    "decorated": {"on_load": "import functools\n@functools.cache\ndef on_load(): ..."},
    "bound twice": {"on_load": "def on_load(): ...\non_load = wrap(on_load)"},
    "under a condition": {"on_load": "if print:\n    def on_load(): ..."},
}


@pytest.mark.parametrize("replace", RIGHT.values(), ids=RIGHT)
def test_signature_not_wrong(tmp_path: Path, replace: dict[str, str]) -> None:
    """What can be called as specified, or may be something else by then, is no fault."""
    assert faults(make_wheel(tmp_path, "alpha", files=plugin_source(**replace))) == []


# ------------------------------------------------------------------------------------------- unreadable, unparsable


def test_null_bytes(tmp_path: Path) -> None:
    """Source with null bytes is not valid Python."""
    (fault,) = faults(make_wheel(tmp_path, "alpha", files={"alpha_plugin.py": b"x = 1\0"}))
    assert "is not valid Python: source code" in fault


def test_too_deep(tmp_path: Path) -> None:
    """Source too deep to be looked into is left to the load."""
    source = plugin_source(f"x = {'-' * 50_000}1", **NO_ON_LOAD)
    assert faults(make_wheel(tmp_path, "alpha", files=source)) == []


def test_too_large(tmp_path: Path) -> None:
    """A module too large to be looked into is left to the load."""
    assert faults(make_wheel(tmp_path, "alpha", files={"alpha_plugin.py": b"#" * (1 << 20)})) == []


# ----------------------------------------------------------------------------------------- an object in the module


def plugin_class(base: str = "", decorators: str = "", **replace: str) -> str:
    methods = {
        "on_load": "def on_load(self, data): ...",
        "on_init": "def on_init(self, vault): ...",
        "on_free": "def on_free(self): ...",
        "export": "def export(self): ...",
        "import_": "def import_(self): ...",
        "invoke_func": "def invoke_func(self, name, *args): ...",
        "reloadable": "def reloadable(self): return True",
    } | replace
    body = textwrap.indent("\n".join(["x = 1", *methods.values()]), "    ")
    return f"{decorators}class Plugin{base}:\n{body}\n"


def object_faults(directory: Path, source: str, attr: str) -> list[str]:
    return faults(make_wheel(directory, "alpha", files={"alpha_plugin.py": source}, module=f"alpha_plugin:{attr}"))


MISSING_METHOD = {"on_load": ""}
GOOD_OBJECTS = {
    "instance": (plugin_class() + "plugin = Plugin()", "plugin"),
    "annotated instance": (plugin_class() + "plugin: Plugin = Plugin()", "plugin"),
    "class": (plugin_class(), "Plugin"),
    "static methods": (plugin_class(on_load="@staticmethod\ndef on_load(data): ..."), "Plugin"),
    "class methods": (plugin_class(on_load="@classmethod\ndef on_load(cls, data): ..."), "Plugin"),
    "decorated method": (plugin_class(on_load="@cache\ndef on_load(): ...") + "p = Plugin()", "p"),
    "class with a base": (plugin_class("(Base)", **MISSING_METHOD) + "plugin = Plugin()", "plugin"),
    "class with a metaclass": (plugin_class("(metaclass=Meta)", **MISSING_METHOD), "Plugin"),
    "decorated class": (plugin_class("", "@fill\n", **MISSING_METHOD), "Plugin"),
    "class with __getattr__": (plugin_class(on_load="def __getattr__(self, name): ..."), "Plugin"),
    "class with __new__": (plugin_class(on_load="def __new__(cls): return other") + "plugin = Plugin()", "plugin"),
    "attribute of the class": (plugin_class(on_load="on_load = print"), "Plugin"),
    "attribute of the instance": (plugin_class(on_load="def __init__(self): self.on_load = print"), "Plugin"),
    "marked method": (plugin_class(on_load="@hookimpl(specname='on_load')\ndef boot(self, data): ..."), "Plugin"),
    "imported object": ("from alpha_lib import plugin", "plugin"),
    "made by a function": ("def make(): ...\nplugin = make()", "plugin"),
    "attribute of an object": ("import types\nplugin = types.SimpleNamespace(inner=1)", "plugin.inner"),
    "assigned attribute": ("import alpha_plugin\nalpha_plugin.plugin = 1", "plugin"),
    "star import": ("from alpha_lib import *", "plugin"),
}


@pytest.mark.parametrize(("source", "attr"), GOOD_OBJECTS.values(), ids=GOOD_OBJECTS)
def test_object(tmp_path: Path, source: str, attr: str) -> None:
    """An object that has the seven functions, or of which it does not show, is no fault."""
    assert object_faults(tmp_path, source, attr) == []


BAD_OBJECTS = {
    "not bound": ("x = 1", "plugin", "binds no 'plugin', which the entry point names"),
    "not bound, dotted": ("x = 1", "plugin.inner", "binds no 'plugin'"),
    "instance without a method": (
        plugin_class("(object)", **MISSING_METHOD) + "plugin = Plugin()",
        "plugin",
        "Plugin has no function on_load (write def on_load(data))",
    ),
    "class without a method": (plugin_class(**MISSING_METHOD), "Plugin", "Plugin has no function on_load"),
    "method without self": (
        plugin_class(on_free="def on_free(): ...") + "plugin = Plugin()",
        "plugin",
        "Plugin.on_free() cannot be called as specified (write def on_free())",
    ),
    "async method": (
        plugin_class(export="async def export(self): ...") + "plugin = Plugin()",
        "plugin",
        "Plugin.export is async and cannot be",
    ),
    "static method with self": (
        plugin_class(on_free="@staticmethod\ndef on_free(self): ..."),
        "Plugin",
        "Plugin.on_free(self) cannot be called as specified",
    ),
}


@pytest.mark.parametrize(("source", "attr", "expected"), BAD_OBJECTS.values(), ids=BAD_OBJECTS)
def test_bad_object(tmp_path: Path, source: str, attr: str, expected: str) -> None:
    """An object that is certainly missing, or certainly lacks a function, is the one fault."""
    (fault,) = object_faults(tmp_path, source, attr)
    assert expected in fault


def test_submodule_as_object(tmp_path: Path) -> None:
    """An object that may be a submodule is no fault."""
    files = {"alpha/__init__.py": "", "alpha/plugin.py": plugin_source()}
    assert faults(make_wheel(tmp_path, "alpha", files=files, module="alpha:plugin")) == []


def test_object_marked_elsewhere(tmp_path: Path) -> None:
    """A method that may be marked in another module is not called missing."""
    files = {"alpha_plugin.py": plugin_class(**MISSING_METHOD), "other.py": "# specname"}
    assert faults(make_wheel(tmp_path, "alpha", files=files, module="alpha_plugin:Plugin")) == []


# ----------------------------------------------------------------------------------------------- what it imports

HEAD = """
import dataclasses
import typing
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Optional, Union
import hotswap
from hotswap import Requires, ignore
from shared import AlphaExport, BetaExport
import shared.types
Maybe = Optional[AlphaExport]
class Local: ...
"""


def imports(
    directory: Path, body: str, import_: str = "def import_(): return Deps()", **files: str
) -> list[str] | None:
    source = plugin_source(HEAD + textwrap.dedent(body), import_=import_)
    contents = {"alpha/__init__.py": source, **{f"alpha/{name}.py": text for name, text in files.items()}}
    found = inspect_wheel(make_wheel(directory, "alpha", files=contents, module="alpha")).imports
    return None if found is None else [str(dependency) for dependency in found]


ATTRIBUTES = {
    "required": ("alpha: AlphaExport = None", ["alpha"]),
    "without default": ("alpha: AlphaExport", ["alpha"]),
    "canonical name": ("Big_Alpha: AlphaExport = None", ["big-alpha"]),
    "dotted type": ("alpha: shared.types.Alpha = None", ["alpha"]),
    "local type": ("alpha: Local = None", ["alpha"]),
    "builtin type": ("alpha: list[int] = None", ["alpha"]),
    "any": ("alpha: Any = None", ["alpha"]),
    "optional by |": ("alpha: AlphaExport | None = None", ["alpha (optional)"]),
    "optional by | in front": ("alpha: None | AlphaExport = None", ["alpha (optional)"]),
    "optional of three": ("alpha: AlphaExport | BetaExport | None = None", ["alpha (optional)"]),
    "optional by Optional": ("alpha: Optional[AlphaExport] = None", ["alpha (optional)"]),
    "optional by typing.Optional": ("alpha: typing.Optional[AlphaExport] = None", ["alpha (optional)"]),
    "optional by Union": ("alpha: Union[AlphaExport, None] = None", ["alpha (optional)"]),
    "union": ("alpha: Union[AlphaExport, BetaExport] = None", ["alpha"]),
    "optional by an alias": ("alpha: Maybe = None", ["alpha (optional)"]),
    "None inside a generic": ("alpha: list[AlphaExport | None] = None", ["alpha"]),
    "text": ("alpha: 'AlphaExport | None' = None", ["alpha (optional)"]),
    "version": ("alpha: Annotated[AlphaExport, Requires('>=1.2')] = None", ["alpha>=1.2"]),
    "version, dotted": ("alpha: Annotated[AlphaExport, hotswap.Requires('>=1.2')] = None", ["alpha>=1.2"]),
    "version, optional": ("alpha: Annotated[AlphaExport | None, Requires('<2')] = None", ["alpha<2 (optional)"]),
    "two versions": ("alpha: Annotated[Any, Requires('>1'), Requires('<2')] = None", ["alpha<2,>1"]),
    "other extras": ("alpha: Annotated[AlphaExport, 'text', dict(a=1)] = None", ["alpha"]),
    "ignored": ("cache: dict = ignore(default_factory=dict)", []),
    "ignored, dotted": ("cache: dict = hotswap.ignore(default=None)", []),
    "ignored, whatever its type": ("cache: 1 + 1 = ignore()", []),
    "private": ("_cache: dict = None", []),
    "class variable": ("shared: ClassVar[dict] = {}", []),
    "class variable, bare": ("shared: ClassVar = 1", []),
    "class variable, dotted": ("shared: typing.ClassVar[int] = 1", []),
    "class variable as text": ("shared: 'ClassVar[int]' = 1", []),
    "bare class variable, dotted": ("shared: typing.ClassVar = 1", []),
    "field": ("alpha: AlphaExport = field(default=None)", ["alpha"]),
    "nothing annotated": ("alpha = None", []),
    "annotation of no name": ("(alpha): AlphaExport = None\n    alpha.x: int = 1", ["alpha"]),
    "twice": ("alpha: AlphaExport = None\n    alpha: AlphaExport | None = None", ["alpha (optional)"]),
    "several": (
        "beta: BetaExport = None\n    alpha: AlphaExport = None\n    def m(self): x: int = 1",
        ["beta", "alpha"],
    ),
}


@pytest.mark.parametrize(("attributes", "expected"), ATTRIBUTES.values(), ids=ATTRIBUTES)
def test_attributes(tmp_path: Path, attributes: str, expected: list[str]) -> None:
    """The annotated attributes of the object that `import_()` returns are the plugin's dependencies."""
    assert imports(tmp_path, f"@dataclass\nclass Deps:\n    {attributes}\n") == expected


UNCLEAR_ATTRIBUTES = {
    "default that might be ignore()": "alpha: AlphaExport = SKIP",
    "call that might be ignore()": "alpha: AlphaExport = skip()",
    "field with metadata": "alpha: AlphaExport = field(metadata={})",
    "field with options from elsewhere": "alpha: AlphaExport = field(**options)",
    "alias of many meanings": "alpha: Unclear = None",
    "attribute of a local class": "alpha: Local.Inner = None",
    "expression": "alpha: 1 + 1 = None",
    "broken text": "alpha: 'AlphaExport |' = None",
    "version from elsewhere": "alpha: Annotated[AlphaExport, Requires(VERSION)] = None",
    "version by keyword": "alpha: Annotated[AlphaExport, Requires(specifier='>1')] = None",
    "meaningless version": "alpha: Annotated[AlphaExport, Requires('new')] = None",
    "extra from elsewhere": "alpha: Annotated[AlphaExport, EXTRA] = None",
    "version inside": "alpha: Annotated[AlphaExport, Requires('>1')] | None = None",
    "dataclass parameter": "alpha: dataclasses.InitVar[AlphaExport] = None",
    "under a condition": "if print:\n        alpha: AlphaExport = None",
    "endless alias": "alpha: Endless = None",
}


@pytest.mark.parametrize("attributes", UNCLEAR_ATTRIBUTES.values(), ids=UNCLEAR_ATTRIBUTES)
def test_unclear_attributes(tmp_path: Path, attributes: str) -> None:
    """Where one attribute is unclear, the source does not show the dependencies."""
    body = f"""
if print: Unclear = AlphaExport
else: Unclear = None
Endless = Endless | None
@dataclass
class Deps:
    {attributes}
"""
    assert imports(tmp_path, body) is None


DEPS = "@dataclass\nclass Deps:\n    alpha: AlphaExport = None\n"
RETURNS = {
    "None": ("def import_(): return None", "", []),
    "nothing": ("def import_(): return", "", []),
    "no return": ("def import_():\n    def inner(): return 1\n    print(lambda: 1)", "", []),
    "an instance": ("def import_(): return Deps()", DEPS, ["alpha"]),
    "an instance with arguments": ("def import_(): return Deps(alpha=None)", DEPS, ["alpha"]),
    "a global instance": ("deps = None\ndef import_(): return _deps", DEPS + "_deps = Deps()", ["alpha"]),
    "a local instance": ("def import_():\n    print()\n    deps = Deps()\n    return deps", DEPS, ["alpha"]),
    "an annotated one": ("def import_():\n    deps: Deps = Deps()\n    return deps", DEPS, ["alpha"]),
    "one kept": (
        "def import_():\n    global deps\n    deps = Deps()\n    return deps",
        DEPS + "deps = None",
        ["alpha"],
    ),
    "marked": ("import hotswap\n@hotswap.hookimpl\ndef import_(): return Deps()", DEPS, ["alpha"]),
    "a plain class": ("def import_(): return Deps()", "class Deps(object):\n    alpha: Any = None\n", ["alpha"]),
    "a frozen dataclass": (
        "def import_(): return Deps()",
        DEPS.replace("dataclass", "dataclass(slots=True)"),
        ["alpha"],
    ),
    "an inheriting class": (
        "def import_(): return More()",
        DEPS + "@dataclass\nclass More(Deps):\n    beta: BetaExport = None\n",
        ["alpha", "beta"],
    ),
    "an overriding class": (
        "def import_(): return More()",
        DEPS + "class More(Deps):\n    alpha: AlphaExport | None = None\n",
        ["alpha (optional)"],
    ),
    "imported, relative": ("def import_(): return Other()", "from .parts import Deps as Other", ["gamma"]),
    "imported, absolute": ("def import_(): return Deps()", "from alpha.parts import Deps", ["gamma"]),
    "imported module": ("def import_(): return parts.Deps()", "from . import parts", ["gamma"]),
    "imported module, absolute": ("def import_(): return alpha.parts.Deps()", "import alpha.parts", ["gamma"]),
    "imported module, renamed": ("def import_(): return p.Deps()", "import alpha.parts as p", ["gamma"]),
    "async": ("import_ = None", "", None),
    "decorated": ("@cache\ndef import_(): return None", "", None),
    "bound twice": ("def import_(): return None\nimport_ = 1", "", None),
    "generator": ("def import_(): yield None", "", None),
    "two classes": ("def import_(): return Deps() if print else Other()", DEPS, None),
    "now and then": ("def import_():\n    if print: return None\n    return Deps()", DEPS, None),
    "a class": ("def import_(): return Deps", DEPS, None),
    "a class made twice": ("def import_(): return Deps()", DEPS * 2, None),
    "unknown name": ("def import_(): return deps", "", None),
    "made in a loop": ("def import_():\n    for deps in (): ...\n    return deps", DEPS, None),
    "made twice": ("def import_():\n    d = Deps()\n    d = 1\n    return d", DEPS, None),
    "made by a function": ("def import_(): return make()", "def make(): ...", None),
    "made by a call of a call": ("def import_(): return make()()", "def make(): ...", None),
    "a builtin": ("def import_(): return dict()", "", None),
    "other decorator": ("def import_(): return Deps()", DEPS.replace("@dataclass", "@other"), None),
    "metaclass": ("def import_(): return Deps()", "class Deps(metaclass=type): ...", None),
    "unknown base": ("def import_(): return Deps()", "class Deps(AlphaExport): ...", None),
    "computed base": ("def import_(): return Deps()", "class Deps(shared.types.Base): ...", None),
    "imported from elsewhere": ("def import_(): return AlphaExport()", "", None),
    "imported through two modules": ("def import_(): return Deps()", "from .more import Deps", None),
    "imported from tricks": ("def import_(): return Deps()", "from .tricks import Deps", None),
    "imported from a broken module": ("def import_(): return Deps()", "from .broken import Deps", None),
    "imported from above": ("def import_(): return Deps()", "from ..parts import Deps", None),
    "tricks of its own": ("def import_(): return None", "globals().update()", None),
}


@pytest.mark.parametrize(("import_", "body", "expected"), RETURNS.values(), ids=RETURNS)
def test_returns(tmp_path: Path, import_: str, body: str, expected: list[str] | None) -> None:
    """`import_()` is read where it certainly returns None or an instance of one class; otherwise nothing is claimed."""
    files = {
        "parts": "class Deps:\n    gamma: object = None",
        "more": "from .parts import Deps",
        "tricks": "class Deps: ...\nexec('')",
        "broken": "class Deps(:",
    }
    assert imports(tmp_path, body, import_, **files) == expected


def test_method_import(tmp_path: Path) -> None:
    """The `import_` method of a visible plugin object is read as the function of a module is."""
    source = (
        plugin_class(import_="def import_(self): return Deps()") + "class Deps:\n    beta: int\nplugin = Plugin()\n"
    )
    path = make_wheel(tmp_path, "alpha", files={"alpha_plugin.py": source}, module="alpha_plugin:plugin")
    assert [str(dependency) for dependency in inspect_wheel(path).imports or ()] == ["beta"]


def test_reads_without_executing(tmp_path: Path) -> None:
    """Verifying a plugin imports and runs nothing of it."""
    mark = tmp_path / "ran"
    source = plugin_source(f"open({str(mark)!r}, 'w')")
    inspect_wheel(make_wheel(tmp_path, "alpha", files=source))
    assert not mark.exists()
    assert "alpha_plugin" not in sys.modules
