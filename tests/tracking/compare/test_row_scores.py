"""Scores under weights of the rows are those of scikit-learn on the drawn rows themselves."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from sklearn import metrics

from tracking.compare.honest import draw_units
from tracking.compare.row_scorers import row_scores
from tracking.records.predictions import Predictions

ROWS, POINTS, FOLDS = 80, 4, 4
DRAWS = draw_units(ROWS, 3, seed=3)


def regression() -> Predictions:
    generator = np.random.default_rng(0)
    true = generator.uniform(20, 80, ROWS)
    residual = generator.normal(size=(POINTS, ROWS)) * generator.uniform(0.5, 1.5, (POINTS, 1))
    return made(true, None, {"residual": residual})


def classification(classes: int, *, labels: Any = None) -> Predictions:
    generator = np.random.default_rng(1)
    labels = np.array(["a", "b", "c"][:classes]) if labels is None else labels
    chances = generator.dirichlet(np.ones(classes), size=(POINTS, ROWS)).round(1)  # round: with ties
    chances[:, :, 0] = 1 - chances[:, :, 1:].sum(axis=2)
    responses = {
        "predict": chances.argmax(axis=2),
        "predict_proba": chances[:, :, 1] if classes == 2 else chances,
    }
    return made(labels[generator.integers(classes, size=ROWS)], labels, responses)


def made(true: Any, classes: Any, responses: dict[str, Any]) -> Predictions:
    return Predictions(
        run_ids=tuple(map(str, range(POINTS))),
        rows=np.arange(ROWS),
        folds=np.arange(ROWS) % FOLDS,
        true=true,
        groups=None,
        classes=classes,
        responses=responses,
    )


def probabilities(kept: Predictions, point: int) -> Any:
    found = kept.responses["predict_proba"][point]
    return found if found.ndim == 2 else np.column_stack([1 - found, found])


def mean_over_folds(kept: Predictions, rows: Any, score: Callable[[Any], float]) -> float:
    """A fold counts as much as of it was drawn."""
    folds = [rows[kept.folds[rows] == fold] for fold in range(FOLDS)]
    return float(np.average([score(some) for some in folds], weights=[len(some) for some in folds]))


def agree(scorer: str, kept: Predictions, expected: Callable[[int, Any], float], **options: str) -> None:
    """`expected` gives scikit-learn's score of a point on some rows, where one drawn twice is there twice."""
    scores = row_scores(scorer, options, kept)
    assert scores is not None

    values = scores.of_all(DRAWS.astype(float), 0, POINTS)

    rows = [np.repeat(np.arange(ROWS), counts) for counts in DRAWS]
    wanted = [[mean_over_folds(kept, drawn, partial(expected, point)) for point in range(POINTS)] for drawn in rows]
    assert values == pytest.approx(np.array(wanted), rel=1e-9)
    chosen = np.array([1, 3, 1])
    assert scores.of(chosen, DRAWS.astype(float)) == pytest.approx(values[np.arange(3), chosen], rel=1e-12)


# scorer -> scikit-learn's function of (true, predicted)
ERRORS: dict[str, Any] = {
    "neg_root_mean_squared_error": metrics.root_mean_squared_error,
    "neg_mean_squared_error": metrics.mean_squared_error,
    "neg_mean_absolute_error": metrics.mean_absolute_error,
    "neg_mean_absolute_percentage_error": metrics.mean_absolute_percentage_error,
    "neg_mean_squared_log_error": metrics.mean_squared_log_error,
    "neg_root_mean_squared_log_error": metrics.root_mean_squared_log_error,
    "neg_median_absolute_error": metrics.median_absolute_error,
    "neg_max_error": metrics.max_error,
    "r2": metrics.r2_score,
    "explained_variance": metrics.explained_variance_score,
}


@pytest.mark.parametrize("scorer", ERRORS)
def test_a_score_of_numbers_is_that_of_scikit_learn(scorer: str) -> None:
    kept = regression()

    agree(scorer, kept, lambda point, rows: ERRORS[scorer](kept.true[rows], kept.predicted[point][rows]))


def test_the_loss_of_a_quantile_takes_its_parameter() -> None:
    kept = regression()

    agree(
        "sklearn.metrics.mean_pinball_loss",
        kept,
        lambda point, rows: metrics.mean_pinball_loss(kept.true[rows], kept.predicted[point][rows], alpha=0.9),
        alpha="0.9",
    )


