"""What a later sweep makes of an earlier one: reuse, only new cells, and why a point is stale."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import numpy as np
import pytest
from hydra import initialize_config_dir

import runner
import tracking
from runner.compose.command import config_folder, prepare_hydra
from runner.compose.composer import Composer
from runner.flow import Request, execute


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
            initialize_config_dir(config_dir=str(config_folder()), version_base="1.3", job_name="runner"),
        ):
            execute(Request(asked, "test", sweeps=True), Composer())


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


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


def test_a_failed_point_is_run_again(folder: Folder) -> None:
    (run_id, _) = folder.sweep("alpha=0.1,0.2")
    folder.client.set_terminated(run_id, "FAILED")
    again = folder.sweep("alpha=0.1,0.2", "resume=true")
    assert folder.count() == 3
    assert run_id not in again


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
    assert "1 stale, 1 done: 1 to run." in plan
