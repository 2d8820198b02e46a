"""What the name of a realm says, and what it cannot."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
from conftest import Host
from realmkit import OpenRealm, make_site, open_realm

import hotswap
from hotswap import children, realms
from hotswap.realm.address import Address, address_of, parse, realm_id, stem_of

__all__ = ["open_realm"]


@pytest.mark.parametrize("plugin", ["alpha", "alpha-plugin", "alpha-1-0", "lib", "1"])
@pytest.mark.parametrize("version", ["1.0", "0", "1!2.0.post1.dev3", "1.0rc1+ubuntu.l.1", "2024.1+e.7"])
@pytest.mark.parametrize("libraries", ["", "77aa88bb"])
def test_a_name_can_be_read_again(plugin: str, version: str, libraries: str) -> None:
    """Whatever plugin and version are called, a realm's name says which they are, and is a name for a package."""
    address = Address(plugin, version, "3f9c01ab", libraries)
    name = realm_id(stem_of(address), count(7))
    assert f"_{name}".isidentifier()
    assert parse(f"hotswap.realms.{name}.acme.jobs") == (address, "acme.jobs")
    assert parse(f"hotswap.realms.{name}") == (address, "")


def test_libraries_have_names_of_their_own() -> None:
    """The name of a libraries' realm has the key of the set in it."""
    address = Address("", "", "", "77aa88bb")
    assert parse(f"hotswap.realms.{realm_id(stem_of(address), count(3))}.thing") == (address, "thing")
    assert address.label == "the private libraries 77aa88bb"


@pytest.mark.parametrize("name", ["none", "alpha__1_0__3f9c01ab", "alpha__1_0__3f9c__7", "lib__x__1", "a__b__c__d__e"])
def test_other_names_say_nothing(name: str) -> None:
    """What is not the name of a realm is not taken for one."""
    assert parse(f"hotswap.realms.{name}.module") is None


def test_a_realm_is_called_by_its_address(open_realm: OpenRealm, tmp_path: Path) -> None:
    """An open realm's name leads to its own address, and two realms of one site dir differ."""
    site = make_site(tmp_path, "alpha", "1.2")
    one, two = open_realm(site), open_realm(site)
    assert parse(one.name) == parse(two.name) == (address_of(site.manifest, None), "")
    assert one.name != two.name


def test_two_wheels_that_fit_are_refused(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that cannot tell which wheel is meant says so."""
    for text in ("one", "two"):
        host.add("alpha", "1.0", f"TEXT = {text!r}")
        with host.manager() as manager:
            manager.load()
            site = manager.current["alpha"].site_dir
    address = Address("alpha", "1.0", "", "")
    monkeypatch.setattr(children, "address_of", lambda manifest, libraries: address)
    monkeypatch.setattr(realms.STATE_DIRS, "inherited", (str(site.parents[2]),))
    with pytest.raises(hotswap.FormerNameError, match=r"alpha 1\.0, which may be any of .*give each change a version"):
        children.reopen(address, "alpha__1_0____1")
