"""The vault: what the plugins of a generation share, and what a reload keeps of it."""

from __future__ import annotations

import threading
import weakref

import pytest

from hotswap.vault import DataBag, Vault, VaultState


class Thing:
    pass


def test_mapping() -> None:
    """A plugin's data bag is a mutable mapping like any other."""
    bag = Vault(VaultState).data_bag
    state = VaultState()
    bag = Vault(lambda: state, "alpha").data_bag
    bag["a"] = 1
    bag.update(b=2, c=3)
    assert dict(bag) == {"a": 1, "b": 2, "c": 3}
    assert repr(bag) == repr(state.data_bag) == "DataBag({'a': 1, 'b': 2, 'c': 3})"
    del bag["a"]
    assert (bag.pop("b"), bag.pop("b", None), bag.setdefault("c", 4), bag.setdefault("d", 5)) == (2, None, 3, 5)
    assert (len(bag), "c" in bag, "a" in bag, bag.get("a")) == (2, True, False, None)
    with pytest.raises(KeyError):
        del bag["a"]
    with pytest.raises(KeyError):
        bag.pop("a")
    bag.clear()
    assert list(bag) == []


def test_what_is_live_is_read_only() -> None:
    """What plugins offer can be looked at but not changed; a name that is not offered is told with those that are."""
    functions = {"live_b": len, "live_a": len}
    state = VaultState(None, functions)
    vault = Vault(lambda: state)
    functions.clear()
    assert (vault.live_funcs["live_a"], vault.live_funcs.get("nope"), "nope" in vault.live_funcs) == (len, None, False)
    with pytest.raises(KeyError, match="there is no live function 'nope'; there are: live_a, live_b"):
        vault.live_funcs["nope"]
    with pytest.raises(KeyError, match="there is no live type 'nope'; there are: none"):
        vault.live_types["nope"]
    for mapping in (vault.live_funcs, vault.live_types):
        with pytest.raises(TypeError):
            mapping["live_c"] = len  # type: ignore[index]


def test_host_side_mapping() -> None:
    """The bag itself can be used in the same way, in the host's name."""
    bag = DataBag()
    assert bag.setdefault("a", 1) == 1
    assert bag.pop("a") == 1
    bag["b"] = 2
    del bag["b"]
    assert len(bag) == 0


@pytest.mark.parametrize("side", ["host", "plugin"])
def test_threads_agree(side: str) -> None:
    """Of many threads that set a default at once all get the same value, and of many that pop one gets it."""
    state = VaultState()
    bag = state.data_bag if side == "host" else Vault(lambda: state, "alpha").data_bag
    gate = threading.Barrier(8)
    defaults: list[object] = []
    popped: list[object] = []

    def work() -> None:
        gate.wait()
        defaults.append(bag.setdefault("key", object()))
        gate.wait()
        popped.append(bag.pop("key", None))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, defaults))) == 1
    assert [value for value in popped if value is not None] == defaults[:1]


def test_iteration_while_others_write() -> None:
    """Iterating is safe from entries that come and go meanwhile."""
    bag = DataBag()
    bag["a"] = bag["b"] = 1
    for key in bag:
        bag[key + "x"] = 2
    assert sorted(bag) == ["a", "ax", "b", "bx"]


def filled() -> DataBag:
    older = DataBag()
    older.put("kept", 1, "alpha")
    older.put("gone", 2, "beta")
    older["host"] = 3
    return older


def test_adopting() -> None:
    """A new generation starts with what the host and the plugins it keeps had put in."""
    bag = DataBag()
    bag.adopt(filled(), ["alpha"])
    assert dict(bag) == {"kept": 1, "host": 3}


def test_adopting_leaves_what_is_new() -> None:
    """What has been put anew is not overwritten by what the older generation had."""
    bag = DataBag()
    bag["host"] = "new"
    bag.adopt(filled(), ["alpha"])
    assert bag["host"] == "new"


def test_adopting_again() -> None:
    """The second adoption brings what has changed in the older bag since, and respects what was done here."""
    older, bag = filled(), DataBag()
    for key in ("replaced", "deleted", "vanishes", "handed"):
        older[key] = "old"
    bag.adopt(older, ["alpha"])
    bag["replaced"] = "here"
    del bag["deleted"]
    older.put("kept", "changed", "alpha")
    older["replaced"] = older["deleted"] = "changed"
    older["late"] = "late"
    del older["vanishes"]
    older.put("handed", "x", "beta")
    bag.adopt(older, ["alpha"])
    assert dict(bag) == {"kept": "changed", "host": 3, "replaced": "here", "late": "late"}


def test_adopted_and_deleted_values_die() -> None:
    """A bag does not hold a value any more that was adopted and then replaced or deleted."""
    older, bag = DataBag(), DataBag()
    things = [Thing(), Thing()]
    references = [weakref.ref(thing) for thing in things]
    older["a"], older["b"] = things
    bag.adopt(older, [])
    del older, things
    bag["a"] = 1
    del bag["b"]
    assert [reference() for reference in references] == [None, None]


def test_a_dying_value_may_use_the_bag() -> None:
    """A value that writes to the bag when it dies does not lock it up."""
    bag = DataBag()

    class Last:
        def __del__(self) -> None:
            bag["last"] = "words"

    bag["a"] = Last()
    bag["a"] = 1
    assert bag["last"] == "words"


def test_the_vault_follows() -> None:
    """A vault shows what is shared at this moment, and remembers the plugin's entries as its own."""
    states = [VaultState("one", {"live_f": len}, {"LiveT": int})]
    vault = Vault(lambda: states[-1], "alpha")
    stored = vault.data_bag
    stored["a"] = 1
    assert (vault.extension, vault.live_funcs["live_f"], vault.live_types["LiveT"]) == ("one", len, int)
    states.append(VaultState("two"))
    states[1].data_bag.adopt(states[0].data_bag, ["alpha"])
    assert (vault.extension, dict(vault.live_funcs), dict(vault.live_types)) == ("two", {}, {})
    assert dict(stored) == {"a": 1}
