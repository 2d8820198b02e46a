"""The public names as type checkers see them; at run time `__init__.py` fetches each on first use."""

from . import (
    live as live,
)
from .binding import (
    Requires as Requires,
)
from .binding import (
    ignore as ignore,
)
from .errors import (
    BuildError as BuildError,
)
from .errors import (
    ContractError as ContractError,
)
from .errors import (
    ControlError as ControlError,
)
from .errors import (
    CyclicDependencyError as CyclicDependencyError,
)
from .errors import (
    Fault as Fault,
)
from .errors import (
    FetchError as FetchError,
)
from .errors import (
    FormerNameError as FormerNameError,
)
from .errors import (
    HotswapError as HotswapError,
)
from .errors import (
    LifecycleError as LifecycleError,
)
from .errors import (
    LiveDataError as LiveDataError,
)
from .errors import (
    MissingExtraError as MissingExtraError,
)
from .errors import (
    NotLoadedError as NotLoadedError,
)
from .errors import (
    PluginError as PluginError,
)
from .errors import (
    PluginNotFoundError as PluginNotFoundError,
)
from .errors import (
    PrivateCopyError as PrivateCopyError,
)
from .errors import (
    ReentrantReloadError as ReentrantReloadError,
)
from .errors import (
    ReloadVetoError as ReloadVetoError,
)
from .errors import (
    ResolutionError as ResolutionError,
)
from .errors import (
    RetiredError as RetiredError,
)
from .errors import (
    StateDirError as StateDirError,
)
from .errors import (
    StaticModeError as StaticModeError,
)
from .errors import (
    UnfinishedWheelError as UnfinishedWheelError,
)
from .errors import (
    UnknownDependencyError as UnknownDependencyError,
)
from .errors import (
    UsageError as UsageError,
)
from .errors import (
    VersionConflictError as VersionConflictError,
)
from .errors import (
    WheelContractError as WheelContractError,
)
from .errors import (
    WheelError as WheelError,
)
from .generation import (
    Generation as Generation,
)
from .generation import (
    Plugin as Plugin,
)
from .hookspecs import (
    hookimpl as hookimpl,
)
from .manager import (
    PluginManager as PluginManager,
)
from .model import (
    BuildInfo as BuildInfo,
)
from .model import (
    Candidate as Candidate,
)
from .model import (
    Copy as Copy,
)
from .model import (
    Dependency as Dependency,
)
from .model import (
    Finding as Finding,
)
from .model import (
    HistoryEntry as HistoryEntry,
)
from .model import (
    Library as Library,
)
from .model import (
    LibrarySet as LibrarySet,
)
from .model import (
    Manifest as Manifest,
)
from .model import (
    Outcome as Outcome,
)
from .model import (
    Plan as Plan,
)
from .model import (
    Source as Source,
)
from .model import (
    Step as Step,
)
from .report import (
    ReloadReport as ReloadReport,
)
from .retired import (
    Retired as Retired,
)
from .sources import (
    Environment as Environment,
)
from .sources import (
    ProjectDir as ProjectDir,
)
from .sources import (
    WheelDir as WheelDir,
)
from .static import (
    StaticPlugin as StaticPlugin,
)
from .vault import (
    Vault as Vault,
)

__version__: str
__all__: list[str]
