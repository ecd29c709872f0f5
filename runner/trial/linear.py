"""Linear models on rows that were checked, ordered and centred once per fold, for all penalties.

On the diabetes data the `fit` of Lasso and ElasticNet spends nine tenths of its time on that, and `enet_path`, which is
public and does the rest, needs no check. Ridge needs no more than the normal equations of a fold. What is left out is
read from `fit` of scikit-learn 1.6 to 1.9. That another version does something else is noticed where the first fit of a
sweep is compared with one alone.

Along a path (`share=path`) a descent begins where that of another alpha ended, and Ridge has one eigendecomposition for
all alphas: results to the tolerance of the solver, not to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import sklearn
from scipy import linalg
from sklearn.linear_model import ElasticNet, Lasso, Ridge, enet_path

from runner.trial.repeated_checks import is_finite

_NOT_ASKED = np.random.RandomState(0)  # drawn from once in each fit; only selection="random" makes use of it
_PLAIN = (type(None), bool, int, float, str)
_SINGULAR = 1e-8  # smallest over largest eigenvalue, below which Ridge's own `fit` solves


@dataclass(frozen=True, slots=True)
class Centred:
    """Training rows as coordinate descent takes them: columns in one piece each, without their means."""

    X: Any
    y: Any
    X_offset: Any
    y_offset: Any
    ends: dict[Hashable, Any] = field(default_factory=dict)  # of paths: the coefficients where the last descent ended

    @property
    def nbytes(self) -> int:
        """The bytes of the rows."""
        return int(self.X.nbytes)


@dataclass(frozen=True)
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

    @cached_property
    def decomposed(self) -> tuple[Any, Any, Any]:
        """Eigenvalues and eigenvectors of the products, and the moments in these directions."""
        values, vectors = linalg.eigh(self.products)
        return values, vectors, vectors.T @ self.moments.ravel()


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


def fit_centred(unfitted: Any, rows: Centred | NormalEquations, *, path: bool = False) -> Any | None:
    """Return a fitted copy of a model, None where its coefficients would not be finite."""
    model = object.__new__(type(unfitted))
    vars(model).update(vars(unfitted))  # its parameters, which are plain values
    if isinstance(rows, NormalEquations):
        return _solve_all(model, rows) if path else _solve(model, rows)
    if not path:
        return _descend(model, rows, np.zeros(rows.X.shape[1]))
    others = type(model), *((name, value) for name, value in sorted(vars(model).items()) if name != "alpha")
    start = rows.ends.get(others)
    fitted = _descend(model, rows, np.zeros(rows.X.shape[1]) if start is None else start.copy())
    if fitted is not None:
        rows.ends[others] = fitted.coef_
    return fitted


def path_tolerance(model: Any) -> float:
    """Return how far, relative to the spread of y, a fit along a path may be from one alone.

    Coordinate descent stops where the dual gap is below `tol` times the sum of squares of y; the objective is strongly
    convex in what the model gives for the training rows, so that each of two fits is within sqrt(2 tol) of the optimum.
    What Ridge's eigendecomposition leaves open is rounding.
    """
    return 1e-8 if type(model) is Ridge else float(np.sqrt(8 * model.tol))


def _solve(model: Any, rows: NormalEquations) -> Any | None:
    """Fit Ridge; None for equations that are singular, which its `fit` solves in another way."""
    products = rows.products.copy()
    products.flat[:: len(products) + 1] += float(model.alpha)
    try:
        coefficients = linalg.solve(products, rows.moments, assume_a="pos", overwrite_a=True).T.ravel()
    except linalg.LinAlgError:
        return None
    return _with_coefficients(model, rows, coefficients, solver="cholesky")


def _solve_all(model: Any, rows: NormalEquations) -> Any | None:
    """Fit Ridge with the eigendecomposition that serves all alphas; None for equations that are nearly singular."""
    values, vectors, moments = rows.decomposed
    shifted = values + float(model.alpha)
    if not shifted.min() > _SINGULAR * shifted.max():
        return None
    return _with_coefficients(model, rows, vectors @ (moments / shifted), solver="eigen")


def _with_coefficients(model: Any, rows: NormalEquations, coefficients: Any, *, solver: str) -> Any:
    model.n_features_in_ = len(coefficients)
    model.n_iter_, model.solver_, model.coef_ = None, solver, coefficients
    model.intercept_ = rows.y_offset - rows.X_offset @ coefficients
    return model


def _descend(model: Any, rows: Centred, start: Any) -> Any | None:
    """Fit Lasso or ElasticNet; None where the coefficients would not be finite."""
    with sklearn.config_context(skip_parameter_validation=True):
        _, coefficients, gaps, iterations = enet_path(
            rows.X,
            rows.y,
            l1_ratio=model.l1_ratio,
            alphas=[model.alpha],
            precompute=False,
            coef_init=start,
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
