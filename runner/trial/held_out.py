"""The rows that no selection saw (`data.test`): a recorded model is scored on them, and the run says so."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import check_scoring

import tracking
from runner.data.dataset import Dataset, load, load_held_out
from runner.errors import DataError, NotReproducible
from runner.trial.build import Parts, build
from runner.trial.recorded import RecordedRun
from runner.trial.scorers import is_loss
from runner.trial.weights import routing, weighted_scorers
from tracking.records.names import FINGERPRINT_DATA, TEST_FINGERPRINT, TEST_SHAPE

PREFIX = "test_"  # of the metrics


@dataclass(frozen=True, slots=True)
class HeldOutScores:
    """What a run scored on the held-out rows, losses positive, and who was scored on these rows before."""

    scores: dict[str, float]
    shape: str
    times_before: int  # that this run was scored
    others: tuple[str, ...]  # the names of other runs that were


def score_held_out(client: tracking.TrackingClient, recorded: RecordedRun) -> HeldOutScores:
    """Score a run's model on the rows that its `data.test` holds out, and record `test_...` metrics in the run.

    Every look is a step of these metrics. Raises NotReproducible without a model, DataError without held-out rows
    or where the data is no longer what the model was fitted on.
    """
    config = recorded.config
    held_out = load_held_out(config["data"])
    if load(config["data"]).fingerprint != recorded.run.data.tags.get(FINGERPRINT_DATA):
        raise DataError(
            f"The data has changed since run {recorded.short} was made: its held-out rows may be among those it was"
            f" fitted on. Run it again on the data as it is now: python -m runner.reproduce {recorded.short}"
        )
    model, problem = recorded.load_model()
    if model is None:
        raise NotReproducible(f"Run {recorded.short} ({recorded.name}) cannot be scored: {problem}.")
    scores = _score(model, held_out, build(config, validate=False))
    first = next(iter(scores))
    times = len(client.get_metric_history(recorded.id, PREFIX + first))
    others = _others(client, recorded, held_out.fingerprint)
    now = time.time_ns() // 1_000_000
    metrics = [tracking.Metric(PREFIX + name, value, now, times) for name, value in scores.items()]
    tags = {TEST_FINGERPRINT: held_out.fingerprint, TEST_SHAPE: held_out.shape}
    client.log_batch(recorded.id, metrics=metrics, tags=tags)
    return HeldOutScores(scores, held_out.shape, times, others)


def _score(model: Any, data: Dataset, parts: Parts) -> dict[str, float]:
    weighted = data.weights is not None
    with routing() if weighted else nullcontext():
        scorers = weighted_scorers(parts.scorers) if weighted else dict(parts.scorers)
        scoring = check_scoring(model, scoring=scorers, raise_exc=True)
        more = {"sample_weight": np.asarray(data.weights)} if weighted else {}
        found = scoring(model, data.X, data.y, **more)
    return {name: float(-value if is_loss(parts.scorers[name]) else value) for name, value in found.items()}


def _others(client: tracking.TrackingClient, recorded: RecordedRun, fingerprint: str) -> tuple[str, ...]:
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    runs = client.search_runs(experiments, filter_string=f"tags.`{TEST_FINGERPRINT}` = '{fingerprint}'")
    return tuple(run.info.run_name for run in runs if run.info.run_id != recorded.id)
