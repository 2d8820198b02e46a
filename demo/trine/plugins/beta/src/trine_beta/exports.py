"""What other plugins may use of beta."""

from trine_contracts import Said, Vector

from trine_beta.arithmetic import combine

from .about import NAME, VERSION
from .needs import needs


class Beta:
    """Implements `trine_contracts.BetaExport`."""

    def two(self, text1: str, vector1: Vector, text2: str, vector2: Vector) -> list[Said]:
        """Combine two named vectors, and have alpha draw the result."""
        sign, result = combine(vector1, vector2)
        name = f"{text1}{sign}{text2}"
        return [Said(NAME, VERSION, name), needs.alpha.one(name, result)]
