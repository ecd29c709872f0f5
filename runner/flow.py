"""The program as a sequence: read -> expand -> check -> plan -> run -> report."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.compose.composer import Composer
from runner.engine.process_pool import PROCESS_BACKENDS, Pool
from runner.errors import ConfigError, PointFailed
from runner.points.axes import Point
from runner.points.expansion import Expansion
from runner.points.naming import Namer
from runner.report.console import emit, say
from runner.report.progress import Progress
from runner.report.results import Results
from runner.report.summary import Ending, render_ending, render_plan, render_results
from runner.request import Request, read_points
from runner.trial.spec import Spec
from tracking.records.names import (
    BACKEND,
    BOOKKEEPING,
    N_JOBS,
    SOURCE_NAME,
    SWEEP_COMMAND,
    SWEEP_ID,
    SWEEP_POINTS,
    SWEEP_REUSED,
)

if TYPE_CHECKING:
    from runner.data.dataset import Dataset
    from runner.engine.settings import Settings
    from runner.planning.resume import Resumed
    from runner.provenance.capture import Provenance
    from runner.trial.record import Session


@dataclass(frozen=True, slots=True)
class Result:
    """How a request ended."""

    results: Results
    store: str
    interrupted: int = 0  # by the signal of this number

    @property
    def exit_code(self) -> int:
        """0, 1 if a point failed, and as shells have it 130 after Ctrl-C, 143 after SIGTERM."""
        if self.interrupted:
            return 128 + self.interrupted
        return PointFailed.exit_code if self.results.failed else 0


def execute(request: Request, composer: Composer) -> Result:
    """Do everything that a request asks for. Raises RunnerError for a mistake in it."""
    expansion = read_points(request, composer)
    first = SpecMaker(composer, expansion, request).spec(next(iter(expansion)))
    settings = read_settings(first.config)
    with _EarlyPool(settings, first, expansion) as pool:
        return Campaign(request, composer, expansion, first, settings, pool).run()


def read_settings(config: Mapping[str, Any]) -> Settings:
    """Read how a sweep is run from the config of its first point."""
    from runner.engine.settings import Settings

    n_jobs = config["n_jobs"]
    return Settings(
        None if n_jobs == "auto" else int(n_jobs),
        config["backend"],
        config["timeout_per_point"],
        config["fail_fast"],
        config["retries"],
        config["threads_per_run"],
    )


def check_points(request: Request, composer: Composer, expansion: Expansion) -> None:
    """Raise RunnerError for every mistake that can be known before a point runs."""
    from runner.planning.plan import Checker

    Checker(composer, SpecMaker(composer, expansion, request).spec).check(expansion)


class SpecMaker:
    """Makes the Spec of a point: its config, its names, and what of it came from the sweep."""

    def __init__(self, composer: Composer, expansion: Expansion, request: Request) -> None:
        self._composer = composer
        self._varying = tuple(expansion.varying) if request.sweeps else ()
        self._namer = Namer(self._varying or None, expansion.settings)
        self._config_dir = composer.own_folders()

    def spec(self, point: Point) -> Spec:
        """Compose a point and name it; a second call for the same point gives another name."""
        composed = self._composer.compose(point.settings)
        config = {key: value for key, value in composed.config.items() if key != "sweep"}
        model = composed.choices.get("model") or str(config["model"].get("_target_")).rpartition(".")[2]
        return Spec(
            point.number,
            self._name(point, model, config.get("run_name")),
            str(config.get("experiment_name") or model),
            config,
            tuple(point.overrides),
            composed.minimal,
            self._varying,
            composed.choices,
            composed.origins,
            config_dir=self._config_dir,
            config_name=self._composer.config_name,
        )

    def _name(self, point: Point, model: str, asked: str | None) -> str:
        if self._varying:
            varied = [s for s in point.settings if s.name != "run_name"]
            return self._namer.name(asked or model, varied, point.number)
        typed = [s for s in point.settings if not is_bookkeeping(s.key)]
        return asked or self._namer.name(model, typed, point.number)


class Campaign:
    """One request on its way through the rooms: check, plan, run, report."""

    def __init__(
        self,
        request: Request,
        composer: Composer,
        expansion: Expansion,
        first: Spec,
        settings: Settings,
        pool: Pool | None,
    ) -> None:
        self._request = request
        self._composer = composer
        self._expansion = expansion
        self._first = first
        self._settings = settings
        self._pool = pool
        self._start = time.monotonic()

    def run(self) -> Result:
        """Check everything, then show the plan or run it, and report."""
        from runner.planning.plan import Checker
        from runner.provenance.capture import capture_provenance
        from runner.store import folder_of, open_store

        for note in self._expansion.notes:
            self._say(f"note: {note}")
        checker = Checker(self._composer, self._maker().spec)
        checker.check(self._expansion)
        self._settings = self._settings.fitted(checker.targets, points=self._expansion.count())
        config = self._first.config
        store = open_store(config["tracking"], writes=not (config["dry_run"] or config["diff"]))
        provenance = capture_provenance(exclude=folder_of(store))
        if config["diff"]:
            self._preview(checker.datasets, provenance, store)
            return Result(Results(), store)
        if config["dry_run"]:
            planned = self._plan(checker.datasets, provenance, store)
            self._print(render_plan(planned, jobs=self._settings.size, width=_width()))
            return Result(Results(), store)
        return self._run(checker.datasets, provenance, store)

    # -------------------------------------------------------------------------------------------
    def _maker(self) -> SpecMaker:
        return SpecMaker(self._composer, self._expansion, self._request)

    def _specs(self) -> Iterator[Spec]:
        return map(self._maker().spec, self._expansion)

    def _plan(self, datasets: Mapping[str, Dataset], provenance: Provenance, store: str) -> Iterator[Any]:
        from runner.planning.plan import plan_points

        return plan_points(self._specs(), datasets, provenance, store)

    def _preview(self, datasets: Mapping[str, Dataset], provenance: Provenance, store: str) -> None:
        from runner.planning.preview import render_preview
        from runner.trial.identity import data_key

        if self._expansion.count() > 1:
            raise ConfigError("diff= compares one point with a recorded run. Leave out -m, or what sweeps.")
        data = datasets[data_key(self._first.config)]
        self._print(render_preview(self._first, store, data=data, provenance=provenance, width=_width()))

    def _run(self, datasets: Mapping[str, Dataset], provenance: Provenance, store: str) -> Result:
        from runner.engine.dispatch import Engine

        total = self._expansion.count()
        results = Results(keep_runs=self._request.keep_runs)
        sweep = self._sweep_tags()
        resumed = self._resume(datasets, provenance, store, sweep)
        reused = resumed.reused
        for outcome in reused.values():
            results.take(outcome)
        session = self._session(
            provenance, store, datasets, sweep | {SWEEP_REUSED: str(len(reused))} if reused else sweep
        )
        live = self._first.config["progress"]
        quiet = self._request.quiet
        progress = Progress(total - len(reused), live=False if quiet else None if live == "auto" else bool(live))
        engine = Engine(
            self._begun(reused, progress),
            self._settings,
            session,
            total=total - len(reused),
            pool=self._pool,
            deaths=resumed.deaths,
        )
        with progress:
            for outcome in engine.run() if total > len(reused) else ():
                results.take(outcome)
                if not quiet:
                    progress.take(outcome)
        command = self._request.command if self._request.sweeps else None
        seconds = time.monotonic() - self._start
        self._report(results, Ending(total, seconds, store, command, bool(engine.interrupted), engine.stopped))
        return Result(results, store, engine.interrupted)

    def _begun(self, reused: Collection[int], progress: Progress) -> Iterator[Spec]:
        for spec in self._specs():
            if spec.number not in reused:
                progress.begin(spec)
                yield spec

    def _resume(
        self, datasets: Mapping[str, Dataset], provenance: Provenance, store: str, sweep: Mapping[str, str]
    ) -> Resumed:
        from runner.planning.resume import Resumed, resume

        if not self._first.config["resume"]:
            return Resumed()
        resumed = resume(self._plan(datasets, provenance, store), store, sweep)
        for line in resumed.describe(self._expansion.count()):
            self._say(line)
        return resumed

    def _sweep_tags(self) -> dict[str, str]:
        if not self._request.sweeps:
            return {}
        return {
            SWEEP_ID: secrets.token_hex(4),
            SWEEP_POINTS: str(self._expansion.count()),
            SWEEP_COMMAND: self._request.command,
        }

    def _session(
        self, provenance: Provenance, store: str, datasets: Mapping[str, Dataset], sweep: Mapping[str, str]
    ) -> Session:
        from runner.trial.record import Session

        tags = provenance.tags(threads=self._settings.threads)
        tags |= {N_JOBS: str(self._first.config["n_jobs"]), BACKEND: self._settings.backend}
        tags[SOURCE_NAME] = sys.argv[0]
        tags |= sweep
        tags |= self._request.sweep_tags or {}
        return Session(
            store,
            self._settings.threads,
            tags,
            provenance.packages,
            provenance.environment_text(threads=self._settings.threads),
            provenance.patch,
            checked=True,
            datasets=dict(datasets),
        )

    def _report(self, results: Results, ending: Ending) -> None:
        table = render_results(results, self._expansion.varying, width=_width())
        self._print([*([table, ""] if table else []), *render_ending(results, ending)])

    def _say(self, line: str) -> None:
        if not self._request.quiet:
            say(line)

    def _print(self, lines: Iterable[str]) -> None:
        if not self._request.quiet:
            emit(lines)


class _EarlyPool:
    """Workers that are asked for by number start at once: they import while this process checks."""

    def __init__(self, settings: Settings, first: Spec, expansion: Expansion) -> None:
        config = first.config
        several = min(settings.size, expansion.count())
        wanted = settings.n_jobs is not None and several > 1 and settings.backend in PROCESS_BACKENDS
        self._pool: Pool | None = None
        if wanted and not (config["dry_run"] or config["diff"] or config["resume"]):
            module = str(config["model"].get("_target_")).rpartition(".")[0]
            self._pool = Pool(
                several, backend=settings.backend, threads=settings.threads, preload=[module] * bool(module)
            )

    def __enter__(self) -> Pool | None:
        return self._pool

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.close()


def is_bookkeeping(key: str) -> bool:
    """Tell whether an override only says how or where to run, and not what."""

    return key.lstrip("+~").partition(".")[0] in BOOKKEEPING


def _width() -> int | None:
    import shutil

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
