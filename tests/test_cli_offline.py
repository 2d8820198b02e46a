"""Commands that need no host: real wheels in a directory, read by the command line."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hostmaker import ALPHA, make_plugins
from projectmaker import backend_project
from wheelmaker import make_wheel, plugin_source

from hotswap.cli import main


def run(*arguments: object) -> Result:
    """Run `hotswap`; an exception that is not meant to be the exit code is raised."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)


def shown(*arguments: object, code: int = 0) -> dict:
    """What a command prints as JSON, and nothing else, with this exit code."""
    result = run(*arguments, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """80 columns, and a working directory without a state dir."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("HOTSWAP_STATE_DIR", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    return make_plugins(tmp_path / "plugins")


# ------------------------------------------------------------------------------------------------------ looking


def test_plan_says_what_a_first_load_would_do(plugins, tmp_path):
    """Without a host, the plan is that of a first load, and leaves nothing behind."""
    plan = shown("plan", "--plugins", plugins)

    assert [(step["name"], step["outcome"]) for step in plan["plugins"]] == [("alpha", "loaded"), ("beta", "loaded")]
    assert [path.name for path in tmp_path.iterdir()] == ["plugins"]


def test_plan_is_drawn_in_columns(plugins):
    """For people a plan is a table, with what is left for later below."""
    make_wheel(plugins, "alpha", "2.0", ALPHA, requires_python=">=99")
    (plugins / "gamma-1.0-py3-none-any.whl").touch()

    header, alpha, beta, *notes = run("plan", "--plugins", plugins).stdout.splitlines()

    assert header.split() == ["PLUGIN", "VERSION", "OUTCOME", "WHY"]
    assert alpha.split(maxsplit=3) == ["alpha", "1.0", "loaded", "not loaded yet"]
    assert beta.index("loaded") == header.index("OUTCOME")
    assert any("gamma-1.0-py3-none-any.whl: left for the next reload" in note for note in notes)
    assert any("alpha 2.0" in note for note in notes)


def test_plan_of_nothing(tmp_path):
    """An empty directory offers no plugins, which is fine."""
    (tmp_path / "empty").mkdir()

    assert run("plan", "--plugins", "empty").stdout == "no plugins are on offer\n"
    assert run("list", "--plugins", "empty").stdout == "no plugins are on offer\n"


def test_several_places_are_looked_at_together(plugins, tmp_path):
    """--plugins may be repeated, and go together with --environment."""
    make_wheel(tmp_path / "more", "gamma")

    plan = shown("plan", "--plugins", plugins, "--plugins", "more", "--environment")

    assert {step["name"] for step in plan["plugins"]} >= {"alpha", "beta", "gamma"}


def test_plan_that_cannot_be_is_the_plugins_fault(tmp_path):
    """A missing dependency ends with code 1 and one sentence on stderr, without a traceback."""
    make_wheel(
        tmp_path / "plugins",
        "beta",
        "1.0",
        plugin_source("class D:\n    alpha: object", import_="def import_(): return D()"),
    )

    result = run("plan", "--plugins", "plugins")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")
    assert "alpha" in result.stderr
    assert "Traceback" not in result.stderr
    assert "Traceback" in run("plan", "--plugins", "plugins", "--debug").stderr


def test_errors_are_json_for_machines(plugins):
    """With --json, wherever it stands, an error is JSON on stdout with type, message and faults."""
    make_wheel(plugins, "gamma", "1.0", plugin_source(on_free=""))

    for arguments in (["--json", "plan", "--plugins", plugins], ["plan", "--plugins", plugins, "--json"]):
        result = run(*arguments)
        error = json.loads(result.stdout)["error"]
        assert (result.exit_code, result.stderr, error["type"], error["exit_code"]) == (1, "", "WheelContractError", 1)
        assert "on_free" in error["faults"][0]["what"]


def test_usage_errors_are_json_too():
    """A command line that makes no sense is refused with code 2, in JSON if that was asked for."""
    plain = run("plan", "--unknown")
    assert (plain.exit_code, "No such option" in plain.stderr) == (2, True)

    assert shown("plan", "--unknown", code=2)["error"]["type"] == "UsageError"
    assert "--unknown" in shown("--unknown", code=2)["error"]["message"]


def test_list_shows_good_bad_and_unfinished(plugins):
    """The list has every file on offer: the fine ones, the refused ones with their faults, what is being written."""
    make_wheel(plugins, "gamma", "1.0", plugin_source(on_free=""))
    make_wheel(plugins, "delta", "1.0", requires_python=">=99")
    (plugins / "nonsense.whl").write_text("?")
    (plugins / "late-1.0-py3-none-any.whl").touch()

    data = shown("list", "--plugins", plugins)
    states = {Path(offer["file"]).name.split("-")[0]: offer for offer in data["plugins"]}
    assert {name for name, offer in states.items() if offer["faults"]} == {"gamma", "nonsense.whl"}
    assert {name for name, offer in states.items() if offer["unfit"]} == {"delta"}
    assert (states["beta"]["imports"], states["alpha"]["version"]) == (["alpha"], "1.0")
    assert Path(data["pending"][0]["file"]).name == "late-1.0-py3-none-any.whl"

    result = run("list", "--plugins", plugins)
    assert result.exit_code == 0
    assert all(word in result.stdout for word in ("fine", "refused", "unfit", "left for the next reload"))


@pytest.mark.parametrize(
    ("form", "beginning"), [("tree", "beta 1.0 [loaded]\n└── alpha"), ("dot", "digraph"), ("mermaid", "flowchart")]
)
def test_graph_in_every_form(plugins, form, beginning):
    """The graph is drawn for people, for Graphviz and for Mermaid."""
    assert run("graph", "--plugins", plugins, "--format", form).stdout.startswith(beginning)


def test_graph_as_json(plugins):
    """--format json and --json are the same."""
    data = shown("graph", "--plugins", plugins)

    assert data["edges"] == [{"dependency": "alpha", "dependent": "beta", "kind": "imports"}]
    assert data == json.loads(run("graph", "--plugins", plugins, "--format", "json").stdout)


@pytest.mark.parametrize("command", ["plan", "list", "graph"])
def test_looking_nowhere_says_what_to_pass(command):
    """Without a host and without a place to look at, code 3 and both ways out."""
    result = run(command)

    assert result.exit_code == 3
    assert "no host is running on .hotswap" in result.stderr
    assert "--plugins DIR or --environment" in result.stderr


def test_place_that_does_not_exist():
    """A directory that does not exist is the user's mistake."""
    result = run("plan", "--plugins", "nowhere")

    assert (result.exit_code, "nowhere does not exist" in result.stderr) == (2, True)


# ------------------------------------------------------------------------------------------------------- hosting


@pytest.mark.parametrize("command", ["reload", "status", "rollback"])
def test_commands_that_need_a_host_say_so(command, monkeypatch):
    """Without a host, code 3 and the state dir that was meant: the option's, else the environment's."""
    monkeypatch.setenv("HOTSWAP_STATE_DIR", "elsewhere")

    assert "no host is running on elsewhere" in run(command).stderr
    assert "no host is running on here" in run("--state-dir", "here", command).stderr
    assert "no host is running on there" in run("--state-dir", "here", command, "--state-dir", "there").stderr
    assert shown(command, code=3)["error"]["type"] == "NoHostError"


@pytest.mark.parametrize("command", ["history", "prune"])
def test_state_dir_that_is_none(command, tmp_path):
    """A state dir that does not exist is code 4, and is not made by looking at it."""
    result = run(command)

    assert (result.exit_code, "there is no state dir .hotswap" in result.stderr) == (4, True)
    assert list(tmp_path.iterdir()) == []


# -------------------------------------------------------------------------------------------------------- making


def test_check_of_good_plugins(plugins):
    """Good wheels are named, and a directory of them is resolved together, in load order."""
    result = run("check", plugins)

    assert result.exit_code == 0, result.output
    assert "ok    " in result.stdout
    assert "load order: alpha, beta" in result.stdout
    assert shown("check", plugins)["ok"] is True


def test_check_of_single_wheels(plugins):
    """A wheel by itself is checked without what it depends on."""
    beta = plugins / "beta-1.0-py3-none-any.whl"
    verdict = shown("check", beta)

    assert (verdict["ok"], verdict["resolutions"]) == (True, [])
    assert f"ok    {beta} (beta 1.0)" in run("check", beta).stdout


def test_check_shows_every_fault_of_every_wheel(plugins):
    """All faults of all wheels come at once, with code 1; wheels that cannot be read are not resolved."""
    make_wheel(plugins, "gamma", "1.0", plugin_source(on_free="", export=""))
    make_wheel(plugins, "delta", "1.0", requires_python=">=99")
    (plugins / "late-1.0-py3-none-any.whl").touch()
    bad = plugins.parent / "bad-1.0-py3-none-any.whl"
    bad.write_text("no zip")

    result = run("check", plugins, bad)
    assert result.exit_code == 1
    assert all(word in result.stdout for word in ("on_free", "export", "does not fit", "still being written", str(bad)))

    verdict = shown("check", plugins, bad, code=1)
    faults = {Path(wheel["file"]).name.split("-")[0]: len(wheel["faults"]) for wheel in verdict["wheels"]}
    assert (faults["alpha"], faults["gamma"], faults["bad"] > 0) == (0, 2, True)
    assert verdict["resolutions"] == []


def test_check_of_wheels_that_do_not_go_together(tmp_path):
    """Wheels that are good one by one, and cannot be loaded together, are a fault."""
    source = plugin_source("class D:\n    nobody: object", import_="def import_(): return D()")
    make_wheel(tmp_path / "plugins", "beta", "1.0", source)

    result = run("check", "plugins")

    assert result.exit_code == 1
    assert "nobody" in result.stdout
    assert shown("check", "plugins", code=1)["resolutions"][0]["error"]["type"] == "UnknownDependencyError"


def test_check_of_what_has_nothing_to_check(tmp_path):
    """A directory with neither wheels nor project, or a place that does not exist, is the user's mistake."""
    (tmp_path / "empty").mkdir()

    assert "nothing to check" in run("check", "empty").stderr
    assert (run("check", "empty").exit_code, run("check", "nowhere").exit_code, run("check").exit_code) == (2, 2, 2)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return backend_project(tmp_path / "alpha")


def test_check_of_a_project_builds_it_first(project):
    """A project is checked by the wheel it makes, and named by its directory; one that cannot be built is a fault."""
    assert f"ok    {project} (alpha 1.0)" in run("check", "--no-isolation", project).stdout

    (project / "backend.py").write_text("")
    result = run("check", "--no-isolation", project)
    assert (result.exit_code, "build_wheel" in result.stdout) == (1, True)


def test_new_plugin_makes_a_project(tmp_path):
    """A new plugin's project is made from the template, and where it is is said."""
    result = run("new-plugin", "Fresh", "--description", "Says hello.")

    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == "fresh"
    assert "Says hello." in (tmp_path / "fresh" / "pyproject.toml").read_text()
    again = shown("new-plugin", "fresh", code=2)
    assert "exists already" in again["error"]["message"]
    assert shown("new-plugin", "other", tmp_path, "--plugin-version", "2.0") == {"project": str(tmp_path / "other")}


# --------------------------------------------------------------------------------------------------------- shell


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_has_commands_and_exit_codes(flag):
    """The help lists commands in the order of a plugin's way, and every exit code, in 80 columns."""
    result = run(flag)

    assert result.exit_code == 0
    assert result.stdout.index("new-plugin") < result.stdout.index("check") < result.stdout.index("reload")
    assert "  4  the state dir cannot be used" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    for command in main.commands:
        assert run(command, flag).exit_code == 0


def test_version():
    """--version names hotswap's own."""
    import hotswap

    assert run("--version").stdout.split()[-1] == hotswap.__version__


def test_verbose_names_steps(plugins):
    """--verbose says on stderr what is verified; without it nothing is said."""
    assert "verified alpha 1.0" in run("-v", "plan", "--plugins", plugins).stderr
    assert run("plan", "--plugins", plugins).stderr == ""


def test_colours_only_where_they_are_wanted(plugins, monkeypatch):
    """Colours are for terminals, and NO_COLOR turns them off there too."""
    arguments = ["plan", "--plugins", str(plugins)]
    coloured = CliRunner().invoke(main, arguments, color=True)
    monkeypatch.setenv("NO_COLOR", "1")
    forbidden = CliRunner().invoke(main, arguments, color=True)

    assert "\x1b[32mloaded" in coloured.stdout
    assert "\x1b" not in forbidden.stdout
    assert "\x1b" not in run(*arguments).stdout


def test_what_a_wheel_says_does_not_reach_the_terminal_as_commands(plugins):
    """Control characters in a wheel's own words are shown as a replacement."""
    (plugins / "alpha\x1b[31m-1.0-py3-none-any.whl").write_text("?")

    result = run("list", "--plugins", plugins)

    assert result.exit_code == 0
    assert "\x1b" not in result.stdout


def test_long_texts_are_wrapped_under_their_column(tmp_path):
    """A table keeps within 80 columns: what is too long for the last one goes on below it."""
    make_wheel(tmp_path / "plugins", "alpha", "1.0", ALPHA, file_name=f"alpha-1.0-1{'x' * 80}-py3-none-any.whl")

    header, _, rest, *_ = run("list", "--plugins", "plugins").stdout.splitlines()

    assert rest.startswith(" " * header.index("FILE") + "x")
    assert len(rest) <= 80


def test_fault_of_our_own(plugins, monkeypatch):
    """An error that is none of hotswap's is owned up to, with code 5."""

    def explode(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("hotswap.cli.survey.plan_of", explode)
    result = run("plan", "--plugins", plugins)

    assert result.exit_code == 5
    assert "ZeroDivisionError: by zero\nthis is a fault of hotswap itself" in result.stderr


def test_interrupted(plugins, monkeypatch):
    """Ctrl-C ends a command with code 130 and no traceback."""

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hotswap.cli.survey.plan_of", interrupt)
    result = run("plan", "--plugins", plugins)

    assert (result.exit_code, result.stderr) == (130, "interrupted\n")


def test_no_command_shows_the_help():
    """`hotswap` alone shows its help."""
    assert "new-plugin" in run().output


def test_control_socket_that_hangs_is_not_no_host(tmp_path):
    """A command that could do without a host does not pass by one that hangs."""
    (tmp_path / ".hotswap").mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener, socket.socket(socket.AF_UNIX) as other:
        os.chdir(tmp_path / ".hotswap")
        listener.bind("control.sock")
        listener.listen(0)
        other.connect("control.sock")
        os.chdir(tmp_path)

        result = run("prune")

    assert (result.exit_code, "takes no more connections" in result.stderr) == (3, True)
