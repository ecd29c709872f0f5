"""Values of runs in SQLite: params, tags and points of metrics, with their interned names."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from tracking.entities import Metric
from tracking.errors import ParamConflict
from tracking.validation import shorten

_NAN = "NaN"  # sorts after every number, and equals itself

_SET_LATEST = (
    "INSERT INTO latest VALUES (?, ?, ?, ?, ?) ON CONFLICT(run, key) DO UPDATE"
    " SET step = excluded.step, timestamp = excluded.timestamp, value = excluded.value"
    " WHERE (excluded.step, excluded.timestamp) > (step, timestamp)"
    " OR (excluded.step, excluded.timestamp) = (step, timestamp)"
    " AND (value IS NULL OR excluded.value > value)"
)


class ValueWriter:
    """Writes values of runs within one transaction of the caller.

    `known` are numbers of names that have been committed. Those met in this transaction are added by
    `remember`, after the commit: before, a rollback could take them back.
    """

    __slots__ = ("_connection", "_fresh", "_known")

    def __init__(self, connection: sqlite3.Connection, known: dict[str, int]) -> None:
        self._connection = connection
        self._known = known
        self._fresh: dict[str, int] = {}

    def remember(self) -> None:
        """Keep the numbers of names for the next transactions; to be called after the commit."""
        if self._fresh:
            self._known.update(self._fresh)

    def add_params(self, n: int, run_id: str, params: Mapping[str, str]) -> None:
        """Add params that are new; the same again is accepted. Raises ParamConflict for a changed one."""
        rows = [(n, self.key(name), value) for name, value in params.items()]
        added = self._connection.executemany("INSERT OR IGNORE INTO params VALUES (?, ?, ?)", rows).rowcount
        if added == len(rows):
            return
        there = named_values(self._connection, "params", n)
        for name, value in params.items():
            if there[name] != value:
                raise ParamConflict(
                    f"Changing param values is not allowed: '{name}' of run {run_id} was already logged with "
                    f"value {shorten(there[name])}, now {shorten(value)}. Nothing of this call was recorded. "
                    "Start another run (perhaps with nested=True) for other params."
                )

    def set_tags(self, n: int, tags: Mapping[str, str]) -> None:
        """Set tags, replacing."""
        self._connection.executemany(
            "INSERT OR REPLACE INTO tags VALUES (?, ?, ?)",
            [(n, self.key(name), value) for name, value in tags.items()],
        )

    def add_points(self, n: int, metrics: Sequence[Metric]) -> None:
        """Add points and, where one is the greatest in (step, timestamp, value), make it the latest."""
        rows = [(n, self.key(point.key), point.step, point.timestamp, point.value) for point in metrics]
        stored = [row if row[4] == row[4] else (*row[:4], _NAN) for row in rows]
        self._connection.executemany("INSERT OR IGNORE INTO points VALUES (?, ?, ?, ?, ?)", stored)
        self._connection.executemany(_SET_LATEST, rows)

    def key(self, name: str) -> int:
        """Return the number of a name, which it gets at first use."""
        number = self._known.get(name) or self._fresh.get(name)
        if number is None:
            connection = self._connection
            row = connection.execute("SELECT id FROM keys WHERE name = ?", (name,)).fetchone()
            if row is None:
                row = connection.execute("INSERT INTO keys(name) VALUES (?) RETURNING id", (name,)).fetchone()
            number = self._fresh[name] = int(row[0])
        return number


def named_values(connection: sqlite3.Connection, table: str, n: int) -> dict[str, str]:
    """Return the params or tags of a run by name."""
    rows = connection.execute(
        f"SELECT k.name, v.value FROM {table} v JOIN keys k ON k.id = v.key WHERE v.run = ?", (n,)
    )
    return dict(rows)
