"""Cross-validation and the final fit. Pure scikit-learn: no config and no files.

Scores are those of `sklearn.model_selection.cross_validate` with the same splitter and scorers, to the last
bit. It is faster because what it leaves out cannot change a bit: checks that were made before (`repeated_checks`),
and cutting folds of small data more than once in a sweep.
"""

from __future__ import annotations

import math
import random
import time
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, clone, is_regressor
from sklearn.metrics import check_scoring

from runner.errors import DataError
from runner.trial.predictions import listening
from runner.trial.repeated_checks import has_only_plain_parameters, is_finite, leaving_out
from runner.trial.scorers import is_loss
from runner.trial.scores import QuickScorer, can_be_quick

if TYPE_CHECKING:
    from runner.data.dataset import Dataset

KEEP_BYTES = 64 * 2**20  # folds of data up to this size are cut once and kept


@dataclass(frozen=True, slots=True)
class Fold:
    """The scores of one fold, losses positive; times in seconds."""

    number: int
    scores: Mapping[str, float]
    fit_seconds: float
    score_seconds: float
    predicted: Mapping[str, Any] = field(default_factory=dict)  # method -> what it gave for the test rows, if kept
    classes: Any | None = None  # of the classifier that was fitted


@dataclass(frozen=True, slots=True)
class Splits:
    """The train and test rows of every fold, and the folds themselves when they are small."""

    rows: tuple[tuple[Any, Any], ...]
    cut: tuple[tuple[Any, Any, Any, Any], ...] | None
    finite: bool
    key: str  # tells these splits of this data from any other

    @property
    def test_train_ratio(self) -> float:
        """Mean over the folds of test rows per train row."""
        return float(np.mean([len(test) / len(train) for train, test in self.rows]))

    def folds(self, data: Dataset) -> Iterator[tuple[Any, Any, Any, Any]]:
        """Yield X_train, y_train, X_test, y_test of each fold."""
        if self.cut is not None:
            # Copies: an estimator that works in place (copy_X=false) must not change the next point's data.
            for fold in self.cut:
                yield tuple(map(_copy, fold))
            return
        for train, test in self.rows:
            yield _take(data.X, train), data.y[train], _take(data.X, test), data.y[test]


_scorings: dict[tuple[Any, ...], Callable[..., Mapping[str, float]]] = {}
_splits: OrderedDict[tuple[str, str], Splits] = OrderedDict()


def split(data: Dataset, splitter: Any, *, key: str) -> Splits:
    """Split the data once; a second call with the same data and `key` returns the same object.

    Raises DataError when the splitter refuses the data.
    """
    known = (data.fingerprint, key)
    if known not in _splits:
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message=".*groups parameter is ignored.*")
                rows = tuple(splitter.split(data.X, data.y, data.groups))
        except ValueError as error:
            raise DataError(f"cv: {type(splitter).__name__} cannot split this data: {error}") from error
        if not rows:
            raise DataError(f"cv: {type(splitter).__name__} yields no fold of this data.")
        small = nbytes(data.X) * (len(rows) + 1) <= KEEP_BYTES
        cut = tuple(Splits(rows, None, False, key).folds(data)) if small else None
        while len(_splits) >= 4:
            _splits.popitem(last=False)
        _splits[known] = Splits(rows, cut, is_finite(data.X, data.y), f"{data.fingerprint} {key}")
    return _splits[known]


