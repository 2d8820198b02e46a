"""The installed stage: verified wheels become site dirs, which are complete or absent and never change.

Manifest --staging, byte code, record, rename--> SiteDir
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from hotswap.errors import UsageError
from hotswap.model import HistoryEntry, Manifest, SiteDir

from .compiling import ByteCompiler
from .history import History
from .hosts import Hosts, living
from .installing import Installer
from .layout import DIGEST_DIGITS, Layout, is_digest, site_name
from .lock import FileLock
from .prune import PruneReport, choose, set_aside
from .site import check, find_record, flaw

__all__ = ["PruneReport", "Store", "site_name"]


class Store:
    """A state dir: site dirs, history, and who uses what; shared by threads and processes (POSIX only).

    Args:
        state_dir: Made on demand, for its owner alone.
        logger: Where to say what was damaged, repaired or left out.
        lock_timeout: Seconds to wait for another process or thread that changes the state dir.
        keep_history: How many loads, reloads and rollbacks are remembered, and their site dirs kept by `prune`.
        helper_idle: Seconds after which the idle byte-compiling helper ends.

    Raises:
        UsageError: `keep_history` is less than 1.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        logger: logging.Logger | None = None,
        lock_timeout: float = 60.0,
        keep_history: int = 50,
        helper_idle: float = 60.0,
    ) -> None:
        if not isinstance(keep_history, int) or keep_history < 1:
            raise UsageError(f"keep_history must be a number, 1 or more, not {keep_history!r}")
        self._logger = logger or logging.getLogger("hotswap.store")
        self._layout = Layout(Path(state_dir))
        if self._layout.others_may_write():
            self._logger.warning(
                "%s: others may write here, and what lies here is executed: chmod 700", self._layout.root
            )
        self._lock = FileLock(self._layout.lock, lock_timeout)
        self._hosts = Hosts(self._layout, lock_timeout)
        self._compiler = ByteCompiler(logger=self._logger, idle=helper_idle)
        self._installer = Installer(self._layout, self._compiler)
        self._history = History(
            self._layout.history, keep=keep_history, staging=self._layout.staging, logger=self._logger
        )

    @property
    def state_dir(self) -> Path:
        """The state dir as an absolute path."""
        return self._layout.root

    @property
    def scratch(self) -> Path:
        """A directory for builders, on the same file system; what lies there for more than an hour may be pruned.

        Raises:
            StateDirError: It cannot be made.
        """
        with self._layout.faults("making the state dir"):
            self._layout.make()
        return self._layout.builds

    def site_name(self, manifest: Manifest) -> str:
        """Name of the site dir of a wheel.

        Raises:
            WheelError: Name or digest is not in the form that makes a safe directory name.
        """
        return site_name(manifest)

    def install(self, manifests: Sequence[Manifest]) -> dict[str, SiteDir]:
        """Make sure that every wheel has its site dir, and hold these until `hold` says otherwise.

        Returns:
            Plugin name -> site dir, in the order given.

        Raises:
            WheelError: A wheel is not what was verified any more; all faults of all wheels, nothing is installed.
            StateDirError: Not writable, out of space, locked for too long, or two digests begin alike.
        """
        names = [site_name(manifest) for manifest in manifests]
        with self._layout.faults("installing"):
            # Held before looked at: from here on nobody prunes what is found complete.
            self._hosts.add([manifest.digest for manifest in manifests])
            missing = self._missing(dict(zip(names, manifests, strict=True)))
            if missing:
                with self._changing():
                    missing = self._missing(missing, log=True)  # somebody may have installed some meanwhile
                    self._installer.install(missing)
        return {
            manifest.plugin: SiteDir(self._layout.sites / name, manifest, reused=name not in missing)
            for name, manifest in zip(names, manifests, strict=True)
        }

    def find(self, digest: str) -> SiteDir | None:
        """The complete site dir of a wheel that may be gone itself; None if there is none for this interpreter.

        It is not held: pass its manifest to `install` before it is used.
        """
        ending = digest[:DIGEST_DIGITS]
        for site in self._layout.sites.glob(f"*-{ending}") if is_digest(digest) else ():
            record = find_record(site)
            if record and record.digest == digest and flaw(site, record) is None and (manifest := record.manifest()):
                return SiteDir(site, manifest, reused=True)
        return None

    def hold(self, digests: Collection[str]) -> None:
        """Say which wheels' site dirs this process uses, so that no process prunes them; replaces what was said before.

        Raises:
            StateDirError: It cannot be written.
        """
        with self._layout.faults("holding site dirs"):
            self._hosts.set(digests)

    def prune(self, keep: Collection[str] = (), *, dry_run: bool = False) -> PruneReport:
        """Remove the site dirs, of all interpreters, that no remembered generation had and no living process holds.

        Args:
            keep: Digests of wheels whose site dirs stay as well.
            dry_run: Only say what would be removed.

        Raises:
            StateDirError: Not writable, locked for too long, or what a living process holds cannot be told.
        """
        with self._layout.faults("pruning"), self._changing():
            with self._hosts.lock.held():
                hosts = living(self._layout.hosts)
                report, unused = choose(self._layout, {*keep, *hosts.digests, *self._remembered()})
                if not dry_run:
                    set_aside(self._layout, [*unused, *hosts.dead])
            self._layout.sweep()
        return report

    def append(self, entry: HistoryEntry) -> None:
        """Remember a load, reload or rollback.

        Raises:
            StateDirError: It cannot be written; the history is as before.
        """
        with self._layout.faults("writing the history"):
            self._layout.make()
            with self._lock.held():
                self._history.append(entry)

    def entries(self) -> tuple[HistoryEntry, ...]:
        """What is remembered, oldest first; at most `keep_history` entries.

        Raises:
            StateDirError: It cannot be read.
        """
        with self._layout.faults("reading the history"):
            return self._history.entries()

    def close(self) -> None:
        """End the helper process and hold nothing any more; using the store again undoes it."""
        self._compiler.close()
        with self._layout.faults("closing"):
            self._hosts.close()

    @contextmanager
    def _changing(self) -> Iterator[None]:
        self._layout.make()
        with self._lock.held():
            self._layout.sweep()
            yield

    def _missing(self, manifests: Mapping[str, Manifest], *, log: bool = False) -> dict[str, Manifest]:
        flaws = {name: check(self._layout.sites / name, manifest) for name, manifest in manifests.items()}
        for name, why in flaws.items():
            if why and log:
                self._logger.warning("site dir %s is damaged and installed again: %s", name, why)
        return {name: manifests[name] for name, why in flaws.items() if why is not None}

    def _remembered(self) -> set[str]:
        made = (entry for entry in self._history.entries() if entry.generation is not None)
        return {plugin.digest for entry in made for plugin in entry.plugins}
