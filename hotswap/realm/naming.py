"""Words for objects and for chains of references between them; no code of the host or of a plugin is called."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import sys
import threading
import types
import weakref
from collections.abc import Iterator, Sequence
from contextvars import Context
from types import FrameType, FunctionType, MemberDescriptorType, MethodType, ModuleType, TracebackType
from typing import Any

from .executing import KINDS, frame_of, function_of, is_hotswaps, place_of, plain
from .territory import PARENT

LRU_CACHE: type = type(functools.lru_cache(lambda: None))
FINALIZE_INFO: type = weakref.finalize._Info  # type: ignore[attr-defined]
DATA_BAG = "hotswap.vault.DataBag"
_FUNCTIONS = (FunctionType, MethodType, types.BuiltinFunctionType)
_WIDTH = 60
"""Characters of an exception's argument or a dict's key that are shown."""


def chain_words(chain: Sequence[Any]) -> str:
    """References, from outside inwards: `list -> app.Job object, attribute run -> function alpha_plugin.f`"""
    words = []
    while chain:
        text, used = link(chain)
        if type(chain[0]) is not TracebackType or len(chain) == 1:  # the frame behind it says more
            words.append(text)
        chain = chain[used:]
    return " -> ".join(words)


def link(chain: Sequence[Any]) -> tuple[str, int]:
    """Words for the first object of a chain and its member that leads on, and how many of the chain they cover."""
    node, inner, kind = chain[0], chain[1] if len(chain) > 1 else None, type(chain[0])
    if inner is None:
        return describe(node), 1
    if kind is Context:
        return _context_variable(chain)
    if kind is FrameType or kind in KINDS:
        frame = node if kind is FrameType else frame_of(node)
        name = next((name for name, value in locals_of(frame) if value is inner), None)
        return (f'local variable "{name}" of {describe(node)}' if name else describe(node)), 1
    if kind is LRU_CACHE and type(inner) is tuple and len(chain) > 2:
        return describe(node), 2  # the tuple is the key that it has made of the arguments
    if kind is FunctionType:
        if _single_dispatch(node):
            return describe(node), len(chain) - 1
        if inner is node.__closure__ and len(chain) > 3:
            cell = next(i for i, cell in enumerate(inner) if cell is chain[2])
            return f"{describe(node)}, closure variable {node.__code__.co_freevars[cell]}", 3
        if inner is node.__defaults__ and len(chain) > 2:
            return f"{describe(node)}, default value", 2
    if kind is dict:
        keys = names_in(node, inner)
        return (f"dict entry {keys[0][:_WIDTH]!r}" if keys else "dict"), 1
    if len(chain) > 2 and type(inner) is dict and (inner is namespace_of(node) or issubclass(kind, type)):
        return describe(node) + attributes(names_in(inner, chain[2])), 2
    return describe(node) + attributes([name for name, value in _members(node) if value is inner]), 1


def describe(node: Any) -> str:
    """What an object is, by its kind and its own name."""
    kind = type(node)
    if kind is LRU_CACHE:
        return "typing's cache of generic types" if is_typings(node) else f"functools.lru_cache of {_qualified(node)}"
    if kind is FunctionType and (dispatched := _single_dispatch(node)):
        return f"functools.singledispatch of {dispatched}"
    if kind in _FUNCTIONS:
        return f"{'method' if kind is MethodType else 'function'} {_qualified(node)}"
    if kind is FrameType:
        return f"function {function_of(node)} ({place_of(node)})"
    if kind in KINDS:
        frame = frame_of(node)
        return f"{KINDS[kind].words} {f'{function_of(frame)} ({place_of(frame)})' if frame else _qualified(node)}"
    if kind is FINALIZE_INFO:
        return f"weakref.finalize of {describe(node.weakref())}"
    if class_name(kind) == DATA_BAG:
        return "the vault's data bag"
    for cls, words in _BY_CLASS.items():
        if issubclass(kind, cls):
            return str(words(node))
    return kind.__name__ if class_module(kind) == "builtins" else f"{class_name(kind)} object"


def module_words(name: str) -> str:
    """Whose module it is: the host's, hotswap's own, or another plugin's."""
    if name.startswith(PARENT + "."):
        realm = name.removeprefix(PARENT + ".").partition(".")[0]
        return f"{'library' if realm.startswith('lib__') else 'plugin'} module {plain(name)} (realm {realm})"
    return f"{'hotswap' if is_hotswaps(name) else 'host'} module {name}"


