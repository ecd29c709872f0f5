"""A list of runs that a notebook shows as a table and draws as a chart."""

from __future__ import annotations

from typing import Any

from tracking.compare.factors import spell_alike
from tracking.compare.table import Selection, list_runs
from tracking.entities import Run
from tracking.pages.pictures import make_picture
from tracking.pages.points import read_points
from tracking.text.html import render_html_table

_MOST_ROWS = 50


class Runs(list[Run]):
    """Runs in their order: a list, with a table of what varies, best first, and charts."""

    def plot(self, x: str, y: str, by: str | None = None) -> Any:
        """Return an Altair chart of any column against any other, a line for each value of `by`.

        Needs the extra `plot`. Raises InvalidValue for a column that no run has, with the nearest.
        """
        return make_picture(read_points(self._selection(), {}), x, y, by).chart()

    def _selection(self) -> Selection:
        return Selection(tuple(spell_alike(self)), {})

    def _repr_html_(self) -> str:
        table = list_runs(self._selection())
        title = f"{len(self)} run{'' if len(self) == 1 else 's'}, the best first"
        shown = table.rows[:_MOST_ROWS]
        return render_html_table(shown, table.columns, title=title, more=len(table.rows) - len(shown))
