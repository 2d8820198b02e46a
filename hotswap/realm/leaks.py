"""Who keeps retired plugin code: who still executes in it, and who still refers to it.

    the realm's own objects  <-  containers, instances, frames, exceptions  <-  anchor: a holder with a name

Both reports take passes over all objects that the garbage collector knows, so they are made only when asked for.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterable, Sequence
from types import FrameType, FunctionType, MethodType, ModuleType, TracebackType
from typing import Any, NamedTuple

from .anchors import STAY, Anchor, anchor, is_known, is_machinery, unseen_holders
from .asking import ANCHOR
from .executing import KINDS, executing, frame_of, is_of, running_threads, thread_stacks
from .importing import RealmImport
from .naming import LRU_CACHE, chain_words, class_module, describe, module_name, namespace_of
from .unseen import UNSEEN, held_unseen, made_by_extensions, stay

__all__ = ["executing", "holders", "stay"]

_DEPTH = 8
"""References between a realm's object and its holder, at most."""


def holders(modules: Sequence[ModuleType], prefix: str, limit: int = 10) -> tuple[str, ...]:
    """Who refers to a closed realm, by the shortest chains from something with a name into it.

    What hotswap itself refers to is told only if there is no other holder.

    Args:
        modules: The realm's modules that still exist, if any: a function is enough to keep a module's code alive.
        prefix: The realm's, e.g. `hotswap.realms.alpha_1_0_3f9c_1.`
        limit: How many holders are told.

    Returns:
        Noun phrases, running threads first, then the shortest chains. Nothing is referred to by them.
    """
    stacks = thread_stacks()
    threads = running_threads(stacks, prefix)
    busy = {name for name, stack in stacks if any(is_of(frame, prefix) for frame in stack)}
    ignored = {id(modules), *(id(thread) for thread in threading.enumerate() if thread.name in busy)}
    # From here on nobody dies and no id is used twice; what the walk makes itself is not in the list.
    heap = gc.get_objects()
    own = _own_objects(heap, modules, prefix)
    walk = _Walk(heap, own, unseen_holders(stacks, prefix), ignored)
    for _ in range(_DEPTH):
        walk.step()
        if not walk.frontier or len(walk.told()) >= limit:
            break
    told = [*threads, *walk.told()] or walk.told(by_hotswap=True)
    if any(not text.startswith(STAY) for text in told):
        return tuple(told[:limit])
    lost, far = walk.rest()
    del heap, walk, stacks  # they refer to what is counted now
    unseen = held_unseen(own, modules)
    return tuple((unseen if any(text.startswith(STAY) for text in unseen) else lost or unseen or told or far)[:limit])


class _Found(NamedTuple):
    anchor: Anchor
    chain: list[Any]
    """From outside inwards; the last object is the realm's."""

    def is_hotswaps(self) -> bool:
        """True if hotswap's own book-keeping is the holder."""
        return self.anchor.of_hotswap or any(is_machinery(node) for node in self.chain)

    def container(self) -> int | None:
        """Identifies what stands between the holder and the realm's object, if anything does."""
        return id(self.chain[self.anchor.used]) if self.anchor.used < len(self.chain) - 1 else None

    def text(self) -> str:
        words, used, way_out, _ = self.anchor
        *between, target = self.chain[used:]
        if issubclass(type(target), BaseException):
            path = f": {chain_words(between)}" if between else ""
            text = f"an {describe(target)} kept by {words}{path}"
        else:
            text = f"{words}: {chain_words(self.chain[used:])}"
        return f"{text} ({way_out})" if way_out else text


