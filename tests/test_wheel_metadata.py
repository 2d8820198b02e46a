"""METADATA, WHEEL, entry points, and installed distributions."""

from __future__ import annotations

import hashlib
import sys
import time
import zipfile
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag
from packaging.utils import parse_wheel_filename
from packaging.version import Version
from wheelmaker import make_wheel, plugin_source

from hotswap.errors import WheelError
from hotswap.model import Candidate, Manifest, TreeFile
from hotswap.wheel import Verifier, inspect_wheel

GOOD = "Metadata-Version: 2.1\nName: alpha\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def refused(path: Path) -> list[str]:
    with pytest.raises(WheelError) as caught:
        inspect_wheel(path)
    return [str(fault) for fault in caught.value.faults]


BAD_METADATA = {
    "another name": (GOOD.replace("alpha", "beta"), "METADATA: Name is 'beta', the file name says 'alpha'"),
    "a path for a name": (GOOD.replace("alpha", "../../evil"), "METADATA: Name is '../../evil'"),
    "another version": (GOOD.replace("1.0", "1.1"), "METADATA: Version is '1.1', the file name says '1.0'"),
    "a meaningless version": (GOOD.replace("1.0", "newest"), "METADATA: Version is 'newest'"),
    "two names": (GOOD + "Name: beta\n", "METADATA: has 2 Name fields"),
    "two versions": (GOOD + "Version: 1.0\n", "METADATA: has 2 Version fields"),
    "no name": (GOOD.replace("Name: alpha\n", ""), "METADATA: has no Name field"),
    "no metadata version": (GOOD.replace("Metadata-Version: 2.1\n", ""), "METADATA: has no Metadata-Version field"),
    "metadata of the future": (GOOD.replace("2.1", "3.0"), "METADATA: Metadata-Version '3.0' is none that hotswap"),
    "a meaningless Requires-Python": (
        GOOD + "Requires-Python: snake\n",
        "METADATA: Requires-Python 'snake' means nothing",
    ),
    "two Requires-Python": (GOOD + "Requires-Python: >=3\n" * 2, "METADATA: has 2 Requires-Python fields"),
    "a meaningless Requires-Dist": (GOOD + "Requires-Dist: a b\n", "METADATA: Requires-Dist 'a b' means nothing"),
    "a Requires-Dist too deep": (GOOD + f"Requires-Dist: a; {'(' * 3000}\n", "METADATA: Requires-Dist 'a; (((("),
    "a line that hides what follows": (
        GOOD + "no field\nRequires-Dist: beta\n",
        "METADATA: cannot be parsed: Found line with no leading whitespace and no colon",
    ),
}


@pytest.mark.parametrize(("metadata", "expected"), BAD_METADATA.values(), ids=BAD_METADATA)
def test_bad_metadata(tmp_path: Path, metadata: str, expected: str) -> None:
    """METADATA that contradicts the file name, or means nothing, is the one fault."""
    (fault,) = refused(make_wheel(tmp_path, "alpha", metadata=metadata))
    assert fault.startswith(expected)


def test_metadata_encoding(tmp_path: Path) -> None:
    """METADATA and WHEEL that are not UTF-8 are faults of their own."""
    path = make_wheel(tmp_path, "alpha", metadata=b"Name: \xff", wheel=b"\xff")
    assert refused(path) == ["METADATA: is not UTF-8", "WHEEL: is not UTF-8"]


BAD_WHEEL = {
    "a later format": (WHEEL.replace("1.0", "2.0"), "WHEEL: Wheel-Version '2.0' is none that hotswap knows"),
    "an unknown form of version": (WHEEL.replace("1.0", "1"), "WHEEL: Wheel-Version '1' is none that hotswap knows"),
    "a word for a version": (WHEEL.replace("1.0", "1.0b"), "WHEEL: Wheel-Version '1.0b' is none that hotswap knows"),
    "no version": (WHEEL.replace("Wheel-Version: 1.0\n", ""), "WHEEL: has no Wheel-Version field"),
    "two versions": ("Wheel-Version: 1.0\n" + WHEEL, "WHEEL: has 2 Wheel-Version fields"),
    "no purelib": (WHEEL.replace("Root-Is-Purelib: true\n", ""), "WHEEL: has no Root-Is-Purelib field"),
    "a vague purelib": (WHEEL.replace("true", "maybe"), "WHEEL: Root-Is-Purelib is 'maybe'"),
}


