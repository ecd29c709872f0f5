"""A server as mirror, without one: nothing waits, nothing fails, and what is missing there is said."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

import tracking
from runner.cli import main as runner_main
from tracking.stores import current_server, current_uri

SCRIPT = """
import tracking as mlflow
mlflow.set_tracking_uri({uri!r})
with mlflow.start_run(run_name="mine"):
    mlflow.log_metric("rmse", 0.5)
print(mlflow.last_active_run().info.status)
"""


@pytest.fixture
def nobody() -> str:
    """Return the address of a server that is not there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def test_a_server_leaves_the_store_where_it_was(nobody: str) -> None:
    before = current_uri()

    tracking.set_tracking_uri(nobody)

    assert current_uri() == before
    assert current_server() == nobody


def test_a_store_that_is_chosen_afterwards_ends_the_mirror(nobody: str) -> None:
    tracking.set_tracking_uri(nobody)

    tracking.set_tracking_uri("sqlite:///other.db")

    assert current_server() is None


def test_the_environment_names_a_mirror_until_a_store_is_chosen(nobody: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", nobody)
    assert current_server() == nobody
    assert current_uri().startswith("sqlite:///")

    tracking.set_tracking_uri("sqlite:///other.db")

    assert current_server() is None


def test_a_script_goes_on_without_its_server_and_says_what_is_missing(nobody: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(uri=nobody)], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (0, "FINISHED\n")
    assert f"1 run is not on {nobody} yet. No answer from {nobody}" in done.stderr
    assert f"To send what is missing: python -m tracking push {nobody}" in done.stderr


@pytest.mark.heavy
def test_a_sweep_goes_on_without_its_server_and_says_what_is_missing(
    nobody: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with_password = nobody.replace("//", "//me:hunter2@")

    code = runner_main(["-m", "tracking=mlflow", f"tracking.server={with_password}", "alpha=0.1,0.5", "n_jobs=1"])

    said = capfd.readouterr()
    assert code == 0
    assert "2 finished" in said.out
    (run, _) = tracking.search_runs(search_all_experiments=True, output_format="list")
    assert f"2 runs are not on {nobody} yet." in said.err
    assert f"python -m tracking push {nobody} --sweep {run.data.tags['sweep.id']}" in said.err
    assert "hunter2" not in said.out + said.err


def test_what_is_no_address_is_refused_before_anything_runs(capfd: pytest.CaptureFixture[str]) -> None:
    assert runner_main(["tracking=mlflow", "tracking.server=localhost:5000"]) == 2

    assert (
        "tracking.server=localhost:5000: 'localhost:5000' is no address of an MLflow server" in capfd.readouterr().err
    )
    assert not Path("runs").exists()
