"""Whose copy of each library a plugin gets: from wheels on a shelf and a host that is made up, by the resolver."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from test_resolver_scenarios import manifest
from wheelmaker import make_wheel

import hotswap
from hotswap.errors import PrivateCopyError, UsageError, VersionConflictError, WheelError
from hotswap.libraries import LibraryOptions, WheelShelf
from hotswap.model import Candidate, Host, Incumbent, LibrarySet, Manifest, Outcome, Plan
from hotswap.resolver import private, resolve
from hotswap.resolver import solitary as solitary_copies
from hotswap.solitary import Solitary
from hotswap.sources import WheelDir
from hotswap.wheel import Verifier


class Bench:
    """A directory of library wheels, a host, and plugins that exist as manifests alone."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.root.mkdir()
        self.host: dict[str, str] = {}
        self.host_requires: dict[str, tuple[str, ...]] = {}
        self.options: dict[str, Any] = {}
        self.fetchable = False

    def add(self, name: str, version: str = "1.0", *requires: str, **options: Any) -> Path:
        return make_library(self.root, name, version, *requires, **options)

    def resolve(
        self,
        *plugins: Manifest,
        incumbents: Mapping[str, Incumbent] | None = None,
        fixed: Mapping[str, LibrarySet | None] | None = None,
    ) -> Plan:
        markers = {"python_version": "3.11", "sys_platform": "linux"}
        distributions = {name: Version(version) for name, version in self.host.items()}
        requires = {name: tuple(map(Requirement, texts)) for name, texts in self.host_requires.items()}
        return resolve(
            plugins,
            Host(markers, distributions, requires),
            incumbents=incumbents,
            shelf=shelf(WheelDir(self.root).find().candidates),
            sharing=LibraryOptions(**self.options, index=self.fetchable).sharing(self.fetchable),
            fixed=fixed,
        )


def shelf(wheels: Sequence[Candidate]) -> WheelShelf:
    return WheelShelf(lambda: wheels, Verifier(logging.getLogger()).verify_library)


def make_library(directory: Path, name: str, version: str = "1.0", *requires: str, **options: Any) -> Path:
    options.setdefault("files", {f"{name}/__init__.py": f"VERSION = {version!r}\n"})
    options.setdefault("entry_points", "")
    return make_wheel(directory, name, version, requires=requires, **options)


def plugin(label: str = "alpha 1.0", *requires: str, **more: Any) -> Manifest:
    return manifest({"name": label, "requires": requires, **more})


def copies(plan: Plan, name: str = "alpha") -> dict[str, str]:
    return {c.name: f"{c.version} {'private' if c.private else 'shared'}" for c in plan.copies.get(name, ())}


def reasons(plan: Plan, name: str = "alpha") -> dict[str, str]:
    return {c.name: c.reason for c in plan.copies[name]}


def own(plan: Plan, name: str = "alpha") -> list[str]:
    return [library.label for library in plan.libraries[name].libraries] if name in plan.libraries else []


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "shelf")


def test_what_the_host_has_is_shared(bench: Bench) -> None:
    """A requirement that the host's version satisfies means the host's copy, however new a wheel is on offer."""
    bench.host = {"numb": "1.5"}
    bench.add("numb", "1.9")
    plan = bench.resolve(plugin("alpha 1.0", "numb>=1"))
    assert copies(plan) == {"numb": "1.5 shared"}
    assert reasons(plan) == {"numb": "alpha 1.0 requires numb>=1"}
    assert plan.libraries == {}


def test_what_the_host_lacks_is_private(bench: Bench) -> None:
    """A library that the host does not have comes from the newest wheel, together with what it requires itself."""
    bench.add("numb", "2.0", "lib-c>=1")
    bench.add("numb", "1.0")
    bench.add("lib_c", "1.1")
    plan = bench.resolve(plugin("alpha 1.0", "Numb"))
    assert copies(plan) == {"lib-c": "1.1 private", "numb": "2.0 private"}
    assert reasons(plan) == {
        "lib-c": "numb 2.0 for alpha 1.0 requires lib-c>=1, which the host does not have",
        "numb": "alpha 1.0 requires Numb, which the host does not have",
    }
    assert own(plan) == ["lib-c 1.1", "numb 2.0"]
    assert plan.libraries["alpha"].libraries[1].provides == ("numb",)


