"""Who this is."""

from importlib.metadata import version

NAME = "alpha"
VERSION = version("trine-alpha")
"""Of this copy: while two versions of the plugin are in memory, each reads its own."""
