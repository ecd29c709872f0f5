"""MLflow's fluent functions: short ways to the client, for the active run and the active experiment.

Owns no logic: what is allowed is said by the client, what is active by `active`, what a URI means by `stores`. Each
function also raises what TrackingClient says of all its methods.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from tracking import registry, stores, validation
from tracking.active import shutdown
from tracking.active.experiments import current_experiment_id, experiments_to_search
from tracking.active.lifecycle import current_run
from tracking.client import RunOperations, TrackingClient
from tracking.entities import Experiment, Metric, ModelVersion, Param, RegisteredModel, Run, RunTag, ViewType

if TYPE_CHECKING:
    import pandas as pd

    from tracking.data.dataset import Dataset


# The store ------------------------------------------------------------------------------------------
def set_tracking_uri(uri: str | os.PathLike[str] | None) -> None:
    """Choose the store for what follows; None goes back to the environment or the default.

    Exported to child processes. Runs that are active stay in the store they were started in. Raises InvalidValue
    for what is neither text nor a path; a URI that names no store is refused when it is used.
    """
    stores.set_uri(uri)
    shutdown.install_for_sigterm()


def get_tracking_uri() -> str:
    """Return the URI of the store in use."""
    return stores.current_uri()


def is_tracking_uri_set() -> bool:
    """Tell whether a store was chosen, here or by the environment."""
    return stores.is_uri_set()


# Experiments ----------------------------------------------------------------------------------------
def create_experiment(
    name: str, artifact_location: str | Path | None = None, tags: Mapping[str, Any] | None = None
) -> str:
    """Create an experiment without activating it and return its id. Raises AlreadyExists."""
    return TrackingClient().create_experiment(name, artifact_location, tags)


def get_experiment(experiment_id: str | int) -> Experiment:
    """Return an experiment, deleted or not. Raises ExperimentNotFound."""
    return TrackingClient().get_experiment(experiment_id)


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
    return TrackingClient().find_experiments(view_type, max_results, filter_string, order_by)


def delete_experiment(experiment_id: str | int) -> None:
    """Put an experiment and its runs into the trash. Raises ExperimentNotFound."""
    TrackingClient().delete_experiment(experiment_id)


def restore_experiment(experiment_id: str | int) -> None:
    """Take an experiment and all its runs out of the trash. Raises ExperimentNotFound."""
    TrackingClient().restore_experiment(experiment_id)


def set_experiment_tag(key: str, value: Any) -> None:
    """Set one tag of the active experiment, replacing. Raises ExperimentDeleted."""
    set_experiment_tags({key: value})


def set_experiment_tags(tags: Mapping[str, Any]) -> None:
    """Set tags of the active experiment, replacing; all or none. Raises ExperimentDeleted."""
    client = TrackingClient()
    client.set_experiment_tags(current_experiment_id(client), tags)


def delete_experiment_tag(key: str) -> None:
    """Remove one tag of the active experiment. Raises TagNotFound."""
    client = TrackingClient()
    client.delete_experiment_tag(current_experiment_id(client), key)


# Runs -----------------------------------------------------------------------------------------------
def get_run(run_id: str) -> Run:
    """Return a run, deleted or not: by its id, or by what the command line takes: best:ridge, latest, a name.

    Raises RunNotFound, RunAmbiguous, ExperimentNotFound.
    """
    return TrackingClient().find_run(run_id)


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
    client, target = _target(run_id)
    return client.log_params(target, params, synchronous)


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
    client, target = _target(run_id)
    return client.log_metrics(target, metrics, step, timestamp, synchronous)


def log_batch(
    run_id: str | None = None,
    metrics: Sequence[Metric] | Mapping[str, Any] = (),
    params: Sequence[Param] | Mapping[str, Any] = (),
    tags: Sequence[RunTag] | Mapping[str, Any] = (),
    synchronous: bool | None = None,
    *,
    blobs: Mapping[str, bytes] | None = None,
) -> RunOperations | None:
    """Record metrics, params, tags and blobs of a run, by default the active one, in one transaction."""
    client, target = _target(run_id)
    return client.log_batch(target, metrics, params, tags, synchronous, blobs=blobs)


def set_tag(key: str, value: Any, synchronous: bool | None = None) -> RunOperations | None:
    """Set one tag of the active run, replacing."""
    client, run_id = _target(None)
    return client.set_tag(run_id, key, value, synchronous)


def set_tags(tags: Mapping[str, Any], synchronous: bool | None = None) -> RunOperations | None:
    """Set tags of the active run, replacing; all or none."""
    client, run_id = _target(None)
    return client.set_tags(run_id, tags, synchronous)


def delete_tag(key: str) -> None:
    """Remove one tag of the active run. Raises TagNotFound."""
    client, run_id = _target(None)
    client.delete_tag(run_id, key)


def log_input(
    dataset: Dataset | None = None, context: str | None = None, tags: Mapping[str, str] | None = None, model: Any = None
) -> None:
    """Record that the active run was given a data set of `tracking.data`, and what for: "training", "testing", ...

    One of the same name and digest is replaced. Raises InvalidType for what is no data set.
    """
    log_inputs([dataset], [context], [tags], None if model is None else [model])


def log_inputs(
    datasets: Sequence[Dataset | None] | None = None,
    contexts: Sequence[str | None] | None = None,
    tags_list: Sequence[Mapping[str, str] | None] | None = None,
    models: Sequence[Any] | None = None,
) -> None:
    """Record several data sets of the active run; `contexts` and `tags_list` are as long as `datasets`, or None.

    Raises InvalidType for what is no data set, InvalidValue for lists of different lengths.
    """
    given = [dataset for dataset in datasets or () if dataset is not None]
    client, run_id = _target(None)
    from tracking.data.dataset import as_inputs  # when it is called, as most programs never do

    client.log_inputs(run_id, as_inputs(given, contexts, tags_list), models)


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
    client, wanted = TrackingClient(), validation.output_format(output_format)
    ids = experiments_to_search(client, experiment_ids, experiment_names, search_all_experiments)
    find = client.find_runs if wanted == "list" else client.find_runs_frame
    return find(ids, filter_string, run_view_type, max_results, order_by)


# Models ---------------------------------------------------------------------------------------------
def register_model(
    model_uri: str, name: str, await_registration_for: int | None = None, *, tags: Mapping[str, Any] | None = None
) -> ModelVersion:
    """Add a version of a registered model, `runs:/<run id>/<path>`; a new name is registered.

    Raises RunNotFound, InvalidValue for another address or a name that may not be.
    """
    return registry.register(TrackingClient(), model_uri, name, tags)


def set_model_version_tag(
    name: str, version: str | int | None = None, key: str | None = None, value: Any = None
) -> None:
    """Set one tag of a version of a registered model. Raises ModelNotFound."""
    TrackingClient().set_model_version_tag(name, version or "", key or "", value)


def search_registered_models(filter_string: str | None = None) -> list[RegisteredModel]:
    """Return the registered models by name; the filter is `name = '...'` or `name LIKE '...'`."""
    return TrackingClient().search_registered_models(filter_string)


def search_model_versions(filter_string: str | None = None) -> list[ModelVersion]:
    """Return versions of registered models, newest first; the filter is `name = '...'` or `name LIKE '...'`."""
    return TrackingClient().search_model_versions(filter_string)
