"""The program as a sequence: read -> expand -> check -> plan -> run -> report. Read it first.

What is read and expanded here needs Hydra only. Everything after that needs scikit-learn and is in `runner.study`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.engine.process_pool import Pool
from runner.errors import PointFailed
from runner.invocation import Invocation, SpecMaker, read_points
from runner.report.console import say
from runner.report.results import Results
from runner.settings import PROCESS_BACKENDS, Settings

if TYPE_CHECKING:
    from runner.compose.composer import Composer
    from runner.points.expansion import Expansion
    from runner.report.progress import Watcher
    from runner.trial.spec import Spec


@dataclass(frozen=True, slots=True)
class Result:
    """How an invocation ended."""

    results: Results
    store: str
    interrupted: int = 0  # by the signal of this number
    elsewhere: int = 0  # points that another process was running

    @property
    def exit_code(self) -> int:
        """0, 1 if a point failed, and as shells have it 130 after Ctrl-C, 143 after SIGTERM."""
        if self.interrupted:
            return 128 + self.interrupted
        return PointFailed.exit_code if self.results.failed else 0


def execute(invocation: Invocation, composer: Composer, *, watcher: Watcher | None = None) -> Result:
    """Do everything that an invocation asks for. Raises RunnerError for a mistake in it."""
    start = time.monotonic()
    expansion = read_points(invocation, composer)
    first = SpecMaker(invocation, composer, expansion).spec(next(iter(expansion)))
    settings = Settings.of(first.config)
    with _early_pool(settings, first, expansion) as pool:
        from runner import study as steps  # imports scikit-learn, while the workers do

        for note in expansion.notes if not invocation.quiet else ():
            say(f"note: {note}")
        study = steps.check(invocation, composer, expansion, first, settings)
        if settings.diff:
            steps.preview(study)
        elif settings.dry_run:
            steps.show_plan(study)
        else:
            mirroring = steps.mirroring(study)
            ended = steps.run(study, steps.resume(study), pool, [w for w in (watcher, mirroring) if w is not None])
            steps.report(study, ended, seconds=time.monotonic() - start)
            if mirroring is not None:
                mirroring.finish(wait=not ended.interrupted)
            return Result(ended.results, study.store, ended.interrupted, ended.elsewhere)
        return Result(Results(), study.store)


@contextmanager
def _early_pool(settings: Settings, first: Spec, expansion: Expansion) -> Iterator[Pool | None]:
    """Start workers that are asked for by number at once: they import while this process checks."""
    several = min(settings.size, expansion.count())
    asked = settings.n_jobs != "auto" and several > 1 and settings.backend in PROCESS_BACKENDS
    if not asked or settings.resume or not settings.runs or "engine" in first.config:
        yield None
        return
    module = str(first.config["model"].get("_target_")).rpartition(".")[0]
    pool = Pool(several, backend=settings.backend, threads=settings.threads_per_run, preload=[module] * bool(module))
    try:
        yield pool
    finally:
        pool.close()
