"""The seven functions: found by name or mark, and everything that is wrong with them told at once."""

from __future__ import annotations

import types
from typing import Any

import pytest
from wheelmaker import plugin_source

from hotswap.errors import ContractError
from hotswap.hookspecs import SPECS, collect_hooks, expected, hookimpl


def module(extra: str = "", **replace: str) -> types.ModuleType:
    made = types.ModuleType("alpha")
    exec(plugin_source(extra, **replace), vars(made))
    return made


def faults(target: object) -> list[str]:
    with pytest.raises(ContractError) as caught:
        collect_hooks("alpha", target, "alpha.py")
    assert (caught.value.plugin, caught.value.stage) == ("alpha", "loaded")
    return [str(fault) for fault in caught.value.faults]


def test_plain_functions() -> None:
    """A module with the seven functions under their names needs nothing else."""
    target = module()
    hooks = collect_hooks("alpha", target, "alpha.py")
    assert {name: getattr(hooks, name) for name in SPECS} == {name: getattr(target, name) for name in SPECS}


def test_object_with_methods() -> None:
    """An object with the seven methods serves too; its properties are not run."""
    made: dict[str, Any] = {}
    exec("class Target:\n" + "".join(f"    {line}\n" for line in SELF.splitlines()), made)
    target = made["Target"]()
    hooks = collect_hooks("alpha", target, "alpha.py")
    assert (hooks.reloadable(), hooks.export()) == (True, None)


SELF = """
def on_load(self, data): ...
def on_init(self, vault): ...
def on_free(self): ...
def export(self): ...
def import_(self): ...
def invoke_func(self, name, *args, **kwargs): ...
def reloadable(self): return True
@property
def trap(self): raise AssertionError
"""


def test_marked_functions() -> None:
    """`hookimpl` marks a function under another name, or under its own."""
    target = module(on_load="", on_free="")
    target.start = hookimpl(specname="on_load")(lambda data: data)  # type: ignore[attr-defined]

    @hookimpl
    def on_free() -> None: ...

    target.on_free = on_free  # type: ignore[attr-defined]
    target.other = hookimpl(lambda: None)  # type: ignore[attr-defined]
    hooks = collect_hooks("alpha", target, "alpha.py")
    assert (hooks.on_load(3), hooks.on_free) == (3, on_free)


def test_all_that_is_missing() -> None:
    """Every missing function is listed with the way to write it."""
    assert faults(types.ModuleType("alpha")) == [
        f"alpha.py: {name} is missing (write {expected(name)})" for name in SPECS
    ]
    assert expected("invoke_func") == "def invoke_func(name, *args, **kwargs)"
    assert expected("on_free") == "def on_free()"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("on_load", "def on_load(): ...", "on_load() has a wrong signature"),
        ("on_load", "def on_load(data, more): ...", "on_load(data, more) has a wrong signature"),
        ("on_load", "def on_load(*, data): ...", "on_load(*, data) has a wrong signature"),
        ("on_free", "def on_free(now): ...", "on_free(now) has a wrong signature"),
        ("export", "export = 3", "export is no function but int"),
        ("export", "async def export(): ...", "export must not be async"),
        ("import_", "async def import_(): ...", "import_ must not be async"),
        ("on_init", "def on_init(vault): yield", "on_init must not be a generator: it would never run"),
        ("on_free", "async def on_free(): yield", "on_free must not be a generator: it would never run"),
    ],
)
def test_wrong_functions(name: str, text: str, said: str) -> None:
    """A function that cannot be called as specified is named with what it is and what it should be."""
    assert faults(module(**{name: text})) == [f"alpha.py: {said} (write {expected(name)})"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("on_load", "async def on_load(data): ..."),
        ("on_load", "def on_load(anything, more=1, *rest, key=2): ..."),
        ("on_init", "def on_init(*args): ..."),
        ("on_free", "async def on_free(): ..."),
        ("invoke_func", "async def invoke_func(name, *args): ..."),
        ("invoke_func", "def invoke_func(name, *args): yield"),
        ("on_load", "on_load = print"),
        ("on_free", "on_free = type('Callable', (), {'__call__': lambda self: None})()"),
        ("on_init", "on_init = {}.__contains__"),
        ("on_load", "on_load = dict.fromkeys"),
        ("export", "export = dict"),
    ],
)
def test_right_functions(name: str, text: str) -> None:
    """Names of parameters do not matter, more of them may be there, and anything callable will do."""
    target = module(**{name: text})
    assert getattr(collect_hooks("alpha", target, "alpha.py"), name) == getattr(target, name)


def test_doubled() -> None:
    """Two functions for one hook are an error naming both."""
    target = module()
    target.start = hookimpl(specname="on_load")(lambda data: data)  # type: ignore[attr-defined]
    assert faults(target) == ["alpha.py: on_load and start both implement on_load (keep one)"]
