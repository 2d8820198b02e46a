"""What importing costs in a realm, beside a plain import of the same files, and what the host's own imports notice.

    python benchmarks/bench_imports.py [--json FILE] [--quick]

Every import is made in a process of its own, from byte code, plain and in a realm in turns. The packages are installed
by pip into a directory that is gone afterwards; one that cannot be had is left out.
"""

from __future__ import annotations

import argparse
import compileall
import importlib
import importlib.metadata
import statistics
import subprocess
import sys
import timeit
from pathlib import Path

from common import ROOT, Table, run, workplace
from packaging.version import Version

from hotswap.model import Candidate, Library, LibraryDir, LibrarySet, Manifest, SiteDir, canonical
from hotswap.realm import Realm
from hotswap.realm.nativestack import STACK

AIM = 1.2
PACKAGES = {
    "django": "django.conf, django.db.models, django.forms, django.http, django.template, django.urls, django.test",
    "jinja2": "jinja2, jinja2.sandbox, jinja2.ext",
    "rich": "rich.console, rich.table, rich.markdown, rich.progress, rich.traceback",
    "sqlalchemy": "sqlalchemy, sqlalchemy.orm, sqlalchemy.dialects.sqlite",
    "numpy": "numpy, numpy.linalg, numpy.random, numpy.fft",
}
MODULES = 200
PLAIN = "import sys, time, bench_imports; sys.path.insert(0, sys.argv[1]); t = time.perf_counter(); import {}; "
REALM = (
    "import sys, time, bench_imports as b\n"
    "r = b.opened(sys.argv[1], 'import {}'); t = time.perf_counter(); r.load('alpha'); "
)
TELL = "print(time.perf_counter() - t)"


def libraries(directory: Path) -> LibraryDir:
    """The library dir that pip has made, as the store would describe it."""
    found = []
    for each in importlib.metadata.distributions(path=[str(directory)]):
        parts = [file.parts for file in each.files or () if file.suffix in (".py", ".so")]
        provides = tuple(sorted({part[0].partition(".")[0] for part in parts if part[0] not in ("..", "bin")}))
        name = canonical(each.metadata["Name"])
        found.append(Library(name, Version(each.version), directory, "0" * 64, provides, f"{name}.dist-info"))
    return LibraryDir(directory, LibrarySet(tuple(sorted(found, key=lambda library: library.name))))


def opened(directory: str | Path, source: str, version: str = "1") -> Realm:
    """The realm of a plugin of one line that has the libraries of a directory."""
    site = Path(directory).parent / f"alpha-{version}"
    site.mkdir(exist_ok=True)
    (site / "alpha.py").write_text(source)
    compileall.compile_dir(site, quiet=1)
    candidate = Candidate("alpha", Version(version), site, "0" * 64, "benchmark")
    manifest = Manifest(
        "alpha", "alpha", Version(version), "0" * 64, candidate, "alpha", "", ("alpha",), "alpha.dist-info"
    )
    return Realm(SiteDir(site, manifest, libraries=libraries(Path(directory))))


def seconds(code: str, directory: Path) -> float:
    """What a fresh interpreter needs for the import."""
    command = [sys.executable, "-c", code + TELL, str(directory)]
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'benchmarks'}", "PYTHONDONTWRITEBYTECODE": "1"}
    return float(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)


def packages(table: Table, root: Path, repeats: int) -> None:
    """Well-known packages, each beside itself."""
    for name, modules in PACKAGES.items():
        directory = root / name / "libraries"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(directory), name]
        if subprocess.run(command, check=False, capture_output=True).returncode:
            print(f"{name} could not be installed")
            continue
        times: dict[str, list[float]] = {PLAIN: [], REALM: []}
        for _ in range(repeats):
            for code, found in times.items():
                found.append(seconds(code.format(modules), directory))
        plain, realm = (statistics.median(found[1:]) for found in times.values())
        table.row(
            f"import of {name} in a realm, beside a plain one", realm / plain, "x", aim=AIM, ms=round(realm * 1e3, 1)
        )


