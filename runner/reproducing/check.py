"""Whether today's code is as good as a recorded baseline, for CI: `runner.reproduce --check RUN`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from runner.errors import ConfigError, PointFailed
from runner.reproducing.running import Options, making_as_recorded, prepare_again, record_one
from runner.suggest import suggest
from runner.trial.identity import data_key
from runner.trial.recorded import RecordedRun, read_run
from runner.trial.session import open_session
from tracking import TrackingClient
from tracking.compare.suspects import Difference, find_differences, find_unknown
from tracking.records.names import REPRODUCES


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How much worse a metric may be: a share of the baseline's size, or an amount."""

    amount: float
    is_share: bool
    text: str

    def allowed(self, baseline: float) -> float:
        """Return the amount for this baseline."""
        return self.amount * abs(baseline) if self.is_share else self.amount


def read_tolerance(text: str) -> Tolerance:
    """Read `0.5%` or `0.1`. Raises ConfigError.

    >>> read_tolerance("0.5%").allowed(200.0)
    1.0
    """
    match = re.fullmatch(r"\s*([0-9.]+(?:[eE][-+]?\d+)?)\s*(%?)\s*", text)
    try:
        amount = float(match[1]) if match else math.nan
    except ValueError:
        amount = math.nan
    if not match or not math.isfinite(amount):
        raise ConfigError(f"--tolerance {text}: give a share of the baseline as 0.5%, or an amount as 0.1.")
    return Tolerance(amount / 100 if match[2] else amount, bool(match[2]), text.strip())


@dataclass(frozen=True, slots=True)
class Check:
    """A baseline's metric then and today. True if it is not worse than allowed."""

    baseline: RecordedRun
    new: RecordedRun
    metric: str
    direction: str | None  # "minimize", "maximize", or None: any change counts as worse
    then: float
    now: float
    tolerance: Tolerance
    differences: tuple[Difference, ...]
    unknown: tuple[str, ...]  # ingredients that could not be compared

    @property
    def change(self) -> float:
        """Today's mean minus the baseline's."""
        return self.now - self.then

    @property
    def worse_by(self) -> float:
        """How much worse today is; negative when it is better."""
        if self.direction is None:
            return abs(self.change)
        return self.change if self.direction == "minimize" else -self.change

    def __bool__(self) -> bool:
        """Tell whether today's value is within what is allowed."""
        return self.worse_by <= self.tolerance.allowed(self.then)  # NaN is not


def check_baseline(
    client: TrackingClient,
    baseline: RecordedRun,
    *,
    metric: str | None,
    tolerance: Tolerance,
    options: Options,
) -> Check:
    """Run the baseline's config with today's code and compare a metric's mean.

    Raises ConfigError for a metric that was not recorded, NotReproducible, PointFailed when it fails today.
    """
    name = _metric(baseline, metric)
    then = baseline.run.data.metrics[f"{name}_mean"]
    spec, data = prepare_again(baseline, options)
    threads = options.threads or baseline.threads
    session = open_session(client.tracking_uri, {data_key(spec.config): data}, threads=threads)
    outcome = record_one(replace(spec, extra_tags={REPRODUCES: baseline.id}), session)
    new = read_run(client, outcome.run_id)
    if not outcome.ok:
        raise PointFailed(f"The baseline {baseline.short} ({baseline.name}) fails with today's code: {outcome.error}")
    makings = baseline.making, making_as_recorded(new, baseline, options)
    return Check(
        baseline,
        new,
        name,
        _direction(baseline, name),
        then,
        outcome.metrics[f"{name}_mean"],
        tolerance,
        find_differences(*makings),
        find_unknown(*makings),
    )


def _metric(baseline: RecordedRun, asked: str | None) -> str:
    known = sorted(name.removesuffix("_mean") for name in baseline.run.data.metrics if name.endswith("_mean"))
    wanted = asked or str(_scoring(baseline)["objective"]["metric"])
    name = wanted.removesuffix("_mean")
    if name not in known:
        there = ", ".join(known) or "none; the run did not finish"
        raise ConfigError(
            f"--metric {wanted}: run {baseline.short} ({baseline.name}) has no such metric."
            f"{suggest(name, known)} It has: {there}."
        )
    return name


def _direction(baseline: RecordedRun, name: str) -> str | None:
    scoring = _scoring(baseline)
    if scoring["objective"]["metric"] == name:
        return str(scoring["objective"]["direction"])
    scorer = scoring["metrics"].get(name)
    if not isinstance(scorer, str) or "." in scorer:
        return None
    return "minimize" if scorer.startswith("neg_") else "maximize"  # losses are recorded as positive numbers


def _scoring(baseline: RecordedRun) -> Mapping[str, Any]:
    scoring: Mapping[str, Any] = baseline.config["scoring"]
    return scoring
