"""The installed stage: from manifests to site dirs."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import parse_tag
from packaging.version import Version
from storemaker import files_of, manifest_of, manifest_of_tree, run_python, start_python
from wheelmaker import make_wheel, plugin_source

from hotswap.errors import Fault, StateDirError, UsageError, WheelError
from hotswap.model import BuildInfo, Dependency
from hotswap.store import Store, site_name

TAG = str(sys.implementation.cache_tag) + (f".opt-{sys.flags.optimize}" if sys.flags.optimize else "")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "state")
    yield store
    store.close()


def record_of(site: Path) -> Path:
    return next(site.glob("*.dist-info/HOTSWAP.json"))


def test_a_wheel_becomes_a_site_dir(tmp_path: Path, store: Store) -> None:
    """Every member lies where it belongs, RECORD unchanged, INSTALLER names hotswap, and staging is empty again."""
    wheel = make_wheel(
        tmp_path, "alpha", "1.2", {"alpha_plugin/__init__.py": "A = 1\n", "alpha_plugin/data.bin": b"\0"}
    )
    manifest = manifest_of(wheel)

    site = store.install([manifest])["alpha"]

    assert site.path == tmp_path / "state" / "sites" / TAG / f"alpha-1.2-{manifest.digest[:16]}"
    assert site.path.name == store.site_name(manifest) == site_name(manifest)
    assert (site.manifest, site.reused) == (manifest, False)
    files = files_of(site.path)
    assert files.pop("alpha-1.2.dist-info/INSTALLER") == b"hotswap\n"
    assert json.loads(files.pop("alpha-1.2.dist-info/HOTSWAP.json"))["digest"] == manifest.digest
    assert sorted(files) == [
        "alpha-1.2.dist-info/METADATA",
        "alpha-1.2.dist-info/RECORD",
        "alpha-1.2.dist-info/WHEEL",
        "alpha-1.2.dist-info/entry_points.txt",
        "alpha_plugin/__init__.py",
        "alpha_plugin/data.bin",
    ]
    assert files["alpha_plugin/data.bin"] == b"\0"
    assert list((tmp_path / "state" / "staging").iterdir()) == []


def test_the_state_dir_is_its_owners_alone(tmp_path: Path, store: Store) -> None:
    """What is executed from the state dir can be written by nobody else."""
    assert store.scratch == tmp_path / "state" / "builds"
    assert store.scratch.is_dir()
    assert store.state_dir.stat().st_mode & 0o777 == 0o700


def test_byte_code_is_there_and_valid(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module is loaded from its byte code, whose code knows the path it is imported from."""
    site = store.install([manifest_of(make_wheel(tmp_path, "alpha", "1.0", "def f(): return 7\n"))])["alpha"]
    source = site.path / "alpha_plugin.py"
    level = f".opt-{sys.flags.optimize}" if sys.flags.optimize else ""
    cached = site.path / "__pycache__" / f"alpha_plugin.{sys.implementation.cache_tag}{level}.pyc"
    expected = cached.stat().st_size
    compiled = []

    class Loader(SourceFileLoader):
        def source_to_code(self, data: Any, path: Any, **options: Any) -> CodeType:  # type: ignore[override]
            compiled.append(path)
            return super().source_to_code(data, path, **options)

    monkeypatch.setattr(sys, "pycache_prefix", None)
    code = Loader("alpha_plugin", str(source)).get_code("alpha_plugin")
    namespace: dict[str, object] = {}
    assert code is not None
    exec(code, namespace)
    assert code.co_filename == str(source)
    assert namespace["f"]() == 7  # type: ignore[operator]
    assert compiled == []
    assert json.loads(record_of(site.path).read_bytes())["sizes"][cached.relative_to(site.path).as_posix()] == expected


def test_several_wheels_in_the_order_given(tmp_path: Path, store: Store) -> None:
    """The result has one site dir for each plugin, keyed by plugin name, in the order asked for."""
    manifests = [manifest_of(make_wheel(tmp_path, name), plugin=f"the-{name}") for name in ("gamma", "alpha", "beta")]
    sites = store.install(manifests)
    assert list(sites) == ["the-gamma", "the-alpha", "the-beta"]
    assert len({site.path for site in sites.values()}) == 3
    assert store.install([]) == {}


