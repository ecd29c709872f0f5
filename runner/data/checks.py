"""What cannot be fitted, said before the sweep starts: each mistake its own message with the remedy."""

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from runner.data.dataset import MOST_CLASSES
from runner.data.features import check_features, in_rows
from runner.data.rows import missing
from runner.errors import DataError

if TYPE_CHECKING:
    from runner.data.dataset import Dataset

_K_FOLDS = {"KFold", "StratifiedKFold", "RepeatedKFold", "RepeatedStratifiedKFold"}


def check(dataset: "Dataset", *, splitter: Any, estimator: Any) -> None:
    """Raise DataError if `estimator` cannot be cross-validated on `dataset` with `splitter`.

    `estimator` is unfitted: a model, or a pipeline of a preparation and a model. Nothing is fitted but a
    preparation, on some rows, when there are columns that only a preparation can make numbers of.
    """
    from sklearn.base import is_classifier

    classes = bool(is_classifier(estimator))
    _check_target(dataset, classes)
    if dataset.y.ndim == 2:
        _check_takes_several(dataset, estimator)
    if dataset.weights is not None:
        _check_weights(dataset.weights)
    _check_rows(dataset, splitter)
    if classes and dataset.y.ndim == 1:
        _check_classes(dataset, splitter)
    check_features(dataset, estimator)
    _check_split(dataset, splitter)


# -- target


def _check_target(dataset: "Dataset", classes: bool) -> None:
    y, name = dataset.y, f"The target {dataset.target_name!r} of {dataset.name}"
    _check_present(y, name)
    if y.dtype.kind in "Mm":
        raise DataError(f"{name} holds dates. Predict a number or a class: data.target=COLUMN")
    distinct = np.unique(y.astype(str) if y.dtype.kind == "O" else y)
    if len(distinct) == 1:
        raise DataError(
            f"{name} is constant: every row is {distinct[0]}. There is nothing to predict; "
            "is it the right column (data.target), or the right rows (data.limit)?"
        )
    if not classes and y.dtype.kind not in "iufb":
        examples = ", ".join(str(value) for value in distinct[:3])
        raise DataError(
            f"{name} holds text ({examples}), and the model predicts numbers. For classes: "
            "model=logistic scoring=classification cv=stratified"
        )
    if classes and y.dtype.kind == "f" and (y != np.round(y)).any():
        raise DataError(_explain_continuous(dataset))


def _check_present(y: Any, name: str) -> None:
    odd = missing(y)
    if not odd.any():
        return
    infinite = y.dtype.kind in "fc" and not np.isnan(y[odd]).any()
    what = "infinite" if infinite else "missing"
    if y.dtype.kind in "fc" and not infinite and np.isinf(y[odd]).any():
        what = "missing or infinite"
    them = "it" if odd.sum() == 1 else "them"
    raise DataError(f"{name} is {what} {in_rows(odd)}. Fill {them}, or leave the rows out: data.missing_target=drop")


def _explain_continuous(dataset: "Dataset") -> str:
    distinct = len(np.unique(dataset.y))
    return (
        f"The target {dataset.target_name!r} of {dataset.name} is continuous ({distinct} different numbers), and the "
        "model predicts classes. Choose a model of numbers (model=ridge scoring=regression cv=kfold), or data with "
        "classes (data=iris)."
    )


def _check_takes_several(dataset: "Dataset", estimator: Any) -> None:
    from sklearn.utils import get_tags

    if not get_tags(estimator).target_tags.multi_output:
        model = type(estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator).__name__
        raise DataError(
            f"data.target names {dataset.y.shape[1]} columns ({dataset.target_name}), and {model} predicts one. Choose"
            " a model that predicts several (model=ridge, model=random_forest), or wrap it:"
            " sklearn.multioutput.MultiOutputRegressor"
        )


def _check_weights(weights: Any) -> None:
    if weights.dtype.kind not in "iufb" or missing(weights).any() or (weights < 0).any() or not weights.any():
        raise DataError(
            "data.weights: weights are numbers >= 0, one in each row and not all 0. Repair the column, or name another."
        )


# -- rows


def n_folds(splitter: Any) -> int:
    """Return how many parts a splitter makes of the rows; a repeated one makes them again."""
    return int(getattr(splitter, "n_splits", None) or getattr(splitter, "cvargs", {}).get("n_splits", 1))


def _check_rows(dataset: "Dataset", splitter: Any) -> None:
    kind, folds, rows = type(splitter).__name__, n_folds(splitter), dataset.n_rows
    if "Group" in kind:
        _check_groups(dataset, kind, folds)
    if kind in _K_FOLDS and rows < folds:
        raise DataError(
            f"{dataset.name} has {rows} rows, fewer than the {folds} folds of cv: "
            f"add cv.n_splits={max(2, rows)} or fewer."
        )
    if kind == "TimeSeriesSplit" and rows <= folds:
        raise DataError(
            f"{dataset.name} has {rows} rows; {folds} splits in time need at least {folds + 1}: "
            f"add cv.n_splits={max(2, rows - 1)} or fewer."
        )


def _check_groups(dataset: "Dataset", kind: str, folds: int) -> None:
    if dataset.groups is None:
        raise DataError(
            f"cv keeps groups together ({kind}), but data={dataset.name} has no groups. "
            "Say which column holds them: data.groups=COLUMN; or use cv=kfold"
        )
    odd = missing(dataset.groups)
    if odd.any():
        raise DataError(f"The groups are missing {in_rows(odd)}. Fill them, or remove these rows.")
    count = len(set(dataset.groups.tolist()))
    if count < folds:
        raise DataError(
            f"There are {count} groups, fewer than the {folds} folds of cv: add cv.n_splits={max(2, count)}"
        )


def _check_classes(dataset: "Dataset", splitter: Any) -> None:
    kind = type(splitter).__name__
    labels, counts = np.unique(dataset.y.astype(str), return_counts=True)
    needed = n_folds(splitter) if kind in _K_FOLDS else 2
    rare = [(label, count) for label, count in zip(labels, counts, strict=True) if count < needed]
    if not rare:
        return
    if dataset.task == "regression" and len(labels) > MOST_CLASSES:
        raise DataError(_explain_continuous(dataset))
    listed = ", ".join(f"{label} ({count})" for label, count in rare[:5])
    remedy = f"Use fewer folds (cv.n_splits={max(2, counts.min())})" if counts.min() > 1 else "Add rows of it"
    what = f"the {needed} folds of cv" if kind in _K_FOLDS else "the 2 that training and testing need"
    raise DataError(
        f"A class of {dataset.target_name!r} ({dataset.name}) has fewer members than {what}: {listed}. "
        f"{remedy}, merge rare classes, or leave them out."
    )


def _check_split(dataset: "Dataset", splitter: Any) -> None:
    kind = type(splitter).__name__
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # most splitters warn that they ignore the groups
            first = next(iter(splitter.split(dataset.X, dataset.y, dataset.groups)), None)
    except Exception as error:  # a splitter may be a person's own
        what = str(error) if isinstance(error, ValueError | TypeError) else f"{type(error).__name__}: {error}"
        raise DataError(f"cv={kind} cannot split the {dataset.n_rows} rows: {what}") from error
    if first is None:
        raise DataError(
            f"cv={kind} yields no fold of the {dataset.n_rows} rows. Its split() has to yield (train, test)."
        )
