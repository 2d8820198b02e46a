"""Who is at fault: every exception hotswap raises on purpose.

An error carries names, paths and sentences, never a plugin object, a module or a traceback of its own keeping: a host
that stores an error must not thereby keep the code of an old generation in memory.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: where it is, what it is, and the way out.

    `where` is a file, a member of an archive, or a function; `way_out` may be empty where the fault itself says it.
    """

    where: str
    what: str
    way_out: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text} ({self.way_out})" if self.way_out else text


def _sentence(head: str, faults: Sequence[Fault]) -> str:
    if len(faults) == 1:
        return f"{head}: {faults[0]}"
    return "\n".join([f"{head}: {len(faults)} faults", *(f"  - {fault}" for fault in faults)])


class HotswapError(Exception):
    """The root of every error hotswap raises on purpose."""


class UsageError(HotswapError):
    """The host asked for something that cannot be."""


class NotLoadedError(UsageError):
    """The manager has no generation yet, or has been closed."""


class PluginNotFoundError(UsageError, KeyError):
    """No plugin of that name is in the generation; a KeyError too, because generations are mappings."""

    def __init__(self, name: str, known: Iterable[str] = ()) -> None:
        self.name = name
        self.known = tuple(known)
        super().__init__(name)

    def __str__(self) -> str:
        text = f"no plugin is called {self.name!r}; there are: {', '.join(self.known) or 'none'}"
        close = difflib.get_close_matches(self.name, self.known, n=1) if isinstance(self.name, str) else ()
        return f"{text}; did you mean {close[0]}?" if close else text


class RetiredError(UsageError):
    """A call through a generation or plugin that has been freed: hold `manager.lease()` around such calls."""


class ReentrantReloadError(UsageError):
    """A reload was started from where waiting for the running one could never end."""


class StaticModeError(UsageError):
    """The manager runs in static mode, in which nothing is reloaded."""


class StateDirError(UsageError):
    """The state dir cannot be used: not writable, locked by another process for too long, or out of space."""


class ControlError(UsageError):
    """The control socket cannot be opened, or nobody answers on it."""


class FetchError(UsageError):
    """Wheels could not be fetched from an index: no installer, no network, nothing that fits.

    Attributes:
        message: What happened, in one line.
        output: The last lines that the installer printed.
    """

    def __init__(self, message: str, *, output: str = "", way_out: str = "") -> None:
        self.message = message
        self.output = output
        lines = [message, *(f"  {line}" for line in output.splitlines()), *filter(None, [way_out])]
        super().__init__("\n".join(lines))


class MissingExtraError(UsageError):
    """A feature needs an optional dependency; the message says which extra installs it."""

    def __init__(self, feature: str, extra: str) -> None:
        self.feature = feature
        self.extra = extra
        super().__init__(f"{feature} needs the extra [{extra}]: pip install 'hotswap[{extra}]'")


class PluginError(HotswapError):
    """A plugin is at fault.

    Attributes:
        plugin: The plugin's name (or its file's, where no name is known), never the object.
        stage: The stage of a wheel's way at which the fault showed: "found", "verified", "installed", "loaded", ...
    """

    def __init__(self, message: str, *, plugin: str, stage: str) -> None:
        super().__init__(message)
        self.plugin = plugin
        self.stage = stage


class FaultsError(PluginError):
    """A plugin error that lists every fault found, in `faults`."""

    def __init__(self, plugin: str, faults: Iterable[Fault], *, stage: str, head: str = "") -> None:
        self.faults = tuple(faults)
        super().__init__(_sentence(head or plugin, self.faults), plugin=plugin, stage=stage)


class WheelError(FaultsError):
    """A wheel that must not be installed; `faults` lists everything that is wrong with it."""

    def __init__(self, plugin: str, faults: Iterable[Fault], *, stage: str = "verified", head: str = "") -> None:
        super().__init__(plugin, faults, stage=stage, head=head)


class UnfinishedWheelError(WheelError):
    """A wheel that somebody still seems to be writing; it is left for the next reload."""


class BuildError(WheelError):
    """A project's own build backend failed, or made something that is not a wheel."""

    def __init__(self, plugin: str, faults: Iterable[Fault], *, output: str = "", stage: str = "found") -> None:
        self.output = output
        super().__init__(plugin, faults, stage=stage, head=f"cannot build {plugin}")


class ContractError(FaultsError):
    """Functions missing or wrong, or an export that does not fit what its importer asks for; see `faults`."""


class WheelContractError(WheelError, ContractError):
    """A wheel whose source shows that functions are missing or wrong; whatever else is wrong with it is listed too."""


