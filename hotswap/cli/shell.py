"""What all commands have in common: their options, and what becomes of errors."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from .. import __version__
from ..control.client import ControlClient
from ..control.exits import Exit, describe
from .text import plain

F = TypeVar("F", bound=Callable[..., Any])


def _default_state_dir() -> Path:
    return Path(os.environ.get("HOTSWAP_STATE_DIR") or ".hotswap")


@dataclass
class Settings:
    """The common options, which may stand before or after the command."""

    state_dir: Path = field(default_factory=_default_state_dir)
    json: bool = False
    debug: bool = False
    verbose: bool = False

    @property
    def talkative(self) -> bool:
        """True if each step is to be named."""
        return self.verbose or self.debug

    def client(self) -> ControlClient:
        """A client of the host that serves the state dir."""
        return ControlClient(self.state_dir, debug=self.debug)

    def show(self, data: dict[str, Any], draw: Callable[[dict[str, Any]], str]) -> None:
        """Print data: as JSON for a machine, drawn for people."""
        click.echo(as_json(data) if self.json else draw(data))


def as_json(data: dict[str, Any]) -> str:
    """Plain data as JSON text."""
    return json.dumps(data, indent=2)


def _store(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value:
        setattr(context.find_object(Settings), str(parameter.name), value)


def _option(*names: str, help: str, **rest: Any) -> Callable[[F], F]:
    return click.option(*names, help=help, callback=_store, expose_value=False, **rest)


_STATE_DIR = _option(
    "--state-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The host's state dir.  [default: $HOTSWAP_STATE_DIR, else .hotswap]",
)
_OUTPUT = (
    _option("--json", is_flag=True, help="Print JSON, errors too."),
    _option("-v", "--verbose", is_flag=True, help="Name each step and file."),
    _option("--debug", is_flag=True, help="Show tracebacks and build output."),
)


def common(*, state_dir: bool = True) -> Callable[[F], F]:
    """Decorator: the common options of a command, the one for the state dir only where it has a use."""

    def decorate(function: F) -> F:
        for option in reversed((_STATE_DIR, *_OUTPUT) if state_dir else _OUTPUT):
            function = option(function)
        return function

    return decorate


class Commands(click.Group):
    """A group whose commands end with an error of ours by an exit code that says whose fault it was."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of a plugin's way, not of the alphabet."""
        return list(self.commands)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Know already whether errors are to be JSON when parsing fails."""
        own = args[: args.index("--")] if "--" in args else args
        ctx.obj = Settings(json="--json" in own)
        if os.environ.get("NO_COLOR"):
            ctx.color = False  # https://no-color.org; passed on to the command's context
        try:
            return super().parse_args(ctx, args)
        except click.ClickException as error:
            _misuse(error, ctx)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what it raises becomes a message and an exit code."""
        settings = ctx.ensure_object(Settings)
        try:
            with _logging(settings):
                return super().invoke(ctx)
        except click.ClickException as error:
            _misuse(error, ctx)
        except (KeyboardInterrupt, click.Abort):
            click.echo("interrupted", err=True)
            ctx.exit(Exit.INTERRUPTED)
        except (click.exceptions.Exit, BrokenPipeError):
            raise
        except Exception as error:
            _complain(error, settings)
            ctx.exit(describe(error)["exit_code"])


def _misuse(error: click.ClickException, ctx: click.Context) -> NoReturn:
    if not ctx.ensure_object(Settings).json:
        raise error  # click shows the usage with it
    report = {"type": "UsageError", "message": error.format_message(), "faults": [], "exit_code": Exit.USAGE}
    click.echo(as_json({"error": report}))
    ctx.exit(Exit.USAGE)


def _complain(error: Exception, settings: Settings) -> None:
    report = describe(error, debug=settings.debug)
    if settings.json:
        click.echo(as_json({"error": report}))
        return
    message = report["message"]
    if report["exit_code"] == Exit.INTERNAL:
        message = f"{report['type']}: {message}\nthis is a fault of hotswap itself; --debug shows where"
    click.echo(f"{click.style('Error:', fg='red', bold=True)} {plain(message)}", err=True)
    if "traceback" in report:
        click.echo(plain(report["traceback"]), err=True)


@contextmanager
def _logging(settings: Settings) -> Iterator[None]:
    """Warnings, and with --verbose every step, on stderr while a command runs."""
    logger = logging.getLogger("hotswap")
    handler, level = _Stderr(), logger.level
    handler.addFilter(lambda record: record.levelno >= logging.WARNING or settings.talkative)
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)


class _Stderr(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        click.echo(plain(self.format(record)), err=True)


_EXIT_CODES = "\n".join(["\b", "Exit codes:", *(f"  {code.value:>3}  {code.meaning}" for code in Exit)])


@click.group(
    cls=Commands,
    epilog=_EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=True,
)
@click.version_option(__version__, message="%(prog)s %(version)s")
@common()
def main() -> None:
    """Replace the plugins of a running program.

    A plugin is an ordinary wheel. Make one with new-plugin and build; see with check and plan what loading it would
    do. A running program that calls manager.serve_control() is a host: reload, status and rollback talk to it.
    """
