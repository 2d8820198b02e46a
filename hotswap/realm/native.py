"""Extension modules in a realm: they initialise as code of the realm, and from a file that is the realm's alone."""

from __future__ import annotations

import _imp
import mmap
import os
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Protocol

from ..solitary import SOLITARY
from .asking import TRAMPOLINE
from .constants import constants_in
from .naming import namespace_of
from .nativestack import STACK
from .ownnames import OwnName
from .plainkeys import KEYS
from .territory import PARENT, Reach, Territory

if TYPE_CHECKING:
    from .registries import Registries


class Surroundings(Protocol):
    """What a loader needs of its realm."""

    builtins: dict[str, Any]
    territory: Territory
    path: str

    @property
    def reach(self) -> Reach | None:
        """What its code can import; None once it is closed."""
        ...

    def guard(self) -> None:
        """From now on C code may ask for the realm's modules by their plain names."""
        ...


_loaded: dict[tuple[int, int], str] = {}
"""Extension file, as the system tells files apart -> the prefix of the realm that loaded it first in this process."""
_lock = threading.Lock()
_WORDS_AT_END = re.compile(rb"(?:\w+(?:\.\w+)*)?\Z")
_LONGEST = 200
"""Bytes of a package's name."""
_INSISTENT = frozenset({"cv2"})
"""Extensions that compare the name they are made by with the one that they were compiled with, and fail."""


class _CompiledName(str):
    """The text of a plain name, by which nobody finds anything in `sys.modules`."""

    __slots__ = ()
    __hash__ = object.__hash__
    __eq__ = object.__eq__


class RealmExtensionLoader(ExtensionFileLoader):
    """Loads an extension module as code of its realm.

    Args:
        name: Full name of the module.
        path: The file.
        realm: The realm.
    """

    def __init__(self, name: str, path: str, realm: Surroundings) -> None:
        super().__init__(name, path)
        self._realm = realm
        self._own_names: set[str] = set()
        """The plain names by which the extension may know itself."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """See `importlib.abc.Loader`.

        Raises:
            ImportError: The realm has been closed.
        """
        territory = self._realm.territory
        reach = self._realm.reach
        if reach is None:
            raise territory.freed()
        self._realm.guard()
        plain = spec.name.removeprefix(territory.prefix)
        if plain.partition(".")[0] in SOLITARY and territory.plugin:
            raise ImportError(
                f"{territory.label}: {plain} cannot be in a plugin's own wheel: let the plugin require it"
            )
        KEYS.check()
        with Path(self.path).open("rb") as file:
            status = os.fstat(file.fileno())
            if not status.st_size:  # cannot be mapped; that it is no library the system says
                return super().create_module(spec)
            with _lock:
                again = _loaded.setdefault((status.st_dev, status.st_ino), territory.prefix) != territory.prefix
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                constants = constants_in(content)
        self._own_names = {plain, *_names_inside(constants, plain.rpartition(".")[2])}
        _registries().provide(constants, territory.prefix)
        with self._being_made():
            create = self._create_from_copy if again else self._create
            return create(spec, reach)

    def exec_module(self, module: ModuleType) -> None:
        """See `importlib.abc.Loader`."""
        space = namespace_of(module)
        if space is not None and type(space.get("__name__")) is str and space["__name__"] == self.name:
            space["__name__"] = OwnName(self.name)  # gevent's compare it with the name they were compiled under
        with self._being_made():
            self._inside(_imp.exec_dynamic, module)

    @contextmanager
    def _being_made(self) -> Iterator[None]:
        """Nothing that the extension enters into `sys.modules` by a plain name becomes the host's."""
        before = list(sys.modules)
        # Cython has every module enter itself by the name it was compiled under, unless that name is there.
        territory = self._realm.territory
        with _registries().making(territory.prefix), KEYS.creating(territory, self.name, self._own_names):
            yield
        self._take_in(before)

    def _create(self, spec: ModuleSpec, reach: Reach) -> ModuleType:
        STACK.learn(str(spec.origin), reach)
        STACK.learn(self._realm.path + "/", reach)
        plain = spec.name.removeprefix(self._realm.territory.prefix)
        if plain not in _INSISTENT:
            module: ModuleType = self._inside(_imp.create_dynamic, spec)
            return module
        compiled = _CompiledName(plain)
        try:
            module = self._inside(_imp.create_dynamic, _at(spec, str(spec.origin), compiled))
        finally:
            sys.modules.pop(compiled, None)
        module.__name__ = OwnName(spec.name)
        return module

    def _create_from_copy(self, spec: ModuleSpec, reach: Reach) -> ModuleType:
        """Load a file again that another realm has loaded, perhaps one that is closed.

        To the system the same file is the same library, with the same variables: modules written in Cython or Rust
        would hand out the other realm's module, numpy would refuse. What the library needs of other libraries is in
        memory already, and is found by name.
        """
        with tempfile.TemporaryDirectory(prefix="hotswap-") as directory:
            copy = shutil.copy2(self.path, directory)
            module = self._create(_at(spec, copy), reach)
        if getattr(module, "__file__", None) == copy:
            module.__file__ = self.path
        return module

    def _take_in(self, before: Sequence[str]) -> None:
        """What an extension has put into `sys.modules` by plain names goes to its realm."""
        territory = self._realm.territory
        for name in _new_entries(before):
            module = sys.modules.get(name)
            if not territory.owns(name):
                # Cython enters a module by the name it was compiled under, which need not be where it lies.
                if str((namespace_of(module) or {}).get("__file__")).startswith(self._realm.path + "/"):
                    sys.modules.pop(name, None)
            # What the host has imported meanwhile says so, or hangs in a package of the host's.
            elif getattr(getattr(module, "__spec__", None), "name", "") != name and not _in_hosts_package(name, module):
                sys.modules.pop(name, None)
                if module is not None:
                    sys.modules.setdefault(territory.full(name), module)
                    KEYS.put(territory, name)

    def _inside(self, function: Any, *arguments: Any) -> Any:
        """Call from a function that has the realm's builtins: C code imports by those of its caller."""
        scope = {"__builtins__": self._realm.builtins, "__name__": self._realm.territory.prefix[:-1]}
        return FunctionType(TRAMPOLINE, scope)(function, *arguments)


