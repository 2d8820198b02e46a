"""Where a walk outwards from a realm ends: holders that have a name, and those that the collector never shows."""

from __future__ import annotations

import asyncio
import atexit
import codecs
import contextlib
import encodings
import logging
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextvars import Context
from types import FrameType, FunctionType, ModuleType
from typing import Any, NamedTuple

from .executing import KINDS, frame_of, function_of, is_hotswaps, is_of, module_of, place_of
from .naming import (
    DATA_BAG,
    FINALIZE_INFO,
    LRU_CACHE,
    attributes,
    class_module,
    class_name,
    is_typings,
    link,
    locals_of,
    module_words,
    names_in,
    namespace_of,
)
from .territory import PARENT

_PUT_BACK = "on_free has to put the former one back"
_REMOVE = "on_free has to remove it"
WAYS_OUT = {
    "sys.excepthook": _PUT_BACK,
    "sys.unraisablehook": _PUT_BACK,
    "sys.displayhook": _PUT_BACK,
    "threading.excepthook": _PUT_BACK,
    "sys.meta_path": _REMOVE,
    "sys.path_hooks": _REMOVE,
    "gc.callbacks": _REMOVE,
    "warnings.filters": "on_free has to remove the filter",
    "copyreg.dispatch_table": "on_free has to remove the reducer; __reduce__ needs none",
    "ctypes._pointer_type_cache": "use pointer types of the host's structures only",
}
"""`module.attribute` -> what a plugin has to do about being held there."""
STAY = "extension modules stay, because Python never unloads them"
_OWN_MACHINERY = ("hotswap.realm.", "hotswap.retired.", "hotswap.retirement.", "hotswap.manager.")


class Anchor(NamedTuple):
    """Where a chain of references begins."""

    words: str
    used: int = 0
    """How many objects of the chain the words cover."""
    way_out: str = ""
    of_hotswap: bool = False


def anchor(node: Any, chain: Sequence[Any], module_dicts: dict[int, str]) -> Anchor | None:
    """The words for an object at which the walk ends, or None if it goes on outwards.

    Args:
        node: It refers to the first object of the chain.
        chain: From outside inwards; the last object is the realm's.
        module_dicts: Id of every module's namespace -> the module's name.
    """
    kind = type(node)
    if (module := module_dicts.get(id(node))) is not None:
        names = names_in(node, chain[0])
        way_out = WAYS_OUT.get(f"{module}.{names[0]}", "") if names else ""
        return Anchor(module_words(module) + attributes(names), 0, way_out, is_hotswaps(module))
    if kind in (list, dict):
        return _registry(node, chain)
    if kind is LRU_CACHE:
        way_out = "the entry goes when other code has filled the cache, or after typing._cleanups"
        return _linked(node, chain, way_out if is_typings(node) else "call its cache_clear()")
    if kind is FunctionType:
        if str(node.__module__).startswith(PARENT + ".") and not module_of_function(node).startswith(PARENT + "."):
            return None  # a wrapper of somebody else's around a realm's function, under that one's name
        # By its code, because a wrapper wears the name of what is inside.
        inner = "<locals>" in node.__code__.co_qualname.removeprefix("singledispatch.<locals>.")
        return None if inner or not is_known(node) else _linked(node, chain)
    if kind in KINDS:
        frame = frame_of(node)
        # A wrapper of hotswap's own is held by whoever drives it.
        return None if frame is None or is_hotswaps(module_of(frame)) else _linked(node, chain)
    if kind is Context:
        return _linked(node, chain, "reset the variable with its token")
    if kind is FINALIZE_INFO:
        return _linked(node, chain, "call its detach() in on_free")
    if issubclass(kind, asyncio.Task):
        return None if node.done() else _linked(node, chain)
    if issubclass(kind, logging.Logger):
        return _linked(node, chain, "on_free has to call removeHandler or removeFilter")
    if issubclass(kind, type):
        if "<locals>" in node.__qualname__ or not is_known(node):
            return None
        is_base = any(cls is chain[-1] for cls in node.__mro__)
        return Anchor(f"class {class_name(node)}, base class", len(chain) - 1) if is_base else _linked(node, chain)
    if issubclass(kind, (threading.Thread, asyncio.AbstractEventLoop)) or class_name(kind) == DATA_BAG:
        return _linked(node, chain)
    return None


