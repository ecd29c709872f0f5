"""A sweep that is interrupted or killed loses nothing: real signals to real processes."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import tracking

ROOT = Path(__file__).resolve().parents[3]
Runs = Mapping[str, tracking.Run]
ReadRuns = Callable[[Path], Runs]


def statuses(runs: Runs) -> dict[str, str]:
    return {name.removeprefix("ridge alpha="): run.info.status for name, run in runs.items()}


def recorded_statuses(folder: Path) -> set[str]:
    """Return what stands in the store itself, before anybody judges who is alive."""
    with sqlite3.connect(folder / "runs" / "tracking.db") as connection:
        return {status for (status,) in connection.execute("SELECT DISTINCT status FROM runs")}


@pytest.mark.heavy
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_a_sweep_in_one_process(
    tmp_path: Path, start_runner: Callable[..., Any], runs_in: ReadRuns, number: int
) -> None:
    runner = start_runner(tmp_path, "-m", "model._target_=estimators.Waits", "alpha=0.1,0.3,0.2", "n_jobs=1")
    runner.read_until("waiting")
    runner.send(number)
    code, out, _ = runner.end()

    assert code == 128 + number
    assert statuses(runs_in(tmp_path)) == {"0.1": "FINISHED", "0.3": "KILLED"}
    assert recorded_statuses(tmp_path) == {"FINISHED", "KILLED"}
    assert "ridge alpha=0.1" in out
    assert "1 finished, 1 ended early, 1 not run" in out
    assert "resume=true" in out


@pytest.mark.heavy
def test_an_interrupt_kills_workers_that_do_not_listen(
    tmp_path: Path, start_runner: Callable[..., Any], runs_in: ReadRuns
) -> None:
    runner = start_runner(tmp_path, "-m", "model._target_=estimators.Deaf", "alpha=0.1,0.3,0.4,0.2,0.15", "n_jobs=2")
    runner.read_until("waiting")
    runner.send(signal.SIGINT)
    code, out, _ = runner.end()  # returns only when the workers have let go of stdout too

    assert code == 130
    found = statuses(runs_in(tmp_path))
    assert found["0.1"] == "FINISHED"
    assert "KILLED" in (found["0.3"], found.get("0.4"))
    assert recorded_statuses(tmp_path) == {"FINISHED", "KILLED"}
    assert "ridge alpha=0.1" in out
    assert "ended early" in out


@pytest.mark.heavy
@pytest.mark.parametrize(("number", "estimator"), [(signal.SIGINT, "Waits"), (signal.SIGTERM, "Spins")])
def test_an_interrupt_ends_the_points_of_threads_and_resume_runs_them(
    tmp_path: Path, start_runner: Callable[..., Any], runs_in: ReadRuns, number: int, estimator: str
) -> None:
    asked = ("-m", f"model._target_=estimators.{estimator}", "alpha=0.1,0.3,0.2", "n_jobs=2", "backend=threading")
    runner = start_runner(tmp_path, *asked)
    runner.read_until("waiting")
    runner.send(number)
    code, out, _ = runner.end()

    assert code == 128 + number
    assert statuses(runs_in(tmp_path))["0.3"] == "KILLED"
    assert recorded_statuses(tmp_path) == {"FINISHED", "KILLED"}
    assert "1 ended early" in out
    assert "ridge alpha=0.3: interrupted" in out

    (tmp_path / "go").touch()
    code, out, err = start_runner(tmp_path, *asked, "resume=true").end()
    assert code == 0, err
    assert statuses(runs_in(tmp_path)) == {"0.1": "FINISHED", "0.3": "FINISHED", "0.2": "FINISHED"}


KILLED = ("-m", "model._target_=estimators.Waits", "n_jobs=2")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, start_runner: Callable[..., Any]) -> Path:
    """Kill a sweep when some points are done and at least one worker is in the middle of another."""
    folder: Path = tmp_path_factory.mktemp("killed")
    runner = start_runner(folder, *KILLED, "alpha=0.1,0.15,0.2,0.3,0.4,0.25")
    runner.read_until("waiting")
    runner.process.kill()  # the parent alone: nobody is left to tell the workers
    runner.end()  # returns only when the workers have ended too: they hold its stdout
    return folder


@pytest.mark.heavy
def test_every_point_that_had_finished_is_complete(
    folder: Path, runs_in: ReadRuns, client_in: Callable[[Path], tracking.TrackingClient]
) -> None:
    found = statuses(runs_in(folder))
    finished = {alpha for alpha, status in found.items() if status == "FINISHED"}
    assert finished  # which of them depends on the two workers: the first may still compute
    assert {found[alpha] for alpha in found.keys() - finished} == {"KILLED"}
    for alpha in finished:
        run = runs_in(folder)[f"ridge alpha={alpha}"]
        names = {file.path for file in client_in(folder).list_artifacts(run.info.run_id)}
        assert names >= {"config.yaml", "overrides.yaml", "environment.txt", "run.log", "model"}
        assert run.data.metrics.keys() >= {"rmse", "rmse_mean", "rmse_std", "mae_mean", "r2_mean"}
        assert len(client_in(folder).get_metric_history(run.info.run_id, "rmse")) == 5
        assert run.data.params["alpha"] == alpha


@pytest.mark.heavy
def test_the_store_is_sound_but_for_the_runs_that_were_killed(folder: Path, runs_in: ReadRuns) -> None:
    killed = list(statuses(runs_in(folder)).values()).count("KILLED")

    def check(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tracking", "check", *options],
            cwd=folder,
            env={"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )

    found = check()
    assert found.stdout.count("stale run") == killed
    assert f"{killed} found" in found.stderr
    check("--fix")
    assert check().returncode == 0


@pytest.mark.heavy
def test_resume_runs_exactly_what_is_missing(folder: Path, start_runner: Callable[..., Any], runs_in: ReadRuns) -> None:
    before = runs_in(folder)
    finished = {name for name, run in before.items() if run.info.status == "FINISHED"}
    (folder / "go").touch()

    code, out, err = start_runner(folder, *KILLED, "alpha=0.1,0.15,0.2,0.3,0.4,0.25,0.5", "resume=true").end()

    assert code == 0, err
    after = runs_in(folder)
    assert {run.info.status for run in after.values()} == {"FINISHED"}
    assert len(after) == 7
    assert all(after[name].info.run_id == before[name].info.run_id for name in finished)
    assert f"{7 - len(finished)} finished, {len(finished)} reused" in out
    assert f"{len(finished)} of 7 points " in err
    assert "done already" in err
