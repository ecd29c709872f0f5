"""Datasets: loaded once per process, described, and fingerprinted by content.

`sources` and `tables` read; `checks` says what cannot be fitted. No Hydra and no store.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from runner.data.columns import Columns
from runner.data.fingerprints import fingerprint, fingerprint_v1
from runner.data.rows import hold_out, without_missing_target
from runner.data.sources import TABLES, read
from runner.data.tables import find_files
from runner.errors import DataError

__all__ = ["Dataset", "load", "load_held_out"]

_KEEP = 8  # datasets a sweep over data=a,b,... may come back to

_loaded: dict[str, "Dataset"] = {}

MOST_CLASSES = 20  # so many whole numbers are more likely classes than amounts


@dataclass(frozen=True, eq=False)
class Dataset:
    """What an estimator is fitted on, and how to recognise it again."""

    name: str
    X: Any  # a numpy array, a pandas frame or a scipy sparse matrix; n_rows x n_columns
    y: Any  # a numpy array, n_rows; n_rows x n_targets for several targets
    groups: Any | None  # a numpy array, n_rows: the rows that belong together
    feature_names: tuple[str, ...]
    dtypes: Mapping[str, str] = field(repr=False)  # column -> numpy's or pandas' name
    target_name: str
    task: str  # "regression" or "classification"
    fingerprint: str  # of the names and content: see `runner.data.fingerprints`
    weights: Any | None = None  # a numpy array, n_rows: how much each row counts
    notes: tuple[str, ...] = ()  # what reading left out
    silence: tuple[str, ...] | None = None  # kinds of notes not to make; None: none is made

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.X.shape[0])

    @property
    def n_columns(self) -> int:
        """Number of feature columns."""
        return int(self.X.shape[1])

    @property
    def shape(self) -> str:
        """Rows and columns as text, `442x10`."""
        return f"{self.n_rows}x{self.n_columns}"

    def fingerprint_as(self, recorded: str) -> str:
        """Return the fingerprint of this data in the version of a recorded one, so that the two can be compared.

        Equal ones of version 1 are the same data. Different ones may be the same data too, where other versions
        of numpy, pandas or joblib made them.
        """
        if not recorded.startswith("v1:"):
            return self.fingerprint
        columns = Columns(self.name, self.X, self.y, self.groups, self.feature_names, self.target_name)
        return fingerprint_v1(columns, self.dtypes)


def load(config: Mapping[str, Any]) -> Dataset:
    """Load the dataset that a resolved `data` section describes; a second call returns the same object.

    The rows that `data.test` holds out are not among its rows. A file that has changed since is read again.
    Raises DataError.
    """
    key = json.dumps([dict(config), _stamps(config)], sort_keys=True, default=repr)
    if key not in _loaded:
        dataset = _describe(_read(config)[0], config)
        while len(_loaded) >= _KEEP:
            del _loaded[next(iter(_loaded))]
        _loaded[key] = dataset
    return _loaded[key]


def load_held_out(config: Mapping[str, Any]) -> Dataset:
    """Load the rows that `data.test` of a resolved `data` section holds out. Raises DataError."""
    _, held_out = _read(config)
    if held_out is None:
        raise DataError("data.test is not set: no rows were held out. Sweep with data.test=0.2, or a second file.")
    return _describe(held_out, config)


def _read(config: Mapping[str, Any]) -> tuple[Columns, Columns | None]:
    def read_rows(section: Mapping[str, Any]) -> Columns:
        columns = read(section)
        return without_missing_target(columns) if config.get("missing_target") == "drop" else columns

    columns = read_rows(config)
    test = config.get("test")
    if test is None:
        return columns, None
    if isinstance(test, str):
        if "path" not in config:
            raise DataError(f"data.test={test}: data={config['source']} is no file. Give a share: data.test=0.2")
        features = list(columns.feature_names)
        other = {"path": test, "features": features, "drop": [], "limit": None, "test": None}
        return columns, read_rows({**config, **other})
    classes = (config.get("task") or columns.task or _task(columns.y)) == "classification"
    seed = int(config.get("test_seed") or 0)
    return hold_out(columns, test, seed=seed, classes=classes, in_time=bool(config.get("time")))


def _stamps(config: Mapping[str, Any]) -> list[tuple[str, int, int]]:
    if config.get("source") not in ("csv", "parquet"):
        return []
    stats = [(path, path.stat()) for path in find_files(config)]
    return [(str(Path(path).resolve()), stat.st_mtime_ns, stat.st_size) for path, stat in stats]


def _describe(columns: Columns, config: Mapping[str, Any]) -> Dataset:
    return Dataset(
        name=str(config.get("name") or columns.name),
        X=columns.X,
        y=columns.y,
        groups=columns.groups,
        feature_names=columns.feature_names,
        dtypes=_dtypes(columns),
        target_name=columns.target_name,
        task=str(config.get("task") or columns.task or _task(columns.y)),
        fingerprint=fingerprint(columns),
        weights=columns.weights,
        notes=columns.notes,
        silence=tuple(config.get("silence") or ()) if config.get("source") in TABLES else None,
    )


def _dtypes(columns: Columns) -> dict[str, str]:
    if hasattr(columns.X, "dtypes"):
        return {name: str(dtype) for name, dtype in zip(columns.feature_names, columns.X.dtypes, strict=True)}
    return dict.fromkeys(columns.feature_names, str(columns.X.dtype))


def _task(y: Any) -> str:
    """Guess what a target asks for: text, yes/no and a handful of whole numbers are classes."""
    if y.dtype.kind not in "iuf":
        return "classification"
    distinct = np.unique(y)
    whole = y.dtype.kind in "iu" or bool(np.all(distinct == np.round(distinct)))
    return "classification" if whole and len(distinct) <= min(MOST_CLASSES, len(y) // 5) else "regression"
