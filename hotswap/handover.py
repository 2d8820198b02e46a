"""State on its way from the versions that go to those that come, and back if the change fails.

on_handover (old, dependents first) -> on_takeover (new, dependencies first) -> swap

and if anything raises before the swap:

on_handover (new, if it had taken over) -> on_free (new) -> on_takeover (old)
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from .calls import Caller, call_hook
from .errors import ContractError, Fault, PluginError
from .generation import Plugin

Call = Callable[..., Any]
"""Calls a function of a plugin: `call(plugin, name, stage, *args)`."""


def hands_over(old: Plugin | None, new: Plugin) -> bool:
    """True if state goes from one version to the other."""
    return _gives(old) and new.hooks is not None and new.hooks.on_takeover is not None


def _gives(old: Plugin | None) -> bool:
    return old is not None and old.hooks is not None and old.hooks.on_handover is not None


class Handover:
    """Carries state over for one change.

    Args:
        logger: Takes what goes wrong while state is given back.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._given: dict[str, _Given] = {}
        self._taken: list[Plugin] = []

    def carry(self, successions: Iterable[tuple[Plugin, Plugin]], call: Call, file: Callable[[str], str]) -> None:
        """Have every old version hand over, then every new one take over.

        Args:
            successions: The version that goes and the one that comes in its place, in load order; pairs without the
                two functions are passed over.
            call: How a plugin's function is called.
            file: The file of a plugin by its name, for messages.

        Raises:
            LifecycleError: One of them raised.
            ContractError: What was handed over would keep the old code in memory.
        """
        carried = []
        for old, new in successions:
            if hands_over(old, new):
                carried.append((old, new))
            elif _gives(old):
                self._logger.warning(
                    "the state of %s %s goes with it: %s has no on_takeover", old.name, old.version, new.version
                )
        # Everybody hands over before anybody takes over, and dependents first: what they still want to do with what
        # they import, they can do.
        for old, _ in reversed(carried):
            data = call(old, "on_handover", "live")
            self._given[old.name] = _Given(old, data, old.version)
            _check(old, data, file(old.name))
        for old, new in carried:
            call(new, "on_takeover", "live", self._given[new.name].data, old.version)
            self._taken.append(new)

    def take_back(self, caller: Caller) -> None:
        """The change has failed: who has taken over hands over in its turn, before it is freed; what raises is logged.

        Rejected: giving the old version its own data again without this. It may be a socket, which the new one's
        `on_free` then closes.
        """
        while self._taken:
            plugin = self._taken.pop()
            with self._logged(plugin, "has not handed back"):
                data = self._finish(caller, plugin, "on_handover")
                _check(plugin, data, str(plugin.site_dir))
                given = self._given[plugin.name]
                given.data, given.version = data, plugin.version

    def give_back(self, caller: Caller) -> None:
        """The change has failed, and the new versions are gone: the old ones go on; what raises is logged."""
        for given in reversed(self._given.values()):
            with self._logged(given.plugin, "has not got its state back"):
                self._finish(caller, given.plugin, "on_takeover", given.data, given.version)
        self.done()

    def done(self) -> None:
        """Nothing is to be given back any more."""
        self._given.clear()
        self._taken.clear()

    def _finish(self, caller: Caller, plugin: Plugin, name: str, *args: Any) -> Any:
        self._logger.debug("%s %s: %s, because the change has failed", plugin.name, plugin.version, name)
        function = partial(getattr(plugin.hooks, name), *args)
        return call_hook(caller.finish, plugin.name, name, "live", function)

    @contextmanager
    def _logged(self, plugin: Plugin, what: str) -> Iterator[None]:
        try:
            yield
        except PluginError as error:
            # As text: a handler that keeps its records would keep the plugin's code with the traceback.
            cause = "".join(traceback.format_exception(error.__cause__)) if error.__cause__ is not None else ""
            self._logger.error("%s %s %s: %s\n%s", plugin.name, plugin.version, what, error, cause)


@dataclass(slots=True)
class _Given:
    """What somebody has to get back if the change fails."""

    plugin: Plugin
    data: Any
    version: str
    """Of who handed it over last."""


def _check(old: Plugin, data: Any, file: str) -> None:
    kinds = sorted(set(_own(data, old.prefix, set())))
    if kinds:
        raise ContractError(
            old.name,
            [
                Fault(
                    file,
                    f"on_handover() returned something of {old.version}'s own ({', '.join(kinds)}),"
                    " by which the successor would keep its code",
                    "return hotswap.live.wrap(...) of it, or values of Python and of the host",
                )
            ],
            stage="live",
        )


def _own(data: Any, prefix: str, seen: set[int]) -> Iterator[str]:
    """Names of the plugin's own classes and functions in what was handed over, as deep as plain containers go."""
    if id(data) in seen:
        return
    seen.add(id(data))
    for thing in (type(data), data) if isinstance(data, type) or callable(data) else (type(data),):
        module = getattr(thing, "__module__", None)
        if isinstance(module, str) and (module + ".").startswith(prefix):
            yield getattr(thing, "__qualname__", type(thing).__qualname__)
            return
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _own(key, prefix, seen)
            yield from _own(value, prefix, seen)
    elif isinstance(data, list | tuple | set | frozenset):
        for item in data:
            yield from _own(item, prefix, seen)
