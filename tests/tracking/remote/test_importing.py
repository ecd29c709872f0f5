"""Runs of MLflow's database and file store, and of another store of ours, taken in."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import tracking
from tracking.cli.app import main
from tracking.store.sqlite import Store
from tracking.stores import open_store

A, B, C, D = (letter * 32 for letter in "abcd")
STORE = "sqlite:///runs/tracking.db"

# The part of MLflow 3.17's tables that is read.
TABLES = """
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL);
CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name TEXT, artifact_location TEXT, lifecycle_stage TEXT);
CREATE TABLE runs (run_uuid TEXT PRIMARY KEY, name TEXT, user_id TEXT, status TEXT, start_time BIGINT,
  end_time BIGINT, lifecycle_stage TEXT, artifact_uri TEXT, experiment_id INTEGER);
CREATE TABLE metrics (key TEXT, value FLOAT, timestamp BIGINT, run_uuid TEXT, step BIGINT, is_nan BOOLEAN);
CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
CREATE TABLE logged_models (model_id TEXT, name TEXT, artifact_location TEXT, source_run_id TEXT, lifecycle_stage TEXT);
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """One finished run with everything, a deleted one, one that runs, and one in a deleted experiment."""
    path = tmp_path / "mlflow.db"
    files = tmp_path / "files" / A / "artifacts"
    files.mkdir(parents=True)
    (files / "plot.txt").write_text("a plot")
    model = tmp_path / "files" / "models" / "m-1" / "artifacts"
    model.mkdir(parents=True)
    (model / "MLmodel").write_text("flavors: {}")
    with closing(sqlite3.connect(path)) as sql, sql:
        sql.executescript(TABLES)
        sql.executemany("INSERT INTO experiments VALUES (?, ?, '', ?)", [(1, "wine", "active"), (2, "gone", "deleted")])
        sql.executemany(
            "INSERT INTO runs VALUES (?, ?, 'ann', ?, ?, ?, ?, ?, ?)",
            [
                (A, "first", "FINISHED", 1000, 2000, "active", f"file://{files}", 1),
                (B, "second", "FINISHED", 1000, 2000, "deleted", "", 1),
                (C, "third", "RUNNING", 1000, None, "active", "", 1),
                (D, "fourth", "FINISHED", 1000, 2000, "active", "", 2),
            ],
        )
        points = [("rmse", 0.5, 10, A, 0, 0), ("rmse", 0.25, 20, A, 1, 0), ("odd", 0, 30, A, 0, 1)]
        sql.executemany(
            "INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", [*points, ("inf", 1.7976931348623157e308, 30, A, 0, 0)]
        )
        sql.executemany("INSERT INTO params VALUES (?, ?, ?)", [("alpha", "0.1", A)])
        sql.executemany("INSERT INTO tags VALUES (?, ?, ?)", [("mlflow.runName", "first", A), ("stage", None, A)])
        sql.execute("INSERT INTO logged_models VALUES ('m-1', 'model', ?, ?, 'active')", (str(model), A))
    return path


@pytest.fixture
def store() -> Iterator[Store]:
    opened = open_store(STORE)
    yield opened
    opened.close()


def test_a_run_of_mlflows_database_comes_whole(database: Path, store: Store) -> None:
    before = database.read_bytes()

    assert main(["import", str(database)]) == 0

    run = store.get_run(A)
    assert (run.info.run_name, run.info.user_id, run.info.status) == ("first", "ann", "FINISHED")
    assert (run.info.start_time, run.info.end_time) == (1000, 2000)
    assert store.get_experiment(run.info.experiment_id).name == "wine"
    assert run.data.params == {"alpha": "0.1"}
    assert run.data.tags["stage"] == ""
    assert [(p.value, p.timestamp, p.step) for p in store.get_metric_history(A, "rmse")] == [
        (0.5, 10, 0),
        (0.25, 20, 1),
    ]
    assert math.isnan(run.data.metrics["odd"])
    assert run.data.metrics["inf"] == math.inf
    assert (store.artifact_dir(A) / "plot.txt").read_text() == "a plot"
    assert (store.artifact_dir(A) / "model" / "MLmodel").read_text() == "flavors: {}"
    assert database.read_bytes() == before


