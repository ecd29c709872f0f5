"""Rows and files: what `check` finds and repairs, what purging frees, and how dead runs are repaired."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tracking.entities import LifecycleStage, Metric, Process, RunStatus
from tracking.store.paths import TEMPORARY
from tracking.store.process import current_process
from tracking.store.sqlite import Store
from tracking.stores import open_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"sqlite:///{tmp_path}/runs/tracking.db")


def start(store: Store, letter: str, *, dead: bool = False, ended: bool = False) -> Path:
    """Start a run with one file; return its folder."""
    process = current_process()
    if dead:
        process = Process(process.host, process.pid, process.started + "0")
    run_id = letter * 32
    store.create_run("0", run_id=run_id, run_name="x", user_id="u", start_time=1, process=process, tags={})
    folder = store.artifact_dir(run_id)
    folder.mkdir(parents=True)
    (folder / "file.txt").write_text("x")
    if ended:
        store.update_run(run_id, status=RunStatus.FINISHED, end_time=2)
    return folder


def stored_status(tmp_path: Path, run_id: str) -> str:
    with closing(sqlite3.connect(tmp_path / "runs" / "tracking.db")) as connection:
        status: str = connection.execute("SELECT status FROM runs WHERE run_id = ?", (run_id,)).fetchone()[0]
    return status


def test_a_new_store_is_clean(store: Store) -> None:
    assert store.check() == store.check(fix=True) == []


def test_a_folder_without_a_run_is_found_and_removed(store: Store, tmp_path: Path) -> None:
    start(store, "a")
    for orphan in ("0/" + "b" * 32, "7/" + "c" * 32):
        (tmp_path / "runs" / "artifacts" / orphan / "deep").mkdir(parents=True)
    found = store.check()
    assert [(p.kind, p.fixed) for p in found] == [("orphan folder", False)] * 2
    assert {Path(p.subject).name[0] for p in found} == {"b", "c"}
    assert all(problem.fixed for problem in store.check(fix=True))
    assert store.check() == []
    assert store.artifact_dir("a" * 32).is_dir()


def test_what_a_person_keeps_among_the_artifacts_is_left_alone(store: Store, tmp_path: Path) -> None:
    start(store, "a", ended=True)
    notes = tmp_path / "runs" / "artifacts" / "notes"
    (notes / "deep").mkdir(parents=True)
    (tmp_path / "runs" / "artifacts" / "0" / "read me.txt").write_text("x")
    assert store.check(fix=True) == []
    assert notes.is_dir()


def test_artifacts_of_another_store_in_the_same_folder_are_left_alone(store: Store, tmp_path: Path) -> None:
    start(store, "a", ended=True)
    other = open_store(f"sqlite:///{tmp_path}/runs/other.db")
    start(other, "b", ended=True)
    (tmp_path / "runs" / "words.txt").write_text("no database")
    assert store.check(fix=True) == other.check(fix=True) == []
    assert other.artifact_dir("b" * 32).is_dir()


@pytest.mark.parametrize("trouble", ["corrupt", "locked"])
def test_beside_another_store_that_cannot_be_read_no_folder_is_removed(
    store: Store, tmp_path: Path, trouble: str
) -> None:
    start(store, "a", ended=True)
    other = open_store(f"sqlite:///{tmp_path}/runs/other.db")
    folder = start(other, "b", ended=True)
    other.close()
    file = tmp_path / "runs" / "other.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as holder:
        if trouble == "locked":
            holder.execute("PRAGMA journal_mode = DELETE")
            holder.execute("BEGIN EXCLUSIVE")
        else:
            file.write_bytes(file.read_bytes()[:100] + b"x" * 5000)
        (problem,) = store.check(fix=True)
    assert (problem.kind, problem.fixed) == ("orphan folder", False)
    assert "other.db" in problem.message
    assert (folder / "file.txt").read_text() == "x"


def test_an_unfinished_file_is_found_once_its_run_has_ended(store: Store) -> None:
    for letter, options in (("a", {}), ("b", {"dead": True}), ("c", {"ended": True})):
        (start(store, letter, **options) / f"{TEMPORARY}123").write_text("half")
    found = store.check()
    assert sorted((p.kind, Path(p.subject).parent.name[:1]) for p in found) == [
        ("orphan file", "b"),
        ("orphan file", "c"),
        ("stale run", ""),
    ]
    assert all(problem.fixed for problem in store.check(fix=True))
    assert store.check() == []
    assert (store.artifact_dir("a" * 32) / f"{TEMPORARY}123").exists()


def test_a_row_that_belongs_to_nothing_is_found(store: Store, tmp_path: Path) -> None:
    start(store, "a")
    with closing(sqlite3.connect(tmp_path / "runs" / "tracking.db", isolation_level=None)) as connection:
        connection.execute("INSERT INTO params VALUES (77, 1, 'x')")
    (problem,) = store.check(fix=True)
    assert (problem.kind, problem.fixed) == ("database", False)
    assert "params" in problem.message


def test_a_dead_run_is_repaired_by_the_next_write(store: Store, tmp_path: Path) -> None:
    start(store, "a", dead=True)
    assert store.get_run("a" * 32).info.status == "KILLED"
    assert stored_status(tmp_path, "a" * 32) == "RUNNING"
    start(open_store(store.uri), "b")
    assert stored_status(tmp_path, "a" * 32) == "KILLED"
    assert stored_status(tmp_path, "b" * 32) == "RUNNING"
    assert store.get_run("a" * 32).info.end_time is None


def test_purging_frees_the_space(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "runs" / "tracking.db"
    kept = start(store, "a")
    gone = start(store, "b")
    store.log_batch("b" * 32, metrics=[Metric("m", step, 1, step) for step in range(20_000)])
    store.update_run("b" * 32, lifecycle_stage=LifecycleStage.DELETED)
    store.close()
    before = file.stat().st_size
    store.purge_runs(["b" * 32])
    assert file.stat().st_size < before / 4
    assert kept.is_dir()
    assert not gone.exists()
    assert store.check() == []


def test_purging_nothing_is_fine(store: Store) -> None:
    folder = start(store, "a", ended=True)
    store.purge_runs([])
    assert [run.info.run_id for run in store.search_runs(None)] == ["a" * 32]
    assert (folder / "file.txt").read_text() == "x"
