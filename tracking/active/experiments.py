"""The experiment in use: the one that was set, else that of the environment, else the default one."""

from __future__ import annotations

import os

from tracking import validation
from tracking.active import shutdown
from tracking.client import TrackingClient
from tracking.entities import Experiment, LifecycleStage
from tracking.errors import ExperimentDeleted, ExperimentNotFound, InvalidValue
from tracking.state import state
from tracking.stores import EXPERIMENT_ID, EXPERIMENT_NAME, export

DEFAULT_EXPERIMENT_ID = "0"


def set_experiment(experiment_name: str | None = None, experiment_id: str | int | None = None) -> Experiment:
    """Make an experiment the active one, by name (created if missing) or by id, and return it.

    Child processes inherit it. Raises ExperimentNotFound for an unknown id, ExperimentDeleted, InvalidValue.
    """
    if (experiment_name is None) == (experiment_id is None):
        raise InvalidValue("set_experiment takes either a name or an experiment_id: give exactly one of them.")
    client = TrackingClient()
    chosen = client.get_or_create_experiment(experiment_name) if experiment_name is not None else str(experiment_id)
    experiment = client.get_experiment(chosen)
    if experiment.lifecycle_stage != LifecycleStage.ACTIVE:
        raise ExperimentDeleted(
            f"Cannot set a deleted experiment {experiment.name!r} as the active experiment. Restore it first: "
            f"restore_experiment({experiment.experiment_id!r})."
        )
    shutdown.install_for_sigterm()
    state.experiment_id = experiment.experiment_id
    export(EXPERIMENT_ID, experiment.experiment_id)
    export(EXPERIMENT_NAME, None)  # it would contradict the id in a child process
    return experiment


def current_experiment_id(client: TrackingClient) -> str:
    """Return the id of the experiment in use. Raises InvalidValue for an environment that contradicts itself."""
    if state.experiment_id is not None:
        return state.experiment_id
    name, number = os.environ.get(EXPERIMENT_NAME), os.environ.get(EXPERIMENT_ID)
    if number:
        _require_known(client, number)
    if not name:
        return number or DEFAULT_EXPERIMENT_ID
    found = client.get_or_create_experiment(name)
    if number and number != found:
        raise InvalidValue(
            f"{EXPERIMENT_NAME}={name!r} is experiment {found}, which does not match {EXPERIMENT_ID}={number!r}. "
            "Unset one of the two variables."
        )
    return found


def _require_known(client: TrackingClient, number: str) -> None:
    try:
        client.get_experiment(number)
    except ExperimentNotFound as problem:
        raise InvalidValue(f"{EXPERIMENT_ID}={number!r} of the environment: {problem}") from problem


def experiments_to_search(client: TrackingClient, ids: object, names: object, everywhere: bool) -> list[str] | None:
    """Return the given experiments, else the named ones, else None for all, else the one in use."""
    if ids and names:
        raise InvalidValue("search_runs takes experiment_ids or experiment_names: give only one of them.")
    if ids:
        return validation.experiment_ids(ids)
    if names:
        found = (client.get_experiment_by_name(name) for name in validation.name_list(names, "experiment_names"))
        return [experiment.experiment_id for experiment in found if experiment is not None]
    return None if everywhere else [current_experiment_id(client)]
