"""Rows of plain values as an HTML table, for a notebook: everything escaped, no style sheet needed. Pure.

Whole pages are made from templates by `tracking.pages`; this is for what knows no pages, as a run is shown alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tracking.text.formatting import cut, format_value, is_numeric
from tracking.text.tables import Row

_LONGEST = 120  # characters of a cell


def render_html_table(rows: Sequence[Row], columns: Sequence[str], *, title: str = "", more: int = 0) -> str:
    """Return rows as a table, numbers at the right; `more` counts the rows that are not shown."""
    numbers = {column for column in columns if _holds_numbers(rows, column)}

    def cell(tag: str, column: str, text: str) -> str:
        align = "right" if column in numbers else "left"
        return f'<{tag} style="text-align: {align}">{escape(cut(text, _LONGEST))}</{tag}>'

    head = "".join(cell("th", column, column) for column in columns)
    body = "".join(
        f"<tr>{''.join(cell('td', column, format_value(row.get(column))) for column in columns)}</tr>" for row in rows
    )
    above = f"<p>{escape(cut(title, 2 * _LONGEST))}</p>" if title else ""
    below = f"<p>and {more} more</p>" if more else ""
    return f"<div>{above}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}</div>"


def _holds_numbers(rows: Sequence[Row], column: str) -> bool:
    values = [value for row in rows if (value := row.get(column)) is not None]
    return bool(values) and all(map(is_numeric, values))