LABELS: dict[str, Any] = {
    "accuracy": metrics.accuracy_score,
    "balanced_accuracy": metrics.balanced_accuracy_score,
    "matthews_corrcoef": metrics.matthews_corrcoef,
    "f1_macro": lambda true, given: metrics.f1_score(true, given, average="macro"),
    "f1_micro": lambda true, given: metrics.f1_score(true, given, average="micro"),
    "precision_weighted": lambda true, given: metrics.precision_score(true, given, average="weighted", zero_division=0),
    "recall_macro": lambda true, given: metrics.recall_score(true, given, average="macro"),
    "jaccard_macro": lambda true, given: metrics.jaccard_score(true, given, average="macro"),
}


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("scorer", LABELS)
def test_a_score_of_labels_is_that_of_scikit_learn(scorer: str, classes: int) -> None:
    kept = classification(classes)

    agree(scorer, kept, lambda point, rows: LABELS[scorer](kept.true[rows], kept.predicted[point][rows]))


@pytest.mark.parametrize(("name", "metric"), [("f1", metrics.f1_score), ("recall", metrics.recall_score)])
def test_a_score_of_two_classes_is_of_the_second(name: str, metric: Any) -> None:
    kept = classification(2, labels=np.array([0, 1]))

    agree(name, kept, lambda point, rows: metric(kept.true[rows], kept.predicted[point][rows]))


def test_a_score_of_one_class_is_of_that_class() -> None:
    kept = classification(2)

    agree(
        "sklearn.metrics.recall_score",
        kept,
        lambda point, rows: metrics.recall_score(kept.true[rows], kept.predicted[point][rows], pos_label="a"),
        pos_label="a",
    )
    agree(
        "sklearn.metrics.fbeta_score",
        kept,
        lambda point, rows: metrics.fbeta_score(kept.true[rows], kept.predicted[point][rows], beta=2, pos_label="a"),
        pos_label="a",
        beta="2",
    )


PROBABILITIES: dict[str, Any] = {
    "neg_log_loss": metrics.log_loss,
    "neg_brier_score": metrics.brier_score_loss,
    "d2_log_loss_score": metrics.d2_log_loss_score,
}


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("scorer", PROBABILITIES)
def test_a_score_of_probabilities_is_that_of_scikit_learn(scorer: str, classes: int) -> None:
    kept = classification(classes)
    binary = classes == 2 and scorer == "neg_brier_score"  # it takes the second's alone, and its label

    def expected(point: int, rows: Any) -> float:
        chances = probabilities(kept, point)[rows]
        options = {"pos_label": "b"} if binary else {"labels": kept.classes}
        return float(PROBABILITIES[scorer](kept.true[rows], chances[:, 1] if binary else chances, **options))

    agree(scorer, kept, expected)


@pytest.mark.parametrize("scorer", ["roc_auc", "average_precision", "roc_auc_ovr"])
def test_a_score_of_the_order_is_that_of_scikit_learn(scorer: str) -> None:
    kept = classification(2)
    metric = metrics.average_precision_score if scorer == "average_precision" else metrics.roc_auc_score

    agree(scorer, kept, lambda point, rows: metric(kept.true[rows] == "b", probabilities(kept, point)[rows, 1]))


@pytest.mark.parametrize(("scorer", "average"), [("roc_auc_ovr", "macro"), ("roc_auc_ovr_weighted", "weighted")])
def test_the_area_of_three_classes_is_one_class_against_the_rest(scorer: str, average: str) -> None:
    kept = classification(3)

    def expected(point: int, rows: Any) -> float:
        chances = probabilities(kept, point)[rows]
        return float(metrics.roc_auc_score(kept.true[rows], chances, multi_class="ovr", average=average))

    agree(scorer, kept, expected)


def test_a_fold_without_a_class_has_no_part_in_the_area() -> None:
    kept = classification(2)
    scores = row_scores("roc_auc", {}, kept)
    assert scores is not None
    weights = np.where((kept.folds == 0) & (kept.true == "b"), 0.0, 1.0)[None, :]

    value = scores.of_all(weights, 0, 1)[0, 0]

    folds = [np.flatnonzero(kept.folds == fold) for fold in (1, 2, 3)]
    given = kept.responses["predict_proba"][0]
    assert value == pytest.approx(np.mean([metrics.roc_auc_score(kept.true[f] == "b", given[f]) for f in folds]))


def test_what_cannot_be_scored_by_rows_is_none() -> None:
    assert row_scores("my_module.my_score", {}, classification(2)) is None
    assert row_scores("neg_log_loss", {}, regression()) is None
    assert row_scores("r2", {}, classification(2)) is None
    assert row_scores("f1", {}, classification(3)) is None
    assert row_scores("roc_auc", {}, classification(3)) is None
    assert row_scores("sklearn.metrics.recall_score", {"pos_label": "elsewhere"}, classification(2)) is None
    assert row_scores("sklearn.metrics.recall_score", {"zero_division": "1"}, classification(2)) is None
