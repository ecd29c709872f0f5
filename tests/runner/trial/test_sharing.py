"""What points share gives the bits that each gives alone; what might not is not shared, what does not is noticed."""

from __future__ import annotations

import random
import warnings
from copy import deepcopy
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Ridge
from sklearn.model_selection import KFold, ShuffleSplit, cross_validate
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import PolynomialFeatures, QuantileTransformer, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from runner.data.dataset import Dataset, load
from runner.prepare import tabular
from runner.trial.comparison import compare_models
from runner.trial.evaluate import evaluate, fit_final, split
from runner.trial.sharing import Sharing, parts_to_share

REGRESSION = {"rmse": "neg_root_mean_squared_error", "r2": "r2"}
CLASSES = {"accuracy": "accuracy", "auc": "roc_auc_ovr", "loss": "neg_log_loss"}
FOLDS = KFold(3, shuffle=True, random_state=0)
PLENTY = 2**30


class Grows(TransformerMixin, BaseEstimator):
    """Adds how many were fitted before: what no sharing can repeat, and nothing declares."""

    fits = 0

    def __init__(self, by: float = 0.01) -> None:
        self.by = by

    def fit(self, X: Any, y: Any = None) -> Any:
        type(self).fits += 1
        self.power_ = 1 + self.by * type(self).fits
        return self

    def transform(self, X: Any) -> Any:
        return np.abs(X) ** self.power_


class Jitters(TransformerMixin, BaseEstimator):
    """Draws from numpy's global generator."""

    fits = 0

    def fit(self, X: Any, y: Any = None) -> Any:
        type(self).fits += 1
        self.shift_ = np.random.standard_normal(X.shape[1])
        return self

    def transform(self, X: Any) -> Any:
        return X + self.shift_


class Counts(StandardScaler):
    """Scales, and counts how often it was fitted."""

    fits = 0

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        type(self).fits += 1
        return super().fit(X, y, sample_weight)


class Declared(Counts):
    """Says that it keeps state."""

    fits = 0

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True
        return tags


class Warns(Counts):
    """Warns whenever it is fitted."""

    fits = 0

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        warnings.warn("few rows", UserWarning, stacklevel=2)
        return super().fit(X, y, sample_weight)


