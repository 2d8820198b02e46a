"""From verified wheels, or an installed distribution, to the files of a site dir or library dir.

wheel file --read once, sha256--> members --place--> site paths --> files
installed tree ----------------> members (sha256 each) --^
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hotswap.errors import Fault, WheelError
from hotswap.model import Library, Manifest, TreeFile

from .record import RECORD

INSTALLER = "INSTALLER"
_CHANGED = "changed since it was verified"
_AGAIN = "reload again"

Read = Callable[[], tuple[bytes, bool]]
"""Gives a member's content, and whether it is executable."""


@dataclass(frozen=True, slots=True)
class Packed:
    """What is to be unpacked: a wheel file, or an installed distribution."""

    label: str
    """Whose it is, for messages."""
    path: Path
    digest: str
    dist_info: str
    tree: tuple[TreeFile, ...] | None = None

    @classmethod
    def of(cls, wheel: Manifest | Library) -> Packed:
        """What a plugin or a library comes as."""
        if isinstance(wheel, Library):
            return cls(wheel.label, wheel.path, wheel.digest, wheel.dist_info)
        return cls(wheel.plugin, wheel.candidate.path, wheel.digest, wheel.dist_info, wheel.candidate.tree)


def unpack(wheels: Iterable[Packed], target: Path) -> dict[str, int]:
    """Write the files of verified wheels, or of an installed distribution, into one directory.

    Shipped `__pycache__` is left out, `.data/purelib` and `.data/platlib` go to the root, INSTALLER says hotswap. A
    file that several bring is written once, if its content is the same, or if it is what old namespace packages put
    into each of their wheels.

    Returns:
        Relative POSIX path -> size in bytes of each file written.

    Raises:
        WheelError: The content is not what was verified, or two wheels bring different files of one name; nothing has
            been written if a path is at fault.
        OSError: The target cannot be written.
    """
    owners: dict[str, Packed] = {}
    placed: dict[str, Read] = {}
    faults: list[Fault] = []
    clashing: dict[str, None] = {}
    for wheel in wheels:
        for relative, read in place(wheel).items():
            if relative not in owners:
                owners[relative], placed[relative] = wheel, read
                continue
            mine, others = read()[0], placed[relative]()[0]
            if mine != others and not (is_legacy_namespace(relative, mine) and is_legacy_namespace(relative, others)):
                other = owners[relative]
                what = f"is another file in {other.label} ({other.path.name}) and in {wheel.label} ({wheel.path.name})"
                clashing |= {other.label: None, wheel.label: None}
                faults.append(Fault(relative, what, "let the host provide one of them, or take another version"))
    if faults:
        names = " and ".join(clashing)
        raise WheelError(names, faults, stage="installed", head=f"{names} cannot lie in one directory")
    return write_files(placed, target)


def is_legacy_namespace(relative: str, content: bytes) -> bool:
    """True for the `__init__.py` of a namespace package as before PEP 420, which each of its distributions brings."""
    if not relative.endswith("/__init__.py"):
        return False
    return b"extend_path" in content or b"declare_namespace" in content


def write_files(placed: Mapping[str, Read], target: Path) -> dict[str, int]:
    """Write files below a directory; relative POSIX path -> size in bytes."""
    sizes: dict[str, int] = {}
    made: set[str] = set()
    for relative, read in placed.items():
        content, executable = read()
        _write(f"{target}/{relative}", content, executable, made)
        sizes[relative] = len(content)
    return sizes


def _changed(packed: Packed, path: Path, why: str = "") -> WheelError:
    fault = Fault(str(path), f"{_CHANGED}: {why}" if why else _CHANGED, _AGAIN)
    return WheelError(packed.label, [fault], stage="installed")


def _read(packed: Packed, path: Path, sha256: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _changed(packed, path, error.strerror or str(error)) from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise _changed(packed, path)
    return content


def _wheel_members(packed: Packed) -> list[tuple[str, Read]]:
    content = _read(packed, packed.path, packed.digest)
    archive = zipfile.ZipFile(io.BytesIO(content))  # the content is known by its digest, so it has been checked
    return [(info.filename, _reader(archive, info)) for info in archive.infolist() if not info.is_dir()]


def _reader(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Read:
    return lambda: (archive.read(info), bool(info.external_attr >> 16 & 0o111))


def _tree_members(packed: Packed, tree: Iterable[TreeFile]) -> list[tuple[str, Read]]:
    def copying(file: TreeFile) -> Read:
        return lambda: (_read(packed, file.path, file.sha256), os.access(file.path, os.X_OK))

    return [(file.relative, copying(file)) for file in tree]


def place(packed: Packed) -> dict[str, Read]:
    """Relative POSIX path -> how to read what belongs there.

    Raises:
        WheelError: The content is not what was verified, or a path leads out.
    """
    members = _wheel_members(packed) if packed.tree is None else _tree_members(packed, packed.tree)
    data = packed.dist_info.removesuffix(".dist-info") + ".data"
    roots = (f"{data}/purelib/", f"{data}/platlib/")
    own = {f"{packed.dist_info}/{name}" for name in (INSTALLER, RECORD)}
    placed: dict[str, Read] = {}
    faults = []
    for name, read in members:
        relative = next((name.removeprefix(root) for root in roots if name.startswith(root)), name)
        parts = relative.split("/")
        if not {"", ".", ".."}.isdisjoint(parts) or "\\" in relative or "\0" in relative:
            faults.append(Fault(_where(packed, name), "would lie outside its site dir"))
        elif relative in placed:
            faults.append(Fault(_where(packed, name), f"{relative} is there twice"))
        elif "__pycache__" not in parts and relative not in own:
            placed[relative] = read
    if not any(relative.startswith(f"{packed.dist_info}/") for relative in placed):
        faults.append(Fault(str(packed.path), f"has no directory {packed.dist_info}"))
    if faults:
        raise WheelError(packed.label, faults, stage="installed")
    placed[f"{packed.dist_info}/{INSTALLER}"] = lambda: (b"hotswap\n", False)
    return placed


def _where(packed: Packed, name: str) -> str:
    return f"{packed.path}, member {name!r}"


def _write(path: str, content: bytes, executable: bool, made: set[str]) -> None:
    folder = path.rpartition("/")[0]
    if folder not in made:
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - Path objects would cost as much as the writing
        made.add(folder)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o777 if executable else 0o666)
    try:
        with open(descriptor, "wb", buffering=0) as file:  # noqa: PTH123
            view = memoryview(content)
            while view:
                view = view[file.write(view) :]
    except OSError as error:
        error.filename = path  # writing knows only the descriptor
        raise
