"""Models by what they do, whatever library they are of: `mlflow.pyfunc.load_model(uri).predict(frame)`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Unpack

from tracking.entities import Run
from tracking.errors import InvalidType, InvalidValue
from tracking.models import Model, ModelInfo
from tracking.models.contents import Options
from tracking.models.loading import find_model, load
from tracking.models.python_model import LoadedPythonModel, PythonModel, PythonModelContext
from tracking.models.saving import log, save
from tracking.records.names import REQUIREMENTS_FILE
from tracking.types import ColSpec, Schema
from tracking.validation import shorten


@dataclass(frozen=True, slots=True)
class PyFuncModel:
    """A loaded model; `metadata` is what its MLmodel file says."""

    metadata: Model
    _model: Any = field(repr=False)

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> Any:
        """Return what the model predicts for a frame, an array, or what else its library takes.

        A frame is brought to the columns of the signature: their order, and types that lose nothing. Raises
        InvalidValue for columns that are missing or of another type, InvalidType for `params` of a model that is no
        PythonModel.
        """
        if params and not isinstance(self._model, LoadedPythonModel):
            raise InvalidType("predict takes no params: models of these libraries have none.")
        schema = self.metadata.get_input_schema()
        rows = data if schema is None else conform(data, schema)
        if isinstance(self._model, LoadedPythonModel):
            return self._model.predict(rows, params)
        function = self.metadata.flavors.get("python_function", {}).get("predict_fn", "predict")
        if type(self._model).__module__.startswith("xgboost") and type(self._model).__name__ == "Booster":
            rows = sys.modules["xgboost"].DMatrix(rows)
        return getattr(self._model, function)(rows)

    def get_raw_model(self) -> Any:
        """Return the object of the model's own library."""
        return self.unwrap_python_model() if isinstance(self._model, LoadedPythonModel) else self._model

    def unwrap_python_model(self) -> Any:
        """Return the user's own object of a PythonModel. Raises InvalidValue for any other model."""
        if not isinstance(self._model, LoadedPythonModel):
            raise InvalidValue("This model is no PythonModel: get_raw_model returns the object of its library.")
        return self._model.python_model


def load_model(
    model_uri: str | os.PathLike[str] | Run, suppress_warnings: bool = False, dst_path: Any = None
) -> PyFuncModel:
    """Return a model with MLflow's `predict`. Takes and raises what `tracking.load_model` does."""
    place = find_model(model_uri, to_load=True)
    return PyFuncModel(Model.load(place) if os.path.isdir(place) else Model(flavors={}), load(place))


def log_model(
    artifact_path: str | None = None,
    python_model: PythonModel | Callable[[Any], Any] | None = None,
    *,
    name: str | None = None,
    run_id: str | None = None,
    registered_model_name: str | None = None,
    **options: Unpack[Options],
) -> ModelInfo:
    """Save a model of one's own, a PythonModel or a function of the rows, as a folder of a run.

    `artifacts` are paths of files or folders by name, which are copied along and given to `load_context`. Otherwise as
    `tracking.log_model`; classes and functions of imported modules are not in the file: give their files as
    `code_paths`. Raises ArtifactNotFound for artifacts that are not there.
    """
    place: dict[str, Any] = {"name": name, "run_id": run_id, "registered_model_name": registered_model_name}
    return log(python_model, "python_function", artifact_path, **place, **options)


def save_model(
    path: str | os.PathLike[str],
    *,
    python_model: PythonModel | Callable[[Any], Any] | None = None,
    **options: Unpack[Options],
) -> None:
    """Save a model of one's own as a folder of this machine; otherwise as `log_model` here."""
    save(python_model, "python_function", path, **options)


def get_model_dependencies(model_uri: str | os.PathLike[str] | Run, format: str = "pip") -> str:
    """Return the path of the requirements.txt of a model. Raises InvalidValue for another format than pip."""
    if format != "pip":
        raise InvalidValue(f"format={format!r}: a model here says what it needs in {REQUIREMENTS_FILE} only.")
    return os.path.join(find_model(model_uri), REQUIREMENTS_FILE)


def __getattr__(name: str) -> Any:
    from tracking.unavailable import missing

    raise missing(__name__, name)


def conform(data: Any, schema: Schema) -> Any:
    """Return data as a model's schema has it. Raises InvalidValue."""
    if schema.is_tensor_spec():
        return _array(data, schema)
    if not schema.has_input_names():
        return data
    import pandas as pd

    frame = data if hasattr(data, "columns") else pd.DataFrame(data)
    if not hasattr(data, "columns") and not isinstance(data, Mapping) and frame.shape[1] == len(schema):
        frame.columns = pd.Index(schema.input_names())
    columns = [spec for spec in schema if isinstance(spec, ColSpec)]
    missing = [spec.name for spec in columns if spec.required and spec.name not in frame.columns]
    if missing:
        there = ", ".join(map(str, frame.columns[:20]))
        raise InvalidValue(f"The model needs the columns {', '.join(map(str, missing))}, which are missing: {there}.")
    used = [spec for spec in columns if spec.name in frame.columns]
    return pd.DataFrame({spec.name: _column(frame[spec.name], spec) for spec in used}, index=frame.index)


def _array(data: Any, schema: Schema) -> Any:
    (spec,) = schema.inputs if len(schema) == 1 else (None,)
    if spec is None:
        return data
    rows = data.to_numpy() if hasattr(data, "to_numpy") else data
    if not hasattr(rows, "shape"):
        import numpy as np

        rows = np.asarray(rows)
    shape = getattr(spec, "shape", ())
    if len(rows.shape) != len(shape) or any(want not in (-1, n) for want, n in zip(shape, rows.shape, strict=True)):
        raise InvalidValue(f"The model takes an array of shape {tuple(shape)} (-1: any number), not {rows.shape}.")
    return rows


_KINDS = {"integer": "iu", "long": "iu", "float": "iuf", "double": "iuf", "datetime": "M"}  # numpy's letters


def _column(column: Any, spec: ColSpec) -> Any:
    kind, found = str(spec.type), getattr(column.dtype, "kind", "O")
    if kind not in _KINDS:
        return column
    if kind == "datetime" and found == "O":
        import pandas as pd

        return pd.to_datetime(column)
    if found not in _KINDS[kind]:
        raise InvalidValue(
            f"Column {spec.name!r} is {column.dtype} here and {kind} in the model's signature; "
            f"the first value is {shorten(column.iloc[0] if len(column) else None)}. Convert it first."
        )
    wanted = {"float": "float32", "double": "float64"}.get(kind)
    return column.astype(wanted) if wanted and found in "iu" else column


__all__ = [
    "Model",
    "PyFuncModel",
    "PythonModel",
    "PythonModelContext",
    "get_model_dependencies",
    "load_model",
    "log_model",
    "save_model",
]
