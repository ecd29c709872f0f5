"""Scores and models compared to the last bit: what is the same, where they differ, and by how much."""

from __future__ import annotations

import io
import math
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor, StackingRegressor
from sklearn.linear_model import Lasso, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from runner.trial.comparison import Comparison, Gap, compare_models, compare_predictions, compare_scores

X, y = load_diabetes(return_X_y=True)
X, y = X[:120], y[:120]

MODELS: list[Any] = [  # each with a parameter to change
    (Ridge(), {"alpha": 1.0 + 1e-9}),
    (RandomForestRegressor(3, random_state=0), {"random_state": 1}),
    (GradientBoostingRegressor(n_estimators=3, subsample=0.5, random_state=0), {"random_state": 1}),
    (SVR(), {"C": 2.0}),
    (KNeighborsRegressor(), {"n_neighbors": 3}),
    (MLPRegressor(hidden_layer_sizes=(4,), max_iter=300, tol=1e9, random_state=0), {"random_state": 1}),
    (make_pipeline(StandardScaler(), GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]})), None),
    (StackingRegressor([("a", Ridge()), ("b", Lasso())]), {"b__alpha": 0.5}),
]


def stored(model: Any) -> Any:
    """Return the model as it is when it was recorded and loaded."""
    buffer = io.BytesIO()
    joblib.dump(model, buffer)
    buffer.seek(0)
    return joblib.load(buffer)


# Models --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("model", "change"), MODELS)
def test_a_model_that_is_fitted_again_is_the_same(model: Any, change: Any) -> None:
    found = compare_models(stored(clone(model).fit(X, y)), clone(model).fit(X, y))

    assert found.gaps == ()
    assert found.identical == found.total > 5


@pytest.mark.parametrize(("model", "change"), [pair for pair in MODELS if pair[1]])
def test_another_parameter_is_found_together_with_what_was_learned(model: Any, change: Any) -> None:
    other = clone(model).set_params(**change).fit(X, y)

    found = compare_models(clone(model).fit(X, y), other)

    places = [gap.where for gap in found.gaps]
    assert any(place.endswith(f".{next(iter(change)).rpartition('__')[2]}") for place in places)
    assert len(found.gaps) > 1 or isinstance(other, KNeighborsRegressor)


def test_a_coefficient_that_is_one_bit_off_is_found_with_its_distance() -> None:
    model = Ridge().fit(X, y)
    other = stored(model)
    other.coef_[3] = np.nextafter(other.coef_[3], np.inf)

    (gap,) = compare_models(model, other).gaps

    assert gap.where == "model.coef_"
    assert gap.absolute is not None
    assert 0 < gap.absolute < 1e-12
    assert gap.within(1e-12)
    assert not gap.within(0)


def test_how_long_fitting_took_is_no_part_of_a_model() -> None:
    search = GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}).fit(X, y)
    other = stored(search)
    other.refit_time_ = 1e9
    other.cv_results_["mean_fit_time"] = other.cv_results_["mean_fit_time"] + 1

    assert compare_models(search, other).gaps == ()


def test_another_class_is_a_gap() -> None:
    found = compare_models(Ridge().fit(X, y), Lasso().fit(X, y))

    assert found.gaps[0].where == "class of model"


def test_a_model_that_contains_itself_is_walked_once() -> None:
    model = Ridge().fit(X, y)
    model.me_ = model

    assert compare_models(model, stored(model)).gaps == ()


@pytest.mark.parametrize(
    ("then", "now", "same"),
    [
        (np.array([math.nan, 1.0]), np.array([math.nan, 1.0]), True),
        (np.array([0.0]), np.array([-0.0]), False),
        (np.array([1]), np.array([1.0]), False),
        (np.array([1.0]), np.array([[1.0]]), False),
        (np.array(["a"], dtype=object), np.array(["a"], dtype=object), True),
        (1, 1.0, False),
        (True, 1, False),
        (None, None, True),
        ({"a": [1, 2]}, {"a": [1, 2]}, True),
        ({"a": [1, 2]}, {"a": [1, 2, 3]}, False),
    ],
)
def test_values_are_the_same_when_every_bit_is(then: object, now: object, same: bool) -> None:
    models = [Ridge().fit(X, y) for _ in range(2)]
    models[0].it_, models[1].it_ = then, now

    assert (compare_models(*models).gaps == ()) is same


# Scores and predictions ------------------------------------------------------------------------------
def test_scores_are_compared_fold_by_fold() -> None:
    then = {"rmse": {0: 1.0, 1: 2.0}, "r2": {0: math.nan, 1: 0.5}}
    now = {"rmse": {0: 1.0, 1: 2.5}, "r2": {0: math.nan, 1: 0.5}}

    found = compare_scores(then, now)

    assert (found.identical, found.total) == (3, 4)
    assert found.worst == Gap("rmse, fold 1", 2.0, 2.5, 0.5, 0.2)


def test_a_score_that_one_side_lacks_is_the_worst_gap_whatever_the_tolerance() -> None:
    found = compare_scores({"rmse": {0: 1.0, 1: 2.0}}, {"rmse": {0: 5.0}})

    assert found.worst == Gap("rmse, fold 1", 2.0, None)
    assert not found.agrees(1e9)


def test_a_number_against_nan_is_infinitely_far() -> None:
    found = compare_scores({"rmse": {0: 1.0}}, {"rmse": {0: math.nan}})

    assert found.worst is not None
    assert found.worst.absolute == math.inf
    assert not found.agrees(1e9)


@pytest.mark.parametrize(("tolerance", "agrees"), [(0.0, False), (1e-10, True)])
def test_the_tolerance_is_absolute_or_relative(tolerance: float, agrees: bool) -> None:
    found = compare_scores({"m": {0: 1e9, 1: 1e-12}}, {"m": {0: 1e9 + 1e-3, 1: 2e-12}})

    assert found.agrees(tolerance) is agrees


def test_predictions_are_counted_by_row() -> None:
    then = {"predict": np.array([1.0, 2.0, 3.0]), "predict_proba": np.eye(3)}
    now = {"predict": np.array([1.0, 2.0, 4.0]), "predict_proba": np.eye(3)}

    found = compare_predictions(then, now, rows=3)

    assert found == Comparison(3, found.gaps)
    assert [gap.where for gap in found.gaps] == ["predict, row 2"]
