"""The files of a dist-info directory: METADATA, WHEEL, entry_points.txt.

Sources: https://packaging.python.org/en/latest/specifications/ (core-metadata, binary-distribution-format,
entry-points).
"""

from __future__ import annotations

import configparser
import email.parser
import functools
import keyword
import platform
import re
from dataclasses import dataclass, field
from email.message import Message

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag, sys_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from ..errors import Fault
from ..model import ENTRY_POINT_GROUP, Candidate, canonical, is_name

MAX_ENTRY_POINTS = 64 << 10
"""Bytes of an entry_points.txt that is parsed."""
MAX_ENTRY_POINTS_LINE = 1024
"""Bytes of a line in it: configparser takes a time that grows with the square of a line (1 s for 16,000 spaces)."""

_PARSER = email.parser.Parser()
_WHEEL_VERSION = re.compile(r"1\.[0-9]+")
_METADATA_VERSION = re.compile(r"[12]\.[0-9]+")
_FORM = f"[{ENTRY_POINT_GROUP}] <plugin name> = <package.module>"


@dataclass(frozen=True, slots=True)
class Core:
    """What METADATA says that hotswap needs."""

    requires: tuple[Requirement, ...] = ()
    requires_python: SpecifierSet = field(default_factory=SpecifierSet)
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """The entry point of a plugin."""

    plugin: str
    module: str
    attr: str


def read_core(raw: bytes, where: str, candidate: Candidate, faults: list[Fault]) -> Core:
    """Parse METADATA, and compare its name and version with the candidate's."""
    message = _headers(raw, where, faults)
    if message is None:
        return Core()
    metadata_version = _single(message, "Metadata-Version", where, faults)
    if metadata_version is not None and not _METADATA_VERSION.fullmatch(metadata_version):
        faults.append(Fault(where, f"Metadata-Version {metadata_version!r} is none that hotswap knows (1.x, 2.x)"))
    name = _single(message, "Name", where, faults)
    if name is not None and not (is_name(name) and canonical(name) == candidate.name):
        faults.append(Fault(where, f"Name is {name!r}, the file name says {candidate.name!r}"))
    version = _single(message, "Version", where, faults)
    if version is not None and not _same_version(version, candidate.version):
        faults.append(Fault(where, f"Version is {version!r}, the file name says {str(candidate.version)!r}"))
    requires_python = SpecifierSet()
    if "Requires-Python" in message and (text := _single(message, "Requires-Python", where, faults)) is not None:
        try:
            requires_python = SpecifierSet(text)
        except InvalidSpecifier:
            faults.append(Fault(where, f"Requires-Python {text!r} means nothing", 'write e.g. ">=3.11"'))
    requires = []
    for text in message.get_all("Requires-Dist", []):
        try:
            requires.append(Requirement(text))
        except (InvalidRequirement, RecursionError) as error:
            faults.append(Fault(where, f"Requires-Dist {text!r} means nothing: {str(error).splitlines()[0]}"))
    return Core(tuple(requires), requires_python, " ".join(str(message.get("Summary", "")).split()))


def check_wheel(raw: bytes, where: str, faults: list[Fault]) -> None:
    """Check WHEEL: a format version that hotswap knows, said once."""
    message = _headers(raw, where, faults)
    if message is None:
        return
    version = _single(message, "Wheel-Version", where, faults)
    if version is not None and not _WHEEL_VERSION.fullmatch(version):
        faults.append(Fault(where, f"Wheel-Version {version!r} is none that hotswap knows (1.x)"))
    purelib = _single(message, "Root-Is-Purelib", where, faults)
    if purelib is not None and purelib.lower() not in ("true", "false"):
        faults.append(Fault(where, f"Root-Is-Purelib is {purelib!r}, neither true nor false"))


