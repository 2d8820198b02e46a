"""The standard modules that take import names as strings know the realm they are used in."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from realmkit import OpenRealm, make_site, open_realm

__all__ = ["open_realm"]

FILES = {
    "alpha/__init__.py": "def run(code, **names):\n    exec(code, globals(), names)\n    return names.get('found')\n",
    "alpha/jobs.py": "TOP = 1\nclass Job:\n    depth = 2\n",
    "alpha/deep/__init__.py": "",
    "alpha/deep/tool.py": "",
    "alpha/data/words.txt": "wörds\n",
    "alpha/here.py": "import importlib.resources\nFOUND = importlib.resources.files().joinpath('data').is_dir()\n",
    "single.py": "import importlib.resources\ndef files(): return importlib.resources.files()\n",
}


@pytest.fixture
def run(open_realm: OpenRealm) -> Any:
    """Run code in a plugin's package and get what it calls `found`."""
    return open_realm("alpha", "1.5", FILES, entry_points=POINTS).load("alpha").run


POINTS = "[hotswap.plugins]\nalpha = alpha\n\n[tools.of.alpha]\njob = alpha.jobs:Job.depth\nwhole = alpha.jobs\n"


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("from importlib import import_module as m; found = m('alpha.jobs').TOP", 1),
        ("import importlib; found = importlib.import_module('.jobs', 'alpha').TOP", 1),
        ("import importlib as i; found = i.import_module('.jobs', __name__).TOP", 1),
        ("import importlib; found = importlib.import_module(__name__ + '.jobs').TOP", 1),
        ("import importlib; found = importlib.import_module('json').__name__", "json"),
        ("import importlib; found = importlib.__import__('alpha.jobs').jobs.TOP", 1),
        ("import importlib.util; found = importlib.util.find_spec('alpha.absent')", None),
        ("import importlib.util; found = importlib.util.find_spec('json').name", "json"),
        ("from importlib.util import find_spec as f; found = f('.jobs', 'alpha').loader.name[-10:]", "alpha.jobs"),
        ("from importlib.util import *; found = find_spec('alpha').origin[-17:]", "alpha/__init__.py"),
        ("from importlib.util import *; found = resolve_name('.b', 'a')", "a.b"),
        ("from importlib import *; found = import_module('alpha.jobs').TOP", 1),
        ("from importlib import util; found = util.find_spec('alpha') is not None", True),
        ("import importlib, importlib.machinery; found = importlib.machinery.SOURCE_SUFFIXES", [".py"]),
        ("import importlib; found = importlib.abc.__name__", "importlib.abc"),
        ("import pkgutil; found = pkgutil.get_data('alpha', 'data/words.txt').decode()", "wörds\n"),
        ("import pkgutil; found = pkgutil.resolve_name('alpha.jobs:Job.depth')", 2),
        ("import pkgutil; found = pkgutil.resolve_name('alpha.jobs.Job.depth')", 2),
        ("import pkgutil; found = pkgutil.resolve_name('json:loads').__name__", "loads"),
        ("import pkgutil; found = pkgutil.extend_path(__path__, 'alpha') == list(__path__)", True),
        ("import pyclbr; found = sorted(pyclbr.readmodule('alpha.jobs'))", ["Job"]),
        (
            "import importlib.resources as r; found = (r.files('alpha') / 'data/words.txt').read_text('utf-8')",
            "wörds\n",
        ),
        ("import importlib.resources as r; found = r.files('alpha.data').joinpath('words.txt').is_file()", True),
        ("import importlib.resources as r, alpha; found = (r.files(alpha) / 'jobs.py').is_file()", True),
        ("import importlib.resources as r; found = r.read_text('alpha.deep', '__init__.py')", ""),
        ("import importlib.resources as r; found = r.files('json').joinpath('decoder.py').is_file()", True),
    ],
)
@pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")
def test_names_of_the_realm(run: Any, code: str, value: object) -> None:
    """A literal name given to the standard library means the realm's module, or the host's where it is not its own."""
    found = run(code)
    assert found == value


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        ("import importlib; importlib.import_module('.jobs')", TypeError, "package"),
        ("import importlib; importlib.import_module('..jobs', 'alpha')", ImportError, "beyond top-level"),
        ("import importlib.util; importlib.util.find_spec('.jobs')", ImportError, "relative"),
        ("import importlib.util; importlib.util.find_spec('absent.jobs')", ModuleNotFoundError, "'absent'"),
        ("import importlib.util; importlib.util.find_spec('alpha.jobs.x')", ModuleNotFoundError, " 'alpha.jobs' while"),
        ("import importlib.util; importlib.util.find_spec('alpha.no.x')", ModuleNotFoundError, "named 'alpha.no'"),
        ("import importlib.util; importlib.util.absent", AttributeError, "'importlib.util' has no attribute 'absent'"),
    ],
)
def test_errors_are_the_originals(run: Any, code: str, kind: type[Exception], said: str) -> None:
    """What the original function refuses is refused in the same way."""
    with pytest.raises(kind, match=said):
        run(code)


