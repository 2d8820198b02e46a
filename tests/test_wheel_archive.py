"""Archives, names and RECORD: every attack by name, and what is legitimate."""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import stat
import struct
import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import parse_wheel_filename
from packaging.version import Version
from wheelmaker import make_wheel, plugin_source, record_hash, wheel_files

from hotswap.errors import Fault, UnfinishedWheelError, WheelError
from hotswap.model import Candidate, Manifest
from hotswap.wheel import Verifier, inspect_wheel
from hotswap.wheel import reading as reading_module

FILE_NAME = "alpha-1.0-py3-none-any.whl"
INFO = "alpha-1.0.dist-info"
MODULE = "alpha_plugin.py"


# --------------------------------------------------------------------------------------------- zips made by hand


@dataclass
class Raw:
    """One member as it is written: `both` bends both of its headers, `local` and `entry` only one."""

    name: bytes
    content: bytes
    both: dict[str, Any] = field(default_factory=dict)
    local: dict[str, Any] = field(default_factory=dict)
    entry: dict[str, Any] = field(default_factory=dict)
    stream: bytes | None = None
    before: bytes = b""
    after: bytes = b""
    quoted: bool = False
    """Only its directory entry is written: header and stream lie inside another member."""


def deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(content) + packer.flush()


def raw_zip(members: Iterable[Raw], *, front: bytes = b"", comment: bytes = b"", gap: bytes = b"", **end: int) -> bytes:
    body, directory, count = bytearray(front), b"", 0
    for member in members:
        body += member.before
        stream = deflate(member.content) if member.stream is None else member.stream
        common = {
            "flags": 0,
            "method": 8,
            "crc": zlib.crc32(member.content),
            "packed": len(stream),
            "size": len(member.content),
            "name": member.name,
            "extra": b"",
            "mode": 0o100644,
            "attributes": 0,
            "offset": len(body),
        } | member.both
        local, entry = common | member.local, common | member.entry
        numbers = (local["crc"], local["packed"], local["size"], len(local["name"]), len(local["extra"]))
        if not member.quoted:
            body += struct.pack("<4s5H3L2H", b"PK\3\4", 20, local["flags"], local["method"], 0, 0x21, *numbers)
            body += local["name"] + local["extra"] + stream + member.after
        numbers = (entry["crc"], entry["packed"], entry["size"], len(entry["name"]), len(entry["extra"]))
        directory += struct.pack("<4s6H3L2H", b"PK\1\2", 0x314, 20, entry["flags"], entry["method"], 0, 0x21, *numbers)
        attributes = entry["mode"] << 16 | entry["attributes"]
        directory += struct.pack("<3H2L", entry.get("comment", 0), 0, 0, attributes, entry["offset"])
        directory += entry["name"] + entry["extra"]
        count += 1
    body += gap
    last = {"disk": 0, "first": 0, "here": count, "count": count, "size": len(directory), "at": len(body)} | end
    return bytes(body) + directory + struct.pack("<4s4H2LH", b"PK\5\6", *last.values(), len(comment)) + comment


def members(files: dict[str, str | bytes] | None = None, record: Callable[[list[str]], list[str]] = list) -> list[Raw]:
    """The members of a good wheel and `files`, all in its RECORD; the plugin's module is the first."""
    contents = wheel_files("alpha", "1.0", {MODULE: plugin_source(), **(files or {})})
    lines = [f'"{name}",{record_hash(data)},{len(data)}' for name, data in contents.items() if not name.endswith("/")]
    contents[f"{INFO}/RECORD"] = "".join(f"{line}\n" for line in record([*lines, f"{INFO}/RECORD,,"])).encode()
    return [
        Raw(
            name.encode(),
            data,
            both={"flags": 0 if name.isascii() else 0x800} | ({"mode": 0o40755} if name[-1] == "/" else {}),
        )
        for name, data in contents.items()
    ]


def with_first(**changes: Any) -> list[Raw]:
    """A good wheel whose first member is bent."""
    found = members()
    for name, value in changes.items():
        setattr(found[0], name, value)
    return found


def with_named(name: str, content: bytes = b"x", **both: Any) -> bytes:
    """A good wheel and one member more."""
    found = members({name: content})
    index = next(index for index, member in enumerate(found) if member.name == name.encode())
    found[index].both |= both
    return raw_zip(found)


def unicode_path(name: bytes) -> bytes:
    return struct.pack("<HHBL", 0x7075, 5 + len(name), 1, 0) + name


def descriptor(content: bytes, layout: str = "<3L", signature: bytes = b"PK\7\x08") -> bytes:
    return signature + struct.pack(layout, zlib.crc32(content), len(deflate(content)), len(content))


