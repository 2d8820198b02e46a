"""Calls without pause, from several threads, as a busy host makes them."""

from __future__ import annotations

import threading
import time
from collections import Counter
from types import TracebackType

from trine_contracts import Said

import hotswap


def versions(said: list[Said]) -> str:
    """Who answered, e.g. `alpha 1.0, beta 1.0, gamma 1.0`."""
    return ", ".join(sorted(f"{one.plugin} {one.version}" for one in said))


class Traffic:
    """Has gamma pulse, in each of its threads, from `with` to its end.

    Attributes:
        answered: Which versions answered together -> how many calls they answered.
        failures: What failed calls raised.
        slowest: Seconds the slowest call took.
    """

    def __init__(self, manager: hotswap.PluginManager, threads: int = 2) -> None:
        self.answered: Counter[str] = Counter()
        self.failures: list[str] = []
        self.slowest = 0.0
        self._manager = manager
        self._threads = [threading.Thread(target=self._call) for _ in range(threads)]
        self._ended = threading.Event()
        self._lock = threading.Lock()

    @property
    def made(self) -> int:
        """How many calls have been made."""
        return sum(self.answered.values()) + len(self.failures)

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _call(self) -> None:
        while not self._ended.is_set():
            began = time.perf_counter()
            try:
                answered = versions(self._manager.invoke("gamma", "pulse"))
            except Exception as error:
                with self._lock:
                    self.failures.append(f"{type(error).__name__}: {error}")
            else:
                with self._lock:
                    self.answered[answered] += 1
                    self.slowest = max(self.slowest, time.perf_counter() - began)
