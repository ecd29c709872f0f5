"""One picture of many runs, any column against any other: as text, PNG, SVG, or an Altair chart. Pure.

PNG, SVG and Altair need the extra `plot`; the specification is the one that a report draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tracking.compare.factors import order_of
from tracking.errors import InvalidValue
from tracking.pages import charts
from tracking.pages.charts import Field
from tracking.pages.points import Points
from tracking.records.refs import nearest_names
from tracking.text.formatting import format_number
from tracking.text.plot import render_plot

FORMATS = (".png", ".svg")
_MISSING = "It needs the extra 'plot': python -m pip install 'experiment-runner[plot]'."


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Columns of runs against each other; `by` gives each of its values a line or a colour."""

    points: Points
    x: Field
    y: Field
    by: Field | None = None

    def spec(self) -> charts.Spec:
        """Return a Vega-Lite specification that stands alone, with its data."""
        keys = [field for field in (self.x, self.by) if field in self.points.keys]
        repeats = len(self.x.values) * 3 <= len(self._rows())
        if self.y in self.points.metrics and self.x in self.points.keys and (repeats or len(self.points.keys) == 1):
            others = len(self.points.keys) > len(keys)
            direction = self.points.direction if self.y == self.points.score else None
            spec = charts.score_lines(
                self.x, self.y, self.by, direction=direction, points=len(self._rows()), others=others
            )
        else:
            spec = charts.scatter(self.x, self.y, self.by)
        return charts.with_data(spec, {"points": self._rows()})

    def text(self, *, width: int = 80, height: int = 20) -> str:
        """Return the picture as plain characters. Raises InvalidValue where a column holds no numbers."""
        for field in (self.x, self.y):
            if not field.numeric:
                raise InvalidValue(f"{field.title} has values that are no numbers. In a terminal: --by {field.title}.")
        rows, series = self._rows(), []
        if self.by is not None:
            name = self.by.name
            rows.sort(key=lambda row: order_of(_shown(row[name])))
            series = [f"{self.by.title}={_shown(row[name])}" for row in rows]
        xs, ys = ([row[field.name] for row in rows] for field in (self.x, self.y))
        plot = render_plot(xs, ys, width=width, height=height, log=self.x.log, series=series)
        scale = ", logarithmic" if self.x.log else ""
        return f"{self.y.label} against {self.x.label}{scale}: {len(rows)} runs\n\n{plot}"

    def file(self, suffix: str) -> bytes:
        """Return the picture as a file's content, `.png` or `.svg`. Raises InvalidValue, also without the extra."""
        if suffix not in FORMATS:
            raise InvalidValue(
                f"A picture cannot be written as {suffix or 'a file without an ending'}. Give {' or '.join(FORMATS)}."
            )
        try:
            import vl_convert
        except ImportError:
            raise InvalidValue(f"A picture cannot be written as {suffix}. {_MISSING}") from None
        if suffix == ".svg":
            return str(vl_convert.vegalite_to_svg(self.spec())).encode()
        return bytes(vl_convert.vegalite_to_png(self.spec(), scale=2))

    def chart(self) -> Any:
        """Return the picture as an Altair chart. Raises InvalidValue without the extra."""
        try:
            import altair
        except ImportError:
            raise InvalidValue(f"There is no chart without Altair. {_MISSING}") from None
        return altair.Chart.from_dict(self.spec())

    def _rows(self) -> list[dict[str, Any]]:
        fields = [field.name for field in (self.x, self.y, self.by) if field is not None]
        columns = zip(*(self.points.columns[name] for name in fields), strict=True)
        rows = [{"no": no, **dict(zip(fields, values, strict=True))} for no, values in enumerate(columns, 1)]
        return [row for row in rows if row[self.x.name] is not None and row[self.y.name] is not None]


def make_picture(points: Points, x: str, y: str, by: str | None = None) -> Picture:
    """Return the picture of columns by the names that people type. Raises InvalidValue with the nearest."""
    picture = Picture(
        points=points, x=_find(points, x), y=_find(points, y), by=None if by is None else _find(points, by)
    )
    if not picture._rows():
        raise InvalidValue(f"No run has both {x} and {y}.")
    return picture


def _find(points: Points, name: str) -> Field:
    known = {field.title: field for field in (*points.metrics, *points.keys)}
    known |= {} if points.time is None else {"fit_seconds": points.time}
    for candidate in (name, f"{name}_mean"):
        if candidate in known:
            return known[candidate]
    nearest = ", ".join(nearest_names(name, list(known))) or "none"
    raise InvalidValue(f"No column {name!r} that varies in these runs. Nearest: {nearest}.")


def _shown(value: Any) -> str:
    return "-" if value is None else value if isinstance(value, str) else format_number(value)
