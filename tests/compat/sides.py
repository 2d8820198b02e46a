"""The two sides of a case: plugins of one manager, each with private copies of the package and all that it requires."""

from __future__ import annotations

import base64
import hashlib
import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from catalogue import Case
from worlds import World

import hotswap
from hotswap.store.libraries import library_name

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


def on_load(data): ...
def on_init(vault): ...
def on_free(): ...
def export(): return None
def import_(): return None
def invoke_func(name, *args): return globals()[name](*args)
def reloadable(): return True
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
        info = f"{name}-1.0.dist-info"
        metadata = ["Metadata-Version: 2.1", f"Name: compat-{label}", "Version: 1.0"]
        metadata += [f"Requires-Dist: {requirement}" for requirement in requires]
        members = {
            f"{name}/__init__.py": PLUGIN.format(smoke=smoke),
            f"{name}/{smoke}.py": self.case.smoke.read_text("utf-8"),
            f"{info}/METADATA": "\n".join([*metadata, "", ""]),
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: compat\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/entry_points.txt": f"[hotswap.plugins]\ncompat-{label} = {name}\n",
        }
        directory.mkdir(exist_ok=True)
        target = directory / f"{name}-1.0-py3-none-any.whl"
        with zipfile.ZipFile(target, "w") as archive:
            content = {path: text.encode() for path, text in members.items()}
            for path, data in {**content, f"{info}/RECORD": record_of(content, info)}.items():
                archive.writestr(path, data)
        return target


def record_of(members: Mapping[str, bytes], info: str) -> bytes:
    """The RECORD of a wheel."""
    digests = {path: base64.urlsafe_b64encode(hashlib.sha256(data).digest()) for path, data in members.items()}
    lines = [f"{path},sha256={digests[path].rstrip(b'=').decode()},{len(data)}" for path, data in members.items()]
    return "\n".join([*lines, f"{info}/RECORD,,", ""]).encode()