def inserted(data: bytes, at: int, what: bytes) -> bytes:
    return data[:at] + what + data[at:]


def overlapping() -> bytes:
    """A member whose stream holds, in a stored block, the whole header of the next: each byte is unpacked twice."""
    kernel = bytes(1 << 20)
    header = raw_zip([Raw(b"inner.bin", kernel)])[: 30 + len(b"inner.bin")]
    block = struct.pack("<BHH", 0, len(header), 0xFFFF - len(header)) + header
    outer = Raw(b"outer.bin", header + kernel, stream=block + deflate(kernel))
    return raw_zip([outer, Raw(b"inner.bin", kernel, quoted=True, both={"offset": 30 + len(b"outer.bin") + 5})])


def duplicated() -> bytes:
    found = members()
    return raw_zip([found[0], Raw(found[0].name, SEVEN + b"evil = True\n"), *found[1:]])


SEVEN = plugin_source().encode()
ZERO_SIZES = {"flags": 8, "crc": 0, "packed": 0, "size": 0}

BAD_ARCHIVES: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty file": (lambda: b"", "no end record"),
    "no zip at all": (lambda: b"x" * 100, "no end record"),
    "cut short": (lambda: raw_zip(members())[:-10], "no end record"),
    "trailing data": (lambda: raw_zip(members()) + b"#", "no end record"),
    "prepended data": (lambda: b"#!/bin/sh\n" + raw_zip(members()), "data stands in front"),
    "prepended data with true offsets": (lambda: raw_zip(members(), front=b"#!/bin/sh\n"), "behind 10 bytes"),
    "comment": (lambda: raw_zip(members(), comment=b"hello"), "has a comment of 5 bytes"),
    "second wheel inside the comment": (
        lambda: raw_zip(members(), comment=raw_zip(members({"evil.py": "1"}))),
        "second archive inside its comment",
    ),
    "zip64 end records": (
        lambda: inserted(raw_zip(members()), -22, b"PK\6\6" + bytes(52) + b"PK\6\7" + bytes(16)),
        "zip64 end records",
    ),
    "split over disks": (lambda: raw_zip(members(), disk=1), "several disks"),
    "fewer members counted": (lambda: raw_zip(members(), here=2, count=2), "its directory goes on"),
    "more members counted": (lambda: raw_zip(members(), here=9, count=9), "counts 9 members"),
    "entry beyond the directory": (
        lambda: raw_zip([*members()[:-1], Raw(b"x", b"", entry={"comment": 900})]),
        "goes beyond the directory",
    ),
    "gap between members": (lambda: raw_zip([members()[0], *with_first(before=b"gap")]), "behind 3 bytes"),
    "gap in front of the directory": (lambda: raw_zip(members(), gap=b"gap"), "behind a gap of 3 bytes"),
    "stream that runs into the directory": (
        lambda: raw_zip([*members()[:-1], Raw(f"{INFO}/RECORD".encode(), b"", both={"packed": 9})]),
        "inside a member of 7 bytes",
    ),
    "two entries for one member": (
        lambda: raw_zip([*members(), Raw(MODULE.encode(), SEVEN, quoted=True, both={"offset": 0})]),
        "overlaps another member",
    ),
    "local header elsewhere": (lambda: raw_zip(with_first(entry={"offset": 5})), "no local header where"),
    "local header with another name": (
        lambda: raw_zip(with_first(local={"name": b"alpha_plugin.px"})),
        "directory: name",
    ),
    "local header with another CRC": (lambda: raw_zip(with_first(local={"crc": 1})), "contradicts the directory: CRC"),
    "local header with other sizes": (
        lambda: raw_zip(with_first(local={"packed": 1, "size": 1})),
        "contradicts the directory: packed size, size",
    ),
    "local header with other flags": (
        lambda: raw_zip(with_first(local={"flags": 2})),
        "contradicts the directory: flags",
    ),
    "local header with another method": (lambda: raw_zip(with_first(local={"method": 0})), "directory: method"),
    "no data descriptor": (lambda: raw_zip(with_first(both={"flags": 8}, local=ZERO_SIZES)), "no data descriptor"),
    "data descriptor that contradicts": (
        lambda: raw_zip(with_first(both={"flags": 8}, local=ZERO_SIZES, after=descriptor(b"other"))),
        "no data descriptor",
    ),
    "Unicode path in the directory": (
        lambda: raw_zip(with_first(entry={"extra": unicode_path(b"evil.py")})),
        "second name (Unicode path)",
    ),
    "Unicode path in the local header": (
        lambda: raw_zip(with_first(local={"extra": unicode_path(b"evil.py")})),
        "local header that gives it a second name (Unicode path)",
    ),
    "malformed extra field": (lambda: raw_zip(with_first(entry={"extra": b"\1\2\3"})), "malformed extra field"),
    "extra field longer than it is": (
        lambda: raw_zip(with_first(entry={"extra": b"\1\2\xff\0"})),
        "malformed extra field",
    ),
    "malformed extra field in the local header": (
        lambda: raw_zip(with_first(local={"extra": b"\1\2\3"})),
        "malformed extra field in its local header",
    ),
    "version of the future": (
        lambda: raw_zip(members()).replace(b"PK\1\2\x14\3\x14", b"PK\1\2\x14\3\x99"),
        "needs version 15.3 of the zip format",
    ),
    "encrypted": (lambda: raw_zip(with_first(both={"flags": 1})), "is encrypted"),
    "patched data": (lambda: raw_zip(with_first(both={"flags": 0x20})), "has the zip flags 0x0020"),
    "bzip2": (lambda: raw_zip(with_first(both={"method": 12})), "is packed by method 12"),
    "stored in two sizes": (lambda: raw_zip(with_first(both={"method": 0})), "is stored, yet has"),
    "name in an unknown encoding": (
        lambda: with_named("a.py").replace(b"a.py", b"\xe9.py"),
        "neither ASCII nor marked",
    ),
    "name that is not the UTF-8 it says": (
        lambda: with_named("a.py", flags=0x800).replace(b"a.py", b"\xe9.py"),
        "neither ASCII nor marked",
    ),
    "symlink": (lambda: raw_zip(with_first(both={"mode": 0o120777})), "is a symlink, not a regular file"),
    "FIFO": (lambda: raw_zip(with_first(both={"mode": stat.S_IFIFO | 0o644})), "is a FIFO"),
    "character device": (lambda: raw_zip(with_first(both={"mode": stat.S_IFCHR | 0o644})), "is a character device"),
    "block device": (lambda: raw_zip(with_first(both={"mode": stat.S_IFBLK | 0o644})), "is a block device"),
    "socket": (lambda: raw_zip(with_first(both={"mode": stat.S_IFSOCK | 0o644})), "is a socket"),
    "unknown file type": (lambda: raw_zip(with_first(both={"mode": 0o150644})), "is a special file"),
    "file that is a directory by its mode": (
        lambda: raw_zip(with_first(both={"mode": 0o40755})),
        "is a directory, not",
    ),
    "file that is a directory by its attributes": (
        lambda: raw_zip(with_first(both={"attributes": 0x10})),
        "a directory by its attributes and a file by its name",
    ),
    "directory that is a file by its mode": (lambda: with_named("d/", b"", mode=0o100644), "not a directory"),
    "directory with content": (lambda: with_named("d/", b"content"), "is a directory with content"),
    "directory with a hidden stream": (
        lambda: raw_zip([*members(), Raw(b"d/", b"", both={"mode": 0o40755}, stream=b"hidden")]),
        "is a directory with content",
    ),
    "bomb by ratio": (lambda: raw_zip(with_first(both={"size": 1 << 30})), "a bomb"),
    "bomb of many members": (
        lambda: raw_zip([*members(), *(Raw(b"%d.bin" % i, b"", both={"size": 15 << 20}) for i in range(3))]),
        "a bomb",
    ),
    "bomb by overlap": (overlapping, "inner.bin: overlaps another member"),
}

