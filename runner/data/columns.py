"""What reading data gives, whatever the source."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner.errors import DataError


@dataclass(frozen=True, eq=False)
class Columns:
    """Features, target and groups as they were read; not yet checked."""

    name: str
    X: Any
    y: Any
    groups: Any | None
    feature_names: tuple[str, ...]
    target_name: str
    task: str | None = None  # None: to be told from the target


def required(config: Mapping[str, Any], key: str, example: str) -> Any:
    """Return `config[key]`, or say how to set it."""
    value = config.get(key)
    if value in (None, "", "???"):
        raise DataError(f"data.{key} is not set, and data={config.get('source')} needs it: add {example}")
    return value
