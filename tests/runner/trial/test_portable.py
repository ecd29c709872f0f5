"""A recorded model has nothing of this package in it, and predicts as the one that was fitted."""

from __future__ import annotations

import pickle
import pickletools
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from runner.prepare import polynomial, tabular
from runner.trial.portable import portable


def table(rows: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    sold = pd.Timestamp("2020-02-27T22:30") + pd.to_timedelta(rng.integers(0, 10**6, rows), unit="min")
    frame = pd.DataFrame(
        {
            "weight": rng.normal(1000, 100, rows),
            "doors": rng.integers(2, 6, rows),
            "maker": rng.choice(["us", "eu", "NaT", "<NA>", "nan", "None"], rows),
            "size": pd.Categorical(rng.choice(["s", "m", "l"], rows)),
            "new": rng.choice([True, False], rows),
            "mixed": pd.Series(rng.choice([True, False], rows), dtype=object),
            "sold": sold,
            "checked": (sold + pd.Timedelta(days=400)).tz_localize("UTC"),
            "took": pd.to_timedelta(rng.integers(0, 10**9, rows), unit="us"),
        }
    )
    frame.loc[3, ["weight", "maker", "size", "mixed", "sold", "checked", "took"]] = None
    return frame


def modules_of(model: object) -> Iterator[str]:
    """Yield the modules that a pickle imports."""
    strings: list[str] = []
    for opcode, argument, _ in pickletools.genops(pickle.dumps(model)):
        if opcode.name == "GLOBAL":
            yield str(argument).partition(" ")[0]
        if isinstance(argument, str):
            strings.append(argument)
    yield from strings  # names of modules are among the strings


def of_this_package(model: object) -> set[str]:
    return {name for name in modules_of(model) if name.split(".")[0] in ("runner", "tracking")}


@pytest.mark.parametrize("columns", [None, ["weight"], ["maker", "sold"], ["took", "new"], ["checked", "sold"]])
@pytest.mark.parametrize("options", [{}, {"scale": False, "indicator": True, "max_categories": 4}])
def test_a_table_is_transformed_to_the_same_bits_by_pieces_of_scikit_learn(
    columns: list[str] | None, options: dict[str, object]
) -> None:
    X = table() if columns is None else table()[columns]
    fitted = tabular(**options).fit(X)
    expected = fitted.transform(X)

    plain = pickle.loads(pickle.dumps(portable(fitted)))

    assert np.array_equal(plain.transform(X), expected, equal_nan=True)
    assert of_this_package(plain) == set()
    assert len(plain.get_feature_names_out()) == expected.shape[1]


def test_arrays_too() -> None:
    X = np.array([["a", 1.5], [None, 2.5], ["b", None], ["a", 4.0]], dtype=object)
    fitted = tabular().fit(X)
    expected = fitted.transform(X)

    assert np.array_equal(portable(fitted).transform(X), expected)


def test_new_rows_with_values_that_training_did_not_see() -> None:
    X = table()
    fitted = tabular().fit(X)
    new = X.assign(maker="moon", sold=pd.NaT, weight=None)
    expected = fitted.transform(new)

    assert np.array_equal(portable(fitted).transform(new), expected)


def test_it_can_be_fitted_again() -> None:
    X = table()
    model = make_pipeline(tabular(), Ridge()).fit(X, X["doors"])
    expected = model.predict(X)

    again = portable(model).fit(X, X["doors"])

    assert np.array_equal(again.predict(X), expected)


def test_other_preparations_hold_nothing_of_this_package_either() -> None:
    model = make_pipeline(polynomial(), Ridge()).fit(np.arange(12.0).reshape(6, 2), np.arange(6.0))

    assert of_this_package(portable(model)) == set()
