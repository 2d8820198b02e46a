"""State on its way from the versions that go to those that come, and back if the change fails.

on_handover (old, dependents first) -> on_takeover (new, dependencies first) -> swap

and if anything raises before the swap:

on_handover (new, if it had taken over) -> on_free (new) -> on_takeover (old)
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from types import FunctionType, MethodType
from typing import Any

from .calls import Caller, call_hook
from .errors import ContractError, Fault, PluginError
from .generation import Plugin
from .model import LibrarySet
from .realm import address_of_libraries, parse, plain_names

_LRU_CACHE: Any = type(lru_cache(len))

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
        self.losses: list[str] = []
        """What could not be given back, in words."""

    def carry(self, successions: Iterable[tuple[Plugin, Plugin]], call: Call) -> None:
        """Have every old version hand over, then every new one take over.

        Args:
            successions: The version that goes and the one that comes in its place, in load order; pairs without the
                two functions are passed over.
            call: How a plugin's function is called.

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
            _check(old, data, new)
        for old, new in carried:
            call(new, "on_takeover", "live", self._given[new.name].data, old.version)
            self._taken.append(new)

    def take_back(self, caller: Caller) -> None:
        """The change has failed: who has taken over hands over in its turn, before it is freed; what raises is logged.

        Rejected: giving the old version its own data again without this. It may be a socket, which the new one's
        `on_free` then closes.
        """
        # A stack, because Ctrl-C in one of them must not keep the others from it.
        with ExitStack() as stack:
            for plugin in self._taken:
                stack.callback(self._take_back_from, plugin, caller)

    def _take_back_from(self, plugin: Plugin, caller: Caller) -> None:
        with self._logged(plugin, "has not handed back"):
            data = self._finish(caller, plugin, "on_handover")
            given = self._given[plugin.name]
            _check(plugin, data, given.plugin)
            given.data, given.version = data, plugin.version

    def give_back(self, caller: Caller) -> None:
        """The change has failed, and the new versions are gone: the old ones go on; what raises is logged."""
        with ExitStack() as stack:
            stack.callback(self.done)
            for given in self._given.values():
                stack.callback(self._give_back_to, given, caller)

    def _give_back_to(self, given: _Given, caller: Caller) -> None:
        with self._logged(given.plugin, "has not got its state back"):
            self._finish(caller, given.plugin, "on_takeover", given.data, given.version)

    def done(self) -> None:
        """Nothing is to be given back any more."""
        self._given.clear()
        self._taken.clear()

    def _finish(self, caller: Caller, plugin: Plugin, name: str, *args: Any) -> Any:
        self._logger.debug("%s %s: %s, because the change has failed", plugin.name, plugin.version, name)
        function = partial(getattr(plugin.hooks, name), *args)
        return call_hook(caller.finish, plugin.name, f"{name}() of {plugin.version}", "live", function)

    @contextmanager
    def _logged(self, plugin: Plugin, what: str) -> Iterator[None]:
        try:
            yield
        except PluginError as error:
            # As text: a handler that keeps its records would keep the plugin's code with the traceback.
            cause = "".join(traceback.format_exception(error.__cause__)) if error.__cause__ is not None else ""
            self.losses.append(f"{plugin.name} {plugin.version} {what}: {error}")
            self._logger.error("%s\n%s", self.losses[-1], cause)


@dataclass(slots=True)
class _Given:
    """What somebody has to get back if the change fails."""

    plugin: Plugin
    data: Any
    version: str
    """Of who handed it over last."""


def _check(old: Plugin, data: Any, new: Plugin) -> None:
    kinds = sorted(set(_own(data, old, None if _key(old) == _key(new) else old.libraries)))
    if kinds:
        raise ContractError(
            old.name,
            [
                Fault(
                    old.entry_file,
                    f"on_handover() returned something of {old.version}'s own ({', '.join(kinds)}),"
                    " by which the successor would keep its code",
                    "return hotswap.live.wrap(...) of it, or values of Python and of the host",
                )
            ],
            stage="live",
        )


def _key(plugin: Plugin) -> str | None:
    return plugin.libraries.key if plugin.libraries is not None else None


def _is_of(named: Any, libraries: LibrarySet) -> bool:
    """True for a class or function of a private set; those of C code do not always have its name."""
    module = named.__module__
    if (parsed := parse(module)) is not None:
        return parsed[0] == address_of_libraries(libraries)
    names = (name for library in libraries.libraries for name in library.provides)
    if not any(f"{module}.".startswith(f"{name}.") for name in names):
        return False
    return getattr(sys.modules.get(module), named.__name__, None) is not named  # else it is that of the host's copy


def _own(data: Any, old: Plugin, libraries: LibrarySet | None) -> Iterator[str]:
    """Names of classes and functions in what was handed over that go with a version, as deep as plain containers go.

    Args:
        data: What was handed over.
        old: The version.
        libraries: Its private libraries, if the successor has others.
    """
    seen: dict[int, Any] = {}
    stack = [data]
    while stack:
        thing = stack.pop()
        if id(thing) in seen:
            continue
        seen[id(thing)] = thing
        named = thing if isinstance(thing, (type, FunctionType)) else type(thing)
        known = isinstance(named.__module__, str)
        if known and f"{named.__module__}.".startswith(old.prefix):
            yield named.__qualname__
        elif known and libraries is not None and _is_of(named, libraries):
            yield f"{plain_names(named.__module__)}.{named.__qualname__}"
        elif isinstance(thing, dict):
            stack += [*thing.keys(), *thing.values()]
        elif isinstance(thing, (list, tuple, set, frozenset, deque)):
            stack += thing
        elif isinstance(thing, MethodType):
            stack += [thing.__func__, thing.__self__]
        elif isinstance(thing, partial):
            stack += [thing.func, thing.args, thing.keywords]
        elif isinstance(thing, _LRU_CACHE):
            stack.append(thing.__wrapped__)
