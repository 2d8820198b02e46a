"""What other plugins may use of alpha."""

from trine_contracts import Said, Vector

from trine_alpha.drawing import draw

from .about import NAME, VERSION


class Alpha:
    """Implements `trine_contracts.AlphaExport`."""

    def one(self, text: str, vector: Vector) -> Said:
        """Draw a named vector."""
        return Said(NAME, VERSION, draw(text, vector))
