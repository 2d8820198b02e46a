"""What a host may pass to a manager: each option is checked when it is given, and the error shows what was given."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, TypeVar

from packaging.utils import is_normalized_name

from .errors import UsageError
from .model import canonical

AnyCallable = TypeVar("AnyCallable", bound=Callable[..., Any])


def as_state_dir(given: object) -> Path:
    """Where the state dir lies; None and "" are the default, `$HOTSWAP_STATE_DIR`, else `.hotswap`.

    Raises:
        UsageError: It is no path.
    """
    given = given or os.environ.get("HOTSWAP_STATE_DIR") or ".hotswap"
    if not isinstance(given, (str, os.PathLike)):
        raise UsageError(f"state_dir={given!r} is no path: pass the directory for site dirs and history")
    return Path(given)


def as_logger(given: Any) -> logging.Logger:
    """A logger or an adapter of one; None is `hotswap`.

    Raises:
        UsageError: It is neither.
    """
    if given is None:
        return logging.getLogger("hotswap")
    if not isinstance(given, (logging.Logger, logging.LoggerAdapter)):
        raise UsageError(f"logger={given!r} is no logger: pass logging.getLogger(...)")
    return given  # type: ignore[return-value]  # an adapter has all that is called


def as_callback(option: str, given: AnyCallable | None) -> AnyCallable | None:
    """A function, or None.

    Raises:
        UsageError: It is neither.
    """
    if given is not None and not callable(given):
        raise UsageError(f"{option}={given!r} cannot be called: pass a function")
    return given


def as_seconds(option: str, given: Any) -> float:
    """A span of time, 0 or more; infinity is one.

    Raises:
        UsageError: It is none.
    """
    if not isinstance(given, (int, float)) or not given >= 0:
        raise UsageError(f"{option} is in seconds, 0 or more, not {given!r}")
    return float(given)


def as_names(only: Collection[str] | None) -> frozenset[str] | None:
    """The names of the plugins to load, in canonical form; None means all.

    Raises:
        UsageError: Not a collection of names; a text would be taken for its letters.
    """
    if only is None:
        return None
    if isinstance(only, str):
        raise UsageError(f"only={only!r} is a text: pass a list of names, only=[{only!r}]")
    if not isinstance(only, Collection):
        raise UsageError(f"only={only!r} is no list of names")
    if wrong := [name for name in only if not isinstance(name, str) or not is_normalized_name(canonical(name))]:
        raise UsageError(f"only={only!r} has what is no plugin's name: {', '.join(map(repr, wrong))}")
    return frozenset(map(canonical, only))
