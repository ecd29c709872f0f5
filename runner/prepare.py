"""Preparations that are more than one scikit-learn class: `prepare=tabular`, `polynomial`, `select`.

A preparation is an unfitted transformer; it is fitted together with the model, on the training rows of each
fold only. What a column is (number, text, date) is decided by its type, never by the rows of other folds.
"""

from collections.abc import Mapping
from functools import partial
from operator import methodcaller
from typing import Any

import numpy as np

from runner.errors import ConfigError
from runner.suggest import suggest

_IMPUTE = ("mean", "median", "most_frequent")
MISSING = "missing"  # as a category of its own: that a value is missing often tells something
_ENCODERS = ("onehot", "target", "ordinal")
_TREATMENTS = (*_ENCODERS, "text", "number", "date", "drop")
_PARTS = ("year", "month", "day", "weekday", "hour", "days")


def tabular(
    *,
    impute: str = "median",
    scale: bool = True,
    indicator: bool = False,
    max_categories: int | None = 100,
    high_cardinality: str = "onehot",
    cardinality: int = 20,
    columns: Mapping[str, str] | None = None,
    max_words: int = 1000,
) -> Any:
    """Build a transformer that makes numbers of mixed columns, each by its type.

    Numbers are imputed and scaled. Text, categories and yes/no become one column per value; a value that
    training did not see becomes zeros, or counts as rare if there are rare ones. Dates become year, month,
    day, weekday, hour and days since 1970. Takes pandas frames and numpy arrays.

    Text columns with more than `cardinality` values in the training rows are encoded by `high_cardinality`: onehot,
    target (the mean target of a value, cross-fitted) or ordinal. `columns` says it for single columns of a frame:
    `{city: target, note: text, code: drop}`; text is TF-IDF of the `max_words` most frequent words, number and date
    are what such a column is otherwise.
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
    own = dict(columns or {})
    _check_word("high_cardinality", high_cardinality, _ENCODERS)
    for name, treatment in own.items():
        _check_word(f"columns.{name}", treatment, _TREATMENTS)
    numbers = partial(_number_steps, impute=impute, scale=scale, indicator=indicator)
    parts = FunctionTransformer(_date_parts, feature_names_out=_date_names)
    seconds = FunctionTransformer(_seconds, feature_names_out="one-to-one")
    floats = FunctionTransformer(_floats, feature_names_out="one-to-one")
    texts = FunctionTransformer(_texts, feature_names_out="one-to-one")
    encode = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=max_categories, sparse_output=False)
    blocks = {
        "number": make_pipeline(floats, *numbers()),
        "text": make_pipeline(texts, encode),
        "date": make_pipeline(parts, *numbers()),
        "duration": make_pipeline(seconds, *numbers()),
    }
    encoders = {"onehot": blocks["text"], **{name: make_pipeline(texts, _encoder(name)) for name in _ENCODERS[1:]}}
    options: dict[str, Any] = {"but": tuple(own)} if own else {}
    if high_cardinality != "onehot":
        options["cardinality"] = cardinality
    parts_of_all: list[tuple[str, Any, Any]] = [
        (kind, block, partial(columns_of, kind=kind, **options)) for kind, block in blocks.items()
    ]
    if high_cardinality != "onehot":
        many = partial(columns_of, kind="many", **options)
        parts_of_all.append(("many", encoders[high_cardinality], many))
    for treatment in dict.fromkeys(own.values()):
        names = [name for name, said in own.items() if said == treatment]
        if treatment == "text":
            parts_of_all += [
                (f"words{i}", _words(max_words), partial(_one_column, name=name)) for i, name in enumerate(names)
            ]
        else:
            block = "drop" if treatment == "drop" else encoders.get(treatment) or blocks[treatment]
            parts_of_all.append((f"own_{treatment}", block, partial(_own_columns, names=tuple(names))))
    # dense whatever the fold: sparse output would depend on its rows, and not every model takes it
    return ColumnTransformer(parts_of_all, sparse_threshold=0)


def _encoder(name: str) -> Any:
    from sklearn.model_selection import KFold
    from sklearn.preprocessing import OrdinalEncoder, TargetEncoder

    if name == "ordinal":
        return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    encoder = TargetEncoder()
    if encoder.random_state is not None:  # from 1.9 on it has no seed of its own, and shuffles by a global generator
        encoder.set_params(cv=KFold(5, shuffle=True, random_state=0))
    return encoder


def _words(most: int) -> Any:
    """Build TF-IDF of one column; missing text has no words. Of library pieces only: a fitted one loads anywhere."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    as_text = FunctionTransformer(methodcaller("astype", object))
    return make_pipeline(as_text, FunctionTransformer(methodcaller("fillna", "")), TfidfVectorizer(max_features=most))


