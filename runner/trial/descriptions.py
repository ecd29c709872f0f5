"""What tells two unfitted estimators apart: equal descriptions, equal fits on the same rows."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import partial
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import get_tags

from runner.trial.remembered import by_object


class NotDescribable(Exception):
    """It has no description: it may fit otherwise each time, or nobody can tell."""


def describe(value: Any) -> Hashable:
    """Return what an estimator (or a parameter) is, to be compared and hashed; the seeds of it are numbers.

    Functions are told apart as objects, so that one made anew for each point is another. Raises NotDescribable for
    an estimator that draws without a fixed seed or is declared stateful (scikit-learn's tag `non_deterministic`), and
    for whatever is no estimator and no plain value.
    """
    if value is None or isinstance(value, bool | int | str | bytes):
        return type(value), value
    if isinstance(value, float | np.generic):
        return type(value), np.asarray(value).tobytes()  # 0.0 and -0.0 are two, and NaN is one
    if isinstance(value, list | tuple | slice):
        parts = (value.start, value.stop, value.step) if isinstance(value, slice) else value
        return type(value), tuple(map(describe, parts))
    if isinstance(value, Mapping):
        return type(value), tuple((describe(key), describe(item)) for key, item in value.items())
    if isinstance(value, partial):
        return partial, value.func, describe(value.args), describe(value.keywords)
    if isinstance(value, type | FunctionType | BuiltinFunctionType | np.ufunc):
        return value
    if isinstance(value, BaseEstimator):
        return _describe_estimator(value)
    raise NotDescribable(type(value).__name__)


@by_object
def _describe_estimator(estimator: BaseEstimator) -> Hashable:
    kind = type(estimator)
    parameters = estimator.get_params(deep=False)
    more = {"_sklearn_output_config", "_metadata_request"} & vars(estimator).keys()  # what a clone keeps besides
    if kind.__sklearn_clone__ is not BaseEstimator.__sklearn_clone__ or more:
        raise NotDescribable(kind.__name__)
    if parameters.get("random_state", 0) is None or _is_declared_stateful(estimator):
        raise NotDescribable(kind.__name__)
    return kind, tuple((name, describe(value)) for name, value in parameters.items())


def _is_declared_stateful(estimator: BaseEstimator) -> bool:
    """Read the tag. Some of scikit-learn's own have it because of their `random_state`: that is a number here."""
    try:
        tags = get_tags(estimator)
    except Exception:  # of an estimator of one's own, in whatever way it is unfinished
        return True
    return tags.non_deterministic and not isinstance(getattr(estimator, "random_state", None), int)