def test_a_complete_site_dir_is_reused(tmp_path: Path, store: Store) -> None:
    """The wheel is not needed for what is there already, and nothing is written again."""
    wheel = make_wheel(tmp_path, "alpha")
    manifest = manifest_of(wheel)
    first = store.install([manifest])["alpha"]
    inode = first.path.stat().st_ino
    wheel.unlink()
    second = store.install([manifest])["alpha"]
    assert second == replace(first, reused=True)
    assert second.path.stat().st_ino == inode


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda site: (site / "alpha_plugin.py").write_bytes(b""), "alpha_plugin.py has 0 bytes instead of"),
        (lambda site: (site / "alpha_plugin.py").unlink(), "alpha_plugin.py is missing"),
        (lambda site: shutil.rmtree(site / "__pycache__"), ".pyc is missing"),
        (lambda site: record_of(site).unlink(), "no readable HOTSWAP.json"),
        (lambda site: site.rename(site.parent.parent / "away") and site.symlink_to("nowhere"), "no readable HOTSWAP"),
        (lambda site: record_of(site).write_text("{"), "no readable HOTSWAP.json"),
        (lambda site: record_of(site).write_text('{"format": 1, "digest": "?"}'), "no readable HOTSWAP.json"),
        (lambda site: record_of(site).write_text('{"format": 99, "digest": "0"}'), "no readable HOTSWAP.json"),
    ],
    ids=[
        "truncated",
        "missing",
        "no byte code",
        "no record",
        "dangling link",
        "torn record",
        "bad digest",
        "unknown format",
    ],
)
def test_a_damaged_site_dir_is_installed_again(
    tmp_path: Path, store: Store, caplog: pytest.LogCaptureFixture, damage: object, reason: str
) -> None:
    """A site dir that lacks something is replaced by a whole one, and the log says once what it lacked."""
    manifest = manifest_of(make_wheel(tmp_path, "alpha"))
    site = store.install([manifest])["alpha"]
    whole = files_of(site.path)
    damage(site.path)  # type: ignore[operator]
    assert store.find(manifest.digest) is None
    with caplog.at_level(logging.WARNING, "hotswap.store"):
        again = store.install([manifest])["alpha"]
    assert not again.reused
    assert files_of(again.path) == whole
    assert [reason in message for message in caplog.messages] == [True]
    assert list((store.state_dir / "staging").iterdir()) == []


def test_digests_that_begin_alike_are_an_error(tmp_path: Path, store: Store) -> None:
    """A site dir that belongs to another wheel is neither used nor replaced, and both digests are named."""
    manifest = manifest_of(make_wheel(tmp_path, "alpha"))
    site = store.install([manifest])["alpha"]
    other = manifest_of(manifest.candidate.path, digest=manifest.digest[:16] + 48 * "0")
    with pytest.raises(StateDirError, match="holds another wheel") as caught:
        store.install([other])
    assert manifest.digest in str(caught.value)
    assert other.digest in str(caught.value)
    assert store.install([manifest])["alpha"] == replace(site, reused=True)
    assert store.find(other.digest) is None


def test_a_wheel_that_changed_is_refused(tmp_path: Path, store: Store) -> None:
    """All wheels that are not what was verified are named at once, and nothing is installed."""
    changed, gone, fine = (manifest_of(make_wheel(tmp_path, name)) for name in ("alpha", "beta", "gamma"))
    make_wheel(tmp_path, "alpha", "1.0", plugin_source("x = 2"))
    gone.candidate.path.unlink()
    with pytest.raises(WheelError) as caught:
        store.install([changed, gone, fine])
    assert (caught.value.plugin, caught.value.stage) == ("alpha, beta", "installed")
    assert [(fault.where, fault.way_out) for fault in caught.value.faults] == [
        (str(changed.candidate.path), "reload again"),
        (str(gone.candidate.path), "reload again"),
    ]
    assert "changed since it was verified: No such file" in caught.value.faults[1].what
    assert [list((store.state_dir / part).iterdir()) for part in ("staging", f"sites/{TAG}")] == [[], []]


