"""The zip container, its headers parsed strictly where zipfile forgives.

A wheel that two readers can read differently is refused: the directory at the end and the headers in front of the
streams must agree, and header, stream and directory must tile the file without a gap, an overlap or a rest.

Source: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (sections 4.3 and 4.4).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from ..errors import Fault
from .headers import Member, decoded, entry_faults, locate, shown

MAX_UNPACKED = 4 << 30
"""Bytes all members may have together."""
MAX_RATIO = 200
"""Bytes one packed byte may become, for a member or a whole wheel of more than `BOMB_FLOOR` bytes; deflate ends at
1032, the source of well-known packages at 17."""
BOMB_FLOOR = 16 << 20
"""Bytes up to which any ratio is harmless."""

_END = struct.Struct("<4s4H2LH")
_ENTRY = struct.Struct("<6x3H4x3L3H4x2L")
_MAX_COMMENT = 0xFFFF


@dataclass(frozen=True, slots=True)
class Archive:
    """The directory of a wheel; `faults` non-empty means that its streams cannot be trusted to be what it says."""

    data: bytes
    members: tuple[Member, ...]
    starts: dict[int, int]
    """Offset of a local header -> where the stream behind it begins."""
    faults: tuple[Fault, ...]

    def inflate(self, member: Member) -> bytes:
        """One member's content.

        Raises:
            BadStreamError: The stream is damaged, or not what the headers say.
        """
        start = self.starts[member.offset]
        stream = memoryview(self.data)[start : start + member.packed]
        content = bytes(stream) if member.method == 0 else _inflate(stream, member.size)
        if zlib.crc32(content) != member.crc:
            raise BadStreamError("its content does not have the CRC that the headers say")
        return content


class BadStreamError(ValueError):
    """A member's stream is damaged, or not what the headers say."""


class _BrokenError(Exception):
    """The archive cannot be read any further."""

    def __init__(self, what: str, way_out: str = "") -> None:
        super().__init__(what)
        self.fault = Fault("archive", what, way_out)


def open_archive(data: bytes) -> Archive:
    """Parse every header of a wheel; no stream is inflated."""
    faults: list[Fault] = []
    members: list[Member] = []
    starts: dict[int, int] = {}
    try:
        end, count, directory = _end_record(data, faults)
        members = _directory(data, directory, end, count, faults)
        _tile(data, members, directory, starts, faults)
    except _BrokenError as error:
        faults.append(error.fault)
    _check_sizes(members, len(data), faults)
    return Archive(data, tuple(members), starts, tuple(faults))


def _end_record(data: bytes, faults: list[Fault]) -> tuple[int, int, int]:
    """Where the end record and the directory are, and how many entries the directory has."""
    ends = []
    at = data.find(b"PK\5\6", max(0, len(data) - _END.size - _MAX_COMMENT))
    while at >= 0:
        if at + _END.size <= len(data) and at + _END.size + _END.unpack_from(data, at)[-1] == len(data):
            ends.append(at)
        at = data.find(b"PK\5\6", at + 1)
    if not ends:
        raise _BrokenError("has no end record as its last part: it is cut short, or followed by something else")
    if len(ends) > 1:
        raise _BrokenError("has a second archive inside its comment")
    end = ends[0]
    _, disk, first_disk, here, count, size, directory, comment = _END.unpack_from(data, end)
    if comment:
        faults.append(Fault("archive", f"has a comment of {comment} bytes", "a wheel has none"))
    if data[max(0, end - 20) : end].startswith(b"PK\6\7"):
        raise _BrokenError("has zip64 end records, which no wheel within the size limit needs")
    if disk or first_disk or here != count:
        raise _BrokenError("is a part of an archive split over several disks")
    if directory + size != end:
        raise _BrokenError(
            "does not have its directory right before the end record: data stands in front of the archive or in a gap"
        )
    return end, count, directory


def _directory(data: bytes, at: int, end: int, count: int, faults: list[Fault]) -> list[Member]:
    members: list[Member] = []
    for _ in range(count):
        if at + _ENTRY.size > end or not data.startswith(b"PK\1\2", at):
            raise _BrokenError(f"counts {count} members, but its directory has {len(members)}")
        needed, flags, method, crc, packed, size, *lengths, attributes, offset = _ENTRY.unpack_from(data, at)
        name_size, extra_size, comment_size = lengths
        at += _ENTRY.size
        raw_name, extra = data[at : at + name_size], data[at + name_size : at + name_size + extra_size]
        at += name_size + extra_size + comment_size
        if at > end:
            raise _BrokenError("has a directory entry that goes beyond the directory")
        name = decoded(raw_name, flags, faults)
        member = Member(name, raw_name, flags, method, crc, packed, size, attributes >> 16, offset)
        members.append(member)
        faults.extend(Fault(shown(name), what) for what in entry_faults(member, needed, extra, attributes))
    if at != end:
        raise _BrokenError(f"counts {count} members, but its directory goes on behind them")
    return members


def _tile(data: bytes, members: list[Member], directory: int, starts: dict[int, int], faults: list[Fault]) -> None:
    """Header, stream, header, stream, ..., directory: nothing between, nothing twice."""
    position = 0
    for member in sorted(members, key=lambda member: member.offset):
        where = shown(member.name)
        if member.offset > position:
            faults.append(Fault(where, f"stands behind {member.offset - position} bytes that belong to no member"))
        elif member.offset < position:
            faults.append(Fault(where, "overlaps another member"))
        try:
            start, stop = locate(data, member)
        except ValueError as error:
            faults.append(Fault(where, str(error)))
            # what follows cannot be placed without this member's header
            return
        starts[member.offset] = start
        position = max(position, stop)
    if position != directory:
        word = "behind a gap" if position < directory else "inside a member"
        faults.append(Fault("archive", f"has its directory {word} of {abs(directory - position)} bytes"))


def _check_sizes(members: list[Member], wheel_size: int, faults: list[Fault]) -> None:
    for member in members:
        if _is_bomb(member.size, member.packed):
            faults.append(Fault(shown(member.name), f"unpacks {member.packed} bytes to {member.size}: a bomb"))
    total = sum(member.size for member in members)
    if total > MAX_UNPACKED or _is_bomb(total, wheel_size):
        faults.append(Fault("archive", f"unpacks {wheel_size} bytes to {total}: a bomb"))


def _is_bomb(size: int, packed: int) -> bool:
    return size > BOMB_FLOOR and size > packed * MAX_RATIO


def _inflate(stream: memoryview, size: int) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = inflater.decompress(stream, size + 1)
    except zlib.error as error:
        raise BadStreamError(f"its stream is damaged ({error})") from None
    if len(content) > size:
        raise BadStreamError(f"its stream is longer than the {size} bytes that the headers say")
    if not inflater.eof or len(content) < size:
        raise BadStreamError(f"its stream ends before the {size} bytes that the headers say")
    if inflater.unused_data or inflater.unconsumed_tail:
        raise BadStreamError("has data behind the end of its stream")
    return content
