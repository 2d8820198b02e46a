"""install, uninstall, lock, check --strict, and what plan, list and graph say of libraries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import Host
from indexmaker import Index, serving
from packaging.tags import Tag
from test_libraries_choice import make_library
from wheelmaker import make_wheel, plugin_source

import hotswap
from hotswap.cli import main
from hotswap.errors import UsageError, WheelError
from hotswap.libraries import read_lists, read_lock, this_environment
from hotswap.libraries.tags import named
from hotswap.model import Outcome


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def data(*arguments: object) -> Any:
    return json.loads(run(*arguments, "--json").stdout)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    return tmp_path


@pytest.fixture
def index(here: Path) -> Iterator[Index]:
    pytest.importorskip("pip")
    with serving(here / "index") as served:
        yield served


@pytest.fixture
def geo(here: Path) -> Path:
    """Two plugins, one with private libraries, one of which the host lacks too."""
    plugins = here / "plugins"
    make_wheel(plugins, "alpha", requires=["frame", "packaging"])
    make_wheel(plugins, "beta", requires=["packaging"])
    make_library(plugins, "frame", "1.0", "numb>=1")
    make_library(here / "more", "numb", "1.5")
    return plugins


def test_plan_shows_whose_copies(here: Path, geo: Path) -> None:
    """Below the plan stands which libraries are shared and which private, and why."""
    shown = run("plan", "--plugins", "plugins", "--find-links", "more").stdout
    assert "PLUGIN  LIBRARY    VERSION  COPY     WHY" in shown
    assert "alpha   frame      1.0      private  alpha 1.0 requires frame, which the" in shown
    assert "beta    packaging" in shown
    (alpha, beta) = data("plan", "--plugins", "plugins", "--find-links", "more")["plugins"]
    assert [library["name"] for library in alpha["libraries"]] == ["frame", "numb"]
    assert beta["libraries"] == []


def test_plan_without_the_wheels(here: Path, geo: Path) -> None:
    """What is missing is an error of the plugins, with the chain of who asked."""
    result = run("plan", "--plugins", "plugins")
    assert result.exit_code == 1
    assert "numb>=1 (asked for by frame 1.0 for alpha 1.0)" in result.stderr


def test_overrides(here: Path, geo: Path) -> None:
    """--share and --private are those of the manager."""
    result = run("plan", "--plugins", "plugins", "--find-links", "more", "--share", "numb")
    assert (result.exit_code, "only the host's will do (share=)" in result.stderr) == (1, True)
    result = run("plan", "--plugins", "plugins", "--find-links", "more", "--private", "packaging")
    assert "never the host's (private=)" in result.stderr
    result = run("plan", "--plugins", "plugins", "--find-links", "more", "--share", "nmub", "--private", "Nothing")
    assert "share= names what no plugin and no private library requires: nmub\n" in result.stdout
    assert "private= names what no plugin and no private library requires: nothing\n" in result.stdout
    result = run("plan", "--plugins", "plugins", "--share", "numb>=1")
    assert (result.exit_code, "share= has 'numb>=1': pass names" in result.stderr) == (2, True)


@pytest.mark.parametrize("command", ["plan", "graph", "lock"])
def test_options_that_a_host_would_not_hear_of(here: Path, command: str) -> None:
    """What only a manager can say is refused where a running host is asked."""
    result = run(command, "--share", "numb", "--find-links", ".")
    assert result.exit_code == 2
    assert "--find-links, --share: only with --plugins DIR or --environment" in result.stderr


def test_list_tells_libraries_from_plugins(here: Path, geo: Path) -> None:
    """A wheel that is no plugin is listed as a library."""
    assert {
        item["file"].rpartition("/")[2]: item["kind"] for item in data("list", "--plugins", "plugins")["plugins"]
    } == {
        "alpha-1.0-py3-none-any.whl": "plugin",
        "beta-1.0-py3-none-any.whl": "plugin",
        "frame-1.0-py3-none-any.whl": "library",
    }
    assert "frame   1.0      library  frame-1.0-py3-none-any.whl" in run("list", "--plugins", "plugins").stdout


def test_graph_draws_libraries(here: Path, geo: Path) -> None:
    """graph --libraries draws below each plugin what it shares and what is its own, in every format."""
    arguments = ("graph", "--plugins", "plugins", "--find-links", "more")
    assert run(*arguments).stdout == "alpha 1.0 [loaded]\nbeta 1.0 [loaded]\n"
    tree = run(*arguments, "--libraries").stdout.splitlines()
    assert tree[0] == "alpha 1.0 [loaded]"
    assert tree[1].startswith("├── frame 1.0 [private, set ")
    assert tree[2].startswith("│   └── numb 1.5 [private, set ")
    assert tree[3].startswith("└── packaging ")
    assert tree[3].endswith(" [the host's]")
    drawn = data(*arguments, "--libraries")
    assert {(edge["dependency"].partition(" ")[0], edge["dependent"].partition(" ")[0]) for edge in drawn["edges"]} == {
        ("frame", "alpha"),
        ("numb", "frame"),
        ("packaging", "alpha"),
        ("packaging", "beta"),
    }
    assert {node["label"] for node in drawn["nodes"] if node.get("kind") == "library"} == {"frame", "numb", "packaging"}
    assert '[label="shared"]' in run(*arguments, "--libraries", "--format", "dot").stdout
    assert '-->|"private"|' in run(*arguments, "--libraries", "--format", "mermaid").stdout


def test_graph_of_a_running_host(host: Host) -> None:
    """A running host draws what it has loaded."""
    host.add("alpha", requires="numb")
    make_library(host.plugins, "numb", "1.0")
    host.loaded().serve_control()
    assert "numb 1.0 [private, set " in run("graph", "--libraries", "--state-dir", host.state_dir).stdout
    assert "numb" not in run("graph", "--state-dir", host.state_dir).stdout


def test_check(here: Path, geo: Path) -> None:
    """A directory is checked with its libraries; a damaged one is a fault."""
    assert data("check", "plugins")["ok"] is False
    assert data("check", "plugins", "--find-links", "more")["ok"] is True
    make_library(geo, "bad", "1.0", record=lambda lines: lines[1:])
    result = run("check", "plugins", "--find-links", "more")
    assert result.exit_code == 1
    assert "is not listed in RECORD" in result.stdout


def test_check_strict(here: Path) -> None:
    """With --strict an import that the plugin does not declare is a fault; what a wheel beside it brings is known."""
    source = plugin_source("import packaging.version, numb_core, os\ndef f():\n    import click\n")
    make_wheel(here / "plugins", "alpha", files=source, requires=["packaging", "numb"])
    make_library(here / "plugins", "numb", "1.0", files={"numb_core.py": ""})
    assert run("check", "plugins").exit_code == 0
    result = run("check", "plugins", "--strict")
    assert result.exit_code == 1
    assert "imports click, which alpha 1.0 does not declare" in result.stdout
    assert "numb_core" not in result.stdout
    assert "imports click" in run("check", *(here / "plugins").glob("alpha-*"), "--strict").stdout


# ------------------------------------------------------------------------------------------------ install, uninstall


@pytest.mark.slow
def test_install(here: Path, index: Index) -> None:
    """The best wheel of a plugin comes into the directory, once."""
    for version in ("1.0", "1.5", "2.0"):
        make_wheel(index.wheels, "alpha", version, requires=["numb", "packaging"])
    make_library(index.wheels, "numb", "1.0")
    url = index.publish()
    result = run("install", "alpha<2", "--index", url)
    assert (result.exit_code, result.stdout) == (0, "plugins/alpha-1.5-py3-none-any.whl\n"), result.stderr
    assert [path.name for path in (here / "plugins").iterdir()] == ["alpha-1.5-py3-none-any.whl"]
    (item,) = data("install", "alpha==1.0", "--index", url)["installed"]
    assert (item["version"], item["already"], item["newer"]) == ("1.0", False, ["plugins/alpha-1.5-py3-none-any.whl"])
    assert run("install", "alpha<1.5", "--index", url).stdout == (
        "plugins/alpha-1.0-py3-none-any.whl (was there already)\n"
        "plugins/alpha-1.5-py3-none-any.whl is newer, and lies there too\n"
    )


@pytest.mark.slow
def test_install_brings_the_plugins_that_are_required(here: Path, index: Index) -> None:
    """A required plugin comes along, in a version that suits everybody; a library stays where it is."""
    make_wheel(index.wheels, "alpha", requires=["beta-dist[fast]>=1", "numb<2", "skipped; python_version < '3'"])
    make_wheel(index.wheels, "gamma", requires=["beta-dist<2", "numb>=2", "delta @ http://127.0.0.1:9/delta.whl"])
    for version in ("1.0", "2.0"):
        make_wheel(index.wheels, "beta-dist", version, plugin="beta", requires=["epsilon; extra == 'fast'"])
        make_library(index.wheels, "numb", version)
    make_wheel(index.wheels, "epsilon")
    url = index.publish()
    result = run("install", "alpha", "gamma", "--index", url)
    assert (result.exit_code, result.stdout) == (
        0,
        "plugins/alpha-1.0-py3-none-any.whl\n"
        "plugins/gamma-1.0-py3-none-any.whl\n"
        "plugins/beta_dist-1.0-py3-none-any.whl (required by alpha 1.0)\n"
        "plugins/epsilon-1.0-py3-none-any.whl (required by beta 1.0)\n",
    ), result.stderr
    assert len(list((here / "plugins").iterdir())) == 4
    asked = len(index.asked)
    assert [item["required_by"] for item in data("install", "epsilon", "--index", url)["installed"]] == [None]
    assert run("install", "alpha", "--index", url, "--plugins", "alone", "--no-deps").stdout == (
        "alone/alpha-1.0-py3-none-any.whl\n"
    )
    assert not [path for path in index.asked[asked:] if "beta" in path or "numb" in path]


@pytest.mark.slow
def test_install_what_is_in_the_directory_already(here: Path, index: Index) -> None:
    """What the directory has in a version that will do is not fetched again; what the host has, if it is no plugin."""
    make_wheel(index.wheels, "alpha", requires=["beta", "packaging", "numb"])
    make_wheel(here / "plugins", "beta")
    make_library(here / "plugins", "numb")
    result = run("install", "alpha", "--index", index.publish())
    assert (result.exit_code, result.stdout) == (0, "plugins/alpha-1.0-py3-none-any.whl\n"), result.stderr
    assert {path.split("/")[2] for path in index.asked} <= {"alpha", "alpha-1.0-py3-none-any.whl"}


@pytest.mark.slow
def test_install_a_plugin_that_the_host_has(here: Path, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin in the host's environment is none in the directory: it is fetched like any other."""
    info = here / "site" / "beta-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: beta\nVersion: 1.0\n\n")
    (info / "entry_points.txt").write_text("[hotswap.plugins]\nbeta = beta\n")
    monkeypatch.syspath_prepend(str(here / "site"))
    make_wheel(index.wheels, "alpha", requires=["beta"])
    make_wheel(index.wheels, "beta")
    assert (
        "plugins/beta-1.0-py3-none-any.whl (required by alpha 1.0)"
        in run("install", "alpha", "--index", index.publish()).stdout
    )


