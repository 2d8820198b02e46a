"""Installed distributions as a source."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.version import Version
from test_sources_wheeldir import during, later
from wheelmaker import make_wheel, plugin_source

from hotswap.errors import UsageError
from hotswap.model import Candidate, Finding
from hotswap.sources import Environment

EDITABLE = {"url": "file:///nowhere", "dir_info": {"editable": True}}


def pip_install(wheel: Path, site: Path, *options: str) -> None:
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--no-index", "--target", str(site), *options, str(wheel)),
        ],
        check=True,
        capture_output=True,
    )


def unpack(wheel: Path, site: Path) -> Path:
    """Install a wheel as the plainest installer does, and return its dist-info directory."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
        (record,) = (name for name in archive.namelist() if name.endswith(".dist-info/RECORD"))
    return site / Path(record).parent


@pytest.fixture
def site(tmp_path: Path) -> Path:
    directory = tmp_path / "site"
    directory.mkdir()
    return directory


@pytest.fixture
def alpha(tmp_path: Path, site: Path) -> Path:
    """The dist-info directory of an installed plugin."""
    return unpack(make_wheel(tmp_path, "alpha"), site)


def only(finding: Finding) -> Candidate:
    assert (finding.projects, finding.pending, finding.faults) == ((), (), ())
    (candidate,) = finding.candidates
    return candidate


@pytest.mark.slow
def test_what_pip_installs_is_offered_at_the_next_look(tmp_path: Path, site: Path) -> None:
    """Plugins that pip installs or upgrades in place, from another process, are seen without any refresh."""
    environment = Environment([str(site)])
    assert environment.find() == Finding()

    pip_install(make_wheel(tmp_path, "Alpha.Plugin", "1.0"), site)
    old = only(environment.find())
    assert (old.name, old.version, old.path.name) == ("alpha-plugin", Version("1.0"), "Alpha.Plugin-1.0.dist-info")

    pip_install(make_wheel(tmp_path, "Alpha.Plugin", "2.0", plugin_source("NEW = 1")), site, "--upgrade")
    new = only(environment.find())
    assert new.version == Version("2.0")
    assert new.digest != old.digest

    pip_install(make_wheel(tmp_path, "Alpha.Plugin", "1.0"), site, "--upgrade")
    assert only(environment.find()).version == Version("1.0")


