"""A store whose rows make no sense is called damaged, by every verb and by `check`; never by a traceback."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import tracking
from tracking.cli.app import main
from tracking.errors import StoreCorrupt
from tracking.store import schema
from tracking.store.damage import find_damage

DAMAGE = {
    "UPDATE runs SET experiment = 77": "a row of runs belongs to nothing",
    "UPDATE latest SET key = key + 90": "a row of latest belongs to nothing",
    "UPDATE params SET key = 99": "a row of params belongs to nothing",
    "UPDATE runs SET status = '${oc.env:HOME}'": "a row of runs has a status that is none",
    "UPDATE runs SET start_time = 'soon'": "a row of runs has a start_time that is none",
    "UPDATE experiments SET lifecycle = 'x'": "a row of experiments has a lifecycle that is none",
    "UPDATE latest SET value = 'much'": "a row of latest has a value that is none",
    "DROP TABLE params": "there is no table params",
}


@pytest.fixture
def database() -> Path:
    with tracking.start_run(run_name="a"):
        tracking.log_metrics({"m": 1.0, "n": float("nan")})
        tracking.log_param("p", "x")
    tracking.reset()
    return Path("runs/tracking.db")


def change(database: Path, sql: str) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute(sql)
        connection.commit()


@pytest.mark.parametrize(("sql", "said"), DAMAGE.items(), ids=DAMAGE)
def test_damage_is_found_by_check_and_ends_no_verb_in_a_traceback(
    sql: str, said: str, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(database, sql)

    for verb in ("runs", "show latest", "artifacts latest", "merge runs/tracking.db --store sqlite:///other/b.db"):
        assert main(verb.split()) in (0, 2), verb
    assert main(["check"]) == 1

    assert said in "".join(capsys.readouterr())


def test_reading_rows_that_belong_to_nothing_says_that_the_store_is_damaged(database: Path) -> None:
    change(database, "UPDATE runs SET experiment = 77")

    with pytest.raises(StoreCorrupt, match=r"is damaged.* a row of runs belongs to nothing.*python -m tracking check"):
        tracking.TrackingClient("sqlite:///runs/tracking.db").get_run(run_id(database))


def run_id(database: Path) -> str:
    with closing(sqlite3.connect(database)) as connection:
        return str(connection.execute("SELECT run_id FROM runs").fetchone()[0])


@pytest.mark.parametrize("column", ["start_time", "end_time"])
def test_times_that_are_no_numbers_are_refused_where_a_run_is_read(database: Path, column: str) -> None:
    change(database, f"UPDATE runs SET {column} = 'noon'")
    client = tracking.TrackingClient("sqlite:///runs/tracking.db")

    with pytest.raises(StoreCorrupt, match=f"a row of runs has a {column} that is none"):
        client.search_runs(["0", "1"])
    assert main(["experiments"]) == 2


def test_a_location_that_no_file_system_takes_is_one_sentence(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(database, f"UPDATE experiments SET location = '{'9' * 300}'")

    assert main(["show", "latest"]) == 2
    assert "has a name that is too long for a file system" in capsys.readouterr().err


def test_a_sound_store_has_no_damage(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        assert schema.is_store(connection)
        assert find_damage(connection) == []


def test_an_error_of_the_program_itself_is_not_blamed_on_a_sound_store(database: Path) -> None:
    from tracking.stores import open_store

    store = open_store("sqlite:///runs/tracking.db")
    with pytest.raises(KeyError), store.blamed():
        raise KeyError("a mistake of ours")
    store.close()
