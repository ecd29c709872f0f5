"""Small binary values of runs: kept once where they are equal, gone with the last run that names them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tracking import TrackingClient
from tracking.errors import RunDeleted


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TrackingClient]:
    made = TrackingClient(f"sqlite:///{tmp_path}/tracking.db")
    yield made
    made.store.close()


def contents(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "tracking.db")) as connection:
        return int(connection.execute("SELECT count(*) FROM blobs").fetchone()[0])


def test_what_was_logged_is_read_back_byte_for_byte(client: TrackingClient) -> None:
    first, second = (client.create_run("0").info.run_id for _ in range(2))
    client.log_batch(first, blobs={"predictions": b"\x00\xff" * 1000, "importance.csv": b"name,value\n"})
    client.log_batch(second, blobs={"predictions": b"other"})

    assert client.get_blobs([first, second], "predictions") == {first: b"\x00\xff" * 1000, second: b"other"}
    assert client.get_blobs([first, second], "importance.csv") == {first: b"name,value\n"}
    assert client.list_blobs(first) == {"importance.csv": 11, "predictions": 2000}


def test_equal_content_is_kept_once_and_goes_with_its_last_run(client: TrackingClient, tmp_path: Path) -> None:
    runs = [client.create_run("0").info.run_id for _ in range(3)]
    for run_id in runs:
        client.log_batch(run_id, blobs={"target": b"the same", "own": run_id.encode()})
    assert contents(tmp_path) == 4

    for run_id in runs[:2]:
        client.delete_run(run_id)
    client.store.purge_runs(runs[:2])

    assert contents(tmp_path) == 2
    assert client.get_blobs(runs, "target") == {runs[2]: b"the same"}


def test_a_name_can_be_replaced_and_taken_away(client: TrackingClient, tmp_path: Path) -> None:
    run_id = client.create_run("0").info.run_id
    client.log_batch(run_id, blobs={"a": b"1"})
    client.log_batch(run_id, blobs={"a": b"2", "b": b"3"})
    assert client.get_blobs([run_id], "a") == {run_id: b"2"}

    client.remove_blobs([run_id], "a")

    assert client.list_blobs(run_id) == {"b": 1}
    assert contents(tmp_path) == 1


def test_many_runs_are_read_at_once(client: TrackingClient) -> None:
    runs = [client.create_run("0").info.run_id for _ in range(1100)]
    for number, run_id in enumerate(runs):
        client.log_batch(run_id, blobs={"n": str(number).encode()})

    assert client.get_blobs(runs, "n") == {run_id: str(n).encode() for n, run_id in enumerate(runs)}


def test_a_run_in_the_trash_takes_none(client: TrackingClient) -> None:
    run_id = client.create_run("0").info.run_id
    client.delete_run(run_id)

    with pytest.raises(RunDeleted):
        client.log_batch(run_id, blobs={"a": b"1"})
