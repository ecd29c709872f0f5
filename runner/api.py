"""The runner from Python, a notebook or a test: the same flow as the command line, quiet, returning runs.

Nothing of the caller's is changed for good: the store in use, the active experiment, an active run and an
initialised Hydra are as before afterwards.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from typing import TYPE_CHECKING, Any

import tracking
from runner.errors import ConfigError, Interrupted, PointFailed, RunnerError
from runner.provenance import capture
from runner.report.commands import tracking_command
from tracking.pages.notebook import Runs
from tracking.records.overrides import Override
from tracking.records.secrets import redact, redact_override

if TYPE_CHECKING:
    from runner.flow import Result
    from runner.reproducing.reproduction import Reproduction


def run(
    overrides: Sequence[str] = (),
    *,
    data: Any = None,
    target: str | Sequence[str] | None = None,
    model: Any = None,
    store: str | None = None,
    config_dir: str | PathLike[str] | None = None,
) -> tracking.Run:
    """Run one point and return its run. See `runner.run`."""
    with _everything_kept(store):
        result = _execute(_with_objects(overrides, data, target, model), sweeps=False, config_dir=config_dir)
        if result.results.failures:
            failure = result.results.failures[0]
            raise PointFailed(
                f"Run {failure.run_id} ({failure.name}) failed: {failure.error}."
                f" See: {tracking_command('show', failure.run_id[:8], store=result.store)}"
            )
        (recorded,) = _runs(result)
        return recorded


def sweep(
    overrides: Sequence[str] = (),
    *,
    data: Any = None,
    target: str | Sequence[str] | None = None,
    model: Any = None,
    store: str | None = None,
    config_dir: str | PathLike[str] | None = None,
) -> Runs:
    """Run every point of a sweep and return their runs, in the order of the points. See `runner.sweep`."""
    with _everything_kept(store):
        return _runs(_execute(_with_objects(overrides, data, target, model), sweeps=True, config_dir=config_dir))


def reproduce(
    recorded: str | tracking.Run,
    *,
    store: str | None = None,
    tolerance: float = 0.0,
    threads: int | None = None,
    data: str | PathLike[str] | None = None,
) -> Reproduction:
    """Run a recorded run again and compare. See `runner.reproduce`."""
    from runner.reproducing.running import Options, reproduce_run
    from runner.trial.recorded import find_recorded

    reference = recorded.info.run_id if isinstance(recorded, tracking.Run) else recorded
    with _everything_kept(store):
        client = tracking.TrackingClient(tracking.get_tracking_uri())
        options = Options(tolerance, threads, None if data is None else str(data))
        return reproduce_run(client, find_recorded(client, reference), options)


def _with_objects(overrides: Sequence[str], data: Any, target: str | Sequence[str] | None, model: Any) -> Sequence[str]:
    """Return the overrides with those in front that stand for objects of the program: a frame, an estimator."""
    overrides = _with_frame(overrides, data, target)
    if model is None or isinstance(overrides, str):
        return overrides
    from runner.trial.written import write_estimator

    return ["~model", Override.of("++model", write_estimator(model)).text, *overrides]


def _with_frame(overrides: Sequence[str], data: Any, target: str | Sequence[str] | None) -> Sequence[str]:
    """Return the overrides with those that choose a frame given from Python, and its target, in front."""
    if data is None and target is None:
        return overrides
    if data is None:
        raise ConfigError(f"target={target!r} is the target of a frame: give data=frame too, or write data.target=...")
    if not (hasattr(data, "iloc") and hasattr(data, "columns")):
        raise ConfigError(f"data={type(data).__name__}: give a pandas frame, with its target: target='COLUMN'.")
    if isinstance(overrides, str):  # which is explained where overrides are read
        return overrides
    from runner.data.sources import register_frame

    given = ["data=frame", Override.of("data.frame", register_frame(data)).text]
    if target is not None:
        value = target if isinstance(target, str) else list(target)
        given.append(Override.of("data.target", value).text)
    return [*given, *overrides]


def _execute(overrides: Sequence[str], *, sweeps: bool, config_dir: str | PathLike[str] | None) -> Result:
    from runner.compose.calls import check_folder, read_call
    from runner.compose.composer import Composer
    from runner.compose.session import session
    from runner.flow import execute
    from runner.invocation import Invocation

    name = "runner.sweep" if sweeps else "runner.run"
    call = read_call(overrides, name)
    command = f"{name}({[redact_override(str(text)) for text in overrides]})"
    invocation = Invocation(
        call.overrides, command, sweeps, points_per_interval=call.points, quiet=True, keep_runs=True
    )
    with session(*check_folder(config_dir)) as own:
        try:
            result = execute(invocation, Composer(hydra_overrides=own))
        except RunnerError as error:  # the password in a URL is in no message, as on the command line
            error.args = tuple(redact(str(text)) for text in error.args)
            raise
    if result.interrupted:
        see = tracking_command("runs", store=result.store)
        raise Interrupted(f"Interrupted; what had finished is recorded. See: {see}")
    return result


def _runs(result: Result) -> Runs:
    ids = result.results.run_ids
    if not ids and result.elsewhere:
        raise RunnerError("Nothing was run: another process is running these points. Call again when it has ended.")
    if not ids:
        raise ConfigError("Nothing was run: dry_run=true and diff=RUN only show what would be. Use the command line.")
    client = tracking.TrackingClient(result.store)
    return Runs(client.get_run(run_id) for run_id in ids)


@contextmanager
def _everything_kept(store: str | None) -> Iterator[None]:
    """Use a store inside the block; give back the caller's store and experiment after it.

    One call at a time: the store in use, Hydra, and what Python does with warnings are one for all threads.
    """
    with _one_at_a_time, tracking.use_store(store):
        capture.forget()  # in a notebook, files change while the process lives
        yield


_one_at_a_time = threading.RLock()
