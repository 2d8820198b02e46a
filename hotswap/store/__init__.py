"""The installed stage: verified wheels become site dirs, which are complete or absent and never change.

Manifest   --staging, byte code, record, rename--> SiteDir
LibrarySet --the same, several wheels in one-----> LibraryDir
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from hotswap.errors import UsageError
from hotswap.model import HistoryEntry, Library, LibraryDir, LibrarySet, Manifest, SiteDir

from .compiling import ByteCompiler
from .history import History, wheels_of
from .hosts import Hosts, living, used_by
from .installing import Installer
from .layout import DIGEST_DIGITS, Layout, is_digest, site_name
from .libraries import check_libraries, libraries_in, library_name, read_libraries
from .lock import FileLock
from .prune import PruneReport, choose, set_aside
from .record import RECORD
from .site import check_site, read_site

__all__ = ["PruneReport", "Store", "site_name", "used_by", "wheels_of"]


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
        self._whole: dict[Path, tuple[int, ...]] = {}
        """Library dirs that were found complete, with what tells their records from later ones: to look at thousands of
        files again at each reload would take longer than the rest of it."""
        self._verified: dict[str, Library] | None = None

    @property
    def state_dir(self) -> Path:
        """The state dir as an absolute path."""
        return self._layout.root

    @property
    def wheelhouse(self) -> Path:
        """Where wheels lie that were fetched from an index."""
        return self._layout.wheelhouse

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
        places = [self._layout.sites / site_name(manifest) for manifest in manifests]
        missing = self._install(dict(zip(places, manifests, strict=True)), [manifest.digest for manifest in manifests])
        return {
            manifest.plugin: SiteDir(place, manifest, reused=place not in missing)
            for place, manifest in zip(places, manifests, strict=True)
        }

    def install_libraries(self, sets: Iterable[LibrarySet]) -> dict[str, LibraryDir]:
        """Make sure that every set of libraries has its library dir, and hold these until `hold` says otherwise.

        Returns:
            Key -> library dir.

        Raises:
            WheelError: A wheel is not what was verified any more, or two bring the same file; nothing is installed.
            StateDirError: As `install`.
        """
        by_key = {libraries.key: libraries for libraries in sets}
        places = {self._layout.libraries / library_name(libraries): libraries for libraries in by_key.values()}
        missing = self._install(places, list(by_key))
        return {chosen.key: LibraryDir(place, chosen, reused=place not in missing) for place, chosen in places.items()}

    def find_libraries(self, key: str) -> LibrarySet | None:
        """The set of a complete library dir whose wheels may be gone; None if there is none for this interpreter."""
        found = next(self.libraries_starting(key), None) if is_digest(key) else None
        return found.library_set if found is not None else None

    def find_library(self, digest: str) -> Library | None:
        """What was verified of a wheel that lies in a library dir of this interpreter, by its sha256.

        None if it lies in none, or went there after this store has looked at them, which it does once.
        """
        if self._verified is None:
            directory = self._layout.libraries
            self._verified = libraries_in(directory.iterdir()) if directory.is_dir() else {}
        return self._verified.get(digest)

    def libraries_starting(self, key: str) -> Iterator[LibraryDir]:
        """The complete library dirs, for this interpreter, of sets whose keys begin so; not held, as in `find`."""
        for directory in self._layout.libraries.glob(f"*-{key[:DIGEST_DIGITS]}*"):
            libraries = read_libraries(directory)
            if libraries is not None and libraries.key.startswith(key):
                yield LibraryDir(directory, libraries, reused=True)

    def find(self, digest: str) -> SiteDir | None:
        """The complete site dir of a wheel that may be gone itself; None if there is none for this interpreter.

        It is not held: pass its manifest to `install` before it is used.
        """
        return next(self.starting(digest), None) if is_digest(digest) else None

    def starting(self, digest: str) -> Iterator[SiteDir]:
        """The complete site dirs, for this interpreter, of wheels whose digests begin so; see `find`."""
        for site in self._layout.sites.glob(f"*-{digest[:DIGEST_DIGITS]}*"):
            manifest = read_site(site, digest)
            if manifest is not None:
                yield SiteDir(site, manifest, reused=True)

    def hold(self, digests: Collection[str]) -> None:
        """Say what this process uses, so that no process prunes it; replaces what was said before.

        Args:
            digests: Of the wheels of site dirs, and keys of library dirs.

        Raises:
            StateDirError: It cannot be written.
        """
        with self._layout.faults("holding site dirs"):
            self._hosts.set(digests)

    def prune(self, keep: Collection[str] = (), *, dry_run: bool = False) -> PruneReport:
        """Remove what no remembered generation had and no living process holds: site dirs and library dirs, of all
        interpreters, and fetched wheels that are in none of these.

        Args:
            keep: Digests of wheels whose site dirs stay as well, and keys of library dirs.
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

    def _install(
        self, wanted: Mapping[Path, Manifest | LibrarySet], digests: Sequence[str]
    ) -> Mapping[Path, Manifest | LibrarySet]:
        """Make what is not there; returns what was not."""
        if not wanted:
            return {}
        with self._layout.faults("installing"):
            # Held before looked at: from here on nobody prunes what is found complete.
            self._hosts.add(digests)
            missing = self._missing(wanted)
            if missing:
                with self._changing():
                    missing = self._missing(missing, log=True)  # somebody may have installed some meanwhile
                    if missing:
                        self._installer.install(missing)
                        self._whole |= {
                            p: _identity(p / RECORD) for p, c in missing.items() if isinstance(c, LibrarySet)
                        }
        return missing

    def _missing(
        self, wanted: Mapping[Path, Manifest | LibrarySet], *, log: bool = False
    ) -> dict[Path, Manifest | LibrarySet]:
        flaws = {
            place: self._check_libraries(place, content)
            if isinstance(content, LibrarySet)
            else check_site(place, content)
            for place, content in wanted.items()
        }
        for place, why in flaws.items():
            if why and log:
                kind = "library dir" if isinstance(wanted[place], LibrarySet) else "site dir"
                self._logger.warning("%s %s is damaged and installed again: %s", kind, place.name, why)
        return {place: wanted[place] for place, why in flaws.items() if why is not None}

    def _check_libraries(self, place: Path, libraries: LibrarySet) -> str | None:
        now = _identity(place / RECORD)
        if now and self._whole.get(place) == now:
            return None
        why = check_libraries(place, libraries)
        if why is None:
            self._whole[place] = now
        return why

    def _remembered(self) -> set[str]:
        made = (entry for entry in self._history.entries() if entry.generation is not None)
        return {key for entry in made for plugin in entry.plugins for key in (plugin.digest, plugin.libraries) if key}


def _identity(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