@pytest.mark.parametrize(("wheel", "expected"), BAD_WHEEL.values(), ids=BAD_WHEEL)
def test_bad_wheel_file(tmp_path: Path, wheel: str, expected: str) -> None:
    """A WHEEL file of a format that hotswap does not know is the one fault."""
    (fault,) = refused(make_wheel(tmp_path, "alpha", wheel=wheel))
    assert fault.startswith(expected)


BAD_ENTRY_POINTS = {
    "none": ("[console_scripts]\nalpha = alpha_plugin:main\n", "has no entry point"),
    "none in the group": ("[hotswap.plugins]\n", "has no entry point"),
    "no file": ("", "has no entry point"),
    "several": (
        "[hotswap.plugins]\na = alpha_plugin\nb = alpha_plugin\n",
        "has several entry points in group hotswap.plugins: a, b",
    ),
    "one twice": ("[hotswap.plugins]\na = alpha_plugin\na = alpha_plugin\n", "cannot be parsed"),
    "malformed": ("[hotswap.plugins]\nalpha_plugin\n", "cannot be parsed"),
    "no section": ("alpha = alpha_plugin\n", "cannot be parsed"),
    "expression": ("[hotswap.plugins]\nalpha = alpha_plugin:make()\n", "is not a module or an object in one"),
    "import expression": ('[hotswap.plugins]\nalpha = __import__("os")\n', "is not a module or an object in one"),
    "empty": ("[hotswap.plugins]\nalpha =\n", "is not a module or an object in one"),
    "empty object": ("[hotswap.plugins]\nalpha = alpha_plugin:\n", "is not a module or an object in one"),
    "relative": ("[hotswap.plugins]\nalpha = .alpha_plugin\n", "is not a module or an object in one"),
    "path": ("[hotswap.plugins]\nalpha = ../../evil\n", "is not a module or an object in one"),
    "keyword": ("[hotswap.plugins]\nalpha = alpha_plugin:class\n", "is not a module or an object in one"),
    "extras": ("[hotswap.plugins]\nalpha = alpha_plugin [fast]\n", "is not a module or an object in one"),
    "continued": ("[hotswap.plugins]\nalpha = alpha_plugin\n  os\n", "is not a module or an object in one"),
    "name that is a path": (
        "[hotswap.plugins]\n../../evil = alpha_plugin\n",
        "the plugin name '../../evil' is not made of",
    ),
    "dangling": ("[hotswap.plugins]\nalpha = beta_plugin\n", "names the module beta_plugin, which is not in the wheel"),
    "dangling in a package": ("[hotswap.plugins]\nalpha = alpha_plugin.jobs\n", "which is not in the wheel"),
}


@pytest.mark.parametrize(("entry_points", "expected"), BAD_ENTRY_POINTS.values(), ids=BAD_ENTRY_POINTS)
def test_bad_entry_points(tmp_path: Path, entry_points: str, expected: str) -> None:
    """An entry point that is not exactly one module of the wheel, or an object in one, is the one fault."""
    (fault,) = refused(make_wheel(tmp_path, "alpha", entry_points=entry_points))
    assert fault.startswith("entry_points.txt: ")
    assert expected in fault


def test_entry_points_encoding(tmp_path: Path) -> None:
    """Entry points that are not UTF-8 cannot be parsed."""
    (fault,) = refused(make_wheel(tmp_path, "alpha", entry_points=b"\xff"))
    assert "entry_points.txt: cannot be parsed" in fault


