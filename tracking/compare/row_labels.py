"""Scores of predicted classes and their probabilities under weights of the rows: see `row_scores`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tracking.compare.row_scores import RowScores, SummedScores

_TINY = np.finfo(np.float64).eps  # as scikit-learn clips

if TYPE_CHECKING:
    from tracking.records.predictions import Predictions

_AVERAGES = ("binary", "micro", "macro", "weighted")


def find(scorer: str, options: Mapping[str, str], predictions: Predictions) -> RowScores | None:
    """Return the scores of a scorer, None where it is not known."""
    if scorer in _PROBABILITIES and not options:
        return _of_probabilities(predictions, *_PROBABILITIES[scorer])
    combine = _LABELS.get(scorer) if not options else None
    return _of_labels(predictions, combine or _averaged(scorer, options, predictions.classes))


# Labels -----------------------------------------------------------------------------------------------
def _of_labels(predictions: Predictions, combine: Callable[..., Any] | None) -> RowScores | None:
    if combine is None:
        return None
    classes: Any = predictions.classes
    codes = predictions.codes[None, :]
    predicted: Any = predictions.responses.get("predict")
    if predicted is None:
        predicted = np.searchsorted(classes, predictions.predicted)
    numbers = range(len(classes))

    def parts(some: Any) -> list[Any]:
        """Sum, class by class: rows of it, predictions of it, right predictions of it."""
        given = predicted[some]
        true = [(codes == k).astype(float) for k in numbers]
        return [*true, *((given == k).astype(float) for k in numbers), *(t * (given == k) for k, t in enumerate(true))]

    return SummedScores(
        len(predicted), True, predictions.by_fold, parts, lambda total, *sums: combine(total, *_by_class(sums))
    )


def _by_class(sums: Sequence[Any]) -> tuple[Any, Any, Any]:
    """Return rows, predictions and right predictions: classes x draws x points."""
    third = len(sums) // 3
    shape = np.broadcast_shapes(*(part.shape for part in sums))
    stacked = np.stack([np.broadcast_to(part, shape) for part in sums])
    return stacked[:third], stacked[third : 2 * third], stacked[2 * third :]


def _accuracy(total: Any, true: Any, given: Any, right: Any) -> Any:
    return right.sum(axis=0) / total


def _balanced(total: Any, true: Any, given: Any, right: Any) -> Any:
    there = true > 0
    return np.where(there, right / true, 0).sum(axis=0) / there.sum(axis=0)


def _matthews(total: Any, true: Any, given: Any, right: Any) -> Any:
    agreed = right.sum(axis=0) * total - (true * given).sum(axis=0)
    spread = (total**2 - (given**2).sum(axis=0)) * (total**2 - (true**2).sum(axis=0))
    return np.where(spread > 0, agreed / np.sqrt(spread), 0.0)


# of rows, predictions and right predictions; `beta` weighs recall
_RATES: dict[str, Callable[..., tuple[Any, Any]]] = {
    "precision": lambda true, given, right, beta: (right, given),
    "recall": lambda true, given, right, beta: (right, true),
    "jaccard": lambda true, given, right, beta: (right, true + given - right),
    "fbeta": lambda true, given, right, beta: ((1 + beta**2) * right, beta**2 * true + given),
}


def _rate(total: Any, *sums: Any, rate: str, average: str, positive: int, beta: float) -> Any:
    """Return a rate of one class, or its average over the classes, as scikit-learn's `average` says."""
    if average == "binary":
        return _ratio(*_RATES[rate](*(part[positive] for part in sums), beta))
    if average == "micro":
        return _ratio(*_RATES[rate](*(part.sum(axis=0) for part in sums), beta))
    true, given, _ = sums
    values = _ratio(*_RATES[rate](*sums, beta))
    weight = true if average == "weighted" else (true + given) > 0  # a class that is nowhere has no part in the mean
    return (values * weight).sum(axis=0) / weight.sum(axis=0)


def _ratio(part: Any, whole: Any) -> Any:
    return np.where(whole > 0, part / whole, 0.0)


def _averaged(scorer: str, options: Mapping[str, str], classes: Any) -> Callable[..., Any] | None:
    """Return how `f1`, `recall_macro`, ... or a metric as `sklearn.metrics.fbeta_score` with options is computed."""
    short = scorer.removeprefix("sklearn.metrics.").removesuffix("_score")
    name, _, average = (short, "", options.get("average", "binary")) if short != scorer else scorer.partition("_")
    average = average or "binary"
    rate = "fbeta" if name == "f1" else name
    labels = [str(label) for label in classes]
    positive = options.get("pos_label", labels[-1])
    known = options.keys() <= {"average", "pos_label", "beta"} and positive in labels
    if rate not in _RATES or average not in _AVERAGES or not known or (average == "binary" and len(labels) != 2):
        return None
    beta = float(options.get("beta", 1.0))
    return partial(_rate, rate=rate, average=average, positive=labels.index(positive), beta=beta)


_LABELS: dict[str, Callable[..., Any]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced,
    "matthews_corrcoef": _matthews,
}


# Probabilities ------------------------------------------------------------------------------------------
def _of_probabilities(
    predictions: Predictions, loss: Callable[[Any, Any], Any], combine: Callable[..., Any], more_is_better: bool
) -> RowScores | None:
    values: Any = predictions.responses.get("predict_proba")
    if values is None:
        return None
    codes = predictions.codes
    shares = [(codes == k).astype(float)[None, :] for k in range(len(predictions.classes))]  # type: ignore[arg-type]

    def parts(some: Any) -> list[Any]:
        chosen = values[some].astype(float)
        if chosen.ndim == 2:  # of two classes the second's is kept
            chosen = np.stack([1 - chosen, chosen], axis=2)
        true = np.take_along_axis(chosen, codes[None, :, None], axis=2)[:, :, 0]
        return [loss(true, chosen), *shares]

    return SummedScores(len(values), more_is_better, predictions.by_fold, parts, combine)


def _log_loss(true: Any, every: Any) -> Any:
    return -np.log(np.clip(true, _TINY, 1 - _TINY))


def _brier(true: Any, every: Any) -> Any:
    """Return the squared differences to 1 for the true class and 0 for the others; of two classes half of it."""
    squares = (every**2).sum(axis=2) - 2 * true + 1
    return squares / 2 if every.shape[2] == 2 else squares


def _mean(total: Any, loss: Any, *shares: Any) -> Any:
    return loss / total


def _d2_log_loss(total: Any, loss: Any, *shares: Any) -> Any:
    """Return what is gained over predicting for all rows how frequent the classes are among them."""
    null = sum(-np.where(part > 0, part * np.log(part / total), 0.0) for part in shares)
    return 1 - loss / null


# scorer -> its loss of a row by the probability of the true class and those of all, how it becomes the score,
# whether more is better
_PROBABILITIES: dict[str, tuple[Callable[[Any, Any], Any], Callable[..., Any], bool]] = {
    "neg_log_loss": (_log_loss, _mean, False),
    "neg_brier_score": (_brier, _mean, False),
    "d2_log_loss_score": (_log_loss, _d2_log_loss, True),
}
