"""Scores of regressors under weights of the rows: see `row_scores`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tracking.compare.row_scores import PointwiseScores, RowScores, SummedScores, median

_TINY = np.finfo(np.float64).eps  # as scikit-learn clips

if TYPE_CHECKING:
    from tracking.records.predictions import Predictions

Parts = Callable[[Any, Any], tuple[Any, ...]]  # of the errors (points x n) and the true values (1 x n)


def find(scorer: str, options: Mapping[str, str], predictions: Predictions) -> RowScores | None:
    """Return the scores of a scorer, None where it is not known."""
    if "residual" not in predictions.responses:
        return None
    residual, of_errors = predictions.responses["residual"], partial(_of_errors, predictions)
    if scorer == "sklearn.metrics.mean_pinball_loss" and options.keys() <= {"alpha"}:
        alpha = float(options.get("alpha", 0.5))
        return of_errors(lambda e, y: (np.maximum(alpha * e, (alpha - 1) * e),), _mean)
    if options:
        return None
    if scorer in _ERRORS:
        parts, combine = _ERRORS[scorer]
        return of_errors(parts, combine, more_is_better=not scorer.startswith("neg_"))
    if scorer in _BY_SIZE:
        by_size = _BY_SIZE[scorer]
        return PointwiseScores(
            len(residual),
            False,
            predictions.by_fold,
            lambda weights, point, rows: by_size(abs(residual[point][rows].astype(float)), weights),
        )
    return None


def _of_errors(predictions: Predictions, parts: Parts, combine: Any, *, more_is_better: bool = False) -> RowScores:
    residual, true = predictions.responses["residual"], np.asarray(predictions.true, dtype=float)[None, :]
    return SummedScores(
        len(residual),
        more_is_better,
        predictions.by_fold,
        lambda some: parts(residual[some].astype(float), true),
        combine,
    )


def _mean(total: Any, loss: Any) -> Any:
    return loss / total


def _root(total: Any, square: Any) -> Any:
    return np.sqrt(square / total)


def _r2(total: Any, square: Any, true: Any, true_square: Any) -> Any:
    return 1 - square / (true_square - true**2 / total)


def _explained(total: Any, square: Any, true: Any, true_square: Any, error: Any) -> Any:
    return 1 - (square - error**2 / total) / (true_square - true**2 / total)


def _square(error: Any, true: Any) -> tuple[Any, ...]:
    return (error**2,)


def _with_target(error: Any, true: Any) -> tuple[Any, ...]:
    centred = true - true.mean()  # or the difference of two large sums loses digits
    return error**2, centred, centred**2


def _with_error(error: Any, true: Any) -> tuple[Any, ...]:
    return *_with_target(error, true), error


def _log_square(error: Any, true: Any) -> tuple[Any, ...]:
    return ((np.log1p(true) - np.log1p(true - error)) ** 2,)


# scorer -> what is summed, and how it becomes the score
_ERRORS: dict[str, tuple[Parts, Callable[..., Any]]] = {
    "neg_root_mean_squared_error": (_square, _root),
    "neg_mean_squared_error": (_square, _mean),
    "neg_mean_absolute_error": (lambda error, true: (abs(error),), _mean),
    "neg_mean_absolute_percentage_error": (lambda error, true: (abs(error) / np.maximum(abs(true), _TINY),), _mean),
    "neg_mean_squared_log_error": (_log_square, _mean),
    "neg_root_mean_squared_log_error": (_log_square, _root),
    "r2": (_with_target, _r2),
    "explained_variance": (_with_error, _explained),
}
# scorer -> its loss by the sizes of the errors and their weights
_BY_SIZE: dict[str, Callable[[Any, Any], Any]] = {
    "neg_median_absolute_error": median,
    "neg_max_error": lambda sizes, weights: ((weights > 0) * sizes[:, None]).max(axis=0),
}