@pytest.mark.parametrize("member", ["../evil.py", "/evil.py", "a/../../evil.py", "a//b.py", "./a.py", "a\\b.py"])
def test_members_stay_inside(tmp_path: Path, store: Store, member: str) -> None:
    """A path that does not lie below the site dir is refused although verifying should have found it."""
    wheel = make_wheel(tmp_path, "alpha", "1.0", {"alpha_plugin.py": "", member: "", f"{member}/": ""}, module="m")
    with pytest.raises(WheelError, match="would lie outside its site dir") as caught:
        store.install([manifest_of(wheel)])
    assert repr(member) in str(caught.value)
    assert not list(tmp_path.rglob("evil.py"))


def test_two_members_for_one_place_are_refused(tmp_path: Path, store: Store) -> None:
    """What .data would put over a file of the root is an error, not a race of two files."""
    files = {"alpha_plugin.py": "1", "alpha-1.0.data/purelib/alpha_plugin.py": "2"}
    with pytest.raises(WheelError, match=r"alpha_plugin\.py is there twice"):
        store.install([manifest_of(make_wheel(tmp_path, "alpha", "1.0", files))])


def test_a_wheel_without_its_dist_info_is_refused(tmp_path: Path, store: Store) -> None:
    """Where HOTSWAP.json belongs there must be a dist-info directory."""
    manifest = manifest_of(make_wheel(tmp_path, "alpha"), dist_info="other-1.0.dist-info")
    with pytest.raises(WheelError, match=r"has no directory other-1\.0\.dist-info"):
        store.install([manifest])


def test_data_directories(tmp_path: Path, store: Store) -> None:
    """purelib and platlib are spread over the root; scripts, headers and data stay, and are not byte-compiled."""
    files = {
        "alpha_plugin.py": "",
        "alpha-1.0.data/purelib/pure/a.py": "A = 1",
        "alpha-1.0.data/platlib/plat.py": "B = 1",
        "alpha-1.0.data/scripts/run.py": "C = 1",
        "alpha-1.0.data/headers/h.h": "/* */",
        "alpha-1.0.data/data/etc/x": "x",
    }
    site = store.install([manifest_of(make_wheel(tmp_path, "alpha", "1.0", files))])["alpha"].path
    assert {path for path in files_of(site) if ".dist-info" not in path} == {
        "alpha_plugin.py",
        "pure/a.py",
        "plat.py",
        "alpha-1.0.data/scripts/run.py",
        "alpha-1.0.data/headers/h.h",
        "alpha-1.0.data/data/etc/x",
    }
    assert sorted(path.name.split(".")[0] for path in site.rglob("*.pyc")) == ["a", "alpha_plugin", "plat"]


def test_shipped_byte_code_and_records_are_not_taken(tmp_path: Path, store: Store) -> None:
    """A wheel cannot bring a __pycache__, an INSTALLER or a HOTSWAP.json of its own."""
    files = {
        "alpha_plugin.py": "A = 1",
        "__pycache__/other.pyc": "bad",
        "pkg/__pycache__/m.pyc": "bad",
        "alpha-1.0.dist-info/HOTSWAP.json": "bad",
        "alpha-1.0.dist-info/INSTALLER": "bad",
    }
    site = store.install([manifest_of(make_wheel(tmp_path, "alpha", "1.0", files))])["alpha"].path
    assert [path.name.split(".")[0] for path in site.rglob("*.pyc")] == ["alpha_plugin"]
    assert b"bad" not in files_of(site).values()


def test_executable_bits_are_kept(tmp_path: Path, store: Store) -> None:
    """A file that is executable in the wheel is so in the site dir, others are not, directories are no files."""
    wheel = make_wheel(tmp_path, "alpha")
    with zipfile.ZipFile(wheel, "a") as archive:
        info = zipfile.ZipInfo("bin/tool")
        info.external_attr = 0o755 << 16
        archive.writestr(info, "#!/bin/sh\n")
        archive.writestr(zipfile.ZipInfo("bin/"), "")
    site = store.install([manifest_of(wheel)])["alpha"].path
    assert os.access(site / "bin" / "tool", os.X_OK)
    assert (site / "alpha_plugin.py").stat().st_mode & 0o111 == 0


