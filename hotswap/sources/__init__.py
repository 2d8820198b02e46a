"""found: what is on offer right now, in a directory of wheels, in the environment, or in a project directory.

    WheelDir, Environment, ProjectDir    .find() -> Finding
    read_host                            -> Host, what the plugins' requirements are checked against

Nothing is executed, built or unpacked here, and what a file says inside is the next stage's concern.
"""

from .environment import Environment
from .host import read_host
from .project import ProjectDir
from .wheeldir import WheelDir

__all__ = ["Environment", "ProjectDir", "WheelDir", "read_host"]
