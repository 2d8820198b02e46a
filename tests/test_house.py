"""The rules of the house: which way imports go, and that no module outgrows its stage."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "hotswap"
MODULES = sorted(PACKAGE.rglob("*.py"))

STAGES = ("sources", "wheel", "libraries", "resolver", "store", "realm", "binding")
LAYERS: list[tuple[str, ...]] = [
    ("errors", "solitary"),
    ("library",),
    ("model",),
    ("hookspecs", "realms"),
    STAGES,
    ("options", "calls", "leases", "vault", "live", "stopwatch"),
    ("generation",),
    ("retired", "exclusion", "handover"),
    ("report", "retirement", "provision"),
    ("transition", "planning", "chronicle"),
    ("children",),
    ("supply",),
    ("static",),
    ("engine",),
    ("manager",),
    ("control", "scaffold"),
    ("cli",),
    ("__init__", "__main__"),
]
"""From the bottom up: a module imports its own layer's room, and layers below it."""

UPWARD = {("manager", "control"), ("realms", "realm"), ("realms", "children")}
"""`manager.serve_control` opens the socket for those who ask for it, and imports the room above only then. A child
process imports next to nothing at its start, and what opens realms when it unpickles something of a plugin."""

RESOLVER_MAY_IMPORT = {"networkx", "packaging", "resolvelib"}


def room(module: Path) -> str:
    relative = module.relative_to(PACKAGE)
    return relative.parts[0].removesuffix(".py")


def imported_rooms(module: Path) -> set[str]:
    """The rooms of hotswap that a module imports, wherever in it the import stands."""
    package = ["hotswap", *module.relative_to(PACKAGE).parts[:-1]]
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            names = [stem] if stem != "hotswap" else [f"hotswap.{alias.name}" for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("hotswap.")}
    return found & {name for layer in LAYERS for name in layer}


def third_party(module: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(module.read_text("utf-8"))))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    return {name.partition(".")[0] for name in names}


LEVEL = {name: level for level, layer in enumerate(LAYERS) for name in layer}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(PACKAGE)))
def test_imports_go_one_way(module: Path) -> None:
    """A module imports only its own room and rooms of lower layers, so that no stage knows of another."""
    own = room(module)
    assert own in LEVEL, f"{own} has no place among the layers"
    upward = {
        other
        for other in imported_rooms(module)
        if other != own and LEVEL[other] >= LEVEL[own] and (own, other) not in UPWARD
    }
    assert not upward


def test_the_resolver_is_a_pure_core() -> None:
    """The resolver imports networkx, packaging, resolvelib and the standard library, and no disk."""
    import sys

    outside = {name for module in (PACKAGE / "resolver").rglob("*.py") for name in third_party(module)}
    assert outside - RESOLVER_MAY_IMPORT <= set(sys.stdlib_module_names)
    assert not outside & {"os", "pathlib", "io", "shutil", "importlib", "subprocess"}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(PACKAGE)))
def test_no_module_outgrows_its_stage(module: Path) -> None:
    """Past 300 lines a module is a stage that has leaked into another; the values of all stages are the exception."""
    limit = 500 if module.name == "model.py" else 300
    assert len(module.read_text("utf-8").splitlines()) <= limit


def test_there_is_no_utils() -> None:
    """Every room is named after what it does."""
    assert not [module for module in MODULES if module.stem in ("utils", "util", "helpers", "misc")]


def test_public_names_are_those_of_the_stub() -> None:
    """What type checkers see in `__init__.pyi` is what `hotswap` has, and every name can be fetched."""
    import hotswap

    stub = ast.parse((PACKAGE / "__init__.pyi").read_text("utf-8"))
    declared = {alias.asname for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert declared == set(hotswap.__all__)
    assert all(getattr(hotswap, name) is not None for name in hotswap.__all__)
    assert set(hotswap.__all__) <= set(dir(hotswap))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = hotswap.nothing