@pytest.mark.slow
def test_install_what_requires_more_than_there_is(here: Path, index: Index) -> None:
    """What is not on the index may come from elsewhere, and is told; two that want different versions are an error."""
    make_wheel(index.wheels, "alpha", requires=["absent>=2", "beta>=2", "lost"])
    make_wheel(index.wheels, "gamma", requires=["beta<2"])
    for version in ("1.0", "2.0"):
        make_wheel(index.wheels, "beta", version)
    url = index.publish()
    result = run("install", "alpha", "--index", url)
    assert (result.exit_code, result.stdout) == (
        0,
        "plugins/alpha-1.0-py3-none-any.whl\n"
        "plugins/beta-2.0-py3-none-any.whl (required by alpha 1.0)\n"
        "absent>=2 (required by alpha 1.0) could not be fetched: if it is a plugin, put it there by hand\n"
        "lost (required by alpha 1.0) could not be fetched: if it is a plugin, put it there by hand\n",
    ), result.stderr
    result = run("install", "alpha", "gamma", "--index", url, "--plugins", "other")
    assert (result.exit_code, list((here / "other").iterdir())) == (2, [])
    assert "fetching beta>=2, beta<2 for alpha 1.0, gamma 1.0: " in result.stderr
    assert "no versions go together" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["alpha; python_version < '3'"], "its marker says that it is not for this interpreter"),
        (["alpha @ http://me:secret@h/a.whl"], "alpha @ ... names an address: put that wheel into plugins yourself"),
        (["alpha", "--plugins", "/proc/nowhere"], "/proc/nowhere cannot be written to (No such file or directory)"),
        (["alpha", "--index", ""], "index='' names no index"),
        (["alpha", "--index", "nowhere"], "index='nowhere' is neither an address"),
    ],
)
def test_install_what_makes_no_sense(here: Path, arguments: list[str], words: str) -> None:
    """A requirement or option that leads nowhere is refused before anything is fetched."""
    result = run("install", *arguments)
    assert (result.exit_code, words in result.stderr, "secret" in result.stderr) == (2, True, False), result.stderr


