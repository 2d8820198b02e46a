"""Commands that make plugins, and check them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..errors import Fault
from .places import find_links
from .shell import Settings, common
from .text import plain

_DIRECTORY = click.Path(path_type=Path, file_okay=False)
_isolation = click.option(
    "--no-isolation", is_flag=True, help="Build with what is installed, not in an environment of its own."
)


@click.command("new-plugin")
@click.argument("name")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False, exists=True), default=".")
@click.option("--description", default="", metavar="TEXT", help="What the plugin is for, in one line.")
@click.option("--plugin-version", default="0.1.0", show_default=True, metavar="VERSION", help="Its first version.")
@common(state_dir=False)
@click.pass_obj
def new_plugin(settings: Settings, name: str, directory: Path, description: str, plugin_version: str) -> None:
    """Make the project of a new plugin in DIRECTORY.

    The project is a complete plugin with tests. Needs the extra [scaffold].
    """
    from ..scaffold import new_plugin as make

    made = make(name, directory, description=description, version=plugin_version)
    settings.show({"project": str(made)}, lambda _: f"{made}\nbuild it with: hotswap build {made} DIR")


@click.command()
@click.argument("plugin_dir", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.argument("output_dir", type=_DIRECTORY)
@click.argument("backend_flags", nargs=-1, type=click.UNPROCESSED, metavar="[-- BACKEND_FLAGS...]")
@_isolation
@common(state_dir=False)
@click.pass_obj
def build(
    settings: Settings, plugin_dir: Path, output_dir: Path, backend_flags: tuple[str, ...], no_isolation: bool
) -> None:
    """Build the wheel of the plugin in PLUGIN_DIR into OUTPUT_DIR.

    The wheel is checked as `check` does, and appears in OUTPUT_DIR only if nothing is wrong with it. What follows --
    goes to the project's build backend as config settings, KEY=VALUE or --KEY each. Needs the extra [build].
    """
    from .building import build_checked

    manifest, wheel = build_checked(
        plugin_dir,
        output_dir,
        isolated=not no_isolation,
        config_settings=config_settings(backend_flags),
        on_output=(lambda line: click.echo(plain(line), err=True)) if settings.talkative else None,
    )
    _note_unfit(wheel.name, manifest.unfit, settings)
    data = {"plugin": manifest.plugin, "version": str(manifest.version), "digest": manifest.digest, "wheel": str(wheel)}
    settings.show(data, lambda _: str(wheel))


@click.command()
@click.argument("places", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True), metavar="PLACE...")
@_isolation
@find_links
@click.option("--strict", is_flag=True, help="What a plugin imports without declaring it is a fault.")
@common(state_dir=False)
@click.pass_context
def check(
    context: click.Context, places: tuple[Path, ...], no_isolation: bool, find_links: tuple[Path, ...], strict: bool
) -> None:
    """Check wheels without executing them.

    Each PLACE is a wheel, a directory of wheels, which are then also resolved together, or a plugin's project, which
    is built first. Everything that is wrong is shown, and the exit code is 1 if anything is.
    """
    from .checking import check_places

    settings: Settings = context.obj
    verdict = check_places(places, isolated=not no_isolation, find_links=find_links, strict=strict)
    settings.show(verdict, _draw_verdict)
    if not verdict["ok"]:
        context.exit(1)


def config_settings(flags: tuple[str, ...]) -> dict[str, str | list[str]]:
    """Backend flags as config settings: a repeated key has a list, one without a value the empty text.

    Source: https://packaging.python.org/en/latest/specifications/pyproject-toml/ and PEP 517, "Config settings".

    Raises:
        click.UsageError: A word is neither `KEY=VALUE` nor begins with a dash.
    """
    settings: dict[str, str | list[str]] = {}
    for flag in flags:
        key, equals, value = flag.partition("=")
        if not key or not (equals or key.startswith("-")):
            raise click.UsageError(f"{flag!r} is no flag for the build backend: write KEY=VALUE, or --KEY, after --")
        known = settings.get(key)
        if known is None:
            settings[key] = value
        else:
            settings[key] = [*([known] if isinstance(known, str) else known), value]
    return settings


def _note_unfit(name: str, unfit: tuple[Fault, ...], settings: Settings) -> None:
    for fault in unfit:
        click.echo(plain(f"{name} does not fit this interpreter: {fault}"), err=True)


def _draw_verdict(verdict: dict[str, Any]) -> str:
    lines = []
    for wheel in verdict["wheels"]:
        name = f"{wheel['name']} {wheel['version']}" if wheel["version"] else wheel["name"]
        lines.append(f"{_mark(not wheel['faults'])} {plain(wheel['file'])}" + (f" ({plain(name)})" if name else ""))
        lines += [f"      {plain(str(Fault(**fault)))}" for fault in wheel["faults"]]
        lines += [f"      does not fit this interpreter: {plain(str(Fault(**fault)))}" for fault in wheel["unfit"]]
    for item in verdict["pending"]:
        lines.append(f"{_mark(False)} {plain(item['file'])}")
        lines.append(f"      {plain(item['reason'])}")
    for resolution in verdict["resolutions"]:
        error, order = resolution["error"], resolution["order"]
        lines.append(f"{_mark(error is None)} {plain(resolution['directory'])} together")
        if error is None:
            lines.append(f"      load order: {', '.join(order)}")
        else:
            lines += [f"      {plain(line)}" for line in error["message"].splitlines()]
        lines += [f"      {plain(note)}" for note in resolution["notes"]]
    return "\n".join(lines)


def _mark(fine: bool) -> str:
    return click.style("ok   ", fg="green") if fine else click.style("fault", fg="red", bold=True)
