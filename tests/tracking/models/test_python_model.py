"""Models of one's own: saved with what they need, loaded with their context, whatever defines them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

import tracking
from tracking.errors import ArtifactNotFound, InvalidType, InvalidValue
from tracking.models.mlmodel import Model

ROOT = Path(__file__).parents[3]


def adder(offset_file: str | None = None) -> Any:
    """Return a model of a class that no module has, as one of a script or notebook."""

    class Adder(tracking.pyfunc.PythonModel):
        def __init__(self) -> None:
            self.offset = 1.0
            self.inner = Ridge()

        def load_context(self, context: Any) -> None:
            if "offset" in context.artifacts:
                self.offset = float(Path(context.artifacts["offset"]).read_text())

        def predict(self, context: Any, model_input: Any, params: Mapping[str, Any] | None = None) -> Any:
            return model_input + self.offset * (params or {}).get("times", 1)

    return Adder()


def test_a_model_of_a_class_of_ones_own_is_loaded_with_its_artifacts(tmp_path: Path) -> None:
    (tmp_path / "offset.txt").write_text("2.5")
    with tracking.start_run():
        info = tracking.pyfunc.log_model(
            name="model", python_model=adder(), artifacts={"offset": str(tmp_path / "offset.txt")}
        )
    (tmp_path / "offset.txt").unlink()  # the model has a copy

    model = tracking.pyfunc.load_model(info.model_uri)

    assert model.predict(np.array([1.0])).tolist() == [3.5]
    assert model.predict(np.array([1.0]), params={"times": 2}).tolist() == [6.0]
    assert model.unwrap_python_model().offset == 2.5


def test_a_function_is_a_model_too(tmp_path: Path) -> None:
    tracking.pyfunc.save_model(
        tmp_path / "m", python_model=lambda rows: rows["a"] * 2, input_example=pd.DataFrame({"a": [1]})
    )

    model = tracking.pyfunc.load_model(tmp_path / "m")

    assert model.predict(pd.DataFrame({"a": [3], "b": [0]})).tolist() == [6]
    assert model.metadata.get_input_schema().input_names() == ["a"]


def test_a_predict_without_context_is_called_without_it(tmp_path: Path) -> None:
    class Plain(tracking.pyfunc.PythonModel):
        def predict(self, model_input: Any) -> Any:  # type: ignore[override]
            return model_input

    tracking.pyfunc.save_model(tmp_path / "m", python_model=Plain())

    assert tracking.pyfunc.load_model(tmp_path / "m").predict([1]) == [1]


def test_the_file_needs_neither_this_package_nor_the_script(tmp_path: Path) -> None:
    tracking.pyfunc.save_model(tmp_path / "m", python_model=adder())
    script = "import pickle, sys; model = pickle.load(open(sys.argv[1], 'rb')); "
    script += "print(model.predict(None, 1.0), 'tracking' in sys.modules)"
    words = [sys.executable, "-c", script, str(tmp_path / "m" / "python_model.pkl")]

    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)

    assert done.stdout == "2.0 False\n"


def test_what_the_model_is_made_of_is_in_its_requirements(tmp_path: Path) -> None:
    tracking.pyfunc.save_model(tmp_path / "m", python_model=adder(), extra_pip_requirements=["lxml"])

    lines = Path(tracking.pyfunc.get_model_dependencies(tmp_path / "m")).read_text().splitlines()

    assert {line.partition("==")[0] for line in lines} == {"cloudpickle", "lxml", "numpy", "scikit-learn", "scipy"}
    entry = Model.load(tmp_path / "m").flavors["python_function"]
    assert (entry["loader_module"], entry["python_model"]) == ("mlflow.pyfunc.model", "python_model.pkl")


@pytest.mark.parametrize(
    ("model", "options", "error", "said"),
    [
        (3, {}, InvalidType, "or a function, not 3"),
        (None, {}, InvalidType, "subclass of PythonModel"),
        (abs, {"artifacts": {"x": "/no/such"}}, ArtifactNotFound, "'x' names no file"),
        (abs, {"colour": 1}, InvalidType, "take no 'colour'"),
    ],
)
def test_what_cannot_be_saved_is_one_sentence(
    tmp_path: Path, model: Any, options: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        tracking.pyfunc.save_model(tmp_path / "m", python_model=model, **options)


def test_only_a_python_model_has_artifacts_params_and_an_object_of_ones_own(tmp_path: Path) -> None:
    ridge = Ridge().fit([[0.0], [1.0]], [0.0, 1.0])
    tracking.sklearn.save_model(ridge, tmp_path / "m")
    model = tracking.pyfunc.load_model(tmp_path / "m")

    with pytest.raises(InvalidValue, match="no PythonModel"):
        model.unwrap_python_model()
    with pytest.raises(InvalidType, match="takes no params"):
        model.predict([[0.0]], params={"a": 1})
    with pytest.raises(InvalidType, match="Only a PythonModel takes artifacts"):
        tracking.sklearn.save_model(ridge, tmp_path / "n", artifacts={"x": str(tmp_path)})  # type: ignore[call-arg]
