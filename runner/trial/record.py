"""One Spec -> one tracked run. The one room that speaks scikit-learn's results and tracking's verbs."""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import tracking
from runner.errors import PointFailed, StopPoint
from runner.trial.build import build
from runner.trial.evaluate import Fold, evaluate, fit_final, split, summarise
from runner.trial.final_model import find_secret, keep_final
from runner.trial.fitted import describe_fitted
from runner.trial.fitting import limit_threads, read_fitting
from runner.trial.identity import (
    identify,
    identity_tags,
    parameters,
    path_tolerance,
    splits_key,
)
from runner.trial.memory import on_reset
from runner.trial.outcome import Outcome, outcome_of
from runner.trial.portable import PACKAGE, portable
from runner.trial.predictions import pack
from runner.trial.runlog import RunLog, encodable, with_key
from runner.trial.session import Session, dataset_of, experiment_id, sharing_of
from runner.trial.spec import Spec
from runner.trial.threads import limited_threads
from runner.trial.writer import RunWriter, first_tags
from tracking.records.identity import write_identity
from tracking.records.names import (
    ERROR,
    IDENTITY_FILE,
    LOG_FILE,
    PATH_TOLERANCE,
    SHARED,
    TRACEBACK_FILE,
    WARNINGS,
    WARNINGS_COUNT,
)

LONGEST_WARNING = 200  # characters of a warning that the end of a sweep shows
FLUSH_SECONDS = 0.5  # what a point leaves is written together unless it takes this long

_took: dict[tuple[str, str], float] = {}  # store and experiment -> seconds of the last point here
on_reset(_took.clear)


def record(
    spec: Spec,
    session: Session,
    *,
    attempt: int = 1,
    on_start: Callable[[str], None] = lambda run_id: None,
    before_recording: Callable[[], None] = lambda: None,
    seeds: bool = True,
) -> Outcome:
    """Run a point and record it; whatever its estimator raises becomes a FAILED run, never an exception.

    `on_start` is told the run's id. `before_recording` is called before what a fold or the final fit gave is
    recorded, and ends the point by what it raises. Without `seeds` the global random generators are left alone.
    Raises StopPoint, with the run ended as KILLED, and StoreError, after which no other point could be recorded.
    """
    start = time.perf_counter()
    _choose_store(session)
    run_id = ""
    try:
        with tracking.start_run(
            experiment_id=experiment_id(session.store, spec.experiment),
            run_name=spec.name,
            nested=True,
            tags=first_tags(spec, session, attempt),
            params=parameters(spec.recorded),
        ) as run:
            run_id = run.info.run_id
            on_start(run_id)
            writer = RunWriter(tracking.TrackingClient(session.store), run_id)
            writer.log_request(spec, session)
            log = RunLog()
            folds: list[Fold] = []
            error: BaseException | None = None
            try:
                with log.capturing(), limited_threads(session.threads):
                    _work(spec, session, writer, folds, log, before_recording, seeds=seeds)
            except (StopPoint, tracking.StoreError) as problem:
                if isinstance(problem, StopPoint):
                    writer.flush()
                raise
            except BaseException as caught:  # sys.exit() and KeyboardInterrupt too: they end only their point
                error = caught
            _choose_store(session)
            outcome = _finish(writer, spec, folds, log, error, time.perf_counter() - start)
            _took[session.store, spec.experiment] = outcome.seconds
            return replace(outcome, notes=tuple(sharing.notes)) if (sharing := sharing_of(session)) else outcome
    except tracking.StoreError:
        raise
    except tracking.TrackingError as problem:  # its estimator deleted its run, say
        if problem.error_code == "RESOURCE_DOES_NOT_EXIST":
            raise tracking.StoreError(f"{session.store} was removed while points were recorded there.") from problem
        if not run_id:
            raise
        seconds = time.perf_counter() - start
        error_text = spec.without_secrets(_describe(problem))
        return replace(outcome_of(spec, run_id, "FAILED", seconds=seconds), error=error_text)


def record_death(
    task: Spec,
    session: Session,
    reason: str,
    *,
    run_id: str | None,
    status: str = "FAILED",
    attempt: int = 1,
    seconds: float = 0.0,
) -> Outcome:
    """End the run of a point whose process is gone, with the reason; a point without a run gets one."""
    client = tracking.TrackingClient(session.store)
    if run_id is None:
        run = client.create_run(
            experiment_id(session.store, task.experiment),
            run_name=task.name,
            tags=first_tags(task, session, attempt),
            params=parameters(task.recorded),
        )
        run_id = run.info.run_id
    client.log_text(run_id, reason + "\n", TRACEBACK_FILE)
    client.log_batch(run_id, tags={ERROR: reason}, status=status)
    return replace(outcome_of(task, run_id, status, seconds=seconds), error=reason)


def record_interrupt(spec: Spec, session: Session, run_id: str) -> Outcome:
    """Return how the run of an interrupted point ended: KILLED, unless it had come to its end just before."""
    client = tracking.TrackingClient(session.store)
    info = client.get_run(run_id).info
    seconds = ((info.end_time or info.start_time) - info.start_time) / 1000
    outcome = outcome_of(spec, run_id, info.status, seconds=seconds)
    if outcome.ok:
        return outcome
    client.set_tag(run_id, ERROR, "interrupted")  # KILLED without a word is a process that died
    return replace(outcome, error="interrupted")


