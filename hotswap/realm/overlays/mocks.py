"""`unittest.mock`, whose `patch` resolves its target only when the patched function is called, by the test runner."""

from __future__ import annotations

from functools import update_wrapper
from typing import Any

from .thin import RealmNames


def unittest_mock(realm: RealmNames) -> dict[str, Any]:
    """What differs in a realm's `unittest.mock`."""
    from unittest import mock  # not before a plugin has it: a host need not load all of unittest

    def full(target: Any) -> Any:
        if not isinstance(target, str):
            return target
        module = target
        while module and realm.full(module) == module:
            module = module.rpartition(".")[0]
        return realm.full(module) + target[len(module) :] if module else target

    def patch(target: Any, *args: Any, **kwargs: Any) -> Any:
        return mock.patch(full(target), *args, **kwargs)

    def patch_multiple(target: Any, *args: Any, **kwargs: Any) -> Any:
        return mock.patch.multiple(full(target), *args, **kwargs)

    class PatchDict(mock.patch.dict):  # type: ignore[misc,name-defined]
        """Patches a dict that may be named."""

        def __init__(self, in_dict: Any, *args: Any, **kwargs: Any) -> None:
            super().__init__(full(in_dict), *args, **kwargs)

    update_wrapper(patch, mock.patch)
    patch.multiple = patch_multiple  # type: ignore[attr-defined]
    patch.dict = PatchDict  # type: ignore[attr-defined]
    return {"patch": patch}
