"""Commands that a running host carries out, and those that work beside one."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hostmaker import ALPHA, host_process, hotswap_command, make_plugins, serving
from places import IMPORTED
from wheelmaker import make_wheel, plugin_source

import hotswap
from hotswap.cli import main
from hotswap.cli.text import several, span


@pytest.fixture(autouse=True)
def _place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """80 columns, and the host's state dir by the environment."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("HOTSWAP_STATE_DIR", str(tmp_path / "state"))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)


def shown(*arguments: object) -> dict:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_status_of_a_host(tmp_path):
    """The status shows generation, process and plugins in columns, and what is retired and still in memory."""
    with serving(tmp_path) as manager, manager.lease():
        make_wheel(tmp_path / "plugins", "alpha", "2.0", ALPHA)
        manager.reload()
        text = run("status").stdout
        data = shown("status")

    lines = text.splitlines()
    assert lines[0] == "generation 2, 1 reload"
    assert lines[1].startswith(f"process {data['pid']}, Python ")
    assert lines[2] == f"state dir {tmp_path / 'state'}"
    assert lines[4].split() == ["PLUGIN", "VERSION", "OUTCOME", "LOADED", "DEPENDS", "ON"]
    assert (lines[5].split()[:3], lines[6].split()[-1]) == (["alpha", "2.0", "reloaded"], "alpha")
    assert lines[8].split() == ["RETIRED", "VERSION", "GENERATION", "STATE", "FOR"]
    assert lines[9].split()[:4] == ["alpha", "1.0", "1", "draining"]


def test_host_that_has_loaded_nothing(tmp_path):
    """A host before its first load, and one without plugins, are shown as what they are."""
    (tmp_path / "plugins").mkdir()
    with hotswap.PluginManager(tmp_path / "plugins", state_dir=tmp_path / "state") as manager:
        manager.serve_control()
        assert run("status").stdout.startswith("nothing is loaded, 0 reloads\n")
        assert run("list").stdout == "nothing is loaded\n"
        assert run("reload").exit_code == 2
        assert run("history").stdout == "nothing has been loaded yet\n"
        manager.load()
        assert run("status").stdout.startswith("generation 1, 0 reloads\n")
        assert run("reload").stdout.startswith("generation 2, after ")
        assert run("plan").stdout == "no plugins are on offer\n"


def test_plan_list_and_graph_ask_the_host(tmp_path):
    """Without a place to look at, the host is asked, and its plan knows what it has loaded."""
    with serving(tmp_path):
        assert run("plan").stdout.splitlines()[-1] == "nothing would change"
        make_wheel(tmp_path / "plugins", "alpha", "2.0", ALPHA)

        assert [step["outcome"] for step in shown("plan")["plugins"]] == ["reloaded", "rebound"]
        assert "1.0 -> 2.0" in run("plan").stdout
        assert [plugin["version"] for plugin in shown("list")["plugins"]] == ["1.0", "1.0"]
        assert run("list").stdout.splitlines()[1].split()[:3] == ["alpha", "1.0", "loaded"]
        assert run("graph").stdout == "beta 1.0 [loaded]\n└── alpha 1.0 [loaded]\n"


def test_reload_and_rollback(tmp_path):
    """Reload and rollback show the new generation with the outcome for each plugin."""
    with serving(tmp_path) as manager:
        make_wheel(tmp_path / "plugins", "alpha", "2.0", ALPHA)

        first, _, header, *rows = run("reload").stdout.splitlines()
        assert first.startswith("generation 2, after 0.")
        assert [line.split() for line in (header, *rows)] == [
            ["PLUGIN", "OUTCOME"],
            ["alpha", "reloaded"],
            ["beta", "rebound"],
        ]
        assert shown("rollback")["generation"] == manager.current.number == 3


def test_failed_reload_is_the_hosts_error(tmp_path):
    """What went wrong in the host is this command's error: faults, code 1, and the host's traceback with --debug."""
    with serving(tmp_path):
        make_wheel(tmp_path / "plugins", "alpha", "2.0", plugin_source(on_load="def on_load(data): 1 / 0"))

        result = run("reload")
        debugged = run("reload", "--debug")
        as_json = run("reload", "--json")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "alpha: on_load() raised ZeroDivisionError" in result.stderr
    assert "Traceback" not in result.stderr
    assert "in on_load" in debugged.stderr
    assert json.loads(as_json.stdout)["error"]["type"] == "LifecycleError"


def test_history_with_and_without_a_host(tmp_path):
    """The history shows the last changes, failed ones too, also after the host has ended."""
    with serving(tmp_path) as manager:
        make_wheel(tmp_path / "plugins", "alpha", "2.0", plugin_source(on_free=""))
        with pytest.raises(hotswap.WheelError):
            manager.reload()
        assert run("history").stdout.count("\n") >= 3

    entries = shown("history")["entries"]
    assert [(entry["action"], entry["outcome"]) for entry in entries] == [("load", "ok"), ("reload", "failed")]
    assert [entry["action"] for entry in shown("history", "--limit", 1)["entries"]] == ["reload"]
    header, load, *rest = run("history").stdout.splitlines()
    failure = next(line for line in rest if "failed" in line)
    assert header.split() == ["WHEN", "WHAT", "HOW", "GEN", "PLUGINS"]
    assert load.split()[2:5] == ["load", "ok", "1"]
    assert failure.split()[2:5] == ["reload", "failed", "-"]


