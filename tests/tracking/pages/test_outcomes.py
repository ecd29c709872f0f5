"""Figures of out-of-fold predictions: their numbers are scikit-learn's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, confusion_matrix, roc_auc_score

from tracking.pages.charts import with_data
from tracking.pages.figures import Drawn
from tracking.pages.outcomes import MOST_DOTS, add_outcomes, confusion_counts, recall_curve, roc_curve
from tracking.records.predictions import Predictions

RANDOM = np.random.default_rng(0)
LABELS = np.array(["<b>", "cat", "dog"])


def classified(classes: int, **responses: Any) -> Predictions:
    return made(RANDOM.choice(LABELS[:classes], 200), LABELS[:classes], responses)


def made(true: Any, classes: Any, responses: dict[str, Any]) -> Predictions:
    rows = np.arange(len(true))
    return Predictions(
        run_ids=("a",), rows=rows, folds=rows % 5, true=true, groups=None, classes=classes, responses=responses
    )


def test_the_confusion_counts_are_those_of_scikit_learn() -> None:
    predictions = classified(3, predict=RANDOM.integers(0, 3, (1, 200)))
    expected = confusion_matrix(predictions.true, predictions.predicted[0], labels=LABELS)
    assert (confusion_counts(predictions) == expected).all()


@pytest.mark.parametrize("digits", [1, 8], ids=["ties", "no ties"])
def test_the_areas_are_those_of_scikit_learn(digits: int) -> None:
    positive, values = RANDOM.random(500) < 0.3, RANDOM.random(500).round(digits)
    assert roc_curve(positive, values)[2] == pytest.approx(roc_auc_score(positive, values))
    assert recall_curve(positive, values)[2] == pytest.approx(average_precision_score(positive, values))


@pytest.mark.parametrize(
    ("predictions", "figures"),
    [
        (classified(2, predict_proba=RANDOM.random((1, 200))), {"confusion", "roc", "recall"}),
        (classified(3, decision_function=RANDOM.random((1, 200, 3))), {"confusion", "roc", "recall"}),
        (classified(3, predict=RANDOM.integers(0, 3, (1, 200))), {"confusion"}),
        (made(RANDOM.random(200), None, {"residual": RANDOM.random((1, 200))}), {"predicted", "residual"}),
        (made(RANDOM.random((200, 2)), None, {"residual": RANDOM.random((1, 200, 2))}), set()),
        (made(np.full(3, np.nan), None, {"residual": np.full((1, 3), np.nan)}), set()),
        (None, set()),
    ],
    ids=["two classes", "three classes", "labels only", "regression", "two targets", "no numbers", "none kept"],
)
def test_there_are_the_figures_that_the_predictions_allow(predictions: Predictions | None, figures: set[str]) -> None:
    drawn = Drawn()
    add_outcomes(drawn, predictions)
    assert set(drawn.figures) == figures
    converter = pytest.importorskip("vl_convert", reason="the extra [plot] is not installed")
    for (choice,) in drawn.figures.values():
        name = choice.spec["data"]["name"]
        columns = drawn.datasets[name]
        rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        assert converter.vegalite_to_svg(with_data(choice.spec, {name: rows})).startswith("<svg")


def test_of_very_many_rows_some_are_shown_and_the_caption_says_so() -> None:
    drawn = Drawn()
    add_outcomes(drawn, made(RANDOM.random(9 * MOST_DOTS), None, {"residual": RANDOM.random((1, 9 * MOST_DOTS))}))
    assert len(drawn.datasets["residuals"]["true"]) == MOST_DOTS
    assert drawn.figures["residual"][0].caption.startswith("One row in 9 is shown, out of fold")


def test_true_is_predicted_plus_the_residual() -> None:
    drawn = Drawn()
    add_outcomes(drawn, made(np.array([1.0, 2.0]), None, {"residual": np.array([[0.25, -1.0]])}))
    assert drawn.datasets["residuals"]["predicted"] == [0.75, 3.0]
    assert drawn.datasets["residuals"]["residual"] == [0.25, -1.0]
