"""What goes wrong in one point stays in that point: real exceptions, real deaths, real time limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import tracking

Runs = Mapping[str, tracking.Run]


@dataclass(frozen=True)
class Ended:
    """A sweep that has come to its end."""

    folder: Path
    code: int
    out: str
    err: str
    runs: Runs
    client: tracking.TrackingClient

    def run(self, alpha: float) -> tracking.Run:
        return self.runs[f"ridge alpha={alpha:g}"]

    def error(self, alpha: float) -> str:
        return self.run(alpha).data.tags["error"]

    def log(self, alpha: float) -> str:
        return Path(self.client.download_artifacts(self.run(alpha).info.run_id, "run.log")).read_text()

    def trace(self, alpha: float) -> str:
        return Path(self.client.download_artifacts(self.run(alpha).info.run_id, "traceback.txt")).read_text()


@pytest.fixture(scope="module")
def sweep(
    tmp_path_factory: pytest.TempPathFactory,
    start_runner: Callable[..., Any],
    runs_in: Callable[[Path], Runs],
    client_in: Callable[[Path], tracking.TrackingClient],
) -> Callable[..., Ended]:
    def run(*arguments: str) -> Ended:
        folder = tmp_path_factory.mktemp("sweep")
        code, out, err = start_runner(folder, *arguments).end()
        if code == 2:  # there may be no store to look into
            return Ended(folder, code, out, err, {}, client_in(folder))
        return Ended(folder, code, out, err, runs_in(folder), client_in(folder))

    return run


BACKENDS = {
    "this process": ("n_jobs=1",),
    "workers": ("n_jobs=2",),
    "interpreters": ("n_jobs=2", "backend=multiprocessing"),
    "threads": ("n_jobs=2", "backend=threading"),
}
every_backend = pytest.mark.parametrize("how", BACKENDS.values(), ids=BACKENDS)


@pytest.mark.heavy
@every_backend
def test_whatever_an_estimator_does_is_the_matter_of_its_point(
    sweep: Callable[..., Ended], how: tuple[str, ...]
) -> None:
    alphas = "0.1,0.3,0.31,0.32,0.33,0.34,0.35,0.36,0.37,0.38,0.39,0.4,0.2"
    ended = sweep("-m", "model._target_=estimators.Nasty", f"alpha={alphas}", *how)
    assert ended.code == 1, ended.err
    assert "Traceback" not in ended.err
    assert "7 finished, 6 failed" in ended.out
    finished = {name for name, run in ended.runs.items() if run.info.status == "FINISHED"}
    assert finished == {f"ridge alpha={alpha:g}" for alpha in (0.1, 0.2, 0.33, 0.34, 0.35, 0.36, 0.4)}
    assert ended.error(0.3) == "Own: mine"
    assert ended.error(0.31) == "Mute: its text cannot be had, ValueError in __str__"
    assert ended.error(0.32) == "ValueError: \\ud800"
    assert "\\ud800" in ended.log(0.33)
    assert ended.run(0.34).data.tags["warnings"] == "UserWarning: \\ud800"
    assert "ridge alpha=0.37: RunDeleted: " in ended.out  # its run is in the trash, as it asked
    assert "ridge alpha=0.37" not in ended.runs
    assert ended.error(0.38) == "GeneratorExit"
    assert ended.error(0.39) == "KeyboardInterrupt"


@pytest.mark.heavy
@every_backend
@pytest.mark.parametrize(
    ("estimator", "said"), [("Vanishes", "was removed while points were recorded there"), ("Fills", "No space left")]
)
def test_a_store_that_is_full_or_gone_ends_the_sweep_with_one_sentence(
    sweep: Callable[..., Ended], how: tuple[str, ...], estimator: str, said: str
) -> None:
    ended = sweep("-m", f"model._target_=estimators.{estimator}", "alpha=0.1,0.3,0.2,0.15", *how)
    assert ended.code == 2
    assert "Traceback" not in ended.err
    [line] = [line for line in ended.err.splitlines() if line.startswith("error: ")]
    assert said in line


@pytest.fixture(scope="module")
def troubled(sweep: Callable[..., Ended]) -> Ended:
    """Run seven points with two workers: one raises, one dies, one never ends, one exits, one gives NaN."""
    return sweep(
        "-m",
        "model._target_=estimators.Troubled",
        "alpha=0.1,0.3,0.4,0.5,0.6,0.7,0.2",
        "n_jobs=2",
        "timeout_per_point=5",
    )


@pytest.mark.heavy
def test_the_points_that_are_sound_are_finished(troubled: Ended) -> None:
    finished = {name for name, run in troubled.runs.items() if run.info.status == "FINISHED"}
    assert finished == {"ridge alpha=0.1", "ridge alpha=0.2"}
    assert len(troubled.runs) == 7


def test_an_exception_is_kept_with_its_traceback(troubled: Ended) -> None:
    assert troubled.run(0.3).info.status == "FAILED"
    assert troubled.error(0.3) == "ValueError: that alpha is too much for me"
    assert "in misbehave" in troubled.trace(0.3)


def test_a_dead_worker_fails_only_the_point_it_was_in(troubled: Ended) -> None:
    assert troubled.run(0.4).info.status == "FAILED"
    assert troubled.error(0.4) == "worker died, signal 9"
    assert "worker died, signal 9" in troubled.trace(0.4)


def test_a_point_that_takes_too_long_has_failed(troubled: Ended) -> None:
    assert troubled.run(0.5).info.status == "FAILED"
    assert troubled.error(0.5).startswith("ran out of time: timeout_per_point=5")


def test_an_estimator_that_exits_fails_its_point(troubled: Ended) -> None:
    assert troubled.run(0.6).info.status == "FAILED"
    assert troubled.error(0.6) == "SystemExit: 3"


def test_an_objective_that_is_not_a_number_is_a_failure(troubled: Ended) -> None:
    assert troubled.run(0.7).info.status == "FAILED"
    assert "nan" in troubled.error(0.7).lower() or "NaN" in troubled.error(0.7)


def test_failures_are_told_when_they_happen_and_listed_at_the_end(troubled: Ended) -> None:
    assert troubled.code == 1
    for alpha in (0.3, 0.4, 0.5, 0.6, 0.7):
        told = f"ridge alpha={alpha:g}: {troubled.error(alpha)[:30]}"
        assert told in troubled.err
        assert told in troubled.out
    assert "2 finished, 5 failed" in troubled.out


@pytest.mark.heavy
def test_fail_fast_stops_at_the_first_failure(sweep: Callable[..., Ended]) -> None:
    ended = sweep("-m", "model._target_=estimators.Raises", "alpha=0.1,0.3,0.2", "fail_fast=true", "n_jobs=1")
    assert ended.code == 1
    assert set(ended.runs) == {"ridge alpha=0.1", "ridge alpha=0.3"}
    assert "1 finished, 1 failed, 1 not run" in ended.out


@pytest.mark.heavy
def test_fail_fast_stops_threads_before_another_point_starts(sweep: Callable[..., Ended]) -> None:
    asked = ("-m", "model._target_=estimators.Troubled", "alpha=0.3,0.5,0.1,0.2,0.15,0.25")  # 0.5 never ends
    ended = sweep(*asked, "fail_fast=true", "backend=threading", "n_jobs=2")
    assert ended.code == 1
    assert {name: run.info.status for name, run in ended.runs.items()} == {
        "ridge alpha=0.3": "FAILED",
        "ridge alpha=0.5": "KILLED",
    }
    assert "1 failed, 1 ended early, 4 not run" in ended.out


@pytest.mark.heavy
def test_a_flaky_point_is_tried_again_and_a_deadly_one_only_twice(sweep: Callable[..., Ended]) -> None:
    flaky = sweep("-m", "model._target_=estimators.RaisesOnce", "alpha=0.1,0.3", "retries=1", "n_jobs=1")
    assert flaky.code == 0
    assert "failed, trying again: ridge alpha=0.3: ValueError: not yet" in flaky.err
    assert flaky.run(0.3).info.status == "FINISHED"
    assert flaky.run(0.3).data.tags["attempt"] == "2"

    deadly = sweep("-m", "model._target_=estimators.Dies", "alpha=0.1,0.3,0.2", "retries=5", "n_jobs=2")
    assert deadly.code == 1
    assert (deadly.folder / "Dies-0.3").read_text() == "2"
    assert {deadly.run(alpha).info.status for alpha in (0.1, 0.2)} == {"FINISHED"}
