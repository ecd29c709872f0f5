"""The columns and types that a run's model was trained on, and new data brought to them or refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from tracking.entities import Run
from tracking.errors import InvalidValue
from tracking.records.names import DATA_DTYPES, DATA_FEATURES

if TYPE_CHECKING:
    import pandas as pd

TEXT = ("object", "str", "string", "category")


def read_signature(run: Run) -> dict[str, str] | None:
    """Return the type of each column that the run's model was trained on, in their order; None where unknown."""
    try:
        names = json.loads(run.data.tags.get(DATA_FEATURES, ""))
        types = json.loads(run.data.tags.get(DATA_DTYPES, ""))
    except ValueError:
        return None
    if not isinstance(names, list):
        return None  # so many columns that the tags do not hold them
    return {str(name): str(types.get(name, "")) for name in names}


def conform(frame: pd.DataFrame, signature: Mapping[str, str], *, origin: str) -> pd.DataFrame:
    """Return the columns of the training data, in their order and types; what else there is is left out.

    Raises InvalidValue naming the column that is missing, or the first value that has another type.
    """
    missing = [name for name in signature if name not in frame.columns]
    if missing:
        raise InvalidValue(_explain_missing(missing, [str(name) for name in frame.columns], origin))
    converted = {name: _as_trained(frame[name], dtype, origin) for name, dtype in signature.items()}
    return frame[list(signature)].assign(**converted)


def _explain_missing(missing: list[str], there: list[str], origin: str) -> str:
    near = get_close_matches(missing[0], there, n=1)
    hint = f" Nearest to {missing[0]!r}: {near[0]!r}." if near else f" It has: {', '.join(there[:12])}."
    count = f"{len(missing)} columns that the model was trained on" if len(missing) > 1 else "a column of the training"
    return f"{origin} lacks {count}: {', '.join(missing[:12])}.{hint}"


def _as_trained(column: Any, dtype: str, origin: str) -> Any:
    import pandas as pd

    if dtype in TEXT:
        text = column.where(column.isna(), column.map(str)) if pd.api.types.is_numeric_dtype(column.dtype) else column
        return text.astype("category") if dtype == "category" else text
    if dtype.startswith("bool"):
        return _checked(column, column if pd.api.types.is_bool_dtype(column.dtype) else None, "true or false", origin)
    if dtype.startswith("datetime"):
        return _checked(column, pd.to_datetime(column, errors="coerce", utc="," in dtype), "dates", origin)
    if dtype.startswith("timedelta"):
        return _checked(column, pd.to_timedelta(column, errors="coerce"), "durations", origin)
    numbers = pd.to_numeric(column, errors="coerce")
    return _checked(column, numbers.astype("float64") if dtype.startswith("float") else numbers, "numbers", origin)


def _checked(column: Any, converted: Any | None, what: str, origin: str) -> Any:
    """Return the converted column; raise InvalidValue where a value that is there became none."""
    odd = column.notna() if converted is None else converted.isna() & column.notna()
    if not odd.any():
        return column if converted is None else converted
    first = odd.to_numpy().argmax()
    raise InvalidValue(
        f"{origin}: column {column.name!r} held {what} when the model was trained; row {first + 1} has"
        f" {column.iloc[first]!r}{f' ({odd.sum()} rows in all)' if odd.sum() > 1 else ''}."
    )