def test_the_wrong_version_in_the_host_is_private(bench: Bench) -> None:
    """Two plugins that need two versions get theirs, and the one that the host's will do for gets the host's."""
    bench.host = {"numb": "1.5"}
    bench.add("numb", "2.0")
    bench.add("numb", "3.0")
    plan = bench.resolve(plugin("alpha 1.0", "numb>=2,<3"), plugin("beta 1.0", "numb>=3"), plugin("gamma 1.0", "numb"))
    assert [own(plan, name) for name in ("alpha", "beta", "gamma")] == [["numb 2.0"], ["numb 3.0"], []]
    assert reasons(plan)["numb"] == "alpha 1.0 requires numb<3,>=2, the host has 1.5"
    assert copies(plan, "gamma") == {"numb": "1.5 shared"}


def test_everybody_in_a_world_has_one_copy(bench: Bench) -> None:
    """The host's copy is taken only if it satisfies the plugin and all of its libraries; then older wheels give way."""
    bench.host = {"numb": "1.5"}
    bench.add("frame", "2.0", "numb>=2")
    bench.add("numb", "2.5")
    plan = bench.resolve(plugin("alpha 1.0", "frame", "numb"))
    assert copies(plan) == {"frame": "2.0 private", "numb": "2.5 private"}
    assert reasons(plan)["numb"] == "frame 2.0 for alpha 1.0 requires numb>=2, the host has 1.5"
    bench.add("frame", "1.0", "numb<2")
    plan = bench.resolve(plugin("alpha 1.0", "frame", "numb"))
    assert copies(plan) == {"frame": "1.0 private", "numb": "1.5 shared"}


def test_the_hosts_copies_go_together(bench: Bench) -> None:
    """A host's copy that uses another one that is private here is not shared: they would exchange foreign objects."""
    bench.host = {"numb": "1.5", "frame": "1.0"}
    bench.host_requires = {"frame": ("numb>=1", "absent", "numb; extra == 'x'")}
    bench.add("numb", "2.0")
    bench.add("frame", "1.1", "numb")
    plan = bench.resolve(plugin("alpha 1.0", "frame", "numb>=2"))
    assert copies(plan) == {"frame": "1.1 private", "numb": "2.0 private"}
    assert reasons(plan)["frame"] == "alpha 1.0 requires frame; the host's 1.0 uses the host's numb"
    assert copies(bench.resolve(plugin("alpha 1.0", "frame", "numb"))) == {"frame": "1.0 shared", "numb": "1.5 shared"}


def test_what_goes_along_with_nothing(bench: Bench) -> None:
    """hotswap's own dependencies, and those of what share= names, may be private to a plugin."""
    bench.host = {"hotswap": "0.1.0", "frame": "1.0", "numb": "1.5"}
    bench.host_requires = {"hotswap": ("numb",), "frame": ("numb",)}
    bench.add("numb", "2.0")
    plan = bench.resolve(plugin("alpha 1.0", "hotswap", "numb>=2"))
    assert copies(plan) == {"hotswap": "0.1.0 shared", "numb": "2.0 private"}
    with pytest.raises(VersionConflictError):
        bench.resolve(plugin("alpha 1.0", "frame", "numb>=2"))
    bench.options = {"share": ["frame"]}
    assert copies(bench.resolve(plugin("alpha 1.0", "frame", "numb>=2")))["frame"] == "1.0 shared"


