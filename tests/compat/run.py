"""Well-known packages in two versions side by side, and their own test suites, in realms of one process.

    python tests/compat/run.py [NAMES...] [--cache DIR] [--write] [--suites | --cases]

Every case runs in processes of its own, so that a crash of C code is a result. The exit status is 1 if a result is not
the one that `expectations.toml` records.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from catalogue import CASES, HERE, PYTHON, SUITES, Case, Suite
from environment import CHECKOUT, Cache
from table import write_table

SECONDS = 400
"""What one process may take, on a machine that is busy with other things."""
ORDERS = ("host-first", "host-last")


def main() -> int:
    """Run what is asked for; see the module's docstring."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help="cases and suites (default: all)")
    place = os.environ.get("HOTSWAP_COMPAT_CACHE", CHECKOUT / ".tox" / "compat-cache")
    parser.add_argument("--cache", type=Path, default=place, help="where wheels and results are kept")
    parser.add_argument(
        "--write", action="store_true", help="write docs/compatibility.md from all results that are kept"
    )
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--cases", action="store_true", help="no test suites")
    only.add_argument("--suites", action="store_true", help="test suites only")
    asked = parser.parse_args()
    jobs: list[Case | Suite] = [] if asked.suites else [case for case in CASES if PYTHON in case.pythons]
    jobs += [] if asked.cases else SUITES
    if asked.names and (unknown := set(asked.names) - {job.name for job in jobs}):
        parser.error(f"no such case or suite: {', '.join(sorted(unknown))}")
    jobs = [job for job in jobs if not asked.names or job.name in asked.names]
    started = time.monotonic()
    cache = Cache(asked.cache)
    cache.make_host()
    with cache.snapshot() as hotswap:
        os.environ["PYTHONPATH"] = str(hotswap)  # in the processes that are started
        surprises = run_all(jobs, cache, asked.jobs)
    seconds = f"{time.monotonic() - started:.0f} s"
    print(f"{len(jobs)} in {seconds}, Python {PYTHON}; not as expected: {', '.join(surprises) or 'none'}")
    if asked.write:
        write_table(cache.results, CHECKOUT / "docs" / "compatibility.md")
    return 1 if surprises else 0


def run_all(jobs: Sequence[Case | Suite], cache: Cache, at_a_time: int) -> list[str]:
    """Run, print and keep the results; the names of those that are not as expected."""
    kept = cache.results / f"{PYTHON}.json"
    found: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {"cases": {}, "suites": {}}
    found["python"] = platform.python_version()
    expected = tomllib.loads((HERE / "expectations.toml").read_text("utf-8"))
    surprises = []
    with ThreadPoolExecutor(at_a_time) as pool:
        for job, result in zip(jobs, pool.map(lambda job: run_one(job, cache), jobs), strict=True):
            kind = "cases" if isinstance(job, Case) else "suites"
            if isinstance(job, Suite):
                compare_with_known(result, expected["known"].get(job.name, []))
            hoped = expectation(expected[kind], job.name)
            print(f"{job.name:26} {result['seconds']:6.1f} s  {result['result'][:500]}", flush=True)
            if not as_expected(result["result"], hoped):
                surprises.append(job.name)
                print(f"{'':37}^ expected: {hoped}", flush=True)
            found[kind][job.name] = result
            kept.write_text(json.dumps(found, indent=1))
    return surprises


def run_one(job: Case | Suite, cache: Cache) -> dict[str, Any]:
    """The findings for one case or suite."""
    started = time.monotonic()
    try:
        if isinstance(job, Suite):
            results = [in_process(cache, "suite.py", job.name, "")]
        else:
            for version in (job.first, job.second):
                cache.wheel_set(job, version)
            orders = ORDERS if job.host is not None else ORDERS[-1:]
            results = [in_process(cache, "probe.py", job.name, order) for order in orders]
    except subprocess.CalledProcessError as error:
        results = [{"result": f"fails: pip ended with {error.returncode}"}]
    worst = next((each for each in results if each["result"] != "ok"), results[0])
    return {**worst, "seconds": round(time.monotonic() - started, 1), "runs": results}


def compare_with_known(result: dict[str, Any], known: list[dict[str, Any]]) -> None:
    """A suite is ok if exactly the tests differ of which `expectations.toml` says why."""
    differing: dict[str, str] = result.get("differing", {})
    patterns = {pattern: each["why"] for each in known for pattern in each["tests"]}
    new = [test for test in differing if not any(fnmatchcase(test, pattern) for pattern in patterns)]
    gone = [pattern for pattern in patterns if not any(fnmatchcase(test, pattern) for test in differing)]
    if result["result"] == "ok" and new:
        result["result"] = f"fails: {len(new)} tests differ: {new[0]}: {differing[new[0]]}"
    elif result["result"] == "ok" and gone:
        result["result"] = f"fails: {gone[0]} does not differ any more: strike it out of expectations.toml"
    result["known"] = {
        why: sum(fnmatchcase(t, p) for t in differing for p in patterns if patterns[p] == why)
        for why in patterns.values()
    }


def in_process(cache: Cache, script: str, name: str, order: str) -> dict[str, Any]:
    """Run one script in the host's environment; what it wrote, or how it ended."""
    out = cache.scratch / f"{PYTHON}-{script}-{name}-{order}.json"
    out.unlink(missing_ok=True)
    command = [str(cache.python), str(HERE / script), name, str(cache.root), str(out), order]
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False, env=environ)
    except subprocess.TimeoutExpired:
        return {"result": f"fails: not done after {SECONDS} s", "order": order}
    if not out.exists():
        return {"result": f"fails: crashed: {'; '.join(crash(done.returncode, done.stderr))}", "order": order}
    found: dict[str, Any] = json.loads(out.read_text())
    if done.returncode:
        found["result"] = f"fails: ended with {done.returncode} after all was done: {done.stderr[-300:]}"
    out.unlink()
    return found


def crash(status: int, errors: str) -> Iterator[str]:
    """How a process ended that told nothing, and where it was."""
    yield f"signal {-status}" if status < 0 else f"status {status}"
    lines = [line.strip() for line in errors.splitlines() if line.startswith(("Fatal", "  File"))]
    yield from lines[:6] or [errors[-300:]]


def expectation(expected: dict[str, Any], name: str) -> str:
    """What is recorded for a name: one text, or one for this version of Python."""
    recorded = expected.get(name, "ok")
    return str(recorded.get(PYTHON, "ok") if isinstance(recorded, dict) else recorded)


def as_expected(result: str, hoped: str) -> bool:
    """True if a result is of the expected sort and says the expected words."""
    sort, _, words = hoped.partition(":")
    return result.partition(":")[0] == sort and words.strip() in result


if __name__ == "__main__":
    sys.exit(main())
