"""Every point as a job of Hydra: its callbacks are told of each, with what its own launchers would tell them."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from runner.errors import PointFailed
from runner.trial.outcome import Outcome
from runner.trial.spec import Spec


class Jobs:
    """Calls `on_job_start` and `on_job_end` for points, in this process wherever they run. A `Watcher`.

    `first` is the number of the first point. Where no callback is configured nothing is done: composing a job's
    config as Hydra does takes 40 ms. What a callback raises is a warning of Hydra's.
    """

    def __init__(self, context: HydraContext, task: TaskFunction, config: DictConfig, *, first: int = 0) -> None:
        self._context = context
        self._task = task
        self._config = config
        self._first = first
        self._running: dict[int, DictConfig] = {}
        self._wanted = bool(OmegaConf.select(config, "hydra.callbacks"))

    def begin(self, spec: Spec) -> None:
        """Say that a point starts."""
        if self._wanted:
            config = self._job_config(self._first + spec.number, [override.text for override in spec.overrides])
            self._running[spec.number] = config
            with _in_effect(config):
                self._context.callbacks.on_job_start(config=config, task_function=self._task)

    def take(self, outcome: Outcome) -> None:
        """Say how a point ended, once it is not tried again."""
        if outcome.number in self._running and not outcome.will_retry:
            config = self._running.pop(outcome.number)
            with _in_effect(config):
                self._context.callbacks.on_job_end(config=config, job_return=_job_return(config, outcome))

    def _job_config(self, number: int, overrides: Sequence[str]) -> DictConfig:
        config = self._context.config_loader.load_sweep_config(self._config, list(overrides))
        with read_write(config), open_dict(config):
            config.hydra.job.id, config.hydra.job.num = str(number), number
            config.hydra.runtime.output_dir = os.path.abspath(
                os.path.join(config.hydra.sweep.dir, config.hydra.sweep.subdir)
            )
        return config


def _job_return(config: DictConfig, outcome: Outcome) -> JobReturn:
    """Return what Hydra's launchers would: the objective of a point, or PointFailed with its error."""
    shown = copy.deepcopy(config)
    with read_write(shown), open_dict(shown):
        hydra = OmegaConf.create({"hydra": shown.pop("hydra")})
    job = JobReturn(
        overrides=list(config.hydra.overrides.task),
        cfg=shown,
        hydra_cfg=hydra,
        working_dir=os.getcwd(),
        task_name=config.hydra.job.name,
        status=JobStatus.COMPLETED if outcome.ok else JobStatus.FAILED,
    )
    result: Any = outcome.objective if outcome.ok else PointFailed(f"{outcome.name}: {outcome.error}")
    job.return_value = result
    return job


@contextmanager
def _in_effect(config: DictConfig) -> Iterator[None]:
    """Let `HydraConfig.get()` be that of a job."""
    before = HydraConfig.instance().cfg
    HydraConfig.instance().set_config(config)
    try:
        yield
    finally:
        HydraConfig.instance().cfg = before
