"""What was loaded when: one JSON object a line, oldest first."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from hotswap.model import HistoryEntry, RememberedPlugin


def _known(kind: type[HistoryEntry | RememberedPlugin], data: dict[str, Any]) -> dict[str, Any]:
    """The fields this version knows; a newer one may have written more."""
    return {field.name: data[field.name] for field in fields(kind) if field.name in data}


def _entry(line: bytes) -> HistoryEntry:
    data = _known(HistoryEntry, json.loads(line))
    plugins = tuple(RememberedPlugin(**_known(RememberedPlugin, plugin)) for plugin in data.pop("plugins", ()))
    return HistoryEntry(plugins=plugins, **data)


def _line(entry: HistoryEntry) -> bytes:
    return json.dumps(asdict(entry), separators=(",", ":")).encode() + b"\n"


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


class History:
    """The last loads, reloads and rollbacks."""

    def __init__(self, path: Path, *, keep: int, staging: Path, logger: logging.Logger) -> None:
        self._path = path
        self._keep = keep
        self._staging = staging
        self._logger = logger

    def entries(self) -> tuple[HistoryEntry, ...]:
        """The last entries, oldest first; a line that cannot be read is passed over, a torn last one silently."""
        entries = []
        for number, line in enumerate(self._lines(), 1):
            try:
                entries.append(_entry(line))
            except (ValueError, TypeError, AttributeError) as error:
                self._logger.warning("%s, line %d is passed over: %s", self._path, number, error)
        return tuple(entries[-self._keep :])

    def append(self, entry: HistoryEntry) -> None:
        """Add one entry with one write, which repairs a torn last line; only for the holder of the lock."""
        lines = self._lines()
        if len(lines) >= 2 * self._keep:
            self._replace([*lines[len(lines) + 1 - self._keep :], _line(entry)])
            return
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_APPEND, 0o600)
        try:
            end = sum(map(len, lines))
            os.ftruncate(descriptor, end)
            try:
                _write(descriptor, _line(entry))
            except OSError:
                os.ftruncate(descriptor, end)
                raise
        finally:
            os.close(descriptor)

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