# -----------------------------------------------------------------------------------------------
def _choose_store(session: Session) -> None:
    """Choose the session's store: this may be a new worker, or an estimator has chosen another."""
    if tracking.get_tracking_uri() != session.store:
        tracking.set_tracking_uri(session.store)


def _work(
    spec: Spec,
    session: Session,
    writer: RunWriter,
    folds: list[Fold],
    log: RunLog,
    before_recording: Callable[[], None],
    *,
    seeds: bool,
) -> None:
    """Fit and score every fold, record them, and keep the final model."""
    parts = build(spec.config, validate=not session.checked)
    data = dataset_of(spec, session)
    splits = split(data, parts.splitter, key=splits_key(spec.config))
    made_of = identify(spec, parts, data, session.packages, path=session.path)
    if (whole := write_identity(made_of)[1]) is not None:
        writer.log_text(whole, IDENTITY_FILE)
    writer.add(tags=identity_tags(made_of, spec, data, splits.test_train_ratio))
    if "computed" in made_of:
        writer.add(tags={PATH_TOLERANCE: repr(path_tolerance(spec, parts, data))})
    if _took.get((session.store, spec.experiment), FLUSH_SECONDS) >= FLUSH_SECONDS:
        writer.flush()  # it may take long, and its process may die of it
    log.write(f"{data.name}: {data.shape}, {len(splits.rows)} folds, seed {spec.config['seed']}")
    flushed = time.perf_counter()
    seed = spec.config["seed"] if seeds else None
    keep = spec.config.get("keep_predictions", "auto") is not False
    sharing = sharing_of(session)
    limit_threads(parts.estimator, session.threads)
    fitting = read_fitting(spec.config, parts.estimator, parts.splitter, classes=parts.is_classifier)
    scored = partial(evaluate, parts.estimator, data, splits, parts.scorers, sharing=sharing, fitting=fitting)
    for fold in scored(seed=seed, keep_predictions=keep):
        before_recording()
        folds.append(fold)
        writer.add_folds([fold])
        log.write(f"fold {fold.number}: " + " ".join(f"{k}={v:.6g}" for k, v in fold.scores.items()))
        if time.perf_counter() - flushed > FLUSH_SECONDS:
            writer.flush()
            flushed = time.perf_counter()
    writer.add_folds([], summarise(folds))
    writer.add(blobs=pack(folds, data, splits, is_classifier=parts.is_classifier) if keep else {})
    if time.perf_counter() - flushed > FLUSH_SECONDS:
        writer.flush()
    _refuse_nan(spec, folds)
    if spec.config.get("refit", True):
        start = time.perf_counter()
        model = fit_final(parts.estimator, data, splits, sharing=sharing, fitting=fitting)
        log.write(f"final fit on all rows: {time.perf_counter() - start:.3g} s")
        before_recording()
        if spec.config.get("keep_importances", True):
            writer.add(blobs=describe_fitted(model, data))
        kept = portable(model) if _uses_this_package(made_of) else model
        if shown := find_secret(kept, spec):
            log.write(f"the model is not recorded: it holds what {shown} is")
        else:
            _choose_store(session)
            needs = made_of["environment"]
            writer.add(tags=keep_final(writer.run_id, kept, spec, data, needs=needs, packages=session.packages))


def _uses_this_package(made_of: Mapping[str, Any]) -> bool:
    targets = (value for key, value in made_of["config"].items() if key.endswith("_target_"))
    return any(str(target).startswith(f"{PACKAGE}.") for target in targets)


def _refuse_nan(spec: Spec, folds: list[Fold]) -> None:
    metric = spec.config["scoring"]["objective"]["metric"]
    for fold in folds:
        if not math.isfinite(fold.scores[metric]):
            raise PointFailed(
                f"{metric} is {fold.scores[metric]} in fold {fold.number}: the fit did not give usable predictions."
            )


def _finish(
    writer: RunWriter,
    spec: Spec,
    folds: list[Fold],
    log: RunLog,
    error: BaseException | None,
    seconds: float,
) -> Outcome:
    tags = {SHARED: shared} if (shared := next((fold.shared for fold in folds if fold.shared), "")) else {}
    if notes := log.warnings():
        notes = [spec.without_secrets(with_key(note, spec.recorded)) for note in notes]
        tags |= {WARNINGS: "\n".join(notes), WARNINGS_COUNT: str(len(notes))}
        for note in notes:
            log.write(note)
    message = None
    if error is not None:
        message = spec.without_secrets(_describe(error))
        tags[ERROR] = message[:1000]
        trace = encodable("".join(traceback.format_exception(error)))
        writer.log_text(spec.without_secrets(trace), TRACEBACK_FILE)
        log.write(message)
    writer.log_text(spec.without_secrets(log.text()), LOG_FILE)
    writer.add(tags=tags)
    status = "FINISHED" if error is None else "FAILED"
    writer.end(status)
    return replace(
        outcome_of(spec, writer.run_id, status, seconds=seconds),
        metrics=summarise(folds) if folds and error is None else {},
        error=message,
        warning=notes[0][:LONGEST_WARNING] if notes else None,
    )


def _describe(error: BaseException) -> str:
    """Return an exception in one line, whatever its text is and even if it has none."""
    kind = "SystemExit" if isinstance(error, SystemExit) else type(error).__name__
    try:
        text = str(error)
    except Exception as broken:
        text = f"its text cannot be had, {type(broken).__name__} in __str__"
    return encodable(": ".join([kind, *filter(None, [" ".join(text.split())])]))
