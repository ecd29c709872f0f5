"""Flavours: how a kind of model is written to a file, read back, and named in an MLmodel file.

The file formats and the entries are those that MLflow's flavours of the same names write and read. The libraries
are imported when a model of theirs is written or read.
"""

from __future__ import annotations

import pickle
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from tracking.errors import ArtifactError, ArtifactNotFound, InvalidType, InvalidValue
from tracking.models.python_model import (
    ARTIFACTS,
    FILE,
    LOADER,
    FunctionModel,
    artifact_entries,
    artifact_writer,
    cloudpickle_module,
    dumped,
    load_python_model,
)
from tracking.models.requirements import version_of
from tracking.records.names import MODEL_FILE, PYTHON_FILE
from tracking.validation import shorten

PICKLE_PROTOCOL: Final = 5  # the first that writes big arrays without a copy; MLflow reads it at any size
FORMATS: Final = ("pickle", "cloudpickle", "skops", "joblib")


@dataclass(frozen=True, slots=True)
class Written:
    """A model as it is to lie in a folder: its file, who fills it, and its entries in the MLmodel file."""

    file: str
    write: Callable[[str], object]
    flavors: Mapping[str, Mapping[str, Any]]
    requirements: tuple[str, ...] = field(default=())  # top-level modules that reading the file needs
    folders: Mapping[str, Callable[[str], object]] = field(default_factory=dict)  # beside it, and who fills them


def written(
    model: Any,
    flavour: str,
    *,
    format: str = "pickle",
    compress: int = 0,
    predict: str = "predict",
    artifacts: Mapping[str, str] | None = None,
) -> Written:
    """Return how a model of a flavour is written. Raises InvalidValue, InvalidType."""
    match flavour:
        case "sklearn":
            return _sklearn(model, "joblib" if compress else format, compress, predict)
        case "xgboost":
            return _xgboost(model)
        case "lightgbm":
            return _lightgbm(model)
        case "catboost":
            return _catboost(model)
        case "python_function":
            return _python_model(model, artifacts or {})
    raise InvalidValue(f"Unknown flavour {flavour!r}. Known: {', '.join(_READERS)}.")


def _sklearn(model: Any, format: str, compress: int, predict: str) -> Written:
    if format not in FORMATS:
        raise InvalidValue(f"serialization_format={format!r}: there is no such format. Known: {', '.join(FORMATS)}.")
    if format == "joblib":  # MLflow has no flavour that reads it
        file = MODEL_FILE
        dump_joblib = partial(_dump_joblib, model, compress)
        return Written(file, dump_joblib, {"joblib": {"data": file}}, ("joblib",))
    file = "model.skops" if format == "skops" else "model.pkl"
    entry: dict[str, Any] = {"pickled_model": file, "serialization_format": format, "code": None}
    if version := version_of("scikit-learn"):
        entry["sklearn_version"] = version
    dump: Callable[[str], object] = partial(_dump_pickle, model)
    needs: tuple[str, ...] = ()
    if format == "cloudpickle":
        cloudpickle = _library("cloudpickle", format)
        dump, needs = partial(_write_bytes, cloudpickle.dumps(model)), ("cloudpickle",)
    if format == "skops":
        skops = _library("skops.io", format)
        content = skops.dumps(model)
        dump, needs = partial(_write_bytes, content), ("skops",)
        entry["skops_trusted_types"] = skops.get_untrusted_types(data=content)  # for MLflow; it is not read here
    flavors: dict[str, Any] = {"sklearn": entry}
    if hasattr(model, predict):
        flavors["python_function"] = _function("mlflow.sklearn", "model_path", file) | {"predict_fn": predict}
    return Written(file, dump, flavors, needs)


def _xgboost(model: Any) -> Written:
    file = "model.ubj"
    entry = {"data": file, "model_format": "ubj", "model_class": _class_name(model)}
    return _native("xgboost", file, model.save_model, entry, "xgb_version", suffix=".ubj")


def _lightgbm(model: Any) -> Written:
    booster = type(model).__name__ == "Booster"
    file = "model.lgb" if booster else "model.pkl"
    entry = {"data": file, "model_class": _class_name(model)}
    if not booster:
        entry["serialization_format"] = "pickle"
    write = model.save_model if booster else partial(_dump_pickle, model)
    return _native("lightgbm", file, write, entry, "lgb_version")


def _catboost(model: Any) -> Written:
    file = "model.cb"
    entry = {"data": file, "model_type": type(model).__name__, "save_format": "cbm"}
    return _native("catboost", file, lambda place: model.save_model(place, format="cbm"), entry, "catboost_version")


def _python_model(model: Any, artifacts: Mapping[str, str]) -> Written:
    if not hasattr(model, "predict") and callable(model):
        model = FunctionModel(model)
    if not hasattr(model, "predict") or not hasattr(model, "load_context") or isinstance(model, type):
        raise InvalidType(
            f"python_model is an object of a subclass of PythonModel, or a function, not {shorten(model)}."
        )
    for name, place in artifacts.items():
        if not isinstance(place, str | Path) or not Path(place).exists():
            raise ArtifactNotFound(f"artifacts: {name!r} names no file or folder of this machine: {shorten(place)}.")
    places = {name: str(place) for name, place in artifacts.items()}
    entry = _function(LOADER, "python_model", FILE)
    if places:
        entry[ARTIFACTS] = artifact_entries(places)
    folders = {ARTIFACTS: artifact_writer(places)} if places else {}
    needs = (cloudpickle_module().partition(".")[0],)
    return Written(FILE, partial(_write_bytes, dumped(model)), {"python_function": entry}, needs, folders)


