"""Rows of plain values to text: table, JSON, CSV, Markdown, LaTeX, and a page of sections.

Pure functions; nothing here knows what a run is, prints, or asks for the size of a terminal.
A value's type says how it is shown. In a table, Markdown or LaTeX a `datetime` is a local time, a
`timedelta` a duration, a float a few significant digits, a `ShortId` its first characters, a
`DottedName` its last part and a `NumberText` a number; JSON and CSV keep all digits, ISO times and seconds.
"""

from __future__ import annotations

import csv
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from math import isfinite, nan
from types import SimpleNamespace

from tracking.text.formatting import (
    DottedName,
    NumberText,
    ShortId,
    cell_width,
    cut,
    exact,
    format_duration,
    format_number,
    format_size,
    format_value,
    is_numeric,
    local_time,
    plain,
    render_json,
)
from tracking.text.plot import render_bar

FORMATS = ("table", "json", "csv", "md", "latex")

Row = Mapping[str, object]

_GAP = "  "
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NARROWEST = 12  # a text column of a table that must be cut
_LONGEST_NUMBER = 9
_BAR = 8  # characters
_WIDE = 100  # characters of a line; from here on room is kept for one bar


def render_table(
    rows: Sequence[Row],
    columns: Sequence[str],
    *,
    format: str = "table",
    width: int | None = None,
    title: str | None = None,
    raw: bool = False,
    bars: Mapping[str, Sequence[float]] | None = None,
) -> str:
    """Return rows as text, without a final newline.

    `columns` chooses and orders the keys; a key that a row lacks is shown as missing. `width` is the
    number of characters a line of a table may have: long cells are cut with an ellipsis and, where that
    is not enough, the last columns are named below instead of shown. None never cuts.
    `bars` gives for columns of a table a share from 0 to 1 for each row, NaN for none, which is drawn beside the value
    where there is room; a wide table keeps some for the first.
    `title` heads tables, Markdown and LaTeX. In CSV an apostrophe precedes text that a spreadsheet would run as a
    formula, unless `raw`. Raises ValueError for an unknown format.
    """
    match format:
        case "table":
            return _titled(title, _text_table(rows, columns, width, bars or {}), "{}\n")
        case "md":
            return _titled(title, _markdown(rows, columns), "**{}**\n\n")
        case "latex":
            return _titled(title, _latex(rows, columns), "% {}\n")
        case "csv":
            return _csv(rows, columns, raw=raw)
        case "json":
            return render_json([{column: row.get(column) for column in columns} for row in rows])
    raise ValueError(f"No format {format!r}. Formats: {', '.join(FORMATS)}.")


def varying_columns(rows: Sequence[Row], columns: Iterable[str]) -> list[str]:
    """Return the columns whose value is not the same in all rows; lacking a key counts as a value.

    With fewer than two rows nothing can differ, and all columns are returned.
    """
    if len(rows) < 2:
        return list(columns)
    missing = object()
    first = rows[0]

    def varies(column: str) -> bool:
        value = first.get(column, missing)
        return any(not _same(row.get(column, missing), value) for row in rows[1:])

    return [column for column in columns if varies(column)]


def _same(a: object, b: object) -> bool:
    return a is b or (type(a) is type(b) and (a == b or (a != a and b != b)))  # noqa: PLR0124 - NaN


def _titled(title: str | None, text: str, pattern: str) -> str:
    return text if title is None else pattern.format(plain(title)) + text


def shares(rows: Sequence[Row], column: str) -> list[float]:
    """Return where each row's number lies between the least (0) and the greatest (1) of a column, NaN for none.

    [] where there are fewer than three different ones: there is nothing to see.
    """
    values = [value if isinstance(value, float) and isfinite(value) else nan for value in (r.get(column) for r in rows)]
    finite = {value for value in values if isfinite(value)}
    if len(finite) < 3:
        return []
    low, span = min(finite), max(finite) / 2 - min(finite) / 2  # halves: a range of two huge numbers is none
    return [(value / 2 - low / 2) / span for value in values]


