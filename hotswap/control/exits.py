"""What an error says of itself to another process: plain data, and the exit code of the command it ends."""

from __future__ import annotations

import traceback
from enum import IntEnum
from typing import NotRequired, TypedDict

from ..errors import (
    ControlError,
    Fault,
    FaultsError,
    HotswapError,
    PluginError,
    ReloadVetoError,
    ResolutionError,
    StateDirError,
    UsageError,
)


class Exit(IntEnum):
    """Exit codes of `hotswap`: whose fault it was.

    Attributes:
        meaning: A clause for the help text.
    """

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Exit:
        """Make the code, and keep its meaning beside it."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    FINE = 0, "fine"
    PLUGINS = 1, "the plugins are at fault, or the reload was vetoed"
    USAGE = 2, "the command cannot be carried out as it was given"
    CONTROL = 3, "no host answers, or its control socket is at fault"
    STATE_DIR = 4, "the state dir cannot be used"
    INTERNAL = 5, "hotswap itself is at fault"
    INTERRUPTED = 130, "interrupted (Ctrl-C)"


class FaultReport(TypedDict):
    """A `Fault` as plain data."""

    where: str
    what: str
    way_out: str


def report_fault(fault: Fault) -> FaultReport:
    """A `Fault` as plain data."""
    return FaultReport(where=fault.where, what=fault.what, way_out=fault.way_out)


class ErrorReport(TypedDict):
    """An exception as plain data."""

    type: str
    """Name of its class."""
    message: str
    faults: list[FaultReport]
    exit_code: int
    traceback: NotRequired[str]


class RemoteError(HotswapError):
    """The host answered that it could not do it.

    Attributes:
        report: The host's error.
    """

    def __init__(self, report: ErrorReport) -> None:
        self.report = report
        super().__init__(report["message"])


# The first that fits counts: several are subclasses of a later one.
_CODES: tuple[tuple[type[Exception], Exit], ...] = (
    (StateDirError, Exit.STATE_DIR),
    (ControlError, Exit.CONTROL),
    (UsageError, Exit.USAGE),
    (PluginError, Exit.PLUGINS),
    (ResolutionError, Exit.PLUGINS),
    (ReloadVetoError, Exit.PLUGINS),
    (OSError, Exit.USAGE),
)


def exit_code(error: BaseException) -> int:
    """The exit code that says whose fault an exception is."""
    if isinstance(error, RemoteError):
        return error.report["exit_code"]
    return next((code for kind, code in _CODES if isinstance(error, kind)), Exit.INTERNAL)


def describe(error: BaseException, *, debug: bool = False) -> ErrorReport:
    """An exception as plain data; with `debug`, its traceback too, as text."""
    if isinstance(error, RemoteError):
        return error.report
    faults = error.faults if isinstance(error, FaultsError) else ()
    report = ErrorReport(
        type=type(error).__name__,
        message="\n".join([str(error) or type(error).__name__, *getattr(error, "__notes__", ())]),
        faults=[report_fault(fault) for fault in faults],
        exit_code=exit_code(error),
    )
    if debug:
        report["traceback"] = "".join(traceback.format_exception(error))
    return report
