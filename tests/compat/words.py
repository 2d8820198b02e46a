"""Words for what a probe finds."""

from __future__ import annotations

import re
import traceback
import types
from pathlib import Path

from packaging.version import InvalidVersion, Version
from worlds import realm_of

from hotswap.realm.leaks import holders


def holders_of(modules: list[types.ModuleType]) -> str:
    """Who refers to what is closed: hotswap's own words for it."""
    places: dict[str, list[types.ModuleType]] = {realm_of(module.__name__): [] for module in modules}
    for module in modules:
        places[realm_of(module.__name__)].append(module)
    words = [each for prefix, found in places.items() for each in holders(found, f"{prefix}.")]
    words = [re.sub(r" \(realm [^)]*\)", "", each) for each in words if "/tests/compat/" not in each]
    return "; ".join([f"{each[:200]}..." if len(each) > 200 else each for each in words[:2]])


def same(told: str, expected: str) -> bool:
    """True for two spellings of one version."""
    try:
        return Version(told) == Version(expected)
    except InvalidVersion:
        return told == expected


def some(names: list[str]) -> str:
    """The first few of many."""
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def origin(error: BaseException) -> str:
    """The error and the innermost places it came from."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    where = " < ".join(f"{'/'.join(Path(frame.filename).parts[-3:])}:{frame.lineno}" for frame in reversed(frames))
    cause = f" (from {type(error.__cause__).__name__}: {error.__cause__})" if error.__cause__ else ""
    return f"{type(error).__name__}: {str(error)[:400]}{cause} [{where}]"