def _text_table(
    rows: Sequence[Row], columns: Sequence[str], width: int | None, bars: Mapping[str, Sequence[float]]
) -> str:
    headers = [plain(column) for column in columns]
    cells = _cells(rows, columns)
    right = [_is_numeric(rows, column) for column in columns]
    widths = [max(map(cell_width, column)) for column in zip(headers, *cells, strict=True)]
    drawn = {columns.index(name): each for name, each in bars.items() if each and width is not None}
    reserved = 1 + _BAR if drawn and width is not None and width >= _WIDE else 0
    shown = _fit(widths, [_is_rigid(rows, column) for column in columns], None if width is None else width - reserved)
    if width is not None:
        _add_bars(headers, cells, shown, {at: each for at, each in drawn.items() if at < len(shown)}, width)
    lines = [_line(headers, shown, right), _GAP.join("-" * size for size in shown)]
    lines += [_line(line, shown, right) for line in cells]
    if len(shown) < len(columns):
        hidden = columns[len(shown) :]
        more = f"(+{len(hidden)} more: {', '.join(map(plain, hidden))})"
        lines.append(more if width is None else cut(more, width))
    return "\n".join(lines)


def _add_bars(
    headers: list[str], cells: list[list[str]], widths: list[int], bars: Mapping[int, Sequence[float]], limit: int
) -> None:
    """Draw bars beside the values of columns, from the first on as far as there is room."""
    for at, column in bars.items():
        if _total(widths) + 1 + _BAR > limit:
            return
        for line, share in zip(cells, column, strict=True):
            line[at] = f"{line[at]:>{widths[at]}} {render_bar(share, width=_BAR):<{_BAR}}"
        headers[at] = f"{headers[at]:>{widths[at]}} {'':<{_BAR}}"
        widths[at] += 1 + _BAR


def _cells(rows: Sequence[Row], columns: Sequence[str]) -> list[list[str]]:
    """Return the text of every cell, row by row."""
    by_column = [_column_cells([row.get(column) for row in rows]) for column in columns]
    return [list(cells) for cells in zip(*by_column, strict=True)] if columns else [[] for _ in rows]


def _column_cells(values: Sequence[object]) -> list[str]:
    """Return the texts of one column; its floats get equally many decimals where none grows long by it."""
    texts = [format_value(value) for value in values]
    floats = {i: v for i, v in enumerate(values) if isinstance(v, float) and isfinite(v)}
    if not floats or any("e" in texts[i] for i in floats):
        return texts
    decimals = max(len(texts[i].partition(".")[2]) for i in floats)
    aligned = {i: f"{value:.{decimals}f}" for i, value in floats.items()}
    if max(map(len, aligned.values())) > _LONGEST_NUMBER:
        return texts
    return [aligned.get(i, text) for i, text in enumerate(texts)]


def _fit(widths: Sequence[int], rigid: Sequence[bool], limit: int | None) -> list[int]:
    """Return the widths of the leading columns that fit: the widest text shrinks first, then columns go.

    Numbers, times and ids are never cut: half a number is a wrong number.
    """
    shown = list(widths)
    if limit is None:
        return shown
    floors = [w if r else min(w, _NARROWEST) for w, r in zip(widths, rigid, strict=True)]
    while len(shown) > 1 and _total(floors[: len(shown)]) > limit:
        shown.pop()
    soft = [index for index in range(len(shown)) if not rigid[index]]
    while _total(shown) > limit and any(shown[index] > 1 for index in soft):
        shown[max(soft, key=lambda index: shown[index])] -= 1
    return shown


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    parts = []
    for cell, width, flush_right in zip(cells, widths, right, strict=False):
        text = cut(cell, width)
        padding = " " * (width - cell_width(text))
        parts.append(padding + text if flush_right else text + padding)
    return _GAP.join(parts).rstrip()


def _is_numeric(rows: Sequence[Row], column: str) -> bool:
    values = [value for row in rows if (value := row.get(column)) is not None]
    return bool(values) and all(map(is_numeric, values))


def _is_rigid(rows: Sequence[Row], column: str) -> bool:
    values = [value for row in rows if (value := row.get(column)) is not None]
    return bool(values) and all(isinstance(value, (datetime, ShortId)) or is_numeric(value) for value in values)


