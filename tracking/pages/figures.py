"""The figures of a page about many runs: which there are for what varies, what each says, and their data. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tracking.pages import charts
from tracking.pages.charts import Field
from tracking.pages.points import Columns, Histories, Points, front
from tracking.text.formatting import format_number

_MOST_FIGURES = 8
_TOP_FOLDS = 10
_TOP_LINES = 200


@dataclass(frozen=True, slots=True)
class Choice:
    """One specification of a figure that can show several, with what it says."""

    label: str
    caption: str
    spec: charts.Spec


Figures = dict[str, list[Choice]]


@dataclass(frozen=True, slots=True)
class Drawn:
    """The figures of a page by name, each with its choices, and the data sets they name."""

    figures: Figures = field(default_factory=dict)
    datasets: dict[str, Columns] = field(default_factory=dict)


def draw(points: Points, histories: Histories) -> Drawn:
    """Return the figures that these points have, and the data for them."""
    columns = {**points.columns, "front": front(points)}
    columns["status"] = [run.info.status for run in points.runs]
    drawn = Drawn({}, {"points": columns})
    if points.score is None or not points.scored:
        return drawn
    drawn.figures.update(key_figures(points, points.score))
    if pairs := pair_choices(points, points.score):
        drawn.figures["pairs"] = pairs
    _add_folds(drawn, points, points.score, histories)
    if points.time is not None:
        caption = "Each dot is a run. The line joins the runs that no other beats both in score and in time."
        drawn.figures["front"] = [Choice("front", caption, charts.front(points.time, points.score))]
    if len(points.keys) >= 2:
        _add_parallel(drawn, points, points.score)
    return drawn


def key_figures(points: Points, score: Field) -> Figures:
    """Return a figure for each key, with a choice for each other key that has few enough values to be lines."""
    figures: Figures = {}
    for x in points.keys[:_MOST_FIGURES]:
        others = [
            key for key in points.keys[:_MOST_FIGURES] if key != x and len(key.values) <= (100 if key.numeric else 12)
        ]
        series: list[Field | None] = [*others] or [None]
        figures[f"key-{x.name}"] = [_against(x, each, points, score) for each in series]
    return figures


def _against(x: Field, series: Field | None, points: Points, score: Field) -> Choice:
    label = x.title if series is None else f"one line per {series.title}"
    others = len(points.keys) > (1 if series is None else 2)
    if x.numeric and others and len(x.values) * 3 > points.scored:  # values do not repeat: a line would only join noise
        return Choice(label, "Each dot is a run; the ring is the best.", charts.scatter(x, score, series))
    spec = charts.score_lines(x, score, series, direction=points.direction, points=points.scored, others=others)
    dots = (
        "Each dot is a run; the ring is the best."
        if points.scored <= charts.MOST_MARKS
        else "The ring is the best run."
    )
    line = "follow the best run at each place, over the keys that are not shown" if others else "join the means"
    return Choice(label, f"{dots} Lines {line}.", spec)


def pair_choices(points: Points, score: Field) -> list[Choice]:
    """Return a choice for each pair of numeric keys."""
    keys = [key for key in points.keys[:_MOST_FIGURES] if key.numeric]
    choices = []
    for at, x in enumerate(keys):
        for y in keys[at + 1 :]:
            cells = set(zip(points.columns[x.name], points.columns[y.name], strict=True))
            dense = len(cells) * 2 >= len(x.values) * len(y.values)
            wide, high = (x, y) if len(x.values) >= len(y.values) else (y, x)
            spec = charts.pair_map(wide, high, score, direction=points.direction, dense=dense)
            further = "; where further keys vary, a cell shows its best run" if len(points.keys) > 2 else ""
            choices.append(Choice(f"{wide.title} and {high.title}", f"{score.title} over both keys{further}.", spec))
    return choices


def _add_folds(drawn: Drawn, points: Points, score: Field, histories: Histories) -> None:
    base = score.title.removesuffix("_mean")
    rows = []
    for place in range(min(_TOP_FOLDS, points.scored)):
        folds = {point.step: point.value for point in histories.get(points.runs[place].info.run_id, {}).get(base, ())}
        label = f"{place + 1}. {points.label(place)[:60]}"
        rows += [(label, place, step, value) for step, value in sorted(folds.items()) if math.isfinite(value)]
    if len({label for label, *_ in rows}) < 1 or len({step for *_, step, _ in rows}) < 2:
        return
    runs = len({label for label, *_ in rows})
    drawn.datasets["folds"] = dict(
        zip(("run", "place", "fold", "value"), map(list, zip(*rows, strict=True)), strict=True)
    )
    caption = (
        f"The best {runs} runs, the best at the top. Each dot is a fold and the bar is the mean; the same fold is"
        " joined from run to run, so that what is common to all runs can be told from what is not."
    )
    drawn.figures["folds"] = [Choice("folds", caption, charts.fold_dots(base, runs))]


def _add_parallel(drawn: Drawn, points: Points, score: Field) -> None:
    shown = min(points.scored, _TOP_LINES)
    keys = [key for key in points.keys[:_MOST_FIGURES] if len(key.values) > 1]
    lines: dict[str, list[Any]] = {"run": [], "key": [], "place": [], "score": []}
    for place in range(shown):
        for key in keys:
            value = points.columns[key.name][place]
            if value is not None:
                lines["run"].append(place + 1)
                lines["key"].append(key.title)
                lines["place"].append(_place(key, value))
                lines["score"].append(points.columns[score.name][place])
    marks = [(key.title, _place(key, value), _text(value)) for key in keys for value in _marks(key)]
    drawn.datasets["parallel"] = lines
    drawn.datasets["ticks"] = dict(zip(("key", "place", "label"), map(list, zip(*marks, strict=True)), strict=True))
    some = f"the best {shown} of {points.scored} runs" if shown < points.scored else "each run"
    caption = f"A line for {some}, through its value of each key; the best stand out most."
    drawn.figures["parallel"] = [Choice("parallel", caption, charts.parallel(score, points.direction))]


def _place(key: Field, value: Any) -> float:
    """Return where a value lies on the axis of its key, from 0 to 1."""
    if not key.numeric:
        return round(key.values.index(str(value)) / max(len(key.values) - 1, 1), 3)
    low, high, at = float(key.values[0]), float(key.values[-1]), float(value)
    if key.log:
        low, high, at = map(math.log, (low, high, at))
    return round((at / 2 - low / 2) / (high / 2 - low / 2), 3)


def _marks(key: Field) -> Sequence[Any]:
    """Return the values that an axis names: all of a few, else the ends and the middle."""
    if len(key.values) <= 8:
        return key.values
    return key.values[0], key.values[len(key.values) // 2], key.values[-1]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else format_number(value)
