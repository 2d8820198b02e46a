"""`importlib.resources`, whose anchors may be names."""

from __future__ import annotations

import importlib.resources
import sys
from collections.abc import Callable
from typing import Any

from .thin import RealmNames

_ANCHORED = ("files", "contents", "is_resource", "open_binary", "open_text", "path", "read_binary", "read_text")


def importlib_resources(realm: RealmNames) -> dict[str, Any]:
    """What differs in a realm's `importlib.resources`."""

    def anchored(name: str) -> Callable[..., Any]:
        function = getattr(importlib.resources, name)

        def call(anchor: Any = None, *args: Any, **kwargs: Any) -> Any:
            if anchor is None:
                # The original looks at its caller's frame, which would be this one.
                anchor = kwargs.pop("package", None) or sys._getframe(1).f_globals["__name__"]
            if isinstance(anchor, str):
                anchor = realm.leaf(anchor)
            return function(anchor, *args, **kwargs)

        return call

    return {name: anchored(name) for name in _ANCHORED if hasattr(importlib.resources, name)}
