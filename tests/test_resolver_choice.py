"""The choice of versions against brute force, on small random universes."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from hotswap.errors import ResolutionError, VersionConflictError
from hotswap.model import Candidate, Dependency, Host, Manifest
from hotswap.resolver import demands, kernel, resolve

HOST = Host({"sys_platform": "linux"}, {"hotswap": Version("0.1.0")})
SPECIFIERS = ("", ">=2", "<2", "==1", "==2", ">1", "!=2", "<=2", ">=3")


def manifest(plugin: str, version: str, imports: dict[str, str], requires: tuple[str, ...] = ()) -> Manifest:
    path = Path(f"{plugin}-{version}.whl")
    # The same digest in every universe: what is remembered of one must not be taken for another's.
    return Manifest(
        plugin,
        plugin,
        Version(version),
        f"{plugin}-{version}",
        Candidate(plugin, Version(version), path, f"{plugin}-{version}", "plugins/"),
        plugin,
        "",
        (plugin,),
        f"{plugin}-{version}.dist-info",
        requires=tuple(map(Requirement, requires)),
        imports=tuple(Dependency(name, name, SpecifierSet(text)) for name, text in imports.items()),
    )


def universe(seed: int) -> list[Manifest]:
    """Up to six plugins in up to four versions; who asks whom differs between versions, but never in a circle."""
    rng = random.Random(seed)
    names = [f"p{i}" for i in range(rng.randint(2, 6))]
    rng.shuffle(names)
    offers = []
    for i, name in enumerate(names):
        for version in range(1, rng.randint(1, 4) + 1):
            imports, requires = {}, []
            for target in names[:i]:
                kind = rng.random()
                text = rng.choice(SPECIFIERS)
                if kind < 0.35:
                    imports[target] = text
                elif kind < 0.5:
                    requires.append(f"{target}[fast]{text}")
                elif kind < 0.6:
                    requires.append(f"{target}{text}; extra == 'fast'")
            if rng.random() < 0.1:
                requires.append("absent; extra == 'fast'")
            offers.append(manifest(name, str(version), imports, tuple(requires)))
    rng.shuffle(offers)
    return offers


def valid(chosen: dict[str, Manifest]) -> bool:
    """Whether every demand holds: written as plainly as it can be, apart from the resolver."""
    asked: set[str] = set()
    while True:
        before = set(asked)
        for one in chosen.values():
            for dependency in one.imports or ():
                if chosen[dependency.name].version not in dependency.specifier:
                    return False
            for requirement in one.requires:
                if "extra" in str(requirement) and one.plugin not in asked:
                    continue
                if requirement.name not in chosen or chosen[requirement.name].version not in requirement.specifier:
                    return False
                if requirement.extras:
                    asked.add(requirement.name)
        if asked == before:
            return True


def solutions(offers: list[Manifest]) -> Iterator[dict[str, Manifest]]:
    by_name: dict[str, list[Manifest]] = {}
    for one in offers:
        by_name.setdefault(one.plugin, []).append(one)
    for combination in itertools.product(*by_name.values()):
        chosen = {one.plugin: one for one in combination}
        if valid(chosen):
            yield chosen


@pytest.mark.parametrize("block", range(8))
def test_choice_agrees_with_brute_force(block: int) -> None:
    """A solution is found whenever there is one, it is valid, and no single plugin of it could be newer."""
    outcomes = set()
    for seed in range(block * 150, (block + 1) * 150):
        offers = universe(seed)
        possible = list(solutions(offers))
        if not possible:
            with pytest.raises(VersionConflictError) as caught:
                resolve(offers, HOST)
            assert caught.value.requirements, f"seed {seed}"
            outcomes.add("conflict")
            continue
        plan = resolve(offers, HOST)
        chosen = {name: step.manifest for name, step in plan.steps.items()}
        assert chosen in possible, f"seed {seed}"
        newest = {name: max(m.version for m in offers if m.plugin == name) for name in chosen}
        outcomes.add("newest" if all(m.version == newest[n] for n, m in chosen.items()) else "lowered")
        for newer in offers:
            if newer.version > chosen[newer.plugin].version:
                assert not valid({**chosen, newer.plugin: newer}), f"seed {seed}: {newer.label} would do"
                assert any(note.startswith(f"{newer.label} is passed over: ") for note in plan.notes), f"seed {seed}"
    assert outcomes == {"conflict", "newest", "lowered"}


def test_choice_does_not_depend_on_the_order_of_offers() -> None:
    """Sources may list their wheels in any order: the plan is the same."""
    for seed in range(60):
        offers = universe(seed)
        if not any(solutions(offers)):
            continue
        plans = {str(resolve(one, HOST)) for one in (offers, offers[::-1], sorted(offers, key=lambda m: m.plugin))}
        assert len(plans) == 1, f"seed {seed}"


def chain(length: int) -> list[Manifest]:
    """Plugins in two versions, each of which asks its predecessor for the same; the first has the old one only."""
    offers = [manifest("p000", "1", {})]
    for i in range(1, length):
        offers += [manifest(f"p{i:03}", v, {f"p{i - 1:03}": f"=={v}"}) for v in ("1", "2")]
    return offers


def test_kernel_is_widened_as_far_as_needed() -> None:
    """One old version at the end of a chain brings down the whole chain, ring by ring."""
    plan = resolve(chain(30), HOST)
    assert {str(step.manifest.version) for step in plan.steps.values()} == {"1"}


def test_distant_plugins_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has nothing to do with a conflict is not handed to resolvelib."""
    sizes = []
    solve = kernel.Kernel.solve

    def watch(self: kernel.Kernel) -> dict[str, Manifest]:
        sizes.append(len(self.domains))
        return solve(self)

    monkeypatch.setattr(kernel.Kernel, "solve", watch)
    crowd = [manifest(f"q{i:03}", v, {f"q{i - 1:03}": ""} if i else {}) for i in range(100) for v in ("1", "2")]
    offers = [*crowd, manifest("a", "1", {}), manifest("a", "2", {}), manifest("b", "1", {"a": "<2", "q050": ""})]
    assert str(resolve(offers, HOST).steps["a"].manifest.version) == "1"
    assert sizes == [2]


