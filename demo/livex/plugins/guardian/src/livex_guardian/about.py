"""Who this is."""

from importlib.metadata import version

VERSION = version("livex-guardian")
"""Of this copy: while two versions of the plugin are in memory, each reads its own."""