@pytest.mark.slow
def test_install_what_is_no_plugin(here: Path, index: Index) -> None:
    """What came is checked: a library is refused, and nothing is put into the directory."""
    make_wheel(index.wheels, "alpha")
    make_library(index.wheels, "numb", "1.0")
    result = run("install", "alpha", "numb", "--index", index.publish())
    assert result.exit_code == 1
    assert "has no entry point" in result.stderr
    assert list((here / "plugins").iterdir()) == []


@pytest.mark.slow
def test_install_what_is_not_there(here: Path, index: Index) -> None:
    """What the index does not have is an error that shows what the installer said; JSON has it too."""
    url = index.publish()
    result = run("install", "absent>=3", "--index", url)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "fetching absent>=3: " in result.stderr
    assert data("install", "absent", "--index", url)["error"]["type"] == "FetchError"
    assert run("install", "no requirement").exit_code == 2


def test_uninstall(here: Path, geo: Path) -> None:
    """A plugin's wheels go, all or some of its versions; a name that is none changes nothing."""
    make_wheel(geo, "alpha", "2.0")
    make_wheel(geo, "gamma-dist", "1.0", plugin="gamma", record=lambda lines: lines[1:])
    assert run("uninstall", "alpha>=2").stdout == "plugins/alpha-2.0-py3-none-any.whl\n"
    result = run("uninstall", "alpha", "delta")
    assert result.exit_code == 2
    assert "plugins has no plugin delta; there are: alpha, beta, gamma-dist" in result.stderr
    assert data("uninstall", "ALPHA", "gamma-dist")["removed"][0] == {
        "name": "alpha",
        "version": "1.0",
        "wheel": "plugins/alpha-1.0-py3-none-any.whl",
    }
    assert run("uninstall", "frame").exit_code == 2  # a library is no plugin
    assert sorted(path.name[:5] for path in geo.iterdir()) == ["beta-", "frame"]


