"""Ensembles that another point began give the bits of a fit from the start; what could not is left alone."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

from runner.trial.comparison import compare_models
from runner.trial.growing import grow, growth_of

REGRESSORS = [
    RandomForestRegressor(max_features=0.5, random_state=1),
    ExtraTreesRegressor(bootstrap=True, max_samples=0.5, random_state=2),
    GradientBoostingRegressor(random_state=3),
    GradientBoostingRegressor(subsample=0.7, max_features=2, learning_rate=0.3, random_state=4),
    HistGradientBoostingRegressor(max_leaf_nodes=5, random_state=5),
    HistGradientBoostingRegressor(max_features=0.5, early_stopping=False, random_state=6),
]
CLASSIFIERS = [
    RandomForestClassifier(max_depth=3, random_state=1),
    ExtraTreesClassifier(criterion="entropy", random_state=2),
    GradientBoostingClassifier(subsample=0.5, random_state=3),
    HistGradientBoostingClassifier(max_leaf_nodes=5, random_state=4),
]


def sized(model: Any, count: int) -> Any:
    name = "max_iter" if "Hist" in type(model).__name__ else "n_estimators"
    return type(model)(**{**model.get_params(deep=False), name: count})


@pytest.mark.parametrize("model", [*REGRESSORS, *CLASSIFIERS], ids=lambda model: type(model).__name__)
def test_what_is_grown_or_cut_is_what_a_fit_from_the_start_gives(model: Any) -> None:
    made = make_regression if model in REGRESSORS else make_classification
    X, y = made(80, 6, n_informative=4, random_state=0)
    known, reused = None, 0
    for count in (3, 6, 6, 2, 9):
        unfitted = sized(model, count)
        begun = known if known is not None and known.leads_to(unfitted) else None
        grown = grow(unfitted, begun, X, y, time.perf_counter)
        alone = sized(model, count).fit(X, y)
        assert not compare_models(alone, grown.model).gaps
        assert np.array_equal(alone.predict(X), grown.model.predict(X))
        assert grown.model.get_params() == alone.get_params()
        reused += begun is not None
        known = grown if known is None or grown.size > known.size else known
    assert reused == (4 if "Boosting" not in type(model).__name__ else 3)


def test_what_does_not_grow_as_it_is_fitted_is_left_alone() -> None:
    left_alone = [
        RandomForestRegressor(),  # no seed
        RandomForestRegressor(oob_score=True, random_state=1),
        RandomForestClassifier(class_weight="balanced", random_state=1),
        RandomForestRegressor(warm_start=True, random_state=1),
        GradientBoostingRegressor(n_iter_no_change=3, random_state=1),
        HistGradientBoostingRegressor(early_stopping=True, random_state=1),
    ]
    assert [growth_of(model) for model in left_alone] == [None] * len(left_alone)


def test_boosting_that_stopped_early_because_of_many_rows_is_not_continued() -> None:
    X, y = make_regression(10_050, 2, random_state=0)
    model = HistGradientBoostingRegressor(max_iter=2, random_state=0)
    assert growth_of(model) is not None
    assert not grow(model, None, X, y, time.perf_counter).leads_to(sized(model, 4))


def test_models_of_one_kind_and_other_parameters_have_nothing_in_common() -> None:
    models = [RandomForestRegressor(5, max_depth=depth, random_state=seed) for depth in (2, 3) for seed in (0, 1)]
    assert len({growth_of(model) for model in models}) == 4
    assert growth_of(sized(models[0], 9)) == growth_of(models[0])
