"""Commands that make plugins, and check them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from ..errors import Fault
from .places import find_links
from .shell import Settings, common
from .text import mark, plain

if TYPE_CHECKING:
    from ..wheel import Recipe

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


class _BackendCommand(click.Command):
    """A command whose words behind `--` are the backend's: `backend_flags` among its parameters."""

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Name them behind all else."""
        return [*super().collect_usage_pieces(ctx), "[-- BACKEND_FLAGS...]"]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take them away before options and arguments are told apart."""
        own, rest = (args[: args.index("--")], args[args.index("--") + 1 :]) if "--" in args else (args, [])
        try:
            left = super().parse_args(ctx, own)
        except click.NoSuchOption as error:
            raise click.UsageError(f"{error.format_message()} Flags of the build backend follow --.", ctx) from None
        ctx.params["backend_flags"] = tuple(rest)
        return left


def _expressions(_: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        try:
            re.compile(value)
        except re.error as error:
            raise click.BadParameter(f"{value!r} is no regular expression: {error}") from None
    return values


def _live_prefix(_: click.Context, parameter: click.Parameter, value: str | None) -> str:
    from ..model import LIVE_PREFIX

    if value is not None and not value.isidentifier():
        raise click.BadParameter(f"{value!r} is no beginning of a Python name: give e.g. {LIVE_PREFIX}")
    return value or LIVE_PREFIX


@click.command(cls=_BackendCommand)
@click.argument(
    "plugin_dirs",
    nargs=-1,
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="PLUGIN_DIR...",
)
@click.argument("output_dir", type=click.Path(path_type=Path, file_okay=False), metavar="OUTPUT_DIR")
@click.option(
    "--include", multiple=True, metavar="REGEXP", callback=_expressions, help="Take in files the backend left out."
)
@click.option("--exclude", multiple=True, metavar="REGEXP", callback=_expressions, help="Leave files of the wheel out.")
@click.option(
    "--live-prefix",
    metavar="PREFIX",
    callback=_live_prefix,
    help="What names of live functions and types begin with, in any case.  [default: live_]",
)
@click.option("--static-linking", is_flag=True, help="Make a module of plain imports instead of wheels.")
@click.option("--no-build", is_flag=True, help="Check the source, and start no backend.")
@click.option("--force", is_flag=True, help="Build also what has not changed.")
@click.option("--leave-temps", is_flag=True, help="Keep the build directory, and print where it is.")
@_isolation
@common(state_dir=False)
@click.pass_context
def build(
    context: click.Context,
    plugin_dirs: tuple[Path, ...],
    output_dir: Path,
    backend_flags: tuple[str, ...],
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    live_prefix: str,
    static_linking: bool,
    no_build: bool,
    force: bool,
    leave_temps: bool,
    no_isolation: bool,
) -> None:
    """Build the wheels of the plugins in PLUGIN_DIR... into OUTPUT_DIR.

    The wheels are checked as `check` does, and appear in OUTPUT_DIR only if nothing is wrong with any of them. One that
    is there already, made from the same files in the same way, is left as it is. What follows -- goes to the projects'
    build backends as config settings, KEY=VALUE or --KEY each. Needs the extra [build].
    """
    if not plugin_dirs:  # click takes the only directory for the last argument
        message = f"one directory, {output_dir}, is not enough: name the plugin's, and behind it the one for its wheel"
        raise click.UsageError(message)
    settings: Settings = context.obj
    backend = config_settings(backend_flags)
    _refuse_twice(plugin_dirs)
    if static_linking:
        _refuse_flags(context, "--static-linking", _ONLY_FOR_WHEELS)
        _link(settings, plugin_dirs, output_dir, live_prefix)
    elif no_build:
        _refuse_flags(context, "--no-build", [*_ONLY_FOR_WHEELS, "live_prefix"])
        _check_sources(settings, plugin_dirs)
    else:
        from ..wheel import Recipe

        recipe = Recipe(not no_isolation, backend, include, exclude, live_prefix)
        _build(settings, plugin_dirs, output_dir, recipe, force=force, leave_temps=leave_temps)


def _build(
    settings: Settings, projects: tuple[Path, ...], output_dir: Path, recipe: Recipe, *, force: bool, leave_temps: bool
) -> None:
    from .building import build_all, build_directory

    kept: list[Path] = []

    def keep(path: Path) -> None:
        kept.append(path)
        click.echo(f"the build directory is {path}", err=True)

    with build_directory(keep=leave_temps, on_kept=keep) as temps:
        products = build_all(
            projects,
            output_dir,
            recipe,
            temps,
            force=force,
            on_output=(lambda line: click.echo(plain(line), err=True)) if settings.debug else None,
        )
    for product in products:
        _note_unfit(product.wheel.name, product.manifest.unfit)
        if product.unchanged:
            click.echo(plain(f"{product.project} is unchanged"), err=True)
    data: dict[str, Any] = {"wheels": [product.as_json() for product in products]}
    if kept:
        data["temps"] = str(kept[0])
    settings.show(data, lambda _: "\n".join(str(product.wheel) for product in products))


def _check_sources(settings: Settings, projects: tuple[Path, ...]) -> None:
    from .linking import check_sources, source_as_json

    checked = [source_as_json(plugin) for plugin in check_sources(projects)]
    settings.show({"checked": checked}, lambda _: "\n".join(map(_draw_source, checked)))


def _draw_source(source: dict[str, Any]) -> str:
    version = source["version"] or "of a version that the backend works out"
    imports = source["imports"]
    needs = "what it imports does not show" if imports is None else f"imports {', '.join(imports) or 'no plugin'}"
    lines = [f"{source['project']} ({source['plugin']} {version})"]
    lines.append(f"      checked {' and '.join(source['checked'])}; {needs}; not built")
    lines += [f"      does not fit this interpreter: {Fault(**fault)}" for fault in source["unfit"]]
    return f"{mark(True)} {plain(chr(10).join(lines))}"


def _link(settings: Settings, projects: tuple[Path, ...], output_dir: Path, live_prefix: str) -> None:
    from .linking import check_sources, link_statically, source_as_json

    plugins = check_sources(projects)
    linked = link_statically(plugins, output_dir, live_prefix)
    if not linked.changed:
        click.echo(plain(f"{linked.module} is unchanged"), err=True)
    if linked.paths:
        click.echo("have these importable, by pip install --editable, PYTHONPATH or pyinstaller --paths:", err=True)
        click.echo(plain("\n".join(f"  {path}" for path in linked.paths)), err=True)
    if linked.installed:
        click.echo(plain(f"have these installed: {', '.join(linked.installed)}"), err=True)
    data = {
        "module": str(linked.module),
        "changed": linked.changed,
        "paths": [str(path) for path in linked.paths],
        "installed": list(linked.installed),
        "plugins": [source_as_json(plugin) for plugin in plugins],
    }
    settings.show(data, lambda _: plain(str(linked.module)))


_ONLY_FOR_WHEELS = ("include", "exclude", "force", "leave_temps")


def _refuse_flags(context: click.Context, mode: str, names: Sequence[str]) -> None:
    given = [name for name in names if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if context.params["backend_flags"]:
        given.append("what follows --")
    if given:
        flags = ", ".join(name if " " in name else f"--{name.replace('_', '-')}" for name in given)
        verb = "has" if len(given) == 1 else "have"
        raise click.UsageError(f"{flags} {verb} no meaning with {mode}, which makes no wheel")


def _refuse_twice(projects: tuple[Path, ...]) -> None:
    seen: dict[Path, Path] = {}
    for project in projects:
        first = seen.setdefault(project.resolve(), project)
        if first is not project:
            raise click.UsageError(f"PLUGIN_DIR {first} is given twice: leave {project} out")


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
    from .checking import check_places, draw_verdict

    settings: Settings = context.obj
    verdict = check_places(places, isolated=not no_isolation, find_links=find_links, strict=strict)
    settings.show(verdict, draw_verdict)
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


def _note_unfit(name: str, unfit: tuple[Fault, ...]) -> None:
    for fault in unfit:
        click.echo(plain(f"{name} does not fit this interpreter: {fault}"), err=True)
