"""`import runner`: run, sweep and reproduce from Python, and what they leave untouched."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

import runner
import tracking
from runner.compose.session import version_base
from runner.errors import ConfigError, DataError, NotReproducible, PointFailed
from runner.provenance import capture as provenance
from runner.settings import Settings
from tracking import TrackingError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Begin in an empty folder that modules are imported from, with no store chosen."""
    for variable in [name for name in os.environ if name.startswith(("MLFLOW_", "TRACKING_"))]:
        monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    tracking.reset()
    provenance.forget()
    yield tmp_path
    while tracking.active_run():
        tracking.end_run()
    tracking.reset()


def test_a_run_returns_what_was_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    run = runner.run(["model=ridge", "alpha=0.1"])

    assert run.info.status == "FINISHED"
    assert run.info.run_name == "ridge alpha=0.1"
    assert run.data.params["model.alpha"] == "0.1"
    assert run.data.metrics["rmse_mean"] == pytest.approx(54.8, abs=0.1)
    assert "sweep.id" not in run.data.tags
    assert capsys.readouterr() == ("", "")


@pytest.mark.heavy
def test_a_sweep_returns_its_runs_in_the_order_of_the_points() -> None:
    runs = runner.sweep(["model=ridge,lasso", "alpha=0.1,1"])

    names = [run.info.run_name for run in runs]
    assert names == ["ridge alpha=0.1", "ridge alpha=1", "lasso alpha=0.1", "lasso alpha=1"]
    assert [run.data.tags["sweep.point"] for run in runs] == ["0", "1", "2", "3"]
    assert len({run.data.tags["sweep.id"] for run in runs}) == 1
    assert "runner.sweep(" in runs[0].data.tags["sweep.command"]


def test_a_run_reproduces_and_the_result_is_true() -> None:
    run = runner.run([])

    result = runner.reproduce(run)

    assert result
    assert result.sentence == "Reproduced: 15 of 15 fold scores identical"
    assert result.run_id == run.info.run_id
    assert runner.reproduce(run.info.run_id[:8])
    assert runner.reproduce("latest", threads=1, tolerance=1e-9)


def test_a_function_stays_one_when_the_module_of_its_name_is_imported() -> None:
    import runner.reproduce

    (run,) = runner.sweep(["model=ridge"])
    assert runner.reproduce(run)


def test_a_store_can_be_named_and_the_one_in_use_is_kept(folder: Path) -> None:
    tracking.set_tracking_uri(f"sqlite:///{folder}/mine.db")
    tracking.set_experiment("mine")
    before = tracking.get_tracking_uri()

    run = runner.run([], store=f"sqlite:///{folder}/other/tracking.db")

    assert tracking.get_tracking_uri() == before
    other = tracking.TrackingClient(f"sqlite:///{folder}/other/tracking.db")
    assert other.get_run(run.info.run_id).info.status == "FINISHED"
    assert runner.reproduce(run, store=other.tracking_uri)
    with tracking.start_run() as own:
        pass
    experiment = tracking.get_experiment(own.info.experiment_id)
    assert experiment is not None
    assert experiment.name == "mine"


def test_without_a_choice_the_store_in_this_folder_is_used_and_nothing_is_set(folder: Path) -> None:
    runner.run([])

    assert (folder / "runs" / "tracking.db").is_file()
    assert not tracking.is_tracking_uri_set()


def test_an_active_run_becomes_the_parent_and_stays_active() -> None:
    with tracking.start_run(run_name="notebook") as outer:
        run = runner.run([])
        active = tracking.active_run()
        assert active is not None
        assert active.info.run_id == outer.info.run_id
        tracking.log_metric("mine", 1)

    assert run.data.tags["mlflow.parentRunId"] == outer.info.run_id
    assert tracking.TrackingClient().get_run(outer.info.run_id).data.metrics == {"mine": 1}


@pytest.mark.heavy
def test_a_failed_run_is_raised_with_its_id(folder: Path) -> None:
    (folder / "breaks.py").write_text(
        "from sklearn.linear_model import LinearRegression\n\n\nclass Breaks(LinearRegression):\n"
        "    def fit(self, X, y):\n        raise RuntimeError('no such luck')\n"
    )

    with pytest.raises(PointFailed, match="no such luck") as caught:
        runner.run(["model=linear", "model._target_=breaks.Breaks"])

    (run,) = tracking.TrackingClient().search_runs(["1"])
    assert run.info.run_id in str(caught.value)
    assert run.info.status == "FAILED"
    (failed,) = runner.sweep(["model=linear", "model._target_=breaks.Breaks"])
    assert failed.info.status == "FAILED"


