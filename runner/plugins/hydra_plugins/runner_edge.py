"""The Hydra edge: GridSweeper and PoolLauncher. Translation only; the work is done in `runner.flow`."""

from __future__ import annotations

import json
import os
import secrets
import shlex
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from hydra_plugins.runner_jobs import Jobs
from omegaconf import DictConfig, OmegaConf

from runner.compose.arguments import plain_argument
from runner.compose.command import SWEEP_VARIABLE, check_other_sweeper, command_line, composer_for
from runner.errors import PointFailed, RunnerError
from runner.flow import Result, execute
from runner.invocation import Invocation, read_points
from runner.report.console import say
from tracking.records.names import SWEEP_COMMAND, SWEEP_ID, SWEEP_POINT, SWEEP_POINTS


class GridSweeper(Sweeper):
    """Expands the command line and the `sweep:` section, and runs every point of it."""

    def __init__(self, points: int = 10, params: Mapping[str, Any] | None = None) -> None:
        self._points = points
        self._params = params

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra hands over."""
        from hydra.core.plugins import Plugins

        self._config = config
        self._jobs = Jobs(hydra_context, task_function, config)
        self._launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Any:
        """Run the sweep; ends the process with the exit code of the result when it is not 0."""
        params = [f"{key}={value}" for key, value in (self._params or {}).items()]
        overrides = (*params, *map(plain_argument, arguments))
        invocation = Invocation(overrides, command_line(), sweeps=True, points_per_interval=self._points)
        composer = composer_for(self._config)
        if isinstance(self._launcher, PoolLauncher):
            code = execute(invocation, composer, watcher=self._jobs).exit_code
            if code:
                raise SystemExit(code)
            return None
        from runner.study import check_points

        expansion = read_points(invocation, composer)
        check_points(invocation, composer, expansion)
        for note in expansion.notes:
            say(f"note: {note}")
        os.environ[SWEEP_VARIABLE] = json.dumps(
            {
                SWEEP_ID: secrets.token_hex(4),
                SWEEP_POINTS: str(expansion.count()),
                SWEEP_COMMAND: command_line(),
            }
        )
        returns = self._launcher.launch([point.texts for point in expansion], initial_job_idx=0)
        for job in returns:
            _ = job.return_value  # raises what the job raised
        return returns


class PoolLauncher(Launcher):
    """Runs the points that another sweeper proposes, a batch at a time, and returns their objectives."""

    def __init__(self) -> None:
        self._tags = {SWEEP_ID: secrets.token_hex(4), SWEEP_COMMAND: command_line()}

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra hands over."""
        self._config = config
        self._jobs = partial(Jobs, hydra_context, task_function, config)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run a batch of points and return one JobReturn for each."""
        returns = []
        composer = composer_for(self._config)
        if initial_job_idx == 0 and job_overrides:
            check_other_sweeper(self._config, composer, job_overrides[0])
        for number, overrides in enumerate(job_overrides, initial_job_idx):
            tags = self._tags | {SWEEP_POINT: str(number), SWEEP_POINTS: str(initial_job_idx + len(job_overrides))}
            invocation = Invocation(
                tuple(overrides), shlex.join(overrides), sweeps=False, keep_runs=True, sweep_tags=tags
            )
            job = JobReturn(overrides=list(overrides), cfg=OmegaConf.create({}))
            try:
                result = execute(invocation, composer, watcher=self._jobs(first=number))
                job.return_value, job.status = _objective(result), JobStatus.COMPLETED
            except RunnerError as error:  # the sweeper decides how many it puts up with: one it drew may be refused
                job.return_value, job.status = error, JobStatus.FAILED
            returns.append(job)
        return returns


def _objective(result: Result) -> float | None:
    """Return the objective of a point, None after dry_run=true. Raises PointFailed."""
    best, failures = result.results.best, result.results.failures
    if failures:
        raise PointFailed(f"{failures[0].name}: {failures[0].error}")
    return best[0].objective if best else None
