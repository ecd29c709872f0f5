"""Starting, resuming, nesting and ending runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from tracking import context, validation
from tracking.active import shutdown
from tracking.active.experiments import current_experiment_id
from tracking.active.runs import OpenRun, innermost, push, remove, stack
from tracking.client import TrackingClient
from tracking.entities import LifecycleStage, Run
from tracking.errors import InvalidValue, RunConflict, RunDeleted
from tracking.records.names import NOTE, PARENT_RUN_ID, RUN_NAME
from tracking.state import state


class ActiveRun(Run):
    """A run as it was when it started; as a context manager it ends the run, truthfully."""

    __slots__ = ()

    def __enter__(self) -> ActiveRun:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # By the id: the block also ends what its body ended and resumed.
        _end_block(self.info.run_id, shutdown.status_of(error))


def start_run(
    run_id: str | None = None,
    experiment_id: str | int | None = None,
    run_name: str | None = None,
    nested: bool = False,
    parent_run_id: str | None = None,
    tags: Mapping[str, Any] | None = None,
    description: str | None = None,
    log_system_metrics: bool | None = None,
    *,
    params: Mapping[str, Any] | None = None,
) -> ActiveRun:
    """Start a run, or resume the one of `run_id`, and make it the active run of this thread or asyncio task.

    Use it in a `with` statement, which ends the run, or call `end_run`. `nested` allows an active run to
    be the parent; `parent_run_id` names one without activating it. `params` are recorded at once.
    `log_system_metrics` is accepted for MLflow's sake. A new thread starts without an active run, a new task
    with that of the code which made it.

    Raises RunConflict when a run is active already, RunNotFound and RunDeleted for a run to resume or a parent,
    ExperimentNotFound, ExperimentDeleted, and InvalidValue or InvalidType for names and tags that may not be.

    >>> with start_run(run_name="baseline", tags={"stage": "try"}):  # doctest: +SKIP
    ...     log_metric("rmse", 0.7)
    """
    open_runs = stack()
    if open_runs and not nested:
        raise RunConflict(
            f"Run with UUID {open_runs[0].run_id} is already active. To start a new run, first end the current run "
            "with end_run(). To start a nested run, call start_run with nested=True."
        )
    shutdown.install()
    client = TrackingClient()
    tags = _described(tags, run_name, description)
    if existing := run_id or os.environ.pop("MLFLOW_RUN_ID", None):
        run = _resume(client, existing, run_name, tags, params)
    else:
        run = _create(client, experiment_id, run_name, parent_run_id, tags, params)
    active = ActiveRun(run.info, run.data)
    push(active, client)
    return active


def _described(tags: Mapping[str, Any] | None, run_name: str | None, description: str | None) -> dict[str, Any]:
    given = dict(validation.mapping(tags, "tags")) if tags else {}
    if run_name:  # it beats the tag
        given.pop(RUN_NAME, None)
    if description:
        if NOTE in given:
            raise InvalidValue(
                f"Description is given twice: as description={validation.shorten(description)} and as the tag "
                f"{NOTE!r}. Leave out one of them."
            )
        given[NOTE] = description
    return given


def _create(
    client: TrackingClient,
    experiment_id: str | int | None,
    run_name: str | None,
    parent_run_id: str | None,
    tags: dict[str, Any],
    params: Mapping[str, Any] | None,
) -> Run:
    parent = _parent(client, parent_run_id)
    parents = {} if parent is None else {PARENT_RUN_ID: parent}
    chosen = current_experiment_id(client) if experiment_id is None else experiment_id
    system = context.system_tags()
    return client.create_run(chosen, tags={**system, **parents, **tags}, run_name=run_name, params=params)


def _parent(client: TrackingClient, parent_run_id: str | None) -> str | None:
    active = innermost()
    if parent_run_id is None:
        # A parent in another store could not be followed from there.
        return active.run_id if active is not None and active.client.shares_store(client) else None
    validation.run_id(parent_run_id)
    if active is not None and active.run_id != parent_run_id:
        raise RunConflict(
            f"The innermost active run {active.run_id} does not match parent_run_id {parent_run_id}. "
            "End it first, or leave parent_run_id out."
        )
    _refuse_deleted(client.get_run(parent_run_id), "be a parent")
    return parent_run_id


def _resume(
    client: TrackingClient,
    run_id: str,
    run_name: str | None,
    tags: dict[str, Any],
    params: Mapping[str, Any] | None,
) -> Run:
    run = client.get_run(run_id)
    _refuse_deleted(run, "be resumed")
    if state.experiment_id not in (None, run.info.experiment_id):
        raise RunConflict(
            f"Run {run_id} belongs to experiment {run.info.experiment_id}; the active experiment ID does not match: "
            f"{state.experiment_id}. Call set_experiment(experiment_id={run.info.experiment_id!r}) first."
        )
    if params:
        client.log_batch(run_id, params=params)
    return client.resume_run(run_id, run_name, tags)


def _refuse_deleted(run: Run, purpose: str) -> None:
    if run.info.lifecycle_stage != LifecycleStage.ACTIVE:
        raise RunDeleted(
            f"Run {run.info.run_id} is in the deleted state and cannot {purpose}. Restore it first: restore_run.",
            error_code="INTERNAL_ERROR",
        )


def end_run(
    status: str | None = "FINISHED", *, run_id: str | None = None, record: Mapping[str, Any] | None = None
) -> None:
    """End the innermost active run of this thread or task; without one, do nothing.

    With `run_id` end that run, which need not be active any more, and what was left open inside it; what there is to
    `record` of it, by the keywords of `TrackingClient.log_batch`, is recorded in the same transaction.
    Raises InvalidValue for a status that is none, and leaves the run open; RunDeleted for a run in the trash.
    """
    valid = validation.run_status(status)
    if run_id is None:
        if run := innermost():
            shutdown.end(run, valid)
    elif not _end_block(run_id, valid, record):
        TrackingClient().log_batch(run_id, **(record or {}), status=valid)


def _end_block(run_id: str, status: str, record: Mapping[str, Any] | None = None) -> bool:
    """End an open run, what was left open inside it first; tell whether it was open."""
    here = stack()
    place = next((i for i, run in enumerate(here) if run.run_id == run_id), len(here))
    block = here[place:] or [run for run in state.open_runs.values() if run.run_id == run_id]
    for run in reversed(block):
        shutdown.end(run, status, record if run.run_id == run_id else None)
    return bool(block)


def release_run(run_id: str) -> None:
    """Forget that a run is active, in whichever thread it is, without ending it: its thread hangs, or others end it."""
    for run in list(state.open_runs.values()):
        if run.run_id == run_id:
            remove(run)


def active_run() -> ActiveRun | None:
    """Return the innermost active run of this thread or task, the object that `start_run` returned."""
    run = innermost()
    return None if run is None else run.run  # type: ignore[return-value]  # only ActiveRuns are pushed


def last_active_run() -> Run | None:
    """Return the active run, else the one that this thread, in whichever task, ended last, read anew.

    Raises RunNotFound if it was removed for good meanwhile.
    """
    ended = state.ended.run
    if run := active_run():
        return run
    return None if ended is None else ended[0].get_run(ended[1])


def current_run() -> OpenRun:
    """Return the innermost open run of this thread or task, starting one if there is none."""
    if (run := innermost()) is None:
        start_run()
        run = innermost()
        assert run is not None
    return run
