"""Scores of out-of-fold predictions under weights of the rows, of all points and for many draws at once. Pure numpy.

Each is scikit-learn's score of the same name with `sample_weight`, without its sign: losses are positive. Most are
functions of weighted sums over the rows (of squared errors, of right answers, ...), so that the scores of P points
under B sets of weights are one product of matrices; the others go point by point.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

TINY = np.finfo(np.float64).eps  # as scikit-learn clips


@dataclass(frozen=True, slots=True, eq=False)
class RowScores:
    """The scores of P points, n predictions each.

    `score` gives those of a range of points under weights (draws x n): draws x points.
    """

    points: int
    more_is_better: bool
    score: Callable[[Any, slice], Any]

    def of_all(self, weights: Any, start: int, stop: int) -> Any:
        """Return the scores of the points from `start` to `stop` under each row of weights: draws x points."""
        stop = min(stop, self.points)
        with np.errstate(all="ignore"):
            return np.broadcast_to(self.score(weights, slice(start, stop)), (len(weights), stop - start))

    def of(self, chosen: Any, weights: Any) -> Any:
        """Return for each row of weights the score of the point that was chosen for it: one number a draw."""
        values = np.empty(len(weights))
        for point in np.unique(chosen):
            where = chosen == point
            values[where] = self.of_all(weights[where], int(point), int(point) + 1)[:, 0]
        return values


def summed(
    points: int, more_is_better: bool, parts: Callable[[slice], Sequence[Any]], combine: Callable[..., Any]
) -> RowScores:
    """Return scores that `combine` makes of weighted sums, the first that of the weights themselves.

    `parts` gives, for a range of points, the arrays that are summed: points x n, or 1 x n where all have the same.
    """

    def score(weights: Any, some: slice) -> Any:
        total = weights.sum(axis=1, keepdims=True)
        return combine(total, *(weights @ part.T for part in parts(some)))

    return RowScores(points, more_is_better, score)


def one_by_one(points: int, more_is_better: bool, score: Callable[[Any, int], Any]) -> RowScores:
    """Return scores that take one point at a time: `score` gives them under weights that are n x draws."""

    def stacked(weights: Any, some: slice) -> Any:
        by_row = np.ascontiguousarray(weights.T)  # rows are put in another order for each point
        return np.stack([score(by_row, point) for point in range(some.start, some.stop)], axis=1)

    return RowScores(points, more_is_better, stacked)


def below(steps: Any, values: Any, weights: Any, *, side: str) -> Any:
    """Return the weight of what is below each of `steps`: steps x draws; with side "right" also of what equals it.

    `values` have the weights (values x draws).
    """
    order = np.argsort(values, kind="stable")
    sums = np.zeros((len(values) + 1, weights.shape[1]))
    np.cumsum(weights[order], axis=0, out=sums[1:])
    return sums[np.searchsorted(values[order], steps, side=side)]  # type: ignore[call-overload]


def median(values: Any, weights: Any) -> Any:
    """Return the median under each column of whole-number weights (n x draws): that of values so many times there."""
    order = np.argsort(values, kind="stable")
    sums = np.cumsum(weights[order], axis=0)
    half = sums[-1] / 2
    lower, upper = (sums >= half).argmax(axis=0), (sums > half).argmax(axis=0)
    return np.where(sums[-1] > 0, (values[order][lower] + values[order][upper]) / 2, np.nan)
