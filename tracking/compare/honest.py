"""What the best of many is worth: its score flatters, because it was chosen by it. Pure numpy.

Two corrections:

* BBC-CV (Tsamardinos, Greasidou, Borboudakis, "Bootstrapping the out-of-sample predictions for efficient and accurate
  cross-validation", Machine Learning 107 (2018), pages 1895-1922): rows are drawn with replacement, the best point is
  chosen on the drawn rows, by the mean over the folds as it was, and scored on those that were not drawn; the mean
  over the draws is what choosing the best of these points is worth. It needs out-of-fold predictions.
* Tibshirani and Tibshirani, "A bias correction for the minimum error rate in cross-validation", Annals of Applied
  Statistics 3 (2009), pages 822-829: the mean over the folds of what the best point loses against the best of each
  fold. It needs fold scores only, and gives no interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tracking.compare.row_scores import RowScores
from tracking.compare.statistics import Spread, corrected_t_test

DRAWS = 500
_POINTS_AT_ONCE = 200  # so that their sums fit a processor's cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Honest:
    """The corrected score of the best of many points, in the metric's own unit.

    `low` and `high` are the ends of a 95% interval, None where there is none.
    """

    score: float
    low: float | None
    high: float | None
    method: str  # "BBC-CV" or "Tibshirani-Tibshirani"


def bootstrap_choice(scores: RowScores, *, shown: Any, units: Any, draws: int = DRAWS, seed: int = 0) -> Honest:
    """Correct the score of the best point by BBC-CV.

    `shown` are the scores of the points as they are shown, means over the folds; `units` numbers, for each of the n
    predictions, the row it belongs to, or the group where rows of a group must stay together: they are what is drawn.

    A score of few rows has a bias of its own (the root of a mean of squares does), which is no matter of choosing. So
    what is added to the mean of the scores that are shown of the chosen points is how much worse a point is on the rows
    left by its own draw than one that the draw before chose. The interval is that of the paper: percentiles of the
    scores of the rows that were not drawn.
    """
    _, unit = np.unique(units, return_inverse=True)
    inside = draw_units(int(unit.max()) + 1, draws, seed)
    chosen = choose(scores, inside[:, unit].astype(float))
    outside = (inside == 0)[:, unit].astype(float)
    values, unchosen = scores.of(chosen, outside), scores.of(np.roll(chosen, 1), outside)
    there = np.isfinite(values) & np.isfinite(unchosen)
    if not there.any():
        return Honest(score=math.nan, low=None, high=None, method="BBC-CV")
    offset = float(shown[chosen].mean() - unchosen[there].mean())
    ends = np.percentile(values[there], [2.5, 97.5]) + offset
    # no score is better than a perfect one
    low, high = map(float, np.minimum(ends, 1.0) if scores.more_is_better else np.maximum(ends, 0.0))
    return Honest(score=float(values[there].mean()) + offset, low=low, high=high, method="BBC-CV")


def draw_units(count: int, draws: int, seed: int) -> Any:
    """Return how often each unit is drawn, draws x count, where `count` are drawn with replacement each time."""
    generator = np.random.default_rng(seed)
    drawn = generator.integers(count, size=(draws, count)) + count * np.arange(draws)[:, None]
    return np.bincount(drawn.ravel(), minlength=draws * count).reshape(draws, count)


def choose(scores: RowScores, weights: Any) -> Any:
    """Return the number of the best point under each row of weights (draws x n)."""
    found = np.full(len(weights), -np.inf)
    chosen = np.zeros(len(weights), dtype=int)
    for start in range(0, scores.points, _POINTS_AT_ONCE):
        values = scores.of_all(weights, start, start + _POINTS_AT_ONCE)
        values = np.where(np.isfinite(values), values if scores.more_is_better else -values, -np.inf)
        here = values.argmax(axis=1)
        value = values[np.arange(len(values)), here]
        chosen = np.where(value > found, start + here, chosen)
        found = np.maximum(value, found)
    return chosen


def correct_by_folds(folds: Any, *, best: int, more_is_better: bool) -> Honest:
    """Correct the score of the best point by the folds, points x folds of fold scores (Tibshirani-Tibshirani)."""
    lead = folds.max(axis=0) if more_is_better else folds.min(axis=0)
    score = float(folds[best].mean() + (folds[best] - lead).mean())
    return Honest(score=score, low=None, high=None, method="Tibshirani-Tibshirani")


def within_chance(folds: Any, best: int, test_train_ratio: float) -> Any:
    """Return for each point the two-sided p value of its difference from the best over the folds (points x folds).

    The corrected paired t-test of Nadeau and Bengio, see `statistics`; 1 where all differences are 0.
    """
    changes = folds - folds[best]
    spreads = zip(changes.mean(axis=1).tolist(), changes.std(axis=1, ddof=1).tolist(), strict=True)
    count = folds.shape[1]
    return np.array([corrected_t_test(Spread(mean, std, count), test_train_ratio) for mean, std in spreads])


def within_one_error(folds: Any, best: int, *, more_is_better: bool) -> Any:
    """Return for each point whether its mean is within one standard error of the best one's (points x folds)."""
    error = folds[best].std(ddof=1) / math.sqrt(folds.shape[1])
    loss = folds[best].mean() - folds.mean(axis=1)
    return (loss if more_is_better else -loss) <= error
