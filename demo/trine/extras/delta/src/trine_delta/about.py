"""Who this is."""

from importlib.metadata import version

NAME = "delta"
VERSION = version("trine-delta")
"""Of this copy: while two versions of the plugin are in memory, each reads its own."""
