"""Out-of-fold predictions, overheard: kept is what the scorers asked of each fold's model, which predicts once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from runner.trial.memory import Kept
from tracking.records.predictions import RESPONSES, write_responses, write_rows

if TYPE_CHECKING:
    from runner.data.dataset import Dataset
    from runner.trial.evaluate import Fold, Splits

_METHODS = ("predict", "predict_proba", "decision_function")
_shared: Kept[tuple[str, bool], tuple[dict[str, bytes], Any]] = Kept(4)


@contextlib.contextmanager
def listening(fitted: Any, X: Any, *, keep: bool) -> Iterator[dict[str, Any]]:
    """Fill a dictionary in the block with what the model is asked to predict of exactly these rows.

    Of several answers to one question the first is kept; without `keep` none is. The methods of this one object are
    covered meanwhile: its class stays what it is, for the scorers that look at it.
    """
    heard: dict[str, Any] = {}
    covered = []
    for name in _METHODS if keep else ():
        with contextlib.suppress(AttributeError, TypeError):  # it has no such method, or takes no attributes
            setattr(fitted, name, _Listening(getattr(fitted, name), X, name, heard))
            covered.append(name)
    try:
        yield heard
    finally:
        for name in covered:
            delattr(fitted, name)


class _Listening:
    """A method of an estimator that notes what it returns."""

    def __init__(self, method: Any, X: Any, name: str, heard: dict[str, Any]) -> None:
        self._method, self._X, self._name, self._heard = method, X, name, heard

    def __call__(self, X: Any, *args: Any, **options: Any) -> Any:
        found = self._method(X, *args, **options)
        if X is self._X and not args and not options:
            self._heard.setdefault(self._name, found)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_method"], name)


def pack(folds: Sequence[Fold], data: Dataset, splits: Splits, *, is_classifier: bool) -> dict[str, bytes]:
    """Return the blobs of a run's predictions, {} where the scorers' predictions are of another kind."""
    shared, classes = _rows(data, splits, is_classifier=is_classifier)
    if not shared:
        return {}
    made = {}
    for name in _METHODS:
        answers = [fold.predicted.get(name) for fold in folds]
        if any(not isinstance(answer, np.ndarray) for answer in answers):
            continue
        found = _codes(answers, classes) if name == "predict" and is_classifier else _numbers(folds, name, classes)
        if found is not None and is_classifier:
            made[name] = found
        elif found is not None and name == "predict":
            true = data.y[np.concatenate([test for _, test in splits.rows])]
            if found.shape == true.shape:
                made["residual"] = _float32(true - found)
    assert made.keys() <= set(RESPONSES)
    return shared | write_responses(made) if made else {}


def _rows(data: Dataset, splits: Splits, *, is_classifier: bool) -> tuple[dict[str, bytes], Any]:
    """Return what all points on these splits share, made once, and the classes; None where they are no labels."""
    known = (splits.key, is_classifier)
    if (found := _shared.get(known)) is not None:
        return found
    rows = np.concatenate([test for _, test in splits.rows])
    folds = np.repeat(np.arange(len(splits.rows)), [len(test) for _, test in splits.rows])
    y, classes, groups = np.asarray(data.y), None, None
    if is_classifier:
        y, classes = _as_codes(y)
    if data.groups is not None:
        groups = _smallest(pd.factorize(data.groups, use_na_sentinel=False)[0])
    usable = y.ndim == 1 and y.dtype.kind in "biuf" and (classes is not None or not is_classifier)
    blobs = (
        write_rows(_smallest(rows), _smallest(folds), y[rows], None if groups is None else groups[rows], classes)
        if usable
        else {}
    )
    return _shared.keep(known, (blobs, classes))


def _as_codes(y: Any) -> tuple[Any, Any]:
    """Return the numbers of the classes, and the classes; None for labels that have no array type of their own."""
    if y.dtype == object and all(isinstance(label, str) for label in y):
        y = y.astype(str)
    if y.ndim != 1 or y.dtype.kind not in "biufU":
        return y, None
    classes, codes = np.unique(y, return_inverse=True)
    return _smallest(codes), classes


def _codes(answers: Sequence[Any], classes: Any) -> Any | None:
    """Return predicted labels as numbers of classes, None where one is no class of the data."""
    labels = np.concatenate(answers)
    labels = labels.astype(str) if labels.dtype == object else labels
    if labels.ndim != 1 or (labels.dtype.kind == "U") != (classes.dtype.kind == "U"):
        return None
    codes = np.minimum(np.searchsorted(classes, labels), len(classes) - 1)
    return _smallest(codes) if np.array_equal(classes[codes], labels) else None


def _numbers(folds: Sequence[Fold], name: str, classes: Any | None) -> Any | None:
    """Return the answers of all folds with a column for each class, of two classes that of the second."""
    answers = [fold.predicted[name] for fold in folds]
    if classes is None:
        return np.concatenate(answers)
    if name == "predict_proba":
        answers = [_for_all_classes(fold.predicted[name], fold.classes, classes) for fold in folds]
    elif any(answer.shape != (len(answer),) and answer.shape[1:] != (len(classes),) for answer in answers):
        return None  # a fold's training rows lacked a class: decisions have no zero for it
    if any(answer is None for answer in answers) or len({answer.shape[1:] for answer in answers}) > 1:
        return None
    values = np.concatenate(answers)
    return _float32(values[:, 1] if values.ndim == 2 and len(classes) == 2 else values)


def _for_all_classes(answer: Any, known: Any, classes: Any) -> Any | None:
    if answer.ndim != 2 or known is None or answer.shape[1] != len(known):
        return None
    if len(known) == len(classes):
        return answer
    whole = np.zeros((len(answer), len(classes)))
    whole[:, np.searchsorted(classes, np.asarray(known, dtype=classes.dtype))] = answer
    return whole


def _float32(values: Any) -> Any:
    with np.errstate(over="ignore", invalid="ignore"):
        return values.astype(np.float32)


def _smallest(numbers: Any) -> Any:
    """Return whole numbers from 0 in the smallest type that holds them."""
    return numbers.astype(np.min_scalar_type(int(numbers.max(initial=0))))
