"""Live: the plugins of one generation, and how a call gets into one of them."""

from __future__ import annotations

import asyncio
import logging
import traceback
import weakref
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property, reduce
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar, overload

import networkx as nx

from .binding import Wanted, is_type, misfits
from .calls import Caller, call_hook
from .errors import ContractError, Fault, LifecycleError, PluginNotFoundError, RetiredError
from .hookspecs import Hooks
from .leases import HOLDERS, Hold, Pin
from .model import Copy, Incumbent, LibrarySet, Manifest, Outcome, canonical
from .vault import Vault, VaultState

T = TypeVar("T")


def entry_file(site_dir: Path, module: str) -> str:
    """The file of the module that an entry point names, for messages."""
    stem = site_dir.joinpath(*module.split("."))
    package = stem / "__init__.py"
    return str(package if package.is_file() else stem.with_name(f"{stem.name}.py"))


class Plugin:
    """One loaded version of a plugin; several generations share it while it does not change.

    Attributes:
        name: Canonical plugin name.
        version: Version of its distribution, as text.
        file: The wheel it came from, or the metadata directory of an installed distribution.
        digest: sha256 of its wheel, hexadecimal.
        build: When and from which commit `hotswap build` made it; None if something else did.
        site_dir: Where its files lie.
        dependencies: Names of the plugins it is bound to, sorted.
        exported: What its `export()` returned.
        reloadable: What its `reloadable()` returned.
        loaded_at: When it was imported, in UTC.
        outcome: What the latest load or reload did to it.
    """

    def __init__(self, manifest: Manifest, site_dir: Path, target: object, hooks: Hooks, prefix: str) -> None:
        self.name: Final = manifest.plugin
        self.version: Final = str(manifest.version)
        self.file: Final = manifest.candidate.path
        self.digest: Final = manifest.digest
        self.build: Final = manifest.build
        self.site_dir: Final = site_dir
        self.manifest: Final = manifest
        self.prefix: Final = prefix
        """What the full names of its modules begin with."""
        self.serial = 0
        """Set when its place in the load order is known; greater than that of everything it is bound to."""
        self.home: VaultState | None = None
        """What the latest generation that has this plugin shares."""
        self.live_funcs: Mapping[str, Callable[..., Any]] = {}
        self.live_types: Mapping[str, type] = {}
        self.loaded_at: Final = datetime.now(UTC)
        self.dependencies: tuple[str, ...] = ()
        self.wants: tuple[Wanted, ...] = ()
        self.exported: Any = None
        self.libraries: LibrarySet | None = None
        self.copies: tuple[Copy, ...] = ()
        self.reloadable = True
        self.outcome = Outcome.LOADED
        self.hooks: Hooks | None = hooks
        self._target: object = target
        self._invoke: Callable[..., Any] = hooks.invoke_func
        self._pin: Callable[[], Pin | None] = lambda: None
        self.holds: Collection[Hold[Generation]] = ()
        """Of all generations in use, those without this plugin too."""

    def __repr__(self) -> str:
        return f"<Plugin {self.name} {self.version} {self.outcome}>"

    def invoke_func(self, func: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call the plugin's `invoke_func(func, *args, **kwargs)`.

        The version stays pinned until the call has ended; where it returns a generator, coroutine, asynchronous
        generator, or an asyncio task or future, until that has ended.

        Raises:
            RetiredError: This version has been retired and has drained. A call inside a lease, or by `manager.invoke`,
                never meets that.
        """
        pin = self._pin()
        if pin is None:
            raise RetiredError(f"{self.name} {self.version} has been retired: hold manager.lease() around such calls")
        try:
            # Three ways to say one thing: handing on `*args, **kwargs` costs 50 ns though both are empty.
            if kwargs:
                result = self._invoke(func, *args, **kwargs)
            elif args:
                result = self._invoke(func, *args)
            else:
                result = self._invoke(func)
            goes_on = HOLDERS.get(type(result))
            return result if goes_on is None else goes_on(result, pin)
        finally:
            del pin  # an exception that somebody stores keeps this frame, and must not keep the pin

    @overload
    def lookup(self, symbol: str) -> Any: ...
    @overload
    def lookup(self, symbol: str, type: type[T]) -> T: ...
    def lookup(self, symbol: str, type: Any = None) -> Any:
        """Find something in the plugin's module by its dotted name.

        Args:
            symbol: E.g. `limits.MAX`.
            type: A class or Protocol that it must fit.

        Raises:
            AttributeError: There is no such thing.
            ContractError: It does not fit; every difference is listed.
            TypeError: `type` is no type.
            RetiredError: This version has been freed.
        """
        if self.hooks is None:
            raise RetiredError(f"{self.name} {self.version} has been freed")
        try:
            found = reduce(getattr, symbol.split("."), self._target)
        except AttributeError:
            raise AttributeError(f"{self.name} {self.version} has nothing called {symbol}") from None
        if type is not None and not is_type(type):
            raise TypeError(f"type={type!r} is no type: pass a class, a Protocol, or a union of these")
        if type is not None and (differences := list(misfits(found, type))):
            raise ContractError(
                self.name, [Fault(symbol, f"does not fit: {difference}") for difference in differences], stage="live"
            )
        return found

    @property
    def entry_file(self) -> str:
        """The file that the entry point names, for messages."""
        return entry_file(self.site_dir, self.manifest.entry_module)

    @property
    def refs(self) -> int:
        """How many generations refer to this plugin: the current one, and older ones that are still in use."""
        return len(self.in_use())

    def in_use(self) -> list[Hold[Generation]]:
        """The generations in use that refer to this plugin."""
        return [hold for hold in list(self.holds) if hold.generation.find(self.name) is self]

    @cached_property
    def incumbent(self) -> Incumbent:
        """What the resolver has to know of it; the same object each time, by which it knows that nothing changed."""
        imports = tuple(want.dependency for want in self.wants)
        return Incumbent(self.manifest, self.reloadable, imports, self.libraries)

    def pin(self, dependencies: tuple[Pin, ...], drained: Callable[[Plugin], None]) -> Pin:
        """Make the one pin of this plugin; `drained` is told when it has died. Called once, at the end of binding."""
        pin = Pin(dependencies)
        self._pin = weakref.ref(pin, lambda _, plugin=self: drained(plugin))  # type: ignore[misc]
        return pin

    def pinned(self) -> Pin | None:
        """The pin while it lives."""
        return self._pin()

    def free(self, caller: Caller, logger: logging.Logger) -> None:
        """Run `on_free`; what it raises is logged."""
        logger.debug("%s %s: on_free", self.name, self.version)
        try:
            if self.hooks is not None:  # pragma: no branch - who frees lets go afterwards
                call_hook(caller.finish, self.name, "on_free()", "freed", self.hooks.on_free)
        except LifecycleError as error:
            # As text: a handler that keeps its records would keep the plugin's code with the traceback.
            logger.error("%s\n%s", str(error), "".join(traceback.format_exception(error.__cause__)))
        except asyncio.CancelledError:  # pragma: no cover - the loop ends at this very moment
            logger.error("%s: on_free() was cancelled, because its event loop was ending", self.name)

    def let_go(self) -> None:
        """Forget the plugin's code: who still shows this object does not thereby keep it in memory."""
        self.hooks = None
        self.exported = None
        self.wants = ()
        self.home = None
        self.live_funcs, self.live_types = {}, {}
        self._target = None
        self._invoke = _freed
        self._pin = lambda: None


def _freed(*args: Any, **kwargs: Any) -> NoReturn:
    raise RetiredError("the plugin has been freed: hold manager.lease() around such calls")


class Generation(dict[str, Plugin]):
    """The plugins that are live together: a read-only mapping in load order, by canonical or any equivalent name.

    It is a dict because subscription is on the way of every call, and costs a multiple in a Mapping written in Python.

    Attributes:
        number: Counts from 1.
        vault: What its plugins share.
        graph: Edges dependency -> dependent.
    """

    def __init__(
        self,
        number: int,
        plugins: Mapping[str, Plugin],
        vault: VaultState,
        graph: nx.DiGraph[str],
        logger: logging.Logger,
    ) -> None:
        super().__init__(plugins)
        self.number: Final = number
        self.vault: Final = Vault(lambda: self.shared)
        self.shared = vault
        self.graph: Final = graph
        self._logger = logger

    def __repr__(self) -> str:
        return f"<Generation {self.number}: {', '.join(f'{p.name} {p.version}' for p in self.plugins) or 'empty'}>"

    __eq__ = object.__eq__
    __hash__ = object.__hash__  # type: ignore[assignment]  # a dict has none; generations are told apart by identity

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        """The plugins in load order."""
        return tuple(self.values())

    def let_go(self) -> None:
        """Forget what the plugins shared: who keeps the object of an old generation keeps no code by it."""
        self.shared = VaultState()

    def find(self, name: str) -> Plugin | None:
        """The plugin of that name, or None."""
        return super().get(name) or (super().get(canonical(name)) if isinstance(name, str) else None)

    def get(self, name: str, default: Any = None) -> Any:
        """The plugin of that name, or the default."""
        return self.find(name) or default

    def __missing__(self, name: str) -> Plugin:
        found = self.find(name)
        if found is None:
            raise PluginNotFoundError(name, self)
        return found

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.find(name) is not None

    def invoke_each(self, func: str, *args: Any, **kwargs: Any) -> None:
        """Call `invoke_func` of every plugin in load order; one that raises is logged, the others still run."""
        self._invoke_each(iter(self.plugins), func, args, kwargs)

    def invoke_each_backward(self, func: str, *args: Any, **kwargs: Any) -> None:
        """Call `invoke_func` of every plugin in reverse load order; one that raises is logged, the others still run."""
        self._invoke_each(reversed(self.plugins), func, args, kwargs)

    def _invoke_each(self, plugins: Iterator[Plugin], func: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        for plugin in plugins:
            try:
                plugin.invoke_func(func, *args, **kwargs)
            except (Exception, SystemExit):
                self._logger.exception("%s: invoke_func(%r) raised", plugin.name, func)

    def _read_only(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("a generation does not change; load or reload makes a new one")

    __setitem__ = __delitem__ = __ior__ = pop = popitem = setdefault = update = clear = _read_only
