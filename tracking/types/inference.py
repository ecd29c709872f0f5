"""Schemas inferred from examples.

Knows pandas and numpy by the look of their objects and imports neither.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from tracking.errors import InvalidType
from tracking.types.schema import ColSpec, DataType, Schema, TensorSpec
from tracking.validation import shorten


def infer_schema(data: Any) -> Schema:
    """Infer the columns or tensors of one example. Raises InvalidType."""
    if hasattr(data, "columns") and hasattr(data, "iloc"):
        return Schema([_column(data.iloc[:, number], name) for number, name in enumerate(data.columns)])
    if hasattr(data, "iloc"):
        return Schema([_column(data, data.name)])
    if hasattr(data, "dtype") and hasattr(data, "shape"):
        return Schema([_tensor(data)])
    if isinstance(data, Mapping):
        if data and all(hasattr(value, "shape") for value in data.values()):
            return Schema([_tensor(value, str(name)) for name, value in data.items()])
        return Schema([ColSpec(_type_of(value), name) for name, value in data.items()])
    if isinstance(data, list) and data:
        kinds = [_type_of(value) for value in data]
        same = all(one == other for one, other in pairwise(kinds))
        return Schema([ColSpec(kinds[0] if same else DataType.any)])
    if scalar_type(data) is not None:
        return Schema([ColSpec(_type_of(data))])
    raise InvalidType(
        f"No signature can be inferred from {shorten(data)} of type {type(data).__name__}. "
        "Give a frame, an array, a list or a dictionary."
    )


def _tensor(data: Any, name: str | None = None) -> TensorSpec:
    dtype = data.dtype.type.__name__.rstrip("_") if data.dtype.kind in "US" else data.dtype
    return TensorSpec(dtype, (-1, *data.shape[1:]) if data.ndim else (-1,), name)


_KINDS: Final = {
    **{"bool": DataType.boolean, "boolean": DataType.boolean},
    **dict.fromkeys(("int8", "int16", "int32", "uint8", "uint16"), DataType.integer),
    **dict.fromkeys(("int64", "uint32"), DataType.long),
    **dict.fromkeys(("float16", "float32"), DataType.float),
    "float64": DataType.double,
    **dict.fromkeys(("str", "string"), DataType.string),
}


def _column(column: Any, name: Any) -> ColSpec:
    missing = bool(column.isna().any())
    return ColSpec(_column_type(column), name, not missing)


def _column_type(column: Any) -> str:
    dtype = column.dtype
    if hasattr(dtype, "categories"):
        dtype = dtype.categories.dtype
    text = str(dtype).lower().split("[")[0]
    if text == "object":
        kinds = {scalar_type(value) for value in column.dropna().tolist()}
        (kind,) = kinds if len(kinds) == 1 else (None,)
        return kind or DataType.any
    if getattr(dtype, "kind", "") == "M":
        return DataType.datetime
    return _KINDS.get(text, DataType.any)


def _type_of(value: Any) -> str | dict[str, Any]:
    if isinstance(value, list | tuple) or (getattr(value, "ndim", 0) == 1 and hasattr(value, "tolist")):
        kinds = {str(kind): kind for kind in map(_type_of, value)}
        items = next(iter(kinds.values())) if len(kinds) == 1 else DataType.any
        return {"type": "array", "items": {"type": str(items)} if isinstance(items, str) else items}
    return scalar_type(value) or DataType.any


_SCALARS: Final[Sequence[tuple[type, DataType]]] = (
    (bool, DataType.boolean),
    (int, DataType.long),
    (float, DataType.double),
    (str, DataType.string),
    (bytes, DataType.binary),
    (datetime.date, DataType.datetime),
)


def scalar_type(value: Any) -> DataType | None:
    """Return the type of a plain value, None for what is none."""
    if hasattr(value, "dtype") and getattr(value, "ndim", 1) == 0 and value.dtype.kind != "M":
        return _KINDS.get(str(value.dtype))
    return next((kind for python, kind in _SCALARS if isinstance(value, python)), None)
