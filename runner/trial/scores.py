"""The usual regression scores, computed as scikit-learn computes them, without checking every array again.

For small data scikit-learn's scorers spend nine tenths of their time on checks that its own `predict` and
`runner.data.checks` have made already. The arithmetic here repeats that of `sklearn.metrics`, operation by
operation; it is trusted for a fold only after it gave the same bits as scikit-learn's function there, and not
for predictions that are not finite. Both are given the same predictions: to predict a second time could draw from
a random state twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score, root_mean_squared_error

Score = Callable[[Any, Any], float]


def _mean_squared_error(true: Any, predicted: Any) -> float:
    return float(((true - predicted) ** 2).mean(axis=0)[0])


def _root_mean_squared_error(true: Any, predicted: Any) -> float:
    return float(np.sqrt(((true - predicted) ** 2).mean(axis=0))[0])


def _mean_absolute_error(true: Any, predicted: Any) -> float:
    return float(np.abs(predicted - true).mean(axis=0)[0])


def _r2(true: Any, predicted: Any) -> float:
    unexplained = np.sum(1.0 * (true - predicted) ** 2, axis=0)
    total = np.sum(1.0 * (true - true.mean(axis=0)) ** 2, axis=0)
    if unexplained[0] == 0 or total[0] == 0:
        return float("nan")  # scikit-learn has rules of its own for these
    return float((1 - unexplained / total)[0])


# scorer -> the arithmetic here, scikit-learn's function, and the sign that the scorer gives it
SCORES: Mapping[str, tuple[Score, Score, float]] = {
    "neg_mean_squared_error": (_mean_squared_error, mean_squared_error, -1.0),
    "neg_root_mean_squared_error": (_root_mean_squared_error, root_mean_squared_error, -1.0),
    "neg_mean_absolute_error": (_mean_absolute_error, mean_absolute_error, -1.0),
    "r2": (_r2, r2_score, 1.0),
}


class QuickScorer:
    """Stands before scikit-learn's functions of the same metrics, and proves itself against them first."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._scores = {metric: SCORES[name] for metric, name in names.items()}
        self._trusted: dict[tuple[str, int], bool] = {}

    def __call__(self, predicted: Any, y: Any, *, fold: tuple[str, int]) -> Mapping[str, float]:
        """Return the scores of a fold; `fold` names the dataset's splits and the fold's number."""
        quick = self._quick(predicted, y) if self._trusted.get(fold, True) else None
        if quick is not None and fold in self._trusted:
            return quick
        real = {metric: sign * function(y, predicted) for metric, (_, function, sign) in self._scores.items()}
        if quick is not None:
            self._trusted[fold] = real == quick
        return real

    def _quick(self, predicted: Any, y: Any) -> dict[str, float] | None:
        arrays = (predicted, y)
        if not all(isinstance(a, np.ndarray) and a.ndim == 1 and a.dtype == np.float64 for a in arrays):
            return None
        if len(predicted) != len(y) or len(y) < 2:
            return None
        true, predicted = y.reshape(-1, 1), predicted.reshape(-1, 1)
        found = {metric: sign * score(true, predicted) for metric, (score, _, sign) in self._scores.items()}
        return found if np.isfinite(list(found.values())).all() else None


def can_be_quick(scorers: Mapping[str, Any]) -> bool:
    """Tell whether all the scorers are among those that are repeated here."""
    return all(isinstance(scorer, str) and scorer in SCORES for scorer in scorers.values())