# -------------------------------------------------------------------------------------------------------------- lock


def test_lock(here: Path, geo: Path) -> None:
    """The lock lists every wheel of every plugin and private set with its hash, and is the same each time."""
    arguments = ("lock", "--plugins", "plugins", "--find-links", "more")
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (0, "hotswap.lock: 2 plugins, 2 private wheels\n"), result.stderr
    text = (here / "hotswap.lock").read_text()
    locked = read_lock(here / "hotswap.lock")
    assert {name: [str(w) for w in (p.wheel, *p.libraries)] for name, p in locked.plugins.items()} == {
        "alpha": ["alpha 1.0", "frame 1.0", "numb 1.5"],
        "beta": ["beta 1.0"],
    }
    assert run(*arguments).stdout == "hotswap.lock: 2 plugins, 2 private wheels (as before)\n"
    assert data(*arguments, "-o", "other.lock")["changed"] is True
    assert (here / "other.lock").read_text() == text


def test_a_lock_is_replaced_as_a_whole(here: Path, geo: Path) -> None:
    """Who reads the old file reads it to its end; a link to the lock stays one."""
    old = b'{"format": 2, "environments": {}}'
    (here / "real.lock").write_bytes(old)
    (here / "hotswap.lock").symlink_to("real.lock")
    with (here / "real.lock").open("rb") as before:
        result = run("lock", "--plugins", "plugins", "--find-links", "more")
        assert (result.exit_code, result.stdout) == (0, "hotswap.lock: 2 plugins, 2 private wheels\n"), result.stderr
        assert before.read() == old
    assert (here / "hotswap.lock").is_symlink()
    assert sorted(read_lock(here / "real.lock").plugins) == ["alpha", "beta"]


