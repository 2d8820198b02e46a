"""On whose behalf a module is looked for, where Python does not say it.

`sys.modules` and `sys.meta_path` are asked by name alone. Who asks is the code that executes: the nearest function on
the stack that belongs to somebody. C functions have no place of their own there, so they ask for whoever called them;
the standard library imports by string for its caller; and hotswap's own machinery asks for the realm it serves.
"""

from __future__ import annotations

import sys
from dis import opmap
from functools import lru_cache
from types import CodeType, FrameType
from typing import Any

from .nativestack import STACK
from .territory import PARENT, Reach, plain_names

ANCHOR = "__hotswap_anchor__"
"""What the builtins of a realm's code have under this name leads to the realm's names."""
BOOTSTRAP = frozenset({"importlib._bootstrap", "importlib._bootstrap_external", "_frozen_importlib"})
"""Names of the importing machinery itself."""
EXTENDED_ARG, IMPORT_NAME = opmap["EXTENDED_ARG"], opmap["IMPORT_NAME"]
"""The operation that an import statement executes."""
_DECIDING = ("hotswap.realm.importing", "hotswap.realm.overlays")
"""What they look for with the host's functions is the host's."""


def call(function: Any, *arguments: Any) -> Any:
    """Made a function of a realm, it is the place on the stack from which an extension initialises."""
    return function(*arguments)


TRAMPOLINE: CodeType = call.__code__


class Anchor:
    """Something that weak references can point at, which dicts are not; knows what the code around it reaches."""

    __slots__ = ("__weakref__", "reach")
    reach: Reach


def asker(beyond: Reach | None = None) -> Reach | None:
    """The realm on whose behalf the running code looks for a module; None for the host.

    Args:
        beyond: Look past the code of this realm, too.
    """
    return _asker(sys._getframe(0).f_back, beyond)


def _asker(frame: FrameType | None, beyond: Reach | None = None) -> Reach | None:
    while frame is not None:
        anchor = frame.f_builtins.get(ANCHOR)
        if anchor is None:
            name = str(frame.f_globals.get("__name__"))
            if not passes_on(name) or (beyond is None and name.startswith(_DECIDING)):
                return None
        elif anchor.reach is not beyond:
            reach: Reach = anchor.reach
            return None if reach.closed else reach
        frame = frame.f_back
    return None


def seeker(name: str, *, entered: bool, above: int = 0) -> Reach | None:
    """The realm on whose behalf a module is looked for by its plain name in `sys.modules` or by the finder.

    Where it may be C code that looks, and not the Python function that is executing, the native stack is asked.

    Args:
        name: The plain name.
        entered: The caller of this function was called from C, as `__eq__` is, and not by the importing machinery.
        above: How many functions, from the caller on, are passed over.
    """
    frame = sys._getframe(above).f_back  # which in a thread that runs no Python function may be None
    entries, by_string, decided, module = int(entered), False, False, ""
    anchor = None
    while frame is not None:  # pragma: no branch - it ends in threads that run no Python function: not measured
        if (anchor := frame.f_builtins.get(ANCHOR)) is not None:
            break
        module = str(frame.f_globals.get("__name__"))
        if module not in BOOTSTRAP and not module.startswith("hotswap.realm."):
            break
        decided = decided or module.startswith(_DECIDING)
        by_string = by_string or frame.f_code.co_name == "_gcd_import"
        entries += frame.f_code.co_name == "_find_and_load" and not decided
        frame = frame.f_back
    own: Reach | None = anchor.reach if anchor is not None else None
    if own is None:
        open_question = frame is None or not (by_string or _states(frame, name))
    elif decided:
        open_question = own.full(name) != name
    else:
        assert frame is not None, "it has the anchor"
        # Beside its own C code there may be other realms' and the host's, which mean another module by that name.
        open_question = frame.f_code is not TRAMPOLINE and (
            own.full(name) != name or STACK.may_mean_another(name, name)
        )
    if open_question and (found := STACK.asker(entries)) is not None:
        if found != "host's":
            return found
        return None if decided else _served(frame, name) if own is None else _beneath(frame, name)
    return None if decided else _asker(frame) or _served(frame, name)


def _states(frame: FrameType, name: str) -> bool:
    """True if a function executes an import statement that means a module of that name, too.

    What else is looked for meanwhile, C code looks for: of another extension that the import loads, or of objects that
    are collected then.
    """
    at, code = frame.f_lasti, frame.f_code.co_code
    if code[at] != IMPORT_NAME:
        return False
    index, bits = code[at + 1], 0
    while at >= 2 and code[at - 2] == EXTENDED_ARG:
        at, bits = at - 2, bits + 8
        index |= code[at + 1] << bits
    stated = frame.f_code.co_names[index]
    if stated == name or stated.startswith(name + ".") or name.rpartition(".")[0] == stated:
        return True
    # A relative one means something in its own package.
    return str(frame.f_globals.get("__package__")).partition(".")[0] == name.partition(".")[0]


def _served(frame: FrameType | None, name: str) -> Reach | None:
    """The realm beneath whose call code of the host looks for one of its modules by a string.

    As flask does with `app.config.from_object("alpha.settings")`. An import statement of the host's means the host's.
    """
    while frame is not None and passes_on(frame.f_globals.get("__name__")):
        frame = frame.f_back
    if frame is None or frame.f_code.co_code[frame.f_lasti] == IMPORT_NAME:
        return None
    return _beneath(frame.f_back, name)


def _beneath(frame: FrameType | None, name: str) -> Reach | None:
    """The nearest realm on the stack that code of the host's, which it calls, may have the module of."""
    top = name.partition(".")[0]
    while frame is not None:
        if (anchor := frame.f_builtins.get(ANCHOR)) is not None:
            reach: Reach = anchor.reach
            # A library is served with what it asks about itself, as scipy does by way of numpy: what else the host's
            # would find by a string may be an option of theirs, which they keep.
            if reach.territory.plugin or plain_names(str(frame.f_globals.get("__name__"))).partition(".")[0] == top:
                return reach if not reach.closed and reach.serves_host(name) else None
        frame = frame.f_back
    return None


def by_statement() -> bool:
    """True if it is an import statement in a realm's module that looks for a module.

    And no function that was given a string, nor a statement in code that was made of strings, e.g. of a template.
    """
    frame = sys._getframe(0).f_back
    while frame is not None and ANCHOR not in frame.f_builtins:
        frame = frame.f_back
    if frame is None or frame.f_code.co_code[frame.f_lasti] != IMPORT_NAME:
        return False
    return PARENT in str(frame.f_globals.get("__name__"))


@lru_cache(maxsize=4096)
def passes_on(module: object) -> bool:
    """True for the name of a module whose functions look for modules on behalf of their callers."""
    module = str(module)
    return module.partition(".")[0] in sys.stdlib_module_names or module.startswith("hotswap.realm.")
