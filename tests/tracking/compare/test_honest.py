"""The best of many runs: the bootstrap of the choice, the correction by folds, chance and simplicity."""

from typing import Any

import numpy as np
import pytest

from tracking.compare.honest import (
    bootstrap_choice,
    choose,
    correct_by_folds,
    draw_units,
    within_chance,
    within_one_error,
)
from tracking.compare.row_scorers import row_scores
from tracking.compare.simplest import find_simplest
from tracking.records.predictions import Predictions


def regression(points: int = 7, rows: int = 60, seed: int = 0) -> Predictions:
    generator = np.random.default_rng(seed)
    true = generator.normal(50, 10, rows)
    residual = generator.normal(size=(points, rows)) * generator.uniform(0.5, 1.5, (points, 1))
    return Predictions(
        run_ids=tuple(map(str, range(points))),
        rows=np.arange(rows),
        folds=np.arange(rows) % 5,
        true=true,
        groups=None,
        classes=None,
        responses={"residual": residual},
    )


def reference_bbc(residual: Any, folds: Any, draws: Any) -> tuple[float, float, float]:
    """BBC-CV as its paper's algorithm reads, draw by draw and point by point, for the root mean squared error."""

    def score(point: int, rows: Any) -> float:
        found, share = 0.0, 0.0
        for fold in range(5):
            some = rows[folds[rows] == fold]
            if len(some):
                own = len(some) / np.sum(folds == fold)
                found, share = found + own * np.sqrt(np.mean(residual[point][some] ** 2)), share + own
        return float(found / share)

    every = np.arange(residual.shape[1])
    drawn = [np.repeat(every, counts) for counts in draws]
    left = [np.setdiff1d(every, rows) for rows in drawn]
    chosen = [int(np.argmin([score(point, rows) for point in range(len(residual))])) for rows in drawn]
    own = np.array([score(point, rows) for point, rows in zip(chosen, left, strict=True)])
    before = np.array([score(chosen[number - 1], rows) for number, rows in enumerate(left)])
    offset = np.mean([score(point, every) for point in chosen]) - before.mean()
    low, high = np.percentile(own, [2.5, 97.5])
    return float(own.mean() + offset), float(low + offset), float(high + offset)


def test_the_bootstrap_is_that_of_an_independent_reference() -> None:
    predictions = regression(points=30)
    scores = row_scores("neg_root_mean_squared_error", {}, predictions)
    assert scores is not None
    residual = predictions.responses["residual"]
    shown = scores.of_all(np.ones((1, 60)), 0, 30)[0]

    honest = bootstrap_choice(scores, shown=shown, units=predictions.rows, draws=100, seed=5)

    expected = reference_bbc(residual, predictions.folds, draw_units(60, 100, 5))
    assert (honest.score, honest.low, honest.high) == pytest.approx(expected, rel=1e-12)


def test_under_equal_weights_a_score_is_the_mean_over_the_folds() -> None:
    predictions = regression()
    scores = row_scores("neg_root_mean_squared_error", {}, predictions)
    assert scores is not None
    square = predictions.responses["residual"] ** 2

    shown = scores.of_all(np.ones((1, 60)), 0, 7)[0]

    folds = np.stack([np.sqrt(square[:, predictions.folds == fold].mean(axis=1)) for fold in range(5)])
    assert shown == pytest.approx(folds.mean(axis=0), rel=1e-12)


def test_points_beyond_one_block_are_chosen_too() -> None:
    predictions = regression(points=2500)
    predictions.responses["residual"][2400] = 0.001
    scores = row_scores("neg_mean_absolute_error", {}, predictions)
    assert scores is not None

    assert set(choose(scores, draw_units(60, 20, 0).astype(float))) == {2400}


def test_rows_of_a_group_are_drawn_together() -> None:
    groups = np.repeat(np.arange(6), 10)
    scores = row_scores("neg_mean_squared_error", {}, regression())
    assert scores is not None
    generator = np.random.default_rng(0)

    by_group = bootstrap_choice(scores, shown=np.ones(7), units=groups, draws=50)
    by_row = bootstrap_choice(scores, shown=np.ones(7), units=generator.permutation(60), draws=50)

    assert by_group.score != by_row.score
    assert {len(set(row[groups[groups == g]])) for row in draw_units(6, 3, 0) for g in range(6)} == {1}


