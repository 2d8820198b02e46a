"""The two sides of a case: plugins of one manager, each with private copies of the package and all that it requires."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from catalogue import HERE, Case
from worlds import World

import hotswap
from hotswap.store.libraries import library_name

sys.path.append(str(HERE.parent))
from wheelmaker import make_wheel, plugin_source

sys.path.remove(str(HERE.parent))  # nothing there is anything that a host can import

PLUGIN = """
from . import {smoke} as _smoke


def smoke():
    return _smoke.smoke()


def handed_out():
    return getattr(_smoke, "handed_out", list)()


def shown(objects):
    return [repr(each) for each in objects]


def about(module, distribution):
    import importlib
    from importlib.metadata import version

    return importlib.import_module(module), version(distribution)
"""
LABELS = ("first", "second")


class Sides:
    """Both sides, loaded by a plugin manager.

    Args:
        case: Which package.
        wheel_sets: The wheels of each side.
        scratch: An empty directory for the manager and all it makes.

    Raises:
        hotswap.HotswapError: One of them cannot be loaded.
    """

    def __init__(self, case: Case, wheel_sets: Mapping[str, Sequence[Path]], scratch: Path) -> None:
        self.case = case
        self._plugins = scratch / "plugins"
        links = scratch / "links"
        links.mkdir()
        for wheel in {wheel for wheels in wheel_sets.values() for wheel in wheels}:
            os.link(wheel, links / wheel.name)
        self.versions = dict(zip(LABELS, (case.first, case.second), strict=True))
        self._wheels = {label: self._plugin(label, self._plugins) for label in LABELS}
        self.manager = hotswap.PluginManager(
            self._plugins, state_dir=scratch / "state", find_links=[links], private=case.private
        )
        plan = self.manager.plan()
        self.shared = sorted(
            {f"{copy.name} {copy.version}" for copies in plan.copies.values() for copy in copies if not copy.private}
        )
        self.manager.load()
        self.worlds: dict[str, World] = {}
        for label in LABELS:
            own = plan.libraries.get(f"compat-{label}")
            site = self.manager.current[f"compat-{label}"].site_dir
            roots, provides = [f"{site.resolve()}/"], {f"compat_{label}"}
            if own is not None:
                (place,) = (scratch / "state" / "libraries").glob(f"*/{library_name(own)}")
                roots.append(f"{place.resolve()}/")
                provides |= {name for library in own.libraries for name in library.provides}
            self.worlds[label] = World(label, tuple(roots), frozenset(provides))

    def invoke(self, label: str, function: str, *args: Any) -> Any:
        """Call a function of one side's plugin."""
        return self.manager.invoke(f"compat-{label}", function, *args)

    def remove(self, label: str) -> None:
        """Reload without one side."""
        self._wheels[label].unlink()
        self.manager.reload()

    def close(self) -> None:
        """Close the manager."""
        self.manager.close()

    def _plugin(self, label: str, directory: Path) -> Path:
        """Write the wheel of one side's plugin."""
        name, smoke = f"compat_{label}", f"{self.case.smoke.stem}_smoke"
        requires = self.case.requirements(self.versions[label])
        files = {
            f"{name}/__init__.py": plugin_source(PLUGIN.format(smoke=smoke)),
            f"{name}/{smoke}.py": self.case.smoke.read_text("utf-8"),
        }
        return make_wheel(directory, f"compat-{label}", files=files, requires=requires)
