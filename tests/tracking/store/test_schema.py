"""Migrations and files that are not, or no longer, a store of this version."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tracking.errors import StoreCorrupt, StoreError, StoreTooNew
from tracking.store import schema
from tracking.store.sqlite import Store
from tracking.stores import open_store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "tracking.db"


def opened(path: Path) -> Store:
    return open_store(f"sqlite:///{path}")


def made(path: Path) -> bytes:
    """Make a store with one experiment; return the bytes of its file."""
    store = opened(path)
    store.create_experiment("before")
    store.close()
    return path.read_bytes()


def add_colour(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE runs ADD COLUMN colour TEXT")


def test_nothing_is_made_before_the_store_is_used(path: Path) -> None:
    opened(path)
    assert not path.parent.exists()


def test_a_new_file_has_the_newest_version_and_no_backup(path: Path) -> None:
    made(path)
    with closing(sqlite3.connect(path)) as connection:
        assert schema.version_of(connection) == len(schema.MIGRATIONS)
    assert [file.name for file in path.parent.iterdir()] == ["tracking.db"]


def test_an_older_file_is_copied_and_then_migrated(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(path)
    version = len(schema.MIGRATIONS)
    monkeypatch.setattr(schema, "MIGRATIONS", [*schema.MIGRATIONS, add_colour])
    store = opened(path)
    assert store.get_experiment_by_name("before")
    store.close()
    backup = path.with_name(f"tracking.db.v{version}.backup")
    with closing(sqlite3.connect(backup)) as connection:
        assert schema.version_of(connection) == version
        assert connection.execute("SELECT name FROM experiments WHERE id = 1").fetchone() == ("before",)
    with closing(sqlite3.connect(path)) as connection:
        assert schema.version_of(connection) == version + 1


def test_a_migration_that_fails_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(path)

    def broken(connection: sqlite3.Connection) -> None:
        connection.execute("ALTER TABLE missing ADD COLUMN colour TEXT")

    known = schema.MIGRATIONS
    monkeypatch.setattr(schema, "MIGRATIONS", [*known, add_colour, broken])
    with pytest.raises(StoreError, match="no such table"):
        opened(path).get_experiment("0")
    monkeypatch.setattr(schema, "MIGRATIONS", known)
    assert opened(path).get_experiment_by_name("before")


def test_a_file_of_a_newer_version_is_refused_and_not_touched(path: Path) -> None:
    made(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS) + 1}")
    before = path.read_bytes()
    with pytest.raises(StoreTooNew, match="Install a newer version"):
        opened(path).create_experiment("x")
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["tracking.db"]


@pytest.mark.parametrize("version", [0, 1])
def test_a_database_that_is_something_else_is_refused_and_not_touched(path: Path, version: int) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE alembic_version(version_num TEXT)")
        connection.execute(f"PRAGMA user_version = {version}")
    before = path.read_bytes()
    with pytest.raises(StoreCorrupt, match="not a tracking store"):
        opened(path).create_experiment("x")
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_and_not_touched(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("a,b\n1,2\n" * 1000)
    with pytest.raises(StoreCorrupt, match="not a readable tracking store"):
        opened(path).search_runs(None)
    assert path.read_text() == "a,b\n1,2\n" * 1000


def test_an_empty_file_becomes_a_store(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    assert opened(path).get_experiment("0").name == "Default"


def test_a_damaged_file_is_named_and_check_says_so(path: Path) -> None:
    content = made(path)
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    store = opened(path)
    with pytest.raises(StoreCorrupt, match=r"tracking\.db.*Restore it"):
        store.create_experiment("x")
    assert {problem.kind for problem in store.check()} == {"database"}


def test_a_shortened_file_is_named(path: Path) -> None:
    content = made(path)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(StoreCorrupt):
        opened(path).create_experiment("x")


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"is a folder.*tracking\.db"):
        opened(tmp_path).get_experiment("0")


def test_a_file_where_the_folder_belongs_is_named(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("x")
    with pytest.raises(StoreError, match="runs"):
        opened(tmp_path / "runs" / "tracking.db").get_experiment("0")
