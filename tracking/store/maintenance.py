"""Maintenance of a SQLite store: comparing rows with files, purging."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from tracking.entities import LifecycleStage, Problem
from tracking.errors import InvalidValue, RunNotFound, StoreCorrupt, StoreFull
from tracking.store import blobs, runs, schema
from tracking.store.connection import Database
from tracking.store.damage import find_damage
from tracking.store.handles import fork_gate
from tracking.store.locations import ARTIFACTS, Locations
from tracking.store.paths import TEMPORARY
from tracking.store.translation import name_of


def purge(database: Database, locations: Locations, run_ids: list[str]) -> None:
    """Remove deleted runs for good, in this order: all the rows, their files, the freed pages.

    A crash between leaves files that no run names, which `check` finds; never a run without its files. Only
    where the disk is too full even to write that rows are gone, the files of these runs, which are in the
    trash and were to be removed, go first and make room.
    """
    try:
        folders = database.write(_remove_rows, locations, run_ids)
    except StoreFull:
        for _, folder in database.read(_trashed, locations, run_ids):
            _remove_folder(folder, locations)
        folders = database.write(_remove_rows, locations, run_ids)
    for folder in folders:
        _remove_folder(folder, locations)
    if run_ids:
        _shrink(database)


def _remove_rows(sql: sqlite3.Connection, locations: Locations, run_ids: list[str]) -> list[Path]:
    trashed = _trashed(sql, locations, run_ids)
    sql.executemany("DELETE FROM runs WHERE n = ?", [(n,) for n, _ in trashed])
    blobs.remove_unnamed(sql)
    return [folder for _, folder in trashed]


def _trashed(sql: sqlite3.Connection, locations: Locations, run_ids: list[str]) -> list[tuple[int, Path]]:
    """Return number and folder of runs that are in the trash. Raises RunNotFound, InvalidValue for others."""
    found: list[tuple[int, Path]] = []
    for run_id in run_ids:
        row = sql.execute(
            "SELECT r.n, r.lifecycle, r.experiment, e.location FROM runs r JOIN experiments e"
            " ON e.id = r.experiment WHERE r.run_id = ?",
            (run_id,),
        ).fetchone()
        if row is None:
            raise RunNotFound(f"No run has the id '{run_id}'; nothing was purged.")
        if row[1] != LifecycleStage.DELETED:
            raise InvalidValue(f"Run {run_id} is not in the trash; nothing was purged. Delete it first.")
        found.append((row[0], locations.run_dir(row[2], row[3], run_id)))
    return found


def _remove_folder(folder: Path, locations: Locations) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if folder.parent.parent == locations.root / ARTIFACTS:
        with suppress(OSError):
            folder.parent.rmdir()  # only where it was the last run of its experiment


def check(database: Database, locations: Locations, *, fix: bool) -> list[Problem]:
    """Compare rows with rows and with files; with `fix` repair what can be."""
    # Folders are listed before rows are read: a run's row is older than its folder, so that a run which
    # starts meanwhile is not taken for an orphan.
    folders, links = _run_folders(locations.root / ARTIFACTS)
    try:
        if problems := _damage(database):
            return problems  # rows that cannot be trusted must not decide which files to remove
    except StoreCorrupt as error:
        return [Problem("database", name_of(database.path), str(error))]
    problems = _foreign_tables(database, fix=fix) + _stale_runs(database, fix=fix) + _strange_ids(database, locations)
    problems += [_link(link, locations.root) for link in links]
    states = database.read(_ended)
    strangers, unread = _runs_of_neighbours(database.path) if set(folders) - set(states) else (set(), [])
    for run_id, folder in folders.items():
        if run_id in states:
            if states[run_id]:
                problems += _unfinished_files(folder, locations.root, fix=fix)
        elif run_id not in strangers:
            problems.append(_orphan_folder(folder, locations.root, fix=fix, unread=unread))
    return problems


def _damage(database: Database) -> list[Problem]:
    remedy = "Restore the file from a copy, or salvage it with `sqlite3 FILE .recover`."
    return [Problem("database", name_of(database.path), f"{line}. {remedy}") for line in database.read(find_damage)]


def _foreign_tables(database: Database, *, fix: bool) -> list[Problem]:
    """Find tables that another program made, as MLflow does where it is pointed at a store."""
    tables = database.read(_tables_of_others)
    if fix:
        database.write(_drop, [name for name, empty in tables.items() if empty])
    return [
        Problem("foreign table", name, _foreign_table(empty, fix=fix), fix and empty) for name, empty in tables.items()
    ]


def _foreign_table(empty: bool, *, fix: bool) -> str:
    said = "Another program made this table, as MLflow does; "
    if not empty:
        return f"{said}it holds rows and is left alone. Remove it with sqlite3 if nobody needs them."
    return said + ("removed." if fix else "--fix removes it.")


def _tables_of_others(sql: sqlite3.Connection) -> dict[str, bool]:
    """Return the tables that are not ours, and whether nothing is lost with them: empty, or MLflow's version."""
    others = sorted(set(schema.table_names(sql)) - schema.own_tables())
    return {name: name == "alembic_version" or _is_empty(sql, name) for name in others}


def _is_empty(sql: sqlite3.Connection, table: str) -> bool:
    return sql.execute(f"SELECT 1 FROM {_quoted(table)} LIMIT 1").fetchone() is None


