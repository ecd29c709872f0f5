"""What the points of a sweep share in one process: preparations, fitted once per fold, with what they make of its rows.

Shared is the longest row of leading steps that fit the same each time (`descriptions`); the rest of a pipeline is
fitted for each point, on copies. Whoever uses something shared for the first time is also computed alone
(`runner.trial.evaluate`), and where one bit differs that kind of sharing ends.
"""

from __future__ import annotations

import pickle
import random
import time
import warnings
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, nullcontext
from copy import copy as shallow_copy
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from runner.trial.descriptions import NotDescribable, describe
from runner.trial.growing import Grown, grow, growth_of
from runner.trial.linear import Centred, NormalEquations, fit_centred, path_tolerance, predict_linear, rows_for
from runner.trial.pipelines import flatten, rebuild
from runner.trial.remembered import by_object
from runner.trial.repeated_checks import is_finite

FINAL = -1  # the number of the fit on all rows, beside those of the folds


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted estimator, and what predicts for the test rows: the part behind what was shared, from prepared rows."""

    whole: Any
    model: Any
    X_test: Any
    fit_seconds: float  # what it takes alone: with those of what was shared, as they were when it was computed
    score_seconds: float = 0.0  # of preparing the test rows
    kind: str = ""  # of what was reused; "" for nothing
    checked: Callable[[], AbstractContextManager[None]] = nullcontext  # opens a block that repeats no check of X_test
    predict: Callable[[Any, Any], Any] | None = None  # of model and rows: what the model's own gives, without checks

    def predicted(self) -> Any:
        """Predict for the test rows."""
        if self.predict is not None:
            return self.predict(self.model, self.X_test)
        with self.checked():
            return self.model.predict(self.X_test)


@dataclass(frozen=True, slots=True)
class Row:
    """A point's steps in one row, and the keys of those in front that may be shared."""

    estimator: Any
    steps: list[Any]
    keys: tuple[Any, ...]  # hashable; one more than there are steps to share where the model is fitted on centred rows
    grows: Hashable | None = None  # what an ensemble has in common with those that differ in size only
    path: bool = False  # whether a linear model is fitted along the path of its alphas, to a tolerance

    @property
    def kinds(self) -> list[str]:
        """What may be reused for this row, the least first."""
        of_steps = [self.kind(count + 1) for count in range(len(self.keys))]
        return of_steps if self.grows is None else [*of_steps, self.kind(len(self.steps))]

    def kind(self, count: int) -> str:
        """Return the classes of the first steps; of the model what of it: "rows centred for Lasso"."""
        names = [type(step).__name__ for step in self.steps[:count]]
        if count == len(self.steps):
            of_rows = "a path of" if self.path else "rows centred for"
            names[-1] = f"{of_rows if self.grows is None else 'trees of'} {names[-1]}"
        return ", ".join(names)


@dataclass(frozen=True, slots=True)
class _Stage:
    """The rows of a fold after some steps."""

    fitted: tuple[Any, ...]
    X: Any
    X_test: Any  # None for the final fit
    fit_seconds: float = 0.0
    score_seconds: float = 0.0
    warned: tuple[warnings.WarningMessage, ...] = ()
    size: int = 0  # bytes
    finite: bool = False  # whether the test rows were searched for NaN and infinity

    @property
    def count(self) -> int:
        """How many keys of a row lead here."""
        return len(self.fitted) + self.is_centred

    @property
    def is_centred(self) -> bool:
        """Whether the rows are those that a linear model is fitted on."""
        return isinstance(self.X, Centred | NormalEquations)


