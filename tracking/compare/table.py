"""A table of many runs: what varies, groups of repeats with mean and spread, the Pareto front. Pure.

Columns are named as people type them: `alpha`, `model` (the class), `rmse_mean`, and `tags.KEY`. Rows are ranked
only with those that were scored on the same data and splits.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from tracking.compare.factors import Factors, find_factors, order_of, short_key
from tracking.compare.metrics import find_direction
from tracking.compare.statistics import Spread, describe_spread
from tracking.entities import Run, duration
from tracking.errors import InvalidValue
from tracking.records.names import OBJECTIVE_METRIC
from tracking.records.ranking import ScoredOn, scored_on
from tracking.records.refs import nearest_names
from tracking.text.formatting import DottedName, NumberText, ShortId, format_number

_SPREAD = " ±"
SCORED_ON: Final = "scored on"  # the number of a set of data and splits, 1 for the newest; "1, 2" where rows are means


@dataclass(frozen=True)
class Table:
    """Rows with their columns in order; a row may lack a column. `metrics` are columns that are scores."""

    rows: tuple[Mapping[str, object], ...]
    columns: tuple[str, ...]
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class Selection:
    """The runs to compare, the names of their experiments by id, and what tells them apart."""

    runs: tuple[Run, ...]
    experiments: Mapping[str, str]

    @cached_property
    def factors(self) -> Factors:
        """What tells the runs apart."""
        return find_factors([run.data.params for run in self.runs])

    @cached_property
    def keys(self) -> dict[str, str]:
        """Return every param by the name people type: `model` for `model._target_`."""
        every = dict.fromkeys(key for run in self.runs for key in run.data.params)
        return {key: key for key in every} | {short_key(key): key for key in every}

    @cached_property
    def metrics(self) -> list[str]:
        """Return the metrics worth a column: the objective first, folds and times left out."""
        known = dict.fromkeys(key for run in self.runs for key in sorted(run.data.metrics))
        kept = [key for key in known if not (f"{key}_mean" in known or re.search(r"_(std|seconds)", key))]
        return sorted(kept, key=lambda key: key != self.objective)

    @cached_property
    def scored_on(self) -> dict[ScoredOn, int]:
        """Return the number of each set of data and splits that runs were scored on, 1 for that of the newest run."""
        newest = sorted(self.runs, key=lambda run: run.info.start_time, reverse=True)
        return {key: n for n, key in enumerate(dict.fromkeys(scored_on(run) for run in newest if run.data.metrics), 1)}

    @cached_property
    def objective(self) -> str | None:
        """Return the metric that most runs have as their objective; None where none recorded one."""
        tagged = Counter(
            name for run in self.runs if (name := run.data.tags.get(OBJECTIVE_METRIC)) and name in run.data.metrics
        )
        return tagged.most_common(1)[0][0] if tagged else None

    def find_metric(self, name: str) -> str:
        """Return the metric of this name, or its mean over folds. Raises InvalidValue with the nearest."""
        known = dict.fromkeys(key for run in self.runs for key in sorted(run.data.metrics))
        for candidate in (f"{name}_mean", name):
            if candidate in known:
                return candidate
        nearest = ", ".join(nearest_names(name, list(known))) or "none: no run has a metric"
        raise InvalidValue(f"No metric {name!r} in these runs. Nearest: {nearest}.")

    def direction(self, metric: str) -> str | None:
        """Return "minimize", "maximize" or None where it is not known."""
        return find_direction(metric, [run.data.tags for run in self.runs])


def list_runs(selection: Selection) -> Table:
    """Return one row for each run, with the columns that vary, best objective first."""
    keys = [*selection.factors.keys, *(key for key in selection.factors.implied if "." not in key)]
    lead = ["id", "name"]
    lead += ["experiment"] if len({run.info.experiment_id for run in selection.runs}) > 1 else []
    lead += ["status"] if len({run.info.status for run in selection.runs}) > 1 else []
    columns = dict.fromkeys([*lead, *map(short_key, keys), *selection.metrics, "duration"])
    rows = tuple(_row(run, selection) for run in selection.runs)
    return _best_first(Table(rows, tuple(columns), tuple(selection.metrics)), selection)


def _row(run: Run, selection: Selection) -> dict[str, object]:
    row: dict[str, object] = {f"tags.{key}": value for key, value in run.data.tags.items()}
    row |= run.data.metrics
    for key, value in run.data.params.items():
        row[key] = row[short_key(key)] = DottedName(value) if key.endswith("_target_") else NumberText(value)
    return row | {
        "id": ShortId(run.info.run_id),
        "name": run.info.run_name,
        "experiment": selection.experiments.get(run.info.experiment_id, run.info.experiment_id),
        "status": run.info.status,
        "duration": duration(run.info),
        SCORED_ON: selection.scored_on[scored_on(run)] if run.data.metrics else None,
    }


# Groups ----------------------------------------------------------------------------------------
def group_runs(selection: Selection, by: Sequence[str]) -> Table:
    """Return one row for each group of runs: their number, mean and spread of every metric.

    `by` names params (or `experiment`, `tags.KEY`); `!key` instead means everything that varies but
    that key. Raises InvalidValue for an unknown key.
    """
    columns = _group_columns(selection, by)
    groups: dict[tuple[object, ...], list[Run]] = {}
    for run in selection.runs:
        row = _row(run, selection)
        groups.setdefault(tuple(row.get(column) for column in columns), []).append(run)
    rows = tuple(
        {
            **dict(zip(columns, values, strict=True)),
            "runs": len(members),
            SCORED_ON: _sets_of(members, selection),
            **_means(members),
        }
        for values, members in groups.items()
    )
    scores = [column for metric in selection.metrics for column in (metric, f"{metric}{_SPREAD}")]
    table = Table(rows, (*columns, "runs", *scores), tuple(selection.metrics))
    return _best_first(table, selection)


def _sets_of(members: Sequence[Run], selection: Selection) -> object:
    numbers = sorted({selection.scored_on[scored_on(run)] for run in members if run.data.metrics})
    return ", ".join(map(str, numbers)) if len(numbers) > 1 else next(iter(numbers), None)


def _group_columns(selection: Selection, by: Sequence[str]) -> list[str]:
    excluded = [name[1:] for name in by if name.startswith("!")]
    if not excluded:
        return [_group_column(selection, name) for name in by]
    if len(excluded) < len(by):
        raise InvalidValue(f"Group by keys, or by everything but some (!key), not both: {', '.join(by)}.")
    left_out = {_group_column(selection, name) for name in excluded}
    return [short for key in selection.factors.keys if (short := short_key(key)) not in left_out]


def _group_column(selection: Selection, name: str) -> str:
    if name == "experiment" or name.startswith("tags."):
        return name
    if name not in selection.keys:
        nearest = ", ".join(nearest_names(name, list(selection.keys))) or "none: no run has a param"
        raise InvalidValue(f"No param {name!r} in these runs. Nearest: {nearest}.")
    return short_key(selection.keys[name])


def _means(members: Sequence[Run]) -> dict[str, object]:
    means: dict[str, object] = {}
    for metric in dict.fromkeys(key for run in members for key in run.data.metrics):
        spread = describe_spread([run.data.metrics[metric] for run in members if metric in run.data.metrics])
        means |= {metric: spread.mean, f"{metric}{_SPREAD}": spread.std}
    return means


def join_spreads(table: Table) -> Table:
    """Return the table with each mean and its spread in one cell, as people read it: `54.1 ± 0.3`."""
    joined = {column.removesuffix(_SPREAD) for column in table.columns if column.endswith(_SPREAD)}
    rows = tuple({**row, **{metric: _joined(row, metric) for metric in joined if metric in row}} for row in table.rows)
    return replace(table, rows=rows, columns=tuple(c for c in table.columns if not c.endswith(_SPREAD)))


def _joined(row: Mapping[str, object], metric: str) -> object:
    mean, std = row[metric], row.get(f"{metric}{_SPREAD}")
    if not (isinstance(mean, float) and isinstance(std, float)):
        return mean
    return f"{format_number(mean)}{_SPREAD} {format_number(std, digits=2)}"


def format_spread(spread: Spread, *, digits: int = 3) -> str:
    """Write a signed mean with its spread: `-0.42 ± 0.1`."""
    sign = "+" if spread.mean > 0 else ""
    mean = f"{sign}{format_number(spread.mean, digits=digits)}"
    return mean if spread.std is None else f"{mean}{_SPREAD} {format_number(spread.std, digits=2)}"


# Order and choice ------------------------------------------------------------------------------
def sort_rows(table: Table, order: str) -> Table:
    """Return the rows by a column, `NAME`, `NAME asc` or `NAME desc`; rows without a value come last."""
    name, _, direction = order.strip().rpartition(" ")
    if direction.casefold() not in ("asc", "desc"):
        name, direction = order.strip(), "asc"
    column = _known_column(table, name.strip())
    present = [row for row in table.rows if _sortable(row.get(column)) is not None]
    absent = [row for row in table.rows if _sortable(row.get(column)) is None]
    present.sort(key=lambda row: _sortable(row.get(column)) or (0, 0.0, ""), reverse=direction.casefold() == "desc")
    return replace(table, rows=(*present, *absent))


def _sortable(value: object) -> tuple[int, float, str] | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if hasattr(value, "total_seconds"):
        return (1, value.total_seconds(), "")
    return order_of(str(value))


def _best_first(table: Table, selection: Selection) -> Table:
    objective = selection.objective
    if objective is not None:
        table = sort_rows(table, f"{objective} {'desc' if selection.direction(objective) == 'maximize' else 'asc'}")
    if count_sets(table) < 2:
        return table
    return replace(table, rows=tuple(sorted(table.rows, key=_newest_set)), columns=(SCORED_ON, *table.columns))


def count_sets(table: Table) -> int:
    """Return how many sets of rows there are whose scores say nothing about each other."""
    return len({row[SCORED_ON] for row in table.rows if row[SCORED_ON] is not None})


def _newest_set(row: Mapping[str, object]) -> tuple[float, ...]:
    """Order by the sets of data and splits, rows without a score last."""
    numbers = row[SCORED_ON]
    return (math.inf,) if numbers is None else tuple(map(float, str(numbers).split(", ")))


def pick_columns(table: Table, names: Sequence[str]) -> Table:
    """Return the table with exactly these columns. Raises InvalidValue with the nearest."""
    return replace(table, columns=tuple(dict.fromkeys(_known_column(table, name) for name in names)))


def _known_column(table: Table, name: str) -> str:
    if name in table.columns:
        return name
    known = dict.fromkeys([*table.columns, *(column for row in table.rows for column in row)])
    for candidate in (f"{name}_mean", name, f"tags.{name}"):  # a mean says more than its last fold
        if candidate in known:
            return candidate
    nearest = ", ".join(nearest_names(name, list(known)))
    raise InvalidValue(f"No column {name!r} in these runs. Nearest: {nearest}.")


def keep_front(table: Table, selection: Selection, goals: Sequence[str]) -> Table:
    """Return the rows that no other row beats in every goal: the Pareto front of the newest set of data and splits.

    A goal is a metric, with `:min` or `:max` where it is not known which way is better. Rows that
    lack one of them are left out. Raises InvalidValue.
    """
    signed = [_goal(selection, goal) for goal in goals]
    rated = [(row, rating) for row in table.rows if (rating := _ratings(row, signed)) is not None]
    newest = min((_newest_set(row) for row, _ in rated), default=())
    rated = [(row, rating) for row, rating in rated if _newest_set(row) == newest]
    ratings = {rating for _, rating in rated}
    front: list[tuple[float, ...]] = []
    for own in sorted(ratings):  # whatever beats a rating comes before it
        if not any(_beats(other, own) for other in front):
            front.append(own)
    columns = dict.fromkeys([*table.columns, *(metric for metric, _ in signed)])
    best = set(front)
    kept = tuple(row for row, rating in rated if rating in best)
    return replace(table, rows=kept, columns=tuple(columns))


def _goal(selection: Selection, goal: str) -> tuple[str, float]:
    name, _, way = goal.partition(":")
    metric = selection.find_metric(name)
    known = {"min": "minimize", "max": "maximize", "": selection.direction(metric)}.get(way)
    if known is None:
        raise InvalidValue(f"Which way is {goal!r} better? Say {name}:min or {name}:max.")
    return metric, -1.0 if known == "maximize" else 1.0


def _ratings(row: Mapping[str, object], goals: Iterable[tuple[str, float]]) -> tuple[float, ...] | None:
    values = [(row.get(metric), sign) for metric, sign in goals]
    rating = tuple(sign * value for value, sign in values if isinstance(value, float))
    if any(map(math.isnan, rating)):
        return None
    return rating if len(rating) == len(values) else None


def _beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))