def mixed(rows: int = 80) -> Dataset:
    numbers = np.random.default_rng(0)
    X = pd.DataFrame(numbers.standard_normal((rows, 4)), columns=list("abcd"))
    X.loc[::7, "b"] = np.nan
    X["town"] = numbers.choice(["Ulm", "Bonn", "Jena"], rows)
    X["since"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(numbers.integers(0, 900, rows), unit="D")
    y = X["a"].to_numpy() * 2 + (X["town"] == "Ulm").to_numpy() + numbers.standard_normal(rows) / 10
    return dataset("mixed", X, y)


def dataset(name: str, X: Any, y: Any) -> Dataset:
    return Dataset(name, X, y, None, tuple(map(str, range(X.shape[1]))), {}, "y", "regression", f"v2:{name}")


def points(data: Dataset, estimators: list[Any], sharing: Sharing | None, scorers: Any = REGRESSION) -> list[Any]:
    splits = split(data, FOLDS, key="three folds")
    found = []
    for estimator in estimators:
        folds = list(evaluate(estimator, data, splits, scorers, seed=7, keep_predictions=True, sharing=sharing))
        found.append((folds, fit_final(estimator, data, splits, sharing=sharing)))
    return found


def assert_same(found: list[Any], expected: list[Any]) -> None:
    for (folds, model), (folds_alone, model_alone) in zip(found, expected, strict=True):
        for fold, alone in zip(folds, folds_alone, strict=True):
            assert fold.scores == alone.scores
            assert fold.predicted.keys() == alone.predicted.keys()
            for method, predicted in alone.predicted.items():
                assert fold.predicted[method].tobytes() == predicted.tobytes()
        assert not compare_models(model_alone, model).gaps


STEPS = {
    "tabular": tabular(),
    "nested": make_pipeline(tabular(), PCA(3, random_state=0)),
    "in place": make_pipeline(tabular(), StandardScaler(copy=False), PCA(3, copy=False, random_state=0)),
    "idle": Pipeline([("first", tabular()), ("idle", "passthrough"), ("last", SelectKBest(f_regression, k=2))]),
    "seeded": make_pipeline(tabular(), QuantileTransformer(n_quantiles=10, random_state=3)),
}
MODELS = {
    "ridge": [Ridge(alpha) for alpha in (0.1, 1, 1, 10)],
    "in place": [Lasso(alpha, copy_X=False) for alpha in (0.01, 0.1, 1)],
    "sparse": [
        ElasticNet(a, l1_ratio=r, positive=p) for a, r, p in ((0.1, 0.2, False), (1, 0.2, True), (0.1, 0.9, False))
    ],
    "trees": [DecisionTreeRegressor(random_state=seed) for seed in (1, 2, 3)],
    "no seed": [RandomForestRegressor(3), RandomForestRegressor(3), RandomForestRegressor(4)],
    "pipelines": [make_pipeline(PCA(2), KNeighborsRegressor(k)) for k in (1, 2, 3)],
}


@pytest.mark.heavy
@pytest.mark.parametrize("models", MODELS)
@pytest.mark.parametrize("steps", STEPS)
def test_shared_preparations_give_the_bits_of_each_point_alone(steps: str, models: str) -> None:
    sharing, grid = Sharing(PLENTY), [Pipeline([("prepare", STEPS[steps]), ("model", m)]) for m in MODELS[models]]
    found = points(mixed(), grid, sharing)
    assert_same(found, points(mixed(), grid, None))
    assert found[-1][0][0].shared
    assert not sharing.notes


@pytest.mark.parametrize(
    "grid",
    [
        [ElasticNet(alpha, l1_ratio=ratio, max_iter=9999) for alpha in (0.01, 0.1, 1) for ratio in (0.1, 0.5, 1)],
        [ElasticNet(alpha, selection="random", random_state=seed) for alpha in (0.1, 1) for seed in (1, 2)],
        [Lasso(alpha, positive=positive, tol=1e-2) for alpha in (0.1, 1) for positive in (True, False)],
        [Ridge(alpha, random_state=3, copy_X=copy_X) for alpha in (0.0, 1e-3, 1, 10) for copy_X in (True, False)],
    ],
    ids=["elasticnet", "random", "lasso", "ridge"],
)
def test_linear_models_on_rows_centred_once_have_the_bits_of_their_own_fit(grid: list[Any]) -> None:
    data, sharing = load({"source": "diabetes"}), Sharing(PLENTY)
    found = points(data, grid, sharing)
    assert_same(found, points(data, grid, None))
    assert found[-1][0][0].shared == f"rows centred for {type(grid[0]).__name__}"
    assert not sharing.notes


def test_linear_models_that_fit_otherwise_are_left_to_themselves() -> None:
    models = [
        ElasticNet(fit_intercept=False),
        ElasticNet(precompute=True),
        ElasticNet(warm_start=True),
        Lasso(alpha=0.0),
        Ridge(fit_intercept=False),
        Ridge(solver="svd"),
        Ridge(positive=True),
    ]
    assert [Sharing(PLENTY).row(model) for model in models] == [None] * len(models)


def test_ridge_is_left_to_itself_where_its_equations_are_singular_or_fewer_than_its_columns() -> None:
    few, many = np.random.default_rng(0).standard_normal((2, 60, 40))
    for X in (np.hstack([many, many]), np.column_stack([few[:, :3], few[:, 0], np.zeros(60)])):
        data, grid = dataset(f"wide {X.shape}", X, X[:, 0] + few[:, 5]), [Ridge(a) for a in (0.0, 0.5, 1)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sharing = Sharing(PLENTY)
            assert_same(points(data, grid, sharing), points(data, grid, None))
        assert not sharing.notes


@pytest.mark.heavy
def test_they_give_the_scores_of_cross_validate() -> None:
    data = load({"source": "breast_cancer"})
    grid = [make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=500)) for C in (0.1, 1, 2)]
    for estimator, (folds, _) in zip(grid, points(data, grid, Sharing(PLENTY), CLASSES), strict=True):
        real = cross_validate(estimator, data.X, data.y, cv=FOLDS, scoring=CLASSES)
        assert [fold.scores["auc"] for fold in folds] == list(real["test_auc"])
        assert [fold.scores["loss"] for fold in folds] == list(-real["test_loss"])


