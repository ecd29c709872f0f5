"""Scores of out-of-fold predictions under weights of the rows, of all points and for many draws at once. Pure numpy.

Most scores are functions of weighted sums over the rows (of squared errors, of right answers, ...), so that the scores
of P points under B sets of weights are one product of matrices. Each is scikit-learn's score of the same name with
`sample_weight`, without its sign: losses are positive.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tracking.records.predictions import Predictions

_TINY = np.finfo(np.float64).eps  # as scikit-learn clips probabilities


@dataclass(frozen=True, slots=True, eq=False)
class RowScores:
    """The rows of P points (n predictions each), and how weighted sums over them become a score.

    `parts` gives, for a range of points, the arrays (n x points, or n x 1 where it is the same for all) that are
    summed; `combine` makes the score of the sums, whose first is that of the weights themselves.
    """

    points: int
    more_is_better: bool
    parts: Callable[[slice], Sequence[Any]]
    combine: Callable[..., Any]

    def of_all(self, weights: Any, start: int, stop: int) -> Any:
        """Return the scores of the points from `start` to `stop` under each row of weights: draws x points."""
        total = weights.sum(axis=1, keepdims=True)
        sums = [weights @ part for part in self.parts(slice(start, stop))]
        with np.errstate(all="ignore"):
            return np.broadcast_to(self.combine(total, *sums), (len(weights), min(stop, self.points) - start))

    def of(self, chosen: Any, weights: Any) -> Any:
        """Return for each row of weights the score of the point that was chosen for it: one number a draw."""
        values = np.empty(len(weights))
        for point in np.unique(chosen):
            where = chosen == point
            values[where] = self.of_all(weights[where], int(point), int(point) + 1)[:, 0]
        return values


def row_scores(scorer: str, predictions: Predictions) -> RowScores | None:
    """Return the scores that a scikit-learn scorer (by its name) gives; None where it cannot be computed by rows.

    That is: the scorer is not among those known here, or what it needs was not kept.
    """
    if scorer in _ERRORS:
        return _of_errors(predictions, *_ERRORS[scorer]) if _is_plain_regression(predictions) else None
    if predictions.classes is None:
        return None
    if scorer in _PROBABILITIES:
        return _of_probabilities(predictions, _PROBABILITIES[scorer])
    if scorer in _LABELS:
        return _of_labels(predictions, _LABELS[scorer])
    return None


# Regression -----------------------------------------------------------------------------------------
def _is_plain_regression(predictions: Predictions) -> bool:
    return predictions.classes is None and predictions.true.ndim == 1 and "residual" in predictions.responses


def _mean(total: Any, loss: Any) -> Any:
    return loss / total


def _root(total: Any, square: Any) -> Any:
    return np.sqrt(square / total)


def _r2(total: Any, square: Any, true: Any, true_square: Any) -> Any:
    return 1 - square / (true_square - true**2 / total)


def _square(error: Any, true: Any) -> tuple[Any, ...]:
    return (error**2,)


def _with_target(error: Any, true: Any) -> tuple[Any, ...]:
    centred = true - true.mean()  # or the difference of two large sums loses digits
    return error**2, centred, centred**2


# scorer -> what is summed, how it becomes the score, whether more is better
_ERRORS: dict[str, tuple[Callable[[Any, Any], tuple[Any, ...]], Callable[..., Any], bool]] = {
    "neg_root_mean_squared_error": (_square, _root, False),
    "neg_mean_squared_error": (_square, _mean, False),
    "neg_mean_absolute_error": (lambda error, true: (abs(error),), _mean, False),
    "neg_mean_absolute_percentage_error": (
        lambda error, true: (abs(error) / np.maximum(abs(true), _TINY),),
        _mean,
        False,
    ),
    "r2": (_with_target, _r2, True),
}


def _of_errors(predictions: Predictions, parts: Any, combine: Any, more_is_better: bool) -> RowScores:
    residuals = predictions.responses["residual"]
    true = np.asarray(predictions.true, dtype=float)[:, None]

    def some(points: slice) -> tuple[Any, ...]:
        found: tuple[Any, ...] = parts(residuals[points].T.astype(float), true)
        return found

    return RowScores(len(residuals), more_is_better, some, combine)


# Classification -------------------------------------------------------------------------------------
def _of_probabilities(predictions: Predictions, loss: Callable[[Any], Any]) -> RowScores | None:
    values = predictions.responses.get("predict_proba")
    if values is None:
        return None
    codes = predictions.codes

    def some(points: slice) -> tuple[Any, ...]:
        chosen = values[points].astype(float)
        if chosen.ndim == 2:  # of two classes the second's is kept
            return (loss(np.where(codes == 1, chosen, 1 - chosen)).T,)
        return (loss(np.take_along_axis(chosen, codes[None, :, None], axis=2)[:, :, 0]).T,)

    return RowScores(len(values), False, some, _mean)


# of the probability that the true class was given
_PROBABILITIES: dict[str, Callable[[Any], Any]] = {
    "neg_log_loss": lambda p: -np.log(np.clip(p, _TINY, 1 - _TINY)),
}


def _of_labels(predictions: Predictions, combine: Callable[..., Any]) -> RowScores:
    classes: Any = predictions.classes
    codes: Any = predictions.codes
    predicted: Any = np.searchsorted(classes, predictions.predicted)
    numbers = range(len(classes))

    def some(points: slice) -> list[Any]:
        """Sum, class by class: rows of it, predictions of it, right predictions of it."""
        given = predicted[points].T
        true = [(codes == k)[:, None].astype(float) for k in numbers]
        return [*true, *((given == k).astype(float) for k in numbers), *(t * (given == k) for k, t in enumerate(true))]

    return RowScores(len(predicted), True, some, combine)


def _by_class(sums: Sequence[Any]) -> tuple[Any, Any, Any]:
    """Return rows, predictions and right predictions: classes x draws x points."""
    third = len(sums) // 3
    shape = np.broadcast_shapes(*(part.shape for part in sums))
    stacked = np.stack([np.broadcast_to(part, shape) for part in sums])
    return stacked[:third], stacked[third : 2 * third], stacked[2 * third :]


def _accuracy(total: Any, *sums: Any) -> Any:
    return _by_class(sums)[2].sum(axis=0) / total


def _balanced(total: Any, *sums: Any) -> Any:
    true, _, right = _by_class(sums)
    return np.nanmean(np.where(true > 0, right / true, np.nan), axis=0)


def _f1(true: Any, given: Any, right: Any) -> Any:
    return np.where(true + given > 0, 2 * right / (true + given), 0.0)


def _f1_macro(total: Any, *sums: Any) -> Any:
    true, given, right = _by_class(sums)
    there = (true + given) > 0  # a class that is neither in the rows nor predicted has no part in the mean
    return (_f1(true, given, right) * there).sum(axis=0) / there.sum(axis=0)


def _f1_second(total: Any, *sums: Any) -> Any:
    true, given, right = _by_class(sums)
    return _f1(true[1], given[1], right[1])


_LABELS: dict[str, Callable[..., Any]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced,
    "f1_macro": _f1_macro,
    "f1": _f1_second,
}
