"""Who this is."""

from importlib.metadata import version

NAME = "beta"
VERSION = version("trine-beta")
"""Of this copy: while two versions of the plugin are in memory, each reads its own."""
