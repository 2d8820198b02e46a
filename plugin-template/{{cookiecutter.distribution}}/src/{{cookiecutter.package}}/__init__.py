"""The seven functions that hotswap calls, in this order.

`reloadable`, `export`, `import_`, `on_load`, `on_init` while the plugin is loaded; `invoke_func` as often as the
program likes; `on_free` once, when a newer version has taken over and the last call into this one has ended.

They are plain functions, found by their names. Everything else in this package is ordinary Python: imports between its
modules work as they always do, and each version of the plugin has its own copy of them.
"""

from collections.abc import Callable
from typing import Any

from .contract import GreeterExport
from .greetings import Greeter

_greeter = Greeter()


def reloadable() -> bool:
    """Say whether a newer version may replace this one; False keeps it until the process ends."""
    return True


def export() -> GreeterExport | None:
    """Return the object that other plugins use, or None.

    They get it by naming this plugin in their `import_()`, and see only what `GreeterExport` declares.
    """
    return _greeter


def import_() -> Any:
    """Return None, or an object whose annotated attributes name the plugins that this one needs.

    A dataclass is the usual form; keep the object, since hotswap sets its attributes before `on_load`:

        @dataclass
        class Needs:
            clock: ClockExport | None = None    # the export of the plugin `clock`; None if it is absent

        needs = Needs()
    """
    return None


def on_load(data: Any) -> None:
    """Take what the program passes to `load` or `reload`; the plugins this one needs have loaded already."""
    _greeter.name = str(data)


def on_init(vault: Any) -> None:
    """Take the vault, which all plugins share; every plugin has loaded by now."""
    vault.data_bag["greeter"] = _greeter.name


def on_free() -> None:
    """Let go of whatever this version holds: threads, connections, registrations elsewhere."""
    _greeter.name = ""


def invoke_func(name: str, *args: Any, **kwargs: Any) -> Any:
    """Answer the program's call of a function by its name.

    Raises:
        LookupError: There is no such function.
    """
    function = _FUNCTIONS.get(name)
    if function is None:
        raise LookupError(f"no function is called {name!r}; there are: {', '.join(_FUNCTIONS)}")
    return function(*args, **kwargs)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "greet": _greeter.greet,
    "count": _greeter.count,
}
