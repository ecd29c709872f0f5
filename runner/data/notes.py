"""What of a table is probably a mistake: said once before the sweep, with the key that mends or silences it.

Only of tables of a person's own; the data that scikit-learn brings is known.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from runner.data.dataset import Dataset
from runner.data.rows import missing

LEAK = 0.99  # a column alone should not predict so well
_MOST_ROWS = 1000  # that are looked at for a leak
_MOST_COLUMNS = 200  # that a tree is tried on
_MANY_COPIES = 0.01  # of the rows; a few doubles are natural
_LISTED = 5


def find_notes(dataset: Dataset, splitter: Any, *, timed: bool) -> list[str]:
    """List what is probably a mistake, but for the kinds that `data.silence` names; `timed`: `data.time` is set."""
    if dataset.silence is None or not hasattr(dataset.X, "iloc") or dataset.n_columns < 2:  # no choice of columns
        return []
    found = (*_about_splits(dataset, splitter, timed=timed), *_about_columns(dataset))
    said = [(kind, text) for kind, text in found if kind not in dataset.silence]
    return [f"{text} (silence: data.silence=[{','.join([*dataset.silence, kind])}])" for kind, text in said]


def _about_splits(dataset: Dataset, splitter: Any, *, timed: bool) -> Iterator[tuple[str, str]]:
    kind = type(splitter).__name__
    shipped = type(splitter).__module__.startswith("sklearn.")
    if dataset.groups is not None and shipped and "Group" not in kind and kind != "PredefinedSplit":
        yield "groups", f"data.groups is set, and {kind} ignores groups: one may be on both sides. Add cv=group"
    if kind == "TimeSeriesSplit" and not timed and not _has_sorted_dates(dataset.X):
        yield (
            "time",
            "cv=timeseries takes the rows of a table as they stand, and nothing says that they are in time order."
            " Add data.time=COLUMN",
        )
    copies = int(dataset.X.assign(**_targets(dataset)).duplicated().sum())
    if copies > _MANY_COPIES * dataset.n_rows:
        yield (
            "copies",
            f"{copies} of {dataset.n_rows} rows of {dataset.name} repeat another one, target included: one may be"
            " trained on and its copy tested. Remove them, or keep them together: data.groups=COLUMN cv=group",
        )


def _targets(dataset: Dataset) -> dict[str, Any]:
    columns = dataset.y.reshape(dataset.n_rows, -1)
    return {f"target {i}": columns[:, i] for i in range(columns.shape[1])}


def _has_sorted_dates(X: Any) -> bool:
    dates = [X.iloc[:, i] for i in range(X.shape[1]) if str(X.dtypes.iloc[i]).startswith("datetime")]
    return any(column.is_monotonic_increasing for column in dates)


def _about_columns(dataset: Dataset) -> Iterator[tuple[str, str]]:
    names = dataset.feature_names
    distinct = [int(dataset.X.iloc[:, i].nunique(dropna=False)) for i in range(len(names))]
    constant = [name for name, count in zip(names, distinct, strict=True) if count == 1]
    if constant:
        yield "constant", f"{_columns(constant)} the same in every row of {dataset.name}. Leave out: {_drop(constant)}"
    unique = [
        name
        for i, (name, count) in enumerate(zip(names, distinct, strict=True))
        if count == dataset.n_rows > 1 and _may_be_an_id(dataset.X.iloc[:, i])
    ]
    if unique:
        yield (
            "ids",
            f"{_columns(unique)} different in every row of {dataset.name}, as an id is. Leave out: {_drop(unique)}",
        )
    if doubled := _doubled(dataset, but=constant):
        pairs = ", ".join(f"{second!r} is {first!r} again" for first, second in doubled[:_LISTED])
        yield "duplicated", f"In {dataset.name} {pairs}. Leave out: {_drop([second for _, second in doubled])}"
    leaks = list(_leaks(dataset, but={*constant, *unique}))
    if leaks:
        alone = ", ".join(f"{name!r} ({score:.3f})" for name, score in leaks[:_LISTED])
        yield (
            "leak",
            f"In {dataset.name} one column alone predicts {dataset.target_name!r} (score above {LEAK}): {alone}. If it"
            f" is not known before the target is, leave it out: {_drop([name for name, _ in leaks])}",
        )


def _columns(names: list[str]) -> str:
    listed = ", ".join(map(repr, names[:_LISTED])) + (", ..." if len(names) > _LISTED else "")
    return f"Column {listed} is" if len(names) == 1 else f"Columns {listed} are"


def _drop(names: list[str]) -> str:
    return f"data.drop=[{','.join(names[:_LISTED])}{',...' if len(names) > _LISTED else ''}]"


def _may_be_an_id(column: Any) -> bool:
    """Tell whether a column holds whole numbers without great gaps, or words; amounts and dates differ anyway."""
    kind = getattr(column.dtype, "kind", "O")
    if kind in "iu":
        return bool(np.ptp(column.to_numpy()) < 2 * len(column))
    if kind in "fbMm" or str(column.dtype).startswith(("datetime", "timedelta")):
        return False
    words = column.dropna().astype(str)
    return len(words) > 0 and not words.str.contains(r"\s").any()  # text of several words is a note, not an id


def _doubled(dataset: Dataset, *, but: list[str]) -> list[tuple[str, str]]:
    from pandas.util import hash_pandas_object

    first: dict[Any, str] = {}
    found = []
    for i, name in enumerate(dataset.feature_names):
        key = hash_pandas_object(dataset.X.iloc[:, i], index=False).to_numpy().tobytes() if name not in but else name
        if key in first:
            found.append((first[key], name))
        first.setdefault(key, name)
    return found


# -- leaks


def _leaks(dataset: Dataset, *, but: set[str]) -> Iterator[tuple[str, float]]:
    """Yield the columns that predict the target alone, with their scores: R2, or of classes balanced accuracy.

    The score is that of a small tree in two-fold cross-validation, for numbers also the squared correlation.
    """
    if dataset.y.ndim != 1 or len(dataset.feature_names) > _MOST_COLUMNS or missing(dataset.y).any():
        return
    rows = np.random.default_rng(0).permutation(dataset.n_rows)[:_MOST_ROWS]
    y, classes = dataset.y[rows], dataset.task == "classification"
    for i, name in enumerate(dataset.feature_names):
        if name not in but and (score := _score_alone(_codes(dataset.X.iloc[rows, i]), y, classes=classes)) > LEAK:
            yield name, score


def _codes(column: Any) -> Any:
    """Return a column as numbers: words by their place in the alphabet."""
    import pandas as pd

    if getattr(column.dtype, "kind", "O") in "iufb":
        return column.to_numpy(dtype=float)
    if str(column.dtype).startswith(("datetime", "timedelta")):
        return column.astype("int64").to_numpy(dtype=float)
    return pd.factorize(column.astype(str), sort=True)[0].astype(float)


def _score_alone(x: Any, y: Any, *, classes: bool) -> float:
    from sklearn.model_selection import cross_val_score
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    tree, scoring = (DecisionTreeClassifier, "balanced_accuracy") if classes else (DecisionTreeRegressor, "r2")
    x = np.nan_to_num(x, posinf=0.0, neginf=0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # classes with one member, say
        scores = cross_val_score(tree(random_state=0), x.reshape(-1, 1), y, cv=2, scoring=scoring, error_score=0.0)
        line = 0.0 if classes or np.ptp(x) == 0 else np.corrcoef(x, y)[0, 1] ** 2
    return float(max(np.nan_to_num(scores.mean()), np.nan_to_num(line)))
