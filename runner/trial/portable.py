"""Fitted models without this package: scikit-learn's own pieces stand for those of `runner.prepare`.

A recorded model is to load where only scikit-learn and pandas are installed. The preparations are fitted as they are,
and only what is saved is changed; it transforms to the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from operator import attrgetter, methodcaller
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer

from runner import prepare
from runner.categories import Categories
from runner.trial.remembered import by_object

PACKAGE = "runner"
_PARTS = ("year", "month", "day", "day_of_week", "hour")


def portable(model: Any) -> Any:
    """Return a fitted model in which nothing is of this package; the one given, which other points may share, stays."""
    if isinstance(model, FunctionTransformer) and model.func in _INSTEAD:
        return _INSTEAD[model.func](model)
    if isinstance(model, Categories):
        return _categories(model)
    if isinstance(model, ColumnTransformer) and hasattr(model, "transformers_"):
        return _settled(model)
    if isinstance(model, BaseEstimator):
        parts = vars(model)
        model = copy(model)
        for name, part in parts.items():
            setattr(model, name, portable(part))
    elif type(model) in (list, tuple):
        return type(model)(portable(part) for part in model)
    return model


@by_object
def _settled(model: ColumnTransformer) -> ColumnTransformer:
    """Name the columns that each part was fitted on, rather than the function that chose them.

    Points that share a preparation have the very same one, and making it anew takes longer than a small fit.
    """
    model = copy(model)
    fitted = [
        (name, portable(part), columns) if len(columns) else (name, "drop", [])
        for name, part, columns in model.transformers_
        if name != "remainder"
    ]
    rest = [entry for entry in model.transformers_ if entry[0] == "remainder"]
    model.transformers = [
        (name, part if isinstance(part, str) else clone(part), columns) for name, part, columns in fitted
    ]
    model.transformers_ = [*fitted, *rest]
    return model


def _categories(step: Categories) -> Any:
    return _chain(*(_call(call, list(step.feature_names_in_)) for call in step.calls))


def _floats(step: FunctionTransformer) -> Any:
    return _calling(step, np.asarray, dtype=np.float64)


def _seconds(step: FunctionTransformer) -> Any:
    names = _names(step)
    return _chain(
        _calling(step, np.asarray, dtype="timedelta64[us]"),
        _call(methodcaller("__truediv__", np.timedelta64(1, "s")), names),
    )


def _texts(step: FunctionTransformer) -> Any:
    missing, names = prepare.MISSING, _names(step)
    return _chain(
        _calling(step, pd.DataFrame, columns=names),
        _call(methodcaller("astype", object), names),
        _call(methodcaller("map", str, na_action="ignore"), names),
        _call(methodcaller("fillna", missing), names),
        _call(methodcaller("replace", ["<NA>", "NaT"], missing), names),
        _call(np.asarray, names, dtype=object),
    )


def _date_parts(step: FunctionTransformer) -> Any:
    names = _names(step)
    columns = [(f"date{number}", clone(_parts_of(name)), [number]) for number, name in enumerate(names)]
    of_each = ColumnTransformer(columns, verbose_feature_names_out=False)
    return _chain(
        _calling(step, pd.DataFrame, columns=names),
        _call(methodcaller("apply", pd.to_datetime, utc=True), names),
        of_each.fit(pd.DataFrame([[pd.Timestamp(0, tz="UTC")] * len(names)], columns=names)),
    )


def _parts_of(name: str) -> FeatureUnion:
    days = _chain(
        _call(methodcaller("__sub__", pd.Timestamp(0, tz="UTC")), [name]),
        _call(methodcaller("__truediv__", pd.Timedelta(days=1)), [name]),
    )
    parts = [(part, _call(methodcaller("apply", attrgetter(f"dt.{part}")), [name])) for part in _PARTS]
    return FeatureUnion([*parts, ("days", days)])


_INSTEAD: dict[Any, Callable[[FunctionTransformer], Any]] = {
    prepare._floats: _floats,
    prepare._seconds: _seconds,
    prepare._texts: _texts,
    prepare._date_parts: _date_parts,
}


def _calling(step: FunctionTransformer, function: Callable[..., Any], **arguments: Any) -> FunctionTransformer:
    """Return a fitted step that calls another function; it knows its columns as before."""
    step = copy(step)
    step.func, step.kw_args, step.feature_names_out = function, arguments or None, "one-to-one"
    return step


def _call(function: Callable[..., Any], names: list[str], **arguments: Any) -> FunctionTransformer:
    step = FunctionTransformer(function, kw_args=arguments or None, feature_names_out="one-to-one")
    return step.fit(pd.DataFrame(columns=names))  # it learns nothing but the names


def _names(step: FunctionTransformer) -> list[str]:
    return list(getattr(step, "feature_names_in_", [f"x{number}" for number in range(step.n_features_in_)]))


def _chain(*steps: Any) -> Pipeline:
    return Pipeline([(f"step{number}", step) for number, step in enumerate(steps)])
