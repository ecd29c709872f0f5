"""Models that are a class or a function of the user's own: `mlflow.pyfunc.PythonModel`.

They are written by cloudpickle, which joblib brings along: what a script defines is in the file itself, and so is
the class here, so that MLflow reads it where this package is not installed.
"""

from __future__ import annotations

import inspect
import os
import pickle
import shutil
import sys
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

LOADER: Final = "mlflow.pyfunc.model"
FILE: Final = "python_model.pkl"
ARTIFACTS: Final = "artifacts"


class PythonModelContext:
    """What a model is given when it is loaded: the paths of its `artifacts` by name."""

    def __init__(self, artifacts: Mapping[str, str], model_config: Mapping[str, Any] | None = None) -> None:
        self.artifacts = artifacts
        self.model_config = model_config or {}


class PythonModel:
    """The base of models of one's own: define `predict`, and `load_context` for what is read from artifacts."""

    predict_type_hints = SimpleNamespace(input=None, output=None)  # MLflow looks at them

    def load_context(self, context: Any) -> None:
        """Read what the model needs from `context.artifacts`; called once when it is loaded."""

    def predict(self, context: Any, model_input: Any, params: Mapping[str, Any] | None = None) -> Any:
        """Return what the model says of the rows; `context` may be left out of the definition."""
        raise NotImplementedError(f"{type(self).__name__} defines no predict.")


class FunctionModel(PythonModel):
    """A model that is one function of the rows."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def predict(self, context: Any, model_input: Any, params: Mapping[str, Any] | None = None) -> Any:
        """Return what the function says of the rows."""
        return self.function(model_input)


class LoadedPythonModel:
    """A model of the user's own with its context."""

    def __init__(self, python_model: Any, context: PythonModelContext) -> None:
        self.python_model, self._context = python_model, context

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> Any:
        """Return what the model predicts."""
        names = inspect.signature(self.python_model.predict).parameters
        keywords = {"params": params} if "params" in names else {}
        before = (self._context,) if "context" in names else ()
        return self.python_model.predict(*before, data, **keywords)


def cloudpickle_module() -> str:
    """Return the name of the module that pickles and reads such models."""
    return "cloudpickle" if find_spec("cloudpickle") else "joblib.externals.cloudpickle"  # in joblib before 1.6


def dumped(model: Any) -> bytes:
    """Return the pickle of a model, with the classes of this module in it."""
    cloudpickle = import_module(cloudpickle_module())
    here = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(here)
    try:
        content: bytes = cloudpickle.dumps(model)
        return content
    finally:
        cloudpickle.unregister_pickle_by_value(here)


def artifact_entries(artifacts: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return what the MLmodel file says of artifacts: where each lies in the folder, and where it came from."""
    return {
        name: {"path": f"{ARTIFACTS}/{name}/{os.path.basename(os.path.abspath(place))}", "uri": place}
        for name, place in artifacts.items()
    }


def artifact_writer(artifacts: Mapping[str, str]) -> Callable[[str], object]:
    """Return what copies artifacts into the folder that it is given."""
    return partial(_copy, artifacts)


def _copy(artifacts: Mapping[str, str], folder: str) -> None:
    for name, place in artifacts.items():
        target = Path(folder, name, os.path.basename(os.path.abspath(place)))
        target.parent.mkdir(parents=True, exist_ok=True)
        if os.path.isdir(place):
            shutil.copytree(place, target)
        else:
            shutil.copy2(place, target)


def load_python_model(file: Path, folder: str, entry: Mapping[str, Any]) -> LoadedPythonModel:
    """Return the model of a file, told where its artifacts are."""
    with open(file, "rb") as source:
        model = pickle.load(source)
    places = {name: os.path.join(folder, known["path"]) for name, known in (entry.get(ARTIFACTS) or {}).items()}
    context = PythonModelContext(places)
    model.load_context(context=context)
    return LoadedPythonModel(model, context)