class Sharing:
    """Keeps what was shared last, at most `limit` bytes of it, and knows which kinds of sharing were proven.

    Along a `path` linear models are fitted to the tolerance of their solver; all else stays exact.
    """

    def __init__(self, limit: int, *, path: bool = False) -> None:
        self._limit, self._path = limit, path
        self._kept: OrderedDict[Hashable, _Stage | Grown] = OrderedDict()
        self._size = 0
        self._refused: set[Hashable] = set()  # steps that turned out not to be for sharing
        self._proven: set[tuple[str, int]] = set()
        self._wrong: set[str] = set()
        self._last: tuple[Any, Row | None] | None = None  # the estimator that was asked about last
        self.notes: list[str] = []  # one for each kind of sharing that was turned off

    def row(self, estimator: Any) -> Row | None:
        """Return what of an estimator may be shared; None for nothing."""
        if self._last is None or self._last[0] is not estimator:
            self._last = estimator, self._find_row(estimator)
        return self._last[1]

    def _find_row(self, estimator: Any) -> Row | None:
        steps = flatten(estimator)
        row = Row(estimator, steps, ())
        for step in steps[:-1]:
            try:
                longer = Row(estimator, steps, (*row.keys, describe(step)))
                if not self._may_share(longer):
                    break
            except (NotDescribable, TypeError):  # TypeError: a parameter that has no hash
                break
            row = longer
        if len(row.keys) == len(steps) - 1 and (prepare := rows_for(steps[-1])) is not None:
            longer = Row(estimator, steps, (*row.keys, (prepare, row.keys)), path=self._path)
            row = longer if self._may_share(longer) else row
        elif len(row.keys) == len(steps) - 1 and (grows := growth_of(steps[-1])) is not None:
            longer = replace(row, grows=(grows, row.keys))
            row = longer if self._may_share(longer) else row
        return row if row.kinds else None

    def fit(self, row: Row, place: Hashable, cut: Callable[[], tuple[Any, Any]], y: Any) -> Fit | None:
        """Fit a row of steps on the rows of a place; None where a step in front turns out not to be for sharing.

        `place` tells these rows from all others. `cut` returns them, for training and for testing.
        """
        if not self._may_share(row):
            return None
        start = self._find(row, place)
        stage = start or _Stage((), *cut())
        for number in range(stage.count, len(row.keys)):
            of_model = number == len(row.steps) - 1
            following = _centre(row, stage, y) if of_model else self._advance(stage, row.steps[number], y)
            if following is None:
                self._refused.add(row.keys[number])
                self._last = None
                return None
            stage = following
            self._keep((place, row.keys[: number + 1]), stage)
        for warning in start.warned if start else ():
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        kind = row.kind(start.count) if start else ""
        return _fit_rest(row, stage, y, kind=kind) if row.grows is None else self._grow(row, place, stage, y, kind)

    def _grow(self, row: Row, place: Hashable, stage: _Stage, y: Any, kind: str) -> Fit:
        known = self._grown(row, place)
        grown = grow(row.steps[-1], known, copy(stage.X) if stage.fitted else stage.X, y, time.perf_counter)
        if known is None or grown.size > known.size:
            self._keep((place, row.grows), replace(grown, model=shallow_copy(grown.model)))
        kind = row.kind(len(row.steps)) if known else kind
        return _put_together(row, stage, grown.model, [grown.model], grown.seconds, kind)

    def _grown(self, row: Row, place: Hashable) -> Grown | None:
        """Return what an ensemble can be made out of."""
        known = None if row.grows is None else self._kept.get((place, row.grows))
        return known if isinstance(known, Grown) and known.leads_to(row.steps[-1]) else None

    def kind_at_hand(self, row: Row, place: Hashable) -> str:
        """Return of which kind is what `fit` will reuse; "" for nothing."""
        if self._grown(row, place):
            return row.kind(len(row.steps))
        start = self._find(row, place)
        return row.kind(start.count) if start else ""

    def is_proven(self, kind: str, number: int) -> bool:
        """Tell whether this kind of sharing was compared with computing alone, in the fold of this number."""
        return (kind, number) in self._proven

    def settle(self, row: Row, kind: str, number: int, difference: str | None) -> None:
        """Take what the comparison said: None for no difference. Nor is a part of what is wrong trusted unproven."""
        self._proven.add((kind, number))
        if difference is not None and kind not in self._wrong:
            parts = row.kinds[: row.kinds.index(kind)]
            self._wrong |= {part for part in parts if not self.is_proven(part, number)} | {kind}
            self._last = None
            where = "in the final fit" if number == FINAL else f"in fold {number}"
            self.notes.append(f"sharing of {kind} is off: {where} it does not give what it gives alone ({difference})")

    # -------------------------------------------------------------------------------------------
    def _may_share(self, row: Row) -> bool:
        return self._wrong.isdisjoint(row.kinds) and self._refused.isdisjoint(row.keys)

    def _find(self, row: Row, place: Hashable) -> _Stage | None:
        for count in range(len(row.keys), 0, -1):
            key = (place, row.keys[:count])
            if isinstance(stage := self._kept.get(key), _Stage):
                self._kept.move_to_end(key)
                return stage
        return None

    def _keep(self, key: Hashable, stage: _Stage | Grown) -> None:
        if stage.size > self._limit:
            return
        if (before := self._kept.pop(key, None)) is not None:
            self._size -= before.size
        self._kept[key] = stage
        self._size += stage.size
        while self._size > self._limit:
            self._size -= self._kept.popitem(last=False)[1].size

    def _advance(self, stage: _Stage, step: Any, y: Any) -> _Stage | None:
        before = generators()
        with warnings.catch_warnings(record=True) as caught:
            after = _fit_step(stage, step, y)
        fitted = after.fitted[-1]
        shareable = generators() == before and all(map(_can_be_copied, (after.X, after.X_test)))
        size = _pickled_size(fitted) if shareable else None
        if size is None:
            set_generators(before)  # what it drew, the fit alone will draw
            return None
        for warning in caught:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        return _Stage(
            after.fitted,
            after.X,
            after.X_test,
            stage.fit_seconds + after.fit_seconds,
            stage.score_seconds + after.score_seconds,
            (*stage.warned, *caught),
            size + nbytes(after.X) + nbytes(after.X_test),
        )


def tolerance_of(row: Row, kind: str) -> float:
    """Return how far from alone what reuses this kind may be: 0 for not by one bit, but along a path."""
    return path_tolerance(row.steps[-1]) if row.path and kind == row.kind(len(row.steps)) else 0.0


