"""Where each member of a wheel belongs, and which names must not be there at all."""

from __future__ import annotations

import importlib.machinery
import re
import sys
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from ..errors import Fault
from ..model import Candidate, canonical
from .headers import shown

MAX_PART = 255
"""Bytes a file name may have on the file systems a site dir lies on."""
MAX_PATH = 1024
"""Bytes a member's whole name may have; a quarter of PATH_MAX leaves room for the state dir in front of it."""

_TRICK = re.compile(r"\\|^/|^[A-Za-z]:|(?:^|/)\.{0,2}(?:/|$)")
_INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_STARTUP = {"sitecustomize", "usercustomize"}
_UNPLACED = {"scripts", "headers", "data"}
_EXTENSION = re.compile(r"\.(?:so|pyd)$")


@dataclass(frozen=True, slots=True)
class Layout:
    """Which member lies where in the site dir."""

    placed: Mapping[str, str]
    """POSIX path in the site dir -> member name."""
    dist_info: str | None
    """Name of the dist-info directory; None if there is none that could be meant."""


def check_names(names: Iterable[str], *, byte_code: bool = False) -> list[Fault]:
    """What is wrong with the names of a wheel's members, each by itself and together.

    Args:
        names: Of all members.
        byte_code: Let shipped `__pycache__` pass, which is left out when the wheel is unpacked.
    """
    faults = []
    files: dict[str, None] = {}
    directories: dict[str, None] = {}
    entries = set()
    for name in names:
        is_dir = name.endswith("/")
        path = name[:-1] if is_dir else name
        if what := _name_fault(path):
            faults.append(Fault(shown(name), what))
            continue
        if path in entries:
            faults.append(Fault(name, "is there twice"))
            continue
        entries.add(path)
        (directories if is_dir else files)[path] = None
        parent = path
        while (parent := parent.rpartition("/")[0]) and parent not in directories:
            directories[parent] = None
        if not is_dir and not byte_code and "__pycache__" in path.split("/"):
            faults.append(Fault(name, "is compiled code in the cache, which need not match the source", "leave it out"))
    faults += [Fault(path, "is both a file and a directory") for path in files if path in directories]
    faults += _collisions([*directories, *files])
    return faults


def _name_fault(path: str) -> str | None:
    if _TRICK.search(path):
        return "its name is not a plain relative path (backslash, drive, absolute, empty part, `.` or `..`)"
    if not path.isprintable() and any(unicodedata.category(character) in _INVISIBLE for character in path):
        return "its name has control characters"
    raw = path.encode("utf-8", "surrogatepass")
    if len(raw) > MAX_PATH or any(len(part) > MAX_PART for part in raw.split(b"/")):
        return f"its name is longer than {MAX_PATH} bytes, or a part of it than {MAX_PART}"
    return None


def _collisions(paths: Iterable[str]) -> Iterator[Fault]:
    spelled: dict[str, str] = {}
    for path in dict.fromkeys(paths):
        key = path.lower() if path.isascii() else unicodedata.normalize("NFKC", path).casefold()
        first = spelled.setdefault(key, path)
        if first != path:
            yield Fault(path, f"is the same name as {first!r} where case or Unicode form does not count")


def place(names: Iterable[str], candidate: Candidate, faults: list[Fault]) -> Layout:
    """Map members onto the site dir: the root as it is, `.data/purelib` and `.data/platlib` onto the root."""
    placed: dict[str, str] = {}
    for name in dict.fromkeys(names):
        if name.endswith("/"):
            continue
        path = _placed(name, candidate, faults)
        if path is None:
            continue
        if path in placed:
            faults.append(Fault(name, f"would overwrite {placed[path]} in the root"))
            continue
        placed[path] = name
    moved = [path for path, name in placed.items() if path != name]
    if moved:
        faults.extend(_collisions(placed))
    return Layout(placed, _dist_info(placed, candidate, faults))


def _placed(name: str, candidate: Candidate, faults: list[Fault]) -> str | None:
    top, _, rest = name.partition("/")
    if not rest or not top.lower().endswith(".data"):
        return name
    scheme, _, path = rest.partition("/")
    if not is_own(top[: -len(".data")], candidate):
        faults.append(Fault(name, f"lies in the data directory of another wheel; this is {_own(candidate)}"))
    elif not path or scheme not in _UNPLACED | {"purelib", "platlib"}:
        faults.append(
            Fault(name, "belongs to no known scheme", f"known are purelib, platlib, {', '.join(sorted(_UNPLACED))}")
        )
    elif scheme not in _UNPLACED:
        return path
    return None


