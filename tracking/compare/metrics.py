"""How the scores of runs differ, and whether that can be called better or worse. Pure.

A score with values per fold (`rmse` by step, with `rmse_mean` and `rmse_std` as its summary) is one
row. Runs are ranked only where both were scored by the same scorers on the same splits of the same
data; otherwise the reason is given.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tracking.compare.statistics import PairedChange, compare_folds, describe_spread, holm
from tracking.records.names import (
    FINGERPRINT_DATA,
    FINGERPRINT_SPLITS,
    OBJECTIVE_DIRECTION,
    OBJECTIVE_METRIC,
    TEST_TRAIN_RATIO,
)
from tracking.records.reading import RunRecord

_TIMES = re.compile(r"(?:fit|score)_seconds(?:_mean|_std)?")

# Which way is better, by the name everybody uses; an objective that is tagged comes first.
# Losses are recorded as positive numbers.
_SMALLER = ("rmse", "mse", "mae", "mape", "medae", "log_loss", "loss", "brier", "error", "seconds")
_LARGER = ("r2", "accuracy", "balanced_accuracy", "f1", "precision", "recall", "roc_auc", "auc")


@dataclass(frozen=True, slots=True)
class Score:
    """One metric of one run: its value, and where it was scored by folds their spread and values."""

    value: float
    std: float | None = None
    folds: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScoreChange:
    """One run's score against the first run's; `verdict` is "better", "worse", "equal" or None.

    `relative` is the change divided by the size of the first value. `paired` is None, with the
    reason in `why_unpaired`, where folds cannot be paired.
    """

    change: float
    relative: float | None
    verdict: str | None
    paired: PairedChange | None
    why_unpaired: str | None = None


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric over all runs: None where a run lacks it. `changes` has one for each later run."""

    key: str
    scores: tuple[Score | None, ...]
    changes: tuple[ScoreChange | None, ...]
    direction: str | None

    @property
    def same(self) -> bool:
        """Tell whether all runs have the same value, fold by fold."""
        return len({_exact(score) for score in self.scores}) == 1


@dataclass(frozen=True, slots=True)
class MetricsDiff:
    """All metrics but times, the objective first.

    `unranked` says for each later run why it is not ranked, None if it is; `objective` is the row's key,
    '' where the first run has none.
    """

    rows: tuple[MetricRow, ...]
    times: tuple[MetricRow, ...]
    unranked: tuple[str | None, ...]
    objective: str = ""

    @property
    def same(self) -> bool:
        """Tell whether every metric is the same in all runs; times never count."""
        return all(row.same for row in self.rows)


def compare_metrics(records: Sequence[RunRecord]) -> MetricsDiff:
    """Compare the metrics of the runs, each run with the first."""
    scores = [read_scores(record) for record in records]
    unranked = tuple(_why_unranked(records[0], other) for other in records[1:])
    objective = records[0].run.data.tags.get(OBJECTIVE_METRIC, "").removesuffix("_mean")
    keys = sorted(dict.fromkeys(key for own in scores for key in own), key=lambda key: key != objective)
    rows = tuple(_row(key, records, [own.get(key) for own in scores], unranked) for key in keys)
    return MetricsDiff(
        rows=tuple(row for row in rows if not _TIMES.fullmatch(row.key)),
        times=tuple(row for row in rows if _TIMES.fullmatch(row.key)),
        unranked=unranked,
        objective=objective,
    )


def read_scores(record: RunRecord) -> dict[str, Score]:
    """Return the run's metrics by name, folds gathered under the name of their summary."""
    metrics = record.run.data.metrics
    scores = {}
    for key in sorted(metrics):
        base, _, summary = key.rpartition("_")
        if summary in ("mean", "std") and base in metrics and f"{base}_mean" in metrics:
            continue
        # Of several values for one step the one logged last counts: it repeats or corrects.
        points = sorted(record.histories.get(key, ()), key=lambda point: (point.step, point.timestamp))
        folds = {point.step: point.value for point in points}
        if f"{key}_mean" in metrics:
            scores[key] = Score(metrics[f"{key}_mean"], metrics.get(f"{key}_std"), folds)
        elif _TIMES.fullmatch(key) and len(folds) > 1:  # no summary is recorded of times
            spread = describe_spread(list(folds.values()))
            scores[key] = Score(spread.mean, spread.std, folds)
        else:
            scores[key] = Score(metrics[key], None, folds if len(folds) > 1 else {})
    return scores


