"""What a site dir says of itself: HOTSWAP.json in its dist-info, written last."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hotswap.errors import StateDirError
from hotswap.model import Manifest

from .layout import is_digest
from .manifests import manifest_as_json, manifest_from_json

RECORD = "HOTSWAP.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class SiteRecord:
    """The content of HOTSWAP.json."""

    digest: str
    sizes: Mapping[str, int]
    """Relative POSIX path -> size in bytes, of every file but this one."""
    plain: Mapping[str, Any]
    """The manifest as plain data: a reused site dir does not need it parsed."""

    def manifest(self) -> Manifest | None:
        """The manifest it was installed by; None if it is not in a form this version knows."""
        try:
            return manifest_from_json(dict(self.plain))
        except (KeyError, TypeError, ValueError, AttributeError):
            return None


def write_record(site: Path, manifest: Manifest, sizes: Mapping[str, int]) -> None:
    """Write HOTSWAP.json; from then on the site dir is complete."""
    content = {
        "format": _FORMAT,
        "digest": manifest.digest,
        "manifest": manifest_as_json(manifest),
        "sizes": dict(sizes),
    }
    text = json.dumps(content, separators=(",", ":"))
    (site / manifest.dist_info / RECORD).write_text(text, encoding="ascii")


def read_record(path: Path) -> SiteRecord | None:
    """Read a HOTSWAP.json; None if there is none in a form this version knows."""
    try:
        content = json.loads(path.read_bytes())
        known = content["format"] == _FORMAT and is_digest(content["digest"])
        return SiteRecord(content["digest"], dict(content["sizes"]), dict(content["manifest"])) if known else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def flaw(site: Path, record: SiteRecord) -> str | None:
    """Say what a site dir lacks of what was installed; None if it is complete. Sizes are compared, not content."""
    prefix = f"{site}/"  # joining Paths would take longer than asking for the sizes
    for relative, size in record.sizes.items():
        try:
            found = os.stat(prefix + relative).st_size  # noqa: PTH116
        except OSError:
            return f"{relative} is missing"
        if found != size:
            return f"{relative} has {found} bytes instead of {size}"
    return None


def check(site: Path, manifest: Manifest) -> str | None:
    """Say why a site dir cannot serve for a wheel; None if it can, "" if it is not there.

    Raises:
        StateDirError: It holds another wheel, whose digest begins alike.
    """
    record = read_record(site / manifest.dist_info / RECORD)
    if record is None:
        return f"no readable {RECORD}" if os.path.lexists(site) else ""
    if record.digest != manifest.digest:
        raise StateDirError(
            f"{site}: holds another wheel, of digest {record.digest}, where {manifest.candidate.path} of digest "
            f"{manifest.digest} belongs; remove it, or choose another state dir"
        )
    return flaw(site, record)


def find_record(site: Path) -> SiteRecord | None:
    """The record of a site dir whose wheel is not known."""
    records = (read_record(path) for path in site.glob(f"*.dist-info/{RECORD}"))
    return next((record for record in records if record), None)