BAD_STREAMS: dict[str, tuple[Callable[[], bytes], str]] = {
    "stream longer than declared": (lambda: raw_zip(with_first(both={"size": 10})), "longer than the 10 bytes"),
    "stream shorter than declared": (lambda: raw_zip(with_first(both={"size": 9999})), "ends before the 9999 bytes"),
    "stream without an end": (lambda: raw_zip(with_first(stream=deflate(SEVEN)[:-3])), "ends before"),
    "damaged stream": (lambda: raw_zip(with_first(stream=b"\xff" * 99)), "its stream is damaged"),
    "data behind the stream": (lambda: raw_zip(with_first(stream=deflate(SEVEN) + b"more")), "data behind the end"),
    "wrong CRC": (lambda: raw_zip(with_first(both={"crc": 1})), "does not have the CRC"),
    "damaged RECORD": (
        lambda: raw_zip([*members()[:-1], Raw(f"{INFO}/RECORD".encode(), b"", both={"crc": 1})]),
        "does not have the CRC",
    ),
}

BAD_NAMES: dict[str, tuple[Callable[[], bytes], str]] = {
    "parent directory": (lambda: with_named("../../evil.py"), "not a plain relative path"),
    "parent directory inside": (lambda: with_named("a/../../evil.py"), "not a plain relative path"),
    "absolute": (lambda: with_named("/etc/evil.py"), "not a plain relative path"),
    "backslash": (lambda: with_named("a\\evil.py"), "not a plain relative path"),
    "drive letter": (lambda: with_named("C:evil.py"), "not a plain relative path"),
    "current directory": (lambda: with_named("./evil.py"), "not a plain relative path"),
    "empty part": (lambda: with_named("a//evil.py"), "not a plain relative path"),
    "empty name": (lambda: raw_zip([*members(), Raw(b"", b"x")]), "not a plain relative path"),
    "NUL": (lambda: with_named("evil.py\0.txt"), "control characters"),
    "control character": (lambda: with_named("evil\x1b[2J.py"), "control characters"),
    "right-to-left override": (lambda: with_named("evil\u202eyp.txt"), "control characters"),
    "name too long": (lambda: with_named("a" * 256), "is longer than"),
    "path too long": (lambda: with_named("/".join(["a" * 99] * 11)), "is longer than"),
    "duplicate": (duplicated, "is there twice"),
    "colliding by case": (lambda: with_named("ALPHA_plugin.py"), "is the same name as"),
    "colliding directories": (lambda: raw_zip(members({"Data/a": "", "data/b": ""})), "is the same name as"),
    "colliding by Unicode form": (
        lambda: raw_zip(members({"\u00e9.txt": "", "e\u0301.txt": ""})),
        "is the same name as",
    ),
    "file and directory": (lambda: raw_zip(members({"a": "", "a/b": ""})), "both a file and a directory"),
    "compiled cache": (lambda: with_named("__pycache__/alpha_plugin.cpython-311.pyc"), "is compiled code in the cache"),
    "path file": (lambda: with_named("evil.pth"), "is a path file"),
    "path file out of the data directory": (lambda: with_named("alpha-1.0.data/purelib/evil.PTH"), "is a path file"),
    "sitecustomize": (lambda: with_named("sitecustomize.py"), "Python runs at its start"),
    "usercustomize": (lambda: with_named("usercustomize/__init__.py"), "Python runs at its start"),
    "shadows the standard library": (lambda: with_named("json.py"), "shadows the module of the standard library"),
    "shadows it by a package": (lambda: with_named("email/__init__.py"), "shadows the module of the standard library"),
    "shadows it by an extension": (lambda: with_named("ssl.abi3.so"), "shadows the module of the standard library"),
    "shadows it out of the data directory": (lambda: with_named("alpha-1.0.data/platlib/os.py"), "shadows the module"),
    "shadows hotswap": (lambda: with_named("hotswap/extra.py"), "shadows the host's hotswap"),
    "data that overwrites the root": (lambda: with_named(f"alpha-1.0.data/purelib/{MODULE}"), "would overwrite"),
    "data that collides with the root": (
        lambda: with_named("alpha-1.0.data/platlib/Alpha_Plugin.py"),
        "is the same name",
    ),
    "data of another wheel": (lambda: with_named("beta-1.0.data/purelib/b.py"), "data directory of another wheel"),
    "data of no version": (lambda: with_named("alpha-x.data/purelib/b.py"), "data directory of another wheel"),
    "data of no known scheme": (lambda: with_named("alpha-1.0.data/stdlib/b.py"), "belongs to no known scheme"),
    "data of no scheme": (lambda: with_named("alpha-1.0.data/b.py"), "belongs to no known scheme"),
    "second dist-info": (lambda: with_named("beta-1.0.dist-info/METADATA"), "several metadata directories"),
    "second dist-info out of the data directory": (
        lambda: with_named("alpha-1.0.data/purelib/beta-1.0.dist-info/METADATA"),
        "several metadata directories",
    ),
    "egg-info": (lambda: with_named("beta.egg-info/PKG-INFO"), "several metadata directories"),
}


