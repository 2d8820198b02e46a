import click
from click.testing import CliRunner


class Shout(click.ParamType):
    name = "shout"

    def convert(self, value, param, ctx):
        return value.upper()


@click.group()
@click.option("--debug/--no-debug", default=False)
@click.pass_context
def tool(ctx, debug):
    ctx.obj = {"debug": debug}


@tool.command()
@click.argument("names", nargs=-1, type=Shout())
@click.option("--times", type=click.IntRange(1, 3), default=1)
@click.pass_obj
def greet(obj, names, times):
    for _ in range(times):
        click.secho(f"{obj['debug']} {' '.join(names)}", fg="green")


def smoke():
    result = CliRunner().invoke(tool, ["--debug", "greet", "a", "b", "--times", "2"])
    assert result.output == "True A B\nTrue A B\n", result.output
    bad = CliRunner().invoke(tool, ["greet", "--times", "9"])
    assert bad.exit_code == 2
    assert "range" in bad.output
    assert isinstance(greet, click.Command)
    assert issubclass(click.BadParameter, click.ClickException)
    return [tool, result, click.get_current_context(silent=True)]
