"""Small binary values of runs, kept in the database: arrays and tables of which a sweep has thousands.

Equal content is kept once, whichever runs name it. Functions over a connection that is in a transaction.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence

from tracking.store.handles import Connection

_AT_ONCE = 500  # run ids in one query: far below what SQLite allows


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
    """Return the content of this name by run id, of the runs that have one."""
    found: dict[str, bytes] = {}
    for start in range(0, len(run_ids), _AT_ONCE):
        some = run_ids[start : start + _AT_ONCE]
        marks = ", ".join("?" * len(some))
        rows = sql.execute(
            "SELECT r.run_id, b.content FROM runs r JOIN run_blobs l ON l.run = r.n AND l.name = ?"
            f" JOIN blobs b ON b.id = l.blob WHERE r.run_id IN ({marks})",
            (name, *some),
        )
        found.update(rows.fetchall())
    return found


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
