"""Importing from a real MLflow server, and from the database that it writes."""

from __future__ import annotations

import os
import subprocess
import uuid
from pathlib import Path

import pytest

import tracking
from tests.mlflow_server.conftest import PYTHON, SERVER
from tests.mlflow_server.recording import record, store_at
from tracking.cli.app import main
from tracking.stores import open_store

pytestmark = pytest.mark.heavy

LOGGING = """
import mlflow
mlflow.set_experiment({experiment!r})
for number in range(3):
    with mlflow.start_run(run_name=f"theirs {{number}}"):
        mlflow.log_params({{"alpha": number, "name": "x"}})
        for step in range(3):
            mlflow.log_metric("rmse", number + step / 4, step=step)
        mlflow.log_text("words", "folder/text.txt")
"""


@pytest.fixture
def experiment() -> str:
    return f"e {uuid.uuid4()}"


def test_what_was_pushed_comes_back_the_same(tmp_path: Path, mlflow_server: str, experiment: str) -> None:
    first, second = store_at(tmp_path / "first"), store_at(tmp_path / "second")
    ids = record(first, experiment)
    kept = {"predictions": b"\x00\x01", "importances": b""}
    tracking.TrackingClient(first).log_batch(ids[0], blobs=kept)
    assert main(["push", mlflow_server, "--store", first]) == 0

    assert main(["import", mlflow_server, "--store", second]) == 0

    before, after = open_store(first), open_store(second)
    for run_id in ids:
        theirs, ours = before.get_run(run_id), after.get_run(run_id)
        assert ours.info.run_name == theirs.info.run_name
        assert (ours.info.status, ours.info.start_time, ours.info.end_time) == (
            *(theirs.info.status, theirs.info.start_time),
            theirs.info.end_time,
        )
        assert ours.data.params == theirs.data.params
        assert ours.data.tags == theirs.data.tags
        assert after.get_metric_history(run_id, "rmse") == before.get_metric_history(run_id, "rmse")
        assert repr(after.get_metric_history(run_id, "odd")) == repr(before.get_metric_history(run_id, "odd"))
        assert files_of(after.artifact_dir(run_id)) == files_of(before.artifact_dir(run_id))
    assert {name: after.get_blobs(ids, name) for name in kept} == {name: {ids[0]: kept[name]} for name in kept}


def test_diff_says_of_imported_runs_what_it_said_of_the_pushed_ones(
    tmp_path: Path, mlflow_server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    import runner

    first, second = store_at(tmp_path / "first"), store_at(tmp_path / "second")
    name = f"experiment_name=e {uuid.uuid4()}"
    ids = [runner.run([f"alpha={alpha}", name], store=first).info.run_id for alpha in (0.1, 0.5, 0.5)]
    assert main(["push", mlflow_server, *ids, "--store", first]) == 0
    assert main(["import", mlflow_server, "--store", second]) == 0

    for other, code in ((1, 1), (2, 0)):
        said = []
        for store in (first, second):
            capsys.readouterr()
            assert main(["diff", ids[other - 1], ids[other], "--store", store]) == code
            said.append(capsys.readouterr().out)
        assert said[0].replace(first, second) == said[1]


@pytest.mark.skipif(bool(SERVER), reason="the database of that server is elsewhere")
def test_mlflows_own_runs_come_from_its_database(tmp_path: Path, experiment: str) -> None:
    database = tmp_path / "mlflow.db"
    environment = os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{database}", "MLFLOW_DISABLE_TELEMETRY": "true"}
    assert PYTHON
    script = [PYTHON, "-c", LOGGING.format(experiment=experiment)]
    subprocess.run(script, check=True, env=environment, cwd=tmp_path, capture_output=True)

    assert main(["import", str(database)]) == 0

    store = open_store("sqlite:///runs/tracking.db")
    runs = {run.info.run_name: run for run in store.search_runs(None)}
    assert sorted(runs) == ["theirs 0", "theirs 1", "theirs 2"]
    run = runs["theirs 2"]
    assert run.data.params == {"alpha": "2", "name": "x"}
    assert [p.value for p in store.get_metric_history(run.info.run_id, "rmse")] == [2.0, 2.25, 2.5]
    assert files_of(store.artifact_dir(run.info.run_id)) == {"folder/text.txt": b"words"}


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
