"""The command line. Each module of commands is light; what is heavy they import when they run.

shell        what all commands have in common: options, errors, exit codes
making       new-plugin, build, check
looking      plan, list, graph          offered by a place, or by a running host
hosting      reload, status, rollback   by a running host
supplying    install, uninstall, lock   a directory of plugins, and what may be in it
remembering  history, prune             in a state dir
"""

from .hosting import reload, rollback, status
from .looking import graph, list_, plan
from .making import build, check, new_plugin
from .remembering import history, prune
from .shell import main
from .supplying import install, lock, uninstall

__all__ = ["main"]

for command in (
    new_plugin,
    build,
    check,
    install,
    uninstall,
    lock,
    plan,
    list_,
    graph,
    reload,
    status,
    history,
    rollback,
    prune,
):
    main.add_command(command)
