"""How jobs are done: always by the newest version of this file, whichever has queued them."""

from dataclasses import dataclass

from hotswap.live import Data, unwrap

from .about import VERSION


def live_roll_call(data: Data) -> str:
    """A live function: the job has its name, and a name to call."""
    name = unwrap(data, str)
    return f"guardian {VERSION}: {name} is here"


@dataclass
class LiveFire:
    """A live type: the job has its name, and its fields."""

    n: int

    def run(self) -> str:
        """Do the job."""
        return f"guardian {VERSION}: " + " ".join(["Bang!"] * self.n)
