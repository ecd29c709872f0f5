"""The store: experiments and runs in one SQLite file, artifacts in the folder beside it.

Each call is one transaction, done by a function of `experiments`, `runs`, `search` or `maintenance` that is
given the connection. `connection` begins and ends it.
"""

from __future__ import annotations

import math
import os
import secrets
import shutil
import tempfile
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar, Unpack

from tracking.context import user_name
from tracking.entities import (
    Claim,
    Experiment,
    LifecycleStage,
    Metric,
    Problem,
    Process,
    Run,
    RunColumns,
    RunData,
    RunInfo,
    RunStatus,
    ViewType,
    WholeRun,
)
from tracking.errors import StoreError, TrackingError
from tracking.store import adding, claims, experiments, groups, maintenance, runs, search, trust
from tracking.store import blobs as blob_tables
from tracking.store.connection import UNEXPECTED, Database
from tracking.store.groups import Group
from tracking.store.handles import Connection
from tracking.store.locations import Locations
from tracking.store.process import current_process, is_gone
from tracking.store.search import SearchOptions

P = ParamSpec("P")
T = TypeVar("T")

_SECONDS_BETWEEN_REPAIRS = 5.0


class Store:
    """Where experiments and runs are kept: one SQLite file, or memory when `path` is None.

    With `read_only` the file has to be there, and each call that would change it raises StoreReadOnly.

    A call that wrote has committed when it returns; a call is recorded whole or not at all. Threads, processes
    and forked children may use it at once. Resources are acquired lazily and freed by `close`.
    """

    def __init__(self, uri: str, path: Path | None, *, read_only: bool = False) -> None:
        self.uri = uri
        self._path = path
        self._scratch: weakref.finalize[..., Store] | None = None  # artifacts of a store in memory
        self._known_locations: Locations | None = None
        self._repaired_at = -math.inf
        self._database = Database(
            path,
            {
                "process_gone": (3, _process_gone),
                "lowered": (1, _lowered),
                "artifact_uri": (3, self._artifact_uri),
            },
            read_only=read_only,
        )

    def artifact_dir(self, run_id: str, *, writing: bool = False) -> Path:
        """Return the absolute folder of the run's artifacts, which may not exist yet.

        Raises RunNotFound, StoreCorrupt where it would be no run's own, and with `writing` RunDeleted.
        """
        experiment, location = self._database.read(runs.place, run_id, writing=writing)
        return self._locations().run_dir(experiment, location, run_id)

    # Models ------------------------------------------------------------------------------------
    def read_registry(
        self, work: Callable[Concatenate[Connection, P], T], *arguments: P.args, **options: P.kwargs
    ) -> T:
        """Return what a function of `registry` reads."""
        return self._database.read(work, *arguments, **options)

    def change_registry(
        self, work: Callable[Concatenate[Connection, P], T], *arguments: P.args, **options: P.kwargs
    ) -> T:
        """Let a function of `registry` write, and flush it: all of it is recorded, or nothing."""
        return self._database.write_flushed(work, *arguments, **options)

    # Experiments -------------------------------------------------------------------------------
    def create_experiment(
        self, name: str, *, artifact_location: str | None = None, tags: Mapping[str, str] | None = None
    ) -> str:
        """Create an experiment and return its id. Raises AlreadyExists, also for a deleted one."""
        location = self._locations().stored(artifact_location)
        return self._database.write(experiments.create, name, location, tags or {}, _now())

    def get_experiment(self, experiment_id: str) -> Experiment:
        """Return an experiment, deleted or not. Raises ExperimentNotFound."""
        return self._database.read(experiments.get, experiment_id, self._locations())

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        """Return the experiment of this name, deleted or not, or None."""
        return self._database.read(experiments.get_by_name, name, self._locations())

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
        return self._database.read(
            experiments.find_experiments,
            self._locations(),
            view_type=view_type,
            filter_string=filter_string,
            order_by=order_by,
            max_results=max_results,
            offset=offset,
        )

    def update_experiment(
        self, experiment_id: str, *, name: str | None = None, lifecycle_stage: str | None = None
    ) -> None:
        """Rename, delete or restore. Deleting and restoring carries all runs along.

        Raises ExperimentNotFound, also where it is in that stage already.
        """
        stage = None if lifecycle_stage is None else str(lifecycle_stage)
        self._database.write(experiments.update, experiment_id, name, stage, _now())

    def set_experiment_tags(self, experiment_id: str, tags: Mapping[str, str]) -> None:
        """Set tags, replacing. Raises ExperimentNotFound."""
        self._database.write(experiments.set_tags, experiment_id, tags)

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        """Remove one tag. Raises TagNotFound."""
        self._database.write(experiments.delete_tag, experiment_id, key)

    def purge_experiments(self, *, dry_run: bool = False) -> list[str]:
        """Remove deleted experiments that have no runs left for good; return the names that are free again.

        Their ids are not used again, and the default experiment stays. With `dry_run` nothing is removed,
        and deleted runs count as if they were purged already.
        """
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
        process: Process,
        tags: Mapping[str, str],
        params: Mapping[str, str] | None = None,
    ) -> Run:
        """Create a RUNNING run with its tags and params. Raises ExperimentNotFound, ExperimentDeleted."""
        experiment, location = self._database.write(
            runs.create,
            experiment_id,
            run_id=run_id,
            run_name=run_name,
            user_id=user_id,
            start_time=start_time,
            process=process,
            tags=tags,
            params=params or {},
            repair_too=self._repair_is_due(),
        )
        uri = self._artifact_uri(experiment, location, run_id)
        stage = str(LifecycleStage.ACTIVE)
        info = RunInfo(run_id, str(experiment), user_id, "RUNNING", start_time, None, stage, uri, run_name)
        return Run(info, RunData({}, dict(params or {}), dict(tags)))

    def add_runs(self, runs: Sequence[WholeRun]) -> int:
        """Add whole runs that ended elsewhere, all in one transaction, their files first; return how many are new.

        A run whose id is there already stays as it is. Raises ExperimentNotFound, ExperimentDeleted.
        """
        ids = {whole.run.info.experiment_id for whole in runs}
        places = {id_: self._database.read(experiments.require_open, id_) for id_ in ids}
        for whole in runs:
            whole.fill(self._locations().run_dir(*places[whole.run.info.experiment_id], whole.run.info.run_id))
        return self._database.write_flushed(adding.add, runs)

    def known_run_ids(self, run_ids: Sequence[str]) -> set[str]:
        """Return those of the ids that runs have here, deleted ones too."""
        return self._database.read(adding.known, run_ids)

    def get_run(self, run_id: str) -> Run:
        """Return a run, deleted or not. Raises RunNotFound."""
        return self._database.read(search.get_run, run_id, self._locations())

    def update_run(
        self,
        run_id: str,
        *,
        status: str | None = None,
        end_time: int | None = None,
        run_name: str | None = None,
        process: Process | None = None,
        lifecycle_stage: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Change the given fields and set the tags, all at once. Raises RunNotFound.

        A run in the trash can only change its stage: RunDeleted for anything else. A run that is RUNNING again
        keeps its old `end_time` until it ends.
        """
        changes: dict[str, str | int] = {}
        if status is not None:
            changes["status"] = str(status)
        if end_time is not None:
            changes["end_time"] = end_time
        if run_name is not None:
            changes["name"] = run_name
        if process is not None:
            changes.update(host=process.host, pid=process.pid, started=process.started)
        if lifecycle_stage is not None:
            changes["lifecycle"] = str(lifecycle_stage)
        ends = status is not None and RunStatus(status).is_terminated()
        write = self._database.write_flushed if ends else self._database.write
        write(runs.update, run_id, changes, tags or {}, repair_too=self._repair_is_due())

    def log_batch(
        self,
        run_id: str,
        *,
        metrics: Sequence[Metric] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        run_name: str | None = None,
        blobs: Mapping[str, bytes] | None = None,
        ends: tuple[str, int] | None = None,
    ) -> None:
        """Record everything given, and rename, atomically. Raises RunNotFound, RunDeleted, ParamConflict.

        `blobs` are small binary values by name, replacing: what would be many little files in a sweep. `ends` is the
        status that the run ends with and when (ms); it is flushed then.
        """
        if metrics or params or tags or blobs or run_name is not None or ends is not None:
            changes: dict[str, str | int] = {} if run_name is None else {"name": run_name}
            if ends is not None:
                changes |= {"status": ends[0], "end_time": ends[1]}
            write = self._database.write if ends is None else self._database.write_flushed
            write(runs.log_batch, run_id, metrics, params or {}, tags or {}, changes, blobs or {})
        else:
            self._database.read(runs.require_writable, run_id)

    def delete_tag(self, run_id: str, key: str) -> None:
        """Remove one tag. Raises RunNotFound, RunDeleted, TagNotFound."""
        self._database.write(runs.delete_tag, run_id, key)

    def list_blobs(self, run_id: str) -> dict[str, int]:
        """Return the names of a run's blobs, each with its size in bytes; {} for an unknown run."""
        return self._database.read(blob_tables.names, run_id)

    def get_blobs(self, run_ids: Sequence[str], name: str) -> dict[str, bytes]:
        """Return {run id: content} of the runs that have a blob of this name."""
        return self._database.read(blob_tables.get, run_ids, name)

    def remove_blobs(self, run_ids: Sequence[str], name: str) -> None:
        """Take the blob of this name from runs; the others are left as they are."""
        self._database.write(blob_tables.remove, run_ids, name)

    def get_metric_history(self, run_id: str, key: str) -> list[Metric]:
        """Return every point, ordered by timestamp, step, value; [] if there is none."""
        return self._database.read(search.get_history, run_id, key)

    def get_metric_histories(
        self, run_ids: Sequence[str], keys: Sequence[str] | None = None
    ) -> dict[str, dict[str, list[Metric]]]:
        """Return the points of several runs, of all metrics or of `keys`: {run id: {key: points by step and time}}."""
        return self._database.read(search.get_histories, run_ids, keys)

    def search_runs(self, experiment_ids: Sequence[str] | None, **options: Unpack[SearchOptions]) -> list[Run]:
        """Return complete runs; None searches all experiments. Raises FilterError."""
        return self._database.read(search.find_runs, search.select(experiment_ids, **options), self._locations())

    def search_run_columns(self, experiment_ids: Sequence[str] | None, **options: Unpack[SearchOptions]) -> RunColumns:
        """Return what `search_runs` would, by column; much faster for many runs. Raises FilterError."""
        return self._database.read(search.find_columns, search.select(experiment_ids, **options), self._locations())

    def find_run_ids(self, prefix: str, *, limit: int = 20) -> list[str]:
        """Return ids of runs, deleted or not, that start with the prefix."""
        return self._database.read(runs.find_ids, prefix, limit)

    def count_runs(self, *, view_type: int = ViewType.ACTIVE_ONLY) -> dict[str, tuple[int, int]]:
        """Return for each experiment with runs how many, and when the last of them started or ended (ms)."""
        return self._database.read(experiments.count_runs, view_type)

    def group_runs(self, tag: str) -> list[Group]:
        """Return the active runs counted by the value of a tag, the group that began last first."""
        return self._database.read(groups.group_by_tag, tag)

    def change_count(self) -> int:
        """Return a number that changes when somebody else commits; only comparable within one thread."""
        return self._database.read(search.change_count)

    def claim(self, key: str) -> Claim:
        """Take a piece of work, by any text that names it, for this process, unless a living process has it.

        A claim lapses when its process ends or gives back what it has; one of another machine after an hour.
        """
        return self._database.write(claims.claim, key, current_process(), _now())

    def release_claims(self) -> None:
        """Give back what this process claimed."""
        self._database.write(claims.release, current_process(), _now())

    # Maintenance -------------------------------------------------------------------------------
    def purge_runs(self, run_ids: Iterable[str]) -> None:
        """Remove deleted runs for good: the rows first, then the files. Others raise InvalidValue."""
        maintenance.purge(self._database, self._locations(), list(run_ids))

    def check(self, *, fix: bool = False) -> list[Problem]:
        """Compare rows and files, and the rows among themselves; [] is a clean bill. `fix` repairs.

        Kinds: "orphan folder" and "orphan file" (files that no run names; removed), "stale run" (RUNNING,
        but its process is gone; set to KILLED), "foreign table" (another program's, as MLflow leaves them; removed
        if empty), and not repaired: "strange run" (its files could be anybody's), "link" (where a folder belongs),
        "database" (damage that SQLite reports). That the folder of a run is missing is no problem: it is made when
        a file is logged.
        """
        return maintenance.check(self._database, self._locations(), fix=fix)

    @contextmanager
    def blamed(self) -> Iterator[None]:
        """Raise StoreCorrupt for an error of the block that is explained by what is stored."""
        try:
            yield
        except UNEXPECTED as error:
            if not isinstance(error, TrackingError):
                self._database.blame(error)
            raise

    def is_foreign(self, run_id: str) -> bool:
        """Tell whether a run came from elsewhere, so that nothing that it says may be run unasked. Raises RunNotFound.

        That is what the store's id says, and that the run was imported. A store without an id, as version 0.1.0 made
        it, is judged run by run: what this user recorded on this machine is no foreign run.
        """
        if self._path is None:
            return False
        store_id, user, host = self._database.read(runs.origin, run_id)
        if store_id is not None:
            return not trust.is_trusted(store_id, imported=not host)
        return (user, host) != (user_name(), current_process().host)

    def trust(self) -> None:
        """Take the store for one's own from now on: what its runs say may be imported and run. Raises StoreError."""
        store_id = self._database.read(runs.store_id)
        if store_id is None:
            store_id = self._database.write(runs.give_store_id, secrets.token_hex(16))
        try:
            for imported in (False, True):
                trust.remember(store_id, imported=imported)
        except (OSError, RuntimeError) as error:
            raise StoreError(f"That the store is trusted cannot be remembered: {error}.") from error

    @property
    def folder(self) -> Path | None:
        """The folder of the database file; None in memory."""
        return None if self._path is None else self._path.parent

    def flush_together(self, seconds: float = 1.0) -> AbstractContextManager[None]:
        """Flush runs that end in the block together: at most `seconds` after each, and all at its end.

        For many short runs in a row: what a power failure can take is the last `seconds`. Committed they
        are as ever: the death of a process takes nothing.
        """
        return self._database.flushing_together(seconds)

    def close(self) -> None:
        """Free this thread's connection; the store can be used again. In memory everything is gone, with its files."""
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

    def _repair_is_due(self) -> bool:
        """Tell whether dead runs should be set to KILLED; not at every write, as reads tell the truth anyway."""
        now = time.monotonic()
        due = now - self._repaired_at >= _SECONDS_BETWEEN_REPAIRS
        if due:
            self._repaired_at = now
        return due


def _now() -> int:
    return int(time.time() * 1000)


def _process_gone(host: str, pid: int, started: str) -> bool:
    return is_gone(Process(host, pid, started))


def _remove(folder: Path, pid: int) -> None:
    """Remove the artifacts of a store in memory, unless this is a child that only inherited it."""
    if os.getpid() == pid:
        shutil.rmtree(folder, ignore_errors=True)


def _lowered(text: str | None) -> str | None:
    return None if text is None else text.lower()