def test_a_search_that_is_too_hard_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """If resolvelib comes to no end, the error says which plugins and what helps."""

    def give_up(self: kernel.Kernel) -> dict[str, Manifest]:
        raise kernel.TooHard

    monkeypatch.setattr(kernel.Kernel, "solve", give_up)
    with pytest.raises(ResolutionError, match="gave up the search for versions of 4 plugins") as caught:
        resolve(chain(4), HOST)
    assert caught.value.plugins == ("p000", "p001", "p002", "p003")


def test_resolvelib_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that needs more rounds than allowed is too hard, not impossible."""
    monkeypatch.setattr(kernel, "_ROUNDS", -10)
    with pytest.raises(ResolutionError, match="gave up"):
        resolve(chain(4), HOST)


def test_what_is_remembered_is_what_was_asked_last() -> None:
    """Of a wheel that is no longer on offer nothing is remembered after the next resolution but one."""
    old, new = manifest("a", "1", {}), manifest("a", "2", {})
    known = demands.Directory(frozenset({("a", "a")}), frozenset())
    kept = known.demands(new, ())
    forgotten = known.demands(old, ())
    for _ in range(2):
        known.begin()
        assert known.demands(new, ()) is kept
    assert known.demands(old, ()) is not forgotten


def test_arbitrary_equality_compares_spellings() -> None:
    """`===1.0` does not take 1.0.0, in whatever order the two are asked about."""
    for _ in range(2):
        assert demands.allows("===1.0", Version("1.0"))
        assert not demands.allows("===1.0", Version("1.0.0"))
