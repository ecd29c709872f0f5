"""What scikit-learn refuses is refused here too, at every depth of an estimator; predictions are made once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin
from sklearn.ensemble import BaggingRegressor, RandomForestRegressor
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import fbeta_score, make_scorer
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline

from runner.data.dataset import Dataset, load
from runner.trial.evaluate import evaluate, fit_final, split

METRICS = {"rmse": "neg_root_mean_squared_error", "mae": "neg_mean_absolute_error", "r2": "r2"}
FOLDS = KFold(3, shuffle=True, random_state=0)


class Log(TransformerMixin, BaseEstimator):
    """Makes NaN of what is negative."""

    def fit(self, X: Any, y: Any = None) -> Any:
        return self

    def transform(self, X: Any) -> Any:
        with np.errstate(invalid="ignore"):
            return np.log(X)


class Draws(RegressorMixin, BaseEstimator):
    """Its predictions come from numpy's global generator."""

    def fit(self, X: Any, y: Any) -> Any:
        self.mean_ = float(np.mean(y))
        return self

    def predict(self, X: Any) -> Any:
        return self.mean_ + np.random.standard_normal(len(X))


class Overflows(RegressorMixin, BaseEstimator):
    """Predicts infinity."""

    def fit(self, X: Any, y: Any) -> Any:
        return self

    def predict(self, X: Any) -> Any:
        return np.full(len(X), np.inf)


def diabetes() -> Dataset:
    return load({"source": "diabetes"})


def ours(estimator: Any, scorers: Any = METRICS, data: Dataset | None = None) -> dict[str, list[float]]:
    data = data or diabetes()
    folds = list(evaluate(estimator, data, split(data, FOLDS, key="three folds"), scorers, seed=7))
    return {name: [fold.scores[name] for fold in folds] for name in scorers}


def theirs(estimator: Any, scorers: Any = METRICS, data: Dataset | None = None) -> dict[str, list[float]]:
    data = data or diabetes()
    np.random.seed(7)
    found = cross_validate(estimator, data.X, data.y, cv=FOLDS, scoring=scorers, error_score="raise")
    losses = {name for name, scorer in scorers.items() if str(scorer).startswith("neg_")}
    return {name: [float(-v if name in losses else v) for v in found[f"test_{name}"]] for name in scorers}


@pytest.mark.parametrize("model", [KNeighborsRegressor(), Ridge(), ElasticNet()], ids=lambda m: type(m).__name__)
def test_missing_values_that_a_preparation_makes_are_refused(model: Any) -> None:
    with pytest.raises(ValueError, match="contains NaN"):
        theirs(make_pipeline(Log(), model))
    with pytest.raises(ValueError, match="contains NaN"):
        ours(make_pipeline(Log(), model))
    with pytest.raises(ValueError, match="contains NaN"):
        fit_final(make_pipeline(Log(), model), diabetes(), split(diabetes(), FOLDS, key="three folds"))


@pytest.mark.filterwarnings("ignore")  # that candidates failed
def test_a_search_inside_does_not_choose_a_candidate_that_scikit_learn_refuses() -> None:
    forest = RandomForestRegressor(n_estimators=3, random_state=1)
    search = GridSearchCV(forest, {"max_features": [1.5, 0.3], "min_samples_split": [0.9999, 2]}, cv=3)

    assert ours(search) == theirs(search)


def test_a_refused_parameter_inside_an_ensemble_is_refused() -> None:
    with pytest.raises(ValueError, match="'alpha' parameter"):
        ours(BaggingRegressor(Ridge(alpha=-1.0), n_estimators=2))


@pytest.mark.parametrize("model", [Ridge(alpha=-1.0), Lasso(max_iter=0), LinearRegression(copy_X="yes")])
def test_a_refused_parameter_is_refused_where_the_check_is_made_once(model: Any) -> None:
    with pytest.raises(ValueError, match="parameter of"):
        ours(model)


def test_a_scorer_with_a_refused_argument_is_refused() -> None:
    iris = load({"source": "iris"})
    scorers = {"f": make_scorer(fbeta_score, beta=-1.0, average="macro")}

    with pytest.raises(ValueError, match="'beta' parameter"):
        ours(LogisticRegression(max_iter=500), scorers, iris)


def test_predictions_that_are_not_finite_are_refused_as_by_scikit_learn() -> None:
    with pytest.raises(ValueError, match="contains infinity"):
        theirs(Overflows())
    with pytest.raises(ValueError, match="contains infinity"):
        ours(Overflows())


@pytest.mark.parametrize("estimator", [Draws(), make_pipeline(Draws())], ids=["alone", "in a pipeline"])
def test_an_estimator_that_draws_while_it_predicts_has_the_same_scores_first_and_later(estimator: Any) -> None:
    expected = theirs(estimator)

    assert ours(estimator) == expected
    assert ours(estimator) == expected, "the second point of a process"


@pytest.mark.parametrize(
    "model",
    [
        LinearRegression(),
        Ridge(0.1),
        Lasso(0.1),
        ElasticNet(0.1),
        Ridge(0.1, solver="lsqr"),
        ElasticNet(precompute=True),
    ],
    ids=repr,
)
def test_scores_are_those_of_cross_validate_where_checks_are_left_out(model: Any) -> None:
    expected = theirs(model)

    assert ours(model) == expected
    assert ours(model) == expected, "with the quick scores trusted"


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_target_that_is_not_finite_is_refused(bad: float) -> None:
    data = diabetes()
    y = data.y.copy()
    y[3] = bad

    with pytest.raises(ValueError, match="Input y contains"):
        ours(Ridge(), data=replace(data, y=y, fingerprint="v2:other"))
