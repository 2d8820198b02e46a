"""From a verified wheel, or an installed distribution, to the files of a site dir.

wheel file --read once, sha256--> members --place--> site paths --> files
installed tree ----------------> members (sha256 each) --^
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from hotswap.errors import Fault, WheelError
from hotswap.model import Candidate, Manifest, TreeFile

from .site import RECORD

INSTALLER = "INSTALLER"
_CHANGED = "changed since it was verified"
_AGAIN = "reload again"

Read = Callable[[], tuple[bytes, bool]]
"""Gives a member's content, and whether it is executable."""


def unpack(manifest: Manifest, target: Path) -> dict[str, int]:
    """Write the files of a verified wheel or installed distribution into a new directory.

    Shipped `__pycache__` is left out, `.data/purelib` and `.data/platlib` go to the root, INSTALLER says hotswap.

    Returns:
        Relative POSIX path -> size in bytes of each file written.

    Raises:
        WheelError: The content is not what was verified; nothing has been written if a path is at fault.
        OSError: The target cannot be written.
    """
    candidate = manifest.candidate
    members = _wheel_members(manifest) if candidate.tree is None else _tree_members(manifest, candidate.tree)
    placed = _place(manifest, members)
    sizes: dict[str, int] = {}
    made: set[str] = set()
    for relative, read in placed.items():
        content, executable = read()
        _write(f"{target}/{relative}", content, executable, made)
        sizes[relative] = len(content)
    return sizes


def _changed(manifest: Manifest, path: Path, why: str = "") -> WheelError:
    fault = Fault(str(path), f"{_CHANGED}: {why}" if why else _CHANGED, _AGAIN)
    return WheelError(manifest.plugin, [fault], stage="installed")


def _read(manifest: Manifest, path: Path, sha256: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _changed(manifest, path, error.strerror or str(error)) from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise _changed(manifest, path)
    return content


def _wheel_members(manifest: Manifest) -> list[tuple[str, Read]]:
    candidate = manifest.candidate
    content = _read(manifest, candidate.path, manifest.digest)
    archive = zipfile.ZipFile(io.BytesIO(content))  # the content is known by its digest, so it has been checked
    return [(info.filename, _reader(archive, info)) for info in archive.infolist() if not info.is_dir()]


def _reader(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Read:
    return lambda: (archive.read(info), bool(info.external_attr >> 16 & 0o111))


def _tree_members(manifest: Manifest, tree: Iterable[TreeFile]) -> list[tuple[str, Read]]:
    def copying(file: TreeFile) -> Read:
        return lambda: (_read(manifest, file.path, file.sha256), os.access(file.path, os.X_OK))

    return [(file.relative, copying(file)) for file in tree]


def _place(manifest: Manifest, members: Iterable[tuple[str, Read]]) -> dict[str, Read]:
    data = manifest.dist_info.removesuffix(".dist-info") + ".data"
    roots = (f"{data}/purelib/", f"{data}/platlib/")
    own = {f"{manifest.dist_info}/{name}" for name in (INSTALLER, RECORD)}
    placed: dict[str, Read] = {}
    faults = []
    for name, read in members:
        relative = next((name.removeprefix(root) for root in roots if name.startswith(root)), name)
        parts = relative.split("/")
        if not {"", ".", ".."}.isdisjoint(parts) or "\\" in relative or "\0" in relative:
            faults.append(Fault(_where(manifest.candidate, name), "would lie outside its site dir"))
        elif relative in placed:
            faults.append(Fault(_where(manifest.candidate, name), f"{relative} is there twice"))
        elif "__pycache__" not in parts and relative not in own:
            placed[relative] = read
    if not any(relative.startswith(f"{manifest.dist_info}/") for relative in placed):
        faults.append(Fault(str(manifest.candidate.path), f"has no directory {manifest.dist_info}"))
    if faults:
        raise WheelError(manifest.plugin, faults, stage="installed")
    placed[f"{manifest.dist_info}/{INSTALLER}"] = lambda: (b"hotswap\n", False)
    return placed


def _where(candidate: Candidate, name: str) -> str:
    return f"{candidate.path}, member {name!r}"


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
