"""The jobs that wait, in a file. It belongs to the host; plugins import it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple

from hotswap.live import Data


class Job(NamedTuple):
    """What is to be done, without any object of the plugin that wants it done."""

    number: int
    function: str | None
    """The live function that does it; None: the data is an object that does it itself."""
    data: str
    """Live data, as JSON."""


class Queue:
    """Jobs survive reloads, and the end of the process too. A job that is begun when it ends is done again."""

    def __init__(self, file: Path) -> None:
        self._db = sqlite3.connect(file, isolation_level=None)
        self._db.execute(
            "create table if not exists jobs"
            " (number integer primary key autoincrement, function text, data text not null, fault text)"
        )

    def put(self, data: Data, function: str | None = None) -> int:
        """Queue a job, and return its number."""
        done = self._db.execute("insert into jobs (function, data) values (?, ?)", (function, data.to_json()))
        return done.lastrowid or 0

    def waiting(self) -> list[Job]:
        """The oldest first."""
        rows = self._db.execute("select number, function, data from jobs where fault is null order by number")
        return [Job(*row) for row in rows]

    def done(self, job: Job) -> None:
        self._db.execute("delete from jobs where number = ?", (job.number,))

    def set_aside(self, job: Job, fault: str) -> None:
        """Keep a job that cannot be done, out of the way of the others."""
        self._db.execute("update jobs set fault = ? where number = ?", (fault, job.number))

    def put_back(self) -> None:
        """Let what was set aside be tried again."""
        self._db.execute("update jobs set fault = null")

    def close(self) -> None:
        self._db.close()