class FormerNameError(PluginError, ImportError):
    """A pickle names something of a plugin version that is gone, and no version that is loaded has it.

    An ImportError too, because code that unpickles expects one.

    Attributes:
        former: Name and version of the plugin that wrote it.
        live: Name and version of the plugin that is loaded now; None if no version is.
        what: Module and name, as the plugin calls them.
    """

    def __init__(
        self, message: str, *, plugin: str = "", former: str = "", live: str | None = None, what: str = ""
    ) -> None:
        # All but the message has a default, so that the error can be unpickled: it may come from a child process.
        super().__init__(message, plugin=plugin, stage="live")
        self.what = what
        self.former = former
        self.live = live


class LifecycleError(PluginError):
    """One of the seven functions, or a plugin's module code, raised; `__cause__` is the exception."""

    def __init__(self, plugin: str, function: str, cause: BaseException, *, stage: str) -> None:
        self.function = function
        try:
            said = str(cause)
        except Exception:  # a plugin's own class; a traceback shows the same
            said = "<exception str() failed>"
        text = ": ".join(filter(None, [type(cause).__name__, said]))
        super().__init__(f"{plugin}: {function} raised {text}", plugin=plugin, stage=stage)


class ReloadVetoError(HotswapError):
    """A reload callback raised, or a plugin that may not be replaced would have to be; nothing has changed."""


class ResolutionError(HotswapError):
    """No valid set of plugins can be chosen from what is on offer.

    Attributes:
        plugins: Canonical names of the plugins involved.
        reasons: One sentence per reason, all of them.
    """

    def __init__(self, message: str, *, plugins: Iterable[str] = (), reasons: Iterable[str] = ()) -> None:
        self.plugins = tuple(plugins)
        self.reasons = tuple(reasons)
        super().__init__("\n".join([message, *(f"  - {reason}" for reason in self.reasons)]))


class UnknownDependencyError(ResolutionError):
    """A plugin asks for one that is not on offer."""


class CyclicDependencyError(ResolutionError):
    """Plugins import one another in a circle; `cycle` is the path, its first name repeated at the end."""

    def __init__(self, cycle: Sequence[str]) -> None:
        self.cycle = tuple(cycle)
        super().__init__(
            f"cyclic dependency: {' -> '.join(self.cycle)} (the importer stands left of what it imports;"
            " one of them has to do without)",
            plugins=dict.fromkeys(self.cycle),
        )


class VersionConflictError(ResolutionError):
    """No version satisfies everybody.

    Attributes:
        requirements: Pairs of who asks and for what, e.g. `("beta 1.0", "alpha>=2")`.
    """

    def __init__(self, message: str, requirements: Iterable[tuple[str, str]], *, plugins: Iterable[str] = ()) -> None:
        self.requirements = tuple(requirements)
        super().__init__(
            message,
            plugins=plugins,
            reasons=[f"{who} requires {what}" for who, what in self.requirements],
        )


class PrivateCopyError(ResolutionError):
    """A package of which a process can have one copy only would have to be private beside another copy.

    Attributes:
        library: Name of the distribution.
    """

    def __init__(self, library: str, why: str, *, plugins: Iterable[str] = (), reasons: Iterable[str] = ()) -> None:
        self.library = library
        super().__init__(
            f"{library} cannot be private beside another copy, because {why}: let the host provide {library} in a"
            " version that everybody can use",
            plugins=plugins,
            reasons=reasons,
        )


class LiveDataError(HotswapError):
    """A value cannot be held as live data without loss, or live data does not fit the type that shall read it.

    Attributes:
        faults: Every misfit found, each with the path of its field.
        data: The live data that did not fit, so that it is not lost; None where there is none yet.
    """

    def __init__(self, head: str, faults: Iterable[Fault], data: object = None) -> None:
        self.faults = tuple(faults)
        self.data = data
        super().__init__(_sentence(head, self.faults))


def raise_all(errors: Sequence[PluginError]) -> None:
    """Raise what was found wrong with several plugins as one error; nothing if nothing was.

    Faults of one kind become one list; where exceptions of plugins are among them, the first is raised and the others
    are its notes.
    """
    if not errors:
        return
    faulty = [error for error in errors if isinstance(error, FaultsError)]
    kinds = {type(error) for error in faulty}
    if len(kinds) > 1 and all(issubclass(kind, WheelError) for kind in kinds):
        kinds = {WheelError}
    if len(faulty) == len(errors) > 1 and len(kinds) == 1:
        names = ", ".join(dict.fromkeys(error.plugin for error in faulty))
        raise kinds.pop()(names, [fault for error in faulty for fault in error.faults], stage=faulty[0].stage)
    first = next((error for error in errors if not isinstance(error, FaultsError)), errors[0])
    for other in errors:
        if other is not first:
            first.add_note(f"also: {other}")
    raise first
