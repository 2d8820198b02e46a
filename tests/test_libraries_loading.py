"""Private libraries on their way from wheels beside the plugins to library dirs and into plugins."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import Host, eventually
from test_libraries_choice import make_library

import hotswap
from hotswap.errors import UsageError, VersionConflictError, WheelError
from hotswap.model import Outcome
from hotswap.solitary import Solitary
from hotswap.store import Store
from hotswap.wheel import Verifier, verifier

USES = """
def numb():
    import numb
    return numb.VERSION
def numb_id():
    import numb
    return id(numb)
"""


def library_dirs(host: Host) -> list[str]:
    return sorted(path.name for path in (host.state_dir / "libraries").glob("*/*"))


def test_two_plugins_with_two_versions(host: Host) -> None:
    """Two plugins that need two versions of one package both work, and the host sees neither."""
    host.add("alpha", extra=USES, requires="numb<2")
    host.add("beta", extra=USES, requires="numb>=2")
    for version in ("1.0", "2.0"):
        make_library(host.plugins, "numb", version)
    manager = host.loaded()
    assert (manager.invoke("alpha", "numb"), manager.invoke("beta", "numb")) == ("1.0", "2.0")
    assert "numb" not in sys.modules
    assert [name.rpartition("-")[0] for name in library_dirs(host)] == ["numb-1.0", "numb-2.0"]


def test_a_set_is_shared(host: Host) -> None:
    """Plugins with the same set share one library dir and one module, and a new version of the code keeps both."""
    host.add("alpha", extra=USES, requires="numb")
    host.add("beta", extra=USES, requires="numb")
    make_library(host.plugins, "numb", "1.0", "lib-c")
    make_library(host.plugins, "lib_c", "1.0")
    manager = host.loaded()
    assert [name.rpartition("-")[0] for name in library_dirs(host)] == ["lib-c-1.0-and-1-more"]
    before = manager.invoke("beta", "numb_id")
    assert manager.invoke("alpha", "numb_id") == before
    made = {path: path.stat().st_mtime_ns for path in host.state_dir.glob("libraries/*/*/**/*")}
    host.add("alpha", "1.1", extra=USES, requires="numb")
    assert manager.reload()["alpha"] is Outcome.RELOADED
    assert manager.invoke("alpha", "numb_id") == before
    assert {path: path.stat().st_mtime_ns for path in host.state_dir.glob("libraries/*/*/**/*")} == made


def test_find_links(host: Host, tmp_path: Path) -> None:
    """Library wheels may lie in directories of their own; one that does not exist is an error."""
    host.add("alpha", extra=USES, requires="numb")
    with pytest.raises(VersionConflictError, match="find_links="):
        host.loaded()
    make_library(tmp_path / "more", "numb", "3.0")
    (tmp_path / "more" / "strange.whl").write_bytes(b"")
    assert host.loaded(find_links=[tmp_path / "more"]).invoke("alpha", "numb") == "3.0"
    with pytest.raises(UsageError, match="does not exist"):
        host.loaded(find_links=[tmp_path / "less"])


def test_a_plugin_is_no_library(host: Host, tmp_path: Path) -> None:
    """A plugin that is required and lies where only libraries are looked for is an error that says where it belongs."""
    host.add("alpha", requires="beta")
    host.add("beta", directory=str(tmp_path / "more"))
    with pytest.raises(WheelError, match="is required as a library, and is a plugin"):
        host.loaded(find_links=[tmp_path / "more"])


def test_a_wheel_without_the_entry_point_is_a_library(host: Host) -> None:
    """A wheel beside the plugins that claims nothing is on offer as a library; the plan says that nobody needs it."""
    host.add("alpha")
    make_library(host.plugins, "numb", "1.0")
    make_library(host.plugins, "bad", "1.0", record=lambda lines: lines[1:])
    plan = host.loaded().plan()
    assert list(plan.steps) == ["alpha"]
    assert plan.notes == ("on offer as libraries, and no plugin needs them: bad 1.0, numb 1.0",)


def test_a_damaged_wheel_that_claims_to_be_a_plugin(host: Host) -> None:
    """What claims to be a plugin is a fault as ever, and so is a wheel that cannot be read at all."""
    host.add("alpha")
    (host.plugins / "numb-1.0-py3-none-any.whl").write_bytes(b"no archive")
    os.utime(host.plugins / "numb-1.0-py3-none-any.whl", (0, 0))
    assert host.manager().plan().pending  # it changed a moment ago: somebody may still be writing it
    check = Verifier(clock=lambda: time.time() + 60)
    finding = hotswap.WheelDir(host.plugins).find()
    (numb,) = (candidate for candidate in finding.candidates if candidate.name == "numb")
    assert check.claims_plugin(numb)
    with pytest.raises(WheelError):
        check.verify(numb)
    with pytest.raises(WheelError):
        check.verify_library(numb)
    with pytest.raises(WheelError):
        check.verify_library(numb)  # a refusal is remembered


def test_a_set_that_changes_rebinds(host: Host) -> None:
    """If a loaded plugin's libraries have to change it is loaded afresh; a rollback brings the old ones back."""
    host.add("alpha", extra=USES, requires="numb")
    make_library(host.plugins, "numb", "1.0")
    manager = host.loaded()
    make_library(host.plugins, "numb", "2.0")
    assert manager.reload()["alpha"] is Outcome.UNCHANGED
    host.add("alpha", "1.1", extra=USES, requires="numb")
    assert manager.reload()["alpha"] is Outcome.RELOADED
    assert manager.invoke("alpha", "numb") == "2.0"
    for wheel in host.plugins.glob("numb-*"):
        wheel.unlink()
    manager.rollback()
    assert manager.invoke("alpha", "numb") == "1.0"
    entry = manager.history()[-1]
    assert (
        entry.plugins[0].libraries
        == json.loads(next(host.state_dir.glob("libraries/*/numb-1.0-*/HOTSWAP.json")).read_bytes())["digest"]
    )


