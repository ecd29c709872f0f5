"""Models on a real MLflow server: they stand in the Models tab, load by name, and predict to the bit what ours do."""

from __future__ import annotations

import json
import subprocess
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

import runner
import tracking
from tests.mlflow_server.conftest import PYTHON
from tests.mlflow_server.recording import store_at
from tests.mlflow_server.test_import import files_of
from tracking.cli.app import main
from tracking.stores import open_store

pytestmark = pytest.mark.heavy

PREDICT = """
import json, sys
import mlflow
from sklearn.datasets import load_diabetes
mlflow.set_tracking_uri({server!r})
rows = load_diabetes().data
found = {{}}
for uri in ({by_run!r}, {by_model!r}):
    found[uri] = [value.hex() for value in mlflow.pyfunc.load_model(uri).predict(rows).tolist()]
    found[uri + " sklearn"] = [value.hex() for value in mlflow.sklearn.load_model(uri).predict(rows).tolist()]
print(json.dumps(found))
"""


@pytest.fixture
def pushed(tmp_path: Path, mlflow_server: str) -> tuple[str, dict[str, object]]:
    """Record and push one run of ridge; return its id and the server's answer about it."""
    store, experiment = store_at(tmp_path / "first"), f"e {uuid.uuid4()}"
    run_id = runner.run(["alpha=0.1", f"experiment_name={experiment}"], store=store).info.run_id
    assert main(["push", mlflow_server, run_id, "--store", store]) == 0
    api = f"{mlflow_server}/api/2.0/mlflow"
    found = httpx.get(f"{api}/experiments/get-by-name", params={"experiment_name": experiment}).json()["experiment"]
    (there,) = httpx.post(f"{api}/runs/search", json={"experiment_ids": [found["experiment_id"]]}).json()["runs"]
    return run_id, there


def test_predictions_through_mlflow_are_ours_to_the_bit(
    tmp_path: Path, mlflow_server: str, pushed: tuple[str, dict[str, dict[str, object]]]
) -> None:
    from sklearn.datasets import load_diabetes

    run_id, there = pushed
    (output,) = there["outputs"]["model_outputs"]  # type: ignore[misc]
    by_run, by_model = f"runs:/{there['info']['run_id']}/model", f"models:/{output['model_id']}"
    script = PREDICT.format(server=mlflow_server, by_run=by_run, by_model=by_model)
    assert PYTHON
    said = subprocess.run(
        [PYTHON, "-W", "ignore", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr

    with tracking.use_store(store_at(tmp_path / "first")):
        model = tracking.load_model(f"runs:/{run_id}/model")
    ours = [value.hex() for value in model.predict(load_diabetes().data).tolist()]
    theirs = json.loads(said.stdout.splitlines()[-1])
    assert len(theirs) == 4
    assert all(values == ours for values in theirs.values())


def test_the_model_is_ready_in_the_models_tab_once_however_often_it_is_pushed(
    tmp_path: Path, mlflow_server: str, pushed: tuple[str, dict[str, dict[str, object]]]
) -> None:
    run_id, there = pushed
    client = tracking.TrackingClient(store_at(tmp_path / "first"))
    client.set_tag(run_id, "stage", "good")  # so that it is pushed again
    assert main(["push", mlflow_server, "--store", store_at(tmp_path / "first")]) == 0

    body = {"experiment_ids": [there["info"]["experiment_id"]]}
    (model,) = httpx.post(f"{mlflow_server}/api/2.0/mlflow/logged-models/search", json=body).json()["models"]

    assert (model["info"]["name"], model["info"]["status"]) == ("model", "LOGGED_MODEL_READY")
    assert model["info"]["source_run_id"] == there["info"]["run_id"]


def test_a_model_comes_back_with_its_run(
    tmp_path: Path, mlflow_server: str, pushed: tuple[str, dict[str, dict[str, object]]]
) -> None:
    run_id, _ = pushed
    assert main(["import", mlflow_server, "--store", store_at(tmp_path / "second")]) == 0

    before, after = open_store(store_at(tmp_path / "first")), open_store(store_at(tmp_path / "second"))
    assert files_of(after.artifact_dir(run_id)) == files_of(before.artifact_dir(run_id))


def test_mlflow_models_predict_reads_a_folder_and_predicts_to_the_bit(tmp_path: Path) -> None:
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import Ridge

    X, y = load_diabetes(return_X_y=True, as_frame=True)
    model = Ridge().fit(X, y)
    tracking.sklearn.save_model(model, tmp_path / "model", input_example=X[:3])
    rows = {"dataframe_split": {"columns": list(X.columns), "data": X[:3].to_numpy().tolist()}}
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    words = ["models", "predict", "-m", "model", "--env-manager", "local", "-i", "rows.json", "-o", "out.json"]
    assert PYTHON

    subprocess.run([PYTHON, "-m", "mlflow", *words], cwd=tmp_path, capture_output=True, check=True)

    predicted = json.loads((tmp_path / "out.json").read_text())["predictions"]
    assert [value.hex() for value in predicted] == [value.hex() for value in model.predict(X[:3]).tolist()]


def test_mlflow_reads_a_model_of_ones_own_without_this_package(tmp_path: Path) -> None:
    class Times(tracking.pyfunc.PythonModel):
        def load_context(self, context: Any) -> None:
            self.factor = float(Path(context.artifacts["factor"]).read_text())

        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
            return model_input * self.factor

    (tmp_path / "factor.txt").write_text("3.0")
    artifacts = {"factor": str(tmp_path / "factor.txt")}
    tracking.pyfunc.save_model(tmp_path / "model", python_model=Times(), artifacts=artifacts)
    script = "import mlflow; print(mlflow.pyfunc.load_model('model').predict(2.0))"
    assert PYTHON

    done = subprocess.run(
        [PYTHON, "-W", "ignore", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.stdout.splitlines()[-1:] == ["6.0"], done.stderr
