"""Hydra's own sweepers and launchers, and others, still work: exit codes, tags, the objective handed back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import tracking

ReadRuns = Callable[[Path], Mapping[str, tracking.Run]]

# A sweeper as optuna's: it proposes a batch, looks at the objectives, and proposes the next.
LEARNING_SWEEPER = """
from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper


class LearningSweeper(Sweeper):
    def setup(self, *, hydra_context, task_function, config):
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments):
        batches = [["alpha=0.1"], ["alpha=0.5"]], [["alpha=1.0"], ["alpha=0.05"]]
        number = 0
        for batch in batches:
            jobs = self.launcher.launch([[*arguments, *overrides] for overrides in batch], number)
            number += len(batch)
            print("objectives", *(f"{job.return_value:.4f}" for job in jobs))


ConfigStore.instance().store(
    group="hydra/sweeper", name="learning", node={"_target_": "hydra_plugins.learning.LearningSweeper"}
)
"""


@pytest.mark.heavy
@pytest.mark.parametrize(
    "chosen",
    [("hydra/sweeper=basic",), ("hydra/launcher=basic",), ("hydra/sweeper=basic", "hydra/launcher=basic")],
    ids=" ".join,
)
def test_hydras_basic_ones_run_the_same_points(
    chosen: tuple[str, ...], tmp_path: Path, start_runner: Callable[..., Any], runs_in: ReadRuns
) -> None:
    code, _, err = start_runner(tmp_path, "-m", *chosen, "model=ridge", "alpha=0.1,0.2").end()
    assert code == 0, err
    runs = runs_in(tmp_path).values()
    assert sorted(run.data.params["alpha"] for run in runs) == ["0.1", "0.2"]
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert len({run.data.tags["sweep.id"] for run in runs}) == 1
    assert {run.data.tags["sweep.point"] for run in runs} == {"0", "1"}


@pytest.mark.heavy
def test_a_failing_point_is_the_exit_code_there_too(
    tmp_path: Path, start_runner: Callable[..., Any], runs_in: ReadRuns
) -> None:
    code, _, err = start_runner(
        tmp_path, "-m", "hydra/launcher=basic", "model._target_=estimators.Raises", "alpha=0.1,0.3"
    ).end()
    assert code == 1
    assert "that alpha is too much for me" in err
    assert "Traceback" not in err
    assert sorted(run.info.status for run in runs_in(tmp_path).values()) == ["FAILED", "FINISHED"]


@pytest.mark.heavy
def test_an_optimising_sweeper_gets_the_objectives_of_each_batch(
    tmp_path: Path, start_runner: Callable[..., Any], runs_in: ReadRuns
) -> None:
    (tmp_path / "hydra_plugins").mkdir()
    (tmp_path / "hydra_plugins" / "learning.py").write_text(LEARNING_SWEEPER)
    code, out, err = start_runner(tmp_path, "-m", "hydra/sweeper=learning", "model=ridge").end()
    assert code == 0, err
    runs = runs_in(tmp_path).values()
    by_alpha = {run.data.params["alpha"]: run.data.metrics["rmse_mean"] for run in runs}
    told = [line.split()[1:] for line in out.splitlines() if line.startswith("objectives")]
    expected = [[by_alpha["0.1"], by_alpha["0.5"]], [by_alpha["1.0"], by_alpha["0.05"]]]
    assert told == [[f"{value:.4f}" for value in batch] for batch in expected]
    assert len({run.data.tags["sweep.id"] for run in runs}) == 1