def test_markers_and_extras(bench: Bench) -> None:
    """Markers are evaluated for this interpreter, and an extra of a library brings what it requires."""
    bench.add("web", "1.0", "sock>=1; extra == 'socks'", "win; sys_platform == 'win32'", "odd; python_version ~= 'x'")
    bench.add("sock", "1.2")
    assert own(bench.resolve(plugin("alpha 1.0", "web"))) == ["web 1.0"]
    plan = bench.resolve(plugin("alpha 1.0", "web[socks]>=1", "nothing; sys_platform == 'win32'"))
    assert own(plan) == ["sock 1.2", "web 1.0"]


def test_an_extra_that_the_host_lacks(bench: Bench) -> None:
    """The host's copy will not do for an extra whose requirements the host does not have."""
    bench.host = {"web": "1.0"}
    bench.host_requires = {"web": ("sock>=1; extra == 'socks'",)}
    bench.add("web", "1.0", "sock>=1; extra == 'socks'")
    bench.add("sock", "1.2")
    assert own(bench.resolve(plugin("alpha 1.0", "web[socks]"))) == ["sock 1.2", "web 1.0"]
    bench.host["sock"] = "1.0"
    assert copies(bench.resolve(plugin("alpha 1.0", "web[socks]"))) == {"web": "1.0 shared"}


def test_an_extra_of_a_plugin_brings_its_libraries(bench: Bench) -> None:
    """What an extra of a plugin requires is private to that plugin, if another plugin asks for the extra."""
    bench.add("numb", "2.0")
    alpha = plugin("alpha 1.0", "numb; extra == 'fast'")
    assert own(bench.resolve(alpha)) == []
    plan = bench.resolve(alpha, plugin("beta 1.0", "alpha[fast]"))
    assert (own(plan), own(plan, "beta")) == (["numb 2.0"], [])


def test_pre_releases(bench: Bench) -> None:
    """A pre-release is taken only if somebody asks for one, or there is nothing else."""
    bench.add("numb", "2.0rc1")
    assert own(bench.resolve(plugin("alpha 1.0", "numb"))) == ["numb 2.0rc1"]
    bench.add("numb", "1.0")
    assert own(bench.resolve(plugin("alpha 1.0", "numb"))) == ["numb 1.0"]
    assert own(bench.resolve(plugin("alpha 1.0", "numb>=2.0rc0"))) == ["numb 2.0rc1"]


def test_wheels_that_do_not_fit(bench: Bench) -> None:
    """A wheel for another interpreter or Python is passed over with a note, for an older one that fits."""
    bench.add("numb", "3.0", requires_python=">=4")
    bench.add("numb", "2.0", tag="cp27-cp27m-win32")
    bench.add("numb", "1.0")
    plan = bench.resolve(plugin("alpha 1.0", "numb"))
    assert own(plan) == ["numb 1.0"]
    assert any(note.startswith("numb 3.0 is passed over: ") for note in plan.notes)
    with pytest.raises(VersionConflictError, match=r"numb-2.0-cp27-cp27m-win32.whl is made for another interpreter"):
        bench.resolve(plugin("alpha 1.0", "numb==2.0"))


def test_of_one_version_the_best_wheel_is_taken(bench: Bench) -> None:
    """Among wheels of one version the more specific tag counts, then the build number."""
    bench.add("numb", "1.0")
    bench.add("numb", "1.0", file_name="numb-1.0-7-py3-none-any.whl")
    plan = bench.resolve(plugin("alpha 1.0", "numb"))
    assert [library.path.name for library in plan.libraries["alpha"].libraries] == ["numb-1.0-7-py3-none-any.whl"]


def test_share(bench: Bench) -> None:
    """share= takes the host's copy or nothing, also where only a library asks for it."""
    bench.host = {"numb": "1.5"}
    bench.options = {"share": ["Numb"]}
    bench.add("numb", "2.0")
    bench.add("frame", "1.0", "numb>=2")
    plan = bench.resolve(plugin("alpha 1.0", "numb"))
    assert reasons(plan) == {"numb": "alpha 1.0 requires numb; share= says so"}
    with pytest.raises(VersionConflictError, match=r"numb>=2, but the host has numb 1.5, and only the host's will do"):
        bench.resolve(plugin("alpha 1.0", "numb>=2"))
    with pytest.raises(VersionConflictError, match=r"numb>=2 \(asked for by frame 1.0 for alpha 1.0\), but"):
        bench.resolve(plugin("alpha 1.0", "frame"))
    bench.host = {}
    with pytest.raises(VersionConflictError, match=r"but the host has no numb, and only the host's will do \(share=\)"):
        bench.resolve(plugin("alpha 1.0", "numb"))


