"""TrackingClient: every verb with explicit ids, over one store; names and signatures are MlflowClient's.

Validates what it is given, so that a store sees only clean values, and joins the two halves of a run:
rows in the store, files in its artifact folder. Knows no active run and no active experiment.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Generic, TypeVar

from tracking import context, validation
from tracking.entities import Experiment, FileInfo, LifecycleStage, Metric, Param, Run, RunStatus, RunTag, ViewType
from tracking.errors import ExperimentDeleted, InvalidValue
from tracking.records.names import PARENT_RUN_ID, RUN_NAME, USER
from tracking.store import files
from tracking.store.owner import current_owner
from tracking.stores import current_uri, shared_store, uri_text
from tracking.validation import METRIC, PARAM, TAG, check_key, now_ms, shorten

T = TypeVar("T")


class PagedList(list[T], Generic[T]):
    """One page of a search; `token` asks for the next one and is None at the end."""

    def __init__(self, items: Iterable[T] = (), token: str | None = None) -> None:
        super().__init__(items)
        self.token = token


class RunOperations:
    """What `synchronous=False` returns. The values are recorded already, so there is nothing to wait for."""

    def wait(self) -> None:
        """Return at once."""


class TrackingClient:
    """Read and write one store by explicit ids.

    `tracking_uri` defaults to the store in use; `registry_uri` is accepted for MLflow's sake.
    """

    def __init__(self, tracking_uri: str | os.PathLike[str] | None = None, registry_uri: str | None = None) -> None:
        self._uri = current_uri() if tracking_uri is None else uri_text(tracking_uri)
        self.store = shared_store(self._uri)

    @property
    def tracking_uri(self) -> str:
        """Name the store that this client works on."""
        return self._uri

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

    def get_experiment(self, experiment_id: str) -> Experiment:
        """Return an experiment, deleted or not. Raises ExperimentNotFound."""
        return self.store.get_experiment(validation.experiment_id(experiment_id))

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        """Return the experiment of this name, deleted or not, or None."""
        return self.store.get_experiment_by_name(validation.as_text(name, "Experiment name"))

    def search_experiments(
        self,
        view_type: int = ViewType.ACTIVE_ONLY,
        max_results: int | None = 1000,
        filter_string: str | None = None,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[Experiment]:
        """Return one page of experiments, newest first unless ordered otherwise."""
        size, offset = validation.page_size(max_results), _offset(page_token)
        found = self.store.search_experiments(
            view_type=view_type,
            filter_string=filter_string,
            order_by=validation.name_list(order_by, "order_by"),
            max_results=size + 1,
            offset=offset,
        )
        return _page(found, size, offset)

    def rename_experiment(self, experiment_id: str, new_name: str) -> None:
        """Give an experiment another name. Raises AlreadyExists, ExperimentDeleted."""
        experiment = self.get_experiment(experiment_id)
        if experiment.lifecycle_stage != LifecycleStage.ACTIVE:
            raise ExperimentDeleted(
                f"Experiment {experiment.name!r} (id {experiment.experiment_id}) is deleted and cannot "
                "be renamed. "
                "Restore it first: restore_experiment.",
                error_code="INVALID_STATE",
            )
        self.store.update_experiment(experiment.experiment_id, name=validation.experiment_name(new_name))

    def delete_experiment(self, experiment_id: str) -> None:
        """Put an experiment and its runs into the trash. Raises ExperimentNotFound, also if it is there."""
        self._move(experiment_id, LifecycleStage.DELETED)

    def restore_experiment(self, experiment_id: str) -> None:
        """Take an experiment and its runs out of the trash. Raises ExperimentNotFound if it is not there."""
        self._move(experiment_id, LifecycleStage.ACTIVE)

    def _move(self, experiment_id: str, stage: LifecycleStage) -> None:
        self.store.update_experiment(validation.experiment_id(experiment_id), lifecycle_stage=stage)

    def set_experiment_tag(self, experiment_id: str, key: str, value: Any) -> None:
        """Set one tag of an experiment, replacing."""
        self.set_experiment_tags(experiment_id, {key: value})

    def set_experiment_tags(self, experiment_id: str, tags: Mapping[str, Any]) -> None:
        """Set tags of an experiment, replacing; all or none."""
        self.store.set_experiment_tags(validation.experiment_id(experiment_id), validation.experiment_tags(tags))

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        """Remove one tag of an experiment. Raises TagNotFound."""
        self.store.delete_experiment_tag(validation.experiment_id(experiment_id), check_key(key, TAG))

    # Runs ---------------------------------------------------------------------------------------
    def create_run(
        self,
        experiment_id: str,
        start_time: int | None = None,
        tags: Mapping[str, Any] | None = None,
        run_name: str | None = None,
    ) -> Run:
        """Create a RUNNING run that nothing ends by itself; `start_run` is the friendlier way."""
        recorded = validation.tags(tags or {})
        name = validation.run_name(run_name) or recorded.get(RUN_NAME)
        recorded[RUN_NAME] = name or context.random_name()
        return self.store.create_run(
            validation.experiment_id(experiment_id),
            run_id=_new_run_id(),
            run_name=recorded[RUN_NAME],
            user_id=recorded.get(USER, "unknown"),
            start_time=validation.metric_timestamp(start_time),
            owner=current_owner(),
            tags=recorded,
        )

    def get_run(self, run_id: str) -> Run:
        """Return a run, deleted or not. Raises RunNotFound."""
        return self.store.get_run(validation.run_id(run_id))

    def get_parent_run(self, run_id: str) -> Run | None:
        """Return the run that this one is nested in, or None."""
        parent = self.get_run(run_id).data.tags.get(PARENT_RUN_ID)
        return None if parent is None else self.get_run(parent)

    def update_run(self, run_id: str, status: str | None = None, name: str | None = None) -> None:
        """Change the status or the name of a run. Raises RunNotFound, RunDeleted."""
        self._check_active(run_id)
        state = None if status is None else validation.run_status(status)
        owner = current_owner() if state == RunStatus.RUNNING else None
        renamed = validation.run_name(name)
        tags = {} if renamed is None else {RUN_NAME: renamed}
        self.store.update_run(run_id, status=state, owner=owner, run_name=renamed, tags=tags)

    def set_terminated(self, run_id: str, status: str | None = None, end_time: int | None = None) -> None:
        """End a run, FINISHED unless said otherwise, and flush it to disk."""
        state = validation.run_status(status)
        self._check_active(run_id)
        self.store.update_run(run_id, status=state, end_time=validation.metric_timestamp(end_time))

    def flush_together(self, seconds: float = 1.0) -> AbstractContextManager[None]:
        """Flush runs that end in the block together: at most `seconds` after each, and all at its end.

        For many short runs in a row, as in a sweep. What ended is safe from the death of this process as
        ever; a power failure can take the last `seconds`.
        """
        return self.store.flush_together(seconds)

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
        found = self.store.search_runs(
            experiment_id_list(experiment_ids),
            filter_string=filter_string,
            view_type=run_view_type,
            order_by=validation.name_list(order_by, "order_by"),
            max_results=size + 1,
            offset=offset,
        )
        return _page(found, size, offset)

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
        """Record one point of a metric; the time defaults to now, the step to 0."""
        point = Metric(
            check_key(key, METRIC),
            validation.metric_value(key, value),
            now_ms() if timestamp is None else validation.metric_timestamp(timestamp),
            0 if step is None else validation.metric_step(step),
        )
        self.store.log_batch(validation.run_id(run_id), metrics=(point,))
        return operations(synchronous)

    def log_param(self, run_id: str, key: str, value: Any, synchronous: bool | None = None) -> Any:
        """Record one param and return the value as given. Raises ParamConflict."""
        params = {check_key(key, PARAM): validation.param_value(key, value)}
        self.store.log_batch(validation.run_id(run_id), params=params)
        return operations(synchronous) or value

    def set_tag(self, run_id: str, key: str, value: Any, synchronous: bool | None = None) -> RunOperations | None:
        """Set one tag, replacing."""
        tags = {check_key(key, TAG): validation.tag_value(key, value)}
        self._record_tags(run_id, tags)
        return operations(synchronous)

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Metric] | Mapping[str, Any] = (),
        params: Sequence[Param] | Mapping[str, Any] = (),
        tags: Sequence[RunTag] | Mapping[str, Any] = (),
        synchronous: bool | None = None,
    ) -> RunOperations | None:
        """Record metrics, params and tags, any number of them: all, or it raises and none is."""
        self._record_tags(
            run_id,
            validation.tags(tags) if tags else {},
            metrics=validation.metrics(metrics) if metrics else (),
            params=validation.params(params) if params else None,
        )
        return operations(synchronous)

    def _record_tags(self, run_id: str, tags: dict[str, str], **values: Any) -> None:
        name = tags.get(RUN_NAME)
        if name == "":  # MLflow too lets a run keep its name rather than have none
            del tags[RUN_NAME]
        self.store.log_batch(validation.run_id(run_id), tags=tags, run_name=name or None, **values)

    def delete_tag(self, run_id: str, key: str) -> None:
        """Remove one tag. Raises TagNotFound."""
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
        return self.artifact_dir(run_id).joinpath(files.check_path(path, normalise=True)).as_uri()

    def log_artifact(self, run_id: str, local_path: str | Path, artifact_path: str | None = None) -> None:
        """Copy a file, or a folder under its own name, into the run. Raises ArtifactNotFound."""
        files.copy_in(self._writable(run_id), local_path, artifact_path)

    def log_artifacts(self, run_id: str, local_dir: str | Path, artifact_path: str | None = None) -> None:
        """Copy what a folder contains into the run, merging and replacing."""
        files.copy_contents_in(self._writable(run_id), local_dir, artifact_path)

    def log_text(self, run_id: str, text: str, artifact_file: str, *, shared: bool = False) -> None:
        """Write a text as a UTF-8 file of the run; line ends stay as they are.

        With `shared` runs that are given the same text may share one file on the disk (a hard link).
        """
        files.write_bytes(self._writable(run_id), artifact_file, validation.file_text(text), shared=shared)

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

    def list_artifacts(self, run_id: str, path: str | None = None) -> list[FileInfo]:
        """Return one level of a run's artifacts, sorted by path; [] for a file or a missing path."""
        return files.list_folder(str(self.artifact_dir(run_id)), path)

    def download_artifacts(self, run_id: str, path: str = "", dst_path: str | Path | None = None) -> str:
        """Copy an artifact to a folder, by default a new temporary one; return its absolute path there."""
        return files.copy_out(str(self.artifact_dir(run_id)), path, dst_path, keep_folders=False)

    def _writable(self, run_id: str) -> str:
        self._check_active(run_id)
        return str(self.store.artifact_dir(run_id))

    def _check_active(self, run_id: str) -> None:
        # A batch of nothing: the store looks whether the run may be written, and reads nothing more of it.
        self.store.log_batch(validation.run_id(run_id))


