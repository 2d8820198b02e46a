"""Who answers for the modules of a realm that is gone, which pickles still name.

    pickle names hotswap.realms.alpha__1_0__3f9c01ab__7.alpha_plugin.jobs, Job
    -> in a child process: the realm of that very version, opened from disk
    -> otherwise, by the code that executes: the version of alpha that reads, else the newest live one
    -> alpha_plugin.jobs, Job of that version

A module object has to stand in `sys.modules` under the old name, because pickle looks there. It is a `Former`: it holds
names only, asks for the successor each time pickle asks it, and goes when others have taken its place. So no version is
kept in memory, and what pickles name does not add up.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Protocol

from .. import realms
from ..errors import FormerNameError
from ..model import Manifest
from .address import Address, parse
from .executing import readers
from .territory import PARENT, Reach

KEPT = 64
"""How many names of former modules stay in `sys.modules`; more if they were asked for in the last `_REST` seconds."""
_REST = 5.0
"""Seconds for which a name stays that was imported: pickle looks it up in `sys.modules` just afterwards."""
_imported = threading.local()


class Successor(Protocol):
    """What is asked of an open realm."""

    manifest: Manifest | None
    """None for libraries, which belong to no plugin."""
    live_since: int
    """Greater for what went live later; 0 for what is not live yet."""

    @property
    def reach(self) -> Reach | None:
        """What its code reaches; None once it is closed."""
        ...


class Former(ModuleType):
    """Stands for a module of a realm that is gone."""

    __key__: str
    """What it stands under in `sys.modules`: its name, or what equals that for others than the version itself."""

    def __init__(self, name: str, formers: Formers, key: str = "") -> None:
        super().__init__(name, "A module of a plugin version that is gone; another version answers for it.")
        super().__setattr__("_formers", formers)
        super().__setattr__("__key__", key or name)
        super().__setattr__("__path__", [])

    @property
    def __spec__(self) -> ModuleSpec | None:
        # Every import statement, and so pickle, looks at it: also one that finds the module in `sys.modules`.
        self._formers.imported(self)
        spec: ModuleSpec | None = vars(self).get("__spec__")
        return spec

    @__spec__.setter
    def __spec__(self, spec: ModuleSpec | None) -> None:
        vars(self)["__spec__"] = spec

    def __setattr__(self, name: str, value: object) -> None:
        if not isinstance(value, Former):  # importlib hangs modules into their packages, and would keep them there
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"{self!r} has no attribute {name!r}")
        # pickle imports the module first. Others who ask, e.g. pickle when it searches all modules for an object that
        # does not know its own, must neither import a plugin's modules by that, nor get any error but AttributeError.
        asked, _imported.name = getattr(_imported, "name", None), None
        if asked == self.__name__:
            return self._formers.resolve(self.__name__, name)
        return getattr(self._formers.known(self.__name__), name)

    def __repr__(self) -> str:
        # Where an inner class is gone, pickle's own error has this in it.
        return f"<module {self.__name__} ({self._formers.described(self.__name__)})>"


class Formers:
    """The former modules that `sys.modules` has at the moment.

    Args:
        open_realms: Id -> realm, of those that are open.
        clock: Seconds.
    """

    def __init__(self, open_realms: Mapping[str, Successor], clock: Callable[[], float] = time.monotonic) -> None:
        self._open = open_realms
        self._clock = clock
        self._modules: OrderedDict[str, tuple[Former, float]] = OrderedDict()
        # Reentrant: a garbage collection in here may unpickle something.
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self._modules)

    def find_spec(self, fullname: str, key: str | None = None) -> ModuleSpec | None:
        """The spec of a module of a realm that is not open, or does not answer; None if the name is no realm's.

        Args:
            fullname: The module's name.
            key: What the module is to stand under in `sys.modules`, if not its name.
        """
        parsed = parse(fullname)
        if parsed is None:
            return None
        address, module = parsed
        if not module and self._reopened(address, fullname):
            package: ModuleType = sys.modules[fullname]
            assert package.__spec__ is not None
            package.__spec__.loader = _Standing()  # type: ignore[assignment]
            return package.__spec__
        # The interpreter puts a module into `sys.modules` under the name of its spec.
        return ModuleSpec(key or fullname, _FormerLoader(self), is_package=True)  # type: ignore[arg-type]

    def imported(self, module: Former) -> None:
        """Somebody has imported a former module, or is about to: it stays for a while."""
        name = module.__name__
        _imported.name = name
        with self._lock:
            self._note(module)
            sys.modules.setdefault(module.__key__, module)

    def forget(self, prefix: str = "") -> None:
        """Take names away: all of one realm, which is about to be opened, or all there are."""
        with self._lock:
            for name in [name for name in self._modules if f"{name}.".startswith(prefix)]:
                self._drop(name)

    def make(self, name: str) -> Former:
        """A former module that is about to be put into `sys.modules`."""
        module = Former(name, self)
        with self._lock:
            self._note(module)
        return module

    def stand_in(self, name: str) -> None:
        """Put a former module in the place of a module whose realm is being closed.

        At once, because some thread may just have imported that one, and look it up in `sys.modules` next.
        """
        with self._lock:
            sys.modules[name] = self.make(name)

    def known(self, fullname: str) -> ModuleType | None:
        """The module that answers for a former one, if it has been imported already."""
        found = self._successor(*_parsed(fullname))
        module = sys.modules.get(found) if found is not None else None
        return None if isinstance(module, Former) else module

    def resolve(self, fullname: str, attribute: str) -> Any:
        """What a former module is asked for.

        Raises:
            FormerNameError: There is nobody, or nobody has it.
        """
        address, module = _parsed(fullname)
        package = f"{PARENT}.{fullname[len(PARENT) + 1 :].partition('.')[0]}"
        if self._reopened(address, package):
            return getattr(import_module(fullname), attribute)
        found = self._successor(address, module)
        if found is None:
            raise self._error(address, module, attribute)
        try:
            successor = import_module(found)
        except ModuleNotFoundError as error:
            if not f"{found}.".startswith(f"{error.name}."):
                raise
            raise self._error(address, module, attribute, f"no module {module}") from None
        try:
            return getattr(successor, attribute)
        except AttributeError:
            raise self._error(address, module, attribute, f"no {attribute} in {module}") from None

    def described(self, fullname: str) -> str:
        """What a former module was, and who answers for it now."""
        address, module = _parsed(fullname)
        heir = f"{self._live(address) or 'nobody'} answers for it" if address.plugin else "others answer for it"
        return f"{module} of {address.label}, which is not loaded any more: {heir}"

    def _successor(self, address: Address, module: str) -> str | None:
        """The full name of the module that answers for one of a realm that is gone."""
        if address.plugin:
            reach = next(self._by_plugin(address.plugin), None)
            return reach.territory.prefix + module if reach is not None else None
        for realm in list(self._open.values()):
            reach = realm.reach if realm.manifest is None else None
            if reach is not None and parse(reach.territory.prefix[:-1]) == (address, ""):
                return reach.territory.prefix + module
        # Another set answers, or the host, if a plugin has been replaced by a version with other libraries.
        for reach in self._by_plugin():
            if (full := reach.full(module)) != module:
                return full
        return module

    def _by_plugin(self, plugin: str = "") -> Iterator[Reach]:
        """Versions of a plugin, or of all: the one whose code executes, then the live ones, the newest first."""
        yield from readers(plugin)
        looked_at: list[Successor] = []
        # Again if a reload has opened one and closed another meanwhile: the only one of the first look may be closed.
        while looked_at != (looked_at := list(self._open.values())):
            for realm in sorted(looked_at, key=lambda realm: (realm.live_since > 0, realm.live_since), reverse=True):
                if realm.manifest is not None and plugin in ("", realm.manifest.plugin) and (reach := realm.reach):
                    yield reach

    def _reopened(self, address: Address, name: str) -> bool:
        """Open a realm of the parent's in a child process, unless a plugin's own code reads what another version wrote.

        Returns:
            True if it is open now.
        """
        reopen = realms.reopener()
        if reopen is None or (address.plugin and any(readers(address.plugin))):
            return False
        self.forget(f"{name}.")
        return reopen(address, name.removeprefix(f"{PARENT}."))

    def _error(self, address: Address, module: str, attribute: str, gone: str = "") -> FormerNameError:
        what, former, live = f"{module}.{attribute}", address.label, self._live(address)
        text = f"a pickle names {what} of {former}, which is not loaded any more"
        if not address.plugin:
            text += f", and no other copy has it ({gone}): load a plugin that brings these libraries"
        elif live is None:
            text += f"; no version of {address.plugin} is: load one before this is read"
        else:
            text += f"; {live} is, and has {gone}: let {address.plugin} keep the name, or read this under {former}"
        return FormerNameError(text, plugin=address.plugin, former=former, live=live, what=what)

    def _live(self, address: Address) -> str | None:
        """Name and version of the plugin that answers."""
        reach = next(self._by_plugin(address.plugin), None) if address.plugin else None
        return reach.territory.label if reach is not None else None

    def _note(self, module: Former) -> None:
        now = self._clock()
        self._modules[module.__name__] = module, now
        self._modules.move_to_end(module.__name__)
        while len(self._modules) > KEPT and next(iter(self._modules.values()))[1] < now - _REST:
            self._drop(next(iter(self._modules)))

    def _drop(self, name: str) -> None:
        module, _ = self._modules.pop(name)
        if sys.modules.get(module.__key__) is module:
            del sys.modules[module.__key__]
        child = name.removeprefix(f"{PARENT}.")
        if vars(realms).get(child) is module:
            del vars(realms)[child]


def _parsed(fullname: str) -> tuple[Address, str]:
    parsed = parse(fullname)
    assert parsed is not None, "only names of realms become former modules"
    return parsed


class _FormerLoader:
    """Makes former modules."""

    def __init__(self, formers: Formers) -> None:
        self._formers = formers

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """See `importlib.abc.Loader`."""
        return Former(str.__str__(spec.name), self._formers, spec.name)

    def exec_module(self, module: Former) -> None:
        """See `importlib.abc.Loader`."""
        self._formers.imported(module)


class _Standing:
    """Hands out the package of a realm, which has put itself into `sys.modules`."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """See `importlib.abc.Loader`."""
        return sys.modules[spec.name]

    def exec_module(self, module: ModuleType) -> None:
        """See `importlib.abc.Loader`."""
