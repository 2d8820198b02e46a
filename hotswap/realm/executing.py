"""Who still executes in a realm: running threads, and what a call left suspended or not yet started."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Iterable, Iterator
from types import AsyncGeneratorType, CoroutineType, FrameType, GeneratorType
from typing import Any, NamedTuple

from .asking import ANCHOR
from .territory import PARENT, Reach


class _Kind(NamedTuple):
    words: str
    frame: str
    awaits: str
    suspended: str
    unstarted: str


KINDS: dict[type, _Kind] = {
    CoroutineType: _Kind("coroutine", "cr_frame", "cr_await", "cr_suspended", "not yet awaited"),
    GeneratorType: _Kind("generator", "gi_frame", "gi_yieldfrom", "gi_suspended", "not yet started"),
    AsyncGeneratorType: _Kind("async generator", "ag_frame", "ag_await", "ag_suspended", "not yet started"),
}
"""What executes in steps, by exact type: its name, and its attributes."""

_HOTSWAP = PARENT.partition(".")[0]
_NAMES_SHOWN = 3


def executing(prefix: str) -> tuple[str, ...]:
    """Who executes in the modules of a realm, or is about to.

    A chain of awaits or `yield from` is reported once, by its innermost function that belongs to the realm. The cost is
    one pass over all objects that the garbage collector knows.

    Args:
        prefix: The realm's, e.g. `hotswap.realms.alpha_1_0_3f9c_1.`

    Returns:
        Noun phrases, sorted: running threads, tasks, then what nobody is seen to drive. Nothing is referred to by them.
    """
    stacks = thread_stacks()
    running = {id(frame) for _, stack in stacks for frame in stack}
    lines = list(_threads(stacks, prefix))
    stepwise = gc_objects({*KINDS, *_subclasses(asyncio.Task)})
    drivers = task_names(stepwise)
    for each in stepwise:
        if type(each) not in KINDS or id(frame := frame_of(each)) in running:
            continue
        if is_of(frame, prefix) and not any(is_of(frame_of(inner), prefix) for inner in driven_by(each)):
            lines.append(_stepwise(each, frame, drivers.get(id(each)), prefix))
    return tuple(_grouped(lines))


def running_threads(stacks: Iterable[tuple[str, list[FrameType]]], prefix: str) -> tuple[str, ...]:
    """The threads among `executing`."""
    return tuple(_grouped(_threads(stacks, prefix)))


def readers(plugin: str = "") -> Iterator[Reach]:
    """The versions of a plugin, or of all, whose code executes in this thread, the innermost first."""
    frame = sys._getframe(1)
    while frame is not None:
        anchor = frame.f_builtins.get(ANCHOR)
        reach = anchor.reach if anchor is not None and not anchor.reach.closed else None
        if reach is not None and reach.territory.plugin and plugin in ("", reach.territory.plugin):
            yield reach
        frame = frame.f_back  # type: ignore[assignment]


def thread_stacks() -> list[tuple[str, list[FrameType]]]:
    """The name and the frames, innermost first, of every thread; the function that calls this one is left out."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    tops: dict[int, FrameType | None] = {**sys._current_frames()}
    # A frame that holds a list of frames with itself in it would be a cycle, and keep everything until a collection.
    tops[threading.get_ident()] = sys._getframe(1).f_back
    stacks = []
    for ident, top in tops.items():
        stack: list[FrameType] = []
        while top is not None:
            stack.append(top)
            top = top.f_back
        stacks.append((names.get(ident, str(ident)), stack))
    return stacks


def gc_objects(types: set[type]) -> list[Any]:
    """All objects of exactly these types."""
    return [each for each in gc.get_objects() if type(each) in types]


def task_names(objects: Iterable[Any]) -> dict[int, str]:
    """Id of a coroutine or generator -> name of the unfinished task that drives it."""
    names: dict[int, str] = {}
    for task in objects:
        if issubclass(type(task), asyncio.Task) and not task.done():
            first = task.get_coro()
            names.update((id(each), task.get_name()) for each in (first, *driven_by(first)))
    return names