def test_private(bench: Bench) -> None:
    """private= never takes the host's copy."""
    bench.host = {"numb": "1.5"}
    bench.options = {"private": ["numb"]}
    with pytest.raises(VersionConflictError, match=r"numb, never the host's \(private=\), no wheel of it is on offer"):
        bench.resolve(plugin("alpha 1.0", "numb"))
    bench.add("numb", "1.0")
    plan = bench.resolve(plugin("alpha 1.0", "numb"))
    assert reasons(plan) == {"numb": "alpha 1.0 requires numb; private= says so"}
    assert copies(plan) == {"numb": "1.0 private"}


def test_hotswap_is_always_the_hosts(bench: Bench) -> None:
    """There is one hotswap in a process: a version that the host does not have is an error."""
    bench.host = {"hotswap": "0.1.0"}
    bench.add("numb", "1.0", "hotswap>=9")
    with pytest.raises(VersionConflictError, match=r"hotswap>=9, but the host has hotswap 0.1.0, and only the host's"):
        bench.resolve(plugin("alpha 1.0", "hotswap>=9"))
    with pytest.raises(VersionConflictError, match=r"hotswap>=9 \(asked for by numb 1.0 for alpha 1.0\)"):
        bench.resolve(plugin("alpha 1.0", "numb"))


def test_what_is_missing_says_who_asked_and_both_ways_out(bench: Bench) -> None:
    """The error names the requirement, the chain of who asked, what is on offer, and what to do."""
    bench.host = {"lib-c": "0.5"}
    bench.add("frame", "2.0", "numb>=2")
    bench.add("numb", "2.0", "lib-c>=3")
    bench.add("lib_c", "1.0")
    with pytest.raises(VersionConflictError) as caught:
        bench.resolve(plugin("alpha 1.0", "frame"), plugin("beta 1.0", "absent"))
    text = str(caught.value)
    assert (
        "alpha 1.0 requires lib-c>=3 (asked for by numb 2.0 for frame 2.0 for alpha 1.0), but the host has lib-c 0.5, "
        "on offer as wheels: 1.0" in text
    )
    assert "beta 1.0 requires absent, neither a plugin on offer nor in the host, no wheel of it is on offer" in text
    assert "put wheels of it beside the plugins or into a directory of find_links=" in text
    assert "index=True" in text
    assert caught.value.plugins == ("alpha", "beta")


def test_libraries_do_not_import_plugins(bench: Bench) -> None:
    """A library that requires a plugin's distribution is refused, with the reason."""
    bench.add("numb", "1.0", "beta")
    with pytest.raises(VersionConflictError, match="beta is a plugin: libraries do not import plugins"):
        bench.resolve(plugin("alpha 1.0", "numb"), plugin("beta 1.0"))


def test_an_older_plugin_that_can_be_served(bench: Bench) -> None:
    """If nobody has what the newest version requires, an older one is taken and a note says so."""
    bench.add("numb", "1.0")
    plan = bench.resolve(plugin("alpha 1.0", "numb>=1"), plugin("alpha 2.0", "numb>=2"))
    assert str(plan.steps["alpha"].manifest.version) == "1.0"
    assert plan.notes == (
        "alpha 2.0 is passed over: it requires numb>=2, neither a plugin on offer nor in the host, "
        "on offer as wheels: 1.0",
    )


def test_a_damaged_wheel_counts_only_if_it_is_needed(bench: Bench) -> None:
    """A bad library wheel is an error with all its faults for who needs it, and nothing to anybody else."""
    bench.add("numb", "1.0")
    bench.add("numb", "2.0", record=lambda lines: lines[1:])
    assert own(bench.resolve(plugin("alpha 1.0", "numb<2"))) == ["numb 1.0"]
    with pytest.raises(WheelError, match="is not listed in RECORD"):
        bench.resolve(plugin("alpha 1.0", "numb"))


