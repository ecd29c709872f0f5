"""MLflow's fluent functions: short ways to the client, for the active run and the active experiment."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from tracking import validation
from tracking.active import shutdown as endings
from tracking.active.lifecycle import current_experiment_id, current_run, experiment_named
from tracking.client import RunOperations, TrackingClient, experiment_id_list, operations
from tracking.entities import Experiment, LifecycleStage, Metric, Param, Run, RunTag, ViewType
from tracking.errors import ExperimentDeleted, InvalidValue
from tracking.stores import EXPERIMENT_ID, EXPERIMENT_NAME, URI_VARIABLES, choice, current_uri, export, set_uri

if TYPE_CHECKING:
    import pandas as pd


# The store ------------------------------------------------------------------------------------------
def set_tracking_uri(uri: str | os.PathLike[str] | None) -> None:
    """Choose the store for what follows; None goes back to the environment or the default.

    Exported to child processes. Runs that are active stay in the store they were started in.
    """
    set_uri(uri)
    endings.install_for_sigterm()


def get_tracking_uri() -> str:
    """Return the URI of the store in use."""
    return current_uri()


def is_tracking_uri_set() -> bool:
    """Tell whether a store was chosen, here or by the environment."""
    return choice.uri is not None or any(os.environ.get(variable) for variable in URI_VARIABLES)


# Experiments ----------------------------------------------------------------------------------------
def set_experiment(experiment_name: str | None = None, experiment_id: str | int | None = None) -> Experiment:
    """Make an experiment the active one, by name (created if missing) or by id, and return it.

    Child processes inherit it. Raises ExperimentNotFound for an unknown id, ExperimentDeleted.
    """
    if (experiment_name is None) == (experiment_id is None):
        raise InvalidValue("set_experiment takes either a name or an experiment_id: give exactly one of them.")
    client = TrackingClient()
    chosen = experiment_named(client, experiment_name) if experiment_name is not None else str(experiment_id)
    experiment = client.get_experiment(chosen)
    if experiment.lifecycle_stage != LifecycleStage.ACTIVE:
        raise ExperimentDeleted(
            f"Cannot set a deleted experiment {experiment.name!r} as the active experiment. Restore it "
            "first: "
            f"restore_experiment({experiment.experiment_id!r})."
        )
    endings.install_for_sigterm()
    choice.experiment_id = experiment.experiment_id
    export(EXPERIMENT_ID, experiment.experiment_id)
    export(EXPERIMENT_NAME, None)  # it would contradict the id in a child process
    return experiment


def create_experiment(
    name: str, artifact_location: str | Path | None = None, tags: Mapping[str, Any] | None = None
) -> str:
    """Create an experiment without activating it and return its id. Raises AlreadyExists."""
    return TrackingClient().create_experiment(name, artifact_location, tags)


def get_experiment(experiment_id: str | int) -> Experiment:
    """Return an experiment, deleted or not. Raises ExperimentNotFound."""
    return TrackingClient().get_experiment(str(validation.experiment_id(experiment_id)))


def get_experiment_by_name(name: str) -> Experiment | None:
    """Return the experiment of this name, deleted or not, or None."""
    return TrackingClient().get_experiment_by_name(name)


def search_experiments(
    view_type: int = ViewType.ACTIVE_ONLY,
    max_results: int | None = None,
    filter_string: str | None = None,
    order_by: Sequence[str] | None = None,
) -> list[Experiment]:
    """Return experiments, newest first unless ordered otherwise. Raises FilterError."""
    return TrackingClient().store.search_experiments(
        view_type=view_type,
        filter_string=filter_string,
        order_by=validation.name_list(order_by, "order_by"),
        max_results=validation.result_limit(max_results),
    )


def delete_experiment(experiment_id: str | int) -> None:
    """Put an experiment and its runs into the trash. Raises ExperimentNotFound."""
    TrackingClient().delete_experiment(str(validation.experiment_id(experiment_id)))


def restore_experiment(experiment_id: str | int) -> None:
    """Take an experiment and all its runs out of the trash. Raises ExperimentNotFound."""
    TrackingClient().restore_experiment(str(validation.experiment_id(experiment_id)))


def set_experiment_tag(key: str, value: Any) -> None:
    """Set one tag of the active experiment, replacing."""
    set_experiment_tags({key: value})


def set_experiment_tags(tags: Mapping[str, Any]) -> None:
    """Set tags of the active experiment, replacing; all or none."""
    client = TrackingClient()
    client.set_experiment_tags(current_experiment_id(client), tags)


def delete_experiment_tag(key: str) -> None:
    """Remove one tag of the active experiment. Raises TagNotFound."""
    client = TrackingClient()
    client.delete_experiment_tag(current_experiment_id(client), key)


# Runs -----------------------------------------------------------------------------------------------
def get_run(run_id: str) -> Run:
    """Return a run, deleted or not. Raises RunNotFound."""
    return TrackingClient().get_run(run_id)


def get_parent_run(run_id: str) -> Run | None:
    """Return the run that this one is nested in, or None. Raises RunNotFound."""
    return TrackingClient().get_parent_run(run_id)


def delete_run(run_id: str) -> None:
    """Put a run into the trash; its data and files stay until `gc`. Raises RunNotFound."""
    TrackingClient().delete_run(run_id)


def restore_run(run_id: str) -> None:
    """Take a run out of the trash. Raises RunNotFound."""
    TrackingClient().restore_run(run_id)


def _target(run_id: str | None) -> tuple[TrackingClient, str]:
    """Return where to write: the run of this id, else the active run, which is started if there is none."""
    if run_id is not None:
        return TrackingClient(), run_id
    run = current_run()
    return run.client, run.run_id


# Values ---------------------------------------------------------------------------------------------
def log_param(key: str, value: Any, synchronous: bool | None = None) -> Any:
    """Record one param of the active run and return the value as given. Raises ParamConflict."""
    client, run_id = _target(None)
    return client.log_param(run_id, key, value, synchronous)


def log_params(
    params: Mapping[str, Any], synchronous: bool | None = None, run_id: str | None = None
) -> RunOperations | None:
    """Record params, all or none. Raises ParamConflict when one was logged with another value."""
    valid = validation.params(validation.mapping(params, "params"))
    client, target = _target(run_id)
    return client.log_batch(target, params=valid, synchronous=synchronous)


def log_metric(
    key: str,
    value: Any,
    step: int | None = None,
    synchronous: bool | None = None,
    timestamp: int | None = None,
    run_id: str | None = None,
    model_id: str | None = None,
    dataset: Any = None,
) -> RunOperations | None:
    """Record one point of a metric; the step defaults to 0, the time (in ms) to now."""
    client, target = _target(run_id)
    return client.log_metric(target, key, value, timestamp, step, synchronous)


def log_metrics(
    metrics: Mapping[str, Any],
    step: int | None = None,
    synchronous: bool | None = None,
    run_id: str | None = None,
    timestamp: int | None = None,
    model_id: str | None = None,
    dataset: Any = None,
) -> RunOperations | None:
    """Record points of several metrics at one step and time, all or none."""
    points = validation.metrics(validation.mapping(metrics, "metrics"), timestamp=timestamp, step=step)
    client, target = _target(run_id)
    client.store.log_batch(validation.run_id(target), metrics=points)
    return operations(synchronous)


def log_batch(
    run_id: str | None = None,
    metrics: Sequence[Metric] | Mapping[str, Any] = (),
    params: Sequence[Param] | Mapping[str, Any] = (),
    tags: Sequence[RunTag] | Mapping[str, Any] = (),
    synchronous: bool | None = None,
) -> RunOperations | None:
    """Record metrics, params and tags of a run, by default the active one, in one transaction."""
    client, target = _target(run_id)
    return client.log_batch(target, metrics, params, tags, synchronous)


def set_tag(key: str, value: Any, synchronous: bool | None = None) -> RunOperations | None:
    """Set one tag of the active run, replacing."""
    client, run_id = _target(None)
    return client.set_tag(run_id, key, value, synchronous)


def set_tags(tags: Mapping[str, Any], synchronous: bool | None = None) -> RunOperations | None:
    """Set tags of the active run, replacing; all or none."""
    valid = validation.tags(validation.mapping(tags, "tags"))
    client, run_id = _target(None)
    return client.log_batch(run_id, tags=valid, synchronous=synchronous)


def delete_tag(key: str) -> None:
    """Remove one tag of the active run. Raises TagNotFound."""
    client, run_id = _target(None)
    client.delete_tag(run_id, key)


def flush_async_logging() -> None:
    """Return at once: every call has recorded its values when it returns."""


# Artifacts ------------------------------------------------------------------------------------------
def log_artifact(local_path: str | Path, artifact_path: str | None = None, run_id: str | None = None) -> None:
    """Copy a file, or a folder under its own name, into the run. Raises ArtifactNotFound."""
    client, target = _target(run_id)
    client.log_artifact(target, local_path, artifact_path)


def log_artifacts(local_dir: str | Path, artifact_path: str | None = None, run_id: str | None = None) -> None:
    """Copy what a folder contains into the run, merging and replacing. Raises ArtifactNotFound."""
    client, target = _target(run_id)
    client.log_artifacts(target, local_dir, artifact_path)


def log_text(text: str, artifact_file: str, run_id: str | None = None, *, shared: bool = False) -> None:
    """Write a text as a UTF-8 file of the run; with `shared` runs with the same text may share the file."""
    client, target = _target(run_id)
    client.log_text(target, text, artifact_file, shared=shared)


def log_dict(dictionary: Any, artifact_file: str, run_id: str | None = None) -> None:
    """Write a dictionary or list as YAML (.yml, .yaml) or JSON (any other name)."""
    client, target = _target(run_id)
    client.log_dict(target, dictionary, artifact_file)


def log_figure(figure: Any, artifact_file: str, *, save_kwargs: dict[str, Any] | None = None) -> None:
    """Save a matplotlib or plotly figure in the format that the file's extension names."""
    client, run_id = _target(None)
    client.log_figure(run_id, figure, artifact_file, save_kwargs=save_kwargs)


