"""Claims in SQLite: who works on what, so that no two processes do the same. Functions over a connection."""

from __future__ import annotations

import sqlite3

from tracking.entities import Claim, Process

_HOUR = 3_600_000  # ms; whether a process of another machine lives cannot be asked, so its claim lapses by then
_KEPT = 7 * 24 * _HOUR  # ms; after that nobody looks at a claim any more


def claim(sql: sqlite3.Connection, key: str, process: Process, now: int) -> Claim:
    """Take a key for a process, unless a living one has it."""
    row = sql.execute(
        "SELECT host, pid, started, host = ? AND NOT process_gone(host, pid, started) OR host != ? AND taken > ?"
        " FROM claims WHERE key = ?",
        (process.host, process.host, now - _HOUR, key),
    ).fetchone()
    before = Process(*row[:3]) if row else None
    if before is not None and before != process and row[3]:
        return Claim(before, mine=False)
    sql.execute(
        "INSERT OR REPLACE INTO claims VALUES (?, ?, ?, ?, ?)",
        (key, process.host, process.pid, process.started, now),
    )
    return Claim(before, mine=True)


def release(sql: sqlite3.Connection, process: Process, now: int) -> None:
    """Give back what a process claimed; that somebody had it stays known for a week."""
    sql.execute("DELETE FROM claims WHERE taken < ?", (now - _KEPT,))
    sql.execute(
        "UPDATE claims SET pid = 0, started = '' WHERE host = ? AND pid = ? AND started = ?",
        (process.host, process.pid, process.started),
    )
