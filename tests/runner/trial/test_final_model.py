"""The final model of a run is an MLflow model: its signature and example are those of the data."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import yaml

import tracking
from runner.__main__ import main
from runner.data.dataset import load

TABLE = """hp,weight,make,built,mpg
97,0.6,b,2020-01-01,20.5
167,0.3,a,2020-01-02,11.0
117,,b,2020-01-03,30.25
88,0.1,a,2020-01-04,25.0
90,0.2,b,2020-01-05,27.0
160,0.9,a,2020-01-06,12.5
"""
CARS = ["data=csv", "data.path=cars.csv", "data.target=mpg", "prepare=tabular", "cv.n_splits=2", "progress=false"]


def run(*words: str) -> Path:
    """Run a point and return the folder of its model."""
    assert main([*words, "progress=false"]) == 0
    one = tracking.search_runs(search_all_experiments=True, output_format="list")[0]
    return Path(tracking.TrackingClient().artifact_dir(one.info.run_id), "model")


@pytest.mark.heavy
def test_the_signature_has_the_columns_of_the_table_and_the_example_its_first_rows() -> None:
    Path("cars.csv").write_text(TABLE)
    folder = run("model=ridge", *CARS)

    said = tracking.models.Model.load(folder)
    columns = json.loads(said.signature.to_dict()["inputs"])
    assert [(c["name"], c["type"], c["required"]) for c in columns] == [
        ("hp", "long", True),
        ("weight", "double", False),
        ("make", "string", True),
        ("built", "datetime", True),
    ]
    assert said.load_input_example()["hp"].tolist() == [97, 167, 117]
    lines = (folder / "requirements.txt").read_text().splitlines()
    assert [line.partition("==")[0] for line in lines] == ["numpy", "pandas", "scikit-learn", "scipy"]


@pytest.mark.heavy
def test_an_array_has_a_tensor_and_predictions_the_type_they_have() -> None:
    folder = run("model=ridge")

    said = yaml.safe_load((folder / "MLmodel").read_text())["signature"]
    assert json.loads(said["inputs"])[0]["tensor-spec"] == {"dtype": "float64", "shape": [-1, 10]}
    assert json.loads(said["outputs"])[0]["tensor-spec"] == {"dtype": "float64", "shape": [-1]}


MLFLOW = os.environ.get("MLFLOW_PYTHON")  # read before the environment of the test is cleared
READ = """
import sys, mlflow, numpy, pandas
folder, data, out = sys.argv[1:]
X = pandas.read_csv(data, parse_dates=["built"]).drop(columns="mpg") if data.endswith("csv") else numpy.load(data)
one, two = mlflow.sklearn.load_model(folder), mlflow.pyfunc.load_model(folder)
assert two.metadata.signature is not None
assert two.metadata.load_input_example(folder) is not None
numpy.save(out, numpy.array([one.predict(X), two.predict(X)]))
"""


@pytest.mark.heavy
@pytest.mark.skipif(MLFLOW is None, reason="MLFLOW_PYTHON names no interpreter with mlflow")
@pytest.mark.parametrize("table", [True, False], ids=["table", "array"])
def test_mlflow_predicts_the_same_to_the_bit(table: bool) -> None:
    if table:
        Path("cars.csv").write_text(TABLE)
        folder, rows = run("model=ridge", *CARS), "cars.csv"
        X = load({"source": "csv", "path": "cars.csv", "target": "mpg"}).X
    else:
        folder, rows = run("model=ridge"), "rows.npy"
        X = load({"source": "diabetes"}).X
        np.save(rows, X)

    read = [str(MLFLOW), "-c", READ, str(folder), rows, "out.npy"]
    root = Path(__file__).parents[3]  # a recorded preparation may be code of ours
    subprocess.run(read, check=True, env={"PYTHONPATH": str(root), "PATH": os.environ["PATH"]})

    expected = tracking.load_model(folder).predict(X)
    np.testing.assert_array_equal(np.load("out.npy"), [expected, expected])


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("asked", "file"), [("pickle", "model.pkl"), ("joblib", "model.joblib"), ("skops", "model.skops")]
)
def test_the_model_is_written_in_the_format_that_is_asked_for_and_predicts_the_same(asked: str, file: str) -> None:
    if asked == "skops":
        pytest.importorskip("skops")
    folder = run("model=ridge", f"tracking.model_format={asked}", "cv.n_splits=2")

    assert (folder / file).is_file()
    packages = [line.partition("==")[0] for line in (folder / "requirements.txt").read_text().splitlines()]
    assert packages == sorted({"numpy", "scikit-learn", "scipy", *([] if asked == "pickle" else [asked])})
    plain = tracking.load_model(run("model=ridge", "cv.n_splits=2"))
    X = load({"source": "diabetes"}).X
    assert tracking.load_model(folder).predict(X).tobytes() == plain.predict(X).tobytes()


def test_a_format_that_there_is_not_is_refused_before_anything_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model=ridge", "tracking.model_format=onnx"]) == 2

    said = capsys.readouterr().err
    assert "onnx" in said
    assert "pickle" in said
    assert "tracking.model_format" in said
