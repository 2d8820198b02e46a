"""What live data costs: an object of six fields wrapped and unwrapped, beside JSON of the same plain dict.

    python benchmarks/bench_live.py [--json FILE] [--quick]

Every number is the least of the repetitions, in microseconds per call: what else the machine does only ever adds.
"""

from __future__ import annotations

import argparse
import json
import timeit
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from common import Table, run

from hotswap.live import Data, unwrap, wrap

CALLS = 2_000


@dataclass
class Job:
    path: str
    size: int
    ratio: float
    at: datetime
    tags: list[str] = field(default_factory=list)
    retry: int | None = None


def measure(table: Table, options: argparse.Namespace) -> None:
    job = Job("/srv/app/in.csv", 1234, 0.75, datetime(2024, 5, 1, 12), ["a", "b"])
    data = wrap(job)
    plain, text = data.value, data.to_json()
    repeats = 3 if options.quick else 40

    def least(what: str, call: Callable[[], Any]) -> None:
        timer = timeit.Timer(call)
        table.row(what, min(timer.repeat(repeats, CALLS)) / CALLS * 1e6, "us")

    least("wrap", lambda: wrap(job))
    least("unwrap into the class", lambda: unwrap(data, Job))
    least("unwrap by name", lambda: unwrap(data, {"Job": Job}))
    least("wrap and unwrap", lambda: unwrap(wrap(job), Job))
    least("wrap, to_json, from_json, unwrap", lambda: unwrap(Data.from_json(wrap(job).to_json()), Job))
    least("json.dumps and json.loads of the plain dict", lambda: json.loads(json.dumps(plain)))
    least("Data.from_json", lambda: Data.from_json(text))


if __name__ == "__main__":
    run(measure, __doc__ or "")
