"""The best of many runs: what its score is worth, what is as good, and which of that is the simplest. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tracking.compare.factors import find_factors
from tracking.compare.simplest import Direction, find_simplest
from tracking.entities import Metric, Run, RunStatus
from tracking.records.names import OBJECTIVE_METRIC, TEST_TRAIN_RATIO
from tracking.records.ranking import objective, scored_on

if TYPE_CHECKING:
    from tracking.compare.honest import Honest
    from tracking.records.predictions import Predictions

FEWEST = 3  # points from which on the best of them is spoken of
LEVEL = 0.05  # a difference with a larger p value is within chance
_SIMPLER = "scoring.simpler."  # params that add to the order of keys

Histories = Mapping[str, Mapping[str, Sequence[Metric]]]  # by run id and metric


@dataclass(frozen=True, slots=True, kw_only=True)
class Winner:
    """The best of `points` runs that were scored on the same data and splits by `metric`.

    `spread` is the standard deviation over the `folds` as it was recorded. `missing` says for "honest" and "as good
    as" why they cannot be said; what can be has no entry there.
    """

    run: Run
    metric: str
    score: float
    spread: float | None
    folds: int
    points: int
    left_out: int  # runs that failed, have no score, or were scored on other data or splits
    honest: Honest | None
    alike: int  # points within chance of the best, itself included
    tied: bool  # whether the second is among them
    simplest: Run | None  # of those within one standard error; None where no key that varies has an order
    missing: Mapping[str, str]


def judge_winner(runs: Sequence[Run], histories: Histories, predictions: Sequence[Predictions]) -> Winner | None:
    """Judge the best of runs that have the objective of the first; None for fewer than three that can be ranked.

    Ranked are finished runs that were scored on the same data and splits as most of them. `histories` have the fold
    scores, `predictions` the out-of-fold predictions of those that kept them.
    """
    ranked, metric, direction = _comparable(runs)
    if len(ranked) < FEWEST:
        return None
    import numpy as np

    more = direction == "maximize"
    plain = metric.removesuffix("_mean")
    folds, why_not = _fold_scores(ranked, histories, plain)
    missing: dict[str, str] = {}
    honest, alike, tied, simplest = None, 1, False, None
    if folds is None:
        missing = {"honest": why_not, "as good as": why_not}
    else:
        honest, reason = _honest(ranked, folds, more, plain, predictions)
        if reason:
            missing["honest"] = reason
        ratio = _number(ranked[0].data.tags.get(TEST_TRAIN_RATIO))
        if ratio is None or ratio <= 0:
            missing["as good as"] = f"the ratio of test to training rows (tag {TEST_TRAIN_RATIO}) was not recorded"
        else:
            from tracking.compare.honest import within_chance, within_one_error

            p_values = within_chance(folds, 0, ratio)
            alike, tied = int((p_values >= LEVEL).sum()), bool(p_values[1] >= LEVEL)
            near = np.flatnonzero(within_one_error(folds, 0, more_is_better=more))
            simplest = _simplest(ranked, near.tolist())
    return Winner(
        run=ranked[0],
        metric=plain,
        score=ranked[0].data.metrics[metric],
        spread=ranked[0].data.metrics.get(f"{plain}_std"),
        folds=0 if folds is None else folds.shape[1],
        points=len(ranked),
        left_out=len(runs) - len(ranked),
        honest=honest,
        alike=alike,
        tied=tied,
        simplest=simplest,
        missing=missing,
    )


def _comparable(runs: Sequence[Run]) -> tuple[list[Run], str, str]:
    """Return the finished runs that can be ranked with each other, the best first, their metric and direction."""
    tagged = [run for run in runs if run.data.tags.get(OBJECTIVE_METRIC)]
    if not tagged:
        return [], "", ""
    metric, direction = objective(tagged[0])
    scored = [
        run
        for run in tagged
        if run.info.status == RunStatus.FINISHED
        and objective(run) == (metric, direction)
        and math.isfinite(run.data.metrics.get(metric, math.nan))
    ]
    groups: dict[Any, list[Run]] = {}
    for run in scored:
        groups.setdefault(scored_on(run), []).append(run)
    largest = max(groups.values(), key=len, default=[])
    sign = -1 if direction == "maximize" else 1
    return sorted(largest, key=lambda run: sign * run.data.metrics[metric]), metric, direction


def _fold_scores(ranked: Sequence[Run], histories: Histories, metric: str) -> tuple[Any, str]:
    """Return the scores, points x folds; or None and why there are none."""
    import numpy as np

    by_fold = [
        {point.step: point.value for point in histories.get(run.info.run_id, {}).get(metric, ())} for run in ranked
    ]
    steps = sorted(by_fold[0])
    if len(steps) < 2:
        return None, f"{metric} has {'a single fold' if steps else 'no fold scores'}: nothing tells its spread"
    if any(sorted(scores) != steps for scores in by_fold):
        return None, "not all runs have the same folds"
    folds = np.array([[scores[step] for step in steps] for scores in by_fold])
    if not np.isfinite(folds).all():
        return None, f"a fold score of {metric} is not a finite number"
    return folds, ""


def _honest(
    ranked: Sequence[Run], folds: Any, more: bool, metric: str, predictions: Sequence[Predictions]
) -> tuple[Honest | None, str]:
    """Return the corrected score, by the bootstrap where predictions allow it, and why it is not (fully) given."""
    from tracking.compare.honest import bootstrap_choice, correct_by_folds
    from tracking.compare.row_scores import row_scores

    best = ranked[0]
    if "TimeSeries" in best.data.params.get("cv._target_", ""):
        return None, "rows in time cannot be drawn again in any order"
    by_folds = correct_by_folds(folds, best=0, more_is_better=more)
    kept = next((some for some in predictions if best.info.run_id in some.run_ids), None)
    there = set() if kept is None else set(kept.run_ids)
    if kept is None or any(run.info.run_id not in there for run in ranked):
        return by_folds, "not all points kept their predictions"
    scorer = best.data.params.get(f"scoring.metrics.{metric}", "")
    scores = row_scores(scorer, _in_order(kept, ranked))
    if scores is None:
        return by_folds, f"{scorer or metric} cannot be scored on drawn rows"
    units = kept.rows if kept.groups is None else kept.groups
    return bootstrap_choice(scores, best=0, shown=float(folds[0].mean()), units=units), ""


def _in_order(kept: Predictions, ranked: Sequence[Run]) -> Predictions:
    from dataclasses import replace

    place = {run_id: at for at, run_id in enumerate(kept.run_ids)}
    order = [place[run.info.run_id] for run in ranked]
    responses = {name: values[order] for name, values in kept.responses.items()}
    return replace(kept, run_ids=tuple(run.info.run_id for run in ranked), responses=responses)


def _simplest(ranked: Sequence[Run], near: Sequence[int]) -> Run | None:
    keys = find_factors([run.data.params for run in ranked]).keys
    params = ranked[0].data.params
    order: dict[str, Direction] = {
        key.removeprefix(_SIMPLER): "down" if value == "down" else "up"
        for key, value in params.items()
        if key.startswith(_SIMPLER)
    }
    points = [{key: run.data.params.get(key) for key in keys} for run in ranked]
    found = find_simplest(points, 0, near, order)
    return None if found is None else ranked[found]


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None
