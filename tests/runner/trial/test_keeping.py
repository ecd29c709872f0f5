"""A sweep's predictions: all while they are small, of the best points beyond that."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

import tracking
from runner.__main__ import main
from runner.trial.keeping import Keeping
from runner.trial.outcome import Outcome
from tracking.records.predictions import load_predictions

STORE = "sqlite:///runs/tracking.db"


@pytest.fixture
def runs() -> list[tracking.Run]:
    assert main(shlex.split("-m model=ridge alpha=0.001,100,0.01,1000,0.1,10,1 refit=false cv.n_splits=2")) == 0
    client = tracking.TrackingClient()
    found = client.search_runs([e.experiment_id for e in client.search_experiments()])
    return sorted(found, key=lambda one: one.data.metrics["rmse_mean"])


def keep(runs: list[tracking.Run], **limits: int) -> Keeping:
    keeping = Keeping(STORE, **limits)
    for one in sorted(runs, key=lambda one: int(one.data.tags["sweep.point"])):
        means = {"rmse_mean": one.data.metrics["rmse_mean"]}
        keeping.take(Outcome(0, "", "", one.info.run_id, "FINISHED", 1.0, metric="rmse", metrics=means))
    keeping.finish()
    return keeping


def kept(runs: list[tracking.Run]) -> set[str]:
    store = tracking.TrackingClient(STORE).store
    return {run_id for made in load_predictions(store, [one.info.run_id for one in runs]) for run_id in made.run_ids}


@pytest.mark.heavy
def test_all_are_kept_up_to_the_limit(runs: list[tracking.Run]) -> None:
    size = sum(n for name, n in tracking.TrackingClient().list_blobs(runs[0].info.run_id).items() if "rows" not in name)

    assert keep(runs, limit=7 * size, best=2).removed == 0
    assert len(kept(runs)) == 7


@pytest.mark.heavy
def test_beyond_the_limit_the_best_are_kept_and_the_rest_takes_no_room(runs: list[tracking.Run]) -> None:
    assert keep(runs, limit=1000, best=3).removed == 4

    assert kept(runs) == {one.info.run_id for one in runs[:3]}
    assert [tracking.TrackingClient().list_blobs(one.info.run_id) for one in runs[3:]] == [{}] * 4


@pytest.mark.heavy
def test_a_failed_point_is_the_first_to_go(runs: list[tracking.Run]) -> None:
    keeping = Keeping(STORE, limit=1000, best=1)
    for one in runs[:2]:
        metrics = {} if one is runs[0] else {"rmse_mean": 1.0}
        keeping.take(Outcome(0, "", "", one.info.run_id, "FAILED", 1.0, metric="rmse", metrics=metrics))
    keeping.finish()

    assert kept(runs[:2]) == {runs[1].info.run_id}


@pytest.mark.heavy
def test_a_sweep_makes_no_files_for_them(runs: list[tracking.Run]) -> None:
    files = {path.name for path in Path("runs/artifacts").rglob("*") if path.is_file()}

    assert files == {"config.yaml", "overrides.yaml", "environment.txt", "run.log"}
    assert len(kept(runs)) == 7
