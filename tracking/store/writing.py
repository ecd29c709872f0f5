"""Values of runs in SQLite: params, tags and points of metrics, with their interned names."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from tracking.entities import Metric
from tracking.errors import ParamConflict
from tracking.store.handles import Connection
from tracking.validation import shorten

_NAN = "NaN"  # sorts after every number, and equals itself

_SET_LATEST = (
    "INSERT INTO latest VALUES (?, ?, ?, ?, ?) ON CONFLICT(run, key) DO UPDATE"
    " SET step = excluded.step, timestamp = excluded.timestamp, value = excluded.value"
    " WHERE (excluded.step, excluded.timestamp) > (step, timestamp)"
    " OR (excluded.step, excluded.timestamp) = (step, timestamp)"
    " AND (value IS NULL OR excluded.value > value)"
)


def add_params(sql: Connection, n: int, run_id: str, params: Mapping[str, str]) -> None:
    """Add params that are new; the same again is accepted. Raises ParamConflict for a changed one."""
    rows = [(n, key_number(sql, name), value) for name, value in params.items()]
    added = sql.executemany("INSERT OR IGNORE INTO params VALUES (?, ?, ?)", rows).rowcount
    if added == len(rows):
        return
    there = named_values(sql, "params", n)
    for name, value in params.items():
        if there[name] != value:
            raise ParamConflict(
                f"Changing param values is not allowed: '{name}' of run {run_id} was already logged with "
                f"value {shorten(there[name])}, now {shorten(value)}. Nothing of this call was recorded. "
                "Start another run (perhaps with nested=True) for other params."
            )


def set_tags(sql: Connection, n: int, tags: Mapping[str, str]) -> None:
    """Set tags, replacing."""
    sql.executemany(
        "INSERT OR REPLACE INTO tags VALUES (?, ?, ?)",
        [(n, key_number(sql, name), value) for name, value in tags.items()],
    )


def add_points(sql: Connection, n: int, metrics: Sequence[Metric]) -> None:
    """Add points and, where one is the greatest in (step, timestamp, value), make it the latest."""
    rows = [(n, key_number(sql, point.key), point.step, point.timestamp, point.value) for point in metrics]
    stored = [row if row[4] == row[4] else (*row[:4], _NAN) for row in rows]
    sql.executemany("INSERT OR IGNORE INTO points VALUES (?, ?, ?, ?, ?)", stored)
    sql.executemany(_SET_LATEST, rows)


def key_number(sql: Connection, name: str) -> int:
    """Return the number of a name, which it gets at first use."""
    number = sql.names.get(name) or sql.new_names.get(name)
    if number is None:
        row = sql.execute("SELECT id FROM keys WHERE name = ?", (name,)).fetchone()
        if row is None:
            row = sql.execute("INSERT INTO keys(name) VALUES (?) RETURNING id", (name,)).fetchone()
        number = sql.new_names[name] = int(row[0])
    return number


def named_values(sql: sqlite3.Connection, table: str, n: int) -> dict[str, str]:
    """Return the params or tags of a run by name."""
    rows = sql.execute(f"SELECT k.name, v.value FROM {table} v JOIN keys k ON k.id = v.key WHERE v.run = ?", (n,))
    return dict(rows)