def find_direction(key: str, tags: Iterable[Mapping[str, str]]) -> str | None:
    """Return "minimize" or "maximize" for a metric: by the objective tags, else by its common name."""
    base = key.removesuffix("_mean")
    for own in tags:
        if own.get(OBJECTIVE_METRIC, "").removesuffix("_mean") == base:
            return own.get(OBJECTIVE_DIRECTION, "minimize")
    if any(base == name or base.endswith(f"_{name}") for name in _SMALLER):
        return "minimize"
    if any(base == name or base.startswith(f"{name}_") for name in _LARGER):
        return "maximize"
    return None


def _row(
    key: str, records: Sequence[RunRecord], scores: Sequence[Score | None], unranked: Sequence[str | None]
) -> MetricRow:
    direction = find_direction(key, (record.run.data.tags for record in records))
    ratio = _test_train_ratio(records[0])
    scorers = [_scorer(record, key) for record in records]
    changes = []
    for score, scorer, why in zip(scores[1:], scorers[1:], unranked, strict=True):
        why_not = why or (None if scorer == scorers[0] else "the runs were scored by different scorers")
        changes.append(_change(scores[0], score, direction, why_not, ratio))
    return MetricRow(key, tuple(scores), _corrected(changes), direction)


def _corrected(changes: Sequence[ScoreChange | None]) -> tuple[ScoreChange | None, ...]:
    """Return the changes with their p values corrected for how many runs are compared with the first."""
    tested = {
        number: change.paired
        for number, change in enumerate(changes)
        if change is not None and change.paired is not None and change.paired.p_value is not None
    }
    found = list(changes)
    corrected = holm([paired.p_value for paired in tested.values() if paired.p_value is not None])
    for (number, paired), p_value in zip(tested.items(), corrected, strict=True):
        change = found[number]
        assert change is not None
        found[number] = replace(change, paired=replace(paired, p_value=p_value, comparisons=len(tested)))
    return tuple(found)


def _change(
    first: Score | None,
    second: Score | None,
    direction: str | None,
    unranked: str | None,
    ratio: float | None,
) -> ScoreChange | None:
    if first is None or second is None:
        return None
    change = second.value - first.value
    if _exact(first) == _exact(second):
        change = 0.0  # also for two infinities
    relative = change / abs(first.value) if first.value and math.isfinite(first.value) else None
    why_unpaired = unranked or _why_unpaired(first.folds, second.folds)
    paired = None if why_unpaired else compare_folds(first.folds, second.folds, test_train_ratio=ratio)
    verdict = None if unranked else _verdict(change, direction)
    return ScoreChange(change, relative, verdict, paired, why_unpaired)


def _verdict(change: float, direction: str | None) -> str | None:
    if change == 0:
        return "equal"
    if direction is None or math.isnan(change):
        return None
    return "better" if (change < 0) == (direction == "minimize") else "worse"


def _why_unranked(first: RunRecord, second: RunRecord) -> str | None:
    for tag, subject in ((FINGERPRINT_DATA, "data"), (FINGERPRINT_SPLITS, "splits")):
        pair = [record.run.data.tags.get(tag) for record in (first, second)]
        if None in pair:
            return f"which {subject} the scores belong to was not recorded (tag {tag})"
        if pair[0] != pair[1]:
            return f"the runs were scored on different {subject}"
    return None


def _scorer(record: RunRecord, key: str) -> str | None:
    """Return how the runner was told to score this metric, None for a metric logged by hand."""
    return record.run.data.params.get(f"scoring.metrics.{key}")


def _why_unpaired(first: Mapping[int, float], second: Mapping[int, float]) -> str | None:
    if not first or not second:
        return "no values per fold"
    if first.keys() != second.keys():
        return f"{len(first)} folds against {len(second)}"
    return None


def _test_train_ratio(record: RunRecord) -> float | None:
    try:
        return float(record.run.data.tags[TEST_TRAIN_RATIO])
    except (KeyError, ValueError):
        return None


def _exact(score: Score | None) -> str:
    return repr(score and (score.value, score.std, sorted(score.folds.items())))
