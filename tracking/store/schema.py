"""The tables of the SQLite store, as migrations: a list of functions, applied in order.

`PRAGMA user_version` counts those applied. Appending a function here is the only way to change a
table; what stands here already never changes. An existing file is copied before it is touched.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tracking.errors import StoreCorrupt, StoreTooNew
from tracking.store import trust

_APPLICATION_ID = 0x74726B31  # "trk1" in the header of the file: tells a store from any other database


def _first_tables(connection: sqlite3.Connection) -> None:
    """Create everything.

    Names of params, metrics and tags are kept once, in `keys`; values are rows clustered by run, which
    makes writing a run and reading it whole touch one or two pages. A metric of NaN is NULL in `latest`,
    where it must compare with nothing, and 'NaN' in `points`, where it must be distinct.
    """
    connection.execute(
        "CREATE TABLE experiments(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, location TEXT,"
        " lifecycle TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL)"
    )
    connection.execute(
        "CREATE TABLE experiment_tags(experiment INTEGER NOT NULL REFERENCES experiments(id),"
        " key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY(experiment, key)) WITHOUT ROWID"
    )
    connection.execute(
        "CREATE TABLE runs(n INTEGER PRIMARY KEY, run_id TEXT NOT NULL UNIQUE,"
        " experiment INTEGER NOT NULL REFERENCES experiments(id), name TEXT NOT NULL, user TEXT NOT NULL,"
        " status TEXT NOT NULL, start_time INTEGER NOT NULL, end_time INTEGER, lifecycle TEXT NOT NULL,"
        " host TEXT NOT NULL, pid INTEGER NOT NULL, started TEXT NOT NULL)"
    )
    connection.execute("CREATE INDEX runs_by_time ON runs(start_time)")
    connection.execute("CREATE TABLE keys(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)")
    for table in ("params", "tags"):
        connection.execute(
            f"CREATE TABLE {table}(run INTEGER NOT NULL REFERENCES runs(n) ON DELETE CASCADE,"
            " key INTEGER NOT NULL, value TEXT NOT NULL, PRIMARY KEY(run, key)) WITHOUT ROWID"
        )
    connection.execute(
        "CREATE TABLE latest(run INTEGER NOT NULL REFERENCES runs(n) ON DELETE CASCADE, key INTEGER NOT NULL,"
        " step INTEGER NOT NULL, timestamp INTEGER NOT NULL, value REAL, PRIMARY KEY(run, key)) WITHOUT ROWID"
    )
    connection.execute(
        "CREATE TABLE points(run INTEGER NOT NULL REFERENCES runs(n) ON DELETE CASCADE, key INTEGER NOT NULL,"
        " step INTEGER NOT NULL, timestamp INTEGER NOT NULL, value REAL NOT NULL,"
        " PRIMARY KEY(run, key, step, timestamp, value)) WITHOUT ROWID"
    )
    now = int(time.time() * 1000)
    connection.execute("INSERT INTO experiments VALUES (0, 'Default', NULL, 'active', ?, ?)", (now, now))


def _blobs(connection: sqlite3.Connection) -> None:
    """Create the tables of small binary values: contents by digest, and the names that runs have for them."""
    connection.execute("CREATE TABLE blobs(id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, content BLOB NOT NULL)")
    connection.execute(
        "CREATE TABLE run_blobs(run INTEGER NOT NULL REFERENCES runs(n) ON DELETE CASCADE, name TEXT NOT NULL,"
        " blob INTEGER NOT NULL REFERENCES blobs(id), PRIMARY KEY(run, name)) WITHOUT ROWID"
    )
    connection.execute("CREATE INDEX runs_by_blob ON run_blobs(blob)")


def _claims(connection: sqlite3.Connection) -> None:
    """Add what processes claim to work on, so that no two do the same."""
    connection.execute(
        "CREATE TABLE claims(key TEXT PRIMARY KEY, host TEXT NOT NULL, pid INTEGER NOT NULL,"
        " started TEXT NOT NULL, taken INTEGER NOT NULL) WITHOUT ROWID"
    )


def keep_mlflow_out(connection: sqlite3.Connection) -> None:
    """Make MLflow refuse the file before it changes anything, should somebody point it here.

    Of the tables that it makes first, only `metrics` has no namesake here; then it reads in `alembic_version` which
    of its versions the file has. Views of these names are there already and cannot be written to. Seen with MLflow
    3.17: "Can't locate revision identified by 'of python -m tracking, not MLflow'".
    """
    connection.execute("CREATE VIEW IF NOT EXISTS metrics AS SELECT * FROM latest")
    connection.execute(
        "CREATE VIEW IF NOT EXISTS alembic_version AS SELECT 'of python -m tracking, not MLflow' AS version_num"
    )


def _origin(connection: sqlite3.Connection) -> None:
    """Add the table of the store's id, by which its maker's programs know it again; see `tracking.store.trust`."""
    connection.execute("CREATE TABLE origin(id TEXT NOT NULL)")


def _registry(connection: sqlite3.Connection) -> None:
    """Add registered models: names, versions that count up, aliases, and tags (of version 0: the model's own)."""
    connection.execute(
        "CREATE TABLE registered_models(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created INTEGER NOT NULL,"
        " updated INTEGER NOT NULL, description TEXT NOT NULL, versions INTEGER NOT NULL DEFAULT 0)"
    )
    owner = "model INTEGER NOT NULL REFERENCES registered_models(id) ON DELETE CASCADE"
    connection.execute(
        f"CREATE TABLE model_versions({owner}, version INTEGER NOT NULL, created INTEGER NOT NULL,"
        " updated INTEGER NOT NULL, description TEXT NOT NULL, source TEXT NOT NULL, run_id TEXT, stage TEXT NOT NULL,"
        " PRIMARY KEY(model, version)) WITHOUT ROWID"
    )
    connection.execute(
        f"CREATE TABLE model_aliases({owner}, alias TEXT NOT NULL, version INTEGER NOT NULL,"
        " PRIMARY KEY(model, alias)) WITHOUT ROWID"
    )
    connection.execute(
        f"CREATE TABLE model_tags({owner}, version INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,"
        " PRIMARY KEY(model, version, key)) WITHOUT ROWID"
    )


MIGRATIONS: list[Callable[[sqlite3.Connection], None]] = [
    _first_tables,
    _blobs,
    _claims,
    keep_mlflow_out,
    _origin,
    _registry,
]


def own_tables() -> set[str]:
    """Return the names of all tables that a store has; any other is another program's."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for step in MIGRATIONS:
            step(connection)
        return set(table_names(connection))


def table_names(connection: sqlite3.Connection) -> list[str]:
    """Return the names of the tables in a file, without SQLite's own."""
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return [name for (name,) in rows if not name.startswith("sqlite_")]


def version_of(connection: sqlite3.Connection) -> int:
    """Return how many migrations the file has seen; 0 for an empty file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def is_store(connection: sqlite3.Connection) -> bool:
    """Tell whether a database is a tracking store, of whatever version."""
    return bool(connection.execute("PRAGMA application_id").fetchone()[0] == _APPLICATION_ID)


def require_known(connection: sqlite3.Connection, name: str) -> bool:
    """Return whether the file is a store of the current version; False means: migrate it.

    Raises StoreTooNew for a newer version and StoreCorrupt for a database that is something else.
    """
    version, newest = version_of(connection), len(MIGRATIONS)
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    if application != _APPLICATION_ID and (application or version or _has_tables(connection)):
        raise StoreCorrupt(
            f"{name} is an SQLite database, but not a tracking store (an MLflow database?). "
            "It was not touched. Choose another file for the tracking URI."
        )
    if version > newest:
        raise StoreTooNew(
            f"{name} has schema version {version}; this installation knows versions up to {newest}. "
            "It was not touched. Install a newer version of this library to use it."
        )
    return version == newest


def migrate(connection: sqlite3.Connection, path: Path | None) -> None:
    """Bring the file up to date: all steps in one transaction, or none. `path` is None in memory."""
    name = str(path) if path else "The store in memory"
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not require_known(connection, name):  # asked again: another process may have been faster
            version = version_of(connection)
            if version and path is not None:
                _back_up(path, version)
            for step in MIGRATIONS[version:]:
                step(connection)
            if version == 0 and path is not None and (store_id := trust.new_id()) is not None:
                connection.execute("INSERT INTO origin VALUES (?)", (store_id,))
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _back_up(path: Path, version: int) -> None:
    """Copy the database beside itself, once per version; the caller's lock keeps writers out meanwhile."""
    target = path.with_name(f"{path.name}.v{version}.backup")
    if target.exists():
        return
    unfinished = target.with_name(target.name + ".partial")
    unfinished.unlink(missing_ok=True)
    source, copy = sqlite3.connect(path), sqlite3.connect(unfinished)
    try:
        source.backup(copy)
    finally:
        copy.close()
        source.close()
    unfinished.replace(target)


def _has_tables(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None