def unpacked(tmp_path: Path, store: Store) -> Path:
    """A directory with one installed distribution."""
    files = {"alpha_plugin.py": "A = 1\n", "tool": "#!/bin/sh\n"}
    site = store.install([manifest_of(make_wheel(tmp_path, "alpha", "1.0", files))])["alpha"].path
    shutil.copytree(site, tmp_path / "env")
    (tmp_path / "env" / "tool").chmod(0o755)
    (tmp_path / "env" / "alpha-1.0.dist-info" / "INSTALLER").write_text("pip")
    return tmp_path / "env"


def test_an_installed_distribution_is_copied(tmp_path: Path, store: Store) -> None:
    """Its files become a site dir of their own that shares none with the environment."""
    env = unpacked(tmp_path, store)
    manifest = manifest_of_tree(env, "alpha")
    site = store.install([manifest])["alpha"].path
    assert site.name == site_name(manifest)
    for relative in ("alpha_plugin.py", "alpha-1.0.dist-info/METADATA", "alpha-1.0.dist-info/RECORD", "tool"):
        assert (site / relative).read_bytes() == (env / relative).read_bytes()
        assert not (site / relative).samefile(env / relative)
    assert (site / "alpha-1.0.dist-info" / "INSTALLER").read_text() == "hotswap\n"
    assert json.loads(record_of(site).read_bytes())["digest"] == manifest.digest
    assert os.access(site / "tool", os.X_OK)


def test_an_installed_distribution_that_changed_is_refused(tmp_path: Path, store: Store) -> None:
    """A file that is not what was verified is named, and nothing is installed."""
    env = unpacked(tmp_path, store)
    manifest = manifest_of_tree(env, "alpha")
    (env / "alpha_plugin.py").write_text("A = 2\n")
    with pytest.raises(WheelError, match=r"alpha_plugin\.py: changed since it was verified"):
        store.install([manifest])
    assert store.find(manifest.digest) is None


@pytest.mark.parametrize(
    "changes", [{"name": "-/-/evil"}, {"name": "../evil"}, {"name": ""}, {"digest": "../../../../evil"}]
)
def test_names_that_are_no_directory_names(tmp_path: Path, store: Store, changes: dict[str, str]) -> None:
    """A name or digest in another form than the canonical one never becomes a path."""
    manifest = replace(manifest_of(make_wheel(tmp_path, "alpha")), **changes)  # type: ignore[arg-type]
    with pytest.raises(WheelError, match="cannot name a directory"):
        store.install([manifest])
    assert not store.state_dir.exists()


def test_a_manifest_is_found_again_by_its_digest(tmp_path: Path, store: Store) -> None:
    """A store that never saw the wheel rebuilds its manifest, every field equal, from the site dir alone."""
    wheel = make_wheel(tmp_path, "alpha", "1.0+local.1")
    manifest = manifest_of(
        wheel,
        version=Version("1.0+local.1"),
        dist_info="alpha-1.0+local.1.dist-info",
        requires=(Requirement('beta[x]>=1,<2; python_version > "3"'),),
        requires_python=SpecifierSet(">=3.11,!=3.11.1"),
        tags=frozenset(parse_tag("py2.py3-none-any")),
        summary="täglich",
        imports=(Dependency("beta", "Beta", SpecifierSet(">=1")), Dependency("extra", "extra", optional=True)),
        unfit=(Fault("w", "foreign", "none"),),
        build=BuildInfo(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "5" * 40, True, "served_", "a" * 64),
        live_prefix="served_",
    )
    manifest = replace(manifest, candidate=replace(manifest.candidate, in_host=True))
    site = store.install([manifest])["alpha"]
    wheel.unlink()
    other = Store(store.state_dir)
    assert other.find(manifest.digest) == replace(site, reused=True)
    assert other.find("0" * 64) is None
    assert other.find("*") is None
    other.close()


def test_the_manifest_of_an_installed_distribution_is_found_again(tmp_path: Path, store: Store) -> None:
    """Its list of files is rebuilt as well."""
    manifest = manifest_of_tree(unpacked(tmp_path, store), "alpha")
    site = store.install([manifest])["alpha"]
    assert store.find(manifest.digest) == replace(site, reused=True)


