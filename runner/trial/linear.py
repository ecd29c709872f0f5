"""Linear models on rows that were checked, ordered and centred once per fold, for all penalties.

On the diabetes data the `fit` of Lasso and ElasticNet spends nine tenths of its time on that, and `enet_path`, which is
public and does the rest, needs no check. Ridge needs no more than the normal equations of a fold. What is left out is
read from `fit` of scikit-learn 1.6 to 1.9. That another version does something else is noticed where the first fit of a
sweep is compared with one alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sklearn
from scipy import linalg
from sklearn.linear_model import ElasticNet, Lasso, Ridge, enet_path

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

    @property
    def nbytes(self) -> int:
        """The bytes of the rows."""
        return int(self.X.nbytes)


@dataclass(frozen=True, slots=True)
class NormalEquations:
    """What Ridge needs of centred training rows, where these are no fewer than the columns."""

    products: Any  # of the columns, (n_columns, n_columns)
    moments: Any  # of the columns with the target, (n_columns, 1)
    X_offset: Any
    y_offset: Any

    @property
    def nbytes(self) -> int:
        """The bytes of the arrays."""
        return int(self.products.nbytes + self.moments.nbytes)


def rows_for(model: Any) -> Callable[[Any, Any], Centred | NormalEquations | None] | None:
    """Return what makes of rows what `fit_centred` takes for this model, None where that is not what its `fit` does.

    Raises what validating the model raises.
    """
    kind = type(model)
    if kind not in (ElasticNet, Lasso, Ridge) or not all(isinstance(value, _PLAIN) for value in vars(model).values()):
        return None
    if kind is Ridge:
        usual = model.solver in ("auto", "cholesky") and not model.positive
    else:
        seeded = model.selection == "cyclic" or model.random_state is not None
        usual = model.precompute is False and not model.warm_start and model.alpha > 0 and seeded
    if not usual or model.fit_intercept is not True:
        return None
    model._validate_params()
    return normal_equations if kind is Ridge else centre


def normal_equations(X: Any, y: Any) -> NormalEquations | None:
    """Return the normal equations of centred rows as `Ridge.fit` has them; None for what it would solve otherwise."""
    if not _are_usual(X, y) or X.shape[1] > X.shape[0]:
        return None
    X = np.array(X, order="K")
    X_offset, y_offset = np.average(X, axis=0), np.average(y, axis=0)
    X -= X_offset
    return NormalEquations(X.T @ X, X.T @ (y - y_offset).reshape(-1, 1), X_offset, y_offset)


def _are_usual(X: Any, y: Any) -> bool:
    usual = isinstance(X, np.ndarray) and X.dtype == np.float64 and y.ndim == 1 and y.dtype == np.float64
    return usual and is_finite(X, y)


def centre(X: Any, y: Any) -> Centred | None:
    """Centre rows as `ElasticNet.fit` does; None for what is no finite float64."""
    if not _are_usual(X, y):
        return None
    X = np.array(X, order="F")
    X_offset, y_offset = np.average(X, axis=0), np.average(y, axis=0)
    X -= X_offset
    return Centred(X, y - y_offset, X_offset, y_offset)


def fit_centred(unfitted: Any, rows: Centred | NormalEquations) -> Any | None:
    """Return a fitted copy of a model, None where its coefficients would not be finite."""
    model = object.__new__(type(unfitted))
    vars(model).update(vars(unfitted))  # its parameters, which are plain values
    return _solve(model, rows) if isinstance(rows, NormalEquations) else _descend(model, rows)


def _solve(model: Any, rows: NormalEquations) -> Any | None:
    """Fit Ridge; None for equations that are singular, which its `fit` solves in another way."""
    products = rows.products.copy()
    products.flat[:: len(products) + 1] += float(model.alpha)
    try:
        coefficients = linalg.solve(products, rows.moments, assume_a="pos", overwrite_a=True).T.ravel()
    except linalg.LinAlgError:
        return None
    model.n_features_in_ = len(coefficients)
    model.n_iter_, model.solver_, model.coef_ = None, "cholesky", coefficients
    model.intercept_ = rows.y_offset - rows.X_offset @ coefficients
    return model


def _descend(model: Any, rows: Centred) -> Any | None:
    """Fit Lasso or ElasticNet; None where the coefficients would not be finite."""
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