def test_prune_with_and_without_a_host(tmp_path):
    """Pruning removes what neither a host nor the history needs, and with --dry-run only says so."""
    stray = tmp_path / "state" / "sites" / "other" / "old-1.0-0123456789abcdef"
    with serving(tmp_path):
        stray.mkdir(parents=True)
        assert shown("prune", "--dry-run")["removed"] == ["other/old-1.0-0123456789abcdef"]
        assert run("prune").stdout.splitlines()[-1] == "1 site dir removed (0.0 MB), 2 kept"
    stray.mkdir()

    assert run("prune", "--dry-run").stdout.splitlines() == [
        "other/old-1.0-0123456789abcdef",
        "1 site dir would be removed (0.0 MB), 2 kept",
    ]
    assert stray.exists()
    assert shown("prune")["kept"] == 2
    assert not stray.exists()


def test_pruning_without_a_host_goes_by_its_own_measure(tmp_path):
    """--keep-history says how many changes back a rollback shall still reach."""
    with serving(tmp_path) as manager:
        for version in ("2.0", "3.0"):
            make_wheel(tmp_path / "plugins", "alpha", version, ALPHA)
            manager.reload()

    assert shown("prune")["removed"] == []
    removed = shown("prune", "--keep-history", 1)["removed"]
    assert [Path(name).name.rpartition("-")[0] for name in removed] == ["alpha-1.0"]


def test_prune_beside_a_host_without_a_socket(tmp_path):
    """What a running host uses stays, even if it serves no control socket and its history is lost."""
    with hotswap.PluginManager(make_plugins(tmp_path / "plugins"), state_dir=tmp_path / "state") as manager:
        manager.load()
        (tmp_path / "state" / "history.jsonl").unlink()

        assert shown("prune") == {"removed": [], "freed": 0, "kept": 2, "builds": [], "wheels": [], "dry_run": False}


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (59.0, "59.0 s"), (61.0, "1 min"), (3600.0, "1.0 h"), (9000.0, "2.5 h")]
)
def test_spans_are_in_the_unit_that_suits_them(seconds, text):
    """Seconds, minutes or hours, whichever reads best."""
    assert span(seconds) == text


def test_one_and_several():
    """One is singular, none and many are plural."""
    assert [several(count, "reload") for count in (0, 1, 2)] == ["0 reloads", "1 reload", "2 reloads"]


@pytest.mark.slow
def test_a_host_from_the_outside_to_its_end(tmp_path):
    """A host in a process of its own is looked at, reloaded and rolled back; once killed, it is no host any more."""
    plugins, state = make_plugins(tmp_path / "plugins"), tmp_path / "state"
    with host_process(plugins, state) as host:
        status = json.loads(hotswap_command("status", "--json", "--state-dir", state).stdout)
        assert (status["pid"], status["generation"]) == (host.pid, 1)

        make_wheel(plugins, "alpha", "2.0", ALPHA)
        assert "alpha   reloaded" in hotswap_command("reload", "--state-dir", state).stdout
        assert "alpha   reloaded" in hotswap_command("rollback", "--state-dir", state).stdout

        host.kill()
        assert host.wait() == -signal.SIGKILL
        after = hotswap_command("status", "--state-dir", state)
        assert (after.returncode, after.stdout) == (3, "")
        assert after.stderr.startswith(f"Error: no host is running on {state}: ")

    with host_process(plugins, state) as successor:
        assert shown("status")["pid"] == successor.pid
    assert [entry["action"] for entry in shown("history")["entries"]] == ["load", "reload", "rollback", "load"]


def test_help_is_light():
    """The command line itself imports neither networkx nor the event loop until a command needs them."""
    code = f"""
import sys, types
hotswap = types.ModuleType("hotswap")  # what `import hotswap` itself loads is another matter
hotswap.__path__, hotswap.__version__ = [{str(IMPORTED / "hotswap")!r}], "0"
sys.modules["hotswap"] = hotswap
from hotswap.cli import main
main(["--help"], standalone_mode=False)
heavy = {{"networkx", "packaging", "resolvelib", "asyncio", "concurrent.futures"}} & sys.modules.keys()
assert not heavy, heavy
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (result.returncode, result.stderr) == (0, "")
    assert "Exit codes" in result.stdout


def test_broken_pipe_is_quiet(tmp_path):
    """Who stops reading, as `head` does, gets no complaint."""
    make_plugins(tmp_path / "plugins")
    with subprocess.Popen(
        [sys.executable, "-m", "hotswap", "list", "--plugins", tmp_path / "plugins"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=IMPORTED,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()  # long before Python has started

        assert process.stderr.read() == ""
