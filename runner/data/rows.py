"""Which rows take part: without those that lack a target, and without those held out for the end."""

from __future__ import annotations

from typing import Any

import numpy as np

from runner.data.columns import Columns
from runner.errors import DataError


def missing(values: Any) -> Any:
    """Tell of each row whether a value is missing; one row of a 2-d array is missing if any of its values is."""
    if values.ndim == 2:
        return np.any([missing(values[:, i]) for i in range(values.shape[1])], axis=0)
    if values.dtype.kind in "fc":
        return ~np.isfinite(values)
    if values.dtype.kind in "Mm":
        return np.isnat(values)
    if values.dtype.kind == "O":
        return np.array([value is None or value != value for value in values])  # noqa: PLR0124 - NaN
    return np.zeros(len(values), dtype=bool)


def without_missing_target(columns: Columns) -> Columns:
    """Leave out the rows without a target, and note how many. Raises DataError when none is left."""
    odd = missing(columns.y)
    count = int(odd.sum())
    if not count:
        return columns
    if count == len(odd):
        raise DataError(f"The target {columns.target_name!r} of {columns.name} is missing in all {count} rows.")
    left = columns.take(np.flatnonzero(~odd))
    if left.y.dtype.kind == "O":  # it was so only to hold None
        left = Columns(**{**vars(left), "y": np.array(left.y.tolist())})
    note = (
        f"{count} of {len(odd)} rows of {columns.name} have no {columns.target_name} and are left out"
        " (data.missing_target=drop)"
    )
    return Columns(**{**vars(left), "notes": (*columns.notes, note)})


def hold_out(columns: Columns, size: float, *, seed: int, classes: bool, in_time: bool) -> tuple[Columns, Columns]:
    """Divide rows into those to select by and those held out: a share below 1, or a number of rows.

    Rows in time keep the last; groups stay together; classes keep their proportion. The order of rows stays.
    Raises DataError.
    """
    try:
        if in_time:
            train, test = _last(len(columns.y), size)
        else:
            train, test = _drawn(columns, size, seed=seed, classes=classes)
    except ValueError as error:
        raise DataError(f"data.test={size}: {error}") from error
    return columns.take(np.sort(train)), columns.take(np.sort(test))


def _last(rows: int, size: float) -> tuple[Any, Any]:
    from sklearn.model_selection import train_test_split

    train, test = train_test_split(np.arange(rows), test_size=size, shuffle=False)
    return train, test


def _drawn(columns: Columns, size: float, *, seed: int, classes: bool) -> tuple[Any, Any]:
    from sklearn.model_selection import GroupShuffleSplit, train_test_split

    rows, y = np.arange(len(columns.y)), columns.y
    if columns.groups is not None:
        splitter = GroupShuffleSplit(n_splits=1, test_size=size, random_state=seed)
        return next(splitter.split(rows, y, columns.groups))  # type: ignore[no-any-return]
    proportional = classes and y.ndim == 1 and not missing(y).any() and np.unique(y, return_counts=True)[1].min() > 1
    train, test = train_test_split(rows, test_size=size, random_state=seed, stratify=y if proportional else None)
    return train, test