@pytest.mark.parametrize(
    ("overrides", "kind", "message"),
    [
        (["alhpa=1"], ConfigError, "Nearest: alpha"),
        (["model=nothing"], ConfigError, "nothing"),
        (["alpha=1,2"], ConfigError, "alpha has 2 values. Call runner.sweep to run one point for each."),
        (["-m", "alpha=1,2"], ConfigError, "-m is an option of the command line.*: call runner.sweep instead"),
        (["--config-dir", "x"], ConfigError, r"--config-dir is.*write runner.run\(\[...\], config_dir='x'\)"),
        (["--cfg", "job"], ConfigError, "--cfg is an option of the command line.*overrides only"),
        (["hydra.sweeper.param={}"], ConfigError, "hydra.sweeper.param={}: there are hydra.sweeper.params="),
        (["model.alpha=-1"], ConfigError, "must be a float"),
        (["data=csv", "data.path=gone.csv", "data.target=y"], DataError, "gone.csv"),
        (["dry_run=true"], ConfigError, "Nothing was run"),
        ("alpha=1", ConfigError, r"a list of texts: \['alpha=1'\]"),
    ],
)
def test_a_mistake_is_raised_as_an_error_of_the_runner(
    overrides: list[str], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        runner.run(overrides)

    assert not GlobalHydra.instance().is_initialized()


def test_what_cannot_be_reproduced_is_raised() -> None:
    with tracking.start_run(run_name="by hand"):
        pass

    with pytest.raises(NotReproducible, match=r"no config\.yaml"):
        runner.reproduce("by hand")
    with pytest.raises(TrackingError, match="No run 'nobody'"):
        runner.reproduce("nobody")


def test_configs_of_ones_own_are_found(folder: Path) -> None:
    (folder / "conf" / "experiment").mkdir(parents=True)
    (folder / "conf" / "experiment" / "mine.yaml").write_text(
        "# @package _global_\ndefaults:\n  - override /model: lasso\nalpha: 0.2\n"
    )

    run = runner.run(["experiment=mine"], config_dir=folder / "conf")

    assert run.data.params["model.alpha"] == "0.2"
    assert runner.run([]).info.run_name == "ridge"
    assert runner.reproduce(run)


@pytest.mark.heavy
def test_inside_a_hydra_that_is_initialised_on_our_configs_it_is_used() -> None:
    with initialize_config_dir(str(ROOT / "conf"), **version_base()):
        assert compose("config").seed == 42
        assert runner.run(["alpha=0.1"]).info.status == "FINISHED"
        assert compose("config").seed == 42


def test_the_hydra_of_another_program_is_given_back(folder: Path) -> None:
    (folder / "theirs").mkdir()
    (folder / "theirs" / "app.yaml").write_text("answer: 42\n")

    with initialize_config_dir(str(folder / "theirs"), **version_base()):
        assert runner.run(["alpha=0.1"]).info.status == "FINISHED"
        assert compose("app").answer == 42
    assert not GlobalHydra.instance().is_initialized()


def test_importing_the_runner_imports_nothing_heavy() -> None:
    heavy = ["numpy", "sklearn", "hydra", "pandas", "sqlite3", "tracking"]
    code = f"import sys, runner; print([m for m in {heavy} if m in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_what_is_exported_is_there() -> None:
    assert [name for name in runner.__all__ if not hasattr(runner, name)] == []


@pytest.mark.heavy
def test_calls_from_several_threads_do_not_meet_in_what_they_share() -> None:
    names: list[str] = []

    def work(alpha: int) -> None:
        names.append(runner.run([f"alpha={alpha}"]).info.run_name)

    threads = [threading.Thread(target=work, args=(alpha,)) for alpha in range(2, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(names) == [f"ridge alpha={alpha}" for alpha in range(2, 6)]


NOTEBOOK = """
import sys

from sklearn.linear_model import Ridge

import runner

class Own(Ridge):
    pass


runs = runner.sweep(["model._target_=__main__.Own", "alpha=range(1,13)", "cv.n_splits=2", *sys.argv[1:]])
print({run.info.status for run in runs}, len(runs))
"""


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("options", "ending"),
    [
        ([], "{'FINISHED'} 12"),
        (["n_jobs=2", "backend=threading"], "{'FINISHED'} 12"),
        (["n_jobs=2"], "n_jobs=2: worker processes cannot import __main__.Own, which only this program has."),
        (["timeout_per_point=60"], "timeout_per_point=60: worker processes cannot import __main__.Own"),
    ],
)
def test_an_estimator_of_a_notebook_runs_where_it_is(folder: Path, options: list[str], ending: str) -> None:
    (folder / "notebook.py").write_text(NOTEBOOK)

    done = subprocess.run(
        [sys.executable, "notebook.py", *options],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ending in (done.stdout or done.stderr).splitlines()[-1]


def test_auto_stays_in_the_process_that_has_the_estimator() -> None:
    own, theirs = {"sklearn.svm.SVR", "__main__.Own"}, {"sklearn.svm.SVR"}

    assert Settings().fitted(own, points=100).n_jobs == 1
    assert Settings(n_jobs=2).fitted(own, points=1).n_jobs == 1
    assert Settings().fitted(theirs, points=100) == Settings()


def test_a_folder_of_configs_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match="config_dir='nope': there is no such folder"):
        runner.sweep(["alpha=1,2"], config_dir="nope")


@pytest.mark.parametrize(
    "override",
    ["hydra.sweeper.params={alpha: '0.1,1', seed: 3}", "+hydra.sweeper.params.alpha=0.1,1", "alpha=0.1,1"],
)
def test_a_sweep_is_read_from_hydras_own_place_too(override: str) -> None:
    runs = runner.sweep([override, "cv.n_splits=2"])

    assert [run.data.params["alpha"] for run in runs] == ["0.1", "1"]


def test_how_many_points_an_interval_has_is_said_as_on_the_command_line() -> None:
    runs = runner.sweep(["alpha=interval(1,2)", "hydra.sweeper.points=3", "cv.n_splits=2"])

    assert [run.data.params["alpha"] for run in runs] == ["1.0", "1.5", "2.0"]


@pytest.mark.heavy
def test_a_class_by_its_private_name_makes_no_difference() -> None:
    for name in ("sklearn.linear_model.Ridge", "sklearn.linear_model._ridge.Ridge"):
        runner.run(["model=ridge", f"model._target_={name}", "cv.n_splits=2"])

    assert tracking.diff_runs("latest", "latest~1").is_same()
