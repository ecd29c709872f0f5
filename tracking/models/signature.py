"""Signatures: what a model takes and gives, inferred from examples. The module `mlflow.models.signature`.

Knows pandas and numpy by the look of their objects and imports neither before it is given one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tracking.errors import InvalidType
from tracking.types.inference import infer_schema, scalar_type
from tracking.types.schema import ParamSchema, ParamSpec, Schema
from tracking.validation import shorten


@dataclass(frozen=True, slots=True)
class ModelSignature:
    """What a model takes and gives, and the parameters of its `predict`; each may be unknown."""

    inputs: Schema | None = None
    outputs: Schema | None = None
    params: ParamSchema | None = None

    def to_dict(self) -> dict[str, str | None]:
        """Return the signature as MLmodel files have it: JSON texts."""
        parts = {"inputs": self.inputs, "outputs": self.outputs, "params": self.params}
        return {name: None if part is None else part.to_json() for name, part in parts.items()}

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> ModelSignature:
        """Read what an MLmodel file has. Raises InvalidValue."""
        given = {name: entry.get(name) or None for name in ("inputs", "outputs", "params")}
        return cls(
            None if given["inputs"] is None else Schema.from_json(given["inputs"]),
            None if given["outputs"] is None else Schema.from_json(given["outputs"]),
            None if given["params"] is None else ParamSchema.from_json(given["params"]),
        )


def infer_signature(
    model_input: Any = None, model_output: Any = None, params: Mapping[str, Any] | None = None
) -> ModelSignature:
    """Infer what a model takes and gives from examples: frames, arrays, sparse matrices, lists, dictionaries.

    A column that is no kind MLflow has a name for is of type `any`. Raises InvalidType for anything else.

    >>> infer_signature([1.0, 2.0]).to_dict()["inputs"]
    '[{"type": "double", "required": true}]'
    """
    return ModelSignature(
        None if model_input is None else infer_schema(model_input),
        None if model_output is None else infer_schema(model_output),
        None if params is None else ParamSchema([_param(name, value) for name, value in params.items()]),
    )


def _param(name: str, value: Any) -> ParamSpec:
    many = isinstance(value, list | tuple)
    kind = scalar_type(value[0] if many and value else value)
    if kind is None:
        raise InvalidType(
            f"Parameter {name!r} of a signature: {shorten(value)} is neither a plain value nor a list of them."
        )
    return ParamSpec(name, kind, list(value) if many else value, (-1,) if many else None)


def __getattr__(name: str) -> Any:
    from tracking.unavailable import missing

    raise missing(__name__, name)
