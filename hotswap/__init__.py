"""Replace the plugins of a running program.

manager = hotswap.PluginManager("plugins")   # a directory of wheels
manager.load(data)
manager.invoke("gamma", "pulse")
manager.reload()                             # whole or not at all; calls in flight end where they began
"""

from __future__ import annotations

from .binding import Requires, ignore
from .errors import (
    BuildError,
    ContractError,
    ControlError,
    CyclicDependencyError,
    Fault,
    HotswapError,
    LifecycleError,
    MissingExtraError,
    NotLoadedError,
    PluginError,
    PluginNotFoundError,
    ReentrantReloadError,
    ReloadVetoError,
    ResolutionError,
    RetiredError,
    StateDirError,
    StaticModeError,
    UnfinishedWheelError,
    UnknownDependencyError,
    UsageError,
    VersionConflictError,
    WheelError,
)
from .generation import Generation, Plugin
from .hookspecs import hookimpl
from .manager import PluginManager
from .model import Candidate, Dependency, Finding, HistoryEntry, Manifest, Outcome, Plan, Source, Step
from .report import ReloadReport
from .retirement import Retired
from .sources import Environment, ProjectDir, WheelDir
from .vault import Vault

__all__ = [
    "BuildError",
    "Candidate",
    "ContractError",
    "ControlError",
    "CyclicDependencyError",
    "Dependency",
    "Environment",
    "Fault",
    "Finding",
    "Generation",
    "HistoryEntry",
    "HotswapError",
    "LifecycleError",
    "Manifest",
    "MissingExtraError",
    "NotLoadedError",
    "Outcome",
    "Plan",
    "Plugin",
    "PluginError",
    "PluginManager",
    "PluginNotFoundError",
    "ProjectDir",
    "ReentrantReloadError",
    "ReloadReport",
    "ReloadVetoError",
    "Requires",
    "ResolutionError",
    "Retired",
    "RetiredError",
    "Source",
    "StateDirError",
    "StaticModeError",
    "Step",
    "UnfinishedWheelError",
    "UnknownDependencyError",
    "UsageError",
    "Vault",
    "VersionConflictError",
    "WheelDir",
    "WheelError",
    "hookimpl",
    "ignore",
]
__version__ = "0.1.0"
