"""The livex demo, as a user runs it."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from demokit import Demo, Host, diffs

QUEUED = r"job (\d+) is queued by guardian (\S+): .*"
DONE = r"job (\d+) is done by guardian (\S+): .*"


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = Demo("livex", tmp_path)
    yield demo
    demo.end()


def jobs(host: Host, pattern: str) -> dict[int, str]:
    """What a pattern's second group has found for each job, by the job's number."""
    return {int(number): found for number, found in re.findall(pattern, host.printed)}


@pytest.mark.slow
def test_queued_jobs_survive_a_reload(demo: Demo) -> None:
    """Jobs that 1.0 has queued are done by 1.1 in their order, each with its own number of shots under its new name."""
    host = demo.run("--backlog", "6")
    assert host.prints("is done by guardian 1.0: Bang!"), host.printed
    for change in diffs(demo.root / "README.md"):
        demo.edit(*change)
    assert re.search("guardian +reloaded", demo.reload())
    assert host.prints("job .* is queued by guardian 1.1: LiveFire"), host.printed
    assert host.prints(f"job {max(jobs(host, QUEUED))} is done by guardian 1.1"), host.printed
    assert host.ends(), host.printed

    queued, done = jobs(host, QUEUED), jobs(host, DONE)
    assert list(done) == list(range(1, len(done) + 1))
    handed_on = [number for number in done if queued[number] != done[number]]
    assert len(handed_on) == 6
    fired = jobs(host, r"job (\d+) is queued by guardian 1\.0: LiveFire\(n=(\d)\)")
    heard = jobs(host, r"job (\d+) is done by guardian 1\.1: (Boom!.*)")
    assert [heard.get(number, "").count("Boom!") for number in handed_on] == [
        int(fired.get(number, "0")) for number in handed_on
    ]
    assert not re.search("set aside|Traceback|Error", host.printed)


@pytest.mark.slow
def test_queued_jobs_survive_the_host(demo: Demo) -> None:
    """When the host is killed, the next one goes on with the jobs that waited, by a newer version of the plugin."""
    host = demo.run("--backlog", "6")
    assert host.prints("is done by guardian 1.0: Bang!"), host.printed
    host.kill()
    left = sorted(jobs(host, QUEUED).keys() - jobs(host, DONE).keys())
    assert len(left) >= 6

    for change in diffs(demo.root / "README.md"):
        demo.edit(*change)
    host = demo.run("--backlog", "6")
    assert host.prints(f"job {left[-1]} is done by guardian 1.1"), host.printed
    assert host.ends(), host.printed
    assert set(jobs(host, DONE)) >= set(left)
    assert set(jobs(host, DONE).values()) == {"1.1"}
    assert "set aside" not in host.printed


@pytest.mark.slow
def test_a_job_that_does_not_fit(demo: Demo) -> None:
    """Data that cannot be read is set aside with the reason, and done once a version with a migration is loaded."""
    changes = diffs(demo.root / "README.md")
    host = demo.run("--backlog", "6")
    assert host.prints("is done by guardian 1.0: Bang!"), host.printed
    with contextlib.closing(sqlite3.connect(demo.root / ".run/jobs.sqlite", isolation_level=None)) as queue:
        queue.execute("insert into jobs (data) values ('no data')")
    assert host.prints("is set aside: LiveDataError: this is no live data: not JSON"), host.printed
    for change in changes[:3]:
        demo.edit(*change)
    demo.reload()
    aside = host.next(r"job (\d+) is set aside: .* by guardian 1\.0, .* by guardian 1\.1, .* LiveFire\.shots: missing")
    assert aside is not None, host.printed
    assert host.prints("is done by guardian 1.1: .* is here"), host.printed

    for change in changes[3:]:
        demo.edit(*change)
    demo.reload()
    assert host.prints(f"job {aside[1]} is done by guardian 1.1: Boom!"), host.printed
    assert host.ends(), host.printed
