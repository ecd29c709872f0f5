"""Small binary values of runs, kept in the database: arrays and tables of which a sweep has thousands.

Equal content is kept once, whichever runs name it. Functions over a connection that is in a transaction.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from tracking.store.handles import Connection

T = TypeVar("T")

_AT_ONCE = 500  # ids in one query: far below what SQLite allows


def put(sql: Connection, n: int, blobs: Mapping[str, bytes]) -> None:
    """Name contents for a run, replacing what had these names."""
    for name, content in blobs.items():
        digest = hashlib.sha256(content).digest()
        sql.execute("INSERT OR IGNORE INTO blobs(digest, content) VALUES (?, ?)", (digest, content))
        sql.execute(
            "INSERT OR REPLACE INTO run_blobs SELECT ?, ?, id FROM blobs WHERE digest = ?",
            (n, name, digest),
        )


def names(sql: sqlite3.Connection, run_id: str) -> dict[str, int]:
    """Return the blobs of a run by name, each with its size in bytes."""
    rows = sql.execute(
        "SELECT l.name, length(b.content) FROM run_blobs l JOIN blobs b ON b.id = l.blob"
        " JOIN runs r ON r.n = l.run WHERE r.run_id = ? ORDER BY l.name",
        (run_id,),
    )
    return dict(rows.fetchall())


def get(sql: sqlite3.Connection, run_ids: Sequence[str], name: str) -> dict[str, bytes]:
    """Return the content of this name by run id, of the runs that have one; what several share is read once."""
    named: dict[str, int] = {}
    for some in _parts(run_ids):
        rows = sql.execute(
            "SELECT r.run_id, l.blob FROM runs r JOIN run_blobs l ON l.run = r.n AND l.name = ?"
            f" WHERE r.run_id IN ({_marks(some)})",
            (name, *some),
        )
        named.update(rows.fetchall())
    contents: dict[int, bytes] = {}
    for ids in _parts(list(dict.fromkeys(named.values()))):
        contents.update(sql.execute(f"SELECT id, content FROM blobs WHERE id IN ({_marks(ids)})", ids).fetchall())
    return {run_id: contents[number] for run_id, number in named.items()}


def _parts(ids: Sequence[T]) -> Iterator[Sequence[T]]:
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))


def _marks(ids: Sequence[object]) -> str:
    return ", ".join("?" * len(ids))


def remove(sql: sqlite3.Connection, run_ids: Sequence[str], name: str) -> None:
    """Take a name from runs, and with it what no other run names."""
    sql.executemany(
        "DELETE FROM run_blobs WHERE name = ? AND run = (SELECT n FROM runs WHERE run_id = ?)",
        [(name, run_id) for run_id in run_ids],
    )
    remove_unnamed(sql)


def remove_unnamed(sql: sqlite3.Connection) -> None:
    """Remove the contents that no run names any more."""
    sql.execute("DELETE FROM blobs WHERE id NOT IN (SELECT blob FROM run_blobs)")
