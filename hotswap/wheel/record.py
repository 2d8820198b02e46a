"""RECORD: every file of the wheel with its hash and size.

Source: https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ..errors import Fault
from .archive import Archive
from .files import PackedFiles
from .headers import shown

ALGORITHMS = frozenset({"sha256", "sha384", "sha512"})
"""The wheel format asks for sha256 or better."""

SIGNATURES = ("RECORD.jws", "RECORD.p7s")
"""Files that sign RECORD."""
_UNHASHED = ("RECORD", *SIGNATURES)


@dataclass(frozen=True, slots=True)
class Row:
    """What RECORD says of one file; empty texts where it says nothing."""

    hash: str
    size: str


def read_record(raw: bytes, where: str, faults: list[Fault]) -> dict[str, Row]:
    """Parse a RECORD file: path -> row."""
    rows: dict[str, Row] = {}
    try:
        lines = list(csv.reader(raw.decode().splitlines(), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        faults.append(Fault(where, f"cannot be parsed: {error}"))
        return rows
    for line in lines:
        if len(line) != 3:
            faults.append(Fault(where, f"has a row of {len(line)} fields instead of 3: {','.join(line)!r}"))
        elif line[0] in rows:
            faults.append(Fault(where, f"lists {line[0]!r} twice"))
        else:
            rows[line[0]] = Row(line[1], line[2])
    return rows


def write_record(rows: Mapping[str, Row]) -> bytes:
    """The content of a RECORD file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows((path, row.hash, row.size) for path, row in rows.items())
    return text.getvalue().encode()


def row_of(content: bytes) -> Row:
    """What RECORD has to say of a file."""
    return Row(f"sha256={_encoded('sha256', content)}", str(len(content)))


def _encoded(algorithm: str, content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.new(algorithm, content).digest()).rstrip(b"=").decode()


def check_listing(rows: Collection[str], names: Collection[str], dist_info: str) -> list[Fault]:
    """Compare which files RECORD lists with those that are there."""
    where = f"{dist_info}/RECORD"
    unhashed = {f"{dist_info}/{name}" for name in _UNHASHED}
    faults = [Fault(where, f"lists {name!r}, which is not in the wheel") for name in rows if name not in names]
    faults += [
        Fault(shown(name), "is not listed in RECORD", "build the wheel anew")
        for name in names
        if name not in rows and name not in unhashed
    ]
    return faults


def check_content(name: str, content: bytes, row: Row, dist_info: str) -> list[Fault]:
    """Compare one file with its row."""
    if not row.hash and name in {f"{dist_info}/{unhashed}" for unhashed in _UNHASHED}:
        return []
    faults = []
    algorithm, _, expected = row.hash.partition("=")
    if algorithm not in ALGORITHMS:
        what = f"has the hash {row.hash!r} in RECORD" if row.hash else "has no hash in RECORD"
        faults.append(Fault(name, what, f"known are {', '.join(sorted(ALGORITHMS))}"))
    elif _encoded(algorithm, content) != expected.rstrip("="):
        faults.append(Fault(name, f"does not have the {algorithm} that RECORD says", "build the wheel anew"))
    if row.size and row.size != str(len(content)):
        faults.append(Fault(name, f"has {len(content)} bytes, RECORD says {row.size}", "build the wheel anew"))
    return faults


def check_archive(archive: Archive, files: PackedFiles, dist_info: str) -> list[Fault]:
    """Compare a wheel with its RECORD; streams that cannot be read are among the faults of `files`."""
    where = f"{dist_info}/RECORD"
    faults: list[Fault] = []
    members = {member.name: member for member in archive.members if not member.is_dir}
    rows: dict[str, Row] = {}
    if where not in members:
        faults.append(Fault(where, "is missing", "build the wheel anew"))
    elif (raw := files.read_member(members[where])) is not None:
        rows = read_record(raw, where, faults)
        faults += check_listing(rows, members, dist_info)
    for name, member in members.items():
        content = files.read_member(member)
        if content is not None and name in rows:
            faults += check_content(name, content, rows[name], dist_info)
    return faults