def replaced(old: str, new: str) -> Callable[[list[str]], list[str]]:
    return lambda lines: [line.replace(old, new) for line in lines]


FIRST_HASH = record_hash(SEVEN)
BAD_RECORDS: dict[str, tuple[Callable[[], bytes], str]] = {
    "hash that RECORD contradicts": (
        lambda: raw_zip(members(record=replaced(FIRST_HASH, record_hash(b"other")))),
        "does not have the sha256 that RECORD says",
    ),
    "size that RECORD contradicts": (
        lambda: raw_zip(members(record=replaced(f",{len(SEVEN)}", ",7"))),
        f"has {len(SEVEN)} bytes, RECORD says 7",
    ),
    "file that RECORD does not list": (lambda: raw_zip([*members(), Raw(b"x.py", b"")]), "is not listed in RECORD"),
    "row without a file": (lambda: raw_zip(members(record=lambda rows: ["gone.py,,", *rows])), "is not in the wheel"),
    "row twice": (lambda: raw_zip(members(record=lambda rows: [rows[0], *rows])), "twice"),
    "row of two fields": (lambda: raw_zip(members(record=lambda rows: ["a,b", *rows])), "a row of 2 fields"),
    "no hash": (lambda: raw_zip(members(record=replaced(FIRST_HASH, ""))), "has no hash in RECORD"),
    "weak hash": (lambda: raw_zip(members(record=replaced("sha256=", "md5="))), "has the hash 'md5="),
    "hash of RECORD itself": (
        lambda: raw_zip(members(record=replaced("RECORD,,", "RECORD,sha256=x,"))),
        "does not have the sha256 that RECORD says",
    ),
    "malformed RECORD": (lambda: raw_zip(members(record=lambda rows: [*rows, '"a'])), "cannot be parsed"),
    "RECORD that is not UTF-8": (
        lambda: raw_zip([*members()[:-1], Raw(f"{INFO}/RECORD".encode(), b"\xff")]),
        "cannot be parsed",
    ),
    "no RECORD": (lambda: raw_zip(members()[:-1]), "is missing"),
}


