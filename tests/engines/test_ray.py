"""engine=ray with real processes, which are killed: what holds for dask holds there."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import runner
import tracking
from runner.__main__ import main

ray = pytest.importorskip("ray", reason="needs the extra: pip install 'experiment-runner[ray]'")

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # sockets of ray's own processes
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # what ray says of its next version
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

ReadRuns = Callable[[], list[tracking.Run]]


@pytest.fixture(scope="module", autouse=True)
def one_ray() -> Iterator[None]:
    """Start a ray of two cores, which the sweeps of these tests use as the program's own: starting takes longest."""
    os.environ["RAY_raylet_start_wait_time_s"] = "300"  # noqa: SIM112  # ray's own spelling; half a minute is too short
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=100 * 2**20)
    yield
    ray.shutdown()


def bits_of_model(client: tracking.TrackingClient, run_id: str) -> list[bytes]:
    """Return the numbers of a linear model that was recorded. Its pickle may name a shared text once or twice."""
    scaler, model = (step for _, step in tracking.load_model(client.artifact_dir(run_id) / "model").steps)
    return [np.asarray(part).tobytes() for part in (scaler.mean_, scaler.scale_, model.coef_, model.intercept_)]


def test_the_records_are_those_of_this_machine_to_the_last_bit(runs: ReadRuns) -> None:
    sweep = ["model=ridge,elasticnet", "alpha=0.1,0.2,0.3", "prepare=standard"]

    assert main(["-m", "engine=ray", *sweep]) == 0

    far = {run.info.run_name: run for run in runs()}
    near = {run.info.run_name: run for run in runner.sweep([*sweep, "n_jobs=1"], store="sqlite:///near/tracking.db")}
    there, here = (tracking.TrackingClient(f"sqlite:///{folder}/tracking.db") for folder in ("runs", "near"))
    assert far.keys() == near.keys()
    timed = ("fit_seconds", "score_seconds")
    for name, run in far.items():
        one, other = run.info.run_id, near[name].info.run_id
        assert {key: value for key, value in run.data.metrics.items() if not key.startswith(timed)} == {
            key: value for key, value in near[name].data.metrics.items() if not key.startswith(timed)
        }
        assert run.data.params == near[name].data.params
        assert run.data.tags["fingerprint"] == near[name].data.tags["fingerprint"]
        assert bits_of_model(there, one) == bits_of_model(here, other)


def test_a_point_whose_worker_is_killed_runs_again_and_each_is_recorded_once(estimators: Path, runs: ReadRuns) -> None:
    assert main(["-m", "engine=ray", "model._target_=odd.DiesOnce", "alpha=0.1,0.2,0.3,0.4"]) == 0

    assert sorted(run.data.params["alpha"] for run in runs()) == ["0.1", "0.2", "0.3", "0.4"]
    assert {run.info.status for run in runs()} == {"FINISHED"}
    assert (estimators / "once-0.3.2").exists()


def test_a_point_that_kills_three_workers_has_failed_and_the_others_have_not(estimators: Path, runs: ReadRuns) -> None:
    assert main(["-m", "engine=ray", "model._target_=odd.Dies", "alpha=0.1,0.2,0.3"]) == 1

    assert {run.data.params["alpha"]: run.info.status for run in runs()} == {
        "0.1": "FINISHED",
        "0.2": "FINISHED",
        "0.3": "FAILED",
    }
    assert sorted(path.name for path in estimators.glob("died-*")) == ["died-0.3.1", "died-0.3.2", "died-0.3.3"]


def test_ctrl_c_ends_with_130_and_resume_runs_the_rest(estimators: Path, runs: ReadRuns) -> None:
    (estimators / "victim").write_text(str(os.getpid()))
    (estimators / "signal").write_text(str(int(signal.SIGINT)))
    asked = ["model._target_=odd.Kills", "alpha=0.1,0.2,0.3"]

    assert main(["-m", "engine=ray", "n_jobs=1", *asked]) == 130
    (estimators / "victim").unlink()
    assert main(["-m", "resume=true", "engine=ray", "n_jobs=1", *asked]) == 0

    assert {run.data.params["alpha"] for run in runs() if run.info.status == "FINISHED"} == {"0.1", "0.2", "0.3"}


def test_a_frame_from_python_is_put_once_and_all_workers_have_it() -> None:
    values = np.random.default_rng(0).normal(size=(40_000, 6))
    frame = pd.DataFrame(values, columns=list("abcdey"))

    runs = runner.sweep(["engine=ray", "model=ridge", "alpha=0.1,0.2", "cv.n_splits=2"], data=frame, target="y")

    assert [run.info.status for run in runs] == ["FINISHED", "FINISHED"]
