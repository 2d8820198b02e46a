"""Whose is what: walks from a world's modules over everything they refer to, and says what is not that world's.

A world is one side of a case (its site dir and library dir), or the host. Modules are told apart by the file they came
from, functions by their globals, classes by the module that has them; what C code made under a literal name is told
apart by being reached from one world only.
"""

from __future__ import annotations

import functools
import gc
import logging
import sys
import threading
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

REALMS = "hotswap.realms."
_ATOMS = (str, bytes, int, float, complex, bool, type(None), types.CodeType, types.FrameType, type(...), bytearray)
_ENDS = (logging.Logger, logging.Manager, logging.PlaceHolder, threading.Thread, types.TracebackType)
_CACHE = type(functools.lru_cache(lambda: None))
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType)
HOST = "the host"


@dataclass
class World:
    """One side, or the host."""

    name: str
    roots: tuple[str, ...] = ()
    """Directories that the world's modules come from."""
    provides: frozenset[str] = frozenset()
    """Import names that it has copies of."""
    prefixes: set[str] = field(default_factory=set)
    """`hotswap.realms.<id>` of its realms."""

    def owns(self, plain: str) -> bool:
        """True if a module of this name is to be the world's own copy."""
        while plain:
            if plain in self.provides:
                return True
            plain = plain.rpartition(".")[0]
        return False


def file_of(module: Any) -> str:
    """Where a module came from, or ""."""
    try:
        spec = getattr(module, "__spec__", None)
        return str(getattr(module, "__file__", None) or getattr(spec, "origin", None) or "")
    except Exception:  # what stands for a module may have an opinion
        return ""


def realm_of(name: str) -> str:
    """`hotswap.realms.<id>` of a module's full name, or ""."""
    return ".".join(name.split(".")[:3]) if name.startswith(REALMS) else ""


def plain_name(name: str) -> str:
    """A module's name without its realm."""
    return name.removeprefix(f"{realm_of(name)}.") if realm_of(name) else name


def defined_in(node: Any) -> str:
    """What a class or function says of the module it was defined in; classes may well have a descriptor there."""
    get = type.__getattribute__ if issubclass(type(node), type) else object.__getattribute__
    try:
        name = get(node, "__module__")
    except AttributeError:
        return ""
    return name if isinstance(name, str) else ""


def is_hotswaps(name: str) -> bool:
    """True for the modules of hotswap itself."""
    return name.startswith("hotswap.") and not name.startswith(REALMS)


