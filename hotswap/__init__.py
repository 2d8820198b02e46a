"""Replace the plugins of a running program.

manager = hotswap.PluginManager("plugins")   # a directory of wheels
manager.load(data)
manager.invoke("gamma", "pulse")
manager.reload()                             # whole or not at all; calls in flight end where they began
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # never executed: by this, programs that freeze others see what is fetched below
    from . import (  # noqa: F401
        binding,
        errors,
        generation,
        hookspecs,
        live,
        manager,
        model,
        report,
        retired,
        sources,
        static,
        vault,
    )

__version__ = "0.1.0"

# Fetched on first use: the command line need not wait for libraries that only a manager wants.
_ROOMS = {
    "binding": (
        "Requires",
        "ignore",
    ),
    "errors": (
        "BuildError",
        "ContractError",
        "ControlError",
        "CyclicDependencyError",
        "Fault",
        "FetchError",
        "FormerNameError",
        "HotswapError",
        "LifecycleError",
        "LiveDataError",
        "MissingExtraError",
        "NotLoadedError",
        "PluginError",
        "PluginNotFoundError",
        "PrivateCopyError",
        "ReentrantReloadError",
        "ReloadVetoError",
        "ResolutionError",
        "RetiredError",
        "StateDirError",
        "StaticModeError",
        "UnfinishedWheelError",
        "UnknownDependencyError",
        "UsageError",
        "VersionConflictError",
        "WheelContractError",
        "WheelError",
    ),
    "generation": (
        "Generation",
        "Plugin",
    ),
    "hookspecs": ("hookimpl",),
    "manager": ("PluginManager",),
    "model": (
        "BuildInfo",
        "Candidate",
        "Copy",
        "Dependency",
        "Finding",
        "HistoryEntry",
        "Library",
        "LibrarySet",
        "Manifest",
        "Outcome",
        "Plan",
        "Source",
        "Step",
    ),
    "report": ("ReloadReport",),
    "retired": ("Retired",),
    "sources": (
        "Environment",
        "ProjectDir",
        "WheelDir",
    ),
    "static": ("StaticPlugin",),
    "vault": ("Vault",),
}
_HOMES = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = sorted([*_HOMES, "live"])


def __getattr__(name: str) -> Any:
    if name == "live":
        return import_module(".live", __name__)
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