def test_a_wheel_that_is_still_being_written(bench: Bench) -> None:
    """A wheel that changed since it was listed is passed over with a note, for an older one."""
    bench.add("numb", "1.0")
    newest = bench.add("numb", "2.0")
    on_offer = shelf(WheelDir(bench.root).find().candidates)
    newest.write_bytes(b"half")
    plan = resolve([plugin("alpha 1.0", "numb")], Host({}, {}), shelf=on_offer)
    assert own(plan) == ["numb 1.0"]
    assert plan.notes[0].startswith("numb-2.0-py3-none-any.whl is passed over: ")


# -------------------------------------------------------------------------------------------------- across reloads


def loaded(plan: Plan, name: str = "alpha", **changes: Any) -> dict[str, Incumbent]:
    return {name: Incumbent(plan.steps[name].manifest, changes.get("reloadable", True), (), plan.libraries.get(name))}


def test_an_unchanged_plugin_keeps_its_set(bench: Bench) -> None:
    """Neither a newer library wheel nor a copy that the host has got by now changes the set of a loaded plugin."""
    bench.add("numb", "1.0")
    alpha = plugin("alpha 1.0", "numb")
    before = bench.resolve(alpha)
    bench.add("numb", "2.0")
    bench.host = {"numb": "3.0"}
    plan = bench.resolve(alpha, incumbents=loaded(before))
    assert (plan.steps["alpha"].outcome, own(plan)) == (Outcome.UNCHANGED, ["numb 1.0"])
    for wheel in bench.root.iterdir():
        wheel.unlink()  # what lies on disk needs no wheel
    assert own(bench.resolve(alpha, incumbents=loaded(before))) == ["numb 1.0"]


def test_a_replaced_plugin_is_resolved_afresh(bench: Bench) -> None:
    """A new version of the plugin gets the newest libraries."""
    bench.add("numb", "1.0")
    before = bench.resolve(plugin("alpha 1.0", "numb"))
    bench.add("numb", "2.0")
    plan = bench.resolve(plugin("alpha 1.1", "numb"), incumbents=loaded(before))
    assert (plan.steps["alpha"].outcome, own(plan)) == (Outcome.RELOADED, ["numb 2.0"])


def test_a_set_that_does_not_hold_any_more(bench: Bench) -> None:
    """If the host's copy changed so that it will not do any more, the plugin is rebound, and the plan says to what."""
    bench.host = {"numb": "1.0"}
    bench.add("lib_c", "1.0")
    bench.add("numb", "1.1")
    alpha = plugin("alpha 1.0", "numb<2", "lib-c")
    before = bench.resolve(alpha)
    bench.host = {"numb": "2.0"}
    step = bench.resolve(alpha, incumbents=loaded(before)).steps["alpha"]
    assert step.outcome is Outcome.REBOUND
    assert step.reason == "its private libraries change: numb not private -> 1.1"


def test_overrides_count_for_what_is_loaded(bench: Bench) -> None:
    """A library that share= or private= names meanwhile changes sides at the next reload."""
    bench.add("numb", "1.0")
    alpha = plugin("alpha 1.0", "numb")
    before = bench.resolve(alpha)
    bench.host, bench.options = {"numb": "1.5"}, {"share": ["numb"]}
    plan = bench.resolve(alpha, incumbents=loaded(before))
    assert plan.steps["alpha"].reason == "its private libraries change: numb 1.0 -> not private"
    bench.options = {"private": ["numb"]}
    after = bench.resolve(alpha, incumbents=loaded(plan))
    assert after.steps["alpha"].reason == "its private libraries change: numb not private -> 1.0"


