"""MLflow pointed at a store by mistake: it is refused, and what an earlier version let it leave is cleaned up."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tracking.cli.app import main
from tracking.entities import LifecycleStage
from tracking.store.process import current_process
from tracking.store.sqlite import Store
from tracking.stores import open_store

RUN = "a" * 32


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    uri = f"sqlite:///{tmp_path}/runs/tracking.db"
    monkeypatch.setenv("TRACKING_URI", uri)
    opened = open_store(uri)
    opened.create_run("0", run_id=RUN, run_name="x", user_id="u", start_time=1, process=current_process(), tags={})
    opened.update_run(RUN, status="FINISHED", end_time=2)
    return opened


@pytest.fixture
def file(store: Store, tmp_path: Path) -> Path:
    store.close()
    return tmp_path / "runs" / "tracking.db"


def leave_tables(file: Path, *more: str) -> None:
    """Do to a store of version 0.1.0 what MLflow did before it gave up."""
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(
            "DROP VIEW metrics; DROP VIEW alembic_version;"
            "CREATE TABLE metrics (run_uuid VARCHAR(32) NOT NULL REFERENCES runs (run_uuid));"
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL);"
            "INSERT INTO alembic_version VALUES ('451aebb31d03');" + "".join(more)
        )


def test_tables_that_mlflow_left_are_found_and_removed_on_request(
    store: Store, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    leave_tables(file)
    assert main(["runs"]) == 0
    assert main(["check"]) == 1
    assert "python -m tracking check --fix" in capsys.readouterr().err
    assert main(["check", "--fix"]) == 0
    assert [(problem.kind, problem.subject) for problem in store.check()] == []
    store.update_run(RUN, lifecycle_stage=LifecycleStage.DELETED)
    assert main(["gc", "--yes"]) == 0
    assert store.search_runs(None, view_type=3) == []


def test_a_table_of_another_program_that_holds_rows_is_left_alone(store: Store, file: Path) -> None:
    leave_tables(file, 'CREATE TABLE "my ""notes" (text); INSERT INTO "my ""notes" VALUES (1);')
    found = {problem.subject: problem.fixed for problem in store.check(fix=True)}
    assert found == {"alembic_version": True, "metrics": True, 'my "notes': False}
    (left,) = store.check()
    assert "left alone" in left.message


def test_what_mlflow_would_make_first_is_there_already_and_cannot_be_written(file: Path) -> None:
    before = file.read_bytes()
    with closing(sqlite3.connect(file)) as connection:
        with pytest.raises(sqlite3.OperationalError, match="already exists"):
            connection.execute("CREATE TABLE metrics (run_uuid TEXT)")
        with pytest.raises(sqlite3.OperationalError, match="view"):
            connection.execute("UPDATE alembic_version SET version_num = 'x'")
        (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    assert "not MLflow" in version
    assert file.read_bytes() == before


def test_mlflow_itself_is_refused_and_changes_nothing(file: Path, tmp_path: Path) -> None:
    sqlalchemy_store = pytest.importorskip("mlflow.store.tracking.sqlalchemy_store", reason="needs MLflow")
    before = file.read_bytes()
    with pytest.raises(Exception, match="not MLflow"):
        sqlalchemy_store.SqlAlchemyStore(f"sqlite:///{file}", str(tmp_path / "artifacts"))
    assert file.read_bytes() == before