def test_a_lock_that_cannot_be_written(here: Path, geo: Path) -> None:
    """A lock is not written into a directory that is not there: the error names the file, not what was tried."""
    result = run("lock", "--plugins", "plugins", "--find-links", "more", "-o", "absent/hotswap.lock")
    assert result.exit_code == 2
    message = "Error: absent/hotswap.lock cannot be written (No such file or directory): name another --output\n"
    assert result.stderr == message


def test_lock_of_a_running_host(host: Host, here: Path) -> None:
    """Without a directory the running host says what its next reload would install."""
    host.add("alpha", requires="numb")
    make_library(host.plugins, "numb", "1.0")
    assert run("lock", "--state-dir", host.state_dir).exit_code == 3
    host.loaded().serve_control()
    assert run("lock", "--state-dir", host.state_dir).stdout == "hotswap.lock: 1 plugin, 1 private wheel\n"


@pytest.mark.slow
def test_lock_fetches(here: Path, index: Index) -> None:
    """With an index what is missing is fetched first; a manager with the lock fetches it by its hash."""
    make_wheel(here / "plugins", "alpha", requires=["numb"])
    make_library(index.wheels, "numb", "1.0")
    url = index.publish()
    assert run("lock", "--plugins", "plugins").exit_code == 1
    result = run("lock", "--plugins", "plugins", "--index", url, "--state-dir", "state")
    assert (result.exit_code, result.stdout) == (0, "hotswap.lock: 1 plugin, 1 private wheel\n"), result.stderr
    assert [path.name for path in (here / "state" / "wheelhouse").iterdir()] == ["numb-1.0-py3-none-any.whl"]
    with hotswap.PluginManager("plugins", state_dir="fresh", index=url, lock="hotswap.lock") as manager:
        assert manager.plan().fetch == {"alpha": ("numb==1.0",)}
        manager.load()
    make_library(index.wheels, "numb", "1.0", files={"numb.py": "other = 1"})
    index.publish()
    manager = hotswap.PluginManager("plugins", state_dir="fresher", index=url, lock="hotswap.lock")
    with manager, pytest.raises(hotswap.FetchError, match=r"(?i)hash"):
        manager.load()


def test_a_manager_with_a_lock(host: Host, here: Path) -> None:
    """With a lock exactly what it lists is installed: newer libraries, and what the host has by now, do not count."""
    host.add("alpha", requires="numb")
    host.add("beta")  # has no libraries, and is locked as that
    old = make_library(host.plugins, "numb", "1.0")
    assert run("lock", "--plugins", host.plugins).exit_code == 0
    make_library(host.plugins, "numb", "2.0")
    manager = host.loaded(lock="hotswap.lock")
    assert list(manager.plan().libraries) == ["alpha"]
    assert [library.label for library in manager.plan().libraries["alpha"].libraries] == ["numb 1.0"]
    manager.close()
    old.unlink()
    host.loaded(lock="hotswap.lock").close()  # its library dir is still there
    with pytest.raises(WheelError) as caught:
        host.loaded(lock="hotswap.lock", state_dir=here / "elsewhere")
    text = str(caught.value)
    assert "hotswap.lock lists numb-1.0-py3-none-any.whl with sha256 " in text
    assert "of that version is on offer" in text