def sha(algorithm: str) -> str:
    return f"{algorithm}=" + base64.urlsafe_b64encode(hashlib.new(algorithm, SEVEN).digest()).rstrip(b"=").decode()


def spelled(dist_info: str) -> bytes:
    """A good wheel whose dist-info directory has another name of the same length or not."""
    found = members()
    for member in found:
        member.name = member.name.replace(INFO.encode(), dist_info.encode())
    found[-1].content = found[-1].content.replace(INFO.encode(), dist_info.encode())
    return raw_zip(found)


def described(layout: str, signature: bytes) -> bytes:
    return raw_zip(with_first(both={"flags": 8}, local=ZERO_SIZES, after=descriptor(SEVEN, layout, signature)))


def zip64_local() -> bytes:
    extra = struct.pack("<2H2Q", 1, 16, len(SEVEN), len(deflate(SEVEN)))
    return raw_zip(with_first(local={"packed": 0xFFFFFFFF, "size": 0xFFFFFFFF, "extra": extra}))


LEGITIMATE: dict[str, Callable[[], bytes]] = {
    "deflated": lambda: raw_zip(members()),
    "stored": lambda: raw_zip(with_first(both={"method": 0}, stream=SEVEN)),
    "other order than in the directory": lambda: raw_zip(members()[::-1]),
    "directory entries": lambda: raw_zip(members({"d/": "", "d/e/": "", "d/e/f.txt": "x"})),
    "directory entries with a deflated nothing": lambda: with_named("d/", b"", mode=0o40755),
    "executable bits": lambda: raw_zip(with_first(both={"mode": 0o100755})),
    "zero mode bits": lambda: raw_zip(with_first(both={"mode": 0})),
    "empty file": lambda: with_named("empty.txt", b""),
    "stored empty file": lambda: raw_zip([*members({"e": b""})[:1], *with_named_raw("e", b"", method=0)]),
    "names in UTF-8": lambda: with_named("données/año.txt"),
    "space in a name": lambda: with_named("read me.txt"),
    "timestamps as an extra field": lambda: raw_zip(with_first(both={"extra": b"UT\5\0\1\0\0\0\0"})),
    "zip64 sizes in a local header": zip64_local,
    "data descriptor": lambda: described("<3L", b"PK\7\x08"),
    "data descriptor without signature": lambda: described("<3L", b""),
    "data descriptor of zip64": lambda: described("<L2Q", b"PK\7\x08"),
    "RECORD with sha384": lambda: raw_zip(members(record=replaced(FIRST_HASH, sha("sha384")))),
    "RECORD with sha512": lambda: raw_zip(members(record=replaced(FIRST_HASH, sha("sha512")))),
    "RECORD with padded hashes": lambda: raw_zip(members(record=replaced(FIRST_HASH, FIRST_HASH + "="))),
    "RECORD without sizes": lambda: raw_zip(members(record=replaced(f",{len(SEVEN)}", ","))),
    "RECORD that does not list itself": lambda: raw_zip(members(record=lambda rows: rows[:-1])),
    "RECORD.jws": lambda: raw_zip([*members(), Raw(f"{INFO}/RECORD.jws".encode(), b"{}")]),
    "RECORD.p7s, listed without a hash": lambda: raw_zip(
        [
            *members(record=lambda rows: [*rows, f"{INFO}/RECORD.p7s,,"]),
            Raw(f"{INFO}/RECORD.p7s".encode(), b"signature"),
        ]
    ),
    "dist-info in capitals": lambda: spelled("ALPHA-1.0.dist-info"),
    "dist-info with another form of the version": lambda: spelled("alpha-1.0.0.dist-info"),
    "scripts, headers and data": lambda: raw_zip(
        members({f"alpha-1.0.data/{scheme}/json.py": "" for scheme in ("scripts", "headers", "data")})
    ),
    "vendored dist-info deeper down": lambda: with_named("alpha_vendor/beta-1.0.dist-info/METADATA"),
    "weights that end in .pth": lambda: with_named("alpha_data/weights.pth"),
}


