"""Commands that fill a directory of plugins, and write down what may be in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .places import ask, find_links, overrides, places, refuse_without_places, sources
from .shell import Settings, common
from .text import plain, several

_PLUGINS = click.option(
    "--plugins",
    type=click.Path(path_type=Path, file_okay=False),
    default="plugins",
    show_default=True,
    metavar="DIR",
    help="The directory of the plugins' wheels.",
)
_index = click.option("--index", metavar="URL", help="Fetch from this index alone, not from the installer's own.")


@click.command()
@click.argument("requirements", nargs=-1, required=True, metavar="REQUIREMENT...")
@_PLUGINS
@_index
@find_links
@click.option("--no-deps", is_flag=True, help="Fetch what is named and no plugins that it requires.")
@common(state_dir=False)
@click.pass_obj
def install(
    settings: Settings,
    /,
    requirements: tuple[str, ...],
    plugins: Path,
    index: str | None,
    find_links: tuple[Path, ...],
    no_deps: bool,
) -> None:
    """Fetch plugins from an index into the directory of plugins.

    Each REQUIREMENT is a distribution, as in 'greeter>=1'. Its wheel is fetched by pip, and so are those of plugins
    that it requires and that are not in the directory yet. They are checked as `check` does, and appear in the
    directory only if all are plugins and nothing is wrong with them. Libraries are fetched when they are needed, by a
    host that has an index, or by `lock --fetch`.
    """
    from ..libraries import LibraryOptions
    from .installing import install_plugins

    options = LibraryOptions(find_links=find_links, index=True if index is None else index)
    settings.show(install_plugins(requirements, plugins, options, alone=no_deps), _draw_installed)


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@_PLUGINS
@common(state_dir=False)
@click.pass_obj
def uninstall(settings: Settings, names: tuple[str, ...], plugins: Path) -> None:
    """Take plugins' wheels out of the directory of plugins.

    Each NAME is a plugin or a distribution, all of its versions, or some as in 'greeter<1'. A running host goes on with
    what it has loaded until it reloads.
    """
    from .directory import uninstall_plugins

    removed = uninstall_plugins(names, plugins)
    settings.show({"removed": removed}, lambda data: "\n".join(plain(item["wheel"]) for item in data["removed"]))


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default="hotswap.lock",
    show_default=True,
    metavar="FILE",
    help="Where to write it.",
)
@click.option("--fetch", is_flag=True, help="Fetch libraries that are missing.")
@_index
@places
@overrides
@common()
@click.pass_obj
def lock(
    settings: Settings,
    /,
    output: Path,
    fetch: bool,
    index: str | None,
    plugins: tuple[Path, ...],
    environment: bool,
    **libraries: Any,
) -> None:
    """Write down every wheel of every plugin and of its private libraries, with its sha256.

    What is written is what a reload of the running host would install, or without a host a first load. A manager with
    lock="hotswap.lock" installs nothing else. What the file lists for other kinds of interpreters and platforms stays:
    run this on each of them.
    """
    from ..libraries import LibraryOptions, lock_text, read_lists, this_environment
    from .directory import plan_with_wheelhouse, write_whole

    if plugins or environment:
        options = LibraryOptions(index=fetch if index is None else index, **libraries)
        data = plan_with_wheelhouse(sources(plugins, environment), options, settings.state_dir)
    else:
        refuse_without_places(fetch=fetch, index=index, **libraries)
        data = ask(settings, "plan")
    lists, own = read_lists(output), data.get("environment") or this_environment()
    changed = write_whole(output, lock_text(data, lists))
    steps = [step for step in data["plugins"] if step["outcome"] != "removed"]
    shown = {
        "lock": str(output),
        "changed": changed,
        "environment": own,
        "others": {name: _differing(plugins, steps) for name, plugins in lists.items() if name != own},
        "plugins": len(steps),
        "libraries": len({library["digest"] for step in steps for library in step["libraries"]}),
    }
    settings.show(shown, _draw_locked)


def _draw_installed(data: dict[str, Any]) -> str:
    lines = []
    for item in data["installed"]:
        why = [f"required by {item['required_by']}"] if item["required_by"] else []
        why += ["was there already"] if item["already"] else []
        lines.append(item["wheel"] + (f" ({', '.join(why)})" if why else ""))
        lines += [f"{newer} is newer, and lies there too" for newer in item["newer"]]
    return plain("\n".join([*lines, *data["notes"]]))


def _differing(listed: dict[str, Any], steps: list[dict[str, Any]]) -> list[str]:
    """The plugins of which another environment's list has another version, or of which only one of the two has any."""
    versions = {step["name"]: step["version"] for step in steps}
    others = {name: plugin["version"] for name, plugin in listed.items()}
    return sorted({name for name, _ in versions.items() ^ others.items()})


def _draw_locked(data: dict[str, Any]) -> str:
    what = f"{several(data['plugins'], 'plugin')}, {several(data['libraries'], 'private wheel')}"
    lines = [f"{data['lock']}: {what}" + ("" if data["changed"] else " (as before)")]
    for name, differing in data["others"].items():
        other = f"has other versions of {', '.join(differing)}: run hotswap lock there too" if differing else "is kept"
        lines.append(f"{data['lock']}: its list for {name} {other}")
    return plain("\n".join(lines))
