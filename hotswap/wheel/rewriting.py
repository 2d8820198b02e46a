"""A wheel with other files than the backend gave it, and with a stamp."""

from __future__ import annotations

import io
import logging
import stat
import zipfile
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from packaging.utils import parse_wheel_filename

from ..errors import BuildError, Fault
from ..model import BuildInfo, Candidate
from .archive import Archive, open_archive
from .files import PackedFiles
from .layout import check_names, place
from .reading import read_wheel
from .recipe import Recipe
from .record import SIGNATURES, Row, check_archive, read_record, row_of, write_record
from .stamping import STAMP, write_stamp
from .tree import SourceFile
from .trimming import Trim, trim

_EARLIEST, _LATEST = datetime(1980, 1, 1, tzinfo=UTC), datetime(2107, 12, 31, tzinfo=UTC)
"""What a zip archive can say of time."""


def finish_wheel(
    built: Path,
    directory: Path,
    sources: Collection[SourceFile],
    recipe: Recipe,
    build: BuildInfo,
    logger: logging.Logger,
) -> Path:
    """Write a wheel as its recipe wants it, with a stamp, into another directory.

    One whose archive or RECORD is at fault is written as it is: verifying it will tell, and a new RECORD would hide it.

    Args:
        built: The wheel as the backend made it.
        directory: Where it is to lie.
        sources: The project's files.
        recipe: Which files it is to have.
        build: What the stamp says.
        logger: Is told each file, and as warnings which expressions matched nothing, or what stays out.

    Raises:
        WheelError: The wheel, or a file that it is to have, cannot be read, or has a name that no wheel may have.
    """
    name, version, _, _ = parse_wheel_filename(built.name)
    read = read_wheel(built, name)
    target = directory / built.name
    archive = open_archive(read.data)
    faults = list(archive.faults)
    names = [member.name for member in archive.members]
    layout = place(names, Candidate(name, version, built, "", ""), faults)
    files = PackedFiles(archive, layout.placed, faults)
    if not faults and layout.dist_info:
        faults += check_archive(archive, files, layout.dist_info)
    if faults or not layout.dist_info or len(names) > len(set(names)):
        target.write_bytes(read.data)
        return target
    dist_info = layout.dist_info
    members = [name for name in names if not name.endswith("/") and not name.startswith(f"{dist_info}/")]
    change = trim(files, members, sources, recipe)
    for sentence in change.notes:
        logger.warning("%s: %s", built.name, sentence)
    for path in change.removed:
        logger.info("%s: excluded %s", built.name, path)
    if unspeakable := check_names(change.added):
        raise BuildError(name, unspeakable)
    for path, file in change.added.items():
        logger.info("%s: included %s as %s", built.name, file.path, path)
    target.write_bytes(_packed(archive, dist_info, change, build, name))
    logger.info("%s: stamped %s", built.name, f"{dist_info}/{STAMP}")
    return target


def _packed(archive: Archive, dist_info: str, change: Trim, build: BuildInfo, plugin: str) -> bytes:
    record, stamp = f"{dist_info}/RECORD", f"{dist_info}/{STAMP}"
    gone = {record, stamp, *(f"{dist_info}/{name}" for name in SIGNATURES), *change.removed}
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive.data)) as old, zipfile.ZipFile(buffer, "w") as new:
        kept = [entry for entry in old.infolist() if entry.filename not in gone and not _is_bare(entry, old, gone)]
        rows = {path: row for path, row in read_record(old.read(record), record, []).items() if path not in gone}
        moment = min(max(build.at, _EARLIEST), _LATEST)
        for entry in kept:
            if not _is_metadata(entry, dist_info):
                _copy(entry, old, new)
        for path, file in change.added.items():
            rows[path] = _write(new, path, _content(file, plugin), moment, 0o755 if file.executable else 0o644)
        for entry in kept:  # the format recommends metadata at the archive's end
            if _is_metadata(entry, dist_info):
                _copy(entry, old, new)
        rows[stamp] = _write(new, stamp, write_stamp(build), moment)
        _write(new, record, write_record({**rows, record: Row("", "")}), moment)
    return buffer.getvalue()


def _is_metadata(entry: zipfile.ZipInfo, dist_info: str) -> bool:
    return entry.filename.startswith(f"{dist_info}/")


def _is_bare(entry: zipfile.ZipInfo, old: zipfile.ZipFile, gone: Collection[str]) -> bool:
    """True for the entry of a directory that has lost its last file: it would become a namespace package."""
    if not entry.is_dir():
        return False
    inside = [name for name in old.namelist() if name.startswith(entry.filename) and not name.endswith("/")]
    return bool(inside) and all(name in gone for name in inside)


def _copy(entry: zipfile.ZipInfo, old: zipfile.ZipFile, new: zipfile.ZipFile) -> None:
    info = zipfile.ZipInfo(entry.filename, entry.date_time)
    info.compress_type, info.external_attr, info.create_system = (
        entry.compress_type,
        entry.external_attr,
        entry.create_system,
    )
    new.writestr(info, old.read(entry))


def _write(new: zipfile.ZipFile, path: str, content: bytes, moment: datetime, mode: int = 0o644) -> Row:
    info = zipfile.ZipInfo(path, moment.timetuple()[:6])
    info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, (stat.S_IFREG | mode) << 16
    info.create_system = 3  # Unix: the mode bits count
    new.writestr(info, content)
    return row_of(content)


def _content(file: SourceFile, plugin: str) -> bytes:
    try:
        return file.path.read_bytes()
    except OSError as error:
        raise BuildError(plugin, [Fault(str(file.path), f"cannot be read: {error.strerror}")]) from None
