"""Runs every benchmark, each in a process of its own, and prints what was measured beside what was aimed at.

    python benchmarks/run.py [--quick] [--json FILE] [--only NAME ...] [--python PATH ...]

`--python` names the interpreters, one run of everything for each; the default is the running one.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from common import MACHINE, ROOT

BENCHMARKS = ("calls", "resolver", "reload", "load", "memory", "live", "imports")


def measure(python: str, name: str, quick: bool) -> dict[str, Any]:
    """What one benchmark writes, which prints its table meanwhile."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        script = ROOT / "benchmarks" / f"bench_{name}.py"
        command = [python, str(script), "--json", file.name, *(["--quick"] if quick else [])]
        subprocess.run(command, check=True)
        found: dict[str, Any] = json.loads(Path(file.name).read_text())
        return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer repetitions: a smoke test, not a measurement")
    parser.add_argument("--json", type=Path, help="write the numbers here too")
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=BENCHMARKS, help="which benchmarks")
    parser.add_argument("--python", nargs="+", default=[sys.executable], help="which interpreters")
    options = parser.parse_args()
    reports = [measure(python, name, options.quick) for python in options.python for name in options.only]
    missed = [(report, row) for report in reports for row in report["rows"] if row["verdict"] == "MISSED"]
    met = sum(row["verdict"] == "met" for report in reports for row in report["rows"])
    print(f"\n{MACHINE}; {', '.join(dict.fromkeys(report['python'] for report in reports))}")
    print(f"{met} aims met, {len(missed)} missed" + (" (--quick: take no number for granted)" if options.quick else ""))
    for report, row in missed:
        where = f"{report['python']}, {report['benchmark']}: {row['what']}"
        print(f"  {where}: {row['value']:g} {row['unit']}, aim {row['aim']:g}")
    if options.json:
        options.json.write_text(json.dumps({"machine": MACHINE, "reports": reports}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
