"""A line of numbers as a small plot of plain characters. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tracking.text.formatting import format_number

_MARK = "*"


def render_plot(xs: Sequence[float], ys: Sequence[float], *, width: int = 60, height: int = 10) -> str:
    """Return points as `height` lines of about `width` characters, with the range on both axes.

    Points that are not finite are left out; without any finite point the plot says so.
    """
    points = [(x, y) for x, y in zip(xs, ys, strict=True) if math.isfinite(x) and math.isfinite(y)]
    if not points:
        return "(no finite values to plot)"
    low, high = min(y for _, y in points), max(y for _, y in points)
    first, last = min(x for x, _ in points), max(x for x, _ in points)
    marks = [format_number(high), format_number(low)]
    margin = max(map(len, marks))
    columns = max(width - margin - 2, 10)
    grid = [[" "] * columns for _ in range(height)]
    for x, y in points:
        row = height - 1 - _place(y, low, high, height)
        grid[row][_place(x, first, last, columns)] = _MARK
    axis = [marks[0], *[""] * (height - 2), marks[1]]
    lines = [f"{mark:>{margin}} |{''.join(line)}".rstrip() for mark, line in zip(axis, grid, strict=True)]
    ends = f"{format_number(first)}{format_number(last):>{columns - len(format_number(first))}}"
    return "\n".join([*lines, " " * margin + " +" + "-" * columns, " " * (margin + 2) + ends])


def _place(value: float, low: float, high: float, cells: int) -> int:
    """Return the cell of a value; a range of nothing lies in the middle."""
    # Halves before subtracting: the range of two huge numbers must not overflow.
    span = high / 2 - low / 2
    share = (value / 2 - low / 2) / span if span > 0 else 0.5
    return min(int(share * cells), cells - 1)
