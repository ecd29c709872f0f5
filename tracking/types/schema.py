"""Schemas: what columns or tensors a model takes or gives, and their JSON in an MLmodel file.

The names, and the form of the JSON, are those of `mlflow.types.schema`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tracking.errors import InvalidValue
from tracking.validation import shorten


class DataType(StrEnum):
    """The type of the values of a column."""

    boolean = "boolean"
    integer = "integer"  # 32 bits
    long = "long"  # 64 bits
    float = "float"  # 32 bits
    double = "double"  # 64 bits
    string = "string"
    binary = "binary"
    datetime = "datetime"
    any = "any"


@dataclass(frozen=True, slots=True)
class ColSpec:
    """One column; `type` is a DataType, or the JSON of a nested one: {"type": "array", "items": ...}."""

    type: str | Mapping[str, Any]
    name: str | int | None = None
    required: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.type, str):
            object.__setattr__(self, "type", _data_type(self.type))

    def to_dict(self) -> dict[str, Any]:
        """Return the column as MLmodel files have it."""
        nested = {"type": str(self.type)} if isinstance(self.type, str) else dict(self.type)
        named = {} if self.name is None else {"name": self.name}
        return {**nested, **named, "required": self.required}


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One array: a numpy type and a shape, in which -1 is any number of rows."""

    type: Any
    shape: Sequence[int]
    name: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "type", getattr(self.type, "name", str(self.type)))

    def to_dict(self) -> dict[str, Any]:
        """Return the array as MLmodel files have it."""
        spec = {"dtype": self.type, "shape": list(self.shape)}
        named = {} if self.name is None else {"name": self.name}
        return {"type": "tensor", "tensor-spec": spec, **named}


@dataclass(frozen=True, slots=True)
class Schema:
    """Columns, all with names or none; or tensors."""

    inputs: Sequence[ColSpec | TensorSpec]

    def __iter__(self) -> Iterator[ColSpec | TensorSpec]:
        return iter(self.inputs)

    def __len__(self) -> int:
        return len(self.inputs)

    def input_names(self) -> list[Any]:
        """Return the names, or the positions where there are none."""
        return [number if spec.name is None else spec.name for number, spec in enumerate(self.inputs)]

    def has_input_names(self) -> bool:
        """Tell whether the columns or tensors have names."""
        return bool(self.inputs) and self.inputs[0].name is not None

    def is_tensor_spec(self) -> bool:
        """Tell whether these are tensors."""
        return bool(self.inputs) and isinstance(self.inputs[0], TensorSpec)

    def to_dict(self) -> list[dict[str, Any]]:
        """Return every column or tensor as a dictionary."""
        return [spec.to_dict() for spec in self.inputs]

    def to_json(self) -> str:
        """Return the text that stands in an MLmodel file."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str) -> Schema:
        """Read the text of an MLmodel file. Raises InvalidValue."""
        try:
            return cls([_spec(entry) for entry in json.loads(text)])
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            raise InvalidValue(f"{shorten(text)} is not a schema of a model: {problem}.") from problem


@dataclass(frozen=True, slots=True)
class ParamSpec:
    """A parameter of `predict`, and its value unless another is given."""

    name: str
    dtype: str
    default: Any
    shape: Sequence[int] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the parameter as MLmodel files have it."""
        return {"name": self.name, "default": self.default, "shape": self.shape, "type": str(self.dtype)}


@dataclass(frozen=True, slots=True)
class ParamSchema:
    """The parameters of `predict`."""

    params: Sequence[ParamSpec]

    def __iter__(self) -> Iterator[ParamSpec]:
        return iter(self.params)

    def to_json(self) -> str:
        """Return the text that stands in an MLmodel file."""
        return json.dumps([spec.to_dict() for spec in self.params])

    @classmethod
    def from_json(cls, text: str) -> ParamSchema:
        """Read the text of an MLmodel file. Raises InvalidValue."""
        try:
            entries = json.loads(text)
            return cls([ParamSpec(e["name"], e["type"], e.get("default"), e.get("shape")) for e in entries])
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            raise InvalidValue(f"{shorten(text)} is not a schema of parameters: {problem}.") from problem


def _spec(entry: Mapping[str, Any]) -> ColSpec | TensorSpec:
    if entry["type"] == "tensor":
        inner = entry["tensor-spec"]
        return TensorSpec(inner["dtype"], tuple(inner["shape"]), entry.get("name"))
    rest = {key: value for key, value in entry.items() if key not in ("name", "required")}
    kind = entry["type"] if len(rest) == 1 else rest
    return ColSpec(kind, entry.get("name"), entry.get("required", not entry.get("optional", False)))


def _data_type(name: str) -> DataType:
    try:
        return DataType(name)
    except ValueError:
        raise InvalidValue(f"Unknown type of a column {name!r}. Known: {', '.join(DataType)}.") from None
