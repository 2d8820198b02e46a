"""The plugins that gamma uses. Hotswap sets the attributes, before anybody calls gamma."""

from dataclasses import dataclass, field

from trine_contracts import BetaExport, DeltaExport


@dataclass
class Needs:
    """Beta is required. Delta is optional: it stays None while there is none, and is set once there is."""

    beta: BetaExport = field(init=False)
    delta: DeltaExport | None = None


needs = Needs()