def test_a_preparation_is_fitted_once_per_fold_beside_the_comparison() -> None:
    Counts.fits = 0
    points(load({"source": "diabetes"}), [make_pipeline(Counts(), Ridge(a)) for a in range(1, 11)], Sharing(PLENTY))
    assert Counts.fits == 4 + 4  # three folds and the final fit; the second point is computed alone too


@pytest.mark.heavy
def test_a_step_behind_what_differs_is_not_shared_and_what_is_in_front_is() -> None:
    Counts.fits = 0
    grid = [make_pipeline(Counts(), PolynomialFeatures(degree), Ridge()) for degree in (1, 2, 3, 1)]
    found = points(load({"source": "diabetes"}), grid, Sharing(PLENTY))
    assert found[2][0][0].shared == "Counts"
    assert found[3][0][0].shared == ""  # the first of its kind to be reused is computed alone, and that counts
    assert Counts.fits == 4 + 4 + 4


def test_a_wrong_sharing_is_noticed_and_what_is_computed_alone_counts() -> None:
    Grows.fits = 0
    data, sharing = load({"source": "diabetes"}), Sharing(PLENTY)
    found = points(data, [make_pipeline(Grows(), Ridge(a)) for a in (1, 2, 3, 4)], sharing)
    assert not any(fold.shared for folds, _ in found for fold in folds)
    assert len(sharing.notes) == 1
    said = "sharing of Grows, rows centred for Ridge is off: in fold 0 it does not give what it gives alone (rmse "
    assert sharing.notes[0].startswith(said)
    assert len({fold.scores["rmse"] for folds, _ in found for fold in folds}) == 12  # each fit was another


def test_a_step_that_draws_from_the_global_generator_is_not_shared() -> None:
    data, grid = load({"source": "diabetes"}), [make_pipeline(Jitters(), Ridge(a)) for a in (1, 2, 3)]
    found = points(data, grid, Sharing(PLENTY))
    assert_same(found, points(data, grid, None))
    assert not any(fold.shared for folds, _ in found for fold in folds)


def test_a_step_that_is_declared_stateful_is_not_shared() -> None:
    Declared.fits = 0
    points(load({"source": "diabetes"}), [make_pipeline(Declared(), Ridge(a)) for a in (1, 2, 3)], Sharing(PLENTY))
    assert Declared.fits == 3 * 4


def test_each_point_has_the_warnings_of_what_it_shares() -> None:
    data, sharing = load({"source": "diabetes"}), Sharing(PLENTY)
    for alpha in (1, 2, 3):
        with pytest.warns(UserWarning, match="few rows") as seen:
            points(data, [make_pipeline(Warns(), Ridge(alpha))], sharing)
        assert len(seen) >= 4


@pytest.mark.heavy
def test_more_than_the_limit_is_never_kept() -> None:
    data = load({"source": "diabetes"})
    grid = [make_pipeline(StandardScaler(), PolynomialFeatures(d), Ridge(a)) for a in (1, 2) for d in (1, 2, 3)]
    sharing = Sharing(300_000)
    assert_same(points(data, grid, sharing), points(data, grid, None))
    assert 0 < sharing._size <= 300_000
    assert sharing._size == sum(stage.size for stage in sharing._kept.values())