def test_what_is_deleted_or_still_running_stays_out(
    database: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", str(database)]) == 0

    assert [run.info.run_id for run in store.search_runs(None)] == [A]
    assert capsys.readouterr().out == f"{database}: 1 added, 1 still running and left out.\n"


def test_a_second_import_adds_nothing_and_leaves_the_trash_alone(
    database: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", str(database)]) == 0
    assert main(["delete", A]) == 0
    capsys.readouterr()

    assert main(["import", str(database)]) == 0

    assert "1 here already" in capsys.readouterr().out
    assert store.search_runs(None) == []


def test_files_that_are_referred_to_stay_where_they_are(database: Path, store: Store) -> None:
    assert main(["import", str(database), "--artifacts", "reference"]) == 0

    assert store.get_run(A).data.tags["artifacts.at"].endswith(f"{A}/artifacts")
    assert not store.artifact_dir(A).exists()


def test_files_that_cannot_be_had_are_named(database: Path, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect(database)) as sql, sql:
        sql.execute("UPDATE runs SET artifact_uri = 's3://bucket/1/a/artifacts'")

    assert main(["import", str(database)]) == 0

    assert "The files of 1 run lie where they cannot be copied from" in capsys.readouterr().err
    assert store.get_run(A).data.tags["artifacts.at"] == "s3://bucket/1/a/artifacts"


def test_a_database_cannot_make_us_copy_or_write_elsewhere(database: Path, store: Store, tmp_path: Path) -> None:
    secret = tmp_path / "home"
    secret.mkdir()
    (secret / "key").write_text("secret")
    with closing(sqlite3.connect(database)) as sql, sql:
        sql.execute("UPDATE runs SET artifact_uri = ?", (f"file://{secret}",))
        sql.execute("UPDATE logged_models SET name = '../../../../outside'")

    assert main(["import", str(database)]) == 2

    assert not list(tmp_path.rglob("outside"))
    assert [path for path in tmp_path.rglob("key") if path.parent != secret] == []


def test_a_store_of_ours_is_to_be_merged_and_says_so(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    store.create_experiment("x")

    assert main(["import", "runs/tracking.db", "--store", "sqlite:///other.db"]) == 2

    assert (
        "runs/tracking.db is a store of ours. To take in its runs: python -m tracking merge" in capsys.readouterr().err
    )


@pytest.mark.parametrize("source", ["nothing.db", "empty", "s3://bucket", "some.txt"])
def test_what_is_no_source_is_one_sentence(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty").mkdir()
    Path("some.txt").write_text("text, and long enough to be no empty database")

    assert main(["import", source]) == 2

    assert source in capsys.readouterr().err


# -- mlruns/


@pytest.fixture
def mlruns(tmp_path: Path) -> Path:
    root = tmp_path / "mlruns"
    write(root / "7" / "meta.yaml", "experiment_id: '7'\nname: wine\nlifecycle_stage: active\n")
    for run_id, stage in ((A, "active"), (B, "deleted")):
        folder = root / "7" / run_id
        write(
            folder / "meta.yaml",
            f"run_id: {run_id}\nrun_name: first\nuser_id: ann\nstatus: 3\nstart_time: 1000\nend_time: 2000\n"
            f"lifecycle_stage: {stage}\nartifact_uri: file:///was/elsewhere/{run_id}/artifacts\n",
        )
        write(folder / "params" / "model" / "alpha", "0.1")
        write(folder / "metrics" / "rmse", "10 0.5 0\n20 0.25 1\n30 nan 2\n")
        write(folder / "tags" / "stage", "two\nlines")
        write(folder / "artifacts" / "plots" / "plot.txt", "a plot")
    return root


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_run_of_the_file_store_comes_whole_also_when_the_folder_was_moved(mlruns: Path, store: Store) -> None:
    assert main(["import", str(mlruns)]) == 0
    assert main(["import", str(mlruns)]) == 0

    (run,) = store.search_runs(None)
    assert (run.info.run_id, run.info.run_name, run.info.user_id, run.info.status) == (A, "first", "ann", "FINISHED")
    assert run.data.params == {"model/alpha": "0.1"}
    assert run.data.tags["stage"] == "two\nlines"
    history = store.get_metric_history(A, "rmse")
    assert [(p.timestamp, p.step) for p in history] == [(10, 0), (20, 1), (30, 2)]
    assert [p.value for p in history[:2]] == [0.5, 0.25]
    assert math.isnan(history[2].value)
    assert (store.artifact_dir(A) / "plots" / "plot.txt").read_text() == "a plot"


def test_a_damaged_folder_is_named(mlruns: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (mlruns / "7" / A / "meta.yaml").write_text("- a: [")

    assert main(["import", str(mlruns)]) == 2

    assert f"{mlruns}/7/{A}/meta.yaml cannot be read" in capsys.readouterr().err


# -- another store of ours


def test_another_store_is_merged_whole_and_again(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    client = tracking.TrackingClient("sqlite:///other/tracking.db")
    run_id = client.create_run(client.create_experiment("wine"), run_name="first").info.run_id
    client.log_batch(run_id, [tracking.Metric("rmse", 0.5, 10, 0)], {"alpha": "1"}, {"stage": "good"})
    client.log_text(run_id, "seed: 1\n", "config.yaml")
    client.set_terminated(run_id)
    other = open_store("sqlite:///other/tracking.db")
    other.log_batch(run_id, blobs={"predictions": b"\0\1"})

    assert main(["merge", "other/tracking.db"]) == 0
    assert main(["merge", "other/tracking.db"]) == 0

    assert capsys.readouterr().out == "other/tracking.db: 1 added.\nother/tracking.db: 1 here already.\n"
    theirs, ours = other.get_run(run_id), store.get_run(run_id)
    assert ours.data == theirs.data
    assert (ours.info.status, ours.info.start_time, ours.info.end_time) == (
        "FINISHED",
        theirs.info.start_time,
        theirs.info.end_time,
    )
    assert store.get_metric_history(run_id, "rmse") == other.get_metric_history(run_id, "rmse")
    assert store.get_blobs([run_id], "predictions") == {run_id: b"\0\1"}
    assert (store.artifact_dir(run_id) / "config.yaml").read_text() == "seed: 1\n"
    assert store.check() == []


def test_experiments_of_one_name_become_one(store: Store) -> None:
    for place in ("runs", "other"):
        client = tracking.TrackingClient(f"sqlite:///{place}/tracking.db")
        client.create_experiment(f"only in {place}")
        client.set_terminated(client.create_run(client.create_experiment("wine")).info.run_id)

    assert main(["merge", "other/tracking.db"]) == 0

    (wine,) = (e for e in store.search_experiments() if e.name == "wine")
    assert len(store.search_runs([wine.experiment_id])) == 2


def test_a_store_is_not_merged_with_itself(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    store.create_experiment("x")

    assert main(["merge", "runs/tracking.db"]) == 2

    assert "is the store itself" in capsys.readouterr().err


def test_runs_of_an_experiment_in_our_trash_are_refused_with_the_remedy(
    database: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    store.update_experiment(store.create_experiment("wine"), lifecycle_stage="deleted")

    assert main(["import", str(database)]) == 2

    assert "Experiment 'wine' is in the trash of this store" in capsys.readouterr().err
