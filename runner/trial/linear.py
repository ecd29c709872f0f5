"""Lasso and ElasticNet on rows that were checked, ordered and centred once per fold, for all penalties.

On the diabetes data their `fit` spends nine tenths of its time on that, and `enet_path`, which is public and does the
rest, needs no check. What is left out is read from `ElasticNet.fit` of scikit-learn 1.6 to 1.9. That another version
does something else is noticed where the first fit of a sweep is compared with one alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import sklearn
from sklearn.linear_model import ElasticNet, Lasso, enet_path

from runner.trial.repeated_checks import is_finite

_NOT_ASKED = np.random.RandomState(0)  # drawn from once in each fit; only selection="random" makes use of it
_PLAIN = (type(None), bool, int, float, str)


@dataclass(frozen=True, slots=True)
class Centred:
    """Training rows as coordinate descent takes them: columns in one piece each, without their means."""

    X: Any
    y: Any
    X_offset: Any
    y_offset: Any


def can_be_fitted_centred(model: Any) -> bool:
    """Tell whether `fit_centred` does for this model what its `fit` does. Raises what validating it raises."""
    if type(model) not in (ElasticNet, Lasso) or not all(isinstance(value, _PLAIN) for value in vars(model).values()):
        return False
    usual = model.fit_intercept is True and model.precompute is False and not model.warm_start and model.alpha > 0
    seeded = model.selection == "cyclic" or model.random_state is not None
    if usual and seeded:
        model._validate_params()
    return usual and seeded


def centre(X: Any, y: Any) -> Centred | None:
    """Centre rows as `ElasticNet.fit` does; None for what is no finite float64."""
    usual = isinstance(X, np.ndarray) and X.dtype == np.float64 and y.ndim == 1 and y.dtype == np.float64
    if not usual or not is_finite(X, y):
        return None
    X = np.array(X, order="F")
    X_offset, y_offset = np.average(X, axis=0), np.average(y, axis=0)
    X -= X_offset
    return Centred(X, y - y_offset, X_offset, y_offset)


def fit_centred(unfitted: Any, rows: Centred) -> Any | None:
    """Return a fitted copy of a model, None where its coefficients would not be finite."""
    model = object.__new__(type(unfitted))
    vars(model).update(vars(unfitted))  # its parameters, which are plain values
    with sklearn.config_context(skip_parameter_validation=True):
        _, coefficients, gaps, iterations = enet_path(
            rows.X,
            rows.y,
            l1_ratio=model.l1_ratio,
            alphas=[model.alpha],
            precompute=False,
            coef_init=np.zeros(rows.X.shape[1]),
            return_n_iter=True,
            positive=model.positive,
            check_input=False,
            tol=model.tol,
            max_iter=model.max_iter,
            random_state=_NOT_ASKED if model.selection == "cyclic" else model.random_state,
            selection=model.selection,
        )
    coefficients = coefficients[:, 0].copy()
    intercept = rows.y_offset - np.dot(rows.X_offset, coefficients)
    if not (np.isfinite(coefficients).all() and np.isfinite(intercept)):
        return None
    model.n_features_in_ = rows.X.shape[1]
    model.n_iter_, model.coef_, model.dual_gap_, model.intercept_ = iterations[0], coefficients, gaps[0], intercept
    return model


def predict_linear(model: Any, X: Any) -> Any:
    """Return what the `predict` of a linear model gives for finite rows, without its checks."""
    return X @ model.coef_ + model.intercept_