def test_a_manifest_of_another_form_is_not_found(tmp_path: Path, store: Store) -> None:
    """A site dir whose manifest this version cannot read serves its own wheel, but no rollback."""
    manifest = manifest_of(make_wheel(tmp_path, "alpha"))
    record = record_of(store.install([manifest])["alpha"].path)
    content = json.loads(record.read_bytes())
    del content["content"]["imports"]
    record.write_text(json.dumps(content))
    assert store.find(manifest.digest) is None
    assert store.install([manifest])["alpha"].reused


def test_leftovers_of_killed_processes_are_swept(tmp_path: Path, store: Store) -> None:
    """Whatever lies in staging is gone after the next install."""
    staging = store.scratch.parent / "staging"
    (staging / "alpha-1.0-0" / "deep").mkdir(parents=True)
    (staging / "file").write_text("")
    (staging / "link").symlink_to(tmp_path)
    store.install([manifest_of(make_wheel(tmp_path, "alpha"))])
    assert list(staging.iterdir()) == []
    assert tmp_path.is_dir()


def test_two_threads_install_one_wheel(tmp_path: Path) -> None:
    """Two stores and four threads of one process make one site dir, and exactly one of them made it."""
    manifest = manifest_of(make_wheel(tmp_path, "alpha"))
    stores = [Store(tmp_path / "state"), Store(tmp_path / "state")]
    barrier = threading.Barrier(4)
    sites = []

    def install(store: Store) -> None:
        barrier.wait()
        sites.append(store.install([manifest])["alpha"])

    threads = [threading.Thread(target=install, args=(stores[number % 2],)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    assert sorted(site.reused for site in sites) == [False, True, True, True]
    assert [path.name for path in (tmp_path / "state" / "sites" / TAG).iterdir()] == [site_name(manifest)]


INSTALL = """
import sys
from pathlib import Path
from storemaker import manifest_of
from hotswap.store import Store
store = Store(Path(sys.argv[2]))
manifest = manifest_of(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
print(store.install([manifest])["alpha"].reused)
store.close()
"""


def test_two_processes_install_one_wheel(tmp_path: Path) -> None:
    """Two processes that start at the same word make one site dir, and exactly one of them made it."""
    wheel = make_wheel(tmp_path, "alpha")
    processes = [start_python(INSTALL, wheel, tmp_path / "state") for _ in range(2)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate()[0].strip() for process in processes]
    assert sorted(outputs) == ["False", "True"]
    assert [path.name for path in (tmp_path / "state" / "sites" / TAG).iterdir()] == [site_name(manifest_of(wheel))]


OPTIMIZED = """
import sys
from pathlib import Path
from storemaker import manifest_of
from hotswap.store import Store
store = Store(Path(sys.argv[2]))
site = store.install([manifest_of(Path(sys.argv[1]))])["alpha"].path
print(site.parent.name, *(path.suffixes[-2] for path in site.rglob("*.pyc")))
store.close()
"""


def test_each_optimisation_level_has_its_own_site_dirs(tmp_path: Path) -> None:
    """Under -OO the byte code is that of -OO, and it does not mix with what other hosts use."""
    wheel = make_wheel(tmp_path, "alpha")
    tag = sys.implementation.cache_tag
    assert run_python(OPTIMIZED, wheel, tmp_path / "state", flags=["-OO"]).split() == [f"{tag}.opt-2", ".opt-2"]


def test_a_state_dir_that_cannot_be(tmp_path: Path) -> None:
    """A path below a file is refused with the path, the cause and the way out."""
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file" / "state")
    with pytest.raises(StateDirError, match="installing: Not a directory") as caught:
        store.install([manifest_of(make_wheel(tmp_path, "alpha"))])
    assert str(store.state_dir) in str(caught.value)
    assert "choose another state dir" in str(caught.value)
    store.close()


def test_a_history_of_nothing_is_refused(tmp_path: Path) -> None:
    """keep_history counts from one."""
    with pytest.raises(UsageError, match="1 or more, not 0"):
        Store(tmp_path, keep_history=0)


def test_a_state_dir_open_to_others_is_mentioned(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What lies in a state dir is executed, so one that others may write to is worth a warning."""
    Store(tmp_path / "new").close()
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o777)
    Store(tmp_path / "shared").close()
    assert [record.getMessage().partition(": ")[0] for record in caplog.records] == [str(tmp_path / "shared")]