def get_artifact_uri(artifact_path: str | None = None) -> str:
    """Return the absolute file: URI of the active run's artifacts, or of one of them."""
    client, run_id = _target(None)
    return client.get_artifact_uri(run_id, artifact_path)


# Searching ------------------------------------------------------------------------------------------
@overload
def search_runs(
    experiment_ids: Sequence[str | int] | None = ...,
    filter_string: str = ...,
    run_view_type: int = ...,
    max_results: int | None = ...,
    order_by: Sequence[str] | None = ...,
    output_format: Literal["pandas"] = ...,
    search_all_experiments: bool = ...,
    experiment_names: Sequence[str] | None = ...,
) -> pd.DataFrame: ...
@overload
def search_runs(
    experiment_ids: Sequence[str | int] | None = ...,
    filter_string: str = ...,
    run_view_type: int = ...,
    max_results: int | None = ...,
    order_by: Sequence[str] | None = ...,
    *,
    output_format: Literal["list"],
    search_all_experiments: bool = ...,
    experiment_names: Sequence[str] | None = ...,
) -> list[Run]: ...
def search_runs(
    experiment_ids: Sequence[str | int] | None = None,
    filter_string: str = "",
    run_view_type: int = ViewType.ACTIVE_ONLY,
    max_results: int | None = 100_000,
    order_by: Sequence[str] | None = None,
    output_format: str = "pandas",
    search_all_experiments: bool = False,
    experiment_names: Sequence[str] | None = None,
) -> pd.DataFrame | list[Run]:
    """Return the runs that match, as a DataFrame with MLflow's columns or as a list of Run.

    Looks in the given experiments, else in the named ones, else in all, else in the active one. The
    filter is MLflow's, and beyond it OR, NOT, parentheses, IN and numbers compared with params.
    Raises FilterError.

    >>> search_runs(filter_string="metrics.rmse < 0.7 and params.alpha <= 0.1")  # doctest: +SKIP
    """
    if output_format not in ("pandas", "list"):
        raise InvalidValue(f"Unsupported output format {output_format!r}. Known: 'pandas', 'list'.")
    client = TrackingClient()
    ids = _scope(client, experiment_ids, experiment_names, search_all_experiments)
    options: dict[str, Any] = {
        "filter_string": filter_string,
        "view_type": run_view_type,
        "order_by": validation.name_list(order_by, "order_by"),
        "max_results": validation.result_limit(max_results),
    }
    if output_format == "list":
        return client.store.search_runs(ids, **options)
    from tracking.store.frame import runs_frame

    return runs_frame(client.store.search_run_columns(ids, **options))


def _scope(client: TrackingClient, ids: object, names: object, everywhere: bool) -> list[str] | None:
    if ids and names:
        raise InvalidValue("search_runs takes experiment_ids or experiment_names: give only one of them.")
    if ids:
        return experiment_id_list(ids)
    if names:
        found = (client.get_experiment_by_name(name) for name in validation.name_list(names, "experiment_names"))
        return [experiment.experiment_id for experiment in found if experiment is not None]
    return None if everywhere else [current_experiment_id(client)]
