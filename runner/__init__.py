"""Run declarative experiments from Python: `run`, `sweep` and `reproduce`.

>>> import runner
>>> best = runner.run(["model=ridge", "alpha=0.1"])  # doctest: +SKIP
>>> runs = runner.sweep(["model=ridge,lasso", "alpha=0.1,1"])  # doctest: +SKIP
>>> assert runner.reproduce(best)  # doctest: +SKIP

Only hands names on. Importing it is cheap: Hydra and scikit-learn are imported by the first call.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

from runner.errors import RunnerError

if TYPE_CHECKING:
    from runner.reproducing.reproduction import Reproduction
    from tracking import Run
    from tracking.pages.notebook import Runs

__all__ = ["RunnerError", "reproduce", "run", "sweep"]


def run(
    overrides: Sequence[str] = (),
    *,
    data: Any = None,
    target: str | Sequence[str] | None = None,
    model: Any = None,
    store: str | None = None,
    config_dir: str | PathLike[str] | None = None,
) -> Run:
    """Run one point, given the overrides that one would type, and return its run.

    `data` is a pandas frame, `target` its column to predict, or several; without them `data=...` of the overrides
    counts. `model` is an unfitted estimator, recorded by its parameters; without it `model=...` counts. `store` is a
    tracking URI, by default the one in use; `config_dir` a folder with configs of your own.
    Raises ConfigError, DataError; PointFailed, which names the recorded run, when the point fails.
    """
    from runner import api

    return api.run(overrides, data=data, target=target, model=model, store=store, config_dir=config_dir)


def sweep(
    overrides: Sequence[str] = (),
    *,
    data: Any = None,
    target: str | Sequence[str] | None = None,
    model: Any = None,
    store: str | None = None,
    config_dir: str | PathLike[str] | None = None,
) -> Runs:
    """Run every combination that the overrides name, as `-m` does, and return the runs in their order.

    They are a list, which a notebook shows as a table; `runs.plot("alpha", "rmse", by="l1_ratio")` is an Altair chart.
    A point that fails is in the list too, with the status FAILED. Raises ConfigError, DataError, Interrupted.
    """
    from runner import api

    return api.sweep(overrides, data=data, target=target, model=model, store=store, config_dir=config_dir)


def reproduce(
    run: str | Run,
    *,
    store: str | None = None,
    tolerance: float = 0.0,
    threads: int | None = None,
    data: str | PathLike[str] | None = None,
) -> Reproduction:
    """Run a recorded run again as a new run; the result is true if it is the same to the last bit.

    `run` is a run, or what names one (`latest`, an id's start, a name); `tolerance` the difference, absolute
    or relative, that still counts as the same; `threads` and `data` (a path) replace what was recorded.
    Raises RunNotFound, and NotReproducible naming what is missing.
    """
    from runner import api

    return api.reproduce(run, store=store, tolerance=tolerance, threads=threads, data=data)
