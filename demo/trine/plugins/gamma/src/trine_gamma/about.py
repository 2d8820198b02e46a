"""Who this is."""

from importlib.metadata import version

NAME = "gamma"
VERSION = version("trine-gamma")
"""Of this copy: while two versions of the plugin are in memory, each reads its own."""