def evaluate(
    estimator: Any,
    data: Dataset,
    splits: Splits,
    scorers: Mapping[str, Any],
    *,
    seed: int | None,
    keep_predictions: bool = False,
) -> Iterator[Fold]:
    """Fit and score a clone on every fold, in order. Raises what the estimator raises.

    `seed` is that of the global random generators; None leaves them alone. With `keep_predictions` a fold has what
    the scorers had predicted; nothing is predicted a second time.
    """
    if seed is not None:
        seed_everything(seed)
    scoring = _scoring(estimator, scorers)
    losses = {name for name, scorer in scorers.items() if is_loss(scorer)}
    unfitted = _cloner(estimator)
    without_repeated_checks = leaving_out(estimator, finite=splits.finite)
    for number, (X_train, y_train, X_test, y_test) in enumerate(splits.folds(data)):
        start = time.perf_counter()
        with without_repeated_checks():
            fitted = unfitted().fit(X_train, y_train)
        middle = time.perf_counter()
        if isinstance(scoring, QuickScorer):
            with without_repeated_checks():
                predicted = fitted.predict(X_test)
            scores = scoring(predicted, y_test, fold=(splits.key, number))
            heard = {"predict": predicted}
        else:
            with listening(fitted, X_test, keep=keep_predictions) as heard:
                scores = scoring(fitted, X_test, y_test)
        end = time.perf_counter()
        yield Fold(
            number,
            {name: float(-value if name in losses else value) for name, value in scores.items()},
            middle - start,
            end - middle,
            heard if keep_predictions else {},
            getattr(fitted, "classes_", None) if heard else None,
        )


def fit_final(estimator: Any, data: Dataset, splits: Splits) -> Any:
    """Fit a clone on all rows."""
    shared = splits.cut is None and not _works_in_place(estimator)  # big data is copied only if it must be
    X, y = (data.X, data.y) if shared else (_copy(data.X), _copy(data.y))
    with leaving_out(estimator, finite=splits.finite)():
        return _cloner(estimator)().fit(X, y)


def _cloner(estimator: Any) -> Callable[[], Any]:
    """Return what gives a clone at each call; as scikit-learn's, without its checks where all is plain.

    Plain is an estimator that has nothing but its parameters, and those are single values.
    """
    kind: Any = type(estimator)
    cloned_as_usual = getattr(kind, "__sklearn_clone__", None) is BaseEstimator.__sklearn_clone__
    if cloned_as_usual and has_only_plain_parameters(estimator):
        parameters = dict(vars(estimator))
        if vars(kind(**parameters)) == parameters:
            return partial(kind, **parameters)
    return partial(clone, estimator)


def summarise(folds: list[Fold]) -> dict[str, float]:
    """Return `<name>_mean` and `<name>_std` (population) of every score over the folds."""
    summary: dict[str, float] = {}
    for name in folds[0].scores:
        values = [fold.scores[name] for fold in folds]
        mean = math.fsum(values) / len(values)
        summary[f"{name}_mean"] = mean
        summary[f"{name}_std"] = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
    return summary


def seed_everything(seed: int) -> None:
    """Seed Python's and numpy's global generators."""
    random.seed(seed)
    np.random.seed(seed)


def _scoring(estimator: Any, scorers: Mapping[str, Any]) -> Callable[..., Mapping[str, float]]:
    """Return scikit-learn's scorer of several metrics, which predicts once for all, or the quick one."""
    known = (is_regressor(estimator), *scorers.items())
    if known not in _scorings:
        quick = is_regressor(estimator) and can_be_quick(scorers)
        _scorings.clear()
        _scorings[known] = (
            QuickScorer(scorers) if quick else check_scoring(estimator, scoring=dict(scorers), raise_exc=True)
        )
    return _scorings[known]


def _copy(X: Any) -> Any:
    return X.copy(order="K") if isinstance(X, np.ndarray) else X.copy()


def _works_in_place(estimator: Any) -> bool:
    """Tell whether scikit-learn's estimators were told not to copy: `copy`, `copy_X`, `copy_x` are false."""
    parameters = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}
    return any(
        name.rpartition("__")[2].lower() in ("copy", "copy_x") and value is False for name, value in parameters.items()
    )


def _take(X: Any, rows: Any) -> Any:
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]


def nbytes(X: Any) -> int:
    """Return the bytes of a table: array, sparse matrix or frame."""
    if hasattr(X, "memory_usage"):
        return int(X.memory_usage(deep=False).sum())
    return int(getattr(X, "nbytes", None) or X.data.nbytes)
