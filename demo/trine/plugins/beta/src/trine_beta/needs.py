"""The plugins that beta uses. Hotswap sets the attributes, before anybody calls beta."""

from dataclasses import dataclass, field
from typing import Annotated

from trine_contracts import AlphaExport

import hotswap


@dataclass
class Needs:
    """Required, and not in every version: without a fitting alpha there is no beta."""

    alpha: Annotated[AlphaExport, hotswap.Requires(">=1.0,<2")] = field(init=False)


needs = Needs()