def is_own(stem: str, candidate: Candidate) -> bool:
    """True if `name-version` is the candidate's, however it is spelled."""
    name, _, version = stem.rpartition("-")
    try:
        return canonical(name) == candidate.name and Version(version) == candidate.version
    except InvalidVersion:
        return False


def _own(candidate: Candidate) -> str:
    return f"{candidate.name} {candidate.version}"


def _dist_info(placed: Iterable[str], candidate: Candidate, faults: list[Fault]) -> str | None:
    tops = sorted(
        {top for path in placed if (top := path.partition("/")[0]).lower().endswith((".dist-info", ".egg-info"))}
    )
    own = [top for top in tops if top.endswith(".dist-info") and is_own(top[: -len(".dist-info")], candidate)]
    if not tops:
        faults.append(Fault("archive", "has no .dist-info directory: it is no wheel"))
    elif len(tops) > 1:
        faults.append(Fault("archive", f"has several metadata directories: {', '.join(tops)}", "a wheel has one"))
    elif not own:
        faults.append(Fault(tops[0], f"is not the metadata of {_own(candidate)}, which the file name says"))
    return next(iter(own or tops), None)


def module_name(file_name: str) -> str | None:
    """The module that a file makes, or None; extension modules of other interpreters count."""
    stem, dot, suffix = file_name.partition(".")
    is_module = f"{dot}{suffix}" in importlib.machinery.all_suffixes() or _EXTENSION.search(file_name)
    return stem if is_module and stem.isidentifier() else None


def provides(paths: Iterable[str]) -> tuple[str, ...]:
    """The import names that files bring, sorted; inside namespace packages the regular packages and modules."""
    tree: dict[str, set[str]] = {}
    modules = set()
    for path in paths:
        *parents, file_name = path.split("/")
        name = module_name(file_name)
        if name is None or not all(part.isidentifier() for part in parents):
            continue
        package = ".".join(parents)
        modules.add(f"{package}.{name}" if package else name)
        while package and package not in tree:
            tree[package] = {name}
            package, _, name = package.rpartition(".")
        tree.setdefault(package, set()).add(name)

    found = []
    namespaces = [""]
    while namespaces:
        package = namespaces.pop()
        for name in tree.get(package, ()):
            full = f"{package}.{name}" if package else name
            if name.startswith("__") and name.endswith("__"):
                continue  # __init__ of the root and __main__ are nobody's import names
            if full not in modules and "__init__" not in tree[full]:
                namespaces.append(full)
            else:
                found.append(full)
    return tuple(sorted(found))


def check_root(paths: Iterable[str], provided: Iterable[str]) -> list[Fault]:
    """Files and modules that would act on more than the plugin itself."""
    faults = [
        Fault(
            path,
            "is a path file: it would run code or change sys.path",
            "leave it out; an editable install is no plugin",
        )
        for path in paths
        if "/" not in path and path.lower().endswith(".pth")
    ]
    for name in sorted({name.partition(".")[0] for name in provided}):
        if name in _STARTUP:
            faults.append(Fault(name, "is a module that Python runs at its start", "leave it out"))
        elif name in sys.stdlib_module_names:
            faults.append(
                Fault(name, "shadows the module of the standard library", "put it into a package, or rename it")
            )
        elif name == "hotswap":
            faults.append(Fault(name, "shadows the host's hotswap", "rename the package"))
    return faults


def find_module(paths: Collection[str], dotted: str) -> str | None:
    """The file of a module among `paths`, or None; a package's is its `__init__`, source comes before anything else."""
    stem = dotted.replace(".", "/")
    for candidate in (f"{stem}/__init__.py", f"{stem}.py"):
        if candidate in paths:
            return candidate
    folder, _, name = stem.rpartition("/")
    for path in paths:
        parent, _, file_name = path.rpartition("/")
        made = module_name(file_name)
        if (parent == folder and made == name) or (parent == stem and made == "__init__"):
            return path
    return None