@by_object
def tolerance_along_path(estimator: Any) -> float:
    """Return how far from alone an estimator may be that `share=path` fits along a path; 0 for any other."""
    row = Sharing(0, path=True).row(estimator)
    return 0.0 if row is None else tolerance_of(row, row.kinds[-1])


def parts_to_share(estimator: Any) -> tuple[Hashable, Hashable]:
    """Return what tells apart the preparations that points share, and all that they share; None for nothing."""
    row = Sharing(0).row(estimator)
    if row is None:
        return None, None
    return row.keys[: len(row.steps) - 1] or None, (row.keys, row.grows)


def generators() -> tuple[Any, ...]:
    """Return where the global random generators of numpy and Python stand."""
    state: Any = np.random.get_state()
    kind, numbers, *rest = state
    return kind, tuple(numbers.tolist()), *rest, random.getstate()


def set_generators(state: tuple[Any, ...]) -> None:
    """Set the global random generators back."""
    *of_numpy, of_python = state
    np.random.set_state(tuple(of_numpy))
    random.setstate(of_python)


def nbytes(X: Any) -> int:
    """Return the bytes of a table: array, sparse matrix or frame; 0 for None."""
    if hasattr(X, "memory_usage"):
        return int(X.memory_usage(deep=False).sum())
    if X is None:
        return 0
    return int(getattr(X, "nbytes", None) or X.data.nbytes)


def copy(X: Any) -> Any:
    """Return a table of one's own; None for None."""
    return X.copy(order="K") if isinstance(X, np.ndarray) else None if X is None else X.copy()


def _fit_step(stage: _Stage, step: Any, y: Any) -> _Stage:
    """Fit one step as a pipeline does, and transform the test rows."""
    fitted = clone(step)
    X, X_test = stage.X, stage.X_test
    if stage.fitted:  # what was only cut is this point's own
        X, X_test = copy(X), copy(X_test)
    start = time.perf_counter()
    X = fitted.fit_transform(X, y) if hasattr(fitted, "fit_transform") else fitted.fit(X, y).transform(X)
    middle = time.perf_counter()
    X_test = None if X_test is None else fitted.transform(X_test)
    return _Stage((*stage.fitted, fitted), X, X_test, middle - start, time.perf_counter() - middle)


def _centre(row: Row, stage: _Stage, y: Any) -> _Stage | None:
    """Centre the rows for a linear model; None where that is not for these."""
    start = time.perf_counter()
    prepare, _ = row.keys[-1]
    rows = prepare(stage.X, y)
    if rows is None:
        return None
    seconds = stage.fit_seconds + time.perf_counter() - start
    finite = stage.X_test is not None and is_finite(stage.X_test, y)
    return replace(
        stage, X=rows, fit_seconds=seconds, size=stage.size + rows.nbytes + nbytes(stage.X_test), finite=finite
    )


def _fit_rest(row: Row, stage: _Stage, y: Any, *, kind: str) -> Fit | None:
    """Fit what comes behind a stage; None where only the estimator's own `fit` can tell what is wrong."""
    several = len(row.steps) - len(stage.fitted) > 1
    start = time.perf_counter()
    if stage.is_centred:
        model = fit_centred(row.steps[-1], stage.X, path=row.path)
        if model is None:
            return None
    else:
        X = copy(stage.X)  # the model may work in place
        unfitted = [clone(step) for step in row.steps[len(stage.fitted) :]]
        model = Pipeline([(str(n), step) for n, step in enumerate(unfitted)]) if several else unfitted[0]
        start = time.perf_counter()
        model.fit(X, y)
    seconds = time.perf_counter() - start
    rest = [step for _, step in model.steps] if several else [model]
    return _put_together(row, stage, model, rest, seconds, kind)


def _put_together(row: Row, stage: _Stage, model: Any, rest: list[Any], seconds: float, kind: str) -> Fit:
    """Return the fit of a row: what was shared, and the rest that was fitted in `seconds`."""
    whole = rebuild(row.estimator, iter([*stage.fitted, *rest]))
    checked = partial(config_context, assume_finite=True) if stage.finite else nullcontext
    return Fit(
        whole,
        model,
        copy(stage.X_test),
        stage.fit_seconds + seconds,
        stage.score_seconds,
        kind,
        checked=checked,
        predict=predict_linear if stage.is_centred and stage.finite else None,
    )


def _can_be_copied(X: Any) -> bool:
    """Tell whether a copy is laid out in memory as the table is: sums depend on it."""
    if isinstance(X, np.ndarray):
        return type(X) is np.ndarray and bool(X.flags.c_contiguous or X.flags.f_contiguous)
    return X is None or issparse(X)


def _pickled_size(fitted: Any) -> int | None:
    try:
        return len(pickle.dumps(fitted, protocol=pickle.HIGHEST_PROTOCOL))
    except Exception:  # whatever it is, the model that has it cannot be recorded, and the point will say so
        return None
