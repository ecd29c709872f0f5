"""The values of a table: asked-for types, order in time, and forms that every estimator takes."""

import re
import warnings
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Literal

import numpy as np

from runner.errors import DataError

TEXT = frozenset({"str", "string", "text", "object"})
_DATES = frozenset({"date", "datetime", "time", "timestamp"})
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]|$)")
_ZONE = re.compile(r"T?\d{2}:\d{2}.*(?:Z|[+-]\d{2}:?\d{2})$")


def convert(frame: Any, dtypes: Mapping[str, str]) -> Any:
    """Give columns the types that were asked for; names the first value that does not fit."""
    converted = {}
    for column, dtype in dtypes.items():
        converted[column] = _converted(frame[column], dtype, column)
        if getattr(converted[column].dtype, "kind", "") == "c":
            raise DataError(f"data.dtypes.{column}={dtype}: nothing is fitted on complex numbers. Use float.")
    return frame.assign(**converted) if converted else frame


def _converted(column: Any, dtype: str, name: str) -> Any:

    try:
        if dtype in _DATES:
            return _dates(column)
        return column.astype("str" if dtype in TEXT else dtype)
    except TypeError as error:
        if "not understood" not in str(error):
            raise DataError(_unfit(column, dtype, name)) from error
        known = "str, category, int, float, bool, datetime"
        raise DataError(f"data.dtypes.{name}={dtype} is not a type. Known: {known}.") from error
    except (ValueError, OverflowError) as error:
        raise DataError(_unfit(column, dtype, name)) from error


def _unfit(column: Any, dtype: str, name: str) -> str:
    import pandas as pd

    if column.isna().any() and dtype.startswith(("int", "bool", "uint")):
        return f"data.dtypes.{name}={dtype} does not fit: {column.isna().sum()} values are missing. Use float."
    parsed = _dates(column, errors="coerce") if dtype in _DATES else pd.to_numeric(column, errors="coerce")
    odd = column[parsed.isna() & column.notna()]
    example = f" {len(odd)} values are something else, e.g. {odd.iloc[0]!r}." if len(odd) else ""
    return f"data.dtypes.{name}={dtype} does not fit column {name!r}.{example}"


def _dates(column: Any, *, errors: Literal["raise", "coerce"] = "raise") -> Any:
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that no one format fits all values is ours to say
        return pd.to_datetime(column, errors=errors)


def with_dates(frame: Any, *, but: Mapping[str, str]) -> Any:
    """Turn text columns that hold nothing but ISO dates (2024-05-31, with or without a time) into dates."""
    import pandas as pd

    found = {}
    for name in frame.columns:
        column = frame[name]
        if name in but or pd.api.types.is_numeric_dtype(column.dtype) or column.notna().sum() == 0:
            continue
        first = column[column.notna()].iloc[0]
        if isinstance(first, str) and _ISO_DATE.match(first):
            zones = bool(column.astype(str).str.contains(_ZONE).any())  # of several zones only UTC makes one type
            with suppress(ValueError):
                found[name] = pd.to_datetime(column, format="ISO8601", utc=zones)
    return frame.assign(**found) if found else frame


def in_order(frame: Any, time: str) -> Any:
    """Sort rows by the column `time`; rows of the same time keep their order."""
    import pandas as pd

    order = frame[time]
    if not (pd.api.types.is_numeric_dtype(order) or pd.api.types.is_datetime64_any_dtype(order)):
        try:
            order = _dates(order)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"data.time={time} cannot put the rows in order: {_unfit(order, 'datetime', time)} "
                "It has to hold numbers or dates."
            ) from error
    if order.isna().any():
        raise DataError(f"data.time={time}: {order.isna().sum()} rows have no time. Remove them, or give them one.")
    rows = order.reset_index(drop=True).sort_values(kind="stable").index
    return frame.iloc[rows].reset_index(drop=True)


def plain(frame: Any) -> Any:
    """Turn nullable numbers, decimals and dates kept as objects into numpy's types, and forget the index."""
    import pandas as pd

    changed = {}
    for name in frame.columns:
        column = frame[name]
        if column.dtype == object:
            kind = pd.api.types.infer_dtype(column, skipna=True)
            if kind in ("date", "datetime"):
                changed[name] = pd.to_datetime(column)
            elif kind == "decimal":
                changed[name] = column.astype("float64")
        elif not isinstance(column.dtype, np.dtype) and pd.api.types.is_numeric_dtype(column.dtype):
            changed[name] = _nullable(column)
    return (frame.assign(**changed) if changed else frame).reset_index(drop=True)


def _nullable(column: Any) -> Any:
    import pandas as pd

    if pd.api.types.is_bool_dtype(column.dtype):
        return column.astype(object).where(column.notna(), None) if column.isna().any() else column.astype(bool)
    return column.astype("float64") if column.isna().any() else column.astype(column.dtype.numpy_dtype)


def values(column: Any) -> Any:
    """Return one column as a numpy array: numbers, dates, yes/no, or text; missing text is None."""
    import pandas as pd

    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iufbM":
        return column.to_numpy()
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        return _nullable(column).to_numpy()
    missing = column.isna()
    if missing.any():
        return column.astype(object).where(~missing, None).to_numpy()
    if pd.api.types.is_bool_dtype(column.dtype):
        return column.to_numpy(dtype=bool)
    present = column.astype(object)
    if present.map(lambda value: isinstance(value, str)).all():
        return np.array(present.tolist(), dtype=np.str_)  # fixed width: can be shared by memory map
    return present.to_numpy()
