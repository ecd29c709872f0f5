"""What a later sweep makes of an earlier one: reuse, only new cells, and why a point is stale."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra import initialize_config_dir

import runner
import tracking
from runner.compose.composer import Composer
from runner.compose.folder import config_folder
from runner.compose.session import prepare_hydra, version_base
from runner.flow import execute
from runner.invocation import Invocation
from runner.provenance import capture as provenance
from runner.reproducing.running import find_points
from tracking.records.selection import select_runs
from tracking.records.sweep_search import find_sweep, read_sweeps
from tracking.records.sweeps import Reuse


class Folder:
    """A folder with a table and a store of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = f"sqlite:///{path}/runs/tracking.db"
        self.client = tracking.TrackingClient(self.store)
        self.write_table(seed=0)

    def write_table(self, *, seed: int) -> None:
        rows = np.random.default_rng(seed).normal(size=(40, 3)).round(3)
        lines = ["a,b,target", *(",".join(map(str, row)) for row in rows)]
        (self.path / "table.csv").write_text("\n".join(lines) + "\n")

    def arguments(self, *overrides: str) -> list[str]:
        return ["data=csv", "data.path=table.csv", "data.target=target", "n_jobs=1", *overrides]

    def sweep(self, *overrides: str) -> list[str]:
        with contextlib.chdir(self.path):
            return [run.info.run_id for run in runner.sweep(self.arguments(*overrides), store=self.store)]

    def count(self) -> int:
        experiments = [experiment.experiment_id for experiment in self.client.search_experiments()]
        return len(self.client.search_runs(experiments))

    def dry_run(self, *overrides: str) -> None:
        """Print the plan, as `dry_run=true` does."""
        prepare_hydra()
        asked = (*self.arguments(*overrides), "dry_run=true", f"tracking.uri={self.store}")
        with (
            contextlib.chdir(self.path),
            initialize_config_dir(config_dir=str(config_folder()), job_name="runner", **version_base()),
        ):
            execute(Invocation(asked, "test", sweeps=True), Composer())


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.mark.heavy
def test_a_wider_grid_runs_only_the_new_cells(folder: Folder) -> None:
    first = folder.sweep("model=elasticnet", "alpha=0.1,0.2", "l1_ratio=0.5")
    wider = folder.sweep("model=elasticnet", "alpha=0.1,0.2,0.3", "l1_ratio=0.4,0.5", "resume=true")
    assert folder.count() == 6
    assert len(wider) == 6
    assert [run_id for run_id in wider if run_id in first] == first
    assert folder.sweep("model=elasticnet", "alpha=0.3,0.1", "l1_ratio=0.4", "resume=true") == [
        wider[4],
        wider[0],
    ]
    assert folder.count() == 6


@pytest.mark.heavy
def test_a_failed_point_is_run_again(folder: Folder) -> None:
    (run_id, _) = folder.sweep("alpha=0.1,0.2")
    folder.client.set_terminated(run_id, "FAILED")
    again = folder.sweep("alpha=0.1,0.2", "resume=true")
    assert folder.count() == 3
    assert run_id not in again


