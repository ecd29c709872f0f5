"""TrackingClient: every verb with explicit ids, over one store; names and signatures are MlflowClient's.

Validates what it is given, so that a store sees only clean values, and joins the two halves of a run:
rows in the store, files in its artifact folder. Knows no active run and no active experiment.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tracking import context, validation
from tracking.entities import (
    Claim,
    DatasetInput,
    Experiment,
    FileInfo,
    LifecycleStage,
    Metric,
    Param,
    Run,
    RunStatus,
    RunTag,
    ViewType,
)
from tracking.errors import AlreadyExists, ExperimentDeleted, InvalidType, InvalidValue
from tracking.inputs import input_tag
from tracking.reading import ReadingMethods
from tracking.records.names import PARENT_RUN_ID, RUN_NAME, USER
from tracking.registry import RegistryMethods
from tracking.store import contents, copying, files, paths
from tracking.store.process import current_process
from tracking.stores import current_uri, shared_store, uri_text
from tracking.validation import TAG, check_key, shorten

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

_MOST_SHOWN = 50  # rows and columns of a table in a notebook


class PagedList(list[T], Generic[T]):
    """One page of a search; `token` asks for the next one and is None at the end."""

    def __init__(self, items: Iterable[T] = (), token: str | None = None) -> None:
        super().__init__(items)
        self.token = token

    def _repr_html_(self) -> str:
        """Show runs in a notebook as a table of what tells them apart, and anything else by its repr."""
        from tracking.text.html import render_html_table
        from tracking.text.tables import varying_columns

        runs = [run for run in self if isinstance(run, Run)]
        if len(runs) < len(self) or not runs:
            return f"<pre>{escape(repr(self))}</pre>"
        rows = [
            {"id": run.info.run_id[:8], "name": run.info.run_name, "status": run.info.status}
            | dict(sorted(run.data.params.items()))
            | dict(sorted(run.data.metrics.items()))
            for run in runs
        ]
        known = dict.fromkeys(column for row in rows for column in row if column not in ("id", "name", "status"))
        columns = ["id", "name", "status", *varying_columns(rows, known)]
        more = len(rows) - _MOST_SHOWN
        return render_html_table(rows[:_MOST_SHOWN], columns[:_MOST_SHOWN], more=max(more, 0))


class RunOperations:
    """What `synchronous=False` returns. The values are recorded already, so there is nothing to wait for."""

    def wait(self) -> None:
        """Return at once."""


class TrackingClient(ReadingMethods, RegistryMethods):
    """Read and write one store by explicit ids.

    `tracking_uri` defaults to the store in use; `registry_uri` is accepted for MLflow's sake. Raises UnknownScheme
    for a URI that names no store. Beside what a method says, each raises InvalidValue or InvalidType for an
    argument that may not be, and StoreError where the store cannot be read or written. Those for files raise
    RunNotFound, InvalidArtifactPath, ArtifactError, and those that write them RunDeleted.
    """

    def __init__(self, tracking_uri: str | os.PathLike[str] | None = None, registry_uri: str | None = None) -> None:
        self._uri = current_uri() if tracking_uri is None else uri_text(tracking_uri)
        self.store = shared_store(self._uri)

    if not TYPE_CHECKING:  # to the type checker a name that is not here is a mistake

        def __getattr__(self, name):
            from tracking.unavailable import missing

            raise missing(type(self).__name__, name)

    @property
    def tracking_uri(self) -> str:
        """Name the store that this client works on."""
        return self._uri

    def shares_store(self, other: TrackingClient) -> bool:
        """Tell whether both work on one store."""
        return self.store is other.store

    # Experiments --------------------------------------------------------------------------------
    def create_experiment(
        self, name: str, artifact_location: str | Path | None = None, tags: Mapping[str, Any] | None = None
    ) -> str:
        """Create an experiment and return its id. Raises AlreadyExists, also for a deleted one."""
        location = None if artifact_location is None else validation.artifact_location(artifact_location)
        return self.store.create_experiment(
            validation.experiment_name(name),
            artifact_location=location,
            tags=validation.experiment_tags(tags or {}),
        )

    def get_experiment(self, experiment_id: str | int) -> Experiment:
        """Return an experiment, deleted or not. Raises ExperimentNotFound."""
        return self.store.get_experiment(validation.experiment_id(experiment_id))

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        """Return the experiment of this name, deleted or not, or None."""
        return self.store.get_experiment_by_name(validation.as_text(name, "Experiment name"))

    def get_or_create_experiment(self, name: str) -> str:
        """Return the id of the experiment of this name, created if needed, also when others do at once."""
        found = self.get_experiment_by_name(validation.experiment_name(name))
        if found is None:
            try:
                return self.create_experiment(name)
            except AlreadyExists:
                found = self.get_experiment_by_name(name)
                if found is None:
                    raise
        return found.experiment_id

    def search_experiments(
        self,
        view_type: int = ViewType.ACTIVE_ONLY,
        max_results: int | None = 1000,
        filter_string: str | None = None,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[Experiment]:
        """Return one page of experiments, newest first unless ordered otherwise. Raises FilterError."""
        size, offset = validation.page_size(max_results), _offset(page_token)
        return _page(self.find_experiments(view_type, size + 1, filter_string, order_by, offset), size, offset)

    def find_experiments(
        self,
        view_type: int = ViewType.ACTIVE_ONLY,
        max_results: int | None = None,
        filter_string: str | None = None,
        order_by: Sequence[str] | None = None,
        offset: int = 0,
    ) -> list[Experiment]:
        """Return all experiments that match, or the first `max_results`, without pages. Raises FilterError."""
        return self.store.search_experiments(
            view_type=view_type,
            filter_string=filter_string,
            order_by=validation.name_list(order_by, "order_by"),
            max_results=validation.result_limit(max_results),
            offset=offset,
        )

    def rename_experiment(self, experiment_id: str | int, new_name: str) -> None:
        """Give an experiment another name. Raises AlreadyExists, ExperimentNotFound, ExperimentDeleted."""
        found = self._active_experiment(experiment_id, "renamed", error_code="INVALID_STATE")
        self.store.update_experiment(found.experiment_id, name=validation.experiment_name(new_name))

    def delete_experiment(self, experiment_id: str | int) -> None:
        """Put an experiment and its runs into the trash. Raises ExperimentNotFound, also if it is there."""
        self._move(experiment_id, LifecycleStage.DELETED)

    def restore_experiment(self, experiment_id: str | int) -> None:
        """Take an experiment and its runs out of the trash. Raises ExperimentNotFound if it is not there."""
        self._move(experiment_id, LifecycleStage.ACTIVE)

    def _move(self, experiment_id: str | int, stage: LifecycleStage) -> None:
        self.store.update_experiment(validation.experiment_id(experiment_id), lifecycle_stage=stage)

    def set_experiment_tag(self, experiment_id: str | int, key: str, value: Any) -> None:
        """Set one tag of an experiment, replacing. Raises ExperimentNotFound, ExperimentDeleted."""
        self.set_experiment_tags(experiment_id, {key: value})

    def set_experiment_tags(self, experiment_id: str | int, tags: Mapping[str, Any]) -> None:
        """Set tags of an experiment, replacing; all or none. Raises ExperimentNotFound, ExperimentDeleted."""
        valid = validation.experiment_tags(tags)
        self.store.set_experiment_tags(self._active_experiment(experiment_id, "changed").experiment_id, valid)

    def delete_experiment_tag(self, experiment_id: str | int, key: str) -> None:
        """Remove one tag of an experiment. Raises ExperimentNotFound, ExperimentDeleted, TagNotFound."""
        valid = check_key(key, TAG)
        self.store.delete_experiment_tag(self._active_experiment(experiment_id, "changed").experiment_id, valid)

    def _active_experiment(self, experiment_id: str | int, change: str, *, error_code: str | None = None) -> Experiment:
        found = self.get_experiment(experiment_id)
        if found.lifecycle_stage != LifecycleStage.ACTIVE:
            raise ExperimentDeleted(
                f"Experiment {found.name!r} (id {found.experiment_id}) is deleted and cannot be {change}. "
                "Restore it first: restore_experiment.",
                error_code=error_code,
            )
        return found

    # Runs ---------------------------------------------------------------------------------------
    def create_run(
        self,
        experiment_id: str | int,
        start_time: int | None = None,
        tags: Mapping[str, Any] | None = None,
        run_name: str | None = None,
        *,
        params: Mapping[str, Any] | None = None,
    ) -> Run:
        """Create a RUNNING run, with tags and params, that nothing ends by itself; `start_run` is the friendlier way.

        Raises ExperimentNotFound, ExperimentDeleted; InvalidValue where name and tags say two names.
        """
        recorded = validation.tags(tags or {})
        name, tagged = validation.run_name(run_name), recorded.get(RUN_NAME)
        if name and tagged and name != tagged:
            raise InvalidValue(
                f"Two names for one run: run_name={shorten(name)} and the tag {RUN_NAME!r}, {shorten(tagged)}. "
                "Leave out one of them."
            )
        recorded[RUN_NAME] = name or tagged or context.random_name()
        return self.store.create_run(
            validation.experiment_id(experiment_id),
            run_id=os.urandom(16).hex(),
            run_name=recorded[RUN_NAME],
            user_id=recorded.get(USER, "unknown"),
            start_time=validation.time_ms(start_time),
            process=current_process(),
            tags=recorded,
            params=validation.params(params) if params else {},
        )

    def resume_run(self, run_id: str, run_name: str | None = None, tags: Mapping[str, Any] | None = None) -> Run:
        """Make a run RUNNING again, from now on by this process, and set its name and these tags.

        Raises RunNotFound, RunDeleted.
        """
        valid, run_id = validation.tags(tags or {}), validation.run_id(run_id)
        if name := validation.run_name(run_name) or valid.get(RUN_NAME):
            valid[RUN_NAME] = name
        self.store.update_run(run_id, status=RunStatus.RUNNING, process=current_process(), run_name=name, tags=valid)
        return self.store.get_run(run_id)

    def get_run(self, run_id: str) -> Run:
        """Return a run, deleted or not. Raises RunNotFound."""
        return self.store.get_run(validation.run_id(run_id))

    def get_parent_run(self, run_id: str) -> Run | None:
        """Return the run that this one is nested in, or None. Raises RunNotFound."""
        parent = self.get_run(run_id).data.tags.get(PARENT_RUN_ID)
        return None if parent is None else self.get_run(parent)

    def update_run(self, run_id: str, status: str | None = None, name: str | None = None) -> None:
        """Change the status or the name of a run. Raises RunNotFound, RunDeleted."""
        state = None if status is None else validation.run_status(status)
        process = current_process() if state == RunStatus.RUNNING else None
        renamed = validation.run_name(name)
        tags = {} if renamed is None else {RUN_NAME: renamed}
        self.store.update_run(validation.run_id(run_id), status=state, process=process, run_name=renamed, tags=tags)

    def set_terminated(self, run_id: str, status: str | None = None, end_time: int | None = None) -> None:
        """End a run, FINISHED unless said otherwise, and flush it to disk. Raises RunNotFound, RunDeleted."""
        state, time = validation.run_status(status), validation.time_ms(end_time)
        self.store.update_run(validation.run_id(run_id), status=state, end_time=time)

    def flush_together(self, seconds: float = 1.0) -> AbstractContextManager[None]:
        """Flush runs that end in the block together: at most `seconds` after each, and all at its end.

        For many short runs in a row, as in a sweep. What ended is safe from the death of this process as
        ever; a power failure can take the last `seconds`.
        """
        return self.store.flush_together(seconds)

    def claim(self, key: str) -> Claim:
        """Take a piece of work, by any text that names it, for this process, unless a living process has it."""
        return self.store.claim(key)

    def release_claims(self) -> None:
        """Give back what this process claimed."""
        self.store.release_claims()

    def delete_run(self, run_id: str) -> None:
        """Put a run into the trash; its data and files stay until `gc`. Raises RunNotFound."""
        self.store.update_run(validation.run_id(run_id), lifecycle_stage=LifecycleStage.DELETED)

    def restore_run(self, run_id: str) -> None:
        """Take a run out of the trash. Raises RunNotFound."""
        self.store.update_run(validation.run_id(run_id), lifecycle_stage=LifecycleStage.ACTIVE)

    def search_runs(
        self,
        experiment_ids: Sequence[str | int],
        filter_string: str = "",
        run_view_type: int = ViewType.ACTIVE_ONLY,
        max_results: int = 1000,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[Run]:
        """Return one page of complete runs. Raises FilterError."""
        size, offset = validation.page_size(max_results), _offset(page_token)
        ids = validation.experiment_ids(experiment_ids)
        return _page(self.find_runs(ids, filter_string, run_view_type, size + 1, order_by, offset), size, offset)

    def find_runs(
        self,
        experiment_ids: Sequence[str | int] | None,
        filter_string: str = "",
        run_view_type: int = ViewType.ACTIVE_ONLY,
        max_results: int | None = None,
        order_by: Sequence[str] | None = None,
        offset: int = 0,
    ) -> list[Run]:
        """Return all runs that match, or the first `max_results`, without pages; None looks in all experiments.

        Raises FilterError.
        """
        return self.store.search_runs(
            None if experiment_ids is None else validation.experiment_ids(experiment_ids),
            filter_string=filter_string,
            view_type=run_view_type,
            order_by=validation.name_list(order_by, "order_by"),
            max_results=validation.result_limit(max_results),
            offset=offset,
        )

    def find_runs_frame(
        self,
        experiment_ids: Sequence[str | int] | None,
        filter_string: str = "",
        run_view_type: int = ViewType.ACTIVE_ONLY,
        max_results: int | None = None,
        order_by: Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """Return what `find_runs` would, as a DataFrame with MLflow's columns. Raises FilterError."""
        from tracking.store.frame import runs_frame

        columns = self.store.search_run_columns(
            None if experiment_ids is None else validation.experiment_ids(experiment_ids),
            filter_string=filter_string,
            view_type=run_view_type,
            order_by=validation.name_list(order_by, "order_by"),
            max_results=validation.result_limit(max_results),
        )
        return runs_frame(columns)

    # Values -------------------------------------------------------------------------------------
    def log_metric(
        self,
        run_id: str,
        key: str,
        value: Any,
        timestamp: int | None = None,
        step: int | None = None,
        synchronous: bool | None = None,
        dataset_name: str | None = None,
        dataset_digest: str | None = None,
        model_id: str | None = None,
    ) -> RunOperations | None:
        """Record one point of a metric; the time (in ms) defaults to now, the step to 0.

        Raises RunNotFound, RunDeleted.
        """
        point = validation.metric(key, value, timestamp, step)
        self.store.log_batch(validation.run_id(run_id), metrics=[point])
        return _operations(synchronous)

    def log_metrics(
        self,
        run_id: str,
        metrics: Mapping[str, Any],
        step: int | None = None,
        timestamp: int | None = None,
        synchronous: bool | None = None,
    ) -> RunOperations | None:
        """Record points of several metrics at one step and time, all or none. Raises RunNotFound, RunDeleted."""
        points = validation.metrics(validation.mapping(metrics, "metrics"), timestamp=timestamp, step=step)
        self.store.log_batch(validation.run_id(run_id), metrics=points)
        return _operations(synchronous)

    def log_param(self, run_id: str, key: str, value: Any, synchronous: bool | None = None) -> Any:
        """Record one param and return the value as given. Raises RunNotFound, RunDeleted, ParamConflict."""
        return self.log_params(run_id, {key: value}, synchronous) or value

    def log_params(
        self, run_id: str, params: Mapping[str, Any], synchronous: bool | None = None
    ) -> RunOperations | None:
        """Record params, all or none. Raises RunNotFound, RunDeleted, ParamConflict."""
        return self.log_batch(run_id, params=validation.mapping(params, "params"), synchronous=synchronous)

    def set_tag(self, run_id: str, key: str, value: Any, synchronous: bool | None = None) -> RunOperations | None:
        """Set one tag, replacing. Raises RunNotFound, RunDeleted."""
        return self.set_tags(run_id, {key: value}, synchronous)

    def set_tags(self, run_id: str, tags: Mapping[str, Any], synchronous: bool | None = None) -> RunOperations | None:
        """Set tags, replacing; all or none. Raises RunNotFound, RunDeleted."""
        return self.log_batch(run_id, tags=validation.mapping(tags, "tags"), synchronous=synchronous)

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Metric] | Mapping[str, Any] = (),
        params: Sequence[Param] | Mapping[str, Any] = (),
        tags: Sequence[RunTag] | Mapping[str, Any] = (),
        synchronous: bool | None = None,
        *,
        blobs: Mapping[str, bytes] | None = None,
        status: str | None = None,
    ) -> RunOperations | None:
        """Record metrics, params and tags, any number of them: all, or it raises and none is.

        `blobs` are small binary values by name (arrays, tables), kept in the database rather than as files. With a
        `status` the run ends with it, in the same transaction. Raises RunNotFound, RunDeleted, ParamConflict.
        """
        named = validation.tags(tags) if tags else {}
        if named.get(RUN_NAME) == "":  # MLflow too lets a run keep its name rather than have none
            del named[RUN_NAME]
        self.store.log_batch(
            validation.run_id(run_id),
            metrics=validation.metrics(metrics) if metrics else (),
            params=validation.params(params) if params else None,
            tags=named,
            run_name=named.get(RUN_NAME),
            blobs=blobs,
            ends=None if status is None else (str(validation.run_status(status)), validation.now_ms()),
        )
        return _operations(synchronous)

    def log_inputs(
        self, run_id: str, datasets: Sequence[DatasetInput] | None = None, models: Sequence[Any] | None = None
    ) -> None:
        """Record what data sets a run was given; one of the same name and digest is replaced.

        Raises RunNotFound, RunDeleted, InvalidType for what is no DatasetInput and for `models`: they are artifacts.
        """
        if models:
            raise InvalidType("log_inputs takes no models: a model is an artifact of its run here.")
        for given in datasets or ():
            if not isinstance(given, DatasetInput):
                raise InvalidType(f"log_inputs takes a list of DatasetInput, not {shorten(given)}.")
        self.log_batch(run_id, tags=dict(map(input_tag, datasets or ())))

    def list_blobs(self, run_id: str) -> dict[str, int]:
        """Return the names of a run's blobs, each with its size in bytes."""
        return self.store.list_blobs(validation.run_id(run_id))

    def get_blobs(self, run_ids: Sequence[str], name: str) -> dict[str, bytes]:
        """Return {run id: content} of the runs that have a blob of this name."""
        return self.store.get_blobs([validation.run_id(run_id) for run_id in run_ids], name)

    def remove_blobs(self, run_ids: Sequence[str], name: str) -> None:
        """Take the blob of this name from runs."""
        self.store.remove_blobs([validation.run_id(run_id) for run_id in run_ids], name)

    def delete_tag(self, run_id: str, key: str) -> None:
        """Remove one tag. Raises RunNotFound, RunDeleted, TagNotFound."""
        self.store.delete_tag(validation.run_id(run_id), check_key(key, TAG))

    def get_metric_history(self, run_id: str, key: str) -> list[Metric]:
        """Return every point of a metric, ordered by timestamp, step, value; [] if there is none."""
        return self.store.get_metric_history(validation.run_id(run_id), key)

    # Artifacts ----------------------------------------------------------------------------------
    def artifact_dir(self, run_id: str) -> Path:
        """Return the absolute folder of a run's artifacts, which may not exist yet. Raises RunNotFound."""
        return self.store.artifact_dir(validation.run_id(run_id))

    def get_artifact_uri(self, run_id: str, artifact_path: str | None = None) -> str:
        """Return an absolute file: URI, right until the store is moved. The artifact need not exist."""
        path = artifact_path.lstrip("/") if isinstance(artifact_path, str) else artifact_path
        return self.artifact_dir(run_id).joinpath(paths.check_path(path, normalise=True)).as_uri()

    def log_artifact(self, run_id: str, local_path: str | Path, artifact_path: str | None = None) -> None:
        """Copy a file, or a folder under its own name, into the run. Raises ArtifactNotFound."""
        copying.copy_in(self._writable(run_id), local_path, artifact_path)

    def log_artifacts(self, run_id: str, local_dir: str | Path, artifact_path: str | None = None) -> None:
        """Copy what a folder contains into the run, merging and replacing."""
        copying.copy_contents_in(self._writable(run_id), local_dir, artifact_path)

    def log_text(self, run_id: str, text: str, artifact_file: str, *, shared: bool = False) -> None:
        """Write a text as a UTF-8 file of the run; line ends stay as they are.

        With `shared` runs that are given the same text may share one file on the disk (a hard link).
        """
        files.write_bytes(self._writable(run_id), artifact_file, validation.file_text(text), shared=shared)

    def log_texts(self, run_id: str, texts: Mapping[str, str], *, shared: Mapping[str, str] | None = None) -> None:
        """Write several texts as files of the run, by name; of `shared` runs with the same text may share one."""
        folder = self._writable(run_id)
        for file, text in {**texts, **(shared or {})}.items():
            files.write_bytes(folder, file, validation.file_text(text), shared=file not in texts)

    def log_dict(self, run_id: str, dictionary: Any, artifact_file: str) -> None:
        """Write a dictionary or list as YAML (.yml, .yaml) or JSON (any other name)."""
        text = files.dictionary_text(dictionary, artifact_file)
        files.write_bytes(self._writable(run_id), artifact_file, text.encode())

    def log_figure(
        self, run_id: str, figure: Any, artifact_file: str, *, save_kwargs: dict[str, Any] | None = None
    ) -> None:
        """Save a matplotlib or plotly figure in the format that the file's extension names."""
        files.write_figure(self._writable(run_id), artifact_file, figure, save_kwargs)

    def save_artifact(self, run_id: str, artifact_file: str, write: Callable[[str], object]) -> None:
        """Let `write` fill a temporary file whose name it is given; then it becomes the run's file."""
        files.write_through(self._writable(run_id), artifact_file, write)

    def save_folder(
        self,
        run_id: str,
        artifact_path: str,
        writers: Mapping[str, Callable[[str], object]],
        shared: Mapping[str, bytes],
    ) -> None:
        """Write the files of a folder, which appears whole: functions that are given a name to fill, and contents.

        Runs that are given the same `shared` content may share one file on the disk.
        """
        files.write_folder(self._writable(run_id), artifact_path, writers, shared)

    def list_artifacts(self, run_id: str, path: str | None = None) -> list[FileInfo]:
        """Return one level of a run's artifacts, sorted by path; [] for a file or a missing path."""
        return contents.list_folder(str(self.artifact_dir(run_id)), path)

    def download_artifacts(self, run_id: str, path: str = "", dst_path: str | Path | None = None) -> str:
        """Copy an artifact to a folder, by default a new temporary one; return its absolute path there."""
        return copying.copy_out(str(self.artifact_dir(run_id)), path, dst_path, keep_folders=False)

    def _writable(self, run_id: str) -> str:
        return str(self.store.artifact_dir(validation.run_id(run_id), writing=True))


def _operations(synchronous: bool | None) -> RunOperations | None:
    """Return what MLflow's functions return: nothing, or with `synchronous=False` something to wait for."""
    if synchronous is None:
        synchronous = not validation.flag("MLFLOW_ENABLE_ASYNC_LOGGING", default=False)
    return None if synchronous else RunOperations()


def _offset(token: str | None) -> int:
    if not token:
        return 0
    if isinstance(token, str) and token.isdecimal() and len(token) < 19:
        return int(token)
    raise InvalidValue(f"Invalid page token {shorten(token)}: pass the `token` of the page before.")


def _page(found: list[T], size: int, offset: int) -> PagedList[T]:
    return PagedList(found[:size], str(offset + size) if len(found) > size else None)


MlflowClient = TrackingClient  # the name that MLflow scripts import
