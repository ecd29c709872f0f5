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
        train, test = draw(columns.y, columns.groups, size, seed=seed, classes=classes, in_time=in_time)
    except ValueError as error:
        raise DataError(f"data.test={size}: {error}") from error
    return columns.take(np.sort(train)), columns.take(np.sort(test))


def draw(y: Any, groups: Any, size: float, *, seed: int, classes: bool, in_time: bool) -> tuple[Any, Any]:
    """Draw the numbers of `size` rows to hold back, as scikit-learn does; return the others, and these.

    `y` is (n_rows,) or (n_rows, n_targets), `groups` (n_rows,) or None. Raises ValueError.
    """
    from sklearn.model_selection import GroupShuffleSplit, train_test_split

    rows = np.arange(len(y))
    if in_time:
        train, test = train_test_split(rows, test_size=size, shuffle=False)
        return train, test
    if groups is not None:
        splitter = GroupShuffleSplit(n_splits=1, test_size=size, random_state=seed)
        return next(splitter.split(rows, y, groups))  # type: ignore[no-any-return]
    proportional = classes and y.ndim == 1 and not missing(y).any() and np.unique(y, return_counts=True)[1].min() > 1
    train, test = train_test_split(rows, test_size=size, random_state=seed, stratify=y if proportional else None)
    return train, test
