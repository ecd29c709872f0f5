"""Single runs in SQLite: functions over a connection that is in a transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from tracking.entities import LifecycleStage, Metric, Process
from tracking.errors import AlreadyExists, RunDeleted, RunNotFound
from tracking.store import blobs, writing
from tracking.store.experiments import require_open, require_tag
from tracking.store.handles import Connection

DEAD = "status = 'RUNNING' AND process_gone(host, pid, started)"


def create(
    sql: Connection,
    experiment_id: str,
    *,
    run_id: str,
    run_name: str,
    user_id: str,
    start_time: int,
    process: Process,
    tags: Mapping[str, str],
    params: Mapping[str, str],
    repair_too: bool,
) -> tuple[int, str | None]:
    """Add a RUNNING run with its tags and params; return number and location of its experiment."""
    if repair_too:
        repair(sql)
    experiment, location = require_open(sql, experiment_id)
    added = sql.execute(
        "INSERT OR IGNORE INTO runs"
        "(run_id, experiment, name, user, status, start_time, lifecycle, host, pid, started)"
        " VALUES (?, ?, ?, ?, 'RUNNING', ?, 'active', ?, ?, ?)",
        (run_id, experiment, run_name, user_id, start_time, process.host, process.pid, process.started),
    )
    if not added.rowcount or added.lastrowid is None:
        raise AlreadyExists(f"A run with the id '{run_id}' exists already. Choose another id.")
    writing.set_tags(sql, added.lastrowid, tags)
    writing.add_params(sql, added.lastrowid, run_id, params)
    return experiment, location


def update(
    sql: Connection, run_id: str, changes: Mapping[str, str | int], tags: Mapping[str, str], *, repair_too: bool
) -> None:
    """Set columns and tags of a run. Raises RunNotFound; RunDeleted unless the stage is among the columns."""
    n = _number_and_stage(sql, run_id)[0] if "lifecycle" in changes else require_writable(sql, run_id)
    if repair_too:  # before: this run may be RUNNING again from now on
        repair(sql)
    writing.set_tags(sql, n, tags)
    if changes:
        _set_columns(sql, n, changes)


def log_batch(
    sql: Connection,
    run_id: str,
    metrics: Sequence[Metric],
    params: Mapping[str, str],
    tags: Mapping[str, str],
    changes: Mapping[str, str | int],
    contents: Mapping[str, bytes],
) -> None:
    """Record everything given, and set columns of the run."""
    n = require_writable(sql, run_id)
    if params:
        writing.add_params(sql, n, run_id, params)
    if tags:
        writing.set_tags(sql, n, tags)
    if metrics:
        writing.add_points(sql, n, metrics)
    if changes:
        _set_columns(sql, n, changes)
    if contents:
        blobs.put(sql, n, contents)


def delete_tag(sql: Connection, run_id: str, key: str) -> None:
    """Remove one tag. Raises TagNotFound."""
    n = require_writable(sql, run_id)
    require_tag(f"Run {run_id}", key, writing.named_values(sql, "tags", n))
    sql.execute("DELETE FROM tags WHERE run = ? AND key = ?", (n, writing.key_number(sql, key)))


def place(sql: sqlite3.Connection, run_id: str, *, writing: bool) -> tuple[int, str | None]:
    """Return number and location of the experiment of a run. Raises RunNotFound, and with `writing` RunDeleted."""
    row = sql.execute(
        "SELECT r.experiment, e.location, r.lifecycle FROM runs r JOIN experiments e ON e.id = r.experiment"
        " WHERE r.run_id = ?",
        (run_id,),
    ).fetchone()
    if row is None:
        raise not_found(run_id)
    experiment, location, lifecycle = row
    if writing and lifecycle == LifecycleStage.DELETED:
        raise _deleted(run_id)
    return experiment, location


def find_ids(sql: sqlite3.Connection, prefix: str, limit: int) -> list[str]:
    """Return ids of runs, deleted or not, that start with the prefix."""
    rows = sql.execute(
        # A range, which the index serves; the largest code point ends it.
        "SELECT run_id FROM runs WHERE run_id >= ? AND run_id < ? ORDER BY run_id LIMIT ?",
        (prefix, prefix + "\U0010ffff", limit),
    ).fetchall()
    return [run_id for (run_id,) in rows]


def require_writable(sql: sqlite3.Connection, run_id: str) -> int:
    """Return the row number of a run. Raises RunNotFound, RunDeleted."""
    n, lifecycle = _number_and_stage(sql, run_id)
    if lifecycle == LifecycleStage.DELETED:
        raise _deleted(run_id)
    return n


def repair(sql: sqlite3.Connection) -> list[str]:
    """Set every run that is RUNNING for a process that is gone to KILLED; return their ids.

    The end time stays open: nobody saw the end.
    """
    rows = sql.execute(f"UPDATE runs SET status = 'KILLED' WHERE {DEAD} RETURNING run_id").fetchall()
    return [run_id for (run_id,) in rows]


def not_found(run_id: str) -> RunNotFound:
    """Return the error for an id that no run has."""
    return RunNotFound(f"No run has the id '{run_id}'. See: python -m tracking runs")


def _deleted(run_id: str) -> RunDeleted:
    return RunDeleted(f"Run {run_id} is in the trash and cannot be written to. Restore it first: restore_run.")


def _set_columns(sql: Connection, n: int, changes: Mapping[str, str | int]) -> None:
    assignments = ", ".join(f"{column} = ?" for column in changes)
    sql.execute(f"UPDATE runs SET {assignments} WHERE n = ?", (*changes.values(), n))


def _number_and_stage(sql: sqlite3.Connection, run_id: str) -> tuple[int, str]:
    row = sql.execute("SELECT n, lifecycle FROM runs WHERE run_id = ?", (run_id,)).fetchone()
    if row is None:
        raise not_found(run_id)
    return row[0], row[1]


def origin(sql: Connection, run_id: str) -> tuple[str | None, str, str]:
    """Return the store's id, None where it has none, and the user and the host of a run. Raises RunNotFound."""
    row = sql.execute("SELECT user, host FROM runs WHERE run_id = ?", (run_id,)).fetchone()
    if row is None:
        raise not_found(run_id)
    return store_id(sql), *row


def store_id(sql: Connection) -> str | None:
    """Return the store's id, None where it has none."""
    row = sql.execute("SELECT id FROM origin").fetchone()
    return None if row is None else str(row[0])


def give_store_id(sql: Connection, new: str) -> str:
    """Give the store an id unless it has one; return it."""
    if (known := store_id(sql)) is not None:
        return known
    sql.execute("INSERT INTO origin VALUES (?)", (new,))
    return new