class _Walk:
    """Goes outwards from a realm's own objects, one pass over the heap for each step."""

    def __init__(self, heap: list[Any], own: list[Any], unseen: dict[int, list[Anchor]], ignored: set[int]) -> None:
        self.frontier = {id(each): each for each in own}
        # A namespace says more than its module, and Python before 3.12.6 hangs when asked what the module _asyncio
        # refers to: https://github.com/python/cpython/issues/122695
        self._heap = [each for each in heap if type(each) is not ModuleType]
        self._unseen = unseen
        self._ignored = ignored
        self._found: list[_Found] = []
        self._lost: list[list[Any]] = []
        self._nodes = dict(self.frontier)
        self._inner: dict[int, int] = {}
        modules = [each for each in heap if issubclass(type(each), ModuleType) and not is_machinery(each)]
        spaces = ((namespace_of(module), module_name(module)) for module in modules)
        # The builtins of a realm are no module that anybody knows of.
        self._module_dicts = {id(space): name for space, name in spaces if ANCHOR not in (space or {})}

    def step(self) -> None:
        """Find who refers to the frontier: holders with a name, and the next frontier."""
        frontier, self.frontier = set(self.frontier), {}
        referred: set[int] = set()
        for node in self._heap:
            referents = gc.get_referents(node)
            # gc.get_referrers compares every reference on the heap with each of its arguments, and no other thread
            # runs meanwhile: with 1,000 arguments it takes twice as long as this.
            if frontier.isdisjoint(map(id, referents)):
                continue
            hits = dict.fromkeys(key for key in map(id, referents) if key in frontier)
            referred.update(hits)
            if id(node) not in self._nodes and id(node) not in self._ignored:
                self._reach(node, hits)
        for key in frontier:
            if key in self._unseen:
                self._found += [_Found(each, self._chain(key)) for each in self._unseen[key]]
            elif key not in referred and not issubclass(type(self._nodes[key]), (ModuleType, dict)):
                self._lost.append(self._chain(key))
        self._nodes |= self.frontier

    def told(self, *, by_hotswap: bool = False) -> list[str]:
        """The holders with a name, in words, shortest chain first."""
        # Several names for one container are told as one holder, and so are several objects that one holder has.
        containers: dict[int, list[_Found]] = {}
        for index, each in enumerate(self._found):
            if each.is_hotswaps() == by_hotswap:
                containers.setdefault(each.container() or -index, []).append(each)
        holders: dict[str, list[_Found]] = {}
        for group in containers.values():
            first = min(group, key=lambda each: (not each.anchor.way_out, each.anchor.words))
            others = len({each.anchor.words for each in group}) - 1
            words = first.anchor.words + (f" and {others} more" if others else "")
            holders.setdefault(words, []).append(_Found(first.anchor._replace(words=words), first.chain))
        ordered = []
        for group in holders.values():
            length, text = min((len(each.chain), each.text()) for each in group)
            others = len({id(each.chain[-1]) for each in group}) - 1
            ordered.append((length, f"{text}, and {others} more" if others else text))
        return [text for _, text in sorted(ordered)]

    def rest(self) -> tuple[list[str], list[str]]:
        """Where the walk has lost the track: what nobody is seen to hold, and what is too far away."""
        lost = self._words(self._lost, UNSEEN)
        return lost, self._words(map(self._chain, self.frontier), f"more than {_DEPTH} references away")

    @staticmethod
    def _words(chains: Iterable[list[Any]], where: str) -> list[str]:
        found = [chain for chain in chains if not any(is_machinery(node) for node in chain)]
        return list(dict.fromkeys(f"{chain_words(c)}, held by something {where}" for c in sorted(found, key=len)))

    def _reach(self, node: Any, hits: Iterable[int]) -> None:
        for key in hits:
            chain = self._chain(key)
            known = anchor(node, chain, self._module_dicts)
            if known is None:
                self.frontier[id(node)] = node
                self._inner[id(node)] = key
                return
            self._found.append(_Found(known, chain))

    def _chain(self, start: int) -> list[Any]:
        chain = []
        key: int | None = start
        while key is not None:
            chain.append(self._nodes[key])
            key = self._inner.get(key)
        return chain


def _own_objects(heap: list[Any], modules: Iterable[ModuleType], prefix: str) -> list[Any]:
    """What belongs to a realm: its modules, functions and classes, instances of those, frames, namespaces, builtins."""
    checks: dict[type, Callable[[Any], bool]] = {}
    own: dict[int, Any] = {id(module): module for module in modules}
    for each in heap:
        kind = type(each)
        check = checks.get(kind) or checks.setdefault(kind, _own_check(kind, prefix))
        if check(each):
            own[id(each)] = each
    for each in list(own.values()):
        if type(each) is FunctionType:
            own[id(each.__globals__)] = each.__globals__
        elif issubclass(type(each), ModuleType) and (namespace := namespace_of(each)) is not None:
            own[id(namespace)] = namespace
            own |= {id(value): value for value in made_by_extensions(each)}
    return list(own.values())


def _own_check(kind: type, prefix: str) -> Callable[[Any], bool]:
    """How to tell whether an object of some type belongs to a realm."""

    def is_own_function(function: Any) -> bool:
        if str(function.__globals__.get("__name__")).startswith(prefix):
            return True
        # What was made by `exec` need not say where; its builtins do.
        anchor = function.__builtins__.get(ANCHOR)
        return anchor is not None and bool(anchor.reach.territory.prefix == prefix)

    def is_own_import(function: Any) -> bool:
        return type(function) is RealmImport and function.prefix == prefix

    def is_own_traceback(trace: TracebackType | None) -> bool:
        while trace is not None and not is_of(trace.tb_frame, prefix):
            trace = trace.tb_next
        return trace is not None

    if class_module(kind).startswith(prefix):
        return lambda _: True
    if kind in KINDS:
        return lambda each: is_of(frame_of(each), prefix)
    if issubclass(kind, ModuleType):
        return lambda module: f"{module_name(module)}.".startswith(prefix)
    if issubclass(kind, type):
        return lambda cls: class_module(cls).startswith(prefix) or _is_made_by(cls, is_own_function)
    if issubclass(kind, BaseException):
        return lambda error: is_own_traceback(error.__traceback__)
    return {
        # The realm's builtins, which a loader or spec may keep without any of its modules.
        dict: lambda each: "__build_class__" in each and is_own_import(each.get("__import__")),
        RealmImport: is_own_import,
        FunctionType: is_own_function,
        MethodType: lambda method: type(method.__func__) is FunctionType and is_own_function(method.__func__),
        LRU_CACHE: lambda cache: str(getattr(cache, "__module__", "")).startswith(prefix),
        FrameType: lambda frame: is_of(frame, prefix),
        TracebackType: is_own_traceback,
    }.get(kind, _is_foreign)


def _is_made_by(cls: type, is_own_function: Callable[[Any], bool]) -> bool:
    """True for a class of a realm that calls itself like somebody else's, as packages do with what they show."""
    functions = (each for each in list(type.__dict__["__dict__"].__get__(cls).values()) if type(each) is FunctionType)
    return any(map(is_own_function, functions)) and not is_known(cls)


def _is_foreign(_: object) -> bool:
    return False
