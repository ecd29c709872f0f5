"""The public names are there, sorted, and the ones that MLflow scripts use work unchanged."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import tracking

ROOT = Path(__file__).parents[2]

QUICKSTART = """
import tracking as mlflow
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split

mlflow.set_tracking_uri("sqlite:///mlflow.db")
mlflow.set_experiment("MLflow Quickstart")

X, y = load_iris(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)
params = {"solver": "lbfgs", "max_iter": 1000, "random_state": 8888}

with mlflow.start_run(run_name="first"):
    mlflow.log_params(params)
    lr = LogisticRegression(**params)
    lr.fit(X_train, y_train)
    accuracy = accuracy_score(y_test, lr.predict(X_test))
    mlflow.log_metric("accuracy", accuracy)
    for epoch in range(3):
        mlflow.log_metric("loss", 1 / (epoch + 1), step=epoch)
    mlflow.set_tag("Training Info", "Basic LR model for iris data")
    model_info = mlflow.sklearn.log_model(sk_model=lr, name="iris_model", input_example=X_train[:2])
    mlflow.log_dict({"classes": [0, 1, 2]}, "classes.json")
    with mlflow.start_run(run_name="child", nested=True):
        mlflow.log_param("depth", 1)

loaded = mlflow.sklearn.load_model(model_info.model_uri)
assert (loaded.predict(X_test) == lr.predict(X_test)).all()

client = mlflow.MlflowClient()
experiment = client.get_experiment_by_name("MLflow Quickstart")
(best,) = client.search_runs(
    [experiment.experiment_id], "metrics.accuracy > 0.9", order_by=["metrics.accuracy DESC"]
)
assert best.data.params["max_iter"] == "1000"
assert [point.step for point in client.get_metric_history(best.info.run_id, "loss")] == [0, 1, 2]
frame = mlflow.search_runs(experiment_names=["MLflow Quickstart"], filter_string="params.solver = 'lbfgs'")
assert frame.loc[0, "tags.Training Info"].startswith("Basic")
assert mlflow.last_active_run().info.run_name == "first"
try:
    client.get_run("0" * 32)
except mlflow.MlflowException as error:
    assert error.error_code == "RESOURCE_DOES_NOT_EXIST"
"""


def test_all_names_are_there_and_sorted() -> None:
    assert tracking.__all__ == sorted(tracking.__all__)
    assert all(hasattr(tracking, name) for name in tracking.__all__)


def test_all_imported_names_are_listed() -> None:
    imported = {
        name
        for name, value in vars(tracking).items()
        if not name.startswith("_") and str(getattr(value, "__module__", "")).startswith("tracking")
    }

    assert imported - set(tracking.__all__) == set()


def test_every_public_function_is_documented() -> None:
    undocumented = [name for name in tracking.__all__ if not getattr(tracking, name).__doc__]

    assert undocumented == []


@pytest.mark.heavy
@pytest.mark.parametrize("script", [QUICKSTART], ids=["quickstart"])
def test_a_script_written_for_mlflow_runs_unchanged(script: str, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(textwrap.dedent(script))

    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "script.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "mlflow.db").is_file()
