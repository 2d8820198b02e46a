"""Texts for people: quiet, aligned, readable in 80 columns."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Mapping, Sequence

import click

GAP = "  "
_NARROWEST = 24
"""Columns that the last one of a table gets at least."""

_COLOURS = {
    "loaded": "green",
    "reloaded": "green",
    "rebound": "cyan",
    "removed": "yellow",
    "not reloadable": "yellow",
    "refused": "red",
    "failed": "red",
}


def plain(text: str) -> str:
    """The text without control characters: what a wheel says of itself must not reach the terminal as commands."""
    return "".join(character if character.isprintable() or character in "\n\t" else "�" for character in text)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns under a header; the last one is wrapped. Outcomes are coloured where colours are shown."""
    cells = [[plain(" ".join(cell.split())) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)][:-1]
    indent = sum(widths) + len(GAP) * len(widths)
    room = max(_NARROWEST, shutil.get_terminal_size().columns - indent)
    lines = [click.style(_line(header, widths, {}), bold=True)]
    for row in cells:
        first, *more = textwrap.wrap(row[-1], room, break_on_hyphens=False) or [""]
        lines.append(_line([*row[:-1], first], widths, _COLOURS))
        lines += [" " * indent + line for line in more]
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int], colours: Mapping[str, str]) -> str:
    padded = [
        click.style(cell, fg=colours[cell]) + " " * (width - len(cell)) if cell in colours else cell.ljust(width)
        for cell, width in zip(cells, (*widths, 0), strict=True)
    ]
    return GAP.join(padded).rstrip()


def span(seconds: float) -> str:
    """A time span in the unit that suits it, e.g. `3.2 s`, `5 min`, `2.0 h`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def several(count: int, what: str) -> str:
    """`1 reload`, `2 reloads`."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def mark(fine: bool) -> str:
    """What a verdict begins with."""
    return click.style("ok   ", fg="green") if fine else click.style("fault", fg="red", bold=True)
