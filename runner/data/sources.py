"""Where data comes from: scikit-learn, made-up rows, a person's own function, or files (`tables`)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from runner.data.columns import Columns, divide, required
from runner.dotted import locate
from runner.errors import DataError
from runner.suggest import suggest


def read(config: Mapping[str, Any]) -> Columns:
    """Read what a resolved `data` section describes. Raises DataError."""
    limit = config.get("limit")
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise DataError(f"data.limit={limit}: a number of rows is 1 or more, and null is all of them.")
    source = config.get("source")
    if source is None:
        raise DataError("Every run needs data, and nothing is chosen. Choose: data=..., see --help")
    if source not in _READERS:
        known = ", ".join(sorted(_READERS))
        raise DataError(
            f"data.source is {source!r}.{suggest(str(source), _READERS)} Known: {known}. "
            "Your own data: data=csv, data=parquet or data=callable."
        )
    known_keys = sorted((*_COMMON, *_KEYS.get(source, ())))
    for key in config:
        if key not in known_keys:
            reads = f"data={source} reads no {key!r}.{suggest(key, known_keys)}"
            raise DataError(f"data.{key}={config[key]}: {reads} Its keys: {', '.join(known_keys)}.")
    return _READERS[source](config)


# -- scikit-learn's own


def _bundled(loader: str, target: str, task: str) -> Callable[[Mapping[str, Any]], Columns]:
    def read_bundled(config: Mapping[str, Any]) -> Columns:
        from sklearn import datasets

        load = getattr(datasets, loader)
        bunch = load()
        names = tuple(str(name) for name in bunch.feature_names)
        # the file of scikit-learn 1.6 has 4.803999999999999 where the later ones have 4.804
        raw = np.round(load(scaled=False).data, 6) if loader == "load_diabetes" else None
        return Columns(str(config["source"]), bunch.data, bunch.target, None, names, target, task, raw)

    return read_bundled


def _made_up_regression(config: Mapping[str, Any]) -> Columns:
    from sklearn.datasets import make_regression

    return _made_up(make_regression, config, ("noise",), "regression")


def _made_up_classes(config: Mapping[str, Any]) -> Columns:
    from sklearn.datasets import make_classification

    spare = int(config["n_features"]) - int(config["n_informative"])
    redundant = {"n_redundant": max(0, min(2, spare))}  # the default of 2 refuses small n_features
    return _made_up(make_classification, config, ("n_classes", "class_sep"), "classification", **redundant)


def _made_up(
    make: Callable[..., Any], config: Mapping[str, Any], knobs: tuple[str, ...], task: str, **fixed: Any
) -> Columns:
    keys = ("n_samples", "n_features", "n_informative", "random_state", *knobs)
    if config["n_informative"] > config["n_features"]:
        raise DataError(
            f"data.n_informative is {config['n_informative']}, of only {config['n_features']} columns: "
            f"add data.n_informative={config['n_features']} or fewer."
        )
    try:
        X, y = make(**{key: config[key] for key in keys}, **fixed)
    except (TypeError, ValueError) as error:
        raise DataError(f"data={config['source']} cannot be made: {error}") from error
    return Columns(str(config["source"]), X, y, None, _numbered(X), "y", task)


# -- a person's own function


def _callable(config: Mapping[str, Any]) -> Columns:
    path = str(required(config, "function", "data.function=my_package.load"))
    function = locate(path, f"data.function={path}", DataError)
    if not callable(function):
        raise DataError(f"data.function={path}: it is no function. Name one that returns (X, y) or a pandas frame.")
    try:
        result = function(**dict(config.get("kwargs") or {}))
    except Exception as error:  # a person's code may raise anything, and it is their data that is missing
        raise DataError(f"{path}() raised {type(error).__name__}: {error}") from error
    if hasattr(result, "iloc") and hasattr(result, "columns"):
        return divide(result, config, name=path.rsplit(".", 1)[-1], origin=f"{path}()")
    if hasattr(result, "data") and hasattr(result, "target"):  # scikit-learn's Bunch
        result = (result.data, result.target)
    if not isinstance(result, tuple) or len(result) not in (2, 3):
        raise DataError(
            f"{path}() returned {type(result).__name__}. It should return (X, y), (X, y, groups), "
            "or a pandas frame together with data.target=COLUMN."
        )
    given = [key for key in _OF_FRAMES if config.get(key)]
    if given:
        raise DataError(f"data.{given[0]} is for a frame, but {path}() returned {len(result)} arrays. Remove it.")
    return _from_parts(path, result, config.get("limit"))


def _from_parts(path: str, parts: tuple[Any, ...], limit: int | None) -> Columns:
    given, y, groups = (*parts, None)[:3]
    X: Any = given if hasattr(given, "iloc") or hasattr(given, "tocsr") else np.asarray(given)
    y_array = np.asarray(y)
    if y_array.ndim == 2 and y_array.shape[1] == 1:
        y_array = y_array[:, 0]
    if X.ndim != 2 or y_array.ndim not in (1, 2):
        raise DataError(
            f"{path}() returned X of shape {X.shape} and y of shape {y_array.shape}. "
            "X should be rows x columns, y one value per row, or one row of targets per row."
        )
    group_array = None if groups is None else np.asarray(groups)
    for what, part in (("y", y_array), ("groups", group_array)):
        if part is not None and len(part) != X.shape[0]:
            raise DataError(f"{path}() returned {X.shape[0]} rows of X but {len(part)} of {what}.")
    names = tuple(str(column) for column in X.columns) if hasattr(X, "columns") else _numbered(X)
    if hasattr(X, "columns"):
        from runner.data.values import plain

        X = plain(X.set_axis(list(names), axis=1))
    group_array = None if group_array is None else group_array[:limit]
    target = _target_name(y)
    return Columns(path.rsplit(".", 1)[-1], X[:limit], y_array[:limit], group_array, names, target)


def _target_name(y: Any) -> str:
    if hasattr(y, "columns"):
        return ", ".join(map(str, y.columns))
    return str(getattr(y, "name", None) or "y")


def _numbered(X: Any) -> tuple[str, ...]:
    return tuple(f"x{i}" for i in range(X.shape[1]))


def _file(config: Mapping[str, Any]) -> Columns:
    from runner.data.tables import find_files, read_files

    paths = find_files(config)
    return divide(read_files(paths, config), config, name=paths[0].stem, origin=str(config["path"]))


# -- a frame of the program that calls

_frames: dict[str, Any] = {}


def register_frame(frame: Any) -> str:
    """Keep a pandas frame for `data.frame`; return the name it has there, which tells its content."""
    from pandas.util import hash_pandas_object

    hashed = hash_pandas_object(frame, index=False).to_numpy().tobytes()
    names = json.dumps([[str(name), str(dtype)] for name, dtype in zip(frame.columns, frame.dtypes, strict=True)])
    name = hashlib.sha256(names.encode() + hashed).hexdigest()[:12]
    _frames[name] = frame.copy()
    return name


def _frame(config: Mapping[str, Any]) -> Columns:
    name = str(config.get("frame"))
    if name not in _frames:
        raise DataError(
            f"data.frame={name}: a frame is given from Python, and this program was given no such frame. "
            'Give it: runner.run([...], data=frame, target="COLUMN")'
        )
    return divide(_frames[name], config, name="frame", origin="the frame")


_READERS: dict[str, Callable[[Mapping[str, Any]], Columns]] = {
    "diabetes": _bundled("load_diabetes", "progression", "regression"),
    "breast_cancer": _bundled("load_breast_cancer", "benign", "classification"),
    "iris": _bundled("load_iris", "species", "classification"),
    "wine": _bundled("load_wine", "grower", "classification"),
    "digits": _bundled("load_digits", "digit", "classification"),
    "synthetic_regression": _made_up_regression,
    "synthetic_classification": _made_up_classes,
    "csv": _file,
    "parquet": _file,
    "callable": _callable,
    "frame": _frame,
}

TABLES = ("csv", "parquet", "callable", "frame")  # sources of a person's own data
_COMMON = ("source", "name", "task", "test", "test_seed")
_OF_FRAMES = ("target", "features", "drop", "groups", "time", "weights", "dtypes")
_TABLE = (*_OF_FRAMES, "limit", "missing_target", "silence")
_SIZES = ("n_samples", "n_features", "n_informative", "random_state")
_KEYS: dict[str, tuple[str, ...]] = {
    "synthetic_regression": (*_SIZES, "noise"),
    "synthetic_classification": (*_SIZES, "n_classes", "class_sep"),
    "csv": ("path", *_TABLE, "separator", "decimal", "encoding", "options"),
    "parquet": ("path", *_TABLE, "options"),
    "callable": ("function", "kwargs", *_TABLE),
    "frame": ("frame", *_TABLE),
}
