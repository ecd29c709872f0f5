"""Preparations that are more than one scikit-learn class: `prepare=tabular` and `prepare=polynomial`.

A preparation is an unfitted transformer; it is fitted together with the model, on the training rows of each
fold only. What a column is (number, text, date) is decided by its type, never by the rows of other folds.
"""

from functools import partial
from typing import Any

import numpy as np

from runner.errors import ConfigError
from runner.suggest import suggest

_IMPUTE = ("mean", "median", "most_frequent")
_MISSING = "missing"  # as a category of its own: that a value is missing often tells something
_PARTS = ("year", "month", "day", "weekday", "hour", "days")


def tabular(
    *, impute: str = "median", scale: bool = True, indicator: bool = False, max_categories: int | None = 100
) -> Any:
    """Build a transformer that makes numbers of mixed columns, each by its type.

    Numbers are imputed and scaled. Text, categories and yes/no become one column per value; a value that
    training did not see becomes zeros, or counts as rare if there are rare ones. Dates become year, month,
    day, weekday, hour and days since 1970. Takes pandas frames and numpy arrays.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

    if impute not in _IMPUTE:
        raise ConfigError(
            f"prepare.impute={impute}: there is no such way.{suggest(str(impute), _IMPUTE)}"
            f" There are: {', '.join(_IMPUTE)}."
        )
    _check_yes_no(scale=scale, indicator=indicator)
    numbers = partial(_number_steps, impute=impute, scale=scale, indicator=indicator)
    parts = FunctionTransformer(_date_parts, feature_names_out=_date_names)
    seconds = FunctionTransformer(_seconds, feature_names_out="one-to-one")
    floats = FunctionTransformer(_floats, feature_names_out="one-to-one")
    texts = FunctionTransformer(_texts, feature_names_out="one-to-one")
    encode = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=max_categories, sparse_output=False)
    blocks = [
        ("number", make_pipeline(floats, *numbers())),
        ("text", make_pipeline(texts, encode)),
        ("date", make_pipeline(parts, *numbers())),
        ("duration", make_pipeline(seconds, *numbers())),
    ]
    # dense whatever the fold: sparse output would depend on its rows, and not every model takes it
    return ColumnTransformer(
        [(kind, block, partial(columns_of, kind=kind)) for kind, block in blocks], sparse_threshold=0
    )


def polynomial(*, degree: int = 2, interaction_only: bool = False) -> Any:
    """Build a transformer that scales columns, adds their powers and products, and scales again."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    _check_yes_no(interaction_only=interaction_only)
    if degree == 0:
        raise ConfigError("prepare.degree=0: no column would be left. Give 1 or more, or prepare=standard.")
    powers = PolynomialFeatures(degree=degree, interaction_only=interaction_only, include_bias=False)
    return make_pipeline(StandardScaler(), powers, StandardScaler())


def _check_yes_no(**flags: object) -> None:
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise ConfigError(f"prepare.{name}={value}: it must be true or false.")


def columns_of(X: Any, *, kind: str) -> list[Any]:
    """List the columns of one kind, by name for a frame and by number for an array."""
    if hasattr(X, "iloc"):
        return [name for i, name in enumerate(X.columns) if _kind(X.iloc[:, i]) == kind]
    return [i for i in range(X.shape[1]) if _kind(X[:, i]) == kind]


def _kind(column: Any) -> str:
    name = str(column.dtype)
    if name.startswith("datetime"):
        return "date"
    if name.startswith("timedelta"):
        return "duration"
    if name == "object":
        values = [value for value in np.asarray(column).tolist() if value is not None]
        plain = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
        return "number" if values and plain else "text"
    return "number" if getattr(column.dtype, "kind", "O") in "iuf" and name != "category" else "text"


def _number_steps(*, impute: str, scale: bool, indicator: bool) -> list[Any]:
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import StandardScaler

    # a column that is empty in one fold stays, or folds would differ in shape
    imputer = SimpleImputer(strategy=impute, add_indicator=indicator, keep_empty_features=True)
    return [imputer, StandardScaler()] if scale else [imputer]


# -- on blocks of columns; module-level functions, so that a fitted model can be pickled


def _floats(X: Any) -> Any:
    return np.asarray(X, dtype=np.float64)


def _texts(X: Any) -> Any:
    values = np.array(X, dtype=object)
    for i in range(values.shape[1]):
        values[:, i] = [_MISSING if _absent(value) else str(value) for value in values[:, i]]
    return values


def _absent(value: Any) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value)) or str(value) in ("<NA>", "NaT")


def _date_parts(X: Any) -> Any:
    import pandas as pd

    frame = pd.DataFrame(X)
    parts = []
    for i in range(frame.shape[1]):
        dates = pd.DatetimeIndex(pd.to_datetime(frame.iloc[:, i], utc=True))
        days = (dates - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)
        parts += [dates.year, dates.month, dates.day, dates.day_of_week, dates.hour, days]
    return np.column_stack([np.asarray(part, dtype=np.float64) for part in parts])


def _date_names(_: Any, names: Any) -> list[str]:
    return [f"{name}_{part}" for name in names for part in _PARTS]


def _seconds(X: Any) -> Any:
    seconds = np.asarray(X, dtype="timedelta64[us]")
    return np.where(np.isnat(seconds), np.nan, seconds / np.timedelta64(1, "s"))