def _registries() -> Registries:
    from .registries import REGISTRIES  # not before there is an extension: ctypes takes a while to import

    return REGISTRIES


def forget(prefix: str) -> None:
    """A realm has been closed."""
    STACK.forget(prefix)
    registries: Any = sys.modules.get(f"{__package__}.registries")
    if registries is not None:
        registries.REGISTRIES.forget(prefix)


def _in_hosts_package(name: str, module: object) -> bool:
    """True for what the host's own C code has entered: a module without a spec, where the host's package has it."""
    parent, _, last = name.rpartition(".")
    return module is not None and (namespace_of(sys.modules.get(parent)) or {}).get(last) is module


def _names_inside(content: bytes, last: str) -> Iterator[str]:
    """The names in a file under which an extension may have been compiled that is called `last` where it lies.

    Its last part has to be the same, the package need not be. Linkers let strings share their ends: what a name ends
    with may be a name of its own.
    """
    yield last
    end = b"." + last.encode() + b"\0"
    at = content.find(end)
    while at >= 0:
        name = last
        words = _WORDS_AT_END.search(content[max(0, at - _LONGEST) : at])
        assert words is not None, "it matches nothing, too"
        for part in filter(None, reversed(words[0].split(b"."))):
            name = f"{part.decode()}.{name}"
            yield name
        at = content.find(end, at + 1)


def _at(spec: ModuleSpec, path: str, name: str = "") -> ModuleSpec:
    is_package = spec.submodule_search_locations is not None
    moved = ModuleSpec(name or spec.name, spec.loader, origin=path, is_package=is_package)
    moved.submodule_search_locations = spec.submodule_search_locations
    return moved


def _new_entries(before: Sequence[str]) -> set[str]:
    """The plain names that `sys.modules` has and had not before."""
    known = set(map(id, before))  # of texts: there are hundreds, and most are the same objects
    added = {name for name in list(sys.modules) if id(name) not in known and type(name) is str}
    return {name for name in added if not name.startswith(PARENT)}.difference(before) if added else added
