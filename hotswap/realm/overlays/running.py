"""`runpy`, which runs a realm's modules and scripts with the realm's import."""

from __future__ import annotations

import runpy
from collections.abc import Mapping
from typing import Any

from .thin import RealmNames


def runpy_(realm: RealmNames) -> dict[str, Any]:
    """What differs in a realm's `runpy`."""

    def scope(init_globals: Mapping[str, Any] | None) -> dict[str, Any]:
        return {**(init_globals or {}), "__builtins__": realm.builtins}

    def run_module(mod_name: str, init_globals: Mapping[str, Any] | None = None, *args: Any, **kwargs: Any) -> Any:
        return runpy.run_module(realm.full(mod_name), scope(init_globals), *args, **kwargs)

    def run_path(path_name: Any, init_globals: Mapping[str, Any] | None = None, *args: Any, **kwargs: Any) -> Any:
        return runpy.run_path(path_name, scope(init_globals), *args, **kwargs)

    return {"run_module": run_module, "run_path": run_path}
