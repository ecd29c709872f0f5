"""What a search asks, as plain data: conditions, columns to sort by, and the names that may be asked for.

`query` makes these from text; a store turns them into whatever it is searched with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Value = str | int | float


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison; `value` is a tuple for IN and None for IS NULL."""

    kind: str
    key: str
    operator: str
    value: Value | tuple[Value, ...] | None


@dataclass(frozen=True, slots=True)
class Not:
    """What does not satisfy the operand."""

    operand: Condition


@dataclass(frozen=True, slots=True)
class Both:
    """What satisfies all operands."""

    operands: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """What satisfies at least one operand."""

    operands: tuple[Condition, ...]


Condition = Comparison | Not | Both | Either


@dataclass(frozen=True, slots=True)
class Order:
    """One column to sort by."""

    kind: str
    key: str
    ascending: bool


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What may be asked of one sort of thing: prefixes to kinds, and names of attributes to their type."""

    kinds: Mapping[str, str]
    attributes: Mapping[str, str]
    aliases: Mapping[str, str]
    orderable: tuple[str, ...]


RUNS = Vocabulary(
    kinds={
        "metric": "metric",
        "metrics": "metric",
        "param": "param",
        "params": "param",
        "parameter": "param",
        "parameters": "param",
        "tag": "tag",
        "tags": "tag",
        "attribute": "attribute",
        "attributes": "attribute",
        "attr": "attribute",
        "run": "attribute",
        "dataset": "dataset",
        "datasets": "dataset",
    },
    attributes={
        "run_id": "text",
        "run_name": "text",
        "user_id": "text",
        "status": "text",
        "artifact_uri": "text",
        "start_time": "number",
        "end_time": "number",
        "recorded": "number",  # beyond MLflow: numbers the runs as they were recorded, several in a millisecond
    },
    aliases={
        "run name": "run_name",
        "Run name": "run_name",
        "Run Name": "run_name",
        "created": "start_time",
        "Created": "start_time",
    },
    orderable=("attribute", "metric", "param", "tag"),
)
EXPERIMENTS = Vocabulary(
    kinds={
        "attribute": "attribute",
        "attributes": "attribute",
        "attr": "attribute",
        "tag": "tag",
        "tags": "tag",
    },
    attributes={
        "name": "text",
        "experiment_id": "id",
        "creation_time": "number",
        "last_update_time": "number",
    },
    aliases={},
    orderable=("attribute",),
)