@pytest.mark.parametrize("text", ["x" * 2000, "# x\n" * 20_000], ids=["line", "file"])
def test_entry_points_too_large(tmp_path: Path, text: str) -> None:
    """Entry points that would take long to parse are refused unparsed."""
    (fault,) = refused(make_wheel(tmp_path, "alpha", entry_points=text))
    assert fault == "entry_points.txt: has more than 65536 bytes, or a line of more than 1024"


def test_dangling_namespace(tmp_path: Path) -> None:
    """A directory without a module of its own is nothing an entry point could name."""
    files = {"acme/alpha.py": plugin_source()}
    (fault,) = refused(make_wheel(tmp_path, "alpha", files=files, module="acme"))
    assert "names the module acme, which is not in the wheel" in fault


@pytest.mark.parametrize("path", ["native.abi3.so", "acme/native.cpython-39-darwin.so", "native/__init__.abi3.so"])
def test_extension_as_entry(tmp_path: Path, path: str) -> None:
    """An entry point may name an extension module, of which nothing shows."""
    module = path.partition(".")[0].removesuffix("/__init__").replace("/", ".")
    manifest = inspect_wheel(make_wheel(tmp_path, "alpha", files={"README": "", path: b"\x7fELF"}, module=module))
    assert manifest.entry_module == module
    assert manifest.provides == (module,)
    assert manifest.imports is None


def test_missing_files(tmp_path: Path) -> None:
    """A dist-info directory without METADATA and WHEEL says so for each."""
    path = tmp_path / "alpha-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("alpha-1.0.dist-info/RECORD", "")
    assert [fault.partition(" (")[0] for fault in refused(path)] == [
        "alpha-1.0.dist-info/METADATA: is missing",
        "alpha-1.0.dist-info/WHEEL: is missing",
        "entry_points.txt: has no entry point",
    ]


def test_manifest(tmp_path: Path) -> None:
    """A manifest has names in canonical form, and everything METADATA says that later stages need."""
    metadata = (
        "Metadata-Version: 2.4\nName: Acme.Alpha\nVersion: 1.2.0\nSummary: Does\n  nothing\n"
        'Requires-Dist: beta>=2\nRequires-Dist: gamma; extra == "x"\nRequires-Python: >=3.8\n\nThe text.\n'
    )
    path = make_wheel(
        tmp_path,
        "acme-alpha",
        "1.2.0",
        {"acme/alpha/__init__.py": "plugin = 1"},
        plugin="Big_Alpha",
        entry_points="# why\n[console_scripts]\nx = y:z\n[hotswap.plugins]\nBig_Alpha = acme.alpha : plugin.inner\n",
        metadata=metadata,
    )
    manifest = inspect_wheel(path)
    assert manifest.plugin == "big-alpha"
    assert (manifest.name, manifest.version, manifest.label) == ("acme-alpha", Version("1.2"), "big-alpha 1.2.0")
    assert manifest.digest == hashlib.sha256(path.read_bytes()).hexdigest() == manifest.candidate.digest
    assert (manifest.entry_module, manifest.entry_attr) == ("acme.alpha", "plugin.inner")
    assert manifest.provides == ("acme.alpha",)
    assert manifest.dist_info == "acme_alpha-1.2.0.dist-info"
    assert [str(requirement) for requirement in manifest.requires] == ["beta>=2", 'gamma; extra == "x"']
    assert manifest.requires_python == SpecifierSet(">=3.8")
    assert manifest.tags == {Tag("py3", "none", "any")}
    assert manifest.summary == "Does nothing"
    assert manifest.unfit == ()


def test_unfit(tmp_path: Path) -> None:
    """Foreign tags and an unmet Requires-Python are no errors but reasons why the wheel cannot be used here."""
    path = make_wheel(tmp_path, "alpha", tag="cp36-cp36m-win32", requires_python="<3")
    tags, python = inspect_wheel(path).unfit
    assert "made for another interpreter or platform: cp36-cp36m-win32" in str(tags)
    version = ".".join(map(str, sys.version_info[:2]))
    assert f"requires Python <3, this one is {version}" in str(python)


