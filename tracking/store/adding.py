"""Whole runs that were recorded elsewhere, into SQLite: functions over a connection that is in a transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from tracking.entities import Process, WholeRun
from tracking.store import blobs, writing
from tracking.store.experiments import require_open
from tracking.store.handles import Connection

_NOBODY = Process("", 0, "")  # of a run that was imported


def add(sql: Connection, runs: Sequence[WholeRun]) -> int:
    """Add those of the runs whose ids are not there yet; return how many."""
    added = 0
    for whole in runs:
        info, data = whole.run.info, whole.run.data
        experiment, _ = require_open(sql, info.experiment_id)
        process = whole.process or _NOBODY
        row = sql.execute(
            "INSERT OR IGNORE INTO runs"
            "(run_id, experiment, name, user, status, start_time, end_time, lifecycle, host, pid, started)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 'active', ?, ?, ?)",
            (
                *(info.run_id, experiment, info.run_name, info.user_id),
                *(str(info.status), info.start_time, info.end_time),
                *(process.host, process.pid, process.started),
            ),
        )
        if not row.rowcount or row.lastrowid is None:
            continue  # another process was faster
        writing.set_tags(sql, row.lastrowid, data.tags)
        writing.add_params(sql, row.lastrowid, info.run_id, data.params)
        writing.add_points(sql, row.lastrowid, whole.points)
        blobs.put(sql, row.lastrowid, whole.blobs)
        added += 1
    return added


def known(sql: sqlite3.Connection, run_ids: Sequence[str]) -> set[str]:
    """Return those of the ids that runs have, deleted ones too."""
    rows = sql.execute(
        "SELECT j.value FROM json_each(?) j WHERE EXISTS (SELECT 1 FROM runs r WHERE r.run_id = j.value)",
        (json.dumps(list(run_ids)),),
    )
    return {run_id for (run_id,) in rows}