def test_another_plugin_is_absent_for_find_spec(open_realm: OpenRealm, run: Any) -> None:
    """A plugin that asks whether it could import another plugin's package hears that it could not."""
    open_realm("beta", files="")
    assert run("from importlib.util import find_spec as f; found = f('beta')") is None


def test_overlays_write_through(run: Any) -> None:
    """What a plugin writes to one of these modules is written to the module itself, and can be deleted again."""
    run("import importlib; importlib.hotswap_test = 1")
    assert importlib.hotswap_test == 1  # type: ignore[attr-defined]
    assert run("import importlib; found = 'hotswap_test' in dir(importlib)")
    run("import importlib; del importlib.hotswap_test")
    assert not hasattr(importlib, "hotswap_test")


def test_overlay_replaced_by_the_plugin(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that patches a function of these modules gets what it set."""
    monkeypatch.setattr(importlib, "import_module", importlib.import_module)
    assert run("import importlib; importlib.import_module = 3; found = importlib.import_module") == 3
    assert importlib.import_module == 3  # type: ignore[comparison-overlap]


def test_the_hosts_modules_stay(run: Any) -> None:
    """The host's own standard modules are the originals while a realm uses its overlays."""
    run("import importlib, logging; found = importlib")
    assert sys.modules["importlib"] is importlib
    assert importlib.util.find_spec("alpha") is None


# ----------------------------------------------------------------------------------------------------- resources


@pytest.mark.skipif(sys.version_info < (3, 12), reason="files() takes no anchor since Python 3.12")
def test_files_without_anchor(open_realm: OpenRealm) -> None:
    """`files()` means the caller's package, for a module of a package and for a top-level one."""
    realm = open_realm("alpha", files=FILES)
    assert realm.load("alpha.here").FOUND
    assert realm.load("single").files().joinpath("single.py").is_file()


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="the parameter has another name since Python 3.12")
def test_files_of_a_named_package(run: Any) -> None:
    """The anchor may be given by its name."""
    assert run("import importlib.resources as r; found = r.files(package='alpha').joinpath('jobs.py').is_file()")


# ------------------------------------------------------------------------------------------------------ metadata


@pytest.fixture
def host_dist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory on the host's path with another version of alpha, a stranger, its double, and a broken one."""
    for part, name, version in (("two", "gamma", "2.0"), ("one", "gamma", "3.0"), ("one", "alpha", "0.1")):
        site = make_site(tmp_path / part, name, version, entry_points=f"[tools.of.alpha]\n{name}{version} = json\n")
        monkeypatch.syspath_prepend(str(site.path))
    (site.path / "broken-1.0.dist-info").mkdir()
    importlib.invalidate_caches()
    yield tmp_path
    importlib.invalidate_caches()


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("md.version('alpha')", "1.5"),
        ("md.version('ALPHA')", "1.5"),
        ("md.version('gamma')", "3.0"),
        ("md.version(distribution_name='alpha')", "1.5"),
        ("md.metadata('alpha')['Version']", "1.5"),
        ("md.requires('alpha')", None),
        ("'alpha/jobs.py' in [str(f) for f in md.files('alpha')]", True),
        ("md.distribution('alpha').version", "1.5"),
        ("[d.version for d in md.distributions(name='alpha')]", ["1.5"]),
        ("[d.version for d in md.distributions() if d.metadata.get('Name') == 'alpha']", ["1.5"]),
        ("[d.version for d in md.distributions(name='gamma')][0]", "3.0"),
        ("[d.version for d in md.distributions(path=[])]", []),
        ("md.packages_distributions()['alpha']", ["alpha"]),
        ("sorted(md.entry_points(group='tools.of.alpha').names)", ["gamma3.0", "job", "whole"]),
        ("md.entry_points(group='tools.of.alpha')['job'].load()", 2),
        ("md.entry_points(group='tools.of.alpha')['whole'].load().TOP", 1),
        ("md.entry_points(group='tools.of.alpha')['gamma3.0'].load().__name__", "json"),
        ("md.entry_points(group='tools.of.alpha', name='job')['job'].dist.version", "1.5"),
        ("md.distribution('alpha').entry_points['job'].load()", 2),
        ("md.PackageNotFoundError.__name__", "PackageNotFoundError"),
    ],
)
def test_metadata_sees_the_site_dir_first(
    open_realm: OpenRealm, host_dist: Path, expression: str, value: object
) -> None:
    """A plugin's own distribution is the one in its site dir, before any that the host has of that name."""
    run = open_realm("alpha", "1.5", FILES, entry_points=POINTS).load("alpha").run
    # Other distributions of the host's path come behind these.
    first = run(f"import importlib.metadata as md; found = {expression}")
    assert first == value