def test_what_is_loaded_for_good_keeps_everything(bench: Bench) -> None:
    """A plugin that is not reloadable keeps its libraries whatever becomes of host and wheels."""
    bench.host = {"lib-c": "1.0"}
    wheel = bench.add("numb", "1.0")
    alpha = plugin("alpha 1.0", "numb", "lib-c")
    before = loaded(bench.resolve(alpha), reloadable=False)
    wheel.unlink()
    bench.host = {"lib-c": "2.0"}
    plan = bench.resolve(alpha, incumbents=before)
    assert (plan.steps["alpha"].outcome, own(plan)) == (Outcome.UNCHANGED, ["numb 1.0"])
    assert copies(plan) == {"lib-c": "2.0 shared", "numb": "1.0 private"}


def test_a_fixed_set(bench: Bench) -> None:
    """A set that is prescribed is taken though another is on offer, and is an error where it will not do."""
    bench.add("numb", "1.0")
    alpha = plugin("alpha 1.0", "numb")
    old = bench.resolve(alpha).libraries["alpha"]
    bench.add("numb", "2.0")
    plan = bench.resolve(alpha, fixed={alpha.digest: old})
    assert own(plan) == ["numb 1.0"]
    with pytest.raises(VersionConflictError, match=r"fixed \(none\), and with the host's no numb they do not do"):
        bench.resolve(alpha, fixed={alpha.digest: None})
    with pytest.raises(VersionConflictError, match=r"fixed \(numb 1.0\), and with the host's no numb they do not do"):
        bench.resolve(plugin("alpha 1.0", "numb>=2"), fixed={alpha.digest: old})


