"""Charts as Vega-Lite specifications: plain data that a browser, Altair or vl-convert draws. Pure.

A specification names its data (`points`, `folds`, ...) and the page brings them. Fields have names of our own (`k0`,
`m0`), and what people called them is only ever a title: no name can break an expression or a path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Spec = dict[str, Any]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
MOST_MARKS = 2000  # above, charts show aggregates: more dots than that are a blot, and slow
_GRID_CELLS = 60  # distinct values of an axis of a heat map; above, points are drawn where they are
_MOST_HUES = 10
_NUMBER = ".5~g"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A column as a chart shows it: its name in the data, its title, and how its axis counts.

    `values` are the distinct ones in order, `log` says that the axis is logarithmic.
    """

    name: str
    title: str
    numeric: bool = True
    log: bool = False
    values: tuple[Any, ...] = ()
    unit: str = ""

    @property
    def label(self) -> str:
        """The title of an axis, with the unit."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


# The objective against what was swept -------------------------------------------------------------
def score_lines(
    x: Field, score: Field, series: Field | None = None, *, direction: str | None, points: int, others: bool = False
) -> Spec:
    """Return the score against a swept key: a dot for each run, and a line for each value of `series`.

    Where further keys vary (`others`) a line follows the best run at each place; without a known direction, the mean.
    Of more than MOST_MARKS `points` only the lines are drawn.
    """
    best = {"minimize": "min", "maximize": "max"}.get(direction or "", "mean")
    colour = {} if series is None else {"color": _colour(series)}
    line: Spec = {
        "transform": [
            {
                "aggregate": [{"op": best if others else "mean", "field": score.name, "as": score.name}],
                "groupby": [x.name, *([] if series is None else [series.name])],
            }
        ],
        "mark": {"type": "line", "strokeWidth": 1.5, "point": series is None},
        "encoding": {"x": _axis("x", x), "y": _axis("y", score), **colour},
    }
    tooltips = [_tip(field) for field in (x, score, series) if field is not None]
    dots: Spec = {
        "mark": {"type": "circle", "opacity": 0.45, "size": 28},
        "encoding": {"x": _axis("x", x), "y": _axis("y", score), **colour, "tooltip": [NUMBER_TIP, *tooltips]},
    }
    layers = ([dots] if points <= MOST_MARKS else []) + ([line] if x.numeric or series is not None else [])
    return _chart("points", {"layer": [*(layers or [line]), _winner(x, score)]}, needed=[x, score])


def pair_map(x: Field, y: Field, score: Field, *, direction: str | None, dense: bool) -> Spec:
    """Return the score over two numeric keys: the best run of each cell, or, where values do not repeat, a dot each."""
    best = {"minimize": "min", "maximize": "max"}.get(direction or "", "mean")
    colour = {"type": "quantitative", "title": score.label, "scale": _shades(direction), "legend": {"format": _NUMBER}}
    if dense and max(len(x.values), len(y.values)) <= _GRID_CELLS:
        cells = {
            "mark": {"type": "rect"},
            "encoding": {
                "x": _grid("x", x),
                "y": _grid("y", y),
                "color": {"aggregate": best, "field": score.name, **colour},
                "tooltip": [_tip(x), _tip(y), {**_tip(score), "aggregate": best}],
            },
        }
        return _chart("points", cells, needed=[x, y, score])
    dots = {
        "mark": {"type": "circle", "size": 36, "opacity": 0.9},
        "encoding": {
            "x": _axis("x", x),
            "y": _axis("y", y),
            "color": {"field": score.name, **colour},
            "tooltip": [NUMBER_TIP, _tip(x), _tip(y), _tip(score)],
        },
    }
    return _chart("points", dots, needed=[x, y, score])


def scatter(x: Field, y: Field, series: Field | None = None) -> Spec:
    """Return any column against any other, a dot for each run."""
    encoding: Spec = {"x": _axis("x", x), "y": _axis("y", y)}
    encoding |= {} if series is None else {"color": _colour(series)}
    encoding["tooltip"] = [NUMBER_TIP, *(_tip(field) for field in (x, y, series) if field is not None)]
    return _chart("points", {"mark": {"type": "circle", "size": 40, "opacity": 0.7}, "encoding": encoding}, [x, y])


# Cost, folds, and all keys at once ----------------------------------------------------------------
def front(time: Field, score: Field) -> Spec:
    """Return time against score; runs with `front` true, which no other beats in both, are joined by a line."""
    axes = {"x": _axis("x", time), "y": _axis("y", score)}
    best = [{"filter": "datum.front"}]
    layers: list[Spec] = [
        {
            "mark": {"type": "circle", "size": 26, "opacity": 0.3, "color": "#7b8794"},
            "encoding": {**axes, "tooltip": [NUMBER_TIP, _tip(time), _tip(score)]},
        },
        {
            "transform": best,
            "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 1.5},
            "encoding": {**axes, "order": {"field": time.name}},
        },
        {
            "transform": best,
            "mark": {"type": "circle", "size": 60, "opacity": 1},
            "encoding": {**axes, "tooltip": [NUMBER_TIP, _tip(time), _tip(score)]},
        },
    ]
    return _chart("points", {"layer": layers}, needed=[time, score])


def fold_dots(score: str, runs: int) -> Spec:
    """Return the folds of the best runs: a row for each run, a dot for each fold, folds joined, a bar at the mean."""
    y = {"field": "run", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 220}}
    x = {"field": "value", "type": "quantitative", "title": f"{score}, fold by fold", "scale": {"zero": False}}
    fold = {"field": "fold", "type": "nominal", "title": "fold", "scale": {"scheme": "tableau10"}}
    tips = [{"field": "run", "title": "run"}, {"field": "fold"}, {"field": "value", "title": score, "format": _NUMBER}]
    layers: list[Spec] = [
        {
            "mark": {"type": "line", "opacity": 0.3, "strokeWidth": 1},
            "encoding": {"x": x, "y": y, "color": fold, "order": {"field": "place"}},
        },
        {
            "mark": {"type": "circle", "size": 60, "opacity": 0.9},
            "encoding": {"x": x, "y": y, "color": fold, "tooltip": tips},
        },
        {
            "mark": {"type": "tick", "thickness": 2, "size": 16, "color": "#7b8794"},
            "encoding": {"x": {**x, "aggregate": "mean"}, "y": y},
        },
    ]
    return _chart("folds", {"layer": layers, "height": 40 + 26 * runs})


def parallel(score: Field, direction: str | None) -> Spec:
    """Return parallel coordinates: a line for each run through its place (0 to 1) on every key, coloured by score."""
    x = {"field": "key", "type": "nominal", "sort": None, "title": None, "axis": {"labelAngle": 0, "grid": True}}
    y: Spec = {"field": "place", "type": "quantitative", "axis": None, "scale": {"domain": [0, 1]}}
    colour = {"field": "score", "type": "quantitative", "title": score.label, "scale": _shades(direction)}
    lines = {
        "data": {"name": "parallel"},
        "mark": {"type": "line", "opacity": 0.5, "strokeWidth": 1.2},
        "encoding": {"x": x, "y": y, "color": colour, "detail": {"field": "run", "type": "nominal"}},
    }
    labels = {
        "data": {"name": "ticks"},
        "mark": {"type": "text", "align": "left", "dx": 5, "fontSize": 11},
        "encoding": {"x": x, "y": y, "text": {"field": "label", "type": "nominal"}},
    }
    return _chart(None, {"layer": [lines, labels], "height": 320})


def history(data: str, title: str) -> Spec:
    """Return the values of one metric by step, joined by a line."""
    step = {"field": "step", "type": "quantitative", "axis": {"tickMinStep": 1, "format": "d"}}
    value = {"field": "value", "type": "quantitative", "title": title, "scale": {"zero": False}}
    tooltip = [
        {"field": "step", "type": "quantitative"},
        {"field": "value", "type": "quantitative", "title": title, "format": _NUMBER},
    ]
    layers = [
        {"mark": {"type": "line", "strokeWidth": 1.2}, "encoding": {"x": step, "y": value}},
        {"mark": {"type": "circle", "size": 34}, "encoding": {"x": step, "y": value, "tooltip": tooltip}},
    ]
    return _chart(data, {"layer": layers, "height": 220})


# Parts of every chart -----------------------------------------------------------------------------
NUMBER_TIP = {"field": "no", "type": "quantitative", "title": "rank"}


def _chart(data: str | None, content: Spec, needed: Sequence[Field] = ()) -> Spec:
    """Return the whole specification; runs without a number in a `needed` field are left out."""
    present = [{"filter": f"datum.{field.name} !== null"} for field in needed]
    return {
        "$schema": SCHEMA,
        **({} if data is None else {"data": {"name": data}}),
        "width": "container",
        "height": 280,
        **({"transform": present} if present else {}),
        **content,
    }


def _axis(channel: str, field: Field) -> Spec:
    axis: Spec = {"field": field.name, "title": field.label}
    if not field.numeric:
        angle = {"axis": {"labelAngle": 0 if len(field.values) <= 6 else -40, "labelLimit": 150}}
        return {**axis, "type": "nominal", "sort": list(field.values), **(angle if channel == "x" else {})}
    scale: Spec = {"type": "log"} if field.log else {"zero": False}
    if channel == "x":
        scale |= {"padding": 10, "nice": False}  # a swept key ends where it ended
    return {
        **axis,
        "type": "quantitative",
        "scale": scale,
        "axis": {"format": "~g", "labelOverlap": True, "labelSeparation": 6},
    }


def _grid(channel: str, field: Field) -> Spec:
    """Return an axis of cells of one size: the values in order, as many labels as fit."""
    sort = "descending" if channel == "y" else "ascending"
    axis = {"format": ".3~g", "labelOverlap": True, "labelAngle": 0}
    return {"field": field.name, "title": field.label, "type": "ordinal", "sort": sort, "axis": axis}


def _colour(field: Field) -> Spec:
    shown: Spec = {"field": field.name, "title": field.label}
    if field.numeric and len(field.values) > _MOST_HUES:
        scale = {"type": "log"} if field.log else {"type": "linear", "zero": False}
        return {**shown, "type": "quantitative", "scale": scale, "legend": {"format": ".3~g"}}
    if field.numeric:
        return {**shown, "type": "ordinal", "legend": {"format": ".3~g"}}
    return {**shown, "type": "nominal", "sort": list(field.values), "scale": {"scheme": "tableau10"}}


def _shades(direction: str | None) -> Spec:
    """Return a scale of colour on which the best stands out most from the paper."""
    return {"zero": False, "reverse": direction == "maximize"}


def _tip(field: Field) -> Spec:
    kind: Spec = {"type": "quantitative", "format": _NUMBER} if field.numeric else {"type": "nominal"}
    return {"field": field.name, "title": field.label, **kind}


def _winner(x: Field, score: Field) -> Spec:
    """Return a ring around the best run, the first of the data."""
    return {
        "transform": [{"filter": "datum.no === 1"}],
        "mark": {"type": "point", "size": 160, "strokeWidth": 2, "color": "#d1495b"},
        "encoding": {"x": _axis("x", x), "y": _axis("y", score), "tooltip": [NUMBER_TIP, _tip(x), _tip(score)]},
    }


# Themes -------------------------------------------------------------------------------------------
def theme(*, dark: bool = False) -> Spec:
    """Return the configuration of every chart, on light or dark paper; the colours are those of `page.css`."""
    ink, muted, line = ("#e4e8ee", "#a2adbb", "#323b48") if dark else ("#1d2430", "#5a6473", "#dde1e7")
    shades = [1, 0.15] if dark else [0, 0.87]  # the ends of viridis that are lost on the paper are left out
    text = {"labelColor": muted, "titleColor": ink, "labelFontSize": 11, "titleFontSize": 12, "titleFontWeight": 500}
    return {
        "background": "transparent" if dark else "#ffffff",
        "font": "system-ui, -apple-system, Segoe UI, Roboto, DejaVu Sans, sans-serif",
        "range": {name: {"scheme": "viridis", "extent": shades} for name in ("ramp", "heatmap", "ordinal")},
        "axis": {**text, "gridColor": line, "domainColor": line, "tickColor": line},
        "axisX": {"grid": False},
        "legend": {**text, "symbolOpacity": 1},
        "header": {"labelColor": muted, "titleColor": ink},
        "text": {"color": ink},
        "view": {"stroke": None},
        "line": {"color": "#86b4f7" if dark else "#1f5fbf"},
        "circle": {"color": "#86b4f7" if dark else "#1f5fbf"},
        "point": {"color": "#86b4f7" if dark else "#1f5fbf"},
    }


def with_data(spec: Spec, datasets: dict[str, list[dict[str, Any]]], *, width: int = 560) -> Spec:
    """Return a specification that stands alone: with its data, its theme and a width in pixels."""
    return {**spec, "datasets": datasets, "width": width, "config": theme()}
