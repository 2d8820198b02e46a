"""What other plugins may use of this one.

A plugin never imports another plugin's package. Whoever needs this one copies this file, or takes it from a
distribution that both depend on, and annotates an attribute of what its `import_()` returns with the protocol.
"""

from typing import Protocol


class GreeterExport(Protocol):
    """Greets people."""

    def greet(self, language: str = "en") -> str:
        """Return a greeting in a language."""
        ...
