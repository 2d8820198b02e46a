"""The host of hello: loads what lies in a directory, and has it hum; meanwhile it may be replaced."""

from __future__ import annotations

import argparse
import contextlib
import logging
import random
import signal
import sys
import time
from pathlib import Path

import hotswap

RUN = Path(__file__).parent / ".run"


def main() -> None:
    parser = argparse.ArgumentParser(description="A plugin that is replaced while its host runs; Ctrl-C ends it.")
    parser.add_argument("--interval", type=float, default=3.0, metavar="SECONDS", help="from hum to hum")
    interval: float = parser.parse_args().interval

    logging.basicConfig(level=logging.INFO, format="%(asctime)s  %(message)s", datefmt="%H:%M:%S", stream=sys.stdout)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends it as Ctrl-C does
    manager = hotswap.PluginManager(RUN / "plugins", state_dir=RUN / "state")
    with contextlib.suppress(KeyboardInterrupt), manager:
        manager.load()
        manager.serve_control()  # where `hotswap reload` asks for a reload
        while True:
            manager.current.invoke_each("hum", random.randint(1, 3))
            time.sleep(interval)


if __name__ == "__main__":
    main()
