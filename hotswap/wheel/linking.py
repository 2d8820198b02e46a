"""The module that links plugins statically: plain imports, for debuggers and frozen programs."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path, PurePath

from ..errors import Fault
from .project import SourcePlugin

MODULE = "static_plugins.py"
_MADE = '"""Made by `hotswap build --static-linking`'


def is_ours(source: str) -> bool:
    """True if such a module has been made by us, so that it may be overwritten."""
    return source.startswith(_MADE)


def clashes(plugins: Sequence[SourcePlugin]) -> list[Fault]:
    """What keeps plugins from being imported into one process without isolation."""
    own = MODULE.removesuffix(".py")
    faults = [
        Fault(str(plugin.project), f"brings {own}, and so is called the module of imports itself", "rename it")
        for plugin in plugins
        if any(name.partition(".")[0] == own for name in plugin.provides)
    ]
    for one, other in combinations(plugins, 2):
        where = f"{one.project} and {other.project}"
        if one.plugin == other.plugin:
            faults.append(Fault(where, f"are both the plugin {one.plugin}", "leave one out"))
            continue
        pairs = ((mine, its) for mine in one.provides for its in other.provides if _overlap(mine, its))
        if names := sorted({name for pair in pairs for name in pair}):
            what = f"both bring {' and '.join(names)}, and without isolation the first on the import path would be both"
            faults.append(Fault(where, what, "rename one of them"))
    return faults


def _overlap(one: str, other: str) -> bool:
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


def import_paths(plugins: Sequence[SourcePlugin]) -> list[Path]:
    """The directories that have to be on the import path, sorted."""
    return sorted({plugin.root for plugin in plugins if plugin.root is not None})


def static_module(plugins: Sequence[SourcePlugin], directory: Path, live_prefix: str) -> str:
    """The source of the module.

    Args:
        plugins: What it imports.
        directory: Where it will lie; its docstring names the import paths relative to that.
        live_prefix: What the names of live functions and live types begin with.
    """
    paths = [_escaped(os.path.relpath(path.resolve(), directory.resolve())) for path in import_paths(plugins)]
    installed = [_escaped(plugin.name) for plugin in plugins if plugin.root is None]
    lines = [
        f"{_MADE}: plugins for debuggers and frozen programs.",
        "",
        "    import hotswap",
        "    import static_plugins",
        "",
        "    manager = hotswap.PluginManager(static=static_plugins.PLUGINS)",
    ]
    if paths:
        lines += [
            "",
            "These directories, relative to this one's, have to be importable, by `pip install --editable` of the",
            "projects, by PYTHONPATH, or for a frozen program by `--paths` of pyinstaller:",
            "",
            *(f"    {path}" for path in paths),
        ]
    if installed:
        lines += ["", f"These distributions have to be installed: {', '.join(installed)}"]
    lines += ['"""', ""]
    lines += [f"import {module}" for module in sorted({"hotswap", *(plugin.entry_module for plugin in plugins)})]
    lines += ["", "PLUGINS = {"]
    for plugin in sorted(plugins, key=lambda plugin: plugin.plugin):
        target = f"{plugin.entry_module}.{plugin.entry_attr}" if plugin.entry_attr else plugin.entry_module
        lines += [f"    {json.dumps(plugin.plugin)}: hotswap.StaticPlugin(", f"        {target},"]
        if plugin.version is not None:
            lines.append(f"        version={json.dumps(str(plugin.version))},")
        lines.append(f"        live_prefix={json.dumps(live_prefix, ensure_ascii=False)},")
        if target != plugin.brings:
            lines.append(f"        package={json.dumps(plugin.brings, ensure_ascii=False)},")
        lines.append("    ),")
    return "\n".join([*lines, "}", ""])


def _escaped(path: str) -> str:
    """The text as a docstring may have it."""
    text = PurePath(path).as_posix().replace("\\", "\\\\").replace('"', '\\"')
    return text.encode("utf-8", "backslashreplace").decode()
