"""Entities read like MLflow's: statuses and views by name, fields as pairs."""

from __future__ import annotations

import pytest

import tracking as mlflow
from tracking.entities import Metric, RunStatus, ViewType


def test_statuses_and_views_have_mlflows_functions() -> None:
    assert RunStatus.is_terminated(RunStatus.FINISHED)
    assert not RunStatus.RUNNING.is_terminated()
    assert RunStatus.to_string(RunStatus.FAILED) == "FAILED"
    assert RunStatus.from_string("KILLED") is RunStatus.KILLED
    assert RunStatus.RUNNING in RunStatus.all_status()
    assert [ViewType.to_string(view) for view in (1, 2, 3)] == ["active_only", "deleted_only", "all"]
    assert ViewType.from_string("all") == ViewType.ALL
    assert [RunStatus.to_string(number) for number in range(1, 6)] == [str(status) for status in RunStatus]
    for unknown in (0, 6, -1):
        with pytest.raises(ValueError, match=str(unknown)):
            RunStatus.to_string(unknown)
    with pytest.raises(ValueError, match="NOPE"):
        RunStatus.from_string("NOPE")
    with pytest.raises(ValueError, match="7"):
        ViewType.to_string(7)
    with pytest.raises(ValueError, match="some"):
        ViewType.from_string("some")


def test_a_run_is_shown_in_one_short_line() -> None:
    with mlflow.start_run(run_name="x") as started:
        mlflow.log_params({str(number): "long" * 50 for number in range(50)})

    run = mlflow.get_run(started.info.run_id)

    assert repr(run) == f"<Run {run.info.run_id[:8]} 'x' FINISHED>"


def test_entities_become_dictionaries() -> None:
    with mlflow.start_run(run_name="x") as started:
        mlflow.log_param("a", 1)
    run = mlflow.get_run(started.info.run_id)
    assert dict(run.info)["run_name"] == "x"
    assert dict(run.data)["params"] == {"a": "1"}
    assert list(dict(run)) == ["info", "data", "inputs", "outputs"]
    assert dict(Metric("a", 1.0, 2, 3)) == {"key": "a", "value": 1.0, "timestamp": 2, "step": 3, "run_id": None}
    assert dict(mlflow.get_experiment("0"))["name"] == "Default"
    assert (run.inputs.dataset_inputs, run.outputs.model_outputs) == ([], [])
    assert run.to_dictionary()["inputs"] == {"dataset_inputs": [], "model_inputs": []}
