"""Site dirs made by hand, and realms that are closed when the test ends."""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from hotswap.model import Candidate, Library, LibraryDir, LibrarySet, Manifest, SiteDir
from hotswap.realm import Realm

OpenRealm = Callable[..., Realm]


def make_site(
    root: Path,
    name: str,
    version: str = "1.0",
    files: Mapping[str, str | bytes] | str = "",
    *,
    provides: Sequence[str] | None = None,
    entry_points: str = "",
    in_host: bool = False,
    libraries: LibraryDir | None = None,
    requires: Sequence[str] = (),
) -> SiteDir:
    """Write a complete site dir below `root`.

    Args:
        root: Made if absent.
        name: Plugin and distribution name.
        version: Its version.
        files: Path -> content; a single text is the module `<name>.py`.
        provides: Import names; default: the top-level modules and packages among `files`.
        entry_points: The text of entry_points.txt.
        in_host: What the candidate says of itself.
        libraries: Its private libraries.
        requires: Its Requires-Dist.
    """
    if isinstance(files, str):
        files = {f"{name}.py": files}
    if provides is None:
        provides = sorted({path.split("/")[0].partition(".")[0] for path in files})
    path = root / f"{name}-{version}"
    dist_info = f"{name}-{version}.dist-info"
    entry_points = textwrap.dedent(entry_points).strip() or f"[hotswap.plugins]\n{name} = {provides[0]}"
    members = {
        **files,
        f"{dist_info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{dist_info}/entry_points.txt": entry_points + "\n",
        f"{dist_info}/RECORD": "".join(f"{file},,\n" for file in files),
    }
    for relative, content in members.items():
        target = path / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(textwrap.dedent(content).encode() if isinstance(content, str) else content)
    digest = hashlib.sha256(f"{name} {version}".encode()).hexdigest()
    candidate = Candidate(name, Version(version), path, digest, "by hand", in_host=in_host)
    manifest = Manifest(
        plugin=name,
        name=name,
        version=Version(version),
        digest=digest,
        candidate=candidate,
        entry_module=provides[0],
        entry_attr="",
        provides=tuple(provides),
        dist_info=dist_info,
        requires=tuple(map(Requirement, requires)),
    )
    return SiteDir(path, manifest, libraries=libraries)


@pytest.fixture
def open_realm(tmp_path: Path) -> Iterator[OpenRealm]:
    """Open a realm on a site dir, or on what `make_site` makes of the arguments."""
    realms = []

    def opened(site: SiteDir | str, *args: Any, **options: Any) -> Realm:
        if isinstance(site, str):
            site = make_site(tmp_path / "sites", site, *args, **options)
        realm = Realm(site)
        realms.append(realm)
        return realm

    yield opened
    for realm in realms:
        realm.close()


def make_libraries(
    root: Path, *libraries: tuple[str, str, Mapping[str, str | bytes]], entry_points: str = ""
) -> LibraryDir:
    """Write a complete library dir below `root`.

    Args:
        root: Made if absent.
        libraries: Name, version, and path -> content of each; it provides the top-level modules and packages.
        entry_points: The text of every entry_points.txt.
    """
    path = root / "-".join(f"{name}-{version}" for name, version, _ in libraries)
    found = []
    for name, version, files in libraries:
        dist_info = f"{name}-{version}.dist-info"
        members = {
            **files,
            f"{dist_info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            f"{dist_info}/entry_points.txt": textwrap.dedent(entry_points),
        }
        for relative, content in members.items():
            target = path / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(textwrap.dedent(content).encode() if isinstance(content, str) else content)
        digest = hashlib.sha256(f"{name} {version} {sorted(files)}".encode()).hexdigest()
        provides = tuple(sorted({file.split("/")[0].partition(".")[0] for file in files}))
        wheel = root / f"{name}-{version}-py3-none-any.whl"
        found.append(Library(name, Version(version), wheel, digest, provides, dist_info))
    return LibraryDir(path, LibrarySet(tuple(sorted(found, key=lambda library: library.name))))
