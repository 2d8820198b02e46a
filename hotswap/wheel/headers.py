"""The two headers of a member: its entry in the directory, and the local header in front of its stream.

Source: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (sections 4.3.7, 4.3.9 and 4.3.12).
"""

from __future__ import annotations

import stat
import struct
from dataclasses import dataclass

from ..errors import Fault

MAX_VERSION = 63
"""Ten times the version of the zip format that a member may need."""

_LOCAL = struct.Struct("<6x2H4x3L2H")
_ENCRYPTED, _DESCRIPTOR, _UTF8 = 0x0001, 0x0008, 0x0800
_ALLOWED_FLAGS = _DESCRIPTOR | _UTF8 | 0x0006  # 0x0006: how hard deflate tried
_ZIP64, _UNICODE_PATH = 0x0001, 0x7075
_DIRECTORY_ATTRIBUTE = 0x10


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of the archive's directory."""

    name: str
    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    mode: int
    """Unix mode bits, file type included; 0 if the archive has none."""
    offset: int
    """Where its local header begins."""

    @property
    def is_dir(self) -> bool:
        """True for a directory entry."""
        return self.name.endswith("/")


def shown(name: str) -> str:
    """A member's name as an error message may print it."""
    return name if name.isprintable() and name else repr(name)


def decoded(raw_name: bytes, flags: int, faults: list[Fault]) -> str:
    """A member's name."""
    try:
        if flags & _UTF8 or raw_name.isascii():
            return raw_name.decode()
    except UnicodeDecodeError:
        pass
    name = raw_name.decode("ascii", "backslashreplace")
    faults.append(Fault(name, "its name is neither ASCII nor marked as UTF-8, and readers differ on what it then is"))
    return name


def entry_faults(member: Member, needed: int, extra: bytes, attributes: int) -> list[str]:
    """What is wrong with a member by its entry in the directory."""
    found = []
    if needed & 0xFF > MAX_VERSION:
        found.append(f"needs version {(needed & 0xFF) / 10} of the zip format, the last one is {MAX_VERSION / 10}")
    if member.flags & _ENCRYPTED:
        found.append("is encrypted")
    elif member.flags & ~_ALLOWED_FLAGS:
        found.append(f"has the zip flags {member.flags:#06x}, of which a wheel needs none")
    if member.method not in (0, 8):
        found.append(f"is packed by method {member.method}; a wheel's members are stored (0) or deflated (8)")
    elif member.method == 0 and member.packed != member.size:
        found.append(f"is stored, yet has {member.packed} bytes packed and {member.size} unpacked")
    kind = stat.S_IFMT(member.mode)
    if kind not in (0, stat.S_IFDIR if member.is_dir else stat.S_IFREG):
        found.append(
            f"is a {_KINDS.get(kind, 'special file')}, not a {'directory' if member.is_dir else 'regular file'}"
        )
    elif attributes & _DIRECTORY_ATTRIBUTE and not member.is_dir:
        found.append("is a directory by its attributes and a file by its name")
    if member.is_dir and (member.size or member.packed > 2):  # 2: nothing, deflated
        found.append("is a directory with content")
    try:
        if _UNICODE_PATH in _extra_fields(extra):
            found.append("has an extra field that gives it a second name (Unicode path)")
    except struct.error:
        found.append("has a malformed extra field")
    return found


_KINDS = {
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "FIFO",
    stat.S_IFCHR: "character device",
    stat.S_IFBLK: "block device",
    stat.S_IFSOCK: "socket",
    stat.S_IFDIR: "directory",
    stat.S_IFREG: "regular file",
}


def _extra_fields(extra: bytes) -> dict[int, bytes]:
    fields = {}
    at = 0
    while at < len(extra):
        kind, size = struct.unpack_from("<2H", extra, at)
        (fields[kind],) = struct.unpack_from(f"{size}s", extra, at + 4)
        at += 4 + size
    return fields


def locate(data: bytes, member: Member) -> tuple[int, int]:
    """Where the member's stream begins, and where the next member may.

    Raises:
        ValueError: The local header is missing, or contradicts the directory.
    """
    if not data.startswith(b"PK\3\4", member.offset) or member.offset + _LOCAL.size > len(data):
        raise ValueError("has no local header where the directory says")
    flags, method, crc, packed, size, name_size, extra_size = _LOCAL.unpack_from(data, member.offset)
    at = member.offset + _LOCAL.size
    start = at + name_size + extra_size
    try:
        fields = _extra_fields(data[at + name_size : start])
        if _ZIP64 in fields and 0xFFFFFFFF in (packed, size):
            size, packed = struct.unpack_from("<2Q", fields[_ZIP64])
    except struct.error:
        raise ValueError("has a malformed extra field in its local header") from None
    if _UNICODE_PATH in fields:
        raise ValueError("has an extra field in its local header that gives it a second name (Unicode path)")
    header = (data[at : at + name_size], flags, method, crc, packed, size)
    entry = (member.raw_name, member.flags, member.method, member.crc, member.packed, member.size)
    if flags & _DESCRIPTOR and header[3:] == (0, 0, 0):
        header = header[:3] + entry[3:]  # the true ones follow the stream
    labels = ("name", "flags", "method", "CRC", "packed size", "size")
    if differing := [label for label, one, other in zip(labels, header, entry, strict=True) if one != other]:
        raise ValueError(f"has a local header that contradicts the directory: {', '.join(differing)}")
    stop = start + member.packed
    return start, stop + _descriptor_size(data, stop, member) if flags & _DESCRIPTOR else stop


def _descriptor_size(data: bytes, at: int, member: Member) -> int:
    for layout in ("<3L", "<L2Q"):
        for signature in (b"PK\7\x08", b""):
            expected = signature + struct.pack(layout, member.crc, member.packed, member.size)
            if data.startswith(expected, at):
                return len(expected)
    raise ValueError("has no data descriptor behind its stream, or one that contradicts the directory")
