"""Runs recorded runs again, one or a whole sweep, as new runs, and compares. The doing behind `reproduce`."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from runner.compose.hiding import resolve_again
from runner.data.dataset import Dataset, load
from runner.engine.interrupts import Interrupts
from runner.errors import ConfigError, DataError, Interrupted, NotReproducible, RunnerError, StopPoint
from runner.provenance.capture import code_identity
from runner.reproducing.allowed import require_allowed
from runner.reproducing.reproduction import Reproduction
from runner.trial.build import build
from runner.trial.comparison import Comparison, compare_models, compare_predictions, compare_scores
from runner.trial.identity import data_key, targets
from runner.trial.outcome import Outcome
from runner.trial.portable import portable
from runner.trial.record import record
from runner.trial.recorded import RecordedRun, read_recorded, read_run
from runner.trial.session import Session, open_session
from runner.trial.spec import Spec
from runner.trial.threads import limited_threads
from tracking import Run, TrackingClient, TrackingError
from tracking.compare.making import Making
from tracking.compare.suspects import find_differences, find_unknown
from tracking.records.names import (
    ERROR,
    FINGERPRINT_DATA,
    REPRODUCES,
    SWEEP_ID,
    SWEEP_POINT,
    SWEEP_POINTS,
    THREADS,
)

PROBE_ROWS = 64  # rows of the data for which both models predict


@dataclass(frozen=True, slots=True)
class Options:
    """How to run again; what is None is as recorded."""

    tolerance: float = 0.0
    threads: int | None = None  # BLAS and OpenMP threads
    data: str | None = None  # where the data file is now


@dataclass(frozen=True, slots=True)
class CannotRun:
    """A run of a sweep that cannot be run here, and why."""

    run_id: str
    name: str
    reason: str


def reproduce_run(client: TrackingClient, then: RecordedRun, options: Options | None = None) -> Reproduction:
    """Run a recorded run again as a new run, and compare. Raises NotReproducible naming what is missing."""
    options = options or Options()
    spec, data = prepare_again(then, options)
    session = open_session(client.tracking_uri, {data_key(spec.config): data}, threads=options.threads or then.threads)
    return compare_outcome(client, then, record_one(spec, session), options)


def record_one(spec: Spec, session: Session) -> Outcome:
    """Record a point that is no part of a sweep: Ctrl-C and SIGTERM end it, and the program with it."""
    with Interrupts() as interrupts, interrupts.raising():
        try:
            return record(spec, session)
        except StopPoint:
            if interrupts.signal == signal.SIGTERM:
                raise SystemExit(128 + signal.SIGTERM) from None
            raise


def prepare_again(then: RecordedRun, options: Options, *, number: int = 0) -> tuple[Spec, Dataset]:
    """Return the point to run again and its data. Raises NotReproducible naming what is missing, StoreNotTrusted."""
    require_allowed(then)
    cannot = f"Run {then.short} ({then.name}) cannot be run here"
    spec = reveal(relocate(then.spec(number=number, tags={REPRODUCES: then.id}), options), cannot)
    return spec, check_runnable(spec, cannot)


def reveal(spec: Spec, cannot: str) -> Spec:
    """Resolve what the record of a point has as an expression only. Raises NotReproducible naming what is missing."""
    try:
        config, hidden = resolve_again(spec.config)
    except ConfigError as error:
        raise NotReproducible(f"{cannot}: {error}") from error
    return replace(spec, config=config, hidden=spec.hidden or hidden)


def relocate(spec: Spec, options: Options) -> Spec:
    """Let the point read its data from where the file is now, if that is said. Raises NotReproducible."""
    if options.data is None:
        return spec
    if "path" not in spec.config["data"]:
        raise NotReproducible(f"--data {options.data}: {spec.name} read no file.")
    return replace(spec, config={**spec.config, "data": {**spec.config["data"], "path": options.data}})


def check_runnable(spec: Spec, cannot: str) -> Dataset:
    """Build everything that a point needs, and return its data. Raises NotReproducible."""
    config = spec.config
    try:
        build(config)
        code_identity(*targets(config))
        return load(config["data"])
    except DataError as error:
        hint = " Is it elsewhere? Name it: --data PATH." if "path" in config["data"] else ""
        raise NotReproducible(f"{cannot}: {error}{hint}") from error
    except RunnerError as error:
        raise NotReproducible(f"{cannot}: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:  # a config of another version, or edited
        raise NotReproducible(f"{cannot}: its config is broken: {type(error).__name__}: {error}") from error


# Comparing ---------------------------------------------------------------------------------------
def compare_outcome(client: TrackingClient, then: RecordedRun, outcome: Outcome, options: Options) -> Reproduction:
    """Compare a recorded run with the new run of an outcome."""
    if not outcome.run_id:
        return Reproduction(then.id, then.name, "", Comparison(0), error=outcome.error or outcome.status)
    now = read_run(client, outcome.run_id)
    makings = then.making, making_as_recorded(now, then, options)
    result = Reproduction(
        then.id,
        then.name,
        now.id,
        Comparison(0),
        differences=find_differences(*makings),
        unknown=find_unknown(*makings),
        tolerance=max(options.tolerance, then.path_tolerance),
    )
    if not then.finished:
        return replace(result, nothing=_say_unfinished(then, outcome))
    if not outcome.ok:
        return replace(result, error=outcome.error or outcome.status)
    result = replace(result, scores=compare_scores(then.scores, now.scores))
    return _with_models(result, then, now, options)


def making_as_recorded(now: RecordedRun, then: RecordedRun, options: Options) -> Making:
    """Return what the new run was made with, its data hashed as that of the recorded run was."""
    recorded = then.making.data
    data = _data_of(now, options).fingerprint_as(recorded)
    tags = {**now.making.tags, FINGERPRINT_DATA: data}
    return replace(now.making, tags=tags, identity={**now.making.identity, "data": data})


def _data_of(now: RecordedRun, options: Options) -> Dataset:
    """Return the data of a new run, which is in memory still."""
    return load(reveal(relocate(now.spec(), options), f"Run {now.short}").config["data"])


def _say_unfinished(then: RecordedRun, outcome: Outcome) -> str:
    status = then.run.info.status
    error = then.run.data.tags.get(ERROR, "")
    said = f"the recorded run is {status}{f' ({error})' if error else ''}, "
    if outcome.ok:
        return f"{said}the new run {outcome.run_id[:8]} finished"
    same = " with the same error" if outcome.error == error else f": {outcome.error}"
    return f"{said}the new run {outcome.run_id[:8]} failed{same}"


def _with_models(result: Reproduction, then: RecordedRun, now: RecordedRun, options: Options) -> Reproduction:
    if then.path_tolerance:
        note = "Model and predictions are not compared: share=path computed them, to the tolerance of the solver."
        return replace(result, notes=(note,))
    if then.is_foreign:  # its config was allowed; a model is a pickle, which may run anything
        note = "Model and predictions are not compared: the recorded model was made elsewhere, and was not loaded."
        return replace(result, notes=(note,))
    old, why = then.load_model()
    if old is None:
        return replace(result, notes=(f"Model and predictions are not compared: {why}.",))
    new, why = now.load_model()
    if new is None:
        return replace(result, notes=(f"Model and predictions are not compared: {why}.",))
    same_code = not {"code", "packages that matter"} & {difference.ingredient for difference in result.differences}
    try:
        old, new = portable(old), portable(new)  # one of 0.1.0 still has pieces of this package
        result = replace(result, model=compare_models(old, new, same_code=same_code))
    except Exception as error:  # an old pickle, which today's class does not understand
        return replace(result, notes=(f"Model and predictions are not compared: {type(error).__name__}: {error}",))
    if result.model and result.model.left_out:
        result = replace(result, notes=(_say_left_out(result.model.left_out),))
    try:
        rows = _data_of(now, options).X[:PROBE_ROWS]
        with limited_threads(now.threads):
            pair = [_predict(model, rows) for model in (old, new)]
    except Exception as error:  # an old model may not fit today's scikit-learn or data
        note = f"Predictions are not compared: {type(error).__name__}: {error}"
        return replace(result, notes=(*result.notes, note))
    return replace(result, predictions=compare_predictions(*pair, rows=int(rows.shape[0])))


def _say_left_out(places: Sequence[str]) -> str:
    more = f" and {len(places) - 4} more" if len(places) > 4 else ""
    return f"Not compared, because only one of the versions has it: {', '.join(places[:4])}{more}."


def _predict(model: Any, rows: Any) -> dict[str, Any]:
    methods = [name for name in ("predict", "predict_proba") if hasattr(model, name)]
    return {name: getattr(model, name)(rows) for name in methods}


# Sweeps ------------------------------------------------------------------------------------------
@dataclass(slots=True)
class SweepAgain:
    """Runs the finished points of a sweep again, side by side; iterate `results`."""

    client: TrackingClient
    runs: Sequence[Run]
    options: Options = field(default_factory=Options)
    n_jobs: int | None = None  # None: auto
    tags: Mapping[str, str] = field(default_factory=dict)
    on_outcome: Callable[[Outcome], None] = lambda outcome: None

    def results(self) -> Iterator[Reproduction | CannotRun]:
        """Yield the verdict on every point as its new run ends. Raises Interrupted after Ctrl-C."""
        shared = {SWEEP_ID: secrets.token_hex(4), SWEEP_POINTS: str(len(self.runs)), **self.tags}
        by_threads: dict[int, list[Run]] = {}
        for run in self.runs:
            by_threads.setdefault(self._threads(run), []).append(run)
        for threads, runs in by_threads.items():
            yield from self._results(runs, threads, shared)

    def _threads(self, run: Run) -> int:
        said = run.data.tags.get(THREADS, "")
        return self.options.threads or (int(said) if said.isdecimal() and int(said) else 1)

    def _results(
        self, runs: Sequence[Run], threads: int, tags: Mapping[str, str]
    ) -> Iterator[Reproduction | CannotRun]:
        from runner.engine.dispatch import Engine
        from runner.settings import Settings

        cannot: list[CannotRun] = []
        specs = self._specs(runs, cannot)
        first = next(specs, None)
        if first is None:
            yield from cannot
            return
        datasets = {data_key(first.config): load(first.config["data"])}
        session = open_session(
            self.client.tracking_uri, datasets, threads=threads, n_jobs=str(self.n_jobs or "auto"), tags=tags
        )
        settings = Settings(n_jobs=self.n_jobs or "auto", threads_per_run=threads)
        engine = Engine(_chain(first, specs), settings, session, total=len(runs))
        by_number = {number: run for run, number in self._numbered(runs)}
        for outcome in engine.run():
            self.on_outcome(outcome)
            if outcome.status != "KILLED":
                then = read_recorded(self.client, by_number[outcome.number])
                yield compare_outcome(self.client, then, outcome, self.options)
        yield from cannot
        if engine.interrupted:
            raise Interrupted("interrupted; what had finished is recorded")

    def _numbered(self, runs: Sequence[Run]) -> Iterator[tuple[Run, int]]:
        """Yield each run with its point's number; with its place in the list where not all have one."""
        points = [run.data.tags.get(SWEEP_POINT, "") for run in self.runs]
        known = all(map(str.isdecimal, points))
        places = {run.info.run_id: number for number, run in enumerate(self.runs)}
        for run in runs:
            place = places[run.info.run_id]
            yield run, int(points[place]) if known else place

    def _specs(self, runs: Sequence[Run], cannot: list[CannotRun]) -> Iterator[Spec]:
        for run, number in self._numbered(runs):
            try:
                then = read_recorded(self.client, run)
                yield prepare_again(then, self.options, number=number)[0]
            except (NotReproducible, TrackingError) as error:
                cannot.append(CannotRun(run.info.run_id, run.info.run_name, str(error)))


def _chain(first: Spec, others: Iterator[Spec]) -> Iterator[Spec]:
    yield first
    yield from others


def find_points(client: TrackingClient, reference: str) -> tuple[str, list[Run], int]:
    """Return a sweep's id, its finished points in order, and how many points have no finished run.

    Raises TrackingError; NotReproducible when no point has finished.
    """
    sweep = client.find_sweep(reference)
    finished = [run for run in sweep.latest.values() if run.info.status == "FINISHED"]
    if not finished:
        raise NotReproducible(f"Sweep {sweep.id} has no finished point to compare with. See: python -m tracking sweeps")
    finished.sort(key=lambda run: int(run.data.tags.get(SWEEP_POINT, "0") or 0))
    return sweep.id, finished, max(sweep.planned - len(finished), 0)
