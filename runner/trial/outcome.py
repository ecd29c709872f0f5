"""How a point ended: the noun that the engine hands on and the report shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import tracking
from runner.trial.spec import Spec


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a point ended: the run, its status, and the objective over the folds."""

    number: int
    name: str
    experiment: str
    run_id: str
    status: str
    seconds: float
    metric: str = ""  # the objective, without `_mean`
    direction: str = "minimize"
    metrics: Mapping[str, float] = field(default_factory=dict)  # means and spreads over the folds
    error: str | None = None
    overrides: tuple[str, ...] = ()
    varied: Mapping[str, Any] = field(default_factory=dict)  # what the sweep's keys are at this point
    warning: str | None = None  # the first that the fits raised
    notes: tuple[str, ...] = ()  # what the sweep should be told; many points may say the same
    will_retry: bool = False
    reused: bool = False  # found by `resume`, not run

    @property
    def objective(self) -> float | None:
        """Mean of the objective over the folds."""
        return self.metrics.get(f"{self.metric}_mean")

    @property
    def spread(self) -> float | None:
        """Standard deviation of the objective over the folds."""
        return self.metrics.get(f"{self.metric}_std")

    @property
    def ok(self) -> bool:
        """Whether the point has a result."""
        return self.status == "FINISHED"


def outcome_of(spec: Spec, run_id: str, status: str, *, seconds: float = 0.0) -> Outcome:
    """Return what is known of a point's end without its results."""
    metric, direction = spec.objective
    return Outcome(
        spec.number,
        spec.name,
        spec.experiment,
        run_id,
        status,
        seconds,
        metric=metric.removesuffix("_mean"),
        direction=direction,
        overrides=tuple(override.text for override in spec.overrides),
        varied=varied(spec),
    )


def varied(spec: Spec) -> dict[str, Any]:
    """Return what the keys of the sweep are at a point: as typed, else as the files behind it have them."""
    typed = {override.key: override.written for override in spec.overrides}
    return {key: typed[key] if key in typed else _in_config(spec, key) for key in spec.swept}


def _in_config(spec: Spec, key: str) -> Any:
    if key in spec.choices:
        return spec.choices[key]
    found: Any = spec.recorded
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def outcome_of_run(spec: Spec, run: tracking.Run) -> Outcome:
    """Return the outcome of a run that is in the store already."""
    info = run.info
    seconds = ((info.end_time or info.start_time) - info.start_time) / 1000
    metrics = {k: v for k, v in run.data.metrics.items() if k.endswith(("_mean", "_std"))}
    return replace(
        outcome_of(spec, info.run_id, info.status, seconds=seconds),
        name=info.run_name,
        metrics=metrics,
        reused=True,
    )