def test_a_rollback_whose_libraries_are_gone(host: Host) -> None:
    """If the library dir of the old set is gone, the error says whose it was."""
    host.add("alpha", requires="numb")
    make_library(host.plugins, "numb", "1.0")
    manager = host.loaded()
    make_library(host.plugins, "numb", "2.0")
    host.add("alpha", "1.1", requires="numb")
    manager.reload()
    next(host.state_dir.glob("libraries/*/numb-1.0-*/HOTSWAP.json")).write_text("{}")
    with pytest.raises(UsageError, match=r"private libraries that it had are gone .* those of alpha 1.0"):
        manager.rollback()


def test_each_wheel_is_read_once(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan verifies every needed wheel once and looks at every directory once; if the set lies on disk, only plugins
    are verified."""
    host.add("alpha", extra=USES, requires="numb, lib-c")
    make_library(host.plugins, "numb", "1.0")
    make_library(host.plugins, "idle", "1.0")
    make_library(tmp_path / "more", "lib_c", "1.0")
    read: list[str] = []
    looked: list[str] = []

    def reading(path: Path, plugin: str, original: Any = verifier.read_wheel) -> Any:
        read.append(path.name.partition("-")[0])
        return original(path, plugin)

    def looking(self: hotswap.WheelDir, original: Any = hotswap.WheelDir.find) -> Any:
        looked.append(self.path.name)
        return original(self)

    monkeypatch.setattr(verifier, "read_wheel", reading)
    monkeypatch.setattr(hotswap.WheelDir, "find", looking)
    manager = host.loaded(find_links=[tmp_path / "more"])
    assert (sorted(read), looked) == (["alpha", "lib_c", "numb"], ["plugins", "more"])
    manager.plan()
    assert (len(read), looked) == (3, ["plugins", "more"] * 2)
    manager.close()
    assert host.loaded(find_links=[tmp_path / "more"]).invoke("alpha", "numb") == "1.0"
    assert read[3:] == ["alpha"]


def test_a_set_in_use_is_not_looked_at_again(host: Host) -> None:
    """What was found complete once is taken as it is by later reloads, as long as its record stays the same file."""
    host.add("alpha", extra=USES, requires="numb")
    make_library(host.plugins, "numb", "1.0")
    manager = host.loaded()
    directory = next(host.state_dir.glob("libraries/*/numb-1.0-*"))
    (directory / "numb" / "__init__.py").unlink()
    host.add("alpha", "1.1", extra=USES, requires="numb")
    assert manager.reload()["alpha"] is Outcome.RELOADED
    assert not (directory / "numb" / "__init__.py").exists()
    os.utime(directory / "HOTSWAP.json", (1, 1))
    host.add("alpha", "1.2", extra=USES, requires="numb")
    assert manager.reload()["alpha"] is Outcome.RELOADED
    assert (directory / "numb" / "__init__.py").exists()


def test_a_damaged_library_dir_is_made_again(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    """A library dir that lost a file is installed anew by the next process, and the log says so."""
    host.add("alpha", extra=USES, requires="numb")
    make_library(host.plugins, "numb", "1.0")
    host.loaded().close()
    next(host.state_dir.glob("libraries/*/*/numb/__init__.py")).unlink()
    with caplog.at_level(logging.WARNING):
        assert host.loaded().invoke("alpha", "numb") == "1.0"
    assert "library dir numb-1.0-" in caplog.text
    assert "is damaged and installed again: numb/__init__.py is missing" in caplog.text


def test_two_wheels_with_one_file(host: Host) -> None:
    """Two libraries of a set that bring different files of one name are refused by name, and nothing is left behind."""
    host.add("alpha", requires="numb, lib-c")
    make_library(host.plugins, "numb", "1.0", files={"numb.py": "", "tests/__init__.py": "", "tests/a.py": "numb"})
    make_library(host.plugins, "lib_c", "1.0", files={"lib_c.py": "", "tests/__init__.py": "", "tests/a.py": "lib_c"})
    with pytest.raises(WheelError) as caught:
        host.loaded()
    text = str(caught.value)
    assert "lib-c 1.0 and numb 1.0 cannot lie in one directory" in text
    assert "tests/a.py: is another file in lib-c 1.0 (lib_c-1.0-py3-none-any.whl) and in numb 1.0" in text
    assert "tests/__init__.py" not in text
    assert library_dirs(host) == []


@pytest.mark.parametrize("legacy", ["from pkgutil import extend_path", "__import__('x').declare_namespace(__name__)"])
def test_namespace_packages_of_old(host: Host, legacy: str) -> None:
    """Wheels that each bring the `__init__.py` of a namespace package as it was before PEP 420 go together."""
    host.add("alpha", requires="acme-a, acme-b")
    for name in "ab":
        files = {"acme/__init__.py": f"{legacy}  # {name}\n", f"acme/{name}.py": ""}
        make_library(host.plugins, f"acme_{name}", "1.0", files=files)
    host.loaded()
    (made,) = host.state_dir.glob("libraries/*/*")
    assert sorted(path.name for path in (made / "acme").glob("*.py")) == ["__init__.py", "a.py", "b.py"]


def test_a_package_that_can_be_there_once(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second copy of such a package fails before anything changes, and may come when the first has gone."""
    for room in ("resolver.solitary", "realm.libraries"):
        monkeypatch.setattr(f"hotswap.{room}.SOLITARY", {"numb": Solitary("it says so")})
    host.add("alpha", extra=USES, requires="numb<2")
    for version in ("1.0", "2.0"):
        make_library(host.plugins, "numb", version)
    manager = host.loaded()
    generation = manager.current
    wheel = host.add("alpha", "1.1", extra=USES, requires="numb>=2")
    with pytest.raises(hotswap.PrivateCopyError, match=r"alpha would get numb 2.0 for itself, and alpha has numb 1.0"):
        manager.reload()
    with pytest.raises(hotswap.PrivateCopyError):
        manager.plan()
    assert manager.current is generation
    assert manager.invoke("alpha", "numb") == "1.0"
    other = host.manager(state_dir=host.state_dir / "other")
    with pytest.raises(hotswap.PrivateCopyError, match=r"alpha would get numb 2.0 for itself, beside .*numb 1.0"):
        other.load()
    away = wheel.rename(host.state_dir / wheel.name)
    host.add("beta")
    del generation
    manager.reload()
    away.rename(wheel)

    def gone() -> bool:
        try:
            manager.reload()
        except hotswap.PrivateCopyError:
            return False
        return True

    assert eventually(gone)
    assert manager.invoke("alpha", "numb") == "2.0"
    other.close()


def test_prune(host: Host, tmp_path: Path) -> None:
    """Library dirs that neither the history nor a process needs go, and fetched wheels that are in none."""
    host.add("alpha", requires="numb")
    wheel = make_library(host.plugins, "numb", "1.0")
    manager = host.loaded(keep_history=1)
    house = host.state_dir / "wheelhouse"
    for kept in (wheel, make_library(tmp_path, "idle", "9.0")):
        house.mkdir(exist_ok=True)
        (house / kept.name).write_bytes(kept.read_bytes())
        os.utime(house / kept.name, (0, 0))
    (house / ".fetch-killed").mkdir()
    os.utime(house / ".fetch-killed", (0, 0))
    make_library(host.plugins, "numb", "2.0")
    host.add("alpha", "1.1", requires="numb")
    manager.reload()
    report = manager.prune()  # a rollback goes back to 1.0
    assert (report.removed, report.wheels) == ((), (".fetch-killed", "idle-9.0-py3-none-any.whl"))
    manager.close()
    store = Store(host.state_dir, keep_history=1)
    (host.state_dir / "history.jsonl").write_text("")
    report = store.prune()
    assert sorted(name.split("-")[0] for name in report.removed if name.startswith("libraries/")) == [
        "libraries/cpython",
        "libraries/cpython",
    ]
    assert report.wheels == ("numb-1.0-py3-none-any.whl",)
    assert library_dirs(host) == []
    store.close()


def test_private_libraries_are_not_for_static_mode(host: Host) -> None:
    """In static mode there is nothing to install, and options about libraries are refused."""
    with pytest.raises(UsageError, match="in static mode plugins have no libraries of their own"):
        hotswap.PluginManager(static={}, find_links=["x"])
    with pytest.raises(TypeError, match="unexpected keyword argument 'find_link'"):
        hotswap.PluginManager(host.plugins, find_link=["x"])  # type: ignore[call-arg]


def test_as_json(host: Host) -> None:
    """The plan as plain data has the copies, with the reason of each, and the wheels of the private set."""
    host.add("alpha", requires="numb, packaging")
    wheel = make_library(host.plugins, "numb", "1.0")
    (alpha,) = host.manager().plan().as_json()["plugins"]
    assert [(copy["name"], copy["private"]) for copy in alpha["copies"]] == [("numb", True), ("packaging", False)]
    assert [(library["name"], library["file"]) for library in alpha["libraries"]] == [("numb", str(wheel))]
    assert alpha["fetch"] == []
