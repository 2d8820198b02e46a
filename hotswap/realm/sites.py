"""Places in the host's code that look into `sys.modules` themselves, and not by way of a C function.

`"numpy" in sys.modules`, `sys.modules["numpy"]` and `sys.modules.get("numpy")` are written often, and to read the
native stack each time takes microseconds. What an instruction of such a place does is known without: it looks into a
dict, for what is written there. So where these instructions follow one another, and none can be reached from elsewhere,
it is the host that asks.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dis import Instruction, get_instructions
from types import CodeType, FrameType
from weakref import ref

_Sites = dict[int, str]
"""Offset of an instruction -> the name that it looks for."""
_known: dict[int, tuple[ref[CodeType], _Sites]] = {}
"""By identity, because to compare code objects takes longer than what is saved."""
_MODULES = [("LOAD_GLOBAL", "sys"), ("LOAD_ATTR", "modules")]
_GETS = {("LOAD_METHOD", "get"), ("LOAD_ATTR", "get")}
_CONSTANT = "LOAD_CONST"
_LONGEST = 7
_LOOKS = frozenset({"CONTAINS_OP", "BINARY_SUBSCR", "PRECALL", "CALL"})


def looks_itself(frame: FrameType, name: str) -> bool:
    """True if what a frame executes at this moment is a look for a name into `sys.modules`."""
    code = frame.f_code
    known = _known.get(id(code))
    sites = known[1] if known is not None and known[0]() is code else _read(code)
    return sites.get(frame.f_lasti) == name and frame.f_globals.get("sys") is sys


def _read(code: CodeType) -> _Sites:
    sites = dict(_sites(code)) if {"sys", "modules"} <= {*code.co_names} else {}
    key = id(code)
    _known[key] = ref(code, lambda _: _known.pop(key, None)), sites
    return sites


def _sites(code: CodeType) -> Iterator[tuple[int, str]]:
    before: list[Instruction] = []
    for each in get_instructions(code):
        if each.opname == "EXTENDED_ARG":
            continue
        before = [] if each.is_jump_target else before[1 - _LONGEST :]
        before.append(each)
        if each.opname in _LOOKS and (name := _sought(before)) is not None:
            yield each.offset, name


def _sought(instructions: list[Instruction]) -> str | None:
    """What the last of some instructions looks for in `sys.modules`; None if that is not what it does."""
    *steps, last = [(each.opname, each.argval) for each in instructions]
    if last[0] == "CONTAINS_OP":
        literal, steps = steps[-3:-2], steps[-2:]
    elif last[0] == "BINARY_SUBSCR":
        literal, steps = steps[-1:], steps[-3:-1]
    else:
        if steps and steps[-1][0] == "PRECALL":
            steps.pop()
        literal = []
        while steps and steps[-1][0] == _CONSTANT:
            literal.insert(0, steps.pop())
        if not literal or not steps or steps.pop() not in _GETS:
            return None
        steps = steps[-2:]
    if steps != _MODULES or not literal or literal[0][0] != _CONSTANT:
        return None
    return literal[0][1] if isinstance(literal[0][1], str) else None
