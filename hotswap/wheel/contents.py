"""What is in a wheel whose archive can be read: its members against RECORD, and its metadata."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import Fault
from ..model import Candidate
from .archive import Archive
from .files import Files, PackedFiles
from .metadata import Core, check_wheel, read_core
from .record import check_archive


@dataclass(frozen=True, slots=True)
class Contents:
    """A readable archive, member by member."""

    archive: Archive
    files: PackedFiles
    dist_info: str
    changed: float
    """Seconds since the epoch at which the file last changed."""
    streams: list[Fault]
    """Takes members that cannot be inflated."""

    def check_record(self) -> list[Fault]:
        """Compare every member with RECORD."""
        return check_archive(self.archive, self.files, self.dist_info)


def read_metadata(candidate: Candidate, files: Files, dist_info: str, faults: list[Fault]) -> Core:
    """Parse METADATA and WHEEL."""
    core = Core()
    if (raw := _required(files, f"{dist_info}/METADATA", faults)) is not None:
        core = read_core(raw, "METADATA", candidate, faults)
    if candidate.tree is None and (raw := _required(files, f"{dist_info}/WHEEL", faults)) is not None:
        check_wheel(raw, "WHEEL", faults)
    return core


def _required(files: Files, path: str, faults: list[Fault]) -> bytes | None:
    if path not in files.paths:
        faults.append(Fault(path, "is missing", "build the wheel anew"))
        return None
    return files.read(path)
