"""A line of numbers as a small plot of plain characters. Pure."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence

from tracking.text.formatting import format_number

_MARK = "*"
_BARS = "▁▂▃▄▅▆▇█"
_EIGHTHS = " ▏▎▍▌▋▊▉"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def render_plot(
    xs: Sequence[float],
    ys: Sequence[float],
    *,
    width: int = 60,
    height: int = 10,
    log: bool = False,
    series: Sequence[str] = (),
) -> str:
    """Return points as `height` lines of about `width` characters, with the range on both axes.

    With `log` the axis of x is logarithmic. `series` names what each point belongs to: a letter for each name, told
    below; of more than 26 names the rest have `*`, as has a place where several meet. Points that have no place on
    the axes are left out; without any other the plot says so.
    """
    names = list(dict.fromkeys(series))
    letters = dict(zip(names, _LETTERS, strict=False))
    marks = [letters.get(name, _MARK) for name in series] or [_MARK] * len(xs)
    points = [
        (math.log10(x) if log else x, y, mark)
        for x, y, mark in zip(xs, ys, marks, strict=True)
        if math.isfinite(x) and math.isfinite(y) and (x > 0 or not log)
    ]
    if not points:
        return "(no finite values to plot)"
    low, high = min(y for _, y, _ in points), max(y for _, y, _ in points)
    first, last = min(x for x, _, _ in points), max(x for x, _, _ in points)
    ends = [format_number(high), format_number(low)]
    margin = max(map(len, ends))
    columns = max(width - margin - 2, 10)
    grid = [[" "] * columns for _ in range(height)]
    for x, y, mark in points:
        line, at = grid[height - 1 - _place(y, low, high, height)], _place(x, first, last, columns)
        line[at] = mark if line[at] in (" ", mark) else _MARK
    axis = [ends[0], *[""] * (height - 2), ends[1]]
    lines = [f"{end:>{margin}} |{''.join(line)}".rstrip() for end, line in zip(axis, grid, strict=True)]
    left, right = (format_number(10**end if log else end) for end in (first, last))
    lines += [" " * margin + " +" + "-" * columns, " " * (margin + 2) + f"{left}{right:>{columns - len(left)}}"]
    return "\n".join([*lines, *_legend(letters, names, width)])


def render_sparkline(values: Sequence[float], *, width: int = 30) -> str:
    """Return values as one line of bars, `▁▃█`, in at most `width` characters: of more values the mean of neighbours.

    A blank stands for what is not finite. Of equal values all bars are in the middle.
    """
    cells = min(width, len(values))
    means = [_mean(values[len(values) * at // cells : len(values) * (at + 1) // cells]) for at in range(cells)]
    finite = [mean for mean in means if math.isfinite(mean)]
    if not finite:
        return " " * cells
    low, high = min(finite), max(finite)
    return "".join(_BARS[_place(mean, low, high, len(_BARS))] if math.isfinite(mean) else " " for mean in means)


def render_bar(share: float, *, width: int = 8) -> str:
    """Return a share from 0 to 1 as a bar of at most `width` characters, in eighths of one; "" for NaN."""
    if math.isnan(share):
        return ""
    eighths = round(share * width * 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip() if eighths else _EIGHTHS[1]


def _mean(values: Sequence[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return sum(value / len(finite) for value in finite) if finite else math.nan


def _legend(letters: Mapping[str, str], names: Sequence[str], width: int) -> list[str]:
    if not names:
        return []
    told = [f"{letter} {name}" for name, letter in letters.items()]
    told.append(f"{_MARK} {len(names) - len(letters)} more" if len(names) > len(letters) else f"{_MARK} several")
    lines = textwrap.wrap("   ".join(each.replace(" ", "\xa0") for each in told), width)  # a name stays in one line
    return ["", *(line.replace("\xa0", " ") for line in lines)]


def _place(value: float, low: float, high: float, cells: int) -> int:
    """Return the cell of a value; a range of nothing lies in the middle."""
    # Halves before subtracting: the range of two huge numbers must not overflow.
    span = high / 2 - low / 2
    share = (value / 2 - low / 2) / span if span > 0 else 0.5
    return min(int(share * cells), cells - 1)
