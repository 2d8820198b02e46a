"""A Manifest as plain data and back, so that a site dir can say what it holds."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import parse_tag
from packaging.version import Version

from hotswap.errors import Fault
from hotswap.model import LIVE_PREFIX, BuildInfo, Candidate, Dependency, Manifest, TreeFile


def manifest_as_json(manifest: Manifest) -> dict[str, Any]:
    """The manifest in types that JSON has; versions, requirements and tags as texts."""
    imports, build = manifest.imports, manifest.build
    return {
        "plugin": manifest.plugin,
        "name": manifest.name,
        "version": str(manifest.version),
        "digest": manifest.digest,
        "candidate": _candidate_as_json(manifest.candidate),
        "entry_module": manifest.entry_module,
        "entry_attr": manifest.entry_attr,
        "provides": list(manifest.provides),
        "dist_info": manifest.dist_info,
        "requires": [str(requirement) for requirement in manifest.requires],
        "requires_python": str(manifest.requires_python),
        "tags": sorted(map(str, manifest.tags)),
        "summary": manifest.summary,
        "imports": imports if imports is None else [_dependency_as_json(dependency) for dependency in imports],
        "unfit": [[fault.where, fault.what, fault.way_out] for fault in manifest.unfit],
        "build": build if build is None else build.as_json(),
    }


def manifest_from_json(data: dict[str, Any]) -> Manifest:
    """The manifest that `manifest_as_json` wrote.

    Raises:
        KeyError, TypeError, ValueError: It is not in that form.
    """
    imports = data["imports"]
    build = _build_from_json(data["build"]) if data.get("build") else None  # absent where an older version wrote it
    return Manifest(
        plugin=data["plugin"],
        name=data["name"],
        version=Version(data["version"]),
        digest=data["digest"],
        candidate=_candidate_from_json(data["candidate"]),
        entry_module=data["entry_module"],
        entry_attr=data["entry_attr"],
        provides=tuple(data["provides"]),
        dist_info=data["dist_info"],
        requires=tuple(Requirement(text) for text in data["requires"]),
        requires_python=SpecifierSet(data["requires_python"]),
        tags=frozenset(tag for text in data["tags"] for tag in parse_tag(text)),
        summary=data["summary"],
        imports=imports if imports is None else tuple(_dependency_from_json(item) for item in imports),
        unfit=tuple(Fault(*texts) for texts in data["unfit"]),
        build=build,
        live_prefix=build.live_prefix if build is not None else LIVE_PREFIX,
    )


def _candidate_as_json(candidate: Candidate) -> dict[str, Any]:
    tree = candidate.tree
    return {
        "name": candidate.name,
        "version": str(candidate.version),
        "path": str(candidate.path),
        "digest": candidate.digest,
        "source": candidate.source,
        "tree": tree if tree is None else [[file.relative, str(file.path), file.sha256, file.size] for file in tree],
        "in_host": candidate.in_host,
    }


def _candidate_from_json(data: dict[str, Any]) -> Candidate:
    tree = data["tree"]
    return Candidate(
        name=data["name"],
        version=Version(data["version"]),
        path=Path(data["path"]),
        digest=data["digest"],
        source=data["source"],
        tree=tree
        if tree is None
        else tuple(TreeFile(relative, Path(path), sha256, size) for relative, path, sha256, size in tree),
        in_host=data.get("in_host", False),  # absent in what earlier versions wrote
    )


def _dependency_as_json(dependency: Dependency) -> dict[str, Any]:
    return {
        "name": dependency.name,
        "attribute": dependency.attribute,
        "specifier": str(dependency.specifier),
        "optional": dependency.optional,
    }


def _dependency_from_json(data: dict[str, Any]) -> Dependency:
    return Dependency(data["name"], data["attribute"], SpecifierSet(data["specifier"]), data["optional"])


def _build_from_json(data: dict[str, Any]) -> BuildInfo:
    at = datetime.fromisoformat(data["at"])
    return BuildInfo(at, data["revision"], data["dirty"], data["live_prefix"], data["source"])
