"""The fingerprint of data: the same for the same content, whichever numpy, pandas and scikit-learn read it.

`v2:` and a SHA-256 over the names and the columns, each by its kind and its values:

* numbers and yes/no: kind and width (`f8`, `i8`, `b1`), little-endian, every NaN alike;
* dates and spans of time: seconds, and what is left of a second, whatever unit a library keeps them in;
* text and everything else: JSON of the values, so that object and string columns are one kind; missing is null;
* categories: the values, the categories in their order, and whether they are ordered.

The diabetes data counts as it is before scikit-learn scales it, rounded: the last bits are another in each version.
Memory layout, byte order, the index and where the data came from do not count. Version 0.1.0 wrote `v1:`, a hash
of pickled arrays that changed with numpy and pandas; it is made again only to compare with what was recorded so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from runner.data.columns import Columns


def fingerprint(columns: Columns) -> str:
    """Hash the names and the content of features, target, groups and weights."""
    digest = hashlib.sha256()
    for part in (json.dumps([columns.feature_names, columns.target_name]).encode(), *_parts(columns)):
        digest.update(len(part).to_bytes(8, "little"))  # or two parts could be cut otherwise and hash the same
        digest.update(part)
    return f"v2:{digest.hexdigest()[:32]}"


def _parts(columns: Columns) -> Iterator[bytes | memoryview]:
    X = columns.X if columns.raw is None else columns.raw
    if hasattr(X, "iloc"):
        for i in range(X.shape[1]):
            yield from _column(X.iloc[:, i])
    elif hasattr(X, "tocsr"):
        rows = X.tocsr().copy()
        rows.sum_duplicates()  # and sorts: one matrix, one form
        yield f"sparse {rows.shape}".encode()
        for array in (rows.data, rows.indices.astype(np.int64), rows.indptr.astype(np.int64)):
            yield from _array(array)
    else:
        yield from _array(X)
    for array in (columns.y, columns.groups):
        yield from (b"none",) if array is None else _array(array)
    if columns.weights is not None:
        yield from (b"weights", *_array(columns.weights))


def _column(column: Any) -> Iterator[bytes | memoryview]:
    dtype = column.dtype
    if str(dtype) == "category":
        yield f"category, ordered: {column.cat.ordered}".encode()
        yield from _column(column.cat.categories.to_series())
        yield from _texts(column.astype(object).tolist())
    elif str(dtype).startswith("datetime64") and not isinstance(dtype, np.dtype):
        yield f"zone {dtype.tz}".encode()
        yield from _array(column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())
    elif isinstance(dtype, np.dtype):
        yield from _array(column.to_numpy())
    else:
        yield from _texts(column.astype(object).tolist())


def _array(array: Any) -> Iterator[bytes | memoryview]:
    array = np.asarray(array)
    kind = array.dtype.kind
    if array.ndim != 1:
        yield f"shape {array.shape}".encode()
    if kind in "Mm":
        yield {"M": b"date", "m": b"span"}[kind]
        whole = array.astype(f"{kind}8[s]")
        yield from (_bytes(whole.astype(np.int64)), _bytes((array - whole).astype("m8[ns]").astype(np.int64)))
    elif kind in "iufcb":
        yield f"{kind}{array.itemsize}".encode()
        if kind in "fc" and np.isnan(array).any():
            array = np.where(np.isnan(array), array.dtype.type(np.nan), array)
        yield _bytes(array.astype(array.dtype.newbyteorder("<"), copy=False))
    else:
        yield from _texts(array.ravel().tolist())


def _bytes(array: Any) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _texts(values: list[Any]) -> Iterator[bytes]:
    plain = [value if type(value) is str else _plain(value) for value in values]
    yield b"text" if all(value is None or type(value) is str for value in plain) else b"object"
    yield json.dumps(plain).encode()


def _plain(value: Any) -> Any:
    """Return what JSON keeps apart as Python does; None for whatever stands for a missing value."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        return str(value)
    if value is None or str(value) in ("<NA>", "NaT") or (isinstance(value, float) and value != value):  # noqa: PLR0124
        return None
    return value if isinstance(value, bool | int | float) else [type(value).__name__, str(value)]


# -- version 0.1.0 ---------------------------------------------------------------------------------


def fingerprint_v1(columns: Columns, dtypes: Mapping[str, str]) -> str:
    """Hash as version 0.1.0 did; equal to what it recorded only under the same numpy, pandas and joblib."""
    import joblib

    parts = [columns.feature_names, dict(dtypes), columns.target_name]
    parts += [_canonical(part) for part in (columns.X, columns.y, columns.groups)]
    return f"v1:{joblib.hash(parts)}"


def _canonical(part: Any) -> Any:
    if part is None:
        return None
    if hasattr(part, "iloc"):
        return [_canonical_column(part.iloc[:, i]) for i in range(part.shape[1])]
    if hasattr(part, "tocsr"):
        rows = part.tocsr()
        return [rows.shape, rows.data, rows.indices, rows.indptr]
    return np.ascontiguousarray(part)


def _canonical_column(column: Any) -> Any:
    if isinstance(column.dtype, np.dtype) and column.dtype.kind != "O":
        return np.ascontiguousarray(column.to_numpy())
    from pandas.util import hash_pandas_object

    return hash_pandas_object(column.astype(object), index=False).to_numpy()