def with_named_raw(name: str, content: bytes, **both: Any) -> list[Raw]:
    """Like `members({name: content})` without the first, `name` being stored."""
    found = members({name: content})[1:]
    found[0].both |= both
    found[0].stream = content
    return found


# ------------------------------------------------------------------------------------------------------ the tests


def verifier() -> Verifier:
    """One that takes every file for settled."""
    return Verifier(clock=lambda: time.time() + 3600)


def candidate(path: Path) -> Candidate:
    name, version, _, _ = parse_wheel_filename(path.name)
    return Candidate(name, version, path, hashlib.sha256(path.read_bytes()).hexdigest(), "test")


def verify(path: Path) -> Manifest:
    return verifier().verify(candidate(path))


def refused(path: Path) -> list[str]:
    with pytest.raises(WheelError) as caught:
        verify(path)
    assert not isinstance(caught.value, UnfinishedWheelError)
    assert FILE_NAME in str(caught.value)
    return [str(fault) for fault in caught.value.faults]


def written(directory: Path, data: bytes) -> Path:
    path = directory / FILE_NAME
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(("make", "expected"), BAD_ARCHIVES.values(), ids=BAD_ARCHIVES)
def test_bad_archive(tmp_path: Path, make: Callable[[], bytes], expected: str) -> None:
    """A wheel whose headers two readers could read differently is refused, and the fault says why."""
    assert expected in "\n".join(refused(written(tmp_path, make())))


@pytest.mark.parametrize(("make", "expected"), BAD_STREAMS.values(), ids=BAD_STREAMS)
def test_bad_stream(tmp_path: Path, make: Callable[[], bytes], expected: str) -> None:
    """A member whose stream is not what its headers say is refused."""
    assert expected in "\n".join(refused(written(tmp_path, make())))


@pytest.mark.parametrize(("make", "expected"), BAD_NAMES.values(), ids=BAD_NAMES)
def test_bad_name(tmp_path: Path, make: Callable[[], bytes], expected: str) -> None:
    """A member that must not lie under its name is refused, and nothing else is found wrong with the wheel."""
    faults = refused(written(tmp_path, make()))
    assert any(expected in fault for fault in faults)
    assert not [fault for fault in faults if expected not in fault and "RECORD" not in fault]


@pytest.mark.parametrize(("make", "expected"), BAD_RECORDS.values(), ids=BAD_RECORDS)
def test_bad_record(tmp_path: Path, make: Callable[[], bytes], expected: str) -> None:
    """A RECORD that contradicts the wheel refuses it."""
    assert expected in "\n".join(refused(written(tmp_path, make())))


@pytest.mark.parametrize("make", LEGITIMATE.values(), ids=LEGITIMATE)
def test_legitimate(tmp_path: Path, make: Callable[[], bytes]) -> None:
    """What the formats allow is accepted, and the plugin's module is what it provides."""
    manifest = verify(written(tmp_path, make()))
    assert (manifest.plugin, manifest.entry_module, manifest.unfit) == ("alpha", "alpha_plugin", ())
    assert "alpha_plugin" in manifest.provides


def test_no_dist_info(tmp_path: Path) -> None:
    """An archive without metadata is called no wheel."""
    assert refused(written(tmp_path, raw_zip(members()[:1]))) == [
        "archive: has no .dist-info directory: it is no wheel"
    ]


def test_foreign_dist_info(tmp_path: Path) -> None:
    """Metadata of another distribution than the file name's is refused."""
    assert any(
        "is not the metadata of alpha 1.0" in fault
        for fault in refused(written(tmp_path, spelled("beta-1.0.dist-info")))
    )


