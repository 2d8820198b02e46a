"""Where things lie in a state dir.

lock                              held by whoever changes anything below
sites/<cache tag>/<site name>/    complete site dirs
libraries/<cache tag>/<name>/     complete library dirs
wheelhouse/                       wheels that were fetched from an index
staging/                          half-made ones; garbage to everyone but the holder of the lock
builds/                           scratch for builders
history.jsonl
hosts/<pid>-<random>.json         which site dirs a living process uses
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hotswap.errors import Fault, StateDirError, WheelError
from hotswap.model import Manifest

DIGEST_DIGITS = 16
"""How much of the digest a site dir's name shows; the rest is compared when it is used."""

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_DIGEST = re.compile(r"[0-9a-f]{64}")

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


def site_name(manifest: Manifest) -> str:
    """Name of the site dir of a wheel: `<name>-<version>-<first 16 digits of the digest>`.

    Raises:
        WheelError: Name or digest is not in the form that makes a safe directory name.
    """
    if faults := check_safe(manifest.candidate.path, manifest.name, manifest.digest):
        raise WheelError(manifest.plugin, faults, stage="installed")
    return f"{manifest.name}-{manifest.version}-{manifest.digest[:DIGEST_DIGITS]}"


def check_safe(path: Path, name: str, digest: str) -> list[Fault]:
    """What keeps a wheel's name and digest from making a safe directory name."""
    forms = (("name", name, _NAME.fullmatch(name) is not None), ("digest", digest, is_digest(digest)))
    return [Fault(str(path), f"{what} {value!r} cannot name a directory") for what, value, safe in forms if not safe]


def is_digest(value: object) -> bool:
    """True for a sha256 in hexadecimal."""
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


class Layout:
    """The paths in one state dir."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.lock = self.root / "lock"
        self.all_sites = self.root / "sites"
        level = f".opt-{sys.flags.optimize}" if sys.flags.optimize else ""
        # A site dir never changes, so each optimisation level has its own, named as in PEP 488.
        self.sites = self.all_sites / f"{sys.implementation.cache_tag}{level}"
        self.all_libraries = self.root / "libraries"
        self.libraries = self.all_libraries / self.sites.name
        self.wheelhouse = self.root / "wheelhouse"
        self.staging = self.root / "staging"
        self.builds = self.root / "builds"
        self.history = self.root / "history.jsonl"
        self.hosts = self.root / "hosts"

    def make(self) -> None:
        """Make what is missing; the root is for its owner alone, because what lies in it is executed."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for directory in (self.sites, self.libraries, self.staging, self.builds, self.hosts):
            directory.mkdir(parents=True, exist_ok=True)

    def others_may_write(self) -> bool:
        """True if somebody else may put code there, which would be executed."""
        try:
            status = self.root.stat()
        except OSError:
            return False
        return bool(status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)) or status.st_uid not in (os.getuid(), 0)

    def staged(self, name: str) -> Path:
        """A path in staging that nobody has used: the helper of a killed process may still write to old ones."""
        return self.staging / f"{name}.{secrets.token_hex(4)}"

    def sweep(self) -> None:
        """Remove what lies in staging as far as it can be removed now; only for the holder of the lock."""
        for leftover in self.staging.iterdir():
            if leftover.is_dir() and not leftover.is_symlink():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                leftover.unlink()

    @contextmanager
    def faults(self, doing: str) -> Iterator[None]:
        """Turn what the operating system refuses into an error that names this state dir and the way out.

        Raises:
            StateDirError: Not writable, out of space, or out of order.
        """
        try:
            yield
        except OSError as error:
            way_out = "choose another state dir"
            if error.errno in _FULL:
                way_out = f"free some space, prune it, or {way_out}"
            elif error.errno in _FORBIDDEN:
                way_out = f"make it writable, or {way_out}"
            cause = error.strerror or str(error)
            where = f" ({error.filename})" if error.filename else ""
            raise StateDirError(f"state dir {self.root}: {doing}: {cause}{where}; {way_out}") from error
