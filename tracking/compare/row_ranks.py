"""Scores of an order of the rows under their weights, as the area under the ROC curve: see `row_scores`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tracking.compare.row_scores import PointwiseScores, RowScores, below

if TYPE_CHECKING:
    from tracking.records.predictions import Predictions


def find(scorer: str, options: Mapping[str, str], predictions: Predictions) -> RowScores | None:
    """Return the scores of a scorer, None where it is not known."""
    if options or scorer not in _RANKS or predictions.classes is None:
        return None
    curve, weighted, order = _RANKS[scorer]
    values: Any = next((predictions.responses[name] for name in order if name in predictions.responses), None)
    if values is None or (values.ndim == 3 and "decision_function" in order):  # scikit-learn has it of two classes only
        return None
    codes, numbers = predictions.codes, range(len(predictions.classes))

    def score(weights: Any, point: int, rows: Any) -> Any:
        given, true = values[point][rows], codes[rows]
        if given.ndim == 1:
            return curve(given, true == 1, weights)
        areas = np.stack([curve(given[:, k], true == k, weights) for k in numbers])
        shares = np.stack([weights[true == k].sum(axis=0) for k in numbers])
        return (areas * shares).sum(axis=0) / shares.sum(axis=0) if weighted else areas.mean(axis=0)

    return PointwiseScores(len(values), True, predictions.by_fold, score)


def _roc_auc(given: Any, true: Any, weights: Any) -> Any:
    """Return the weight of the pairs that are in order, ties half, in that of all pairs of unlike rows."""
    steps = given[true]
    lower, upper = (below(steps, given[~true], weights[~true], side=side) for side in ("left", "right"))
    pairs = weights[true].sum(axis=0) * weights[~true].sum(axis=0)
    return (weights[true] * (lower + upper)).sum(axis=0) / (2 * pairs)


def _average_precision(given: Any, true: Any, weights: Any) -> Any:
    """Return the mean over the positive rows of the precision where they are reached from above."""
    hits, misses = (below(-given[true], -given[own], weights[own], side="right") for own in (true, ~true))
    precision = np.where(hits > 0, hits / (hits + misses), 0.0)
    return (weights[true] * precision).sum(axis=0) / weights[true].sum(axis=0)


_DECISION = ("decision_function", "predict_proba")  # what scikit-learn asks for, in this order
_PROBABILITY = ("predict_proba",)

# scorer -> its score of one class against the rest, whether classes count by their weight, what it is of
_RANKS: dict[str, tuple[Callable[[Any, Any, Any], Any], bool, tuple[str, ...]]] = {
    "roc_auc": (_roc_auc, False, _DECISION),
    "average_precision": (_average_precision, False, _DECISION),
    "roc_auc_ovr": (_roc_auc, False, _PROBABILITY),
    "roc_auc_ovr_weighted": (_roc_auc, True, _PROBABILITY),
}
