"""Tiny real wheels, made on the spot.

`make_wheel` writes a valid wheel; its keyword arguments bend one thing at a time, so that a test of a bad wheel says
exactly what is bad about it.
"""

from __future__ import annotations

import base64
import hashlib
import textwrap
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

SEVEN = """
def on_load(data): ...
def on_init(vault): ...
def on_free(): ...
def export(): return None
def import_(): return None
def invoke_func(name, *args, **kwargs): return globals()[name](*args, **kwargs)
def reloadable(): return True
"""


def plugin_source(extra: str = "", **replace: str) -> str:
    """The source of a plugin module: the seven functions, some replaced by name, and `extra` code behind them.

    A replacement of "" leaves the function out.
    """
    lines = []
    for line in SEVEN.strip().splitlines():
        name = line.split("(")[0].removeprefix("def ")
        lines.append(textwrap.dedent(replace.pop(name, line)))
    assert not replace, f"no such function: {replace}"
    return "\n".join([*lines, textwrap.dedent(extra), ""])


def record_hash(data: bytes) -> str:
    digest = hashlib.sha256(data).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def wheel_files(
    name: str,
    version: str,
    files: Mapping[str, str | bytes],
    *,
    plugin: str | None = None,
    module: str | None = None,
    requires: Sequence[str] = (),
    requires_python: str | None = None,
    tag: str = "py3-none-any",
    entry_points: str | None = None,
    metadata: str | None = None,
    wheel: str | None = None,
) -> dict[str, bytes]:
    """The members of a wheel without its RECORD, in order; texts are encoded as UTF-8."""
    dist_info = f"{name.replace('-', '_')}-{version}.dist-info"
    if metadata is None:
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        lines += [f"Requires-Dist: {requirement}" for requirement in requires]
        if requires_python is not None:
            lines.append(f"Requires-Python: {requires_python}")
        metadata = "\n".join([*lines, "", ""])
    if wheel is None:
        wheel = f"Wheel-Version: 1.0\nGenerator: wheelmaker\nRoot-Is-Purelib: true\nTag: {tag}\n"
    if entry_points is None:
        target = module or next(iter(files)).removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        entry_points = f"[hotswap.plugins]\n{plugin or name} = {target}\n"
    members: dict[str, str | bytes] = {
        **files,
        f"{dist_info}/METADATA": metadata,
        f"{dist_info}/WHEEL": wheel,
    }
    if entry_points:
        members[f"{dist_info}/entry_points.txt"] = entry_points
    return {path: data.encode() if isinstance(data, str) else data for path, data in members.items()}


def make_wheel(
    directory: Path,
    name: str,
    version: str = "1.0",
    files: Mapping[str, str | bytes] | str | None = None,
    *,
    file_name: str | None = None,
    tag: str = "py3-none-any",
    record: Callable[[list[str]], list[str]] = list,
    compression: int = zipfile.ZIP_DEFLATED,
    **options: object,
) -> Path:
    """Write a wheel into `directory` and return its path.

    Args:
        directory: Made if absent.
        name: Distribution name; unless `plugin=` says otherwise, also the plugin's.
        version: Its version.
        files: Path -> content; a single text is the module `<name>_plugin.py`; None is a plugin that does nothing.
        file_name: Overrides the wheel's own file name.
        tag: Compatibility tag.
        record: Takes the lines of RECORD and returns those that are written.
        compression: A constant of zipfile.
        options: See `wheel_files`.
    """
    if files is None:
        files = plugin_source()
    stem = name.replace("-", "_").replace(".", "_")
    if isinstance(files, str):
        files = {f"{stem}_plugin.py": textwrap.dedent(files)}
    members = wheel_files(name, version, files, tag=tag, **options)  # type: ignore[arg-type]
    dist_info = f"{name.replace('-', '_')}-{version}.dist-info"
    lines = [f"{path},{record_hash(data)},{len(data)}" for path, data in members.items()]
    lines.append(f"{dist_info}/RECORD,,")
    members[f"{dist_info}/RECORD"] = "".join(line + "\n" for line in record(lines)).encode()

    directory.mkdir(parents=True, exist_ok=True)
    target = directory / (file_name or f"{stem}-{version}-{tag}.whl")
    staging = target.with_suffix(".part")
    with zipfile.ZipFile(staging, "w", compression) as archive:
        for path, data in members.items():
            info = zipfile.ZipInfo(path, (2024, 1, 1, 0, 0, 0))
            info.external_attr = 0o644 << 16
            info.compress_type = compression
            archive.writestr(info, data)
    staging.replace(target)
    return target
