"""Many runs by column, as tables and charts of a page take them: ranked, short names, numbers as numbers. Pure.

The columns are `k0`, `k1`, ... for the keys that vary, `m0`, `m1`, ... for the metrics (`m0` is the objective), `s0`
for its spread over the folds, `t` for the mean time of a fit in seconds, and `id`; a field says what each is called.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from tracking.compare.factors import order_of, short_key, short_value
from tracking.compare.table import Selection
from tracking.entities import Metric, Run, RunStatus
from tracking.errors import InvalidValue
from tracking.pages.charts import Field

Histories = Mapping[str, Mapping[str, Sequence[Metric]]]  # by run id and metric
Columns = dict[str, list[Any]]

MOST_KEYS = 40
_TIME = "fit_seconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """Runs, the best first, and their columns; `score` is the objective, None where the runs have none."""

    runs: tuple[Run, ...]
    keys: tuple[Field, ...]
    metrics: tuple[Field, ...]
    score: Field | None
    direction: str | None
    time: Field | None
    columns: Columns
    keys_left_out: int = 0

    @property
    def scored(self) -> int:
        """How many runs have a score."""
        return 0 if self.score is None else sum(value is not None for value in self.columns[self.score.name])

    def label(self, place: int) -> str:
        """Return what tells one run from the others: `alpha=0.1 l1_ratio=0.5`, its name where nothing varies."""
        parts = [
            f"{key.title}={value if isinstance(value, str) else f'{value:.5g}'}"
            for key in self.keys
            if (value := self.columns[key.name][place]) is not None
        ]
        return " ".join(parts) or self.runs[place].info.run_name


def read_points(selection: Selection, histories: Histories, *, metric: str | None = None) -> Points:
    """Return the runs of a selection by column; `metric` replaces the objective. Raises InvalidValue for another."""
    name, direction = find_ranking(selection, metric)
    runs = rank(selection.runs, name, direction)
    every = [*selection.factors.keys, *sorted(key for key in selection.factors.implied if "." not in key)]
    keys = {f"k{at}": key for at, key in enumerate(every[:MOST_KEYS])}
    metrics = {f"m{at}": key for at, key in enumerate(_first(name, selection.metrics))}
    columns: Columns = {"id": [run.info.run_id[:8] for run in runs]}
    columns |= {field: [_value(key, run.data.params.get(key)) for run in runs] for field, key in keys.items()}
    columns |= {field: [_number(run.data.metrics.get(key)) for run in runs] for field, key in metrics.items()}
    if name is not None and name.endswith("_mean"):
        spread = f"{name.removesuffix('_mean')}_std"
        columns["s0"] = [_number(run.data.metrics.get(spread)) for run in runs]
    columns["t"] = [_mean_time(histories.get(run.info.run_id, {})) for run in runs]
    fields = {field: _field(field, short_key(key), columns[field]) for field, key in keys.items()}
    scores = {field: _field(field, key, columns[field]) for field, key in metrics.items()}
    timed = any(value is not None for value in columns["t"])
    return Points(
        runs=runs,
        keys=tuple(fields.values()),
        metrics=tuple(scores.values()),
        score=scores["m0"] if name is not None else None,
        direction=direction,
        time=_field("t", "time of a fit", columns["t"], unit="s") if timed else None,
        columns=columns,
        keys_left_out=max(len(every) - MOST_KEYS, 0),
    )


def find_ranking(selection: Selection, metric: str | None = None) -> tuple[str | None, str | None]:
    """Return the metric that ranks the runs and its direction: the objective, or `metric`, as `mae` or `score:max`.

    Raises InvalidValue for a metric that no run has, and where it is not known which way it is better.
    """
    if not metric:
        name = selection.objective
        return name, None if name is None else selection.direction(name)
    asked, _, way = metric.partition(":")
    name = selection.find_metric(asked)
    direction = {"min": "minimize", "max": "maximize", "": selection.direction(name)}.get(way)
    if direction is None:
        raise InvalidValue(f"Which way is {metric!r} better? Say {asked}:min or {asked}:max.")
    return name, direction


def rank(runs: Sequence[Run], metric: str | None, direction: str | None) -> tuple[Run, ...]:
    """Return the runs, those that finished with a number first and the best of them at the front."""

    def place(run: Run) -> tuple[bool, float]:
        value = run.data.metrics.get(metric or "", math.nan)
        if math.isnan(value) or run.info.status != RunStatus.FINISHED:
            return (True, 0.0)
        return (False, {"minimize": value, "maximize": -value}.get(direction or "", 0.0))

    return tuple(sorted(runs, key=place))


def front(points: Points) -> list[bool]:
    """Tell for each run whether no other has both a better score and a shorter fit."""
    if points.score is None or points.direction is None:
        return [False] * len(points.runs)
    sign = -1.0 if points.direction == "maximize" else 1.0
    scores, times = points.columns[points.score.name], points.columns["t"]
    rated = [
        (time, sign * score, at)
        for at, (time, score) in enumerate(zip(times, scores, strict=True))
        if time is not None and score is not None
    ]
    best, found = math.inf, set()
    for _, score, at in sorted(rated):
        if score < best:
            best = score
            found.add(at)
    return [at in found for at in range(len(points.runs))]


def pack(values: Sequence[Any]) -> list[Any] | dict[str, list[Any]]:
    """Return a column as a page carries it: where values repeat, each once and the places of them."""
    distinct = dict.fromkeys(values)
    if len(distinct) * 4 > len(values):
        return list(values)
    index = {value: at for at, value in enumerate(distinct)}
    return {"values": list(distinct), "at": [index[value] for value in values]}


def _first(name: str | None, metrics: Sequence[str]) -> list[str]:
    return list(metrics) if name is None else [name, *(metric for metric in metrics if metric != name)]


def _value(key: str, text: str | None) -> float | str | None:
    if text is None:
        return None
    try:
        number = _number(float(text))
    except ValueError:
        return short_value(key, text)[:200]
    return text if number is None else number


def _number(value: float | None) -> float | None:
    """Return a number with six digits, as many as a page can show; None for what has no place on an axis."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def _mean_time(histories: Mapping[str, Sequence[Metric]]) -> float | None:
    folds = {point.step: point.value for point in histories.get(_TIME, ())}
    return _number(math.fsum(folds.values()) / len(folds)) if folds else None


def _field(name: str, title: str, values: Sequence[Any], *, unit: str = "") -> Field:
    """Return how a column is drawn: a number only where all that is there are numbers."""
    distinct = tuple(sorted({value for value in values if value is not None}, key=lambda value: order_of(str(value))))
    numeric = bool(distinct) and all(isinstance(value, float) for value in distinct)
    if not numeric:  # among texts a number is one of the choices
        distinct = tuple(str(value) for value in distinct)
    log = numeric and (name.startswith("k") or name == "t") and is_logarithmic(distinct)
    return Field(name=name, title=title, numeric=numeric, log=log, values=distinct, unit=unit)


def is_logarithmic(values: Sequence[float]) -> bool:
    """Tell whether distinct values, in order, are spaced by factors rather than by steps.

    They are where they span a factor of ten and their median is nearer (as a factor) to the geometric middle of both
    ends than to the arithmetic one.
    """
    if len(values) < 3 or values[0] <= 0 or values[-1] < 10 * values[0]:
        return False
    middle, low, high = map(math.log, (median(values), values[0], values[-1]))
    return abs(middle - (low + high) / 2) < abs(middle - math.log((values[0] + values[-1]) / 2))