@pytest.mark.slow
def test_a_plugin_in_a_virtual_environment(tmp_path: Path) -> None:
    """In a program of a real environment, without a path, `pip install --upgrade` is seen on its own `sys.path`."""
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    here = [str(Path(__file__).parents[1]), *(entry for entry in sys.path if entry.endswith("site-packages"))]
    program = "import sys; from hotswap.sources import Environment as E; e = E()\n"
    program += "for _ in sys.stdin: print(*(c.version for c in e.find().candidates if c.name == 'alpha'), flush=True)"
    with subprocess.Popen(
        [python, "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(here)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        seen = []
        for version in ("1.0", "2.0"):
            wheel = make_wheel(tmp_path, "alpha", version)
            subprocess.run(
                [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-index", "--no-deps", wheel],
                check=True,
                capture_output=True,
            )
            process.stdin.write("\n")
            process.stdin.flush()
            seen.append(process.stdout.readline().strip())
        process.stdin.close()

    assert seen == ["1.0", "2.0"]


def test_the_tree_is_what_a_site_dir_needs(tmp_path: Path, site: Path) -> None:
    """Files by RECORD with their hashes: without byte code, and without what lies outside the directory."""
    outside = [
        "../../bin/alpha,,",
        "/etc/passwd,,",
        "pkg/__pycache__/a.pyc,,",
        "pkg/old.pyc,,",
        "..,,",
        "",
        "./pkg/a.py,,",
    ]
    files = {"pkg/__init__.py": plugin_source(), "pkg/a.py": "A = 1\n"}
    dist_info = unpack(make_wheel(tmp_path, "alpha", files=files, record=lambda lines: [*lines, *outside]), site)

    candidate = only(Environment([str(site)]).find())

    assert candidate.tree is not None
    assert [file.relative for file in candidate.tree] == [
        *(f"alpha-1.0.dist-info/{name}" for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt")),
        *("pkg/__init__.py", "pkg/a.py"),
    ]
    for file in candidate.tree:
        content = (site / file.relative).read_bytes()
        assert (file.path, file.sha256, file.size) == (
            site / file.relative,
            hashlib.sha256(content).hexdigest(),
            len(content),
        )
    text = "".join(f"{file.relative}\0{file.sha256}\n" for file in candidate.tree)
    assert candidate.digest == hashlib.sha256(text.encode()).hexdigest()
    assert candidate.path == dist_info
    assert candidate.source == f"environment {site}"


def test_one_directory_needs_no_list(site: Path, alpha: Path) -> None:
    """A single directory, as text or as a path, is the same as a list of it."""
    listed = Environment([str(site)])
    assert only(listed.find()).name == "alpha"
    for one in (str(site), site):
        assert Environment(one).path == listed.path


def test_an_unchanged_distribution_is_the_same_candidate(site: Path, alpha: Path) -> None:
    """While nothing changes nothing is read again; a file edited in place makes another digest."""
    environment = Environment([str(site)], clock=later)
    first = only(environment.find())
    second = only(environment.find())
    module = site / "alpha_plugin.py"
    module.write_text(module.read_text() + "EDITED = True\n")
    third = only(environment.find())

    assert second is first
    assert third.digest != first.digest
    assert third.path == alpha


def test_a_file_that_changed_just_now_is_hashed_again(site: Path, alpha: Path) -> None:
    """Two writes within one tick of the file system's clock are told apart."""
    environment = Environment([str(site)])
    module = site / "alpha_plugin.py"
    before, content = module.stat(), module.read_bytes()
    first = only(environment.find())
    module.write_bytes(content[::-1])
    os.utime(module, ns=(before.st_mtime_ns, before.st_mtime_ns))

    assert only(environment.find()).digest != first.digest


def test_distributions_without_plugins_are_left_out(tmp_path: Path, site: Path) -> None:
    """Other entry points, none, or what is no directory make no candidate; an entry point that is added later does."""
    other = unpack(make_wheel(tmp_path, "other", entry_points="[console_scripts]\nhotswap.plugins = a:b\n"), site)
    unpack(make_wheel(tmp_path, "none", entry_points=""), site)
    (site / "file-1.0.dist-info").touch()
    (site / "gone-1.0.dist-info").symlink_to(site / "nowhere")
    environment = Environment([str(site)], clock=later)
    assert environment.find() == Finding()

    (other / "entry_points.txt").unlink()
    (other / "entry_points.txt").write_text("[hotswap.plugins]\nother = other_plugin\n")
    assert only(environment.find()).name == "other"


def test_the_first_of_a_name_on_the_path_wins(tmp_path: Path, site: Path, alpha: Path) -> None:
    """As for `import`: even one without plugins hides a later one; what is no directory is passed over."""
    first = tmp_path / "first"
    unpack(make_wheel(tmp_path, "Alpha", "0.5"), first)
    path = [str(tmp_path / "missing"), str(make_wheel(tmp_path, "zipped")), str(first), str(site)]
    assert only(Environment(path).find()).version == Version("0.5")

    shutil.rmtree(first)
    unpack(make_wheel(tmp_path, "alpha", "0.5", entry_points=""), first)
    assert Environment(path).find() == Finding()


def test_without_a_path_the_interpreters_own_is_used(site: Path, alpha: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`sys.path` is read at every look, the working directory for an empty entry included."""
    environment = Environment()
    assert "alpha" not in {c.name for c in environment.find().candidates}
    monkeypatch.chdir(site)
    monkeypatch.setattr(sys, "path", ["", *sys.path])

    (candidate,) = (c for c in environment.find().candidates if c.name == "alpha")
    assert candidate.source == str(environment) == "environment"


def test_of_two_versions_in_one_directory_the_last_installed_counts(tmp_path: Path, site: Path, alpha: Path) -> None:
    """`pip install --upgrade --target` leaves the old dist-info behind; it is not mistaken for the installed one."""
    unpack(make_wheel(tmp_path, "alpha", "0.9"), site)
    os.utime(alpha / "RECORD", ns=(0, 0))

    assert only(Environment([str(site)]).find()).version == Version("0.9")


def test_every_missing_file_is_a_fault(tmp_path: Path, site: Path) -> None:
    """A distribution that is not whole is no candidate: each file that RECORD promises is named, with the way out."""
    record = ["gone.py,,", "a\0b.py,,", "empty/,,"]
    unpack(make_wheel(tmp_path, "alpha", record=lambda lines: [*lines, *record]), site)
    (site / "empty").mkdir()

    finding = Environment([str(site)], clock=later).find()

    assert not finding.candidates
    assert [(f.where, f.what.partition(": ")[0]) for f in finding.faults] == [
        (ascii(f"{site}/a\0b.py"), "is listed in RECORD, but cannot be found"),
        (f"{site}/empty", "is listed in RECORD, but is not a regular file"),
        (f"{site}/gone.py", "is listed in RECORD, but cannot be found"),
    ]
    assert finding.faults[2].what.endswith(": No such file or directory")
    assert all(f.way_out.startswith("reinstall the distribution") for f in finding.faults)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "lists no files"),
        (b"\xff,,\n", "cannot be read: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        (b"x" * 200_000, "cannot be read: field larger than field limit (131072)"),
    ],
)
def test_a_record_that_says_nothing_is_a_fault(site: Path, alpha: Path, content: bytes | None, what: str) -> None:
    """Without a RECORD that can be read nobody knows the distribution's files."""
    (alpha / "RECORD").unlink()
    if content is not None:
        (alpha / "RECORD").write_bytes(content)

    finding = Environment([str(site)], clock=later).find()

    assert [(f.where, f.what) for f in finding.faults] == [(str(alpha / "RECORD"), what)]
    assert not finding.candidates


def test_what_is_not_whole_yet_is_pending(site: Path, alpha: Path) -> None:
    """While the directories have just changed, a missing file or RECORD means that an installer is at work."""
    (site / "alpha_plugin.py").unlink()
    environment = Environment([str(site)])
    halfway = environment.find()
    (alpha / "RECORD").unlink()
    earlier = environment.find()

    for finding in (halfway, earlier):
        assert [(p.path, p.reason, p.name) for p in finding.pending] == [
            (alpha, "being installed or replaced", "alpha")
        ]
        assert not finding.faults
        assert not finding.candidates


def test_a_file_that_changes_while_it_is_hashed(site: Path, alpha: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A digest of a file in the making is never handed on."""
    module = site / "alpha_plugin.py"
    during(monkeypatch, lambda: module.write_bytes(module.read_bytes() + b"#\n"))

    finding = Environment([str(site)]).find()

    assert [p.name for p in finding.pending] == ["alpha"]
    assert not finding.candidates


def test_files_of_two_versions_are_not_mixed(site: Path, alpha: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is replaced after it was hashed, while later ones are hashed, spoils the whole reading."""
    metadata = alpha / "METADATA"  # the first of its files in their order
    hashed = itertools.count(1)
    during(monkeypatch, lambda: next(hashed) == 3 and metadata.write_bytes(metadata.read_bytes() + b"\n"))

    finding = Environment([str(site)]).find()

    assert [p.name for p in finding.pending] == ["alpha"]
    assert not finding.candidates


def test_a_distribution_that_pip_has_set_aside_is_pending(site: Path, alpha: Path) -> None:
    """Between taking the old version away and putting the new one in place, the plugin is not gone but pending."""
    aside = alpha.rename(site / "~lpha-1.0.dist-info")

    finding = Environment([str(site)]).find()
    assert [(p.path, p.name) for p in finding.pending] == [(aside, "alpha")]
    assert not finding.candidates

    assert Environment([str(site)], clock=later).find() == Finding(), "what a crash left long ago is ignored"


def test_a_new_version_waits_until_pip_has_deleted_the_old(tmp_path: Path, site: Path, alpha: Path) -> None:
    """While pip may still take the new version back, it is not offered; other directories set aside do not matter."""
    aside = alpha.rename(site / "~lpha-1.0.dist-info")
    unpack(make_wheel(tmp_path, "other", entry_points=""), site).rename(site / "~ther-1.0.dist-info")
    (site / "~gone-1.0.dist-info").symlink_to(site / "nowhere")
    (unpack(make_wheel(tmp_path, "nameless"), site).rename(site / "~ameless-1.0.dist-info") / "METADATA").unlink()
    unpack(make_wheel(tmp_path, "alpha", "2.0"), site)
    environment = Environment([str(site)])

    during_upgrade = environment.find()
    shutil.rmtree(aside)

    assert [(p.path, p.name) for p in during_upgrade.pending] == [(aside, "alpha")]
    assert not during_upgrade.candidates
    assert only(environment.find()).version == Version("2.0")


def test_looks_again_if_distributions_come_and_go_meanwhile(
    tmp_path: Path, site: Path, alpha: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A finding is of one moment: a plugin that is replaced by another under the look is not missing from it."""
    beta = make_wheel(tmp_path, "beta")
    first = itertools.count()
    during(monkeypatch, lambda: next(first) == 0 and unpack(beta, site))

    assert [c.name for c in Environment([str(site)]).find().candidates] == ["alpha", "beta"]


def test_does_not_look_for_ever(site: Path, alpha: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If something changes under every look, what the last one saw is what there is."""
    names = itertools.count()
    during(monkeypatch, lambda: (site / f"new{next(names)}-1.0.dist-info").mkdir())

    assert only(Environment([str(site)]).find()).name == "alpha"
    assert next(names) == 15, "three looks at five files"


def test_a_file_without_permission_is_a_fault(site: Path, alpha: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that cannot be opened is named, with the system's reason."""
    module = site / "alpha_plugin.py"
    module.unlink()
    module.symlink_to("/proc/self/mem")  # a regular file that nobody can read from its beginning

    finding = Environment([str(site)], clock=later).find()

    assert [(f.where.rpartition("/")[2], f.what) for f in finding.faults] == [
        ("mem", "cannot be read: Input/output error")
    ]


def test_symbolic_links_lead_to_the_file(tmp_path: Path, site: Path, alpha: Path) -> None:
    """Installers that link from a cache are served: the file itself is handed on."""
    module = site / "alpha_plugin.py"
    cached = module.rename(tmp_path / "cached.py")
    module.symlink_to(cached)

    tree = only(Environment([str(site)]).find()).tree

    assert tree is not None
    assert {file.relative: file.path for file in tree}["alpha_plugin.py"] == cached


def test_an_egg_info_is_a_fault(tmp_path: Path, site: Path) -> None:
    """An egg-info does not list its files; but it does not hide a proper installation elsewhere on the path."""
    egg = site / "alpha.egg-info"
    egg.mkdir()
    (egg / "entry_points.txt").write_text("[hotswap.plugins]\nalpha = alpha_plugin\n")
    (fault,) = Environment([str(site)]).find().faults
    assert (fault.where, fault.way_out) == (str(egg), "reinstall it with pip")

    unpack(make_wheel(tmp_path, "alpha", "3.0"), tmp_path / "second")
    assert only(Environment([str(site), str(tmp_path / "second")]).find()).version == Version("3.0")


def test_a_dist_info_without_a_version_is_a_fault(site: Path, alpha: Path) -> None:
    """A directory whose name tells no version is named."""
    renamed = alpha.rename(site / "alpha-new.dist-info")

    (fault,) = Environment([str(site)]).find().faults

    assert (fault.where, fault.what) == (str(renamed), "tells no valid version in its name")


def test_an_editable_install_is_a_project(tmp_path: Path, site: Path, alpha: Path) -> None:
    """The source tree that an editable install points at is offered, to be built."""
    project = tmp_path / "my project"
    project.mkdir()
    (project / "pyproject.toml").touch()
    (alpha / "direct_url.json").write_text(json.dumps({**EDITABLE, "url": project.as_uri()}))

    for isolated in (True, False):
        finding = Environment([str(site)], isolated=isolated).find()
        assert [(p.path, p.source, p.isolated) for p in finding.projects] == [
            (project, "environment (editable)", isolated)
        ]
        assert not finding.candidates


@pytest.mark.parametrize(
    "content",
    [{"url": "file:///x.whl", "archive_info": {}}, {"url": "file:///x", "dir_info": {}}, {"url": "x", "dir_info": 1}],
)
def test_an_install_from_a_file_is_no_project(site: Path, alpha: Path, content: object) -> None:
    """Only what was installed as editable is; any other direct_url.json changes nothing."""
    (alpha / "direct_url.json").write_text(json.dumps(content))

    assert only(Environment([str(site)]).find()).name == "alpha"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("x", "is not valid JSON: Expecting value: line 1 column 1 (char 0)"),
        ("[]", "is not a JSON object"),
        (json.dumps({**EDITABLE, "url": "https://host/x"}), "names no local directory: https://host/x"),
        (json.dumps(EDITABLE), "points at /nowhere, where no pyproject.toml is"),
    ],
)
def test_an_editable_install_that_leads_nowhere_is_a_fault(site: Path, alpha: Path, content: str, what: str) -> None:
    """A pointer that is broken is named."""
    file = alpha / "direct_url.json"
    file.write_text(content)

    assert [(f.where, f.what) for f in Environment([str(site)]).find().faults] == [(str(file), what)]


def test_a_given_path_must_exist(tmp_path: Path) -> None:
    """A path of which nothing exists is the host's mistake."""
    environment = Environment([str(tmp_path / "no")])

    with pytest.raises(UsageError, match=r"no directory of environment .*/no exists: name one"):
        environment.find()
    assert repr(environment) == f"Environment(('{tmp_path}/no',), isolated=True)"
