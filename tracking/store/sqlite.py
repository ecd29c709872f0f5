"""SQLite store: experiments and runs in one file, artifacts in the folder beside it.

SQL stands only here and in the rooms that this one owns: `search` (reading many runs),
`upkeep` (checking and purging), `connection` (transactions) and `schema` (tables).
"""

from __future__ import annotations

import math
import os
import shutil
import sqlite3
import tempfile
import time
import weakref
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from tracking.entities import (
    Experiment,
    LifecycleStage,
    Metric,
    Owner,
    Problem,
    Run,
    RunColumns,
    RunData,
    RunInfo,
    RunStatus,
    ViewType,
)
from tracking.errors import AlreadyExists, RunDeleted, RunNotFound, TagNotFound
from tracking.store import experiments, search
from tracking.store import maintenance as upkeep
from tracking.store.connection import Database
from tracking.store.locations import Locations
from tracking.store.owner import is_gone
from tracking.store.writing import ValueWriter, named_values

_DELETED = str(LifecycleStage.DELETED)
_NAN = "NaN"  # sorts after every number, and equals itself
_SECONDS_BETWEEN_REPAIRS = 5.0


class SQLiteStore:
    """A store in one SQLite file, or in memory when `path` is None."""

    def __init__(self, uri: str, path: Path | None) -> None:
        self.uri = uri
        self._path = path
        self._scratch: weakref.finalize[..., SQLiteStore] | None = None  # artifacts of a store in memory
        self._known_locations: Locations | None = None
        self._repaired_at = -math.inf
        self._database = Database(
            path,
            {
                "owner_gone": (3, _owner_gone),
                "lowered": (1, _lowered),
                "artifact_uri": (3, self._artifact_uri),
            },
        )

    def artifact_dir(self, run_id: str, *, writing: bool = False) -> Path:
        """Return the absolute folder of the run's artifacts, which may not exist yet."""
        found = self._database.read(
            lambda connection: connection.execute(
                "SELECT r.experiment, e.location, r.lifecycle FROM runs r JOIN experiments e ON e.id = r.experiment"
                " WHERE r.run_id = ?",
                (run_id,),
            ).fetchone()
        )
        if found is None:
            raise _run_not_found(run_id)
        experiment, location, lifecycle = found
        if writing and lifecycle == _DELETED:
            raise _run_deleted(run_id)
        return self._locations().experiment_dir(experiment, location) / run_id

    # Experiments -------------------------------------------------------------------------------
    def create_experiment(
        self, name: str, *, artifact_location: str | None = None, tags: Mapping[str, str] | None = None
    ) -> str:
        """Create an experiment and return its id."""
        location, now = self._locations().stored(artifact_location), _now()

        def create(connection: sqlite3.Connection) -> str:
            experiments.require_free(connection, name)
            # The id is one more than the greatest, which `purge` keeps: an id is not used twice.
            id_ = connection.execute(
                "INSERT INTO experiments(name, location, lifecycle, created, updated)"
                " VALUES (?, ?, 'active', ?, ?) RETURNING id",
                (name, location, now, now),
            ).fetchone()[0]
            experiments.set_tags(connection, id_, tags or {})
            return str(id_)

        return self._database.write(create)

    def get_experiment(self, experiment_id: str) -> Experiment:
        """Return an experiment, deleted or not."""

        def get(connection: sqlite3.Connection) -> Experiment:
            number = experiments.number_of(connection, experiment_id)
            row = connection.execute(f"{experiments.EXPERIMENT} WHERE e.id = ?", (number,)).fetchone()
            return experiments.experiment_of(connection, row, self._locations())

        return self._database.read(get)

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        """Return the experiment of this name, deleted or not, or None."""

        def get(connection: sqlite3.Connection) -> Experiment | None:
            row = connection.execute(f"{experiments.EXPERIMENT} WHERE e.name = ?", (name,)).fetchone()
            return experiments.experiment_of(connection, row, self._locations()) if row else None

        return self._database.read(get)

    def search_experiments(
        self,
        *,
        view_type: int = ViewType.ACTIVE_ONLY,
        filter_string: str | None = None,
        order_by: Sequence[str] = (),
        max_results: int | None = None,
        offset: int = 0,
    ) -> list[Experiment]:
        """Return experiments, newest first unless ordered otherwise."""
        return self._database.read(
            lambda connection: experiments.find_experiments(
                connection,
                self._locations(),
                view_type=view_type,
                filter_string=filter_string,
                order_by=order_by,
                max_results=max_results,
                offset=offset,
            )
        )

    def update_experiment(
        self, experiment_id: str, *, name: str | None = None, lifecycle_stage: str | None = None
    ) -> None:
        """Rename, delete or restore. Deleting and restoring carries all runs along."""

        def update(connection: sqlite3.Connection) -> None:
            number = experiments.number_of(connection, experiment_id)
            if name is not None:
                experiments.require_free(connection, name, but=number)
                connection.execute("UPDATE experiments SET name = ? WHERE id = ?", (name, number))
            if lifecycle_stage is not None:
                stage = str(lifecycle_stage)
                experiments.require_elsewhere(connection, number, stage)
                connection.execute("UPDATE experiments SET lifecycle = ? WHERE id = ?", (stage, number))
                connection.execute("UPDATE runs SET lifecycle = ? WHERE experiment = ?", (stage, number))
            connection.execute("UPDATE experiments SET updated = ? WHERE id = ?", (_now(), number))

        self._database.write(update)

    def set_experiment_tags(self, experiment_id: str, tags: Mapping[str, str]) -> None:
        """Set tags, replacing."""
        self._database.write(
            lambda connection: experiments.set_tags(connection, experiments.number_of(connection, experiment_id), tags)
        )

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        """Remove one tag."""

        def delete(connection: sqlite3.Connection) -> None:
            number = experiments.number_of(connection, experiment_id)
            there = dict(connection.execute("SELECT key, value FROM experiment_tags WHERE experiment = ?", (number,)))
            if key not in there:
                raise _tag_not_found(f"Experiment {experiment_id}", key, there)
            connection.execute("DELETE FROM experiment_tags WHERE experiment = ? AND key = ?", (number, key))

        self._database.write(delete)

    def purge_experiments(self, *, dry_run: bool = False) -> list[str]:
        """Remove deleted experiments that have no runs left for good; return the names that are free again."""
        if dry_run:
            return [name for _, name in self._database.read(experiments.purgeable)]
        return self._database.write(experiments.purge)

    # Runs --------------------------------------------------------------------------------------
    def create_run(
        self,
        experiment_id: str,
        *,
        run_id: str,
        run_name: str,
        user_id: str,
        start_time: int,
        owner: Owner,
        tags: Mapping[str, str],
    ) -> Run:
        """Create a RUNNING run with its tags."""

        def create(connection: sqlite3.Connection) -> tuple[int, str | None, ValueWriter]:
            self._repair(connection)
            experiment, location = experiments.require_open(connection, experiment_id)
            added = connection.execute(
                "INSERT OR IGNORE INTO runs"
                "(run_id, experiment, name, user, status, start_time, lifecycle, host, pid, started)"
                " VALUES (?, ?, ?, ?, 'RUNNING', ?, 'active', ?, ?, ?)",
                (run_id, experiment, run_name, user_id, start_time, owner.host, owner.pid, owner.started),
            )
            if not added.rowcount or added.lastrowid is None:
                raise AlreadyExists(f"A run with the id '{run_id}' exists already. Choose another id.")
            writer = ValueWriter(connection, self._database.names())
            writer.set_tags(added.lastrowid, tags)
            return experiment, location, writer

        experiment, location, writer = self._database.write(create)
        writer.remember()
        uri = f"{self._locations().experiment_uri(experiment, location)}/{run_id}"
        stage = str(LifecycleStage.ACTIVE)
        info = RunInfo(run_id, str(experiment), run_name, user_id, "RUNNING", start_time, None, stage, uri)
        return Run(info, RunData({}, {}, dict(tags)))

    def get_run(self, run_id: str) -> Run:
        """Return a run, deleted or not."""
        return self._database.read(lambda connection: self._get_run(connection, run_id))

    def update_run(
        self,
        run_id: str,
        *,
        status: str | None = None,
        end_time: int | None = None,
        run_name: str | None = None,
        owner: Owner | None = None,
        lifecycle_stage: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Change the given fields and set the tags, all at once."""
        changes: dict[str, str | int | None] = {}
        if status is not None:
            changes["status"] = str(status)
        if end_time is not None:
            changes["end_time"] = end_time
        if run_name is not None:
            changes["name"] = run_name
        if owner is not None:
            changes.update(host=owner.host, pid=owner.pid, started=owner.started)
        if lifecycle_stage is not None:
            changes["lifecycle"] = str(lifecycle_stage)
        ends = status is not None and RunStatus(status).is_terminated()

        def update(connection: sqlite3.Connection) -> ValueWriter:
            n, lifecycle = _run_row(connection, run_id)
            if lifecycle == _DELETED and lifecycle_stage is None:
                raise _run_deleted(run_id)
            self._repair(connection)
            writer = ValueWriter(connection, self._database.names())
            if tags:
                writer.set_tags(n, tags)
            if changes:
                assignments = ", ".join(f"{column} = ?" for column in changes)
                connection.execute(f"UPDATE runs SET {assignments} WHERE n = ?", (*changes.values(), n))
            return writer

        self._database.write(update, flush=ends).remember()

    def log_batch(
        self,
        run_id: str,
        *,
        metrics: Sequence[Metric] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        run_name: str | None = None,
    ) -> None:
        """Record everything given, and rename, atomically."""

        def log(connection: sqlite3.Connection) -> ValueWriter:
            n = _writable_run(connection, run_id)
            writer = ValueWriter(connection, self._database.names())
            if params:
                writer.add_params(n, run_id, params)
            if tags:
                writer.set_tags(n, tags)
            if metrics:
                writer.add_points(n, metrics)
            if run_name is not None:
                connection.execute("UPDATE runs SET name = ? WHERE n = ?", (run_name, n))
            return writer

        self._database.write(log).remember()

    def delete_tag(self, run_id: str, key: str) -> None:
        """Remove one tag."""

        def delete(connection: sqlite3.Connection) -> None:
            n = _writable_run(connection, run_id)
            there = named_values(connection, "tags", n)
            if key not in there:
                raise _tag_not_found(f"Run {run_id}", key, there)
            number = ValueWriter(connection, self._database.names()).key(key)
            connection.execute("DELETE FROM tags WHERE run = ? AND key = ?", (n, number))

        self._database.write(delete)

    def get_metric_history(self, run_id: str, key: str) -> list[Metric]:
        """Return every point, ordered by timestamp, step, value; [] if there is none."""
        rows = self._database.read(
            lambda connection: connection.execute(
                "SELECT value, timestamp, step FROM points WHERE run = (SELECT n FROM runs WHERE run_id = ?)"
                " AND key = (SELECT id FROM keys WHERE name = ?) ORDER BY timestamp, step, value",
                (run_id, key),
            ).fetchall()
        )
        return [Metric(key, float(value), timestamp, step, run_id) for value, timestamp, step in rows]

    def get_metric_histories(self, run_ids: Sequence[str]) -> dict[str, dict[str, list[Metric]]]:
        """Return all points of several runs: {run id: {key: points ordered by step, timestamp}}."""

        def read(connection: sqlite3.Connection) -> dict[str, dict[str, list[Metric]]]:
            names = search.key_names(connection)
            return {run_id: search.history(connection, run_id, names) for run_id in dict.fromkeys(run_ids)}

        return self._database.read(read)

    def search_runs(
        self,
        experiment_ids: Sequence[str] | None,
        *,
        filter_string: str = "",
        view_type: int = ViewType.ACTIVE_ONLY,
        order_by: Sequence[str] = (),
        max_results: int | None = None,
        offset: int = 0,
    ) -> list[Run]:
        """Return complete runs; None searches all experiments."""
        selection = search.select(
            experiment_ids,
            filter_string,
            order_by,
            view_type=view_type,
            max_results=max_results,
            offset=offset,
        )
        return self._database.read(
            lambda connection: search.read_runs(connection, search.find_rows(connection, selection), self._locations())
        )

    def search_run_columns(
        self,
        experiment_ids: Sequence[str] | None,
        *,
        filter_string: str = "",
        view_type: int = ViewType.ACTIVE_ONLY,
        order_by: Sequence[str] = (),
        max_results: int | None = None,
        offset: int = 0,
    ) -> RunColumns:
        """Return what `search_runs` would, by column."""
        selection = search.select(
            experiment_ids,
            filter_string,
            order_by,
            view_type=view_type,
            max_results=max_results,
            offset=offset,
        )
        return self._database.read(
            lambda connection: search.read_columns(
                connection, search.find_rows(connection, selection), self._locations()
            )
        )

    def find_run_ids(self, prefix: str, *, limit: int = 20) -> list[str]:
        """Return ids of runs, deleted or not, that start with the prefix."""
        rows = self._database.read(
            lambda connection: connection.execute(
                # A range, which the index serves; the largest code point ends it.
                "SELECT run_id FROM runs WHERE run_id >= ? AND run_id < ? ORDER BY run_id LIMIT ?",
                (prefix, prefix + "\U0010ffff", limit),
            ).fetchall()
        )
        return [run_id for (run_id,) in rows]

    def count_runs(self, *, view_type: int = ViewType.ACTIVE_ONLY) -> dict[str, tuple[int, int]]:
        """Return for each experiment with runs how many, and when the last of them started or ended (ms)."""
        return self._database.read(lambda connection: experiments.count_runs(connection, view_type))

    # Upkeep ------------------------------------------------------------------------------------
    def purge_runs(self, run_ids: Iterable[str]) -> None:
        """Remove deleted runs for good: the rows first, then the files."""
        upkeep.purge(self._database, self._locations(), list(run_ids))

    def check(self, *, fix: bool = False) -> list[Problem]:
        """Compare rows and files, and the rows among themselves; [] is a clean bill."""
        return upkeep.check(self._database, self._locations(), fix=fix)

    def flush_together(self, seconds: float = 1.0) -> AbstractContextManager[None]:
        """Flush runs that end in the block together: at most `seconds` after each, and all at its end."""
        return self._database.flushing_together(seconds)

    def close(self) -> None:
        """Free this thread's connection; a store in memory is gone with its files."""
        self._database.close()
        if self._scratch is not None:
            self._scratch()
            self._scratch = self._known_locations = None

    # Parts -------------------------------------------------------------------------------------
    def _locations(self) -> Locations:
        if self._known_locations is None:
            if self._path is None:
                root = Path(tempfile.mkdtemp(prefix="tracking-"))
                self._scratch = weakref.finalize(self, _remove, root, os.getpid())
            else:
                root = self._path.parent
            self._known_locations = Locations(root)
        return self._known_locations

    def _artifact_uri(self, experiment: int, location: str | None, run_id: str) -> str:
        return f"{self._locations().experiment_uri(experiment, location)}/{run_id}"

    def _get_run(self, connection: sqlite3.Connection, run_id: str) -> Run:
        row = connection.execute(f"{search.INFO} WHERE r.run_id = ?", (run_id,)).fetchone()
        if row is None:
            raise _run_not_found(run_id)
        return search.read_runs(connection, [row], self._locations())[0]

    def _repair(self, connection: sqlite3.Connection) -> None:
        """Set runs whose process is gone to KILLED; not at every write, as reads tell the truth anyway."""
        now = time.monotonic()
        if now - self._repaired_at < _SECONDS_BETWEEN_REPAIRS:
            return
        self._repaired_at = now
        upkeep.repair(connection)


def _conforms(store: SQLiteStore) -> Store:
    return store  # for the type checker: SQLiteStore is a Store


def _now() -> int:
    return int(time.time() * 1000)


def _owner_gone(host: str, pid: int, started: str) -> bool:
    return is_gone(Owner(host, pid, started))


def _remove(folder: Path, pid: int) -> None:
    """Remove the artifacts of a store in memory, unless this is a child that only inherited it."""
    if os.getpid() == pid:
        shutil.rmtree(folder, ignore_errors=True)


def _lowered(text: str | None) -> str | None:
    return None if text is None else text.lower()


def _run_row(connection: sqlite3.Connection, run_id: str) -> tuple[int, str]:
    row = connection.execute("SELECT n, lifecycle FROM runs WHERE run_id = ?", (run_id,)).fetchone()
    if row is None:
        raise _run_not_found(run_id)
    return row[0], row[1]


def _writable_run(connection: sqlite3.Connection, run_id: str) -> int:
    n, lifecycle = _run_row(connection, run_id)
    if lifecycle == _DELETED:
        raise _run_deleted(run_id)
    return n


def _run_deleted(run_id: str) -> RunDeleted:
    return RunDeleted(f"Run {run_id} is in the trash and cannot be written to. Restore it first: restore_run.")


def _run_not_found(run_id: str) -> RunNotFound:
    return RunNotFound(f"No run has the id '{run_id}'. See: python -m tracking runs")


def _tag_not_found(subject: str, key: str, there: Iterable[str]) -> TagNotFound:
    known = ", ".join(sorted(there)) or "none"
    return TagNotFound(f"{subject} has no tag '{key}'. Its tags: {known}.")


class Store(Protocol):
    """Where experiments and runs are kept. Resources are acquired lazily and freed by `close`."""

    uri: str

    def artifact_dir(self, run_id: str, *, writing: bool = False) -> Path:
        """Return the absolute folder of the run's artifacts, which may not exist yet.

        Raises RunNotFound, and with `writing` RunDeleted.
        """
        ...

    # Experiments -------------------------------------------------------------------------------
    def create_experiment(
        self, name: str, *, artifact_location: str | None = None, tags: Mapping[str, str] | None = None
    ) -> str:
        """Create an experiment and return its id. Raises AlreadyExists, also for a deleted one."""
        ...

    def get_experiment(self, experiment_id: str) -> Experiment:
        """Return an experiment, deleted or not. Raises ExperimentNotFound."""
        ...

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        """Return the experiment of this name, deleted or not, or None."""
        ...

    def search_experiments(
        self,
        *,
        view_type: int = ViewType.ACTIVE_ONLY,
        filter_string: str | None = None,
        order_by: Sequence[str] = (),
        max_results: int | None = None,
        offset: int = 0,
    ) -> list[Experiment]:
        """Return experiments, newest first unless ordered otherwise. Raises FilterError."""
        ...

    def update_experiment(
        self, experiment_id: str, *, name: str | None = None, lifecycle_stage: str | None = None
    ) -> None:
        """Rename, delete or restore. Deleting and restoring carries all runs along.

        Raises ExperimentNotFound, also where it is in that stage already.
        """
        ...

    def set_experiment_tags(self, experiment_id: str, tags: Mapping[str, str]) -> None:
        """Set tags, replacing. Raises ExperimentNotFound."""
        ...

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        """Remove one tag. Raises TagNotFound."""
        ...

    def purge_experiments(self, *, dry_run: bool = False) -> list[str]:
        """Remove deleted experiments that have no runs left for good; return the names that are free again.

        Their ids are not used again, and the default experiment stays. With `dry_run` nothing is removed,
        and deleted runs count as if they were purged already.
        """
        ...

    # Runs --------------------------------------------------------------------------------------
    def create_run(
        self,
        experiment_id: str,
        *,
        run_id: str,
        run_name: str,
        user_id: str,
        start_time: int,
        owner: Owner,
        tags: Mapping[str, str],
    ) -> Run:
        """Create a RUNNING run with its tags. Raises ExperimentNotFound, ExperimentDeleted."""
        ...

    def get_run(self, run_id: str) -> Run:
        """Return a run, deleted or not. Raises RunNotFound."""
        ...

    def update_run(
        self,
        run_id: str,
        *,
        status: str | None = None,
        end_time: int | None = None,
        run_name: str | None = None,
        owner: Owner | None = None,
        lifecycle_stage: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Change the given fields and set the tags, all at once. Raises RunNotFound.

        A run in the trash can only change its stage: RunDeleted for anything else.

        A run that is RUNNING again keeps its old `end_time` until it ends.
        """
        ...

    def log_batch(
        self,
        run_id: str,
        *,
        metrics: Sequence[Metric] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        run_name: str | None = None,
    ) -> None:
        """Record everything given, and rename, atomically. Raises RunNotFound, RunDeleted, ParamConflict."""
        ...

    def delete_tag(self, run_id: str, key: str) -> None:
        """Remove one tag. Raises RunNotFound, RunDeleted, TagNotFound."""
        ...

    def get_metric_history(self, run_id: str, key: str) -> list[Metric]:
        """Return every point, ordered by timestamp, step, value; [] if there is none."""
        ...

    def get_metric_histories(self, run_ids: Sequence[str]) -> dict[str, dict[str, list[Metric]]]:
        """Return all points of several runs: {run id: {key: points ordered by step, timestamp}}."""
        ...

    def search_runs(
        self,
        experiment_ids: Sequence[str] | None,
        *,
        filter_string: str = "",
        view_type: int = ViewType.ACTIVE_ONLY,
        order_by: Sequence[str] = (),
        max_results: int | None = None,
        offset: int = 0,
    ) -> list[Run]:
        """Return complete runs; None searches all experiments. Raises FilterError."""
        ...

    def search_run_columns(
        self,
        experiment_ids: Sequence[str] | None,
        *,
        filter_string: str = "",
        view_type: int = ViewType.ACTIVE_ONLY,
        order_by: Sequence[str] = (),
        max_results: int | None = None,
        offset: int = 0,
    ) -> RunColumns:
        """Return what `search_runs` would, by column; much faster for many runs. Raises FilterError."""
        ...

    def find_run_ids(self, prefix: str, *, limit: int = 20) -> list[str]:
        """Return ids of runs, deleted or not, that start with the prefix."""
        ...

    def count_runs(self, *, view_type: int = ViewType.ACTIVE_ONLY) -> dict[str, tuple[int, int]]:
        """Return for each experiment with runs how many, and when the last of them started or ended (ms)."""
        ...

    def purge_runs(self, run_ids: Iterable[str]) -> None:
        """Remove deleted runs for good: the rows first, then the files. Others raise InvalidValue."""
        ...

    def check(self, *, fix: bool = False) -> list[Problem]:
        """Compare rows and files, and the rows among themselves; [] is a clean bill. `fix` repairs.

        Kinds: "orphan folder" and "orphan file" (files that no run names; removed), "stale run" (RUNNING,
        but its process is gone; set to KILLED), "database" (damage that SQLite reports; not repaired). That
        the folder of a run is missing is no problem: it is made when a file is logged.
        """
        ...

    def flush_together(self, seconds: float = 1.0) -> AbstractContextManager[None]:
        """Flush runs that end in the block together: at most `seconds` after each, and all at its end.

        For many short runs in a row: what a power failure can take is the last `seconds`. Committed they
        are as ever: the death of a process takes nothing.
        """
        ...

    def close(self) -> None:
        """Free this thread's connection; the store can be used again afterwards."""
        ...