def test_the_correction_by_folds_is_the_formula_of_the_paper() -> None:
    folds = np.array([[1.0, 3.0, 2.0], [2.0, 2.0, 2.5], [0.5, 4.0, 4.0]])  # means 2, 2.17, 2.83

    honest = correct_by_folds(folds, best=0, more_is_better=False)

    assert honest.score == pytest.approx(2.0 + ((1 - 0.5) + (3 - 2) + (2 - 2)) / 3)
    assert honest.low is None


def test_the_corrected_test_gives_the_published_example_of_scikit_learn() -> None:
    # "Statistical comparison of models using grid search", scikit-learn's documentation: rbf against linear on moons
    from scipy.stats import t
    from sklearn.datasets import make_moons
    from sklearn.model_selection import GridSearchCV, RepeatedStratifiedKFold
    from sklearn.svm import SVC

    X, y = make_moons(noise=0.352, random_state=1, n_samples=100)
    grid = [{"kernel": ["linear"]}, {"kernel": ["poly"], "degree": [2, 3]}, {"kernel": ["rbf"]}]
    cv = RepeatedStratifiedKFold(n_splits=10, n_repeats=10, random_state=0)
    found = GridSearchCV(SVC(random_state=0), grid, scoring="roc_auc", cv=cv).fit(X, y).cv_results_
    folds = np.array([[found[f"split{k}_test_score"][point] for k in range(100)] for point in range(4)])
    best = int(folds.mean(axis=1).argmax())
    linear = 0

    p_value = within_chance(folds, best, test_train_ratio=10 / 90)[linear]

    one_sided = p_value / 2
    differences = folds[best] - folds[linear]
    expected = differences.mean() / np.sqrt(differences.var(ddof=1) * (1 / 100 + 1 / 9))
    assert expected == pytest.approx(0.750, abs=0.0005)  # as published
    assert one_sided == pytest.approx(0.227, abs=0.0005)  # as published
    assert one_sided == pytest.approx(float(t.sf(expected, 99)), rel=1e-6)


def test_within_one_error_is_of_the_best() -> None:
    folds = np.array([[1.0, 2.0, 3.0], [1.5, 2.5, 3.5], [2.0, 3.0, 4.0]])  # error of the best: 0.577

    assert within_one_error(folds, 0, more_is_better=False).tolist() == [True, True, False]
    assert within_one_error(-folds, 0, more_is_better=True).tolist() == [True, True, False]


def test_the_simplest_has_more_shrinkage_and_less_depth() -> None:
    points: list[dict[str, Any]] = [
        {"model.alpha": "0.1", "model.max_depth": "5"},
        {"model.alpha": "1.0", "model.max_depth": "5"},
        {"model.alpha": "1.0", "model.max_depth": "3"},
        {"model.alpha": "10", "model.max_depth": "None"},
    ]

    assert find_simplest(points, 0, [0, 1, 2]) == 2
    assert find_simplest(points, 0, [0]) == 0


def test_another_model_is_not_simpler_by_itself() -> None:
    points = [{"model": "ridge", "alpha": "0.1"}, {"model": "lasso", "alpha": "10"}, {"model": "ridge", "alpha": "0.2"}]

    assert find_simplest(points, 0, [0, 1, 2]) == 2


def test_keys_without_an_order_give_no_answer_and_one_can_be_given() -> None:
    points = [{"model.fancy": "1"}, {"model.fancy": "2"}]

    assert find_simplest(points, 0, [0, 1]) is None
    assert find_simplest(points, 0, [0, 1], {"model.fancy": "up"}) == 1


def test_draws_are_as_many_as_there_are_rows() -> None:
    drawn = draw_units(40, 25, seed=0)

    assert drawn.shape == (25, 40)
    assert set(drawn.sum(axis=1)) == {40}
    assert (drawn == 0).mean() == pytest.approx(0.368, abs=0.03)
