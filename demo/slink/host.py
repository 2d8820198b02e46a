"""The host of slink: its plugin is a wheel that is replaced, or with --static a part of the program."""

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

HERE = Path(__file__).resolve().parent
RUN = HERE / ".run"

log = logging.getLogger("slink")


def main() -> None:
    parser = argparse.ArgumentParser(description="A plugin that may be part of the program; Ctrl-C ends it.")
    parser.add_argument("--interval", type=float, default=3.0, metavar="SECONDS", help="from bark to bark")
    parser.add_argument("--static", action="store_true", help="plain imports: no isolation, no reload")
    arguments = parser.parse_args()

    logging.basicConfig(level=logging.INFO, format="%(asctime)s  %(message)s", datefmt="%H:%M:%S", stream=sys.stdout)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends it as Ctrl-C does
    manager = linked() if arguments.static else reloading()
    with contextlib.suppress(KeyboardInterrupt), manager:
        manager.load()
        manager.serve_control()
        while True:
            with manager.lease() as plugins:
                sound = plugins.vault.live_funcs["live_woof"](random.randint(1, 3))
                log.info("dog %s: %s", plugins["dog"].version, sound)
            time.sleep(arguments.interval)


def reloading() -> hotswap.PluginManager:
    return hotswap.PluginManager(RUN / "plugins", state_dir=RUN / "state")


def linked() -> hotswap.PluginManager:
    # Where the plugin is installed beside the program, or frozen into it, nothing has to be put on the path.
    sys.path[:0] = [str(RUN), str(HERE / "plugins" / "dog" / "src")]
    import static_plugins  # made by `hotswap build --static-linking`

    return hotswap.PluginManager(static=static_plugins.PLUGINS, state_dir=RUN / "state")


if __name__ == "__main__":
    main()
