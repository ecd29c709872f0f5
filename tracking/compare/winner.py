"""The best of many runs: what its score is worth, what is as good, and which of that is the simplest. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tracking.compare.factors import find_factors
from tracking.compare.simplest import Direction, find_simplest
from tracking.entities import Metric, Run, RunStatus
from tracking.records.names import TEST_TRAIN_RATIO
from tracking.records.ranking import ScoredOn, objectives, scored_on

if TYPE_CHECKING:
    from tracking.compare.honest import Honest
    from tracking.records.predictions import Predictions

FEWEST = 3  # points from which on the best of them is spoken of
LEVEL = 0.05  # a difference with a larger p value is within chance
_SIMPLER = "scoring.simpler."  # params that add to the order of keys
_METRICS = "scoring.metrics."  # params that say how a metric was scored

Histories = Mapping[str, Mapping[str, Sequence[Metric]]]  # by run id and metric


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """Finished runs that were scored on the same data and splits, the best first.

    `metric` is the summary that ranks them, as `rmse_mean`; `left_out` counts the others by their reason.
    """

    runs: tuple[Run, ...]
    metric: str
    more_is_better: bool
    left_out: Mapping[str, int]

    @property
    def plain(self) -> str:
        """The metric as its folds are recorded: `rmse`."""
        return self.metric.removesuffix("_mean")


@dataclass(frozen=True, slots=True, kw_only=True)
class Winner:
    """The best of many runs. `spread` is the standard deviation over the `folds` as it was recorded.

    `missing` says for "honest" and "as good as" why they cannot be said, or not fully; what can be has no entry there.
    """

    run: Run
    metric: str
    score: float
    spread: float | None
    folds: int
    points: int
    left_out: Mapping[str, int]
    honest: Honest | None
    alike: int  # points within chance of the best, itself included
    tied: bool  # whether the second is among them
    simplest: Run | None  # of those within one standard error; None where no key that varies has an order
    missing: Mapping[str, str]


def rank_runs(runs: Sequence[Run], metric: str, direction: str) -> Ranked:
    """Rank the finished runs that have this objective and were scored on the same data and splits as most of them."""
    left_out: Counter[str] = Counter()
    groups: dict[ScoredOn, list[Run]] = {}
    for run in runs:
        if (metric, direction) not in objectives(run):
            left_out["have another objective"] += 1
        elif run.info.status != RunStatus.FINISHED:
            left_out["did not finish"] += 1
        elif not math.isfinite(run.data.metrics.get(metric, math.nan)):
            left_out[f"have no finite {metric}"] += 1
        else:
            groups.setdefault(scored_on(run), []).append(run)
    largest = max(groups.values(), key=len, default=[])
    if elsewhere := sum(map(len, groups.values())) - len(largest):
        left_out["were scored on other data or splits"] = elsewhere
    more = direction == "maximize"
    ranked = sorted(largest, key=lambda run: run.data.metrics[metric], reverse=more)
    return Ranked(runs=tuple(ranked), metric=metric, more_is_better=more, left_out=left_out)


def judge_winner(ranked: Ranked, histories: Histories, predictions: Sequence[Predictions]) -> Winner | None:
    """Judge the best of ranked runs; None for fewer than three.

    `histories` have the fold scores, `predictions` the out-of-fold predictions, in the order of `ranked`.
    """
    runs, plain = ranked.runs, ranked.plain
    if len(runs) < FEWEST:
        return None
    folds, missing = _fold_scores(ranked, histories)
    honest = alike = simplest = None
    if folds is not None:
        honest, missing["honest"] = _honest(ranked, folds, predictions)
        alike, missing["as good as"] = _within_chance(runs[0], folds)
        simplest = _simplest(runs, folds, more_is_better=ranked.more_is_better)
    return Winner(
        run=runs[0],
        metric=plain,
        score=runs[0].data.metrics[ranked.metric],
        spread=runs[0].data.metrics.get(f"{plain}_std"),
        folds=0 if folds is None else folds.shape[1],
        points=len(runs),
        left_out=ranked.left_out,
        honest=honest,
        alike=1 if alike is None else int(alike.sum()),
        tied=alike is not None and bool(alike[1]),
        simplest=simplest,
        missing={what: why for what, why in missing.items() if why},
    )


def _fold_scores(ranked: Ranked, histories: Histories) -> tuple[Any, dict[str, str]]:
    """Return the scores, points x folds; or None and what cannot be said without them, and why."""
    import numpy as np

    metric = ranked.plain
    by_fold = [
        {point.step: point.value for point in histories.get(run.info.run_id, {}).get(metric, ())} for run in ranked.runs
    ]
    steps = sorted(by_fold[0])
    why_not = ""
    if len(steps) < 2:
        why_not = f"{metric} has {'a single fold' if steps else 'no fold scores'}: nothing tells its spread"
    elif any(sorted(scores) != steps for scores in by_fold):
        why_not = "not all runs have the same folds"
    elif not all(math.isfinite(value) for scores in by_fold for value in scores.values()):
        why_not = f"a fold score of {metric} is not a finite number"
    if why_not:
        return None, {"honest": why_not, "as good as": why_not}
    return np.array([[scores[step] for step in steps] for scores in by_fold]), {}


def _honest(ranked: Ranked, folds: Any, predictions: Sequence[Predictions]) -> tuple[Honest | None, str]:
    """Return the corrected score, by the bootstrap where predictions allow it, and why it is not (fully) given."""
    from tracking.compare.honest import bootstrap_choice, correct_by_folds
    from tracking.compare.row_scorers import row_scores

    best = ranked.runs[0]
    if "TimeSeries" in best.data.params.get("cv._target_", ""):
        return None, "rows in time cannot be drawn again in any order"
    by_folds = correct_by_folds(folds, best=0, more_is_better=ranked.more_is_better)
    kept = next((some for some in predictions if best.info.run_id in some.run_ids), None)
    if kept is None or kept.run_ids != tuple(run.info.run_id for run in ranked.runs):
        # Drawing from the best of them only would flatter: they were chosen by the rows that are drawn.
        return by_folds, "not all points kept their predictions"
    scorer, options = _scorer(best.data.params, ranked.plain)
    scores = row_scores(scorer, options, kept)
    if scores is None or scores.more_is_better != ranked.more_is_better:
        return by_folds, f"{scorer or ranked.plain} cannot be scored on drawn rows"
    units = kept.rows if kept.groups is None else kept.groups
    found = bootstrap_choice(scores, shown=folds.mean(axis=1), units=units)
    if not math.isfinite(found.score):
        return by_folds, f"{scorer} is not finite on drawn rows"
    return found, ""


def _scorer(params: Mapping[str, str], metric: str) -> tuple[str, dict[str, str]]:
    """Return the scorer of a metric as it was recorded, and its options."""
    key = f"{_METRICS}{metric}"
    options = {name.removeprefix(f"{key}."): value for name, value in params.items() if name.startswith(f"{key}.")}
    return params.get(key) or options.pop("_target_", ""), options


def _within_chance(best: Run, folds: Any) -> tuple[Any, str]:
    """Return for each point whether it is within chance of the best, or None and why that is not known."""
    from tracking.compare.honest import within_chance

    ratio = _number(best.data.tags.get(TEST_TRAIN_RATIO))
    if ratio is None or not (math.isfinite(ratio) and ratio > 0):
        return None, f"the ratio of test to training rows (tag {TEST_TRAIN_RATIO}) was not recorded"
    return within_chance(folds, 0, ratio) >= LEVEL, ""


def _simplest(runs: Sequence[Run], folds: Any, *, more_is_better: bool) -> Run | None:
    from tracking.compare.honest import within_one_error

    near = within_one_error(folds, 0, more_is_better=more_is_better).nonzero()[0].tolist()
    keys = find_factors([run.data.params for run in runs]).keys
    order: dict[str, Direction] = {
        key.removeprefix(_SIMPLER): "down" if value == "down" else "up"
        for key, value in runs[0].data.params.items()
        if key.startswith(_SIMPLER)
    }
    points = [{key: run.data.params.get(key) for key in keys} for run in runs]
    found = find_simplest(points, 0, near, order)
    return None if found is None else runs[found]


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None
