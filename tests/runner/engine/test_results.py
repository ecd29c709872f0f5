"""Results do not depend on how points are run, nor on their company; names and folders never collide."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from joblib import register_parallel_backend
from joblib.parallel import BACKENDS

import runner
import tracking
from runner.errors import ConfigError

Scores = Mapping[tuple[str, ...], Mapping[str, list[float]]]


class Folder:
    """A folder with a store of its own, in which sweeps are run from Python."""

    def __init__(self, path: Path) -> None:
        path.mkdir()
        self.path = path
        self.store = f"sqlite:///{path}/runs/tracking.db"
        self.client = tracking.TrackingClient(self.store)

    def sweep(self, *overrides: str) -> list[tracking.Run]:
        with contextlib.chdir(self.path):
            return runner.sweep(overrides, store=self.store)

    def scores(self, *overrides: str) -> Scores:
        """Run a sweep; return every value of every metric but the times, by what tells the runs apart."""
        return {
            (run.data.params["model._target_"], run.data.params["seed"], run.data.params.get("alpha", "")): {
                key: [metric.value for metric in self.client.get_metric_history(run.info.run_id, key)]
                for key in run.data.metrics
                if "seconds" not in key
            }
            for run in self.sweep(*overrides)
        }


MODELS = ("model=lasso,gradient_boosting", "model.max_iter=5")
HOW = {
    "two workers": ("n_jobs=2", "seed=1,2,3"),
    "two fresh interpreters": ("n_jobs=2", "backend=multiprocessing", "seed=1,2,3"),
    "two threads": ("n_jobs=2", "backend=threading", "seed=1,2,3"),
    "another order": ("n_jobs=1", "seed=3,1,2"),
}


@pytest.mark.heavy
def test_results_are_the_same_to_the_last_bit_however_the_points_run(tmp_path: Path) -> None:
    expected = Folder(tmp_path / "serial").scores(*MODELS, "seed=1,2,3", "n_jobs=1")
    assert len(expected) == 6
    assert {len(scores["rmse"]) for scores in expected.values()} == {5}
    for how, overrides in HOW.items():
        assert Folder(tmp_path / how).scores(*MODELS, *overrides) == expected, how
    ((point, alone),) = (
        Folder(tmp_path / "alone").scores("model=gradient_boosting", "model.max_iter=5", "seed=2").items()
    )
    assert alone == expected[point]


@pytest.mark.heavy
def test_points_that_draw_from_the_global_generators_give_the_same_results_in_threads(
    tmp_path: Path, start_runner: Callable[..., Any]
) -> None:
    def scores(how: str) -> dict[str, list[float]]:
        folder = tmp_path / how
        folder.mkdir()
        asked = ("-m", "model._target_=estimators.Draws", "alpha=0.1,0.2,0.3", "seed=1,2", "n_jobs=2")
        code, _, err = start_runner(folder, *asked, f"backend={how}").end()
        assert code == 0, err
        assert ("threads share. This point runs again, alone." in err) == (how == "threading")
        client = tracking.TrackingClient(f"sqlite:///{folder}/runs/tracking.db")
        [experiment] = [found for found in client.search_experiments() if found.name == "ridge"]
        runs = client.search_runs([experiment.experiment_id], "attributes.status = 'FINISHED'")
        assert len(runs) == 6
        return {
            run.info.run_name: [metric.value for metric in client.get_metric_history(run.info.run_id, "rmse")]
            for run in runs
        }

    assert scores("threading") == scores("sequential")


@pytest.mark.heavy
def test_an_estimator_that_writes_into_its_data_does_not_change_the_next_point(tmp_path: Path) -> None:
    writing = ("model=ridge", "model.copy_X=false", "data=synthetic_regression")
    alone = Folder(tmp_path / "alone").scores(*writing, "alpha=1.0")
    together = Folder(tmp_path / "together").scores(*writing, "alpha=0.1,1.0", "n_jobs=1")
    for point, scores in alone.items():
        assert together[point] == scores


EVIL = [
    "a/b",
    "a\\b",
    "../../up",
    "a,b",
    "a b",
    "it's",
    'say "so"',
    "größer",
    "日本語",
    "a=b",
    "{c}",
    "x" * 300,
    "x" * 299 + "y",
    "A/B",
    ".",
    "..",
    "",
]


@pytest.mark.heavy
def test_no_two_points_share_a_name_or_a_folder_whatever_their_values_hold(
    tmp_path: Path,
) -> None:
    folder = Folder(tmp_path / "here")
    values = ",".join("'" + value.replace("'", "\\'") + "'" for value in EVIL)
    runs = folder.sweep(f"+tags.note={values}", "n_jobs=1")

    assert [run.data.tags["note"] for run in runs] == EVIL
    assert len({run.info.run_name for run in runs}) == len(EVIL)
    assert len({run.info.artifact_uri for run in runs}) == len(EVIL)
    for run in runs:
        assert {file.path for file in folder.client.list_artifacts(run.info.run_id)} >= {
            "config.yaml",
            "run.log",
        }
    assert {path.name for path in folder.path.iterdir()} == {"runs"}


@pytest.mark.heavy
def test_the_data_of_a_driver_that_was_killed_is_removed_by_the_next_one(
    tmp_path: Path, start_runner: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = Path(tempfile.mkdtemp(dir="/tmp"))  # a short path: the workers' socket is below it
    monkeypatch.setenv("TMPDIR", str(temporary))
    big = ("data=synthetic_regression", "data.n_samples=2000", "data.n_features=100", "n_jobs=2")
    killed = start_runner(tmp_path, "-m", "model._target_=estimators.Waits", "alpha=0.3,0.4", *big)
    killed.read_until("waiting")
    killed.process.kill()
    killed.end()
    [left] = temporary.glob("runner-data-*")

    code, _, err = start_runner(tmp_path, "-m", "model=ridge", "alpha=0.1,0.2", *big).end()
    assert code == 0, err
    assert not left.exists()
    assert not list(temporary.glob("runner-data-*"))


def test_a_backend_that_lacks_something_says_so_in_one_sentence(tmp_path: Path) -> None:
    def needy(**options: Any) -> None:
        raise ValueError("To use it, first create a Client\n\nlike this: ...")

    register_parallel_backend("needy", needy)
    try:
        with pytest.raises(ConfigError, match=r"^backend=needy: To use it, first create a Client\. Or use"):
            Folder(tmp_path / "here").sweep("model=ridge", "alpha=0.1,0.2", "n_jobs=2", "backend=needy")
    finally:
        del BACKENDS["needy"]


@pytest.mark.heavy
def test_big_data_reaches_workers_as_a_file_that_they_map(tmp_path: Path, start_runner: Callable[..., Any]) -> None:
    big = ("data=synthetic_regression", "data.n_samples=2000", "data.n_features=100")
    code, _, err = start_runner(
        tmp_path, "-m", "model._target_=estimators.Mapped", "alpha=0.3,0.4", "n_jobs=2", *big
    ).end()
    assert code == 0, err
    assert (tmp_path / "all-rows-mapped").exists()
