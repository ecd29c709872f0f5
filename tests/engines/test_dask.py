"""engine=dask with a real scheduler and real workers, each a process of its own, which are killed."""

from __future__ import annotations

import os
import platform
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import runner
import tracking
from runner.__main__ import main
from runner.provenance.capture import forget

pytest.importorskip("distributed", reason="needs the extra: pip install 'experiment-runner[dask]'")

pytestmark = pytest.mark.heavy

Start = Callable[..., Any]
ReadRuns = Callable[[], list[tracking.Run]]


@pytest.fixture
def scheduler(start: Start) -> tuple[Any, str]:
    """Start a scheduler; return its process and address."""
    process = start("-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    return process, process.read_until("Scheduler at:")


@pytest.fixture
def start_worker(start: Start, scheduler: tuple[Any, str]) -> Start:
    """Give a function that starts a worker process; one with a nanny comes back when it is killed."""

    def start_one(*, nanny: bool = False, **variables: str) -> Any:
        words = ("-m", "distributed.cli.dask_worker", scheduler[1], "--nthreads", "1", "--no-dashboard")
        worker = start(*words, "--nanny" if nanny else "--no-nanny", **variables)
        worker.read_until("Registered to:")
        return worker

    return start_one


def bits_of_model(client: tracking.TrackingClient, run_id: str) -> list[bytes]:
    """Return the numbers of a linear model that was recorded. Its pickle may name a shared text once or twice."""
    scaler, model = (step for _, step in tracking.load_model(client.artifact_dir(run_id) / "model").steps)
    return [np.asarray(part).tobytes() for part in (scaler.mean_, scaler.scale_, model.coef_, model.intercept_)]


def test_the_records_are_those_of_this_machine_to_the_last_bit(
    scheduler: tuple[Any, str], start_worker: Start, runs: ReadRuns
) -> None:
    start_worker()
    start_worker()
    sweep = ["model=ridge,elasticnet", "alpha=0.1,0.2,0.3", "prepare=standard"]

    assert main(["-m", "engine=dask", f"engine.address={scheduler[1]}", *sweep]) == 0

    far = {run.info.run_name: run for run in runs()}
    near = {run.info.run_name: run for run in runner.sweep([*sweep, "n_jobs=1"], store="sqlite:///near/tracking.db")}
    there, here = (tracking.TrackingClient(f"sqlite:///{folder}/tracking.db") for folder in ("runs", "near"))
    assert far.keys() == near.keys()
    assert len({run.data.tags["worker"] for run in far.values()}) == 2
    for name, run in far.items():
        one, other = run.info.run_id, near[name].info.run_id
        timed = ("fit_seconds", "score_seconds")
        assert {key: value for key, value in run.data.metrics.items() if not key.startswith(timed)} == {
            key: value for key, value in near[name].data.metrics.items() if not key.startswith(timed)
        }
        assert run.data.params == near[name].data.params
        for metric in ("rmse", "mae", "r2"):
            assert [(p.step, p.value) for p in there.get_metric_history(one, metric)] == [
                (p.step, p.value) for p in here.get_metric_history(other, metric)
            ]
        for tag in ("fingerprint", "identity", "fingerprint.environment", "python", "blas", "threads"):
            assert run.data.tags.get(tag) == near[name].data.tags.get(tag), tag
        for file in ("model/input_example.json", "model/requirements.txt"):
            assert (there.artifact_dir(one) / file).read_bytes() == (here.artifact_dir(other) / file).read_bytes()
        assert bits_of_model(there, one) == bits_of_model(here, other)
        assert there.list_blobs(one) == here.list_blobs(other)
        for blob in there.list_blobs(one):
            assert there.get_blobs([one], blob)[one] == here.get_blobs([other], blob)[other]


def test_a_point_whose_worker_is_killed_runs_again_and_each_is_recorded_once(
    scheduler: tuple[Any, str], start_worker: Start, estimators: Path, runs: ReadRuns
) -> None:
    for _ in range(2):
        start_worker(nanny=True)
    asked = ["model._target_=odd.DiesOnce", "alpha=0.1,0.2,0.3,0.4,0.5,0.6"]

    assert main(["-m", "engine=dask", f"engine.address={scheduler[1]}", *asked]) == 0

    assert sorted(run.data.params["alpha"] for run in runs()) == ["0.1", "0.2", "0.3", "0.4", "0.5", "0.6"]
    assert {run.info.status for run in runs()} == {"FINISHED"}
    assert (estimators / "once-0.3.2").exists()


def test_a_point_that_kills_three_workers_has_failed_and_the_others_have_not(
    scheduler: tuple[Any, str], start_worker: Start, estimators: Path, runs: ReadRuns, capsys: Any
) -> None:
    for _ in range(2):
        start_worker(nanny=True)
    asked = ["model._target_=odd.Dies", "alpha=0.1,0.2,0.3,0.25"]

    assert main(["-m", "engine=dask", f"engine.address={scheduler[1]}", *asked]) == 1

    by_alpha = {run.data.params["alpha"]: run for run in runs()}
    assert len(runs()) == 4
    assert {alpha: run.info.status for alpha, run in by_alpha.items()} == {
        "0.1": "FINISHED",
        "0.2": "FINISHED",
        "0.25": "FINISHED",
        "0.3": "FAILED",
    }
    assert sorted(path.name for path in estimators.glob("died-*")) == ["died-0.3.1", "died-0.3.2", "died-0.3.3"]
    assert "3 workers died while it was on them" in capsys.readouterr().err


def test_without_its_scheduler_a_sweep_ends_with_one_sentence_and_another_one_runs_the_rest(
    scheduler: tuple[Any, str], start_worker: Start, start: Start, estimators: Path, runs: ReadRuns, capsys: Any
) -> None:
    start_worker()
    (estimators / "victim").write_text(str(scheduler[0].process.pid))
    (estimators / "signal").write_text(str(int(signal.SIGKILL)))
    asked = ["model._target_=odd.Kills", "alpha=0.1,0.2,0.3"]

    assert main(["-m", "engine=dask", f"engine.address={scheduler[1]}", *asked]) == 1

    said = capsys.readouterr().err.splitlines()
    assert [line for line in said if line.startswith("error")] == [
        f"error: the dask scheduler at {scheduler[1]} is gone. What had ended is recorded; to run the rest, start a"
        " scheduler and repeat the command with resume=true"
    ]
    assert not any("Traceback" in line for line in said)
    before = {run.info.run_id: run.info.status for run in runs()}
    assert set(before.values()) == {"FINISHED"}

    (estimators / "victim").unlink()
    assert main(["-m", "resume=true", *asked, "n_jobs=1"]) == 0
    assert {run.data.params["alpha"] for run in runs()} == {"0.1", "0.2", "0.3"}


def test_after_its_driver_was_killed_resume_runs_the_rest_and_each_point_is_recorded_once(
    scheduler: tuple[Any, str], start_worker: Start, estimators: Path, runs: ReadRuns
) -> None:
    worker = start_worker()
    (estimators / "signal").write_text(str(int(signal.SIGKILL)))
    asked = ["-m", "engine=dask", f"engine.address={scheduler[1]}", "model._target_=odd.Kills", "alpha=0.1,0.2,0.3"]
    driver = shlex.join([sys.executable, "-m", "runner", *asked])

    ended = subprocess.run(["sh", "-c", f"echo $$ > victim; exec {driver}"], cwd=estimators, check=False)
    assert ended.returncode == -signal.SIGKILL

    (estimators / "victim").unlink()
    worker.kill()  # it still waits in the point that killed
    start_worker()
    assert main([*asked, "resume=true"]) == 0
    assert sorted(run.data.params["alpha"] for run in runs() if run.info.status == "FINISHED") == ["0.1", "0.2", "0.3"]


def test_ctrl_c_takes_back_what_is_queued_and_resume_runs_it(
    scheduler: tuple[Any, str], start_worker: Start, estimators: Path, runs: ReadRuns
) -> None:
    start_worker()
    (estimators / "victim").write_text(str(os.getpid()))
    (estimators / "signal").write_text(str(int(signal.SIGINT)))
    asked = ["model._target_=odd.Kills", "alpha=0.1,0.2,0.3,0.15,0.25"]

    assert main(["-m", "engine=dask", f"engine.address={scheduler[1]}", *asked]) == 130

    ended = {run.data.params["alpha"]: run.info.status for run in runs()}
    assert ended["0.3"] == "KILLED"
    assert "0.25" not in ended
    assert (estimators / "killed.1").exists()


@pytest.mark.skipif(platform.machine() != "x86_64", reason="OpenBLAS has other kernels there")
def test_a_worker_with_another_blas_is_refused_naming_both_sides_or_taken_and_told(
    scheduler: tuple[Any, str], start_worker: Start, runs: ReadRuns, capsys: Any
) -> None:
    start_worker(OPENBLAS_CORETYPE="Nehalem")
    asked = ["-m", "engine=dask", f"engine.address={scheduler[1]}", "model=ridge", "alpha=0.1,0.2"]

    assert main(asked) == 2
    said = capsys.readouterr().err
    assert "BLAS" in said
    assert "Nehalem" in said
    assert "engine.mixed=true" in said
    assert runs() == []

    assert main([*asked, "engine.mixed=true"]) == 0
    assert all("Nehalem" in run.data.tags["blas"] for run in runs())


def test_modules_beside_the_configs_reach_the_workers_and_a_changed_one_replaces_them(
    scheduler: tuple[Any, str], start_worker: Start, estimators: Path, runs: ReadRuns
) -> None:
    start_worker()  # in another folder, which has neither the module nor the config
    (estimators / "my_conf" / "model").mkdir(parents=True)
    (estimators / "my_conf" / "model" / "mine.yaml").write_text("_target_: odd.Plain\nalpha: 0.5\n")
    asked = ["--config-dir", "my_conf", "-m", "engine=dask", f"engine.address={scheduler[1]}", "model=mine"]

    assert main([*asked, "model.alpha=0.5,0.6"]) == 0
    module = estimators / "odd.py"
    module.write_text(module.read_text().replace("fitted-", "changed-"))
    forget()  # as a new process would look at it
    assert main([*asked, "model.alpha=0.7,0.8"]) == 0

    assert {run.info.status for run in runs()} == {"FINISHED"}
    assert (estimators / "fitted-0.5.1").exists()
    assert (estimators / "changed-0.7.1").exists()
    assert not (estimators / "fitted-0.7.1").exists()


def test_a_big_frame_from_python_is_sent_over_sockets(scheduler: tuple[Any, str], start_worker: Start) -> None:
    start_worker()
    start_worker()
    values = np.random.default_rng(0).normal(size=(40_000, 6))
    frame = pd.DataFrame(values, columns=list("abcdey"))
    asked = ["engine=dask", f"engine.address={scheduler[1]}", "model=ridge", "alpha=0.1,0.2,0.3,0.4", "cv.n_splits=2"]

    runs = runner.sweep(asked, data=frame, target="y")

    assert [run.info.status for run in runs] == ["FINISHED"] * 4


def test_a_cluster_is_made_for_the_sweep_and_gone_after_it(runs: ReadRuns) -> None:
    cluster = "engine.cluster={_target_: distributed.LocalCluster, n_workers: 1, threads_per_worker: 1}"

    assert main(["-m", "engine=dask", cluster, "model=ridge", "alpha=0.1,0.2"]) == 0

    assert len({run.data.tags["worker"] for run in runs()}) == 1
    (worker,) = {run.data.tags["worker"] for run in runs()}
    with pytest.raises(ProcessLookupError):
        os.kill(int(worker.rpartition(":")[2]), 0)


def test_backend_dask_means_the_engine(runs: ReadRuns) -> None:
    assert main(["-m", "backend=dask", "n_jobs=1", "model=ridge", "alpha=0.1,0.2"]) == 0

    assert {run.data.tags["backend"] for run in runs()} == {"dask"}
    assert all(run.data.tags["worker"] for run in runs())


def test_an_address_where_nothing_answers_is_one_message(capsys: Any) -> None:
    assert main(["-m", "engine=dask", "engine.address=tcp://127.0.0.1:9", "model=ridge", "alpha=0.1,0.2"]) == 2

    said = capsys.readouterr().err
    assert "engine.address=tcp://127.0.0.1:9: no dask scheduler answers there" in said
    assert "Traceback" not in said
