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
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from sklearn.base import BaseEstimator, clone, is_regressor
from sklearn.metrics import check_scoring

from runner.errors import DataError
from runner.trial.comparison import compare_models, compare_predictions
from runner.trial.fitting import Fitting, rounds_of, take
from runner.trial.memory import Kept
from runner.trial.predictions import listening
from runner.trial.repeated_checks import has_only_plain_parameters, is_finite, leaving_out
from runner.trial.scorers import is_loss
from runner.trial.scores import QuickScorer, can_be_quick
from runner.trial.sharing import FINAL, Fit, Sharing, copy, generators, nbytes, set_generators, tolerance_of
from runner.trial.weights import request_weights, routing, weighted_scorers

if TYPE_CHECKING:
    from runner.data.dataset import Dataset

Result = TypeVar("Result")

PLAIN = Fitting()
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
    shared: str = ""  # what of the fit others had computed
    rounds: int | None = None  # of boosting that stopped early


@dataclass(frozen=True, slots=True, eq=False)
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

    def folds(self, data: Dataset) -> Iterator[Rows]:
        """Yield the rows of each fold."""
        return (Rows(data, self, number) for number in range(len(self.rows)))


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one fold, or all of them (FINAL), cut when they are asked for.

    What is given is a copy of small data: an estimator that works in place (copy_X=false) must not change the next
    point's. Big data is cut from the whole, which is a copy already; of FINAL it is given as it is unless `in_place`.
    """

    data: Dataset
    splits: Splits
    number: int
    in_place: bool = False

    @property
    def place(self) -> tuple[Any, int]:
        """What tells these rows from all others."""
        return (self.data.fingerprint if self.number == FINAL else self.splits), self.number

    def tables(self) -> tuple[Any, Any]:
        """Return X for training and for testing; without rows for testing, None."""
        if self.number == FINAL:
            return self._whole(self.data.X), None
        if self.splits.cut is not None:
            return copy(self.splits.cut[self.number][0]), copy(self.splits.cut[self.number][1])
        train, test = self.splits.rows[self.number]
        return take(self.data.X, train), take(self.data.X, test)

    @property
    def y(self) -> Any:
        """The target of the training rows."""
        if self.number == FINAL:
            return self._whole(self.data.y)
        if self.splits.cut is not None:
            return copy(self.splits.cut[self.number][2])
        return self.data.y[self.splits.rows[self.number][0]]

    @property
    def groups(self) -> Any:
        """The groups of the training rows; None without any."""
        groups = self.data.groups
        return groups if groups is None or self.number == FINAL else groups[self.splits.rows[self.number][0]]

    @property
    def y_test(self) -> Any:
        """The target of the test rows."""
        if self.splits.cut is not None:
            return copy(self.splits.cut[self.number][3])
        return self.data.y[self.splits.rows[self.number][1]]

    def _whole(self, table: Any) -> Any:
        return copy(table) if self.in_place or self.splits.cut is not None else table


_scorings: Kept[tuple[Any, ...], Callable[..., Mapping[str, float]]] = Kept(1)
_splits: Kept[tuple[str, str], Splits] = Kept(4)


def split(data: Dataset, splitter: Any, *, key: str) -> Splits:
    """Split the data once; a second call with the same data and `key` returns the same object.

    Raises DataError when the splitter refuses the data.
    """
    known = (data.fingerprint, key)
    found = _splits.get(known)
    if found is None:
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message=".*groups parameter is ignored.*")
                rows = tuple(splitter.split(data.X, data.y, data.groups))
        except ValueError as error:
            raise DataError(f"cv: {type(splitter).__name__} cannot split this data: {error}") from error
        if not rows:
            raise DataError(f"cv: {type(splitter).__name__} yields no fold of this data.")
        small = nbytes(data.X) * (len(rows) + 1) <= KEEP_BYTES
        uncut = Splits(rows, None, False, key)
        cut = tuple((*fold.tables(), fold.y, fold.y_test) for fold in uncut.folds(data)) if small else None
        made = Splits(rows, cut, is_finite(data.X, data.y), f"{data.fingerprint} {key}")
        found = _splits.keep(known, made)
    return found


def evaluate(
    estimator: Any,
    data: Dataset,
    splits: Splits,
    scorers: Mapping[str, Any],
    *,
    seed: int | None,
    keep_predictions: bool = False,
    sharing: Sharing | None = None,
    fitting: Fitting = PLAIN,
) -> Iterator[Fold]:
    """Fit and score a clone on every fold, in order. Raises what the estimator raises.

    `estimator` is unfitted and stays so; `data.X` is (n_rows, n_columns), `data.y` (n_rows,) or (n_rows, n_targets);
    `splits` are of these rows; `scorers` are scikit-learn's names or scorer objects, by the name of the metric. Yields
    one Fold each: the scores, losses positive, in the metric's own unit, and the seconds of fit and scoring.
    `seed` is that of the global random generators; None leaves them alone. With `keep_predictions` a fold has what
    the scorers had predicted; nothing is predicted a second time. `sharing` is what this point and others of its sweep
    may share; scorers of one's own may look at the rows, so that nothing is shared with them. `fitting` is what a fit
    is given besides its rows.
    """
    if seed is not None:
        seed_everything(seed)
    if data.weights is not None:
        yield from _evaluate_weighted(estimator, data, splits, scorers, fitting, keep_predictions=keep_predictions)
        return
    fit = _Fitter(estimator, splits, sharing if all(isinstance(s, str) for s in scorers.values()) else None, fitting)
    losses = {name for name, scorer in scorers.items() if is_loss(scorer)}
    score = partial(_score, _scoring(estimator, scorers), losses, keep_predictions)
    for rows in splits.folds(data):
        yield fit(rows, partial(score, rows))


def _evaluate_weighted(
    estimator: Any,
    data: Dataset,
    splits: Splits,
    scorers: Mapping[str, Any],
    fitting: Fitting,
    *,
    keep_predictions: bool,
) -> Iterator[Fold]:
    """Fit and score with the weights of the rows. Nothing is left out that scikit-learn does, and nothing shared."""
    asking, weights = request_weights(estimator), np.asarray(data.weights)
    with routing():
        scoring = check_scoring(asking, scoring=weighted_scorers(scorers), raise_exc=True)
    losses = {name for name, scorer in scorers.items() if is_loss(scorer)}
    for rows, (train, test) in zip(splits.folds(data), splits.rows, strict=True):
        (X, X_test), y = rows.tables(), rows.y
        with routing():  # not around the yield: what comes next there is not ours
            start = time.perf_counter()
            model = _fit_weighted(clone(asking), rows, X, y, weights[train], fitting)
            fit = Fit(model, model, X_test, time.perf_counter() - start)
            fold = _score(partial(scoring, sample_weight=weights[test]), losses, keep_predictions, rows, fit)
        yield fold


def _fit_weighted(model: Any, rows: Rows, X: Any, y: Any, weights: Any, fitting: Fitting) -> Any:
    if fitting.plain:
        return model.fit(X, y, sample_weight=weights)
    return fitting.fit(model, X, y, groups=rows.groups, weights=weights)


def fit_final(
    estimator: Any, data: Dataset, splits: Splits, *, sharing: Sharing | None = None, fitting: Fitting = PLAIN
) -> Any:
    """Fit a clone on all rows."""
    if data.weights is not None:
        rows, weights = Rows(data, splits, FINAL), np.asarray(data.weights)
        with routing():
            return _fit_weighted(request_weights(estimator), rows, copy(data.X), copy(data.y), weights, fitting)
    in_place = splits.cut is None and _works_in_place(estimator)  # big data is copied only if it must be
    rows = Rows(data, splits, FINAL, in_place=in_place)
    return _Fitter(estimator, splits, sharing, fitting)(rows, lambda fit: fit.whole)


class _Fitter:
    """Fits clones of an estimator: with what is shared, or alone; the first to reuse something both ways."""

    def __init__(self, estimator: Any, splits: Splits, sharing: Sharing | None, fitting: Fitting) -> None:
        self._estimator, self._finite, self._fitting = estimator, splits.finite, fitting
        self._sharing = sharing
        self._row = sharing.row(estimator) if sharing and fitting.plain else None

    def __call__(self, rows: Rows, use: Callable[[Fit], Result]) -> Result:
        """Fit on these rows, and return what `use` makes of the fit; what was computed alone counts."""
        sharing, row = self._sharing, self._row
        if sharing is None or row is None:
            return use(self._alone(rows))
        kind = sharing.kind_at_hand(row, rows.place)
        proven = not kind or sharing.is_proven(kind, rows.number)
        before = None if proven else generators()
        fit = sharing.fit(row, rows.place, rows.tables, rows.y)
        if fit is None:
            return use(self._alone(rows))
        result = use(fit)
        if before is None:
            return result
        set_generators(before)
        alone = self._alone(rows)
        real = use(alone)
        tolerance = tolerance_of(row, fit.kind)
        sharing.settle(row, fit.kind, rows.number, _difference((fit, result), (alone, real), tolerance))
        return real

    @cached_property
    def _clone(self) -> Callable[[], Any]:
        return _cloner(self._estimator)

    @cached_property
    def _without_repeated_checks(self) -> Callable[[], AbstractContextManager[None]]:
        return leaving_out(self._estimator, finite=self._finite)

    def _alone(self, rows: Rows) -> Fit:
        (X, X_test), y = rows.tables(), rows.y
        start = time.perf_counter()
        with self._without_repeated_checks():
            if self._fitting.plain:
                fitted = self._clone().fit(X, y)
            else:
                fitted = self._fitting.fit(clone(self._estimator), X, y, groups=rows.groups)
        return Fit(fitted, fitted, X_test, time.perf_counter() - start, checked=self._without_repeated_checks)


def _score(
    scoring: Callable[..., Mapping[str, float]], losses: set[str], keep_predictions: bool, rows: Rows, fit: Fit
) -> Fold:
    start, y = time.perf_counter(), rows.y_test
    if isinstance(scoring, QuickScorer):
        predicted = fit.predicted()
        scores = scoring(predicted, y, fold=(rows.splits.key, rows.number))
        heard = {"predict": predicted}
    else:
        with listening(fit.model, fit.X_test, keep=keep_predictions) as heard:
            scores = scoring(fit.model, fit.X_test, y)
    return Fold(
        rows.number,
        {name: float(-value if name in losses else value) for name, value in scores.items()},
        fit.fit_seconds,
        fit.score_seconds + time.perf_counter() - start,
        heard if keep_predictions else {},
        getattr(fit.model, "classes_", None) if heard else None,
        fit.kind,
        rounds_of(fit.whole),
    )


def _difference(shared: tuple[Fit, Any], alone: tuple[Fit, Any], tolerance: float = 0.0) -> str | None:
    """Return where a fit with what is shared differs from the one alone, None where every bit is the same.

    With a tolerance, relative to the spread of what is predicted, only predictions are compared.
    """
    (fit, result), (own, real) = shared, alone
    if tolerance:
        return None if fit.X_test is None else _prediction_gap(own.predicted(), fit.predicted(), tolerance)
    if isinstance(real, Fold):
        for name, value in real.scores.items():
            if result.scores[name].hex() != value.hex():
                return f"{name} {result.scores[name]!r}, alone {value!r}"
    gaps = compare_models(own.whole, fit.whole).gaps
    if not gaps and fit.X_test is not None:
        after = generators()
        then, now = ({"predict": each.predicted()} for each in (own, fit))
        gaps = compare_predictions(then, now, rows=own.X_test.shape[0]).gaps
        set_generators(after)
    return gaps[0].where if gaps else None


def _prediction_gap(alone: Any, shared: Any, tolerance: float) -> str | None:
    gap = float(np.sqrt(np.mean(np.square(shared - alone))) / (np.std(alone) or 1.0))
    return None if gap <= tolerance else f"predictions {gap:.2g} of their spread away, more than {tolerance:.2g}"


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
    found = _scorings.get(known)
    if found is None:
        quick = is_regressor(estimator) and can_be_quick(scorers)
        made = QuickScorer(scorers) if quick else check_scoring(estimator, scoring=dict(scorers), raise_exc=True)
        found = _scorings.keep(known, made)
    return found


def _works_in_place(estimator: Any) -> bool:
    """Tell whether scikit-learn's estimators were told not to copy: `copy`, `copy_X`, `copy_x` are false."""
    parameters = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}
    return any(
        name.rpartition("__")[2].lower() in ("copy", "copy_x") and value is False for name, value in parameters.items()
    )
