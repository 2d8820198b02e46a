"""One load, reload or rollback on its way from site dirs to a generation: a stack of undos until the swap."""

from __future__ import annotations

import asyncio
import itertools
import logging
import weakref
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from .binding import bind, wanted
from .calls import Caller, call_hook
from .errors import ContractError, Fault, LifecycleError, PluginError, ReloadVetoError, RetiredError, raise_all
from .generation import Generation, Plugin, entry_file
from .handover import Handover, hands_over
from .hookspecs import PAIR, collect_hooks, misspelt
from .leases import Hold, Pin
from .live import collect_live, merge_live
from .model import Plan, SiteDir
from .resolver import rebind
from .retired import RealmLike
from .retirement import Retirement
from .vault import Vault, VaultState

_serial = itertools.count(1)


class Current:
    """The one reference that says which generation is live."""

    __slots__ = ("hold", "holds")

    def __init__(self) -> None:
        self.hold: Hold[Generation] | None = None
        self.holds: weakref.WeakSet[Hold[Generation]] = weakref.WeakSet()
        """Of all generations in use: the live one, and older ones in which a call or a lease goes on."""


class Transition:
    """Makes the next generation beside the current one.

    Used as a context manager: left by an exception, or without `commit`, it undoes everything: `on_free` of what had
    loaded, in reverse order, realms torn down.

    Args:
        plan: What to do.
        sites: Plugin name -> site dir, for every plugin that is imported afresh.
        open_realm: Makes the realm of a site dir.
        current: Which generation is live.
        caller: How lifecycle functions are called.
        retirement: Takes the plugins over once they are live.
        logger: Takes what goes wrong while undoing.
    """

    def __init__(
        self,
        plan: Plan,
        sites: Mapping[str, SiteDir],
        open_realm: Callable[[SiteDir], RealmLike],
        current: Current,
        caller: Caller,
        retirement: Retirement,
        logger: logging.Logger,
    ) -> None:
        self.plan = plan
        self._sites = sites
        self._open_realm = open_realm
        self._current = current
        self._old = current.hold.generation if current.hold else None
        self._caller = caller
        self._retirement = retirement
        self._logger = logger
        self._undo = ExitStack()
        self._handover = Handover(logger)
        self._realms: dict[str, RealmLike] = {}
        self._asks: dict[str, object] = {}
        self.prefixes: list[str] = []
        self.plugins: dict[str, Plugin] = {}
        self._pins: list[Pin] = []

    def __enter__(self) -> Transition:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            self._undo.close()
        finally:
            if error is not None:
                for loss in self._handover.losses:
                    error.add_note(loss)
            # A stored exception keeps this object by its traceback, and must not keep anybody's pin or code.
            self._pins = []
            self._asks.clear()

    def load(self) -> None:
        """Loaded: a realm for each fresh plugin, and its module with all seven functions; the others are kept."""
        # The first to be registered is the last to be done: when the new versions have let go of everything.
        self._undo.callback(self._handover.give_back, self._caller)
        for name, step in self.plan.steps.items():
            if step.fresh:
                # All realms are open before any module runs, so that every import of a neighbour's code is caught.
                self._realms[name] = self._open_realm(self._sites[name])
                self.prefixes.append(self._realms[name].prefix)
                self._undo.callback(self._realms[name].close)
            elif self._old is not None:  # pragma: no branch - what is kept comes from the old generation
                self.plugins[name] = self._old[name]
        errors: list[PluginError] = []
        for name, realm in self._realms.items():
            self._caller.check()
            manifest = self.plan.steps[name].manifest
            try:
                target = realm.load(manifest.entry_module, manifest.entry_attr)
                hooks = collect_hooks(name, target, entry_file(self._sites[name].path, manifest.entry_module))
            except PluginError as error:
                errors.append(error)
            else:
                for found, meant in misspelt(target):
                    self._logger.warning("%s has %s, which nobody calls: is %s meant?", manifest.label, found, meant)
                self.plugins[name] = Plugin(manifest, self._sites[name].path, target, hooks, realm.prefix)
                self.plugins[name].libraries = self.plan.libraries.get(name)
                self.plugins[name].copies = self.plan.copies.get(name, ())
                self._undo.callback(self.plugins[name].let_go)
        raise_all(errors)

    def bind(self) -> None:
        """Bound: `reloadable`, `export`, `import_`; exports checked and assigned; the graph checked again."""
        errors: list[PluginError] = []
        for plugin in self._fresh():
            try:
                plugin.reloadable = self._reloadable(plugin)
                plugin.exported = self._call(plugin, "export", "bound")
            except PluginError as error:
                errors.append(error)
        for plugin in self._fresh():
            try:
                self._asks[plugin.name] = asks = self._call(plugin, "import_", "bound")
                plugin.wants = wanted(plugin.name, asks, plugin.entry_file)
            except PluginError as error:
                errors.append(error)
        raise_all(errors)

        self.plan = rebind(self.plan, {p.name: [want.dependency for want in p.wants] for p in self._fresh()})
        exports = {name: plugin.exported for name, plugin in self.plugins.items()}
        for plugin in self._fresh():
            plugin.serial = next(_serial)
            names = {want.dependency.name for want in plugin.wants}
            plugin.dependencies = tuple(sorted(names & exports.keys()))
            try:
                self._check_reloadable(plugin)
                bind(plugin.name, self._asks[plugin.name], plugin.wants, exports, plugin.entry_file)
            except PluginError as error:
                errors.append(error)
        raise_all(errors)

    def start(self, number: int, data: Any, extension: Callable[[], Any] | None) -> Generation:
        """Live: `on_load(data)`, the vault, `on_init(vault)`, each in load order."""
        for plugin in self._fresh():
            self._call(plugin, "on_load", "live", data)
            self._undo.callback(plugin.free, self._caller, self._logger)
        shared = self._share(extension)
        for plugin in self._fresh():
            plugin.home = shared
            self._call(plugin, "on_init", "live", self._vault(plugin))
        ordered = {name: self.plugins[name] for name in self.plan.steps}
        generation = Generation(number, ordered, shared, self.plan.graph, self._logger)
        pins: dict[str, Pin] = {}
        for name, plugin in ordered.items():
            pins[name] = plugin.pinned() or plugin.pin(
                tuple(pins[dependency] for dependency in plugin.dependencies), self._retirement.drained
            )
        self._pins = list(pins.values())
        return generation

    def hand_over(self) -> None:
        """Live: state goes from the versions that are replaced to their successors."""
        if self._old is not None:
            pairs = [(old, plugin) for plugin in self._fresh() if (old := self._old.find(plugin.name)) is not None]
            # The old ones too may now wait for threads of theirs.
            self.prefixes += [old.prefix for old, new in pairs if hands_over(old, new)]
            self._undo.callback(self._handover.take_back, self._caller)
            self._handover.carry(pairs, self._call)

    def commit(self, generation: Generation) -> None:
        """The swap: one reference store; nothing fails from here on."""
        kept = self._kept()
        for name, realm in self._realms.items():
            plugin = self.plugins[name]
            bound_to = frozenset(self.plugins[dependency].serial for dependency in plugin.dependencies)
            self._retirement.enrol(plugin, realm, self._caller, generation.number, bound_to)
            realm.go_live()
        if self._old is not None:
            generation.shared.data_bag.adopt(self._old.shared.data_bag, kept)

        hold = Hold(generation, self._pins)
        self._current.holds.add(hold)
        self._undo.pop_all()
        old, self._current.hold = self._current.hold, hold
        self._handover.done()

        for name, plugin in self.plugins.items():
            plugin.outcome = self.plan.steps[name].outcome
            plugin.holds = self._current.holds
        for plugin in kept:
            plugin.home = generation.shared
        if old is not None:
            leaving = [plugin for plugin in old.generation.plugins if self.plugins.get(plugin.name) is not plugin]
            self._retirement.retire(leaving, old)

    def _fresh(self) -> list[Plugin]:
        """The plugins that were imported afresh, in load order."""
        return [self.plugins[name] for name in self.plan.steps if name in self._realms]

    def _kept(self) -> list[Plugin]:
        """The plugins that come from the old generation as they are."""
        return [plugin for name, plugin in self.plugins.items() if name not in self._realms]

    def _call(self, plugin: Plugin, name: str, stage: str, *args: Any) -> Any:
        self._logger.debug("%s %s: %s", plugin.name, plugin.version, name)
        # Of the pair, those of two versions are called in one change.
        shown = f"{name}() of {plugin.version}" if name in PAIR else f"{name}()"
        try:
            return call_hook(self._caller, plugin.name, shown, stage, getattr(plugin.hooks, name), *args)
        except asyncio.CancelledError as error:
            self._caller.check()  # if it is not the waiting task that was cancelled, it is the plugin's own doing
            raise LifecycleError(plugin.name, shown, error, stage=stage) from error

    def _reloadable(self, plugin: Plugin) -> bool:
        answer = self._call(plugin, "reloadable", "bound")
        if not isinstance(answer, bool):
            fault = Fault(plugin.entry_file, f"reloadable() returned {type(answer).__name__}", "return a bool")
            raise ContractError(plugin.name, [fault], stage="bound")
        return answer

    def _check_reloadable(self, plugin: Plugin) -> None:
        if plugin.reloadable:
            return
        faults = [
            Fault(
                plugin.entry_file,
                f"{plugin.name} is not reloadable while its dependency {name} is",
                f"make {name} not reloadable too, or {plugin.name} reloadable",
            )
            for name in plugin.dependencies
            if self.plugins[name].reloadable
        ]
        if faults:
            raise ContractError(plugin.name, faults, stage="bound")

    def _share(self, extension: Callable[[], Any] | None) -> VaultState:
        for name, realm in self._realms.items():
            plugin = self.plugins[name]
            plugin.live_funcs, plugin.live_types = collect_live(realm.loaded(), plugin.manifest.live_prefix)
        functions, types = merge_live(
            {name: self.plugins[name].live_funcs for name in self.plan.steps},
            {name: self.plugins[name].live_types for name in self.plan.steps},
        )
        try:
            made = self._caller(extension) if extension is not None else None
        except (Exception, SystemExit) as error:
            raise ReloadVetoError(f"extension= raised {type(error).__name__}: {error}") from error
        shared = VaultState(made, functions, types)
        if self._old is not None:
            kept = self._kept()
            shared.data_bag.adopt(self._old.shared.data_bag, kept)
        return shared

    def _vault(self, plugin: Plugin) -> Vault:
        current = self._current

        def find() -> VaultState:
            hold = current.hold
            if hold is not None and hold.generation.find(plugin.name) is plugin:
                return hold.generation.shared
            if plugin.home is None:
                raise RetiredError(f"{plugin.name} {plugin.version} has been freed and has no vault any more")
            return plugin.home

        predecessor = self._old.find(plugin.name) if self._old is not None else None
        return Vault(find, plugin, predecessor.version if predecessor and hands_over(predecessor, plugin) else None)