@pytest.fixture
def solitary(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `numb` be a package of which a process can have one copy."""
    monkeypatch.setattr(solitary_copies, "SOLITARY", {"numb": Solitary("it says so")})


@pytest.mark.usefixtures("solitary")
def test_one_copy_only(bench: Bench) -> None:
    """A package of which a process can have one copy is refused beside the host's, and beside another set's."""
    bench.add("numb", "1.0")
    bench.add("numb", "2.0")
    alpha, beta = plugin("alpha 1.0", "numb<2"), plugin("beta 1.0", "numb>=2")
    assert own(bench.resolve(alpha, plugin("beta 1.0", "numb<2"), plugin("gamma 1.0")), "beta") == ["numb 1.0"]
    with pytest.raises(
        PrivateCopyError, match=r"numb cannot be private .*, because it says so: let the host"
    ) as caught:
        bench.resolve(alpha, beta)
    assert caught.value.library == "numb"
    assert caught.value.plugins == ("alpha", "beta")
    assert caught.value.reasons == (
        "alpha would get numb 1.0 for itself, and beta another one, numb 2.0",
        "beta would get numb 2.0 for itself, and alpha another one, numb 1.0",
    )
    bench.host["numb"] = "1.5"
    assert copies(bench.resolve(alpha)) == {"numb": "1.5 shared"}
    with pytest.raises(PrivateCopyError) as caught:
        bench.resolve(beta)
    assert caught.value.reasons == ("beta would get numb 2.0 for itself, and the host has numb 1.5",)


@pytest.mark.usefixtures("solitary")
def test_a_copy_in_a_plugins_own_wheel(bench: Bench) -> None:
    """In a plugin's own wheel such a package is refused by the plan, although nobody has imported it yet."""
    alpha = dataclasses.replace(plugin("alpha 1.0"), provides=("alpha", "numb"))
    with pytest.raises(PrivateCopyError, match=r"numb cannot be private .* because it says so") as caught:
        bench.resolve(alpha, plugin("beta 1.0"))
    assert caught.value.plugins == ("alpha",)
    assert caught.value.reasons == ("alpha 1.0 has numb in its own wheel (let it require numb)",)


@pytest.mark.usefixtures("solitary")
def test_one_copy_at_a_time(bench: Bench) -> None:
    """What is loaded now is there until the change is done; it stays what it is, whatever the host has got since."""
    bench.add("numb", "1.0")
    bench.add("numb", "2.0")
    alpha, beta = plugin("alpha 1.0", "numb<2"), plugin("beta 1.0", "numb>=2")
    now = loaded(bench.resolve(alpha))
    with pytest.raises(PrivateCopyError) as caught:
        bench.resolve(plugin("alpha 1.1", "numb>=2"), incumbents=now)
    assert caught.value.reasons == (
        "alpha would get numb 2.0 for itself, and alpha has numb 1.0 of another set until then"
        " (let it go by a reload without alpha first)",
    )
    with pytest.raises(PrivateCopyError) as caught:
        bench.resolve(alpha, beta, incumbents=now)
    assert caught.value.reasons == ("beta would get numb 2.0 for itself, and alpha another one, numb 1.0",)
    bench.host["numb"] = "1.5"
    assert own(bench.resolve(alpha, incumbents=now)) == ["numb 1.0"]


def test_what_would_be_fetched(bench: Bench) -> None:
    """With an index what is missing is no error yet: the plan says which requirements would be fetched."""
    bench.host, bench.fetchable = {"lib-c": "1.0", "numb": "1.0"}, True
    plan = bench.resolve(plugin("alpha 1.0", "numb>=2", "lib-c"), plugin("beta 1.0", "numb"))
    assert plan.fetch == {"alpha": ("numb>=2",)}
    assert copies(plan) == {"lib-c": "1.0 shared"}
    assert "alpha: to be fetched: numb>=2" in str(plan)
    bench.options = {"share": ["numb"]}
    with pytest.raises(VersionConflictError, match="only the host's will do"):
        bench.resolve(plugin("alpha 1.0", "numb>=2"))


def test_the_order_of_wheels_does_not_matter(bench: Bench) -> None:
    """The same wheels in any order give the same set, with the same key."""
    for version in ("1.0", "2.0", "3.0"):
        bench.add("numb", version, "lib-c<=2" if version == "3.0" else "lib-c")
        bench.add("lib_c", version)
    wheels = WheelDir(bench.root).find().candidates
    plans = [
        resolve([plugin("alpha 1.0", "numb", "lib-c")], Host({}, {}), shelf=shelf(order))
        for order in (wheels, wheels[::-1], sorted(wheels, key=lambda wheel: wheel.digest))
    ]
    assert len({plan.libraries["alpha"].key for plan in plans}) == 1
    assert own(plans[0]) == ["lib-c 2.0", "numb 3.0"] or own(plans[0]) == ["lib-c 3.0", "numb 2.0"]


def test_extras_that_do_not_go_together(bench: Bench) -> None:
    """Extras that can each be served and not both are an error of those who ask."""
    bench.add("numb", "1.0")
    bench.add("numb", "2.0")
    alpha = plugin("alpha 1.0", "numb<2; extra == 'old'", "numb>=2; extra == 'new'")
    with pytest.raises(
        VersionConflictError, match=r"alpha 1.0 requires numb<2, neither .*, on offer as wheels: 2.0, 1.0"
    ):
        bench.resolve(alpha, plugin("beta 1.0", "alpha[old]"), plugin("gamma 1.0", "alpha[new]"))


def test_extras_of_libraries_stay(bench: Bench) -> None:
    """A set with an extra of a library, and an extra the host meets, hold at the next reload as well."""
    bench.host, bench.host_requires = {"web": "1.0", "sock": "1.0"}, {"web": ("sock; extra == 'socks'",)}
    bench.add("frame", "1.0", "web[socks]", "numb[fast]>=1")
    bench.add("numb", "1.0", "speed; extra == 'fast'")
    bench.add("speed", "1.0")
    alpha = plugin("alpha 1.0", "frame", "web")
    plan = bench.resolve(alpha)
    assert copies(plan) == {
        "frame": "1.0 private",
        "numb": "1.0 private",
        "speed": "1.0 private",
        "web": "1.0 shared",
    }
    again = bench.resolve(alpha, incumbents=loaded(plan))
    assert again.copies == plan.copies
    bench.host = {"web": "1.0"}  # without what the extra needs
    with pytest.raises(VersionConflictError, match=r"web\[socks\] \(asked for by frame 1.0 for alpha 1.0\)"):
        bench.resolve(alpha, incumbents=loaded(plan))


def test_a_host_that_began_to_use_what_is_private(bench: Bench) -> None:
    """A set does not hold any more if a shared copy has come to use another copy of what is private."""
    bench.host = {"frame": "1.0"}
    bench.add("numb", "2.0")
    bench.add("frame", "1.1")
    alpha = plugin("alpha 1.0", "frame", "numb>=2")
    before = bench.resolve(alpha)
    assert copies(before)["frame"] == "1.0 shared"
    bench.host, bench.host_requires = {"frame": "1.0", "numb": "1.0"}, {"frame": ("numb",)}
    step = bench.resolve(alpha, incumbents=loaded(before)).steps["alpha"]
    assert step.reason == "its private libraries change: frame not private -> 1.1"


def test_a_version_that_changes(bench: Bench) -> None:
    """A set that is prescribed and differs from the loaded one rebinds, from version to version."""
    bench.add("numb", "1.0")
    alpha = plugin("alpha 1.0", "numb")
    old = bench.resolve(alpha)
    bench.add("numb", "2.0")
    new = bench.resolve(alpha)
    step = bench.resolve(alpha, incumbents=loaded(new), fixed={alpha.digest: old.libraries["alpha"]}).steps["alpha"]
    assert (step.outcome, step.reason) == (Outcome.REBOUND, "its private libraries change: numb 2.0 -> 1.0")


def test_a_search_that_is_given_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """If resolvelib comes to no end the error says so."""
    bench.add("numb", "1.0")
    monkeypatch.setattr(private, "_ROUNDS", 0)
    with pytest.raises(VersionConflictError, match="the search for a set of wheels that go together was given up"):
        bench.resolve(plugin("alpha 1.0", "numb"))


def test_asked_for_more_than_once(bench: Bench) -> None:
    """What several ask for is one copy; what only the host's own copies use is none of the plugin's."""
    bench.host, bench.host_requires = {"web": "1.0", "sock": "1.0"}, {"web": ("sock",)}
    assert copies(bench.resolve(plugin("alpha 1.0", "sock>=1", "sock<9"))) == {"sock": "1.0 shared"}
    bench.add("frame", "1.0", "lib-c", "web")
    bench.add("numb", "1.0", "lib-c<9", "web>=1")
    bench.add("lib_c", "1.0", "speed")
    bench.add("speed", "1.0")
    alpha = plugin("alpha 1.0", "frame", "numb")
    plan = bench.resolve(alpha)
    assert own(plan) == ["frame 1.0", "lib-c 1.0", "numb 1.0", "speed 1.0"]
    assert list(copies(plan)) == ["frame", "lib-c", "numb", "speed", "web"]
    assert bench.resolve(alpha, incumbents=loaded(plan)).copies["alpha"][-1].version == Version("1.0")


def test_options_that_contradict(tmp_path: Path) -> None:
    """What cannot be meant is refused when the manager is made."""
    for wrong, words in (
        ({"share": "numpy"}, "share='numpy' is one text"),
        ({"find_links": str(tmp_path)}, "is one text"),
        ({"share": ["a-b"], "private": ["A_B"]}, "both name a-b"),
        ({"index": ""}, "names no index"),
        ({"index": tmp_path}, "index=.* is no index"),
        ({"index": 1}, "index=1 is no index"),
    ):
        with pytest.raises(UsageError, match=words):
            LibraryOptions(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "hint"), [("indx", r"; did you mean index\?"), ("whatever", "")])
def test_an_argument_that_there_is_not(tmp_path: Path, name: str, hint: str) -> None:
    """A manager's argument that is misspelt is told under the manager's name, with the one that may be meant."""
    with pytest.raises(TypeError, match=rf"PluginManager\(\) got an unexpected keyword argument '{name}'{hint}$"):
        hotswap.PluginManager(tmp_path, state_dir=tmp_path / "state", **{name: True})  # type: ignore[arg-type]
