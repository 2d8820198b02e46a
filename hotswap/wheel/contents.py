"""What is in a wheel whose archive can be read: its members against RECORD, and its metadata."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import Fault
from ..model import Candidate
from .archive import Archive
from .files import Files, PackedFiles
from .metadata import Core, check_wheel, read_core
from .record import check_content, check_listing, read_record


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
        where = f"{self.dist_info}/RECORD"
        faults: list[Fault] = []
        members = {member.name: member for member in self.archive.members if not member.is_dir}
        rows = {}
        if where not in members:
            faults.append(Fault(where, "is missing", "build the wheel anew"))
        elif (raw := self.files.read_member(members[where])) is not None:
            rows = read_record(raw, where, faults)
            faults += check_listing(rows, members, self.dist_info)
        for name, member in members.items():
            content = self.files.read_member(member)
            if content is not None and name in rows:
                faults += check_content(name, content, rows[name], self.dist_info)
        return faults


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
