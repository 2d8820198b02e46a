"""The host of extension: calls its plugin by typed callables in the vault, instead of by names of functions."""

from __future__ import annotations

import argparse
import contextlib
import logging
import random
import signal
import sys
import time
from pathlib import Path

from extension_contracts import VaultExtension

import hotswap

RUN = Path(__file__).parent / ".run"

log = logging.getLogger("extension")


def main() -> None:
    parser = argparse.ArgumentParser(description="A plugin that extends the vault; Ctrl-C ends it.")
    parser.add_argument("--interval", type=float, default=3.0, metavar="SECONDS", help="from meow to meow")
    interval: float = parser.parse_args().interval

    logging.basicConfig(level=logging.INFO, format="%(asctime)s  %(message)s", datefmt="%H:%M:%S", stream=sys.stdout)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends it as Ctrl-C does
    manager = hotswap.PluginManager(RUN / "plugins", state_dir=RUN / "state", extension=VaultExtension)
    with contextlib.suppress(KeyboardInterrupt), manager:
        manager.load()
        manager.serve_control()
        while True:
            meow(manager)
            time.sleep(interval)


def meow(manager: hotswap.PluginManager) -> None:
    with manager.lease() as plugins:  # inside, a reload does not free what the extension refers to
        extension: VaultExtension = plugins.vault.extension
        extension.heard += 1
        log.info("meow %d of generation %d: %s", extension.heard, plugins.number, extension.meow(random.randint(1, 3)))


if __name__ == "__main__":
    main()