def is_known(node: FunctionType | type) -> bool:
    """False if the name of a function or class does not lead to it: somebody keeps it who has not made it public.

    Classes of C code, and those that call themselves like the package that shows them, have names without a realm's.
    It is enough that the module is there, and has nothing else under the name.
    """
    name = node.__module__ if type(node) is FunctionType else class_module(node)
    module = sys.modules.get(name) if isinstance(name, str) else None
    found: Any = module
    for part in node.__qualname__.split("."):
        namespace = type.__dict__["__dict__"].__get__(found) if isinstance(found, type) else namespace_of(found)
        if not namespace or part not in namespace:
            return module is not None
        found = namespace[part]
    return found is node or (type(found) in (classmethod, staticmethod) and found.__func__ is node)


def module_of_function(function: FunctionType) -> str:
    """The name of the module whose code a function is, past the name that it wears."""
    return str(function.__globals__.get("__name__", ""))


def is_machinery(node: object) -> bool:
    """True for what hotswap itself uses to look after plugins, as opposed to what it hands to the host."""
    return f"{class_module(type(node))}.".startswith(_OWN_MACHINERY)


def unseen_holders(stacks: Iterable[tuple[str, list[FrameType]]], prefix: str) -> dict[int, list[Anchor]]:
    """Id of an object -> the holders that `gc.get_referrers` does not show: variables of running functions, C state."""
    found: dict[int, list[Anchor]] = {}
    for _, stack in stacks:
        for frame in stack:
            if is_of(frame, prefix):
                continue  # a running thread is reported as such
            where = f"of function {function_of(frame)} ({place_of(frame)})"
            of_hotswap = is_hotswaps(module_of(frame))
            for name, value in locals_of(frame):
                words = f'local variable "{name}" {where}'
                found.setdefault(id(value), []).append(Anchor(words, of_hotswap=of_hotswap))
    for key, known in _c_state():
        found.setdefault(key, []).append(known)
    return found


def _c_state() -> Iterator[tuple[int, Anchor]]:
    callbacks = _Recorder()
    with contextlib.suppress(Exception):  # an odd callable may refuse to be compared
        atexit.unregister(callbacks)
    for key in callbacks.compared:
        yield key, Anchor("an atexit callback", 0, "on_free has to call atexit.unregister")
    for number in sorted(signal.valid_signals()):
        if callable(handler := signal.getsignal(number)):
            yield id(handler), Anchor(f"the handler of signal {getattr(number, 'name', number)}", 0, _PUT_BACK)
    for words, hook in (("sys.settrace", sys.gettrace()), ("sys.setprofile", sys.getprofile())):
        if hook is not None:
            yield id(hook), Anchor(words, 0, _PUT_BACK)


class _Recorder:
    """Equal to nothing; given to `atexit.unregister`, it meets every callback, which nothing else lists."""

    def __init__(self) -> None:
        self.compared: list[int] = []

    def __call__(self) -> None: ...

    def __eq__(self, other: object) -> bool:
        self.compared.append(id(other))
        return False

    __hash__ = None  # type: ignore[assignment]


def _linked(node: Any, chain: Sequence[Any], way_out: str = "") -> Anchor:
    words, covered = link([node, *chain])
    defined_in = node.__module__ if issubclass(type(node), (FunctionType, type)) else ""
    return Anchor(words, covered - 1, way_out, is_hotswaps(str(defined_in)))


def _registry(node: Any, chain: Sequence[Any]) -> Anchor | None:
    # The registries of codecs belong to the interpreter; they are known by what is always in them. So is this one.
    if type(node) is list and any(each is vars(threading)["_after_fork"] for each in node):
        return Anchor("os.register_at_fork", 0, "that cannot be undone: let the host provide what does it")
    if type(node) is list and any(each is encodings.search_function for each in node):
        return Anchor("codecs.register", 0, "on_free has to call codecs.unregister")
    if type(node) is list and type(chain[0]) is ModuleType and any(each is sys for each in node):
        return Anchor(STAY)
    if type(node) is dict and "surrogateescape" in node and "xmlcharrefreplace" in node:
        name = "".join(names_in(node, chain[0])[:1])
        return Anchor(f"codecs.register_error({name!r})", 0, "on_free has to register another one by its name")
    if type(chain[0]) is codecs.CodecInfo:
        return Anchor("the cache of codecs", 0, "on_free has to call codecs.unregister")
    return None