def _headers(raw: bytes, where: str, faults: list[Fault]) -> Message | None:
    try:
        message = _PARSER.parsestr(raw.decode(), headersonly=True)
    except UnicodeDecodeError:
        faults.append(Fault(where, "is not UTF-8"))
        return None
    faults.extend(Fault(where, f"cannot be parsed: {type(defect).__doc__}") for defect in message.defects)
    return message


def _single(message: Message, field: str, where: str, faults: list[Fault]) -> str | None:
    values = message.get_all(field, [])
    if len(values) != 1:
        faults.append(Fault(where, f"has {len(values) or 'no'} {field} fields" if values else f"has no {field} field"))
        return None
    return str(values[0]).strip()


def _same_version(text: str, version: Version) -> bool:
    try:
        return Version(text) == version
    except InvalidVersion:
        return False


def read_entry_point(raw: bytes | None, where: str, faults: list[Fault]) -> Entry | None:
    """The one entry point in group `hotswap.plugins`; None, with a fault, if there is not exactly one good one."""
    raw = raw or b""
    if len(raw) > MAX_ENTRY_POINTS or any(len(line) > MAX_ENTRY_POINTS_LINE for line in raw.splitlines()):
        what = f"has more than {MAX_ENTRY_POINTS} bytes, or a line of more than {MAX_ENTRY_POINTS_LINE}"
        faults.append(Fault(where, what))
        return None
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, default_section="")
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # names keep their case
    try:
        parser.read_string(raw.decode())
    except (configparser.Error, UnicodeDecodeError) as error:
        faults.append(Fault(where, f"cannot be parsed: {' '.join(str(error).split())}"))
        return None
    entries = parser.items(ENTRY_POINT_GROUP) if parser.has_section(ENTRY_POINT_GROUP) else []
    if len(entries) != 1:
        names = ", ".join(name for name, _ in entries)
        what = f"has several entry points in group {ENTRY_POINT_GROUP}: {names}" if entries else "has no entry point"
        faults.append(Fault(where, what, f"a plugin has one: {_FORM}"))
        return None
    ((name, value),) = entries
    if not is_name(name):
        faults.append(Fault(where, f"the plugin name {name!r} is not made of ASCII letters, digits, `-`, `_` and `.`"))
        return None
    module, colon, attr = (part.strip() for part in value.partition(":"))
    if not _is_dotted(module) or (colon and not _is_dotted(attr)):
        faults.append(Fault(where, f"{name} = {value!r} is not a module or an object in one", f"write {_FORM}"))
        return None
    return Entry(canonical(name), module, attr)


def _is_dotted(text: str) -> bool:
    return all(part.isidentifier() and not keyword.iskeyword(part) for part in text.split("."))


def read_tags(file_name: str) -> frozenset[Tag]:
    """The compatibility tags in a wheel's file name.

    Raises:
        InvalidWheelFilename: It is not a wheel's file name.
    """
    return parse_wheel_filename(file_name)[3]


def check_fitness(tags: frozenset[Tag], requires_python: SpecifierSet, where: str) -> tuple[Fault, ...]:
    """Why this interpreter cannot use a well-made wheel; empty `tags` fit always."""
    unfit = []
    if tags and not tags & _own_tags():
        names = ", ".join(sorted(map(str, tags)))
        unfit.append(
            Fault(where, f"is made for another interpreter or platform: {names}", "provide a wheel for this one")
        )
    python = _own_python()
    if not requires_python.contains(python, prereleases=True):
        what = f"requires Python {requires_python}, this one is {python}"
        unfit.append(Fault(where, what, "run another Python, or provide another version"))
    return tuple(unfit)


@functools.cache
def _own_tags() -> frozenset[Tag]:
    return frozenset(sys_tags())


@functools.cache
def _own_python() -> Version:
    return Version(platform.python_version().rstrip("+"))


__all__ = [
    "Core",
    "Entry",
    "InvalidWheelFilename",
    "check_fitness",
    "check_wheel",
    "is_name",
    "read_core",
    "read_entry_point",
    "read_tags",
]
