"""Which scorers can be computed under weights of the rows: see `row_scores`. Pure numpy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tracking.compare import row_errors, row_labels, row_ranks
from tracking.compare.row_scores import RowScores

if TYPE_CHECKING:
    from tracking.records.predictions import Predictions


def row_scores(scorer: str, options: Mapping[str, str], predictions: Predictions) -> RowScores | None:
    """Return the scores that scikit-learn gives; None where they cannot be computed by rows.

    `scorer` is a scorer's name, or the dotted name of a metric in `sklearn.metrics` with its `options` as they were
    recorded. None is returned of those that are not known here, and where what they need was not kept.
    """
    if predictions.true.ndim != 1:
        return None
    if predictions.classes is None:
        return row_errors.find(scorer, options, predictions)
    return row_labels.find(scorer, options, predictions) or row_ranks.find(scorer, options, predictions)
