"""Columns of text as pandas categories, `prepare=categories`."""

from __future__ import annotations

from operator import methodcaller
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin

from runner.errors import DataError
from runner.prepare import MISSING, kind_of


class Categories(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Make pandas categories of the columns of text, for models that take them as they are; other columns stay.

    The categories are the values of the training rows, the `max_categories` most frequent ones and `missing`, which
    stands for all others too. Takes a pandas frame. Raises DataError for an array, whose columns have no types.
    """

    def __init__(self, max_categories: int | None = 255) -> None:
        self.max_categories = max_categories

    def fit(self, X: Any, y: Any = None) -> Categories:
        """Learn the categories of each column of text."""
        if not hasattr(X, "iloc"):
            raise DataError("prepare=categories: the data is an array of numbers. Use prepare=none.")
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.n_features_in_ = X.shape[1]
        named = [(name, X.iloc[:, i]) for i, name in enumerate(X.columns)]
        text = [(name, column) for name, column in named if kind_of(column) == "text" and column.dtype != bool]
        self.dtypes_ = {name: self._categories(column) for name, column in text}
        return self

    def transform(self, X: Any) -> Any:
        """Return a frame with the columns of text as categories."""
        for call in self.calls:
            X = call(X)
        return X

    @property
    def calls(self) -> tuple[methodcaller, ...]:
        """What is done to a frame, one after the other: pandas' methods with what was learned."""
        names = self.feature_names_in_
        own = {name: methodcaller("map", dict(zip(d.categories, d.categories, strict=True))) for name, d in self._own}
        return (
            methodcaller("astype", {name: object for name, _ in self._own}),
            methodcaller("transform", {name: own.get(name, methodcaller("copy")) for name in names}),
            methodcaller("astype", self.dtypes_),
            methodcaller("fillna", {name: MISSING for name, _ in self._own}),
        )

    @property
    def _own(self) -> list[tuple[Any, Any]]:
        return list(self.dtypes_.items())

    def _categories(self, column: Any) -> Any:
        values = column.astype(object).value_counts().index[: self.max_categories]
        others = {str(value): value for value in values if str(value) != MISSING}
        return pd.CategoricalDtype([*(others[name] for name in sorted(others)), MISSING])
