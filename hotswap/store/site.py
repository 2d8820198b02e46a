"""What a site dir says of itself: HOTSWAP.json in its dist-info."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hotswap.model import Manifest

from .manifests import manifest_as_json, manifest_from_json
from .record import RECORD, check_record, flaw, read_record, write_record


def write_site(site: Path, manifest: Manifest, sizes: Mapping[str, int]) -> None:
    """Say what a site dir holds; from then on it is complete."""
    write_record(site / manifest.dist_info / RECORD, manifest.digest, manifest_as_json(manifest), sizes)


def check_site(site: Path, manifest: Manifest) -> str | None:
    """Say why a site dir cannot serve for a wheel; None if it can, "" if it is not there.

    Raises:
        StateDirError: It holds another wheel, whose digest begins alike.
    """
    wanted = str(manifest.candidate.path)
    return check_record(site, site / manifest.dist_info / RECORD, manifest.digest, "wheel", wanted)


def read_site(site: Path, digest: str) -> Manifest | None:
    """The manifest of a complete site dir whose wheel may be gone.

    Args:
        site: Where to look.
        digest: How the wheel's begins.

    Returns:
        None if it is none, damaged, of another wheel, or not in a form this version knows.
    """
    records = (read_record(path) for path in site.glob(f"*.dist-info/{RECORD}"))
    record = next((record for record in records if record), None)
    if record is None or not record.digest.startswith(digest) or flaw(site, record) is not None:
        return None
    try:
        return manifest_from_json(dict(record.plain))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