@pytest.mark.heavy
def test_changed_data_makes_a_point_stale_and_resume_runs_it(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.sweep("alpha=0.1,0.2")
    folder.write_table(seed=1)
    folder.dry_run("alpha=0.1,0.2,0.3")
    plan = capsys.readouterr().out
    assert "2 stale, 1 new: 3 to run." in plan
    assert plan.count("data changed") == 2
    folder.sweep("alpha=0.1,0.2", "resume=true")
    assert folder.count() == 4


@pytest.mark.heavy
def test_another_version_of_a_package_is_the_reason_given(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    (changed, _) = folder.sweep("alpha=0.1,0.2")
    identity = folder.client.get_run(changed).data.tags["identity"]
    version = json.loads(identity)["environment"]["scikit-learn"]
    older = identity.replace(f'"scikit-learn": "{version}"', '"scikit-learn": "1.0"')
    folder.client.set_tag(changed, "identity", older)
    folder.client.set_tag(changed, "fingerprint", "v1:" + "0" * 32)
    folder.dry_run("alpha=0.1,0.2")
    plan = capsys.readouterr().out
    assert f"scikit-learn 1.0 -> {version}" in plan
    assert "1 stale, 1 done: 2 to run. With resume=true 1 of them is reused." in plan


@pytest.mark.heavy
def test_a_dry_run_counts_what_the_command_without_it_runs(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    folder.sweep("alpha=0.1,0.2")

    folder.dry_run("alpha=0.1,0.2,0.3")
    assert "\n2 done, 1 new: 3 to run. With resume=true 2 of them are reused.\n" in capsys.readouterr().out
    folder.dry_run("alpha=0.1,0.2,0.3", "resume=true")
    assert "\n2 done, 1 new: 1 to run.\n" in capsys.readouterr().out

    folder.sweep("alpha=0.1,0.2,0.3", "resume=true")
    assert folder.count() == 2 + 1
    folder.sweep("alpha=0.1,0.2,0.3")
    assert folder.count() == 2 + 1 + 3


@pytest.mark.heavy
def test_changed_code_that_get_method_finds_is_not_reused_and_named(
    folder: Folder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(folder.path)
    (folder.path / "found.py").write_text("def f(distances):\n    return 1 / (1 + distances) ** 1\n")
    model = ("model=knn", "++model.weights={_target_: hydra.utils.get_method, path: found.f}", "seed=1,2")
    folder.sweep(*model)
    (folder.path / "found.py").write_text("def f(distances):\n    return 1 / (1 + distances) ** 3\n")
    provenance.forget()

    folder.dry_run(*model, "resume=true")

    plan = capsys.readouterr().out
    assert "2 stale" in plan
    assert plan.count("code of found changed") == 2


# The sweep that reuses -----------------------------------------------------------------------------
def members(folder: Folder, reference: str = "latest") -> dict[str, str]:
    """Return the runs of a sweep by the number of their point in it."""
    sweep = find_sweep(folder.client.store, reference)
    return {point: run.info.run_id for point, run in sweep.latest.items()}


@pytest.mark.heavy
def test_a_resumed_sweep_has_its_reused_points_too(folder: Folder) -> None:
    best, *_ = folder.sweep("alpha=0.1,5,9")
    folder.sweep("alpha=9,7,0.1", "resume=true")

    sweep, earlier = read_sweeps(folder.client.store)
    row = sweep.row()
    assert [row[word] for word in ("points", "done", "reused", "missing")] == [3, 1, 2, 0]
    assert sorted(members(folder)) == ["0", "1", "2"]
    assert members(folder)["2"] == best
    assert len(earlier.runs) == 3
    assert earlier.reused == 0
    assert find_points(folder.client, "latest")[1:] == ([run for _, run in sorted(sweep.latest.items())], 0)
    assert {run.info.run_id for run in select_runs(folder.client.store, [], "latest", "", None, tell=print)} == set(
        members(folder).values()
    )


@pytest.mark.heavy
def test_a_sweep_of_reused_points_alone_is_a_sweep(folder: Folder) -> None:
    (single,) = folder.sweep("alpha=0.1")
    runs = folder.sweep("alpha=0.2,0.1")
    again = folder.sweep("alpha=0.1,0.2", "resume=true")
    sweep, *others = read_sweeps(folder.client.store)
    assert len(others) == 2
    assert set(again) <= {single, *runs}
    assert [members(folder)[str(number)] for number in range(2)] == again
    assert sweep.command.startswith("runner.sweep(['data=csv'")
    assert [sweep.row()[word] for word in ("points", "done", "reused", "missing")] == [2, 0, 2, 0]
    assert find_points(folder.client, sweep.id)[2] == 0


def test_a_run_forgets_the_oldest_of_very_many_sweeps_that_reused_it() -> None:
    tags: dict[str, str] = {}
    for number in range(800):
        tags["sweep.also"] = Reuse(f"{number:08x}", 3, 4, 1_700_000_000_000, "runner -m alpha=1,2").noted(tags)
    assert len(tags["sweep.also"]) <= 8000
    assert tags["sweep.also"].endswith("0000031f 3 4 1700000000000 runner -m alpha=1,2")


# What counts as done ----------------------------------------------------------------------------------
def test_a_finished_run_without_its_result_is_not_done(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    (run_id, _) = folder.sweep("alpha=0.1,0.2")
    copy = folder.client.get_run(run_id)
    folder.client.delete_run(run_id)
    empty = folder.client.create_run(copy.info.experiment_id, tags=copy.data.tags)
    folder.client.set_terminated(empty.info.run_id, "FINISHED")
    folder.dry_run("alpha=0.1,0.2")
    plan = capsys.readouterr().out
    assert "1 failed, 1 done: 2 to run. With resume=true 1 of them is reused." in plan
    assert "ended without a result" in plan


@pytest.mark.heavy
def test_the_experiment_that_a_run_is_filed_in_does_not_matter(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    first = folder.sweep("alpha=0.1,0.2")
    folder.dry_run("alpha=0.1,0.2,0.3", "experiment_name=other")
    plan = capsys.readouterr().out
    assert "2 done, 1 new: 3 to run. With resume=true 2 of them are reused." in plan
    assert plan.count("filed in another experiment") == 2
    assert folder.sweep("alpha=0.1,0.2", "experiment_name=other", "resume=true") == first


@pytest.mark.heavy
def test_a_point_that_ended_this_process_is_resumed_in_a_worker(
    tmp_path: Path, start_runner: Callable[..., Any], runs_in: Callable[[Path], dict[str, tracking.Run]]
) -> None:
    asked = ("-m", "model._target_=estimators.Dies", "alpha=0.1,0.3,0.2", "retries=5")
    code, *_ = start_runner(tmp_path, *asked).end()
    assert code == -signal.SIGKILL  # `auto` begins in the process itself

    code, out, err = start_runner(tmp_path, *asked, "resume=true").end()
    assert code == 1
    assert "1 of 3 points ended their process before" in err
    assert (tmp_path / "Dies-0.3").read_text() == "2"
    assert "1 finished, 1 reused, 1 failed" in out
    found = runs_in(tmp_path)
    assert found["ridge alpha=0.3"].data.tags["error"] == "worker died, signal 9"
    assert found["ridge alpha=0.2"].info.status == "FINISHED"


# Two at once -----------------------------------------------------------------------------------------
RESUMED = ("-m", "model._target_=estimators.Spins", "alpha=0.3,0.4", "n_jobs=1", "resume=true")


@pytest.mark.heavy
def test_two_sweeps_that_resume_the_same_points_at_once_share_them(
    tmp_path: Path, start_runner: Callable[..., Any], client_in: Callable[[Path], tracking.TrackingClient]
) -> None:
    first = start_runner(tmp_path, *RESUMED)
    first.read_until("waiting")  # in the first point
    second = start_runner(tmp_path, *RESUMED)
    second.read_until("waiting")  # in the second
    (tmp_path / "go").touch()
    code, out, _ = second.end()
    other_code, other_out, _ = first.end()

    assert (code, other_code) == (0, 0)
    assert "1 finished" in out
    assert "1 finished" in other_out
    runs = client_in(tmp_path).search_runs(["1"])
    assert sorted(run.info.run_name for run in runs) == ["ridge alpha=0.3", "ridge alpha=0.4"]
    assert {run.info.status for run in runs} == {"FINISHED"}


@pytest.mark.heavy
def test_points_of_another_sweep_that_still_runs_are_left_to_it(
    tmp_path: Path, start_runner: Callable[..., Any], client_in: Callable[[Path], tracking.TrackingClient]
) -> None:
    first = start_runner(tmp_path, *RESUMED)
    first.read_until("waiting")
    (code, out, _) = start_runner(tmp_path, *RESUMED[:2], "alpha=0.1,0.3", *RESUMED[3:]).end()

    assert code == 0
    assert "1 finished, 1 running in another sweep in" in out
    assert out.endswith(" resume=true\n")
    (tmp_path / "go").touch()
    assert first.end()[0] == 0
    assert len(client_in(tmp_path).search_runs(["1"])) == 3


@pytest.mark.heavy
def test_what_a_killed_sweep_was_running_is_run_by_the_next(
    tmp_path: Path, start_runner: Callable[..., Any], client_in: Callable[[Path], tracking.TrackingClient]
) -> None:
    killed = start_runner(tmp_path, *RESUMED)
    killed.read_until("waiting")
    killed.send(signal.SIGKILL)
    killed.end()
    (tmp_path / "go").touch()

    code, out, _ = start_runner(tmp_path, *RESUMED).end()

    assert code == 0
    assert "2 finished in" in out
    statuses = [run.info.status for run in client_in(tmp_path).search_runs(["1"])]
    assert sorted(statuses) == ["FINISHED", "FINISHED", "KILLED"]
