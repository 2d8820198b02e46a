"""What other plugins may use of delta."""

from trine_contracts import Said

from .about import NAME, VERSION


class Delta:
    """Implements `trine_contracts.DeltaExport`."""

    def three(self, said: list[Said]) -> Said:
        """Count what the others said."""
        return Said(NAME, VERSION, str(len(said)))