def code_only_reload(table: Table, root: Path, repeats: int) -> None:
    """A new version of a plugin whose private library of 200 modules stays."""
    directory = root / "large" / "libraries"
    (directory / "large").mkdir(parents=True)
    (directory / "large.dist-info").mkdir()
    (directory / "large.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: large\nVersion: 1\n")
    (directory / "large.dist-info/RECORD").write_text("large/__init__.py,,\n")
    for index in range(MODULES):
        (directory / f"large/m{index}.py").write_text(f"def f(): return {index}\n")
    (directory / "large/__init__.py").write_text("".join(f"from . import m{index}\n" for index in range(MODULES)))
    compileall.compile_dir(directory, quiet=1)
    times = []
    old, module = opened(directory, "import large", "1"), None
    module = old.load("alpha").large
    for index in range(repeats):
        new = opened(directory, "import large", f"1.{index}")
        start = timeit.default_timer()
        assert new.load("alpha").large is module
        old.close()
        times.append(timeit.default_timer() - start)
        old = new
    old.close()
    table.spread(f"new version of a plugin, its library of {MODULES} modules kept: loaded, the old one closed", times)


def host_imports(table: Table, root: Path) -> None:
    """The host's own import statements, while plugins are loaded and while they are not."""

    def nanoseconds() -> float:
        return min(timeit.repeat("import json", number=20_000, repeat=15)) / 20_000 * 1e9

    before = nanoseconds()
    realm = opened(root / "large" / "libraries", "import large", "9")
    realm.load("alpha")
    during = nanoseconds()
    table.row("the host's `import json`, with no realm open", before, "ns")
    table.row("added to it by an open realm", during - before, "ns")
    realm.close()


def host_imports_of_the_same(table: Table, root: Path, repeats: int) -> None:
    """What the host pays for a package of its own that a realm with C code has privately, too."""
    directory = root / "same" / "libraries"
    for place in (directory, root / "hosts"):
        for name in ("same", "other"):
            (place / name).mkdir(parents=True)
            (place / name / "__init__.py").touch()
    (directory / "same.dist-info").mkdir()
    (directory / "same.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: same\nVersion: 1\n")
    (directory / "same.dist-info/RECORD").write_text("same/__init__.py,,\n")
    sys.path.insert(0, str(root / "hosts"))
    realm = opened(directory, "import same", "1")
    realm.load("alpha")
    importlib.import_module("same")
    importlib.import_module("other")
    libraries_realm = realm.libraries
    assert libraries_realm is not None
    assert libraries_realm.reach is not None
    # What the first extension of a realm does when it is loaded.
    STACK.learn(f"{directory}/", libraries_realm.reach)
    libraries_realm.guard()
    code = {
        "`import {}`": "import {}",
        "`importlib.import_module('{}')`": "importlib.import_module('{}')",
        "`'{}' in sys.modules`": "'{}' in sys.modules",
    }
    names = {"__name__": "hosts", "importlib": importlib, "sys": sys}
    for what, statement in code.items():
        times: dict[str, list[float]] = {"other": [], "same": []}
        for _ in range(repeats):
            for name, found in times.items():
                found.append(timeit.timeit(statement.format(name), number=2000, globals=names) / 2000 * 1e9)
        other, same = (min(found) for found in times.values())
        table.row(f"the host's {what.format('other')}, which no realm has", other, "ns")
        table.row(f"added to it for what a realm with C code has too: {what.format('same')}", same - other, "ns")
    realm.close()
    sys.path.remove(str(root / "hosts"))
    del sys.modules["same"], sys.modules["other"]


def measure(table: Table, options: argparse.Namespace) -> None:
    with workplace() as root:
        code_only_reload(table, root, 5 if options.quick else 50)
        host_imports(table, root)
        host_imports_of_the_same(table, root, 3 if options.quick else 30)
        packages(table, root, 2 if options.quick else 15)


if __name__ == "__main__":
    run(measure, __doc__ or "")