def _csv(rows: Sequence[Row], columns: Sequence[str], *, raw: bool) -> str:
    # The writer quotes a carriage return or a line feed only where its own line ends hold one.
    lines: list[str] = []
    writer = csv.writer(SimpleNamespace(write=lines.append), lineterminator="\r\n")
    guard = (lambda cell: cell) if raw else _guarded
    writer.writerow(map(guard, columns))
    writer.writerows([guard(_csv_cell(row.get(column))) for column in columns] for row in rows)
    return "\n".join(line.removesuffix("\r\n") for line in lines)


def _guarded(cell: object) -> object:
    """Keep a spreadsheet from running text that begins like a formula; a number is none."""
    if not (isinstance(cell, str) and cell.startswith(_FORMULA)) or NumberText(cell).number() is not None:
        return cell
    return f"'{cell}"


def _csv_cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return render_json(value, indent=None) if isinstance(value, (list, tuple, dict)) else exact(value)


def _markdown(rows: Sequence[Row], columns: Sequence[str]) -> str:
    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    rule = ["---:" if _is_numeric(rows, column) else "---" for column in columns]
    body = [line(cells) for cells in _cells(rows, columns)]
    return "\n".join([line(map(plain, columns)), line(rule), *body])


def _latex(rows: Sequence[Row], columns: Sequence[str]) -> str:
    def line(cells: Iterable[str]) -> str:
        return "  " + " & ".join(cell.translate(_LATEX) for cell in cells) + r" \\"

    alignment = "".join("r" if _is_numeric(rows, column) else "l" for column in columns)
    body = [line(cells) for cells in _cells(rows, columns)]
    head = [rf"\begin{{tabular}}{{{alignment}}}", r"  \hline", line(map(plain, columns)), r"  \hline"]
    return "\n".join([*head, *body, r"  \hline", r"\end{tabular}"])


_LATEX = str.maketrans(
    {character: "\\" + character for character in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
)


# One thing ---------------------------------------------------------------------------------------
def render_page(
    title: str, sections: Sequence[tuple[str, Row | str]], *, format: str = "table", width: int | None = None
) -> str:
    """Return one page: a title, then sections of `key  value` lines, or of text as it is.

    Empty sections are left out. `format` is "table" or "md"; values longer than `width` are wrapped.
    """
    markdown = format == "md"
    blocks = [f"# {plain(title)}" if markdown else plain(title)]
    for heading, content in sections:
        if not content:
            continue
        if isinstance(content, str):
            body = f"```\n{content}\n```" if markdown else _indented(content)
        elif markdown:
            rows = [{"key": key, "value": value} for key, value in content.items()]
            body = render_table(rows, ["key", "value"], format="md")
        else:
            body = _pairs(content, width)
        blocks.append(f"## {heading}\n\n{body}" if markdown else f"{heading}\n{body}")
    return "\n\n".join(blocks)


def _indented(text: str) -> str:
    return "\n".join(_GAP + plain(line.replace("\t", "    ")) for line in text.splitlines())


def _pairs(content: Row, width: int | None) -> str:
    keys = [plain(key) for key in content]
    margin = max(map(cell_width, keys)) + 2 * len(_GAP)
    lines = []
    for key, value in zip(keys, content.values(), strict=True):
        head = _GAP + key + " " * (margin - len(_GAP) - cell_width(key))
        lines += [head + _wrapped(format_value(value), margin, width)]
    return "\n".join(line.rstrip() for line in lines)


def _wrapped(text: str, margin: int, width: int | None) -> str:
    """Break a long value into lines that start below each other; nothing of it is lost."""
    if width is None or width - margin < _NARROWEST or cell_width(text) <= width - margin:
        return text
    return ("\n" + " " * margin).join(textwrap.wrap(text, width - margin, break_on_hyphens=False))


__all__ = [
    "FORMATS",
    "DottedName",
    "NumberText",
    "Row",
    "ShortId",
    "cell_width",
    "cut",
    "format_duration",
    "format_number",
    "format_size",
    "format_value",
    "local_time",
    "render_json",
    "render_page",
    "render_table",
    "varying_columns",
]
