"""The string constants of an extension module's file, in which it is looked for the names that its code uses.

Code is most of such a file, and to search all of numpy's takes as long as to import it. Source of the format:
https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.sheader.html.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator

_ELF64 = b"\x7fELF\x02\x01"
_HEADER = struct.Struct("<40xQ10xHHH")
"""Of a file: where the table of sections begins, the size of an entry, their number, which one has their names."""
_SECTION = struct.Struct("<II16xQQ")
"""Of a section: where its name is among the names, its type, where it begins, its size in bytes."""
_KINDS = (b".rodata", b".data")
_NOT_IN_FILE = 8


def constants_in(content: mmap.mmap) -> bytes:
    """What a file has besides code; all of it if it is of another format."""
    try:
        parts = list(_sections(content)) if content[: len(_ELF64)] == _ELF64 else []
    except struct.error:
        parts = []  # cut off: that it is no library the system says
    return b"\0".join(parts) or content[:]


def _sections(content: mmap.mmap) -> Iterator[bytes]:
    table, size, count, named = _HEADER.unpack_from(content)
    if not count:
        return  # stripped of the table
    _, _, names, _ = _SECTION.unpack_from(content, table + named * size)
    for index in range(count):
        name, kind, begin, length = _SECTION.unpack_from(content, table + index * size)
        if kind != _NOT_IN_FILE and content[names + name : names + name + 7].startswith(_KINDS):
            yield content[begin : begin + length]