class Walker:
    """Knows all worlds of a process.

    Args:
        worlds: The sides; whatever is none of theirs is the host's.
    """

    def __init__(self, worlds: Iterable[World]) -> None:
        self.worlds = list(worlds)
        modules = [each for each in sys.modules.copy().values() if isinstance(each, types.ModuleType)]
        self.namespaces = {id(vars(module)): module for module in modules}
        for module in modules:
            for world in self.worlds:
                if file_of(module).startswith(world.roots) and (realm := realm_of(module.__name__)):
                    world.prefixes.add(realm)

    def modules_of(self, world: World) -> list[types.ModuleType]:
        """The modules in `sys.modules` that are a side's, extensions under other names included."""
        return [
            module
            for name, module in sys.modules.copy().items()
            if isinstance(module, types.ModuleType)
            and name.count(".") > (2 if name.startswith(REALMS) else -1)
            and self.module_home(module) == world.name
        ]

    def modules_of_host(self) -> list[types.ModuleType]:
        """The host's copies of what a side has copies of."""
        return [
            module
            for name, module in sys.modules.copy().items()
            if isinstance(module, types.ModuleType)
            and not name.startswith(REALMS)
            and self.module_home(module) == HOST
            and any(world.owns(name) for world in self.worlds)
        ]

    def module_home(self, module: types.ModuleType) -> str:
        """The name of the world that a module belongs to."""
        file = file_of(module)
        for world in self.worlds:
            if file.startswith(world.roots) or realm_of(str(vars(module).get("__name__", ""))) in world.prefixes:
                return world.name
        return HOST

    def home(self, node: Any) -> tuple[str, str] | None:
        """World and plain module name of a module, class or function; None for what belongs to nobody in particular."""
        if issubclass(type(node), types.ModuleType):
            return self.module_home(node), plain_name(str(vars(node).get("__name__", "")))
        if issubclass(type(node), type):
            return self._class_home(node)
        if type(node) is types.FunctionType:
            module = self.namespaces.get(id(node.__globals__))
            if module is not None:
                return self.module_home(module), plain_name(module.__name__)
            return self._named_home(str(node.__globals__.get("__name__", "")))
        if type(node) is types.BuiltinFunctionType and isinstance(node.__self__, types.ModuleType):
            return self.home(node.__self__)
        if type(node) is dict and (module := self.namespaces.get(id(node))) is not None:
            return self.home(module)
        return None

    def _named_home(self, name: str) -> tuple[str, str]:
        realm = realm_of(name)
        return next((world.name for world in self.worlds if realm in world.prefixes), realm or HOST), plain_name(name)

    def _class_home(self, cls: type) -> tuple[str, str] | None:
        if not (name := defined_in(cls)):
            return None
        if realm_of(name):
            return self._named_home(name)
        found: Any = sys.modules.get(name)
        module = found
        try:
            for part in cls.__qualname__.split("."):
                found = vars(found)[part]
        except (KeyError, TypeError):
            found = None
        if found is cls:
            return self.module_home(module), name
        return None if any(world.owns(name) for world in self.worlds) else (HOST, name)

    def reach(self, world: World | None, start: Iterable[Any]) -> Reach:
        """Everything that objects refer to, as far as it is of one world; what is another's ends the walk.

        Args:
            world: None for the host.
            start: Modules and objects.
        """
        name = HOST if world is None else world.name
        seen: dict[int, Any] = {}
        parents: dict[int, int] = {}
        todo = []
        for node in start:
            seen[id(node)] = node
            todo.append(node)
        skipped = {id(sys.modules), id(seen), id(parents), id(todo), id(self.namespaces), id(vars(self)), id(self)}
        while todo:
            node = todo.pop()
            if not self._leads_on(node, name):
                continue
            for each in gc.get_referents(node):
                key = id(each)
                if key not in seen and key not in skipped and not issubclass(type(each), _ATOMS):
                    seen[key] = each
                    parents[key] = id(node)
                    todo.append(each)
        return Reach(self, name, seen, parents)

    def _leads_on(self, node: Any, name: str) -> bool:
        kind = type(node)
        if issubclass(kind, _ENDS) or (kind is _CACHE and getattr(node, "__module__", "") == "typing"):
            return False
        if is_hotswaps(defined_in(kind)):
            return False
        if kind is types.FunctionType:  # its globals end the walk by themselves, what it closes over may lead on
            return defined_in(node) not in ("typing", "abc") and not is_hotswaps(defined_in(node))
        home = self.home(node)
        if home is None or home[0] != name:
            return home is None
        return name != HOST or any(world.owns(home[1]) for world in self.worlds)


@dataclass
class Reach:
    """What was reached from one world."""

    walker: Walker
    world: str
    seen: dict[int, Any]
    parents: dict[int, int]

    def strangers(self, own: World) -> Iterator[str]:
        """What is another side's, or the host's where the side has a copy of its own."""
        for key, node in self.seen.items():
            home = self.walker.home(node)
            if home is None or home[0] == self.world:
                continue
            if home[0] != HOST or own.owns(home[1]):
                yield f"{self.world} reaches {home[0]}'s {describe(node)}: {self.path(key)}"

    def shared(self, other: Reach, own: World) -> Iterator[str]:
        """Classes and modules of C code that are reached from both, though one side has a copy of its own."""
        for key in self.seen.keys() & other.seen.keys():
            node = self.seen[key]
            if issubclass(type(node), (type, types.ModuleType)):
                name = str(node.__name__) if issubclass(type(node), types.ModuleType) else defined_in(node)
                if own.owns(plain_name(name)):
                    yield f"{self.world} and {other.world} share {describe(node)}: {self.path(key)}"

    def path(self, key: int) -> str:
        """How it was reached, from outside inwards."""
        words: list[str] = []
        while key in self.parents and len(words) < 12:
            key = self.parents[key]
            if (text := describe(self.seen[key])) not in words and not isinstance(self.seen[key], (dict, tuple, list)):
                words.append(text)
        return " <- ".join(words[:6])


def describe(node: Any) -> str:
    """An object in a few words."""
    if issubclass(type(node), types.ModuleType):
        return f"module {plain_name(str(vars(node).get('__name__')))}"
    if issubclass(type(node), type):
        return f"class {plain_name(defined_in(node))}.{node.__qualname__}"
    if type(node) in _FUNCTIONS:
        return f"function {plain_name(defined_in(node))}.{node.__qualname__}"
    if type(node) is dict and isinstance(node.get("__name__"), str):
        return f"namespace of {plain_name(node['__name__'])}"
    return f"a {type(node).__name__}"
