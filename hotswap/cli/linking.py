"""Projects as their source shows them: checked without a build, and linked statically."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..control.exits import report_fault
from ..errors import UsageError, WheelError, raise_all
from ..wheel import MODULE, SourcePlugin, clashes, import_paths, is_ours, read_project, static_module
from .writing import replace_file

_logger = logging.getLogger("hotswap.build")


def check_sources(projects: Sequence[Path]) -> list[SourcePlugin]:
    """Check projects without starting a backend.

    Raises:
        WheelError: They are at fault; all faults of all projects are listed.
    """
    plugins: list[SourcePlugin] = []
    errors: list[WheelError] = []
    for project in projects:
        try:
            plugin = read_project(project)
        except WheelError as error:
            errors.append(error)
        else:
            _logger.info("%s: checked %s and %s", project, plugin.settings, plugin.source)
            plugins.append(plugin)
    raise_all(errors)
    return plugins


def source_as_json(plugin: SourcePlugin) -> dict[str, Any]:
    """What was seen of a project, as plain data."""
    return {
        "project": str(plugin.project),
        "plugin": plugin.plugin,
        "version": None if plugin.version is None else str(plugin.version),
        "entry": f"{plugin.entry_module}:{plugin.entry_attr}" if plugin.entry_attr else plugin.entry_module,
        "checked": [str(plugin.settings), str(plugin.source)],
        "imports": None if plugin.imports is None else [str(dependency) for dependency in plugin.imports],
        "unfit": [report_fault(fault) for fault in plugin.unfit],
    }


@dataclass(frozen=True, slots=True)
class Linked:
    """The module that was made."""

    module: Path
    changed: bool
    """False if it had this content already."""
    paths: tuple[Path, ...]
    """The directories that have to be on the import path."""
    installed: tuple[str, ...]
    """The distributions that have to be installed, because their packages do not lie as they are imported."""


def link_statically(plugins: Sequence[SourcePlugin], output_dir: Path, live_prefix: str) -> Linked:
    """Write the module that imports plugins plainly.

    Raises:
        WheelError: Plugins that cannot be imported into one process without isolation.
        UsageError: The output directory is inside a project, cannot be written, or has another file of that name.
    """
    target = output_dir / MODULE
    for plugin in plugins:
        if output_dir.resolve().is_relative_to(plugin.project.resolve()):
            raise UsageError(
                f"OUTPUT_DIR {output_dir} is inside the plugin's project {plugin.project}: name a directory of the host"
            )
    if faults := clashes(plugins):
        names = ", ".join(dict.fromkeys(plugin.plugin for plugin in plugins))
        raise WheelError(names, faults, stage="found", head=f"cannot link {names} statically")
    try:
        changed = _write(target, static_module(plugins, output_dir, live_prefix))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8"
        raise UsageError(f"{target} cannot be written: {reason}; name another OUTPUT_DIR") from None
    _logger.info("%s %s", "wrote" if changed else "unchanged:", target)
    installed = tuple(plugin.name for plugin in plugins if plugin.root is None)
    return Linked(target, changed, tuple(import_paths(plugins)), installed)


def _write(target: Path, source: str) -> bool:
    """Write the module, whole or not at all; False if it is there already."""
    if target.exists():
        present = target.read_text("utf-8")
        if present == source:
            return False
        if not is_ours(present):
            raise UsageError(f"{target} was not made by hotswap: move it away, or name another OUTPUT_DIR")
    target.parent.mkdir(parents=True, exist_ok=True)
    replace_file(target, source.encode())
    return True