def driven_by(outer: Any) -> Iterator[Any]:
    """The coroutines and generators, from outside inwards, that proceed when this awaitable or iterator is resumed."""
    seen = {id(outer)}
    while True:
        inner = getattr(outer, KINDS[type(outer)].awaits) if type(outer) in KINDS else outer
        if type(inner) not in KINDS:
            # The C objects behind `anext()` and `__await__()`, iterators like `map`, and wrappers show what they
            # drive to the collector only.
            inner = next((each for each in gc.get_referents(inner) if type(each) in KINDS), None)
        if inner is None or id(inner) in seen:
            return
        seen.add(id(inner))
        yield inner
        outer = inner


def is_unstarted(each: Any, frame: FrameType) -> bool:
    """True for a coroutine or generator that nobody has stepped into yet."""
    # Python 3.11 does not say it of an async generator.
    return not getattr(each, KINDS[type(each)].suspended, frame.f_lineno != frame.f_code.co_firstlineno)


def frame_of(each: Any) -> FrameType | None:
    """Where a coroutine or generator stands; None if it has ended."""
    frame: FrameType | None = getattr(each, KINDS[type(each)].frame)
    return frame


def is_of(frame: FrameType | None, prefix: str) -> bool:
    """True if a frame executes code of a module whose name starts so."""
    return f"{module_of(frame)}.".startswith(prefix)


def module_of(frame: FrameType | None) -> str:
    """The name of the module whose code a frame executes, or ""."""
    return str(frame.f_globals.get("__name__", "")) if frame is not None else ""


def is_hotswaps(module: str) -> bool:
    """True for the modules of hotswap itself, which those of the realms are not."""
    return module.partition(".")[0] == _HOTSWAP and not module.startswith(PARENT + ".")


def function_of(frame: FrameType) -> str:
    """The dotted name of a frame's function, as its author knows it."""
    return f"{plain(module_of(frame))}.{frame.f_code.co_qualname}"


def place_of(frame: FrameType) -> str:
    """File and line where a frame stands."""
    return f"{frame.f_code.co_filename}:{frame.f_lineno or frame.f_code.co_firstlineno}"


def plain(module: str) -> str:
    """A module's name without any realm's prefix."""
    if not module.startswith(PARENT + "."):
        return module
    realm_id, _, rest = module[len(PARENT) + 1 :].partition(".")
    return rest or f"realm {realm_id}"


class _Line(NamedTuple):
    rank: int
    words: str
    noun: str
    name: str = ""


def _threads(stacks: Iterable[tuple[str, list[FrameType]]], prefix: str) -> Iterator[_Line]:
    for name, stack in stacks:
        frame = next((frame for frame in stack if is_of(frame, prefix)), None)
        if frame is not None:
            yield _Line(0, f"running {function_of(frame)} ({place_of(frame)})", "thread", name)


def _stepwise(each: Any, frame: Any, task: str | None, prefix: str) -> _Line:
    unstarted = is_unstarted(each, frame)
    where = f"{function_of(frame)} ({place_of(frame)})"
    if task is not None:
        return _Line(1, f"{'about to start' if unstarted else 'waiting in'} {where}", "task", task)
    kind = KINDS[type(each)]
    return _Line(2, f"of {where}, {kind.unstarted if unstarted else 'suspended'}", kind.words)


def _grouped(lines: Iterable[_Line]) -> Iterator[str]:
    """One phrase for all who are at the same place."""
    groups: dict[tuple[int, str, str], list[str]] = {}
    for line in lines:
        groups.setdefault((line.rank, line.words, line.noun), []).append(line.name)
    for (_, words, noun), names in sorted(groups.items()):
        if not names[0]:
            article = "an" if noun[0] == "a" else "a"
            yield f"{article} {noun} {words}" if len(names) == 1 else f"{len(names)} {noun}s {words}"
            continue
        shown = [f'"{name}"' for name in sorted(names)[:_NAMES_SHOWN]]
        rest = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
        yield f"{noun}{'s' if len(names) > 1 else ''} {', '.join(shown)}{rest} {words}"


def _subclasses(cls: type) -> Iterator[type]:
    yield cls
    subclasses: list[type] = cls.__subclasses__()
    for each in subclasses:
        yield from _subclasses(each)