def test_data_is_placed_on_the_root(tmp_path: Path) -> None:
    """Modules in `.data/purelib` and `.data/platlib` count as the root's, scripts do not."""
    files = {
        "alpha-1.0.data/purelib/one.py": "",
        "alpha-1.0.data/platlib/two/__init__.py": "",
        "ALPHA-1.0.data/scripts/three.py": "",
    }
    found = members(files)
    found[2].name, found[2].content = found[2].name, found[2].content
    found[3].name = found[3].name.replace(b"ALPHA", b"alpha")
    found[-1].content = found[-1].content.replace(b"ALPHA", b"alpha")
    assert verify(written(tmp_path, raw_zip(found))).provides == ("alpha_plugin", "one", "two")


def test_provides(tmp_path: Path) -> None:
    """Modules, packages, extensions and what lies inside namespace packages are provided; the rest is not."""
    files: dict[str, str | bytes] = {
        "alpha_package/__init__.py": "",
        "alpha_package/inner.py": "",
        "acme/alpha/__init__.py": "",
        "acme/alpha/deep.py": "",
        "acme/tools.py": "",
        "acme/tools/hidden_by_the_module.py": "",
        "acme/more/deep/part.py": "",
        "native.cpython-39-darwin.so": b"\0",
        "speedy.pyd": b"\0",
        "spam-eggs/module.py": "",
        "data/readme.txt": "",
        "__main__.py": "",
        "2nd.py": "",
    }
    provided = verify(written(tmp_path, raw_zip(members(files)))).provides
    assert provided == (
        "acme.alpha",
        "acme.more.deep.part",
        "acme.tools",
        "alpha_package",
        "alpha_plugin",
        "native",
        "speedy",
    )


def test_all_faults_at_once(tmp_path: Path) -> None:
    """Faults of names, RECORD, metadata and source come in one error that names plugin and file."""
    path = make_wheel(
        tmp_path,
        "alpha",
        files={MODULE: plugin_source(on_free=""), "json.py": "", "evil.pth": "import os"},
        record=replaced("evil.pth", "other.pth"),
        requires=["beta >>> 1"],
    )
    with pytest.raises(WheelError) as caught:
        verify(path)
    assert caught.value.plugin == "alpha"
    assert caught.value.stage == "verified"
    text = str(caught.value)
    assert text.startswith("alpha (alpha-1.0-py3-none-any.whl): 6 faults")
    for part in ("on_free", "json", "evil.pth: is a path file", "not listed", "'other.pth'", "Requires-Dist"):
        assert part in text


# ------------------------------------------------------------------------------------------------ reading the file


def test_symlink(tmp_path: Path) -> None:
    """A wheel behind a symlink is refused: what it points at could be exchanged."""
    real = make_wheel(tmp_path / "real", "alpha")
    link = tmp_path / real.name
    link.symlink_to(real)
    assert refused(link) == [f"{link}: is a symlink (put the wheel itself there)"]


def test_fifo(tmp_path: Path) -> None:
    """A FIFO under a wheel's name is refused without waiting for somebody to write into it."""
    path = tmp_path / FILE_NAME
    os.mkfifo(path)
    with pytest.raises(WheelError, match="not a regular file"):
        inspect_wheel(path)


def test_unreadable(tmp_path: Path) -> None:
    """A path that cannot be opened is refused with the system's reason."""
    (tmp_path / "file").touch()
    with pytest.raises(WheelError, match="Not a directory"):
        inspect_wheel(tmp_path / "file" / FILE_NAME)


def test_too_large(tmp_path: Path) -> None:
    """A file beyond the size limit is refused before it is read."""
    path = tmp_path / FILE_NAME
    with path.open("wb") as file:
        file.truncate(reading_module.MAX_WHEEL_SIZE + 1)
    with pytest.raises(WheelError, match="more than the limit"):
        inspect_wheel(path)


def test_not_a_wheel_name(tmp_path: Path) -> None:
    """A file whose name is not a wheel's is refused by both ways in."""
    path = make_wheel(tmp_path, "alpha", file_name="alpha.whl")
    with pytest.raises(WheelError, match="not a wheel's file name"):
        inspect_wheel(path)
    offered = Candidate("alpha", Version("1.0"), path, hashlib.sha256(path.read_bytes()).hexdigest(), "test")
    with pytest.raises(WheelError, match="not a wheel's file name"):
        verifier().verify(offered)


def test_gone(tmp_path: Path) -> None:
    """A wheel that went away since it was found is left for the next reload."""
    path = make_wheel(tmp_path, "alpha")
    offered = candidate(path)
    path.unlink()
    with pytest.raises(UnfinishedWheelError, match="is gone"):
        verifier().verify(offered)