@pytest.mark.parametrize(
    ("grid", "preparations", "groups"),
    [
        ([make_pipeline(StandardScaler(), Ridge(a)) for a in (1, 2)], 1, 1),
        ([make_pipeline(StandardScaler(), model(a)) for a in (1, 2) for model in (Ridge, Lasso, ElasticNet)], 1, 2),
        ([RandomForestRegressor(n, max_depth=d, random_state=0) for n in (5, 9) for d in (2, 3, 4)], 0, 3),
        ([make_pipeline(StandardScaler(), PCA(n, random_state=0), Ridge()) for n in (1, 2)], 2, 2),
        ([KNeighborsRegressor(n) for n in (1, 2)], 0, 0),
    ],
)
def test_preparations_and_groups_of_a_plan_are_counted(grid: list[Any], preparations: int, groups: int) -> None:
    counted = [parts_to_share(estimator) for estimator in grid]
    assert [len({key for key in keys if key is not None}) for keys in zip(*counted, strict=True)] == [
        preparations,
        groups,
    ]


# -- drawn at random ---------------------------------------------------------------------------------

DRAWN_STEPS = [
    StandardScaler(),
    StandardScaler(copy=False),
    PCA(3, random_state=0),
    PolynomialFeatures(2),
    SelectKBest(f_regression, k=3),
    QuantileTransformer(n_quantiles=10, random_state=3),
    "passthrough",
]
DRAWN_MODELS = {
    "ridge": lambda draw: Ridge(draw.choice([0.0, 0.1, 1.0, 10.0]), copy_X=draw.random() < 0.5),
    "lasso": lambda draw: Lasso(draw.choice([0.1, 0.5, 1.0]), positive=draw.random() < 0.3, max_iter=5000),
    "elasticnet": lambda draw: ElasticNet(draw.choice([0.1, 1.0]), l1_ratio=draw.choice([0.1, 0.5, 0.9])),
    "neighbours": lambda draw: KNeighborsRegressor(draw.choice([1, 3, 5])),
    "tree": lambda draw: DecisionTreeRegressor(max_depth=draw.choice([2, 4]), random_state=draw.choice([0, 1])),
    "forest": lambda draw: RandomForestRegressor(draw.choice([2, 4, 6]), max_depth=draw.choice([2, 3]), random_state=0),
    "boosting": lambda draw: GradientBoostingRegressor(n_estimators=draw.choice([2, 4, 6]), random_state=0),
}


@pytest.mark.heavy
@pytest.mark.parametrize("seed", range(8))
def test_drawn_sweeps_give_what_each_point_gives_alone_and_in_cross_validate(seed: int) -> None:
    draw = random.Random(seed)
    rows, columns = draw.randrange(40, 90), draw.randrange(4, 8)
    numbers = np.random.default_rng(seed)
    X = np.array(numbers.standard_normal((rows, columns)), order=draw.choice("CF"))
    data = dataset(f"drawn {seed}", X, X[:, 0] - X[:, 1] + numbers.standard_normal(rows) / 5)
    splitter = draw.choice([KFold(3), KFold(4, shuffle=True, random_state=seed), ShuffleSplit(3, random_state=seed)])
    preparations = [draw.sample(DRAWN_STEPS, draw.randrange(3)) for _ in range(2)]
    kinds = draw.sample(sorted(DRAWN_MODELS), 3)
    grid = [
        make_pipeline(*deepcopy(draw.choice(preparations)), DRAWN_MODELS[draw.choice(kinds)](draw)) for _ in range(8)
    ]
    sharing = Sharing(draw.choice([50_000, PLENTY]))
    splits = split(data, splitter, key=f"drawn {seed}")
    for estimator in grid:
        folds = list(evaluate(estimator, data, splits, REGRESSION, seed=1, keep_predictions=True, sharing=sharing))
        alone = list(evaluate(estimator, data, splits, REGRESSION, seed=1, keep_predictions=True))
        models = [fit_final(estimator, data, splits, sharing=each) for each in (sharing, None)]
        assert_same([(folds, models[0])], [(alone, models[1])])
        real = cross_validate(estimator, X, data.y, cv=splitter, scoring=REGRESSION)
        assert [fold.scores["rmse"] for fold in folds] == list(-real["test_rmse"])
        assert [fold.scores["r2"] for fold in folds] == list(real["test_r2"])
    assert not sharing.notes
