"""Verified: what a wheel says of itself, without executing any of it; and building one from a project.

reading -> archive -> layout -> record -> metadata -> source -> imports -> Manifest
"""

from .building import Builder, build_wheel
from .verifier import Verifier, inspect_wheel

__all__ = ["Builder", "Verifier", "build_wheel", "inspect_wheel"]
