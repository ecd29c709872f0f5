"""Data sets of frames and arrays, described: name, digest, columns, size, source."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from tracking.data.sources import DatasetSource, source_of
from tracking.entities import Dataset as DatasetEntity
from tracking.entities import DatasetInput, InputTag
from tracking.errors import InvalidType, InvalidValue
from tracking.inputs import CONTEXT
from tracking.types import Schema
from tracking.types.inference import infer_schema
from tracking.validation import shorten

if TYPE_CHECKING:
    import pandas as pd

_MOST_ROWS: Final = 10_000  # that a digest looks at, as MLflow's does: so both have one digest for the same data


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """What is recorded of a data set; made by `from_pandas` or `from_numpy`."""

    source: DatasetSource
    name: str = "dataset"
    digest: str

    @property
    def profile(self) -> dict[str, Any]:
        """Its size."""
        raise NotImplementedError

    def _schema_text(self) -> str | None:
        raise NotImplementedError

    def entity(self) -> DatasetEntity:
        """Return what is recorded."""
        return DatasetEntity(
            self.name,
            self.digest,
            self.source.kind,
            self.source.to_json(),
            self._schema_text(),
            json.dumps(self.profile),
        )

    def to_dict(self) -> dict[str, str | None]:
        """Return what is recorded, as plain data."""
        return dict(self.entity())

    def to_json(self) -> str:
        """Return what is recorded, as JSON."""
        return json.dumps(self.to_dict())


@dataclass(frozen=True, kw_only=True)
class PandasDataset(Dataset):
    """A frame; `targets` and `predictions` name columns of it."""

    df: pd.DataFrame = field(repr=False)
    targets: str | None = None
    predictions: str | None = None

    @property
    def profile(self) -> dict[str, Any]:
        """Rows, and cells in all."""
        return {"num_rows": len(self.df), "num_elements": int(self.df.size)}

    @cached_property
    def schema(self) -> Schema:
        """The columns and their types."""
        return infer_schema(self.df)

    def _schema_text(self) -> str | None:
        return json.dumps({"mlflow_colspec": self.schema.to_dict()})


@dataclass(frozen=True, kw_only=True)
class NumpyDataset(Dataset):
    """An array of features, or several by name, and of targets where there are any."""

    features: Any = field(repr=False)
    targets: Any = field(default=None, repr=False)

    @property
    def profile(self) -> dict[str, Any]:
        """Shapes, numbers of elements, and bytes."""
        given = {"features": self.features} | ({} if self.targets is None else {"targets": self.targets})
        return {
            f"{name}_{what}": _of_each(data, attrgetter(what))
            for name, data in given.items()
            for what in ("shape", "size", "nbytes")
        }

    def _schema_text(self) -> str | None:
        texts = [None if data is None else infer_schema(data).to_json() for data in (self.features, self.targets)]
        return json.dumps({"mlflow_tensorspec": dict(zip(("features", "targets"), texts, strict=True))})


def from_pandas(
    df: pd.DataFrame,
    source: Any = None,
    targets: str | None = None,
    name: str | None = None,
    digest: str | None = None,
    predictions: str | None = None,
) -> PandasDataset:
    """Describe a frame. `source` is a path or an address, by default this program; `targets` names a column.

    The digest is MLflow's: of all columns of numbers or texts, their names, the number of rows and the first 10,000.
    Raises InvalidType for what is no frame, InvalidValue for a column that is not there.
    """
    if not hasattr(df, "columns") or not hasattr(df, "iloc"):
        raise InvalidType(f"from_pandas takes a DataFrame, not {shorten(df)}. Arrays: from_numpy.")
    for what, column in (("targets", targets), ("predictions", predictions)):
        if column is not None and column not in df.columns:
            there = ", ".join(map(str, df.columns[:20]))
            raise InvalidValue(f"{what}={column!r} is no column of the frame. It has: {there}.")
    return PandasDataset(
        df=df,
        source=source_of(source),
        targets=targets,
        name=name or "dataset",
        digest=digest or _digest(_of_frame(df)),
        predictions=predictions,
    )


def from_numpy(
    features: Any, source: Any = None, targets: Any = None, name: str | None = None, digest: str | None = None
) -> NumpyDataset:
    """Describe an array of features, or a dictionary of them. `source` is as in `from_pandas`.

    The digest is MLflow's: of shapes and the first 10,000 elements. Raises InvalidType for what is no array.
    """
    for data in (features, targets):
        for array in data.values() if isinstance(data, Mapping) else () if data is None else (data,):
            if not hasattr(array, "dtype") or not hasattr(array, "nbytes") or hasattr(array, "iloc"):
                raise InvalidType(f"from_numpy takes arrays, not {shorten(array)}. Frames: from_pandas.")
    return NumpyDataset(
        features=features,
        source=source_of(source),
        targets=targets,
        name=name or "dataset",
        digest=digest or _digest(_of_arrays(features, targets)),
    )


def as_inputs(
    datasets: Sequence[Dataset],
    contexts: Sequence[str | None] | None = None,
    tags: Sequence[Mapping[str, str] | None] | None = None,
) -> list[DatasetInput]:
    """Return data sets as inputs of a run, with what they were for. Raises InvalidType, InvalidValue."""
    contexts, tags = contexts or [None] * len(datasets), tags or [None] * len(datasets)
    if not len(datasets) == len(contexts) == len(tags):
        raise InvalidValue(
            f"{len(datasets)} data sets, {len(contexts)} contexts and {len(tags)} tags: give one for each."
        )
    return [_as_input(*each) for each in zip(datasets, contexts, tags, strict=True)]


def _as_input(dataset: Dataset, context: str | None, tags: Mapping[str, str] | None) -> DatasetInput:
    if not isinstance(dataset, Dataset):
        raise InvalidType(
            f"A data set is what tracking.data.from_pandas or from_numpy returns, not {shorten(dataset)}."
        )
    named = {**(tags or {}), **({} if context is None else {CONTEXT: context})}
    return DatasetInput(dataset.entity(), [InputTag(key, str(value)) for key, value in named.items()])


def _of_each(data: Any, read: Callable[[Any], Any]) -> Any:
    return {key: read(array) for key, array in data.items()} if isinstance(data, Mapping) else read(data)


def _digest(parts: Iterator[bytes]) -> str:
    digest = hashlib.md5(usedforsecurity=False)  # MLflow's choice, and its length
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:8]


def _of_frame(frame: pd.DataFrame) -> Iterator[bytes]:
    import numpy as np
    import pandas as pd

    first = frame.head(_MOST_ROWS)
    texts = first.columns[[all(type(cell) is str for cell in first.iloc[:, n]) for n in range(first.shape[1])]]
    used = first[texts.union(first.select_dtypes("number").columns)]
    yield np.asarray(pd.util.hash_pandas_object(used)).tobytes()
    yield np.int64(len(frame)).tobytes()
    for column in frame.columns:
        yield str(column).encode()


def _of_arrays(*given: Any) -> Iterator[bytes]:
    import numpy as np
    import pandas as pd

    for data in given:
        for array in (
            [data[key] for key in sorted(data)] if isinstance(data, Mapping) else [] if data is None else [data]
        ):
            first = array.flatten()[:_MOST_ROWS]
            try:
                yield pd.util.hash_array(first).tobytes()
            except TypeError:  # of a kind that pandas has no hash of
                yield np.int64(first.size).tobytes()
            for length in array.shape:
                yield np.int64(length).tobytes()