def _own_columns(X: Any, *, names: tuple[str, ...]) -> list[str]:
    """Return the columns that `prepare.columns` names. Raises ConfigError for one that is not there."""
    there = [str(name) for name in getattr(X, "columns", ())]
    for name in names:
        if name not in there:
            raise ConfigError(f"prepare.columns.{name}: there is no such column.{suggest(name, there)}")
    return list(names)


def _one_column(X: Any, *, name: str) -> str:
    return _own_columns(X, names=(name,))[0]


def polynomial(*, degree: int = 2, interaction_only: bool = False) -> Any:
    """Build a transformer that scales columns, adds their powers and products, and scales again."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    _check_yes_no(interaction_only=interaction_only)
    if degree == 0:
        raise ConfigError("prepare.degree=0: no column would be left. Give 1 or more, or prepare=standard.")
    powers = PolynomialFeatures(degree=degree, interaction_only=interaction_only, include_bias=False)
    return make_pipeline(StandardScaler(), powers, StandardScaler())


def select(*, k: int = 10) -> Any:
    """Build a transformer that keeps the `k` columns with the largest F statistic of the target, each by itself.

    It is `f_classif` for a classifier and `f_regression` for other models, learned on the training rows of each fold.
    """
    from sklearn.feature_selection import SelectKBest

    return SelectKBest(by_f_test, k=k)


def by_f_test(X: Any, y: Any) -> Any:
    """Return the F statistics of the columns by the kind of the target; a run has one that fits its model instead."""
    return f_of_task(is_classifier=np.asarray(y).dtype.kind != "f")(X, y)


def f_of_task(*, is_classifier: bool) -> Any:
    """Return the F-test of a column and the target."""
    from sklearn.feature_selection import f_classif, f_regression

    return f_classif if is_classifier else f_regression


def _check_word(name: str, value: object, words: tuple[str, ...]) -> None:
    if value not in words:
        raise ConfigError(
            f"prepare.{name}={value}: there is no such way.{suggest(str(value), words)} There are: {', '.join(words)}."
        )


def _check_yes_no(**flags: object) -> None:
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise ConfigError(f"prepare.{name}={value}: it must be true or false.")


def columns_of(X: Any, *, kind: str, but: tuple[str, ...] = (), cardinality: int | None = None) -> list[Any]:
    """List the columns of one kind, by name for a frame and by number for an array, without those named in `but`.

    With `cardinality`, text with more values than that is of the kind `many`.
    """
    if hasattr(X, "iloc"):
        columns = [(name, X.iloc[:, i]) for i, name in enumerate(X.columns) if name not in but]
    else:
        columns = [(i, X[:, i]) for i in range(X.shape[1])]
    return [name for name, column in columns if _kind_of(column, cardinality) == kind]


def _kind_of(column: Any, cardinality: int | None) -> str:
    kind = kind_of(column)
    if kind != "text" or cardinality is None:
        return kind
    return "many" if len(set(_texts(np.asarray(column)[:, None]).ravel())) > cardinality else kind


def kind_of(column: Any) -> str:
    """Return what a column is: number, text, date or duration."""
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
        values[:, i] = [MISSING if _absent(value) else str(value) for value in values[:, i]]
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
