"""`logging`, whose loggers have the names that their authors gave them."""

from __future__ import annotations

import logging
from typing import Any

from .thin import RealmNames


def logging_(realm: RealmNames) -> dict[str, Any]:
    """What differs in a realm's `logging`."""

    def get_logger(name: str | None = None) -> logging.Logger:
        # Users configure logging by the plugin's own module names, and a logger never dies: the realm's name would
        # leave one behind with every reload.
        return logging.getLogger(realm.plain(name) if name else name)

    return {"getLogger": get_logger}
