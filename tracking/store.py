"""The Store protocol with its written guarantees, and `open_store`.

What every backend promises:

* A call that wrote has committed when it returns; it survives the death of this process.
* Each call is atomic: all of it is recorded, or it raises and nothing is.
* `update_run` to a terminated status also flushes to disk; inside of `flush_together` a little later.
* Any number of threads and processes may write at once; a call waits rather than fails.
* After a fork the child uses a connection of its own.
* Values arrive validated (`validation.py`); the store checks only what needs its own content
  (existence, lifecycle, changed params, uniqueness) and raises the classes of `errors.py`.
* A RUNNING run whose owner is on this host and gone is read as KILLED, everywhere, and repaired
  by the next write.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tracking.entities import Experiment, Metric, Owner, Run, RunInfo, ViewType
from tracking.errors import UnknownScheme

_KNOWN = "sqlite:///relative/path.db, sqlite:////absolute/path.db, sqlite:// (in memory)"


@dataclass(frozen=True, slots=True)
class RunColumns:
    """Many runs by column, for tables: every list has one value a run, all in the same order.

    `info` has the fields of RunInfo by name. A metric that a run lacks is NaN; a param or tag that it
    lacks is None.
    """

    info: dict[str, list[Any]]
    metrics: dict[str, list[float]]
    params: dict[str, list[str | None]]
    tags: dict[str, list[str | None]]

    @property
    def infos(self) -> list[RunInfo]:
        """The runs' infos as entities."""
        return [RunInfo(*values) for values in zip(*self.info.values(), strict=True)]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that `check` found: what, in a sentence, and whether it was repaired."""

    kind: str
    subject: str
    message: str
    fixed: bool = False


class Store(Protocol):
    """Where experiments and runs are kept. Resources are acquired lazily and freed by `close`."""

    uri: str

    def artifact_dir(self, run_id: str) -> Path:
        """Return the absolute folder of the run's artifacts, which may not exist yet.

        Raises RunNotFound.
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


def open_store(uri: str | Path) -> Store:
    """Return the store that a tracking URI names; nothing is opened or created before it is used.

    Known are `sqlite:///relative/path.db` (from the working directory), `sqlite:////absolute/path.db` and
    `sqlite://` (in memory). Raises UnknownScheme for anything else.
    """
    text = str(uri)
    scheme, separator, rest = text.partition("://")
    if not separator:
        raise UnknownScheme(
            f"'{text}' is a path, not a tracking URI. Known are: {_KNOWN}. For this path: sqlite:///{text}"
        )
    if scheme != "sqlite":
        raise UnknownScheme(f"No store for the scheme '{scheme}' of '{text}'. Known are: {_KNOWN}.")
    from tracking.sqlite.store import SQLiteStore

    if rest in ("", "/", "/:memory:"):
        return SQLiteStore(text, None)
    if not rest.startswith("/"):
        raise UnknownScheme(
            f"'{text}' has two slashes where three or four belong. Known are: {_KNOWN}. "
            f"Relative to the working directory: sqlite:///{rest}"
        )
    return SQLiteStore(text, Path(rest[1:]).absolute())