@pytest.mark.filterwarnings("ignore:SelectableGroups:DeprecationWarning")
def test_entry_points_by_group(run: Any) -> None:
    """All entry points together are what this Python version makes of them."""
    found = run("from importlib.metadata import entry_points as e; found = e()")
    assert type(found) is type(importlib.metadata.entry_points())
    assert "job" in found.select(group="tools.of.alpha").names


def test_absent_distribution(run: Any) -> None:
    """A distribution that neither has is reported as the original does."""
    with pytest.raises(importlib.metadata.PackageNotFoundError, match="absent"):
        run("import importlib.metadata; importlib.metadata.version('absent')")


def test_packages_of_a_shared_namespace(open_realm: OpenRealm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A namespace package belongs to the plugin and to the host's distributions that share it."""
    site = make_site(tmp_path, "gamma", files={"acme/gamma.py": ""})
    monkeypatch.syspath_prepend(str(site.path))
    text = "import importlib.metadata as md\nFOUND = md.packages_distributions()['acme']\n"
    realm = open_realm("alpha", files={"acme/alpha.py": text}, provides=["acme.alpha"])
    assert realm.load("acme.alpha").FOUND == ["alpha", "gamma"]


# ------------------------------------------------------------------------------------------------------- pkgutil


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("walk_packages(__path__, 'alpha.')", ["alpha.deep", "alpha.deep.tool", "alpha.here", "alpha.jobs"]),
        ("iter_modules(__path__)", ["deep", "here", "jobs"]),
    ],
)
def test_walking(run: Any, expression: str, names: list[str]) -> None:
    """Walking a plugin's packages by their plain name imports them into the realm and tells plain names."""
    found = run(f"import pkgutil; found = sorted(info.name for info in pkgutil.{expression})")
    assert [name for name in found if name != "alpha.here" or names] == names
    assert "alpha.deep" not in sys.modules


def test_walking_by_full_name(run: Any) -> None:
    """Walking with `__name__` as prefix tells full names, as it was asked."""
    found = run("import pkgutil; found = [(__name__, i.name) for i in pkgutil.walk_packages(__path__, __name__ + '.')]")
    assert all(name.startswith(prefix + ".") for prefix, name in found)
    assert len(found) == 4


def test_walking_over_a_broken_package(open_realm: OpenRealm) -> None:
    """A package that cannot be imported is told to `onerror` by its plain name."""
    files = {**FILES, "alpha/bad/__init__.py": "1/0"}
    run = open_realm("alpha", files=files).load("alpha").run
    code = "import pkgutil; found = []; list(pkgutil.walk_packages(__path__, 'alpha.', found.append))"
    assert run(code) == ["alpha.bad"]


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="Python 3.14 has them no more")
@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
@pytest.mark.parametrize("finder", ["find_loader", "get_loader"])
def test_loaders_by_name(run: Any, finder: str) -> None:
    """The loader of a plugin's module is found by the plain name, and by the module where that is allowed."""
    assert run(f"import pkgutil; found = pkgutil.{finder}('alpha.jobs').name").endswith(".alpha.jobs")
    assert run("import pkgutil, alpha; found = pkgutil.get_loader(alpha) is alpha.__spec__.loader")


def test_the_hosts_portion_of_a_package(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that collects its portions does not get the host's directory of the same name."""
    (tmp_path / "host/alpha").mkdir(parents=True)
    (tmp_path / "host/alpha/__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "host"))
    for name in ("'alpha'", "__name__"):
        assert run(f"import pkgutil; found = len(pkgutil.extend_path(__path__, {name}))") == 1


def test_walking_the_host(run: Any) -> None:
    """Walking the host's packages is left alone."""
    found = run("import pkgutil, json; found = [i.name for i in pkgutil.walk_packages(json.__path__, 'json.')]")
    assert "json.decoder" in found


# ------------------------------------------------------------------------------------------------------- logging


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("getLogger(__name__)", "alpha"),
        ("getLogger(__name__ + '.jobs')", "alpha.jobs"),
        ("getLogger('app.' + __name__)", "app.alpha"),
        ("getLogger('other')", "other"),
        ("getLogger()", "root"),
        ("getLogger(__name__.rpartition('.')[0])", "root"),
        ("getLogger(name=__name__)", "alpha"),
    ],
)
def test_logger_names(run: Any, expression: str, name: str) -> None:
    """A plugin's loggers have the plugin's own module names."""
    logger = run(f"import logging; found = logging.{expression}")
    assert logger.name == name
    assert logger is logging.getLogger(None if name == "root" else name)


def test_logging_is_otherwise_the_hosts(run: Any) -> None:
    """Submodules, classes and constants of logging are the host's."""
    assert run("import logging.handlers; found = logging.handlers.QueueHandler").__module__ == "logging.handlers"
    assert run("from logging import INFO, Logger; found = Logger") is logging.Logger
