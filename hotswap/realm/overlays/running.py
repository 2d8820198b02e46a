"""`runpy`, which runs a realm's modules and scripts with the realm's import."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from typing import Any

from .thin import RealmNames


def runpy_(realm: RealmNames) -> dict[str, Any]:
    """What differs in a realm's `runpy`."""

    def inside(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(name: Any, init_globals: Any = None, *args: Any, **kwargs: Any) -> Any:
            scope = {**(init_globals or {}), "__builtins__": realm.builtins}
            return function(realm.full(name) if isinstance(name, str) else name, scope, *args, **kwargs)

        return run

    return {"run_module": inside(runpy.run_module), "run_path": inside(runpy.run_path)}
