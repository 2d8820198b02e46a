"""What was loaded when: one JSON object a line, oldest first."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

from hotswap.model import HistoryEntry, RememberedPlugin

_ENTRY = tuple(field.name for field in fields(HistoryEntry))
_PLUGIN = tuple(field.name for field in fields(RememberedPlugin))


def _known(kind: type[HistoryEntry | RememberedPlugin], data: dict[str, Any]) -> dict[str, Any]:
    """The fields this version knows; a newer one may have written more."""
    return {field.name: data[field.name] for field in fields(kind) if field.name in data}


def _entry(line: bytes) -> HistoryEntry:
    data = _known(HistoryEntry, json.loads(line))
    plugins = tuple(RememberedPlugin(**_known(RememberedPlugin, plugin)) for plugin in data.pop("plugins", ()))
    return HistoryEntry(plugins=plugins, **data)


def _line(entry: HistoryEntry) -> bytes:
    data = {name: getattr(entry, name) for name in _ENTRY}  # `asdict` copies every text: 25 times as long
    data["plugins"] = [{name: getattr(plugin, name) for name in _PLUGIN} for plugin in entry.plugins]
    return json.dumps(data, separators=(",", ":")).encode() + b"\n"


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def wheels_of(entry: HistoryEntry) -> set[tuple[str, str, str]]:
    """What tells one remembered generation from another: name, digest, and key of the libraries of each plugin."""
    return {(plugin.name, plugin.digest, plugin.libraries) for plugin in entry.plugins}


_Mark = tuple[int, int, int]


def _mark(status: os.stat_result) -> _Mark:
    return status.st_ino, status.st_size, status.st_mtime_ns


class History:
    """The last loads, reloads and rollbacks."""

    def __init__(self, path: Path, *, keep: int, staging: Path, logger: logging.Logger) -> None:
        self._path = path
        self._keep = keep
        self._staging = staging
        self._logger = logger
        self._left: tuple[_Mark, int] | None = None
        """The file as the last append left it, and how many lines it had."""

    def entries(self) -> tuple[HistoryEntry, ...]:
        """The last entries, oldest first; a line that cannot be read is passed over, a torn last one silently."""
        return tuple(entry for _, entry in self._kept(self._lines()))

    def append(self, entry: HistoryEntry) -> None:
        """Add one entry with one write, which repairs a torn last line; only for the holder of the lock."""
        count, end = self._extent()
        if count >= 2 * self._keep:
            self._replace([line for line, _ in self._kept([*self._lines(), _line(entry)])])
            return
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_APPEND, 0o600)
        try:
            os.ftruncate(descriptor, end)
            try:
                _write(descriptor, _line(entry))
            except OSError:
                os.ftruncate(descriptor, end)
                raise
            self._left = _mark(os.fstat(descriptor)), count + 1
        finally:
            os.close(descriptor)

    def _kept(self, lines: Iterable[bytes]) -> list[tuple[bytes, HistoryEntry]]:
        """The last entries, and before them, however old it is, what a rollback would go back to.

        Without that, a host that looks for changes every second would soon remember nothing but that there were none.
        """
        read: list[tuple[bytes, HistoryEntry]] = []
        for number, line in enumerate(lines, 1):
            try:
                read.append((line, _entry(line)))
            except (ValueError, TypeError, AttributeError, KeyError):
                self._logger.warning("%s, line %d is passed over: it is no entry of a history", self._path, number)
        last = read[-self._keep :]
        made = [pair for pair in read if pair[1].generation is not None]
        if made and len(read) > len(last):
            newest = wheels_of(made[-1][1])
            if all(wheels_of(entry) == newest for _, entry in last if entry.generation is not None):
                # The newest one too, if only failures came after it: else nobody could tell what it was.
                older = [pair for pair in made if wheels_of(pair[1]) != newest][-1:]
                return [*older, *([] if made[-1] in last else [made[-1]]), *last]
        return last

    def _extent(self) -> tuple[int, int]:
        """How many whole lines there are, and where the last one ends."""
        try:
            mark = _mark(self._path.stat())
            if self._left is not None and self._left[0] == mark:
                return self._left[1], mark[1]  # with many plugins the file has many megabytes
            content = self._path.read_bytes()
        except FileNotFoundError:
            return 0, 0
        return content.count(b"\n"), content.rfind(b"\n") + 1

    def _lines(self) -> list[bytes]:
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return []
        return [line + b"\n" for line in content.split(b"\n")[:-1]]

    def _replace(self, lines: Iterable[bytes]) -> None:
        fresh = self._staging / self._path.name
        fresh.write_bytes(b"".join(lines))
        fresh.replace(self._path)