def test_a_lock_is_where_it_was_when_the_manager_was_made(
    host: Host, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that changes its working directory reloads by the same lock."""
    host.add("alpha")
    assert run("lock", "--plugins", host.plugins).exit_code == 0
    manager = host.loaded(lock="hotswap.lock")
    monkeypatch.chdir("/")
    assert manager.reload()["alpha"] is Outcome.UNCHANGED


def test_wheels_that_are_not_those_of_the_lock(host: Host, here: Path) -> None:
    """A plugin or library that is not listed, or differs, is an error with both hashes."""
    first = host.add("alpha", requires="numb")
    make_library(host.plugins, "numb", "1.0")
    assert run("lock", "--plugins", host.plugins).exit_code == 0
    listed = json.loads((here / "hotswap.lock").read_text())["environments"][this_environment()]["alpha"]
    host.add("alpha", "1.1", requires="numb")
    host.add("beta")
    with pytest.raises(WheelError) as caught:
        host.loaded(lock=here / "hotswap.lock")
    text = str(caught.value)
    assert f"hotswap.lock lists alpha 1.0 with {listed['sha256']}" in text
    assert "hotswap.lock lists no plugin beta" in text
    host.loaded(lock=here / "hotswap.lock", only=[]).close()

    for wheel in host.plugins.iterdir():
        wheel.unlink()
    host.add("alpha", requires="numb")
    assert first.is_file()
    make_library(host.plugins, "numb", "1.0", files={"numb.py": "different = True\n"})
    sha256 = listed["libraries"][0]["sha256"]
    with pytest.raises(WheelError, match=f"lists numb-1.0-py3-none-any.whl with sha256 {sha256}"):
        host.loaded(lock=here / "hotswap.lock", state_dir=here / "elsewhere")


def test_what_is_no_lock(here: Path, host: Host) -> None:
    """A lock that is absent or something else is the host's error."""
    host.add("alpha")
    lock = here / "hotswap.lock"
    wheel = '"name": "a", "version": "x", "file": "a-1.0-py3-none-any.whl", "sha256": ""'
    for content, words in (
        (None, "hotswap.lock does not exist: write it with hotswap lock"),
        ("[]", "is no lock of hotswap"),
        ('{"format": 9}', "its format is 9, known is 2"),
        ('{"format": 2}', "no 'environments'"),
        (f'{{"format": 2, "environments": {{"any": {{"a": {{{wheel}, "libraries": []}}}}}}}}', "Invalid version"),
        ('{"format": 2, "environments": {}}', "lists wheels for nothing, and this is cp"),
    ):
        if content is not None:
            lock.write_text(content)
        with pytest.raises(UsageError, match=words):
            host.loaded(lock=lock)


def test_a_lock_that_cannot_be_read(here: Path, host: Host) -> None:
    """A lock that the operating system does not give out is the host's error, and is not written over."""
    host.add("alpha")
    (here / "hotswap.lock").mkdir()
    with pytest.raises(UsageError, match=r"cannot be read \(Is a directory\)"):
        host.loaded(lock="hotswap.lock")
    (here / "bad.lock").write_text("[]")
    result = run("lock", "--plugins", host.plugins, "-o", "bad.lock")
    assert (result.exit_code, (here / "bad.lock").read_text()) == (2, "[]")
    assert "is no lock of hotswap" in result.stderr
    assert "remove it, and write it anew" in result.stderr


def elsewhere(lock: Path, environment: str) -> dict[str, Any]:
    """Make what a lock lists for this environment that of another; returns the list."""
    content = json.loads(lock.read_text())
    listed: dict[str, Any] = content["environments"].pop(this_environment())
    content["environments"][environment] = listed
    lock.write_text(json.dumps(content))
    return listed


def test_a_lock_for_several_environments(host: Host, here: Path) -> None:
    """Each environment adds its list beside those of the others, and a manager takes its own."""
    host.add("alpha", requires="numb")
    make_library(host.plugins, "numb", "1.0")
    arguments = ("lock", "--plugins", host.plugins)
    assert run(*arguments).stdout == "hotswap.lock: 1 plugin, 1 private wheel\n"
    other = elsewhere(here / "hotswap.lock", "cp399-cp399-plan9_vax")
    assert run(*arguments).stdout == (
        "hotswap.lock: 1 plugin, 1 private wheel\nhotswap.lock: its list for cp399-cp399-plan9_vax is kept\n"
    )
    lists = read_lists(here / "hotswap.lock")
    assert list(lists) == sorted([this_environment(), "cp399-cp399-plan9_vax"])
    assert lists["cp399-cp399-plan9_vax"] == other
    host.loaded(lock="hotswap.lock").close()
    host.add("alpha", "1.1", requires="numb")
    host.add("beta")
    assert run(*arguments).stdout.splitlines()[1] == (
        "hotswap.lock: its list for cp399-cp399-plan9_vax has other versions of alpha, beta: run hotswap lock there too"
    )
    assert data(*arguments)["others"] == {"cp399-cp399-plan9_vax": ["alpha", "beta"]}
    host.loaded(lock="hotswap.lock")


def test_a_lock_of_another_environment(host: Host, here: Path) -> None:
    """The list of another environment will do if all its wheels fit; if not, the error names both environments."""
    host.add("alpha", requires="numb")
    make_library(host.plugins, "numb", "1.0")
    assert run("lock", "--plugins", host.plugins).exit_code == 0
    elsewhere(here / "hotswap.lock", "cp399-cp399-plan9_vax")
    with host.loaded(lock="hotswap.lock") as manager:
        assert [library.label for library in manager.plan().libraries["alpha"].libraries] == ["numb 1.0"]
    text = (here / "hotswap.lock").read_text()
    (here / "hotswap.lock").write_text(text.replace("numb-1.0-py3-none-any", "numb-1.0-cp399-cp399-plan9_vax"))
    with pytest.raises(UsageError) as caught:
        host.loaded(lock="hotswap.lock")
    assert f"lists wheels for cp399-cp399-plan9_vax, and this is {this_environment()}: run hotswap lock" in str(
        caught.value
    )


@pytest.mark.parametrize(
    ("platform", "others", "name"),
    [
        ("manylinux_2_39_x86_64", ["linux_x86_64"], "cp313-cp313t-linux_x86_64"),
        ("linux_x86_64", ["manylinux_2_39_x86_64"], "cp313-cp313t-linux_x86_64"),
        ("linux_aarch64", ["musllinux_1_2_aarch64"], "cp313-cp313t-musllinux_aarch64"),
        ("musllinux_1_2_aarch64", [], "cp313-cp313t-musllinux_aarch64"),
        ("macosx_14_0_arm64", ["macosx_11_0_universal2"], "cp313-cp313t-macosx_arm64"),
    ],
)
def test_what_an_environment_is_called(platform: str, others: list[str], name: str) -> None:
    """An environment's name has interpreter, ABI, system and machine, and not how new the system is."""
    assert named([Tag("cp313", "cp313t", tag) for tag in (platform, *others)]) == name


def test_a_lock_of_what_is_not_known_yet() -> None:
    """What would have to be fetched has no hash yet: no lock can be written."""
    from hotswap.libraries import lock_text

    step = {"name": "alpha", "outcome": "loaded", "fetch": ["numb>=1"]}
    with pytest.raises(UsageError, match="alpha needs what has to be fetched first: numb>=1"):
        lock_text({"plugins": [{"name": "old", "outcome": "removed"}, step]})


def test_check_strict_of_what_is_damaged(here: Path) -> None:
    """A damaged library beside the plugins is a fault of its own, and hides nothing of the others."""
    make_wheel(here / "plugins", "alpha", files=plugin_source("import click\n"))
    make_library(here / "plugins", "bad", "1.0", record=lambda lines: lines[1:])
    found = run("check", "plugins", "--strict").stdout
    assert "imports click" in found
    assert "is not listed in RECORD" in found


def test_plan_of_what_would_be_fetched(host: Host) -> None:
    """The plan of a running host with an index shows what the next reload would fetch first."""
    host.add("alpha")
    manager = host.loaded(index="http://127.0.0.1:9/simple")
    manager.serve_control()
    host.add("alpha", "1.1", requires="numb>=3")
    shown = run("plan", "--state-dir", host.state_dir).stdout
    assert shown.endswith("alpha: to be fetched first: numb>=3\n")