def _new_run_id() -> str:
    """Return the hex digits of a version 4 UUID; to import uuid for it would cost more than a run."""
    number = int.from_bytes(os.urandom(16)) & ~(0xF << 76 | 0x3 << 62) | 0x4 << 76 | 0x2 << 62
    return f"{number:032x}"


def operations(synchronous: bool | None) -> RunOperations | None:
    """Return what MLflow's functions return: nothing, or with `synchronous=False` something to wait for."""
    if synchronous is None:
        synchronous = not validation.flag("MLFLOW_ENABLE_ASYNC_LOGGING", default=False)
    return None if synchronous else RunOperations()


def experiment_id_list(ids: object) -> list[str]:
    """Return experiment ids as texts; a single one stands for a list of one."""
    if isinstance(ids, (str, int)) or not isinstance(ids, Iterable):
        ids = [ids]
    return [validation.experiment_id(item) for item in ids]


def _offset(token: str | None) -> int:
    if not token:
        return 0
    if isinstance(token, str) and token.isdecimal() and len(token) < 19:
        return int(token)
    raise InvalidValue(f"Invalid page token {shorten(token)}: pass the `token` of the page before.")


def _page(found: list[T], size: int, offset: int) -> PagedList[T]:
    return PagedList(found[:size], str(offset + size) if len(found) > size else None)
