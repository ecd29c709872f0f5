"""MLflow's own database, where it is a SQLite file: read, never written. The tables are those of MLflow 1.0 to 3.17."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tracking.errors import InvalidValue, StoreCorrupt, StoreError
from tracking.store.schema import is_store

Row = tuple[Any, ...]


class MlflowFile:
    """The rows of an MLflow database. Raises StoreError where it is none, or cannot be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._reading() as sql:
            if is_store(sql):
                raise InvalidValue(f"{path} is a store of ours. To take in its runs: python -m tracking merge {path}")
            rows = sql.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            self._tables = {name for (name,) in rows}
            if not {"experiments", "runs", "metrics", "params", "tags", "alembic_version"} <= self._tables:
                raise StoreCorrupt(f"{path} is an SQLite database, but not one of MLflow's. It was not touched.")

    def runs(self) -> list[Row]:
        """Return (id, name of the experiment, status, value of the tag that says our id) of all active runs."""
        return self._rows(
            "SELECT r.run_uuid, e.name, r.status, t.value FROM runs r JOIN experiments e USING (experiment_id)"
            " LEFT JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = 'tracking.run_id'"
            " WHERE r.lifecycle_stage = 'active' AND e.lifecycle_stage = 'active' ORDER BY r.start_time, r.run_uuid"
        )

    def details(self, run_ids: Sequence[str]) -> list[Row]:
        """Return (id, name, user, start time, end time, artifact URI) of these runs."""
        return self._of(
            run_ids, "SELECT run_uuid, name, user_id, start_time, end_time, artifact_uri FROM runs WHERE run_uuid"
        )

    def pairs(self, table: str, run_ids: Sequence[str]) -> list[Row]:
        """Return (id, key, value) of the table "params" or "tags"."""
        return self._of(run_ids, f"SELECT run_uuid, key, value FROM {table} WHERE run_uuid")

    def points(self, run_ids: Sequence[str]) -> list[Row]:
        """Return (id, key, value, timestamp, step, is nan) of all points of metrics."""
        return self._of(run_ids, "SELECT run_uuid, key, value, timestamp, step, is_nan FROM metrics WHERE run_uuid")

    def models(self, run_ids: Sequence[str]) -> list[Row]:
        """Return (id, name, location) of the logged models that come from these runs; before MLflow 3 none are."""
        if "logged_models" not in self._tables:
            return []
        query = "SELECT source_run_id, name, artifact_location FROM logged_models WHERE lifecycle_stage = 'active'"
        return self._of(run_ids, f"{query} AND source_run_id")

    def _of(self, run_ids: Sequence[str], query: str) -> list[Row]:
        return self._rows(f"{query} IN (SELECT value FROM json_each(?))", json.dumps(list(run_ids)))

    def _rows(self, query: str, *values: str) -> list[Row]:
        with self._reading() as sql:
            return sql.execute(query, values).fetchall()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True)) as sql:
                yield sql
        except sqlite3.Error as error:
            raise StoreError(f"{self.path} cannot be read as an MLflow database ({error}).") from error
