"""A frame -> features, target, groups and weights, by the names of its columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from runner.data.values import convert, in_order, plain, values
from runner.errors import DataError
from runner.suggest import suggest

if TYPE_CHECKING:  # pandas is imported where a table is read
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Columns:
    """Features, target, groups and weights as they were read; not yet checked."""

    name: str
    X: Any
    y: Any
    groups: Any | None
    feature_names: tuple[str, ...]
    target_name: str
    task: str | None = None  # None: to be told from the target
    raw: Any | None = None  # what X was computed from, where the last bits of X depend on who computes
    weights: Any | None = None  # how much each row counts
    notes: tuple[str, ...] = ()

    def take(self, rows: Any) -> Columns:
        """Return some of the rows, by number."""

        def cut(part: Any) -> Any:
            if hasattr(part, "iloc"):
                return part.iloc[rows].reset_index(drop=True)
            return None if part is None else part[rows]

        return replace(
            self,
            X=cut(self.X),
            y=cut(self.y),
            groups=cut(self.groups),
            raw=cut(self.raw),
            weights=cut(self.weights),
        )


def divide(frame: pd.DataFrame, config: Mapping[str, Any], *, name: str, origin: str) -> Columns:
    """Divide a frame into features, target, groups and weights, by the names in `config`. Raises DataError."""
    frame = with_text_names(frame)
    if len(frame) == 0:
        raise DataError(f"{origin} has the columns {_listed(frame.columns)}, but no rows.")
    if config.get("limit") is not None:
        frame = frame.head(int(config["limit"]))
    required(config, "target", f"data.target=COLUMN. Its columns: {_listed(frame.columns)}")
    targets = [_known(column, "data.target", frame, origin) for column in _names(config["target"])]
    groups, time, weights = (_one(config, key, frame, origin) for key in ("groups", "time", "weights"))
    features = _features(config, frame, origin, targets=targets, apart={*targets, groups, time, weights})
    for column in dtypes_of(config):
        _known(column, "data.dtypes", frame, origin)
    frame = convert(frame, dtypes_of(config))
    if time is not None:
        frame = in_order(frame, time)
    return Columns(
        name=name,
        X=plain(frame[features]),
        y=_target_values(frame, targets),
        groups=None if groups is None else values(frame[groups]),
        feature_names=tuple(features),
        target_name=", ".join(targets),
        weights=None if weights is None else values(frame[weights]),
    )


def _target_values(frame: pd.DataFrame, targets: list[str]) -> Any:
    """Return one value per row, or for several targets one row of them."""
    columns = [values(frame[target]) for target in targets]
    return columns[0] if len(columns) == 1 else np.column_stack(columns)


def _one(config: Mapping[str, Any], key: str, frame: pd.DataFrame, origin: str) -> str | None:
    column = config.get(key)
    if column is None:
        return None
    if not isinstance(column, str | int | float):
        raise DataError(f"data.{key}={column} should name one column of {origin}.")
    return _known(str(column), f"data.{key}", frame, origin)


def _known(column: str, asked: str, frame: pd.DataFrame, origin: str) -> str:
    if column in frame.columns:
        return column
    hint = suggest(column, frame.columns) or f" Its columns: {_listed(frame.columns)}."
    if len(frame.columns) == 1:
        marks = [mark for mark in (";", "\t", "|") if mark in str(frame.columns[0])]
        setting = separator_setting(marks[0] if marks else ";")
        hint += f" All of it is one column, so the separator is probably another: {setting}"
    raise DataError(f"{asked}={column}: {origin} has no column {column!r}.{hint}")


def _features(
    config: Mapping[str, Any], frame: pd.DataFrame, origin: str, *, targets: list[str], apart: set[str | None]
) -> list[str]:
    chosen, dropped = config.get("features"), _names(config.get("drop"))
    for column in dropped:
        _known(column, "data.drop", frame, origin)
    if chosen is not None:
        features = [_known(column, "data.features", frame, origin) for column in _names(chosen)]
        if own := [target for target in targets if target in features]:
            raise DataError(f"data.features names the target {own[0]!r}: it would predict itself.")
    else:
        features = [column for column in frame.columns if column not in apart]
    features = [column for column in dict.fromkeys(features) if column not in dropped]
    if not features:
        raise DataError(f"{origin} has no column left to predict from. Its columns: {_listed(frame.columns)}.")
    return features


def _names(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, list | tuple) else [str(value)]


def _listed(names: Iterable[Any], limit: int = 12) -> str:
    names = [str(name) for name in names]
    more = f", ... ({len(names)} in all)" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def dtypes_of(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the types that were asked for, by column."""
    return {str(column): str(dtype) for column, dtype in (config.get("dtypes") or {}).items()}


def with_text_names(frame: pd.DataFrame) -> pd.DataFrame:
    """Give every column a distinct text name."""
    names = [str(name) for name in frame.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"Two columns are named {twice[0]!r}. Column names have to differ: rename one.")
    return frame.set_axis(names, axis=1)


def separator_setting(mark: str) -> str:
    """Write the setting of a separator as a shell takes it."""
    spelled = "\\t" if mark == "\t" else mark
    return f"'data.separator=\"{spelled}\"'"


def required(config: Mapping[str, Any], key: str, example: str) -> Any:
    """Return `config[key]`, or say how to set it."""
    value = config.get(key)
    if value in (None, "", "???", []):
        raise DataError(f"data.{key} is not set, and data={config.get('source')} needs it: add {example}")
    return value
