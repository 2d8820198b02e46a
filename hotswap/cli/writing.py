"""Files that others may be reading: they see what was there before, or all of the new content."""

from __future__ import annotations

import tempfile
from pathlib import Path


def replace_file(path: Path, content: bytes) -> None:
    """Write a file by one rename.

    Raises:
        OSError: It cannot be written.
    """
    # Hidden, so that nobody takes what a killed process leaves for a wheel or for source.
    with tempfile.TemporaryDirectory(prefix=".hotswap-", dir=path.parent) as staging:
        new = Path(staging, path.name)
        new.write_bytes(content)
        new.replace(path)
