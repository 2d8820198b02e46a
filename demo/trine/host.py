"""The host of trine: loads three plugins, has one of them pulse, and replaces them while it runs.

python demo/trine/host.py            runs; Ctrl-C ends it
python demo/trine/host.py --build    builds the wheels anew, for the next reload
python demo/trine/host.py --tour     shows in a few seconds what a reload does, and what it leaves alone
"""

from __future__ import annotations

import argparse
import logging
import os
import queue
import signal
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "contracts"))  # a real host has `trine-contracts` installed

import workshop  # noqa: E402

import hotswap  # noqa: E402 - the line above comes first

log = logging.getLogger("trine")


def main() -> int:
    parser = argparse.ArgumentParser(description="Three plugins that are replaced while their host runs.")
    parser.add_argument("--build", action="store_true", help="only build the wheels, for the next reload")
    parser.add_argument("--tour", action="store_true", help="show what a reload does; ends by itself")
    parser.add_argument("--interval", type=float, default=3.0, metavar="SECONDS", help="from pulse to pulse")
    parser.add_argument("--directory", type=Path, default=HERE / ".run", help="for wheels and state (%(default)s)")
    arguments = parser.parse_args()
    if arguments.tour:
        import tour

        return tour.main()
    plugins = arguments.directory / "plugins"
    if arguments.build or not any(plugins.glob("*.whl")):
        for project in workshop.PROJECTS:
            print(f"built {workshop.build(project, plugins).name}", flush=True)
    if not arguments.build:
        logging.basicConfig(
            level=logging.INFO, format="%(asctime)s  %(message)s", datefmt="%H:%M:%S", stream=sys.stdout
        )
        run(plugins, arguments.directory / "state", arguments.interval)
    return 0


def run(plugins: Path, state: Path, interval: float) -> None:
    """Pulse until SIGINT or SIGTERM; SIGUSR1 and `hotswap reload` bring new wheels live."""
    # A handler interrupts whatever runs, which may be a plugin's code: it only passes the signal on.
    arrived: queue.SimpleQueue[int] = queue.SimpleQueue()
    for expected in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(expected, lambda number, frame: arrived.put(number))

    with hotswap.PluginManager(plugins, state_dir=state) as manager:
        manager.load()
        manager.serve_control()
        log.info("reload with: hotswap reload --state-dir %s", os.path.relpath(state))
        log.info("         or: kill -USR1 %d", os.getpid())
        while True:
            log.info(" | ".join(str(said) for said in manager.invoke("gamma", "pulse")))
            try:
                number = arrived.get(timeout=interval)
            except queue.Empty:
                continue
            if number != signal.SIGUSR1:
                break
            try:
                manager.reload()
            except hotswap.HotswapError as error:
                log.error("nothing has changed: %s", error)
    log.info("ended; reloads: %d", manager.reload_count)


if __name__ == "__main__":
    sys.exit(main())
