"""A store that cannot be written: one error that says why, and nothing half-recorded."""

from __future__ import annotations

import itertools
import os
import resource
import shutil
import sqlite3
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tracking.entities import Metric
from tracking.errors import InvalidValue, RunNotFound, StoreCorrupt, StoreError, StoreFull, StoreReadOnly, TrackingError
from tracking.store import connection as sqlite_connection
from tracking.store.connection import Database
from tracking.store.process import current_process
from tracking.store.sqlite import Store
from tracking.store.translation import translate
from tracking.stores import open_store

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def start(store: Store, letter: str = "a") -> str:
    run = store.create_run(
        "0", run_id=letter * 32, run_name="x", user_id="u", start_time=1, process=current_process(), tags={}
    )
    return run.info.run_id


def said_by_child(work: Callable[[], object]) -> str:
    """Run a function in a forked process; return its result as text, or fail with its traceback."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        status = 0
        try:
            said = str(work())
        except BaseException:
            said, status = traceback.format_exc(), 1
        os.write(writing, said.encode())
        os._exit(status)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        said = pipe.read()
    assert os.waitpid(child, 0)[1] == 0, said
    return said


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can reach, unlike tmp_path."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)
        for place in [Path(name), *Path(name).rglob("*")]:
            os.chmod(place, 0o755)


@needs_fork
@pytest.mark.parametrize("open_elsewhere", [False, True])
def test_a_read_only_store_can_be_read_but_not_written(folder: Path, open_elsewhere: bool) -> None:
    store = open_store(f"sqlite:///{folder}/runs/tracking.db")
    run_id = start(store)
    store.log_batch(run_id, params={"p": "1"})
    if not open_elsewhere:
        store.close()
    for place in (folder / "runs").rglob("*"):
        place.chmod(0o444)
    (folder / "runs").chmod(0o555)

    def work() -> str:
        if not os.getuid():
            os.setuid(65534)  # root may write everything
        mine = open_store(store.uri)
        assert mine.get_run(run_id).data.params == {"p": "1"}
        assert len(mine.search_runs(None, filter_string="params.p = 1")) == 1
        with pytest.raises(StoreReadOnly, match=r"tracking\.db.*permissions"):
            mine.log_batch(run_id, params={"q": "1"})
        with pytest.raises(PermissionError):
            mine.update_run(run_id, status="FINISHED", end_time=1)
        return "done"

    assert said_by_child(work) == "done"


@needs_fork
def test_a_store_that_may_not_be_read_says_so_without_talking_of_writing(folder: Path) -> None:
    store = open_store(f"sqlite:///{folder}/tracking.db")
    run_id = start(store)
    store.close()
    (folder / "tracking.db").chmod(0)

    def work() -> str:
        if not os.getuid():
            os.setuid(65534)
        with pytest.raises(StoreReadOnly, match="may not be read") as caught:
            open_store(store.uri).get_run(run_id)
        return str(caught.value)

    message = said_by_child(work)
    assert "permissions" in message
    assert "recorded" not in message
    assert "written" not in message


@needs_fork
def test_a_folder_that_may_not_be_written_is_named(folder: Path) -> None:
    folder.chmod(0o555)

    def work() -> str:
        if not os.getuid():
            os.setuid(65534)
        with pytest.raises(StoreReadOnly, match="permissions") as caught:
            open_store(f"sqlite:///{folder}/runs/tracking.db").create_experiment("x")
        return str(caught.value)

    assert "tracking.db" in said_by_child(work)


@needs_fork
def test_on_a_full_disk_each_call_is_recorded_or_refused(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/runs/tracking.db")
    run_id = start(store)
    store.close()

    def fill() -> None:
        for step in itertools.count():
            points = [Metric(key, step, 1, step) for key in "abc"]
            store.log_batch(run_id, metrics=points, tags={"t": "x" * step})

    def work() -> str:
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
        with pytest.raises(StoreFull, match="Nothing of this call was recorded"):
            fill()
        step = len(store.get_metric_history(run_id, "a"))
        assert store.get_run(run_id).data.tags == {"t": "x" * (step - 1)}  # still readable
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        store.log_batch(run_id, params={"after": "1"})  # and writable, once there is space
        return str(step)

    steps = int(said_by_child(work))
    assert steps > 10
    for key in "abc":
        assert [point.step for point in store.get_metric_history(run_id, key)] == list(range(steps))
    assert store.get_run(run_id).data.params == {"after": "1"}
    assert store.check() == [problem for problem in store.check() if problem.kind == "stale run"]


@needs_fork
def test_on_a_full_disk_purging_makes_room_by_the_files_of_what_is_in_the_trash(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/runs/tracking.db")
    run_id, kept = start(store), start(store, "b")
    for folder in (store.artifact_dir(run_id), store.artifact_dir(kept)):
        folder.mkdir(parents=True)
        (folder / "big").write_bytes(b"x")
    store.update_run(run_id, lifecycle_stage="deleted")

    def work() -> str:
        store.get_run(run_id)  # it is open when the disk becomes full: opening takes space too
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # rows cannot be written at all
        with pytest.raises(StoreFull):
            store.purge_runs([run_id])
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        return str(store.artifact_dir(run_id).exists())

    assert said_by_child(work) == "False"
    assert store.artifact_dir(kept).exists()
    store.purge_runs([run_id])
    with pytest.raises(RunNotFound):
        store.get_run(run_id)


@needs_fork
def test_no_space_for_a_new_store_is_said_and_leaves_it_creatable(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/runs/tracking.db"

    def work() -> str:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        with pytest.raises(StoreFull):
            open_store(uri).create_experiment("x")
        return "done"

    assert said_by_child(work) == "done"
    assert open_store(uri).create_experiment("x") == "1"


def test_a_store_that_another_process_holds_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_connection, "_BUSY_SECONDS", 0.01)
    store = open_store(f"sqlite:///{tmp_path}/tracking.db")
    run_id = start(store)
    holder = sqlite3.connect(tmp_path / "tracking.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked by another process"):
        store.log_batch(run_id, params={"p": "1"})
    holder.close()
    store.log_batch(run_id, params={"p": "1"})


@needs_fork
def test_after_a_fork_parent_and_child_use_connections_of_their_own(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/tracking.db")
    run_id = start(store)

    def work() -> str:
        for step in range(200):
            store.log_batch(run_id, metrics=[Metric("child", step, 1, step)])
        store.close()
        return "done"

    store.log_batch(run_id, metrics=[Metric("parent", 0, 1)])
    assert said_by_child(work) == "done"
    store.log_batch(run_id, metrics=[Metric("parent", 1, 1, 1)])
    assert len(store.get_metric_history(run_id, "child")) == 200
    assert len(store.get_metric_history(run_id, "parent")) == 2
    assert store.check() == []


@pytest.mark.parametrize("replace", [False, True])
def test_a_store_that_is_removed_while_in_use_is_made_again(tmp_path: Path, replace: bool) -> None:
    store = open_store(f"sqlite:///{tmp_path}/runs/tracking.db")
    run_id = start(store)
    store.log_batch(run_id, params={"a": "1", "b": "2"})
    shutil.rmtree(tmp_path / "runs")
    if replace:
        other = open_store(store.uri)
        other.log_batch(start(other, "b"), params={"b": "2"})
        other.close()
    with pytest.raises(RunNotFound):
        store.log_batch(run_id, params={"c": "3"})
    store.log_batch(start(store, "c"), params={"b": "new"})
    assert open_store(store.uri).get_run("c" * 32).data.params == {"b": "new"}


def sqlite_error(code: int, kind: type[sqlite3.Error] = sqlite3.OperationalError) -> sqlite3.Error:
    error = kind("why")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (sqlite_error(sqlite3.SQLITE_FULL), StoreFull),
        (sqlite_error(sqlite3.SQLITE_IOERR_WRITE), StoreFull),
        (sqlite_error(sqlite3.SQLITE_IOERR_READ), StoreError),
        (sqlite_error(sqlite3.SQLITE_READONLY_DBMOVED), StoreReadOnly),
        (sqlite_error(sqlite3.SQLITE_BUSY_SNAPSHOT), StoreError),
        (sqlite_error(sqlite3.SQLITE_CORRUPT_VTAB, sqlite3.DatabaseError), StoreCorrupt),
        (sqlite_error(sqlite3.SQLITE_NOTADB, sqlite3.DatabaseError), StoreCorrupt),
        (sqlite_error(sqlite3.SQLITE_CANTOPEN), StoreError),
        (sqlite3.ProgrammingError("why"), StoreError),
        (sqlite3.InterfaceError("why"), StoreError),
        (OSError(28, "why"), StoreFull),
        (PermissionError(13, "why"), StoreReadOnly),
        (NotADirectoryError(20, "why"), StoreError),
        (OverflowError("why"), InvalidValue),
    ],
)
def test_every_foreign_error_has_one_of_ours(tmp_path: Path, error: Exception, expected: type[TrackingError]) -> None:
    translated = translate(error, tmp_path / "x.db")
    assert type(translated) is expected
    assert "why" in str(translated)


def test_an_error_of_the_caller_is_not_translated(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.db", {})
    with pytest.raises(ZeroDivisionError):
        database.write(lambda _: 1 / 0)

    def interrupted(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO keys(name) VALUES ('x')")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        database.write(interrupted)
    assert database.read(lambda connection: connection.execute("SELECT * FROM keys").fetchall()) == []