def test_unfit_source(tmp_path: Path) -> None:
    """Source for another Python need not be valid for this one; for this one it has to be."""
    broken = plugin_source("print 'two'")
    manifest = inspect_wheel(make_wheel(tmp_path / "other", "alpha", files=broken, requires_python="<3"))
    assert manifest.imports is None
    assert len(manifest.unfit) == 1
    (fault,) = refused(make_wheel(tmp_path / "this", "alpha", files=broken))
    assert fault.startswith("alpha_plugin.py:8: is not valid Python: Missing parentheses")


# ---------------------------------------------------------------------------------------- installed distributions


def installed(site: Path, wheel: Path, *extra: str) -> Candidate:
    """Unpack a wheel as an installer does, and offer what lies there."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
        names = archive.namelist()
    tree = tuple(TreeFile(name, site / name, hashlib.sha256(name.encode()).hexdigest(), 0) for name in [*names, *extra])
    name, version, _, _ = parse_wheel_filename(wheel.name)
    dist_info = next(site.glob("*.dist-info"))
    return Candidate(name, version, dist_info, "d" * 64, "environment", tree)


def test_installed(tmp_path: Path) -> None:
    """An installed distribution gives the manifest its wheel gives, but for tags; scripts and caches are no part."""
    wheel = make_wheel(tmp_path, "alpha", files=plugin_source("x = 1"), requires=["beta"], requires_python=">=3.8")
    offered = installed(
        tmp_path / "site", wheel, "../../../bin/alpha", "/etc/x.pth", "__pycache__/alpha_plugin.cpython-311.pyc"
    )
    manifest, packed = Verifier().verify(offered), inspect_wheel(wheel)
    for name in ("plugin", "name", "version", "entry_module", "provides", "dist_info", "requires_python", "imports"):
        assert getattr(manifest, name) == getattr(packed, name)
    assert [str(requirement) for requirement in manifest.requires] == ["beta"]
    assert (manifest.tags, manifest.unfit, manifest.candidate) == (frozenset(), (), offered)


def test_installed_without_wheel_file(tmp_path: Path) -> None:
    """An installed distribution need not have come from a wheel."""
    offered = installed(tmp_path / "site", make_wheel(tmp_path, "alpha"))
    tree = tuple(file for file in offered.tree or () if not file.relative.endswith("/WHEEL"))
    manifest = Verifier().verify(Candidate(offered.name, offered.version, offered.path, "e" * 64, "x", tree))
    assert manifest.plugin == "alpha"


def test_installed_faults(tmp_path: Path) -> None:
    """An installed distribution is held to the same rules, and a file that is gone is named once."""
    files = {"alpha_plugin.py": plugin_source(), "json.py": "", "__editable__.alpha.pth": "/src"}
    offered = installed(tmp_path / "site", make_wheel(tmp_path, "alpha", files=files, requires_python="snake"))
    (tmp_path / "site" / "alpha_plugin.py").unlink()
    with pytest.raises(WheelError) as caught:
        Verifier().verify(offered)
    faults = [str(fault) for fault in caught.value.faults]
    assert len(faults) == 4
    for part in (
        "Requires-Python 'snake'",
        "__editable__.alpha.pth: is a path file",
        "json: shadows",
        "cannot be read",
    ):
        assert any(part in fault for fault in faults)


def test_editable_installation(tmp_path: Path) -> None:
    """An editable installation, whose modules lie elsewhere, is refused as such."""
    wheel = make_wheel(tmp_path, "alpha", files={"__editable__.alpha.pth": "/src"}, module="alpha_plugin")
    with pytest.raises(WheelError, match="an editable install is no plugin"):
        Verifier().verify(installed(tmp_path / "site", wheel))


def test_verifying_costs_no_second_look(tmp_path: Path) -> None:
    """An installed distribution, too, is remembered by its digest."""
    offered = installed(tmp_path / "site", make_wheel(tmp_path, "alpha"))
    check = Verifier(clock=time.time)
    manifest: Manifest = check.verify(offered)
    (tmp_path / "site" / "alpha_plugin.py").unlink()
    assert check.verify(offered) is manifest