def test_exchanged(tmp_path: Path) -> None:
    """A wheel with other bytes than the source has seen is left for the next reload."""
    offered = candidate(make_wheel(tmp_path, "alpha"))
    make_wheel(tmp_path, "alpha", files=plugin_source("version = 2"))
    with pytest.raises(UnfinishedWheelError, match="changed since it was found"):
        verifier().verify(offered)


def test_changed_while_being_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel that somebody appends to between the two looks at it is left for the next reload."""
    path = make_wheel(tmp_path, "alpha")
    real_fstat = os.fstat
    looks = []

    def fstat(descriptor: int) -> os.stat_result:
        if looks:
            with path.open("ab") as file:
                file.write(b"more")
        looks.append(descriptor)
        return real_fstat(descriptor)

    offered = candidate(path)
    monkeypatch.setattr(reading_module.os, "fstat", fstat)
    with pytest.raises(UnfinishedWheelError, match="changed while it was being read"):
        verifier().verify(offered)


@pytest.mark.parametrize("make", [BAD_ARCHIVES["cut short"][0], BAD_STREAMS["wrong CRC"][0]], ids=["headers", "stream"])
def test_copy_in_progress(tmp_path: Path, make: Callable[[], bytes]) -> None:
    """A bad archive counts as a copy in progress while its last change is a moment ago, and as bad afterwards."""
    path = written(tmp_path, make())
    now = [path.stat().st_ctime + 0.5]
    check = Verifier(clock=lambda: now[0])
    with pytest.raises(UnfinishedWheelError, match="changed a moment ago"):
        check.verify(candidate(path))
    now[0] += 3600
    with pytest.raises(WheelError) as caught:
        check.verify(candidate(path))
    assert type(caught.value) is WheelError


def test_fresh_but_wrong(tmp_path: Path) -> None:
    """A sound archive with bad contents is refused at once, however fresh it is: waiting would not mend it."""
    path = written(tmp_path, with_named("evil.pth"))
    with pytest.raises(WheelError) as caught:
        Verifier().verify(candidate(path))
    assert type(caught.value) is WheelError


# ------------------------------------------------------------------------------------------------------ remembering


def test_remembers(tmp_path: Path) -> None:
    """The same wheel is not read again, not even when its file is gone."""
    path = make_wheel(tmp_path, "alpha")
    check, offered = verifier(), candidate(path)
    manifest = check.verify(offered)
    path.unlink()
    assert check.verify(offered) is manifest
    assert check.verify(candidate(make_wheel(tmp_path, "alpha"))) is manifest


def test_remembers_for_another_place(tmp_path: Path) -> None:
    """The same wheel in another place gets the remembered manifest with its own candidate."""
    check = verifier()
    first = check.verify(candidate(make_wheel(tmp_path / "one", "alpha")))
    offered = candidate(make_wheel(tmp_path / "two", "alpha"))
    second = check.verify(offered)
    assert second.candidate is offered
    assert (first.digest, first.plugin, first.provides) == (second.digest, second.plugin, second.provides)


def test_remembers_refusals(tmp_path: Path) -> None:
    """A refused wheel is refused again with the same faults and without being read, in an error of its own."""
    path = written(tmp_path, with_named("evil.pth"))
    check, offered = verifier(), candidate(path)
    with pytest.raises(WheelError) as first:
        check.verify(offered)
    path.unlink()
    with pytest.raises(WheelError) as second:
        check.verify(offered)
    assert first.value is not second.value
    assert first.value.faults == second.value.faults
    assert all(isinstance(fault, Fault) for fault in second.value.faults)


def test_forgets(tmp_path: Path) -> None:
    """After `forget` only the digests to keep are still known."""
    check = verifier()
    one, two = make_wheel(tmp_path, "alpha"), make_wheel(tmp_path, "beta")
    kept, dropped = candidate(one), candidate(two)
    manifest = check.verify(kept)
    check.verify(dropped)
    check.forget({kept.digest})
    one.unlink()
    two.unlink()
    assert check.verify(kept) is manifest
    with pytest.raises(UnfinishedWheelError):
        check.verify(dropped)


def test_logs(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What was verified and what was refused is told to the logger that was passed in."""
    logger = logging.getLogger("test.wheel")
    check = Verifier(logger, clock=lambda: time.time() + 3600)
    with caplog.at_level(logging.DEBUG, "test.wheel"):
        check.verify(candidate(make_wheel(tmp_path, "alpha")))
        with pytest.raises(WheelError):
            check.verify(candidate(written(tmp_path, with_named("evil.pth"))))
    assert [record.message.split(" ")[0] for record in caplog.records] == ["verified", "refused"]