def _native(
    name: str, file: str, write: Callable[[str], object], entry: dict[str, Any], version: str, *, suffix: str = ""
) -> Written:
    """Return a model that its own library writes; `suffix` is what the library reads the format from."""

    def through(place: str) -> None:
        write(place + suffix)
        if suffix:
            Path(place + suffix).rename(place)

    entry = {**entry, version: version_of(name)}
    return Written(file, through, {name: entry, "python_function": _function(f"mlflow.{name}", "data", file)}, (name,))


def _function(loader: str, key: str, file: str) -> dict[str, Any]:
    environment = {"virtualenv": PYTHON_FILE}
    return {"loader_module": loader, key: file, "python_version": platform.python_version(), "env": environment}


def _class_name(model: Any) -> str:
    return f"{type(model).__module__}.{type(model).__qualname__}"


def _dump_pickle(model: Any, place: str) -> None:
    with open(place, "xb") as file:
        pickle.Pickler(file, protocol=PICKLE_PROTOCOL).dump(model)


def _write_bytes(content: bytes, place: str) -> None:
    Path(place).write_bytes(content)


def _dump_joblib(model: Any, compress: int, place: str) -> None:
    import joblib

    joblib.dump(model, place, compress=compress)


# Reading --------------------------------------------------------------------------------------------
def read(folder: str, flavors: Mapping[str, Mapping[str, Any]]) -> Any:
    """Return the model in a folder, by the first flavour that is known here. Raises ArtifactError, InvalidValue."""
    for name, reader in _READERS.items():
        if name in flavors:
            return reader(folder, flavors[name])
    named = ", ".join(flavors)
    raise InvalidValue(
        f"The model in {folder} has the flavours {named}; none of them is known here. Known: {', '.join(_READERS)}. "
        "Load it with the library that wrote it."
    )


def _read_sklearn(folder: str, entry: Mapping[str, Any]) -> Any:
    file = _inside(folder, entry.get("pickled_model") or "model.pkl")
    format = entry.get("serialization_format") or "pickle"
    if format == "skops":
        from tracking.models.trusted import load_skops

        return load_skops(file)
    if format not in FORMATS:
        raise InvalidValue(f"The model in {folder} is in the format {format!r}. Known: {', '.join(FORMATS)}.")
    if format == "joblib":
        return _read_joblib(folder, {"data": entry.get("pickled_model")})
    return _unpickle(file)


def _read_joblib(folder: str, entry: Mapping[str, Any]) -> Any:
    import joblib

    return joblib.load(_inside(folder, entry.get("data") or MODEL_FILE))


def _read_xgboost(folder: str, entry: Mapping[str, Any]) -> Any:
    file = _inside(folder, entry.get("data") or "model.ubj")
    model = _construct(str(entry.get("model_class", "xgboost.core.Booster")), "xgboost")
    model.load_model(str(file))
    return model


def _read_lightgbm(folder: str, entry: Mapping[str, Any]) -> Any:
    file = _inside(folder, entry.get("data") or "model.lgb")
    if str(entry.get("model_class", "Booster")).endswith("Booster"):
        return import_module("lightgbm").Booster(model_file=str(file))
    if entry.get("serialization_format") == "skops":
        from tracking.models.trusted import load_skops

        return load_skops(file)
    return _unpickle(file)


def _read_catboost(folder: str, entry: Mapping[str, Any]) -> Any:
    file = _inside(folder, entry.get("data") or "model.cb")
    model = _construct(f"catboost.{entry.get('model_type', 'CatBoost')}", "catboost")
    model.load_model(str(file), format=str(entry.get("save_format", "cbm")))
    return model


def _read_python_function(folder: str, entry: Mapping[str, Any]) -> Any:
    if entry.get("loader_module") != LOADER:
        raise InvalidValue(
            f"The model in {folder} is read by {entry.get('loader_module')}, which is not known here. "
            "Load it with the library that wrote it."
        )
    return load_python_model(_inside(folder, entry.get("python_model") or FILE), folder, entry)


_READERS: Final[Mapping[str, Callable[[str, Mapping[str, Any]], Any]]] = {
    "sklearn": _read_sklearn,
    "xgboost": _read_xgboost,
    "lightgbm": _read_lightgbm,
    "catboost": _read_catboost,
    "joblib": _read_joblib,
    "python_function": _read_python_function,
}


def _unpickle(file: Path) -> Any:
    with open(file, "rb") as source:
        return pickle.load(source)


def _construct(name: str, package: str) -> Any:
    """Return a new object of a class that an MLmodel file names, of this package only."""
    module, _, kind = name.rpartition(".")
    if module.partition(".")[0] != package:
        raise ArtifactError(f"The MLmodel file names the class {name!r}, which is not one of {package}.")
    return getattr(import_module(module), kind)()


def _inside(folder: str, name: str) -> Path:
    """Return a file that an MLmodel file names. Raises ArtifactError where it is elsewhere or missing."""
    place, root = Path(folder, name).resolve(), Path(folder).resolve()
    if not place.is_relative_to(root):
        raise ArtifactError(f"The MLmodel file in {folder} names {name!r}, which is not in that folder.")
    if not place.exists():
        raise ArtifactError(f"The MLmodel file in {folder} names {name!r}, which is missing.")
    return place


def _library(name: str, format: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as problem:
        package = name.partition(".")[0]
        raise InvalidType(f"serialization_format={format!r} needs {package}: pip install {package}.") from problem
