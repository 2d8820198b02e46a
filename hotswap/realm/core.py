"""The realm of one plugin version."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, reduce
from importlib.machinery import ModuleSpec
from itertools import count
from types import ModuleType
from typing import Any

from ..errors import LifecycleError
from ..model import SiteDir
from .address import address_of, stem_of
from .executing import running_threads, thread_stacks
from .finder import FINDER
from .libraries import LIBRARIES, refuse_inside
from .owners import claim, release
from .ownkeys import OWN_KEYS
from .space import Space
from .succession import Former
from .territory import of_site, plain_names
from .undeclared import Undeclared

_lives = count(1)


class Realm(Space):
    """One loaded plugin version's own world of imports.

    Its private libraries live in a realm that it shares with every other plugin that has the same set.

    Args:
        site: The site dir, complete on disk; so are the libraries, if there are any.
        name: Given in a child process: what the realm of the same version is called in the parent.
    """

    def __init__(self, site: SiteDir, name: str | None = None) -> None:
        manifest = site.manifest
        chosen = site.libraries.library_set if site.libraries is not None else None
        self.site = site
        refuse_inside(manifest)
        self.libraries = LIBRARIES.open(site.libraries, manifest.plugin) if site.libraries is not None else None
        super().__init__(
            stem_of(address_of(manifest, chosen)),
            str(site.path),
            partial(of_site, site),
            manifest,
            self.libraries.reach if self.libraries is not None else None,
            Undeclared(manifest).meet,
            name,
        )
        claim(self.name, manifest)
        self.plugin = manifest.plugin
        self.gives_way = False
        """See `give_way`."""
        others = [other for other in FINDER.realms_of(self.plugin) if other is not self]
        # In a child process none is another's successor, in whatever order they are opened.
        for each in [*others, self] if others and name is not None else others:
            OWN_KEYS.put(each, FINDER.formers.make)

    def load(self, module: str, attribute: str = "") -> Any:
        """Import the module an entry point names and return it, or the object inside it.

        Args:
            module: Dotted name as the plugin itself would write it.
            attribute: Dotted path inside the module, or "" for the module.

        Raises:
            LifecycleError: The module's code raised, or the attribute is not there; the exception is its cause.
        """
        own_import = self._import
        assert own_import is not None, "a closed realm loads nothing"
        try:
            return reduce(getattr, filter(None, attribute.split(".")), own_import.leaf(module))
        except (Exception, SystemExit) as error:
            if isinstance(error, AttributeError):
                error.args = (plain_names(str(error)),)
            raise LifecycleError(self.site.manifest.plugin, f"importing {module}", error, stage="loaded") from error

    def go_live(self) -> None:
        """From now on it answers for what pickles name of the plugin's former versions."""
        self.live_since = next(_lives)

    def locate(self, fullname: str, path: Sequence[str]) -> ModuleSpec | None:
        """See `Space`; what is imported when the realm has a successor gets a key of its own."""
        return OWN_KEYS.watched(super().locate(fullname, path))

    def loaded(self) -> list[ModuleType]:
        """See `Space`."""
        late = [module for module in super().loaded() if type(module) is not Former]
        return [*OWN_KEYS.modules(self.prefix), *late]

    def give_way(self, gives_way: bool) -> None:
        """Say whether its successor answers for what pickles name: while nobody uses this version any more."""
        self.gives_way = gives_way

    def running(self) -> bool:
        """True if a thread executes in it at this moment."""
        return bool(running_threads(thread_stacks(), self.prefix))

    def leave(self, name: str) -> None:
        """See `Space`: where another version is open it answers for this one from now on."""
        if self.live_since and FINDER.realms_of(self.plugin):
            FINDER.formers.stand_in(name)
        else:
            super().leave(name)

    def close(self) -> None:
        """Tear the realm down, and with the last one that uses them the libraries' realm."""
        if not self.closed:
            release(self.name)
            OWN_KEYS.take(self.prefix)
            super().close()
            left = FINDER.realms_of(self.plugin)
            if len(left) == 1:
                OWN_KEYS.take(left[0].prefix)
            if self.libraries is not None:
                LIBRARIES.close(self.libraries)
