"""A search as runs: one for every candidate, nested in the run that is active, fold scores as steps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tracking import context
from tracking.active.lifecycle import active_run, current_run, start_run
from tracking.active.runs import OpenRun
from tracking.entities import Metric, Run
from tracking.records.names import OBJECTIVE_DIRECTION, OBJECTIVE_METRIC, PARENT_RUN_ID
from tracking.sklearn.candidates import Candidate, Search, read_search
from tracking.validation import now_ms


def log_search(search: Any, *, run_name: str | None = None) -> Run:
    """Record every candidate of a fitted search as a run, and return the run that they are nested in.

    Takes GridSearchCV, RandomizedSearchCV, the halving searches, LassoCV, ElasticNetCV, LogisticRegressionCV, and
    RidgeCV fitted with `store_cv_results`. The active run is the parent; without one a run is made, and ended. It
    gets `best_cv_score`, and the best parameters as `best_<name>`. Scores are as scikit-learn has them: of
    `neg_mean_squared_error` the greater is the better.

    Raises InvalidType for what is no fitted search, InvalidValue for one that kept no scores.
    """
    found = read_search(search)
    if active_run() is None:
        with start_run(run_name=run_name or type(search).__name__):
            return _log(found, current_run())
    return _log(found, current_run())


def _log(found: Search, parent: OpenRun) -> Run:
    client = parent.client
    system = {key: value for key, value in context.system_tags().items() if key != PARENT_RUN_ID}
    shared = {
        **system,
        PARENT_RUN_ID: parent.run_id,
        OBJECTIVE_METRIC: found.objective,
        OBJECTIVE_DIRECTION: found.direction,
    }
    experiment = client.get_run(parent.run_id).info.experiment_id
    with client.flush_together():
        for number, candidate in enumerate(found.candidates):
            run = client.create_run(experiment, tags=shared, run_name=_name(number, candidate.params))
            client.log_batch(run.info.run_id, metrics=_points(candidate), params=candidate.params)
            failed = math.isnan(candidate.metrics[found.objective])
            client.set_terminated(run.info.run_id, "FAILED" if failed else "FINISHED")
    best = {f"best_{name}": value for name, value in found.best_params.items()}
    client.log_batch(parent.run_id, metrics={"best_cv_score": found.best_score}, params=best)
    return client.get_run(parent.run_id)


def _points(candidate: Candidate) -> list[Metric]:
    now = now_ms()
    folds = [
        Metric(name, value, now, step)
        for name, values in candidate.folds.items()
        for step, value in enumerate(values)
        if not math.isnan(value)
    ]
    return folds + [Metric(name, value, now, 0) for name, value in candidate.metrics.items()]


def _name(number: int, params: Mapping[str, Any]) -> str:
    said = " ".join(f"{name.rpartition('__')[2]}={value}" for name, value in params.items())
    return f"{number} {said}"[:250].rstrip()
