"""Workers start early where a sweep is sure to need them, run no script twice, and never outlive their driver."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import tracking
from runner.engine.processes import asks_for_workers

SCRIPT = """
import runner

with open("times", "a") as file:
    file.write("once\\n")
runner.sweep(["model=ridge", "alpha=0.1,0.2", "n_jobs=2", "backend={backend}"])
"""


@pytest.mark.parametrize("typed", ["-m alpha=1,2 n_jobs=2", "n_jobs=-1 --multirun", "-m n_jobs=12 model=svr"])
def test_a_sweep_that_asks_for_several_is_sure_to_need_workers(typed: str) -> None:
    assert asks_for_workers(shlex.split(typed))


@pytest.mark.parametrize(
    "typed",
    [
        "alpha=1 n_jobs=2",
        "-m alpha=1,2",
        "-m n_jobs=1",
        "-m n_jobs=auto",
        "-m n_jobs=2 dry_run=true",
        "-m n_jobs=2 resume=true",
        "-m n_jobs=2 backend=threading",
        "-m n_jobs=2 threads_per_run=2",
        "-m n_jobs=2 hydra/launcher=basic",
        "-m n_jobs=2 --cfg job",
    ],
)
def test_anything_else_may_do_without_them(typed: str) -> None:
    assert not asks_for_workers(shlex.split(typed))


@pytest.mark.heavy
@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])
def test_a_script_without_a_main_guard_is_not_run_again_in_the_workers(backend: str, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT.format(backend=backend))
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "times").read_text() == "once\n"


@pytest.mark.heavy
@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])
def test_workers_end_with_a_driver_that_is_killed_together_with_the_fork_server(
    backend: str,
    tmp_path: Path,
    start_runner: Callable[..., Any],
    runs_in: Callable[[Path], Mapping[str, tracking.Run]],
) -> None:
    asked = ("-m", "model._target_=estimators.Waits", "alpha=0.3,0.4", "n_jobs=2", f"backend={backend}")
    runner = start_runner(tmp_path, *asked)
    runner.read_until("waiting")
    runner.send(signal.SIGKILL)  # to the process group: the workers have groups of their own
    runner.end()  # returns only when the workers have ended too: they hold its stdout
    assert {run.info.status for run in runs_in(tmp_path).values()} == {"KILLED"}


@pytest.mark.heavy
def test_workers_record_in_the_store_that_the_config_names(
    tmp_path: Path, start_runner: Callable[..., Any], client_in: Callable[[Path], tracking.TrackingClient]
) -> None:
    (tmp_path / "other").mkdir()
    uri = f"tracking.uri=sqlite:///{tmp_path}/other/runs/tracking.db"
    code, _, err = start_runner(tmp_path, "-m", "model=ridge", "alpha=0.1,0.2", "n_jobs=2", uri).end()
    assert code == 0, err
    client = client_in(tmp_path / "other")
    [experiment] = [found for found in client.search_experiments() if found.name == "ridge"]
    assert len(client.search_runs([experiment.experiment_id])) == 2
    assert not (tmp_path / "runs").exists()
