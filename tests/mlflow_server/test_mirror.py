"""A real MLflow server as mirror: what ends here arrives there."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from tests.mlflow_server.recording import held

pytestmark = pytest.mark.heavy

SCRIPT = """
import tracking as mlflow
mlflow.set_tracking_uri({uri!r})
mlflow.set_experiment({experiment!r})
for number in range(3):
    with mlflow.start_run(run_name=f"mine {{number}}"):
        mlflow.log_param("alpha", number)
        mlflow.log_metric("rmse", number / 4)
        mlflow.log_text("words", "text.txt")
mlflow.start_run(run_name="left open")
"""


@pytest.fixture
def experiment() -> str:
    return f"e {uuid.uuid4()}"


def run(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "TRACKING_"))}
    return subprocess.run(
        [sys.executable, *words], cwd=folder, capture_output=True, text=True, check=True, env=environment
    )


def test_the_runs_of_a_script_arrive_also_the_one_it_left_open(
    tmp_path: Path, mlflow_server: str, experiment: str
) -> None:
    done = run("-c", SCRIPT.format(uri=mlflow_server, experiment=experiment), folder=tmp_path)

    assert done.stderr == ""
    runs = held(mlflow_server, experiment)
    assert [entry["name"] for entry in runs] == ["left open", "mine 0", "mine 1", "mine 2"]
    assert {entry["state"][0] for entry in runs} == {"FINISHED"}
    assert runs[3]["params"] == {"alpha": "2"}
    assert runs[3]["files"] == {"text.txt": "words"}


def test_a_sweep_arrives_with_its_points_nested(tmp_path: Path, mlflow_server: str, experiment: str) -> None:
    words = ["tracking=mlflow", f"tracking.server={mlflow_server}", f"experiment_name={experiment}"]

    done = run("-m", "runner", "-m", *words, "alpha=0.1,0.5,1", folder=tmp_path)

    assert "3 finished" in done.stdout
    assert "not on" not in done.stderr
    runs = held(mlflow_server, experiment)
    *points, sweep = runs
    assert [entry["name"] for entry in points] == ["ridge alpha=0.1", "ridge alpha=0.5", "ridge alpha=1"]
    assert [entry["parent"] for entry in points] == [sweep["name"]] * 3
    assert {entry["state"][0] for entry in runs} == {"FINISHED"}
    assert len(runs[0]["metrics"]["rmse"]) == 5
    again = run("-m", "tracking", "push", mlflow_server, folder=tmp_path)
    assert again.stdout == f"{mlflow_server}: 3 there already.\n"
