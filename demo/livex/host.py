"""The host of livex: does the jobs that its plugin queues, each by the newest code there is."""

from __future__ import annotations

import argparse
import contextlib
import logging
import signal
import sys
import time
from pathlib import Path

from livex_jobs import Job, Queue

import hotswap
from hotswap.live import Data, unwrap

RUN = Path(__file__).parent / ".run"

log = logging.getLogger("livex")


def main() -> None:
    parser = argparse.ArgumentParser(description="Queued jobs that survive reloads and restarts; Ctrl-C ends it.")
    parser.add_argument("--interval", type=float, default=3.0, metavar="SECONDS", help="from watch to watch")
    parser.add_argument("--backlog", type=int, default=6, metavar="JOBS", help="how many are left waiting")
    arguments = parser.parse_args()

    logging.basicConfig(level=logging.INFO, format="%(asctime)s  %(message)s", datefmt="%H:%M:%S", stream=sys.stdout)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends it as Ctrl-C does
    manager = hotswap.PluginManager(RUN / "plugins", state_dir=RUN / "state")
    with contextlib.suppress(KeyboardInterrupt), contextlib.closing(Queue(RUN / "jobs.sqlite")) as queue, manager:
        manager.load()
        manager.serve_control()
        generation = 0
        while True:
            with manager.lease() as plugins:
                if plugins.number != generation:  # what was set aside may suit the new code
                    queue.put_back()
                    generation = plugins.number
                plugins.invoke_each("watch", queue)
                for job in queue.waiting()[: -arguments.backlog or None]:
                    do(job, queue, plugins.vault)
            time.sleep(arguments.interval)


def do(job: Job, queue: Queue, vault: hotswap.Vault) -> None:
    try:
        said = perform(job, vault)
    except Exception as error:
        fault = f"{type(error).__name__}: {error}"
        queue.set_aside(job, fault)
        log.warning("job %d is set aside: %s", job.number, fault)
    else:
        queue.done(job)
        log.info("job %d is done by %s", job.number, said)


def perform(job: Job, vault: hotswap.Vault) -> object:
    data = Data.from_json(job.data)
    if job.function is not None:
        return vault.live_funcs[job.function](data)
    return unwrap(data, vault).run()


if __name__ == "__main__":
    main()