def class_name(cls: type) -> str:
    """The dotted name of a class, as its author knows it."""
    module = plain(class_module(cls))
    return cls.__qualname__ if module in ("builtins", "") else f"{module}.{cls.__qualname__}"


def class_module(cls: type) -> str:
    """The name of the module that a class was made in, past whatever its metaclass says."""
    try:
        return str(type.__getattribute__(cls, "__module__"))
    except AttributeError:
        return ""


def names_in(namespace: dict[Any, Any], value: object) -> list[str]:
    """The names under which a namespace has an object."""
    return [key for key, each in list(dict.items(namespace)) if each is value and type(key) is str]


def attributes(names: Sequence[str]) -> str:
    """The end of a phrase: by which attributes the object named before leads on, as far as that is known."""
    return f", attribute{'s' if len(names) > 1 else ''} {', '.join(names)}" if names else ""


def namespace_of(node: Any) -> Any:
    """An object's `__dict__`, or None."""
    try:
        return object.__getattribute__(node, "__dict__")
    except AttributeError:
        return None


def module_name(module: ModuleType) -> str:
    """A module's name, without asking its `__getattr__`."""
    return str((namespace_of(module) or {}).get("__name__", "?"))


def is_typings(cache: Any) -> bool:
    """True if an `lru_cache` is one of those behind `Optional[...]`, `List[...]` and so on."""
    return getattr(cache, "__module__", None) == "typing"


def locals_of(frame: FrameType | None) -> list[tuple[str, object]]:
    """The local variables of a function; none for the frame of a module or class, whose variables are in a dict."""
    if frame is None or not frame.f_code.co_flags & inspect.CO_OPTIMIZED:
        return []
    snapshot = frame.f_locals
    items = list(snapshot.items())
    if sys.version_info < (3, 13) and frame.f_trace is None and not _is_traced():
        # The interpreter keeps this dict, and so the values, as long as the function runs. Only a tracer written in
        # Python has it written back.
        snapshot.clear()
    return items


def _is_traced() -> bool:
    hooks = (sys.gettrace(), sys.getprofile(), threading.gettrace(), threading.getprofile())
    return any(type(hook) in (FunctionType, MethodType) for hook in hooks)


def _qualified(function: Any) -> str:
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    module = getattr(function, "__module__", None)
    return f"{plain(module)}.{name}" if isinstance(module, str) and module != "builtins" else str(name)


def _exception(error: Any) -> str:
    shown = [repr(a)[:_WIDTH] if type(a) in (str, int, float, bool, type(None)) else "..." for a in error.args]
    return f"exception {type(error).__qualname__}({', '.join(shown)})"


_BY_CLASS: dict[type, Any] = {
    type: lambda cls: f"class {class_name(cls)}",
    ModuleType: lambda module: _module(module, module_name(module)),
    BaseException: _exception,
    threading.Thread: lambda thread: f'thread "{thread.name}"',
    asyncio.Task: lambda task: f'task "{task.get_name()}"',
    asyncio.AbstractEventLoop: lambda _: "the event loop",
    logging.RootLogger: lambda _: "the root logger",
    logging.Logger: lambda logger: f"logger {logger.name}",
}


def _module(module: ModuleType, name: str) -> str:
    # Modules of C code do not know that they are in a realm.
    is_nobodys = not name.startswith(PARENT + ".") and sys.modules.get(name) is not module
    return f"module {name}" if is_nobodys else module_words(name)


def _single_dispatch(function: Any) -> str | None:
    """The name of the generic function, if this is its dispatcher or one of its helpers."""
    code = function.__code__
    if function.__globals__ is not vars(functools) or not code.co_qualname.startswith("singledispatch.<locals>."):
        return None
    if "registry" not in code.co_freevars:
        return _qualified(function)
    return _qualified(function.__closure__[code.co_freevars.index("registry")].cell_contents[object])


def _context_variable(chain: Sequence[Any]) -> tuple[str, int]:
    return next(
        (
            (f'ContextVar "{variable.name}", set in a context', index + (each is variable))
            for variable, value in chain[0].items()
            for index, each in enumerate(chain)
            if each is value or each is variable
        ),
        ("a context", 1),
    )


def _members(node: Any) -> Iterator[tuple[str, object]]:
    kind = type(node)
    if (namespace := namespace_of(node)) is not None:
        yield from list(namespace.items())
    for cls in kind.__mro__:
        for name, member in list(vars(cls).items()):
            if type(member) is MemberDescriptorType:
                try:
                    yield name, member.__get__(node)
                except AttributeError:
                    pass  # a slot that is empty
