"""Preparations: mixed columns become numbers, fold by fold."""

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_validate
from sklearn.pipeline import make_pipeline

from runner.errors import ConfigError
from runner.prepare import columns_of, polynomial, tabular

N = 40


@pytest.fixture
def mixed() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "size": rng.normal(size=N),
            "rooms": rng.integers(1, 6, N),
            "town": rng.choice(["bern", "basel", "thun"], N),
            "kind": pd.Categorical(rng.choice(["flat", "house"], N)),
            "lift": rng.random(N) > 0.5,
            "sold": pd.date_range("2024-01-01", periods=N, freq="31h"),
            "built": pd.date_range("1990-01-01", periods=N, freq="91D", tz="Europe/Zurich"),
            "empty_time": pd.to_timedelta(rng.integers(0, 90, N), unit="D"),
            "maybe": [True, None] * (N // 2),
            "nothing": np.nan,
            "void": pd.Series([None] * N, dtype=object),
        }
    )
    frame.loc[1, "size"] = np.nan
    frame.loc[2, ["town", "kind"]] = None
    frame.loc[3, ["sold", "empty_time"]] = pd.NaT
    frame.loc[4, "town"] = "only here"
    return frame


def target() -> Any:
    return np.random.default_rng(1).normal(size=N)


@pytest.mark.parametrize("model", [Ridge(), HistGradientBoostingRegressor(max_iter=5)])
def test_mixed_columns_cross_validate_without_a_warning(mixed: pd.DataFrame, model: Any) -> None:
    pipeline = make_pipeline(tabular(), model)

    scores = cross_validate(pipeline, mixed, target(), cv=KFold(5, shuffle=True, random_state=0), error_score="raise")

    assert np.isfinite(scores["test_score"]).all()


def test_what_comes_out_is_dense_finite_and_named(mixed: pd.DataFrame) -> None:
    fitted = tabular().fit(mixed)
    names = list(fitted.get_feature_names_out())

    result = fitted.transform(mixed)

    assert result.dtype == np.float64
    assert result.shape == (N, len(names))
    assert np.isfinite(result).all()
    assert {"number__size", "text__town_bern", "text__lift_True", "date__sold_weekday"} <= set(names)
    assert {"text__kind_missing", "duration__empty_time"} <= set(names)


def test_the_kind_of_a_column_is_told_by_its_type(mixed: pd.DataFrame) -> None:
    assert columns_of(mixed, kind="number") == ["size", "rooms", "nothing"]
    assert columns_of(mixed, kind="text") == ["town", "kind", "lift", "maybe", "void"]
    assert columns_of(mixed, kind="date") == ["sold", "built"]
    assert columns_of(mixed, kind="duration") == ["empty_time"]


def test_numbers_are_imputed_and_scaled_by_the_training_rows_only() -> None:
    train, test = pd.DataFrame({"a": [1.0, 3.0, np.nan, 8.0]}), pd.DataFrame({"a": [np.nan, 1000.0]})

    assert tabular(scale=False).fit(train).transform(test).ravel().tolist() == [3.0, 1000.0]
    assert tabular(scale=False, impute="mean").fit(train).transform(test).ravel().tolist() == [4.0, 1000.0]
    assert tabular().fit_transform(train).mean() == pytest.approx(0)


def test_an_indicator_column_says_where_a_number_was_missing() -> None:
    frame = pd.DataFrame({"a": [1.0, np.nan, 3.0], "b": [1.0, 2.0, 3.0]})

    assert tabular(scale=False, indicator=True).fit_transform(frame).tolist() == [
        [1, 1, 0],
        [2, 2, 1],
        [3, 3, 0],
    ]


def test_a_value_that_training_did_not_see_becomes_zeros() -> None:
    fitted = tabular().fit(pd.DataFrame({"t": ["a", "b", "a"]}))

    assert fitted.transform(pd.DataFrame({"t": ["b", "new", None]})).tolist() == [[0, 1], [0, 0], [0, 0]]


def test_rare_values_share_a_column() -> None:
    fitted = tabular(max_categories=2).fit(pd.DataFrame({"t": ["a", "a", "a", "b", "c", "d"]}))

    assert fitted.transform(pd.DataFrame({"t": ["a", "d", "new"]})).tolist() == [[1, 0], [0, 1], [0, 1]]


def test_dates_become_their_parts() -> None:
    frame = pd.DataFrame({"d": pd.to_datetime(["1970-01-02 06:00", "2024-05-31 12:00"])})

    result = tabular(scale=False).fit_transform(frame)

    assert result.tolist() == [[1970, 1, 2, 4, 6, 1.25], [2024, 5, 31, 4, 12, 19874.5]]


def test_arrays_are_looked_at_column_by_column() -> None:
    numbers = np.arange(6.0).reshape(3, 2)
    objects = np.array([[1.5, "a"], [None, "b"], [2.5, None]], dtype=object)

    assert tabular(scale=False).fit_transform(numbers).tolist() == numbers.tolist()
    assert tabular(scale=False).fit_transform(objects).tolist() == [
        [1.5, 1, 0, 0],
        [2, 0, 1, 0],
        [2.5, 0, 0, 1],
    ]


def test_a_preparation_is_cloned_and_pickled(mixed: pd.DataFrame) -> None:
    fitted = clone(tabular(indicator=True)).fit(mixed)

    again = pickle.loads(pickle.dumps(fitted))

    assert np.array_equal(again.transform(mixed), fitted.transform(mixed))


def test_an_unknown_imputation_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"prepare.impute=mode: there is no such way. There are: mean, median"):
        tabular(impute="mode")


def test_polynomial_adds_powers_and_products_and_scales_them() -> None:
    X = np.random.default_rng(0).normal(5, 3, size=(50, 3))

    result = polynomial().fit_transform(X)

    assert result.shape == (50, 9)
    assert polynomial(interaction_only=True).fit_transform(X).shape == (50, 6)
    assert polynomial(degree=3).fit_transform(X).shape == (50, 19)
    assert np.allclose(result.std(axis=0), 1)
