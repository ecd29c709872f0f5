"""Starting, resuming, nesting and ending runs: the stack of active runs of each thread."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from tracking import context, validation
from tracking.active import shutdown as endings
from tracking.active.state import OpenRun, pop, push, state
from tracking.client import TrackingClient
from tracking.entities import LifecycleStage, Run, RunStatus
from tracking.errors import ExperimentNotFound, InvalidValue, RunConflict, RunDeleted
from tracking.records.names import NOTE, PARENT_RUN_ID, RUN_NAME
from tracking.store.owner import current_owner
from tracking.stores import EXPERIMENT_ID, EXPERIMENT_NAME, choice

DEFAULT_EXPERIMENT_ID = "0"


class ActiveRun(Run):
    """A run as it was when it started; as a context manager it ends the run, truthfully."""

    __slots__ = ()

    def __enter__(self) -> ActiveRun:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stack = _stack_of(self)
        status = endings.status_of(error)
        while stack and stack[-1].run is not self:  # children that were left open end first
            endings.end(pop(stack), status)
        if stack:
            endings.end(pop(stack), status)


def _stack_of(run: ActiveRun) -> list[OpenRun]:
    for stack in (state.thread.stack, *list(state.stacks.values())):
        if any(open_run.run is run for open_run in stack):
            return stack
    return []


def start_run(
    run_id: str | None = None,
    experiment_id: str | int | None = None,
    run_name: str | None = None,
    nested: bool = False,
    parent_run_id: str | None = None,
    tags: Mapping[str, Any] | None = None,
    description: str | None = None,
    log_system_metrics: bool | None = None,
) -> ActiveRun:
    """Start a run, or resume the one of `run_id`, and make it the active run of this thread.

    Use it in a `with` statement, which ends the run, or call `end_run`. `nested` allows an active run to
    be the parent; `parent_run_id` names one without activating it. `log_system_metrics` is accepted for
    MLflow's sake. Raises RunConflict when a run is active already.

    >>> with start_run(run_name="baseline", tags={"stage": "try"}):  # doctest: +SKIP
    ...     log_metric("rmse", 0.7)
    """
    stack = state.thread.stack
    if stack and not nested:
        raise RunConflict(
            f"Run with UUID {stack[0].run_id} is already active. To start a new run, first end the "
            "current run with "
            "end_run(). To start a nested run, call start_run with nested=True."
        )
    endings.install()
    client = TrackingClient()
    tags = _described(tags, description)
    if existing := run_id or os.environ.pop("MLFLOW_RUN_ID", None):
        run = _resume(client, existing, run_name, tags)
    else:
        run = _create(client, experiment_id, run_name, parent_run_id, tags)
    active = ActiveRun(run.info, run.data)
    push(OpenRun(active, client, run.info.run_id))
    return active


def _described(tags: Mapping[str, Any] | None, description: str | None) -> dict[str, str]:
    valid = validation.tags(tags) if tags else {}
    if description:
        if NOTE in valid:
            raise InvalidValue(
                f"Description is given twice: as description={validation.shorten(description)} and as "
                "the tag "
                f"{NOTE!r}. Leave out one of them."
            )
        valid[NOTE] = validation.tag_value(NOTE, description)
    return valid


def _create(
    client: TrackingClient,
    experiment_id: str | int | None,
    run_name: str | None,
    parent_run_id: str | None,
    tags: dict[str, str],
) -> Run:
    parent = _parent(client, parent_run_id)
    recorded = context.system_tags()
    if parent is not None:
        recorded[PARENT_RUN_ID] = parent
    recorded.update(tags)
    return client.create_run(
        current_experiment_id(client) if experiment_id is None else str(validation.experiment_id(experiment_id)),
        tags=recorded,
        run_name=run_name,
    )


def _parent(client: TrackingClient, parent_run_id: str | None) -> str | None:
    stack = state.thread.stack
    innermost = stack[-1] if stack else None
    if parent_run_id is None:
        # A parent in another store could not be followed from there.
        return innermost.run_id if innermost is not None and innermost.client.store is client.store else None
    validation.run_id(parent_run_id)
    if innermost is not None and innermost.run_id != parent_run_id:
        raise RunConflict(
            f"The innermost active run {innermost.run_id} does not match parent_run_id {parent_run_id}. "
            "End it first, or leave parent_run_id out."
        )
    _refuse_deleted(client.get_run(parent_run_id), "be a parent")
    return parent_run_id


def _resume(client: TrackingClient, run_id: str, run_name: str | None, tags: dict[str, str]) -> Run:
    info = client.get_run(run_id).info
    _refuse_deleted(client.get_run(run_id), "be resumed")
    if choice.experiment_id not in (None, info.experiment_id):
        raise RunConflict(
            f"Run {run_id} belongs to experiment {info.experiment_id}; the active experiment ID does not "
            "match: "
            f"{choice.experiment_id}. Call set_experiment(experiment_id={info.experiment_id!r}) first."
        )
    if run_name:
        tags[RUN_NAME] = str(validation.run_name(run_name))
    name = tags.get(RUN_NAME)
    client.store.update_run(run_id, status=RunStatus.RUNNING, owner=current_owner(), run_name=name, tags=tags)
    return client.get_run(run_id)


def _refuse_deleted(run: Run, purpose: str) -> None:
    if run.info.lifecycle_stage != LifecycleStage.ACTIVE:
        raise RunDeleted(
            f"Run {run.info.run_id} is in the deleted state and cannot {purpose}. Restore it first: restore_run.",
            error_code="INTERNAL_ERROR",
        )


def end_run(status: str | None = "FINISHED") -> None:
    """End the innermost active run of this thread; without one, do nothing."""
    stack = state.thread.stack
    if stack:
        valid = validation.run_status(status)
        endings.end(pop(stack), valid)


def active_run() -> ActiveRun | None:
    """Return the innermost active run of this thread, the object that `start_run` returned."""
    stack = state.thread.stack
    return stack[-1].run if stack else None  # type: ignore[return-value]  # only ActiveRuns are pushed


def last_active_run() -> Run | None:
    """Return the active run, else the one that this thread ended last, read anew."""
    ended = state.thread.ended
    if run := active_run():
        return run
    return None if ended is None else ended[0].get_run(ended[1])


def current_run() -> OpenRun:
    """Return the innermost open run of this thread, starting one if there is none."""
    stack = state.thread.stack
    if not stack:
        start_run()
    return stack[-1]


def current_experiment_id(client: TrackingClient) -> str:
    """Return the experiment that was set, else that of the environment, else the default one."""
    if choice.experiment_id is not None:
        return choice.experiment_id
    name, number = os.environ.get(EXPERIMENT_NAME), os.environ.get(EXPERIMENT_ID)
    if number:
        _require_known(client, number)
    if not name:
        return number or DEFAULT_EXPERIMENT_ID
    found = experiment_named(client, name)
    if number and number != found:
        raise InvalidValue(
            f"{EXPERIMENT_NAME}={name!r} is experiment {found}, which does not match "
            f"{EXPERIMENT_ID}={number!r}. "
            "Unset one of the two variables."
        )
    return found


def _require_known(client: TrackingClient, number: str) -> None:
    try:
        client.get_experiment(number)
    except ExperimentNotFound as problem:
        raise InvalidValue(f"{EXPERIMENT_ID}={number!r} of the environment: {problem}") from problem


def experiment_named(client: TrackingClient, name: str) -> str:
    """Return the id of the experiment of this name, creating it if needed, also when others do at once."""
    from tracking.errors import AlreadyExists

    found = client.get_experiment_by_name(validation.experiment_name(name))
    if found is not None:
        return found.experiment_id
    try:
        return client.create_experiment(name)
    except AlreadyExists:
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return found.experiment_id