def _drop(sql: sqlite3.Connection, tables: list[str]) -> None:
    for table in tables:
        sql.execute(f"DROP TABLE {_quoted(table)}")
    schema.keep_mlflow_out(sql)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _stale_runs(database: Database, *, fix: bool) -> list[Problem]:
    ids = database.write(runs.repair) if fix else database.read(_dead)
    done = "now recorded as KILLED" if fix else "shown as KILLED, and recorded so at the next write"
    return [Problem("stale run", id_, f"Its process is gone without ending it; {done}.", fix) for id_ in ids]


def _dead(sql: sqlite3.Connection) -> list[str]:
    return [run_id for (run_id,) in sql.execute(f"SELECT run_id FROM runs WHERE {runs.DEAD}").fetchall()]


def _ended(sql: sqlite3.Connection) -> dict[str, bool]:
    """Return of every run whether it has ended."""
    return dict(sql.execute(f"SELECT run_id, ({runs.DEAD}) OR status <> 'RUNNING' FROM runs").fetchall())


def _strange_ids(database: Database, locations: Locations) -> list[Problem]:
    """Find runs whose files could be anybody's; the rows may be a stranger's."""
    problems = []
    for run_id, experiment, location in database.read(_places):
        try:
            locations.run_dir(experiment, location, run_id)
        except StoreCorrupt as error:
            problems.append(Problem("strange run", run_id, str(error)))
    return problems


def _places(sql: sqlite3.Connection) -> list[tuple[str, int, str | None]]:
    return sql.execute(
        "SELECT r.run_id, r.experiment, e.location FROM runs r JOIN experiments e ON e.id = r.experiment"
    ).fetchall()


def _run_folders(artifacts: Path) -> tuple[dict[str, Path], list[Path]]:
    """Return the folders of runs by id, those in `artifacts/<experiment id>/`, and the links met instead of folders."""
    if artifacts.is_symlink():
        return {}, [artifacts]
    experiments = [folder for folder in _entries(artifacts) if folder.name.isdecimal()]
    runs = [run for folder in experiments if not folder.is_symlink() for run in _entries(folder)]
    links = [place for place in (*experiments, *runs) if place.is_symlink()]
    return {run.name: run for run in runs if not run.is_symlink()}, links


def _entries(folder: Path) -> list[Path]:
    return [place for place in folder.iterdir() if place.is_dir()] if folder.is_dir() else []


def _link(link: Path, root: Path) -> Problem:
    message = "A link where a folder belongs; what is behind it was neither checked nor changed."
    return Problem("link", str(link.relative_to(root)), message)


def _runs_of_neighbours(path: Path | None) -> tuple[set[str], list[str]]:
    """Return the runs of other stores in the same folder, whose artifacts lie among ours.

    And the names of files that may be such a store, but cannot be read: any folder may be theirs.
    """
    found: set[str] = set()
    unread: list[str] = []
    for other in sorted(path.parent.iterdir()) if path else ():
        if other == path or not other.is_file() or other.suffix in (".backup", ".partial"):
            continue
        try:
            found |= _runs_of(other)
        except (OSError, sqlite3.Error):
            unread.append(other.name)
    return found, unread


def _runs_of(file: Path) -> set[str]:
    """Return the runs in a file, none if it is not a store. Raises sqlite3.Error if it may be one.

    Only SQLite opens it: closing the file by other means would end the locks of this process on it, also
    those of a store that is in use here.
    """
    address = f"{file.absolute().as_uri()}?mode=ro"
    with fork_gate, closing(sqlite3.connect(address, uri=True, timeout=1.0)) as connection:
        try:
            if not schema.is_store(connection):
                return set()
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_NOTADB:
                return set()
            raise
        return {run_id for (run_id,) in connection.execute("SELECT run_id FROM runs").fetchall()}


def _orphan_folder(folder: Path, root: Path, *, fix: bool, unread: list[str]) -> Problem:
    subject = str(folder.relative_to(root))
    if unread:
        message = (
            f"No run of this store has these files; they may be those of {', '.join(unread)}, which cannot be "
            "read. Not removed: make it readable, or move it away, then check again."
        )
        return Problem("orphan folder", subject, message)
    if fix:
        shutil.rmtree(folder, ignore_errors=True)
    gone = not folder.exists()
    done = "removed" if gone else "not removed: permissions?" if fix else "--fix removes it"
    return Problem("orphan folder", subject, f"No run has these files; {done}.", gone)


def _unfinished_files(folder: Path, root: Path, *, fix: bool) -> list[Problem]:
    """Find what was being written when its process died, in the folder of a run that has ended."""
    problems = []
    walked = os.walk(folder)  # follows no link
    places = [Path(place, name) for place, folders, names in walked for name in (*folders, *names)]
    for file in sorted(place for place in places if place.name.startswith(TEMPORARY)):
        if fix and file.is_dir():
            shutil.rmtree(file, ignore_errors=True)
        elif fix:
            with suppress(OSError):
                file.unlink()
        gone = not file.exists()
        message = f"It was being written when its process died; {'removed' if gone else '--fix removes it'}."
        problems.append(Problem("orphan file", str(file.relative_to(root)), message, gone))
    return problems


def _shrink(database: Database) -> None:
    """Give freed pages back to the file system; left for another time while others write."""
    with suppress(sqlite3.Error):
        handle = database.handle()
        with handle.lock:
            connection = database.opened(handle)
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
