"""From a project to a wheel that is worth handing out."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..model import Manifest
from ..wheel import build_wheel, inspect_wheel


def build_checked(
    project: Path,
    output_dir: Path,
    *,
    isolated: bool,
    config_settings: Mapping[str, str | Sequence[str]] | None = None,
    on_output: Callable[[str], None] | None = None,
) -> tuple[Manifest, Path]:
    """Build a project's wheel, check it, and only then let it appear in `output_dir`, where a host may be waiting.

    Raises:
        BuildError: The backend failed.
        WheelError: What it made must not be installed.
        MissingExtraError: The extra [build] is not installed.
    """
    output_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".hotswap-", dir=output_dir) as temporary:
        built = build_wheel(
            project, Path(temporary), isolated=isolated, config_settings=config_settings, on_output=on_output
        )
        manifest = inspect_wheel(built)
        return manifest, built.replace(output_dir / built.name)
