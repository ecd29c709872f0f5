"""Scores of out-of-fold predictions under weights of the rows, of all points and for many draws at once. Pure numpy.

Each is scikit-learn's score of the same name with `sample_weight`, without its sign: losses are positive. As the score
that is shown is the mean over the folds, so is each of these: a fold counts as much as of it was drawn, and where it
has no score (a class has no weight in it) not at all.

Most scores are functions of weighted sums over the rows (of squared errors, of right answers, ...), so that those of P
points under B sets of weights are one product of matrices (`SummedScores`); the others go point by point
(`PointwiseScores`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np


class RowScores(Protocol):
    """The scores of `points` points, which have n predictions each."""

    @property
    def points(self) -> int:
        """How many points there are."""
        ...

    @property
    def more_is_better(self) -> bool:
        """Whether a larger score is better."""
        ...

    def of_all(self, weights: Any, start: int, stop: int) -> Any:
        """Return the scores of the points from `start` to `stop` under weights (draws x n): draws x points."""
        ...

    def of(self, chosen: Any, weights: Any) -> Any:
        """Return for each row of weights the score of the point that was chosen for it: one number a draw."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class SummedScores:
    """Scores that `combine` makes of weighted sums, the first that of the weights themselves.

    `parts` gives, for some points, the arrays that are summed: points x n, or 1 x n where all have the same. `folds`
    has for each fold the numbers of its predictions.
    """

    points: int
    more_is_better: bool
    folds: Sequence[Any]
    parts: Callable[[Any], Sequence[Any]]
    combine: Callable[..., Any]

    def of_all(self, weights: Any, start: int, stop: int) -> Any:
        """Return the scores of a range of points: see `RowScores`."""
        parts = self.parts(slice(start, min(stop, self.points)))
        mean = _Mean()
        for rows in self.folds:
            own = weights[:, rows]
            total = own.sum(axis=1, keepdims=True)
            with np.errstate(all="ignore"):
                mean.add(self.combine(total, *(own @ part[:, rows].T for part in parts)), total / len(rows))
        return mean.value

    def of(self, chosen: Any, weights: Any) -> Any:
        """Return the scores of the chosen: see `RowScores`."""
        parts = self.parts(chosen)
        mean = _Mean()
        for rows in self.folds:
            own = weights[:, rows]
            total = own.sum(axis=1)
            with np.errstate(all="ignore"):
                mean.add(self.combine(total, *((own * part[:, rows]).sum(axis=1) for part in parts)), total / len(rows))
        return mean.value


@dataclass(frozen=True, slots=True, eq=False)
class PointwiseScores:
    """Scores that take one point at a time: `score` gives them of some rows under weights that are rows x draws."""

    points: int
    more_is_better: bool
    folds: Sequence[Any]
    score: Callable[[Any, int, Any], Any]

    def of_all(self, weights: Any, start: int, stop: int) -> Any:
        """Return the scores of a range of points: see `RowScores`."""
        numbers = range(start, min(stop, self.points))
        mean = _Mean()
        for rows in self.folds:
            own = np.ascontiguousarray(weights[:, rows].T)  # rows are put in another order for each point
            with np.errstate(all="ignore"):
                values = np.stack([self.score(own, point, rows) for point in numbers], axis=1)
            mean.add(values, own.sum(axis=0)[:, None] / len(rows))
        return mean.value

    def of(self, chosen: Any, weights: Any) -> Any:
        """Return the scores of the chosen: see `RowScores`."""
        values = np.empty(len(weights))
        for point in np.unique(chosen):
            where = chosen == point
            values[where] = self.of_all(weights[where], int(point), int(point) + 1)[:, 0]
        return values


class _Mean:
    """The mean over the folds, each with its share."""

    def __init__(self) -> None:
        self._sum: Any = 0.0
        self._shares: Any = 0.0

    def add(self, values: Any, share: Any) -> None:
        there = np.isfinite(values)
        if not there.all():
            values, share = np.where(there, values, 0.0), share * there
        self._sum = self._sum + values * share
        self._shares = self._shares + share

    @property
    def value(self) -> Any:
        with np.errstate(all="ignore"):
            return self._sum / self._shares


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
