"""A store that version 0.1.0 recorded: today's code opens it, shows it, compares, resumes and reproduces it."""

import shutil
import tarfile
from pathlib import Path

import pytest
import sklearn

import tracking
from runner.__main__ import main as run
from runner.reproducing.command import main as reproduce
from tracking.cli.app import main as track

RECORDED_WITH = "1.9"  # scikit-learn: pickles and scores are those of this version
STORE = Path(__file__).parent / "stores" / "0.1.0.tar.gz"
same_versions = pytest.mark.skipif(
    not sklearn.__version__.startswith(RECORDED_WITH), reason=f"recorded with scikit-learn {RECORDED_WITH}"
)


@pytest.fixture(autouse=True)
def _store(tmp_path: Path) -> None:
    with tarfile.open(STORE) as archive:
        archive.extractall(tmp_path, filter="data")
    tracking.TrackingClient("sqlite:///runs/tracking.db").store.trust()  # it was recorded on another machine


def test_every_run_is_there_with_its_values() -> None:
    runs = tracking.search_runs(search_all_experiments=True, output_format="list")

    assert len(runs) == 8
    assert {run.info.status for run in runs} == {"FINISHED", "FAILED"}
    best = min(runs, key=lambda run: run.data.metrics.get("rmse_mean", float("inf")))
    assert best.info.run_name == "ridge alpha=1"
    assert best.data.params["prepare._target_"] == "runner.prepare.tabular"
    assert best.data.metrics["rmse_mean"] == pytest.approx(9.3147, abs=1e-4)


def test_the_store_is_sound(capsys: pytest.CaptureFixture[str]) -> None:
    assert track(["check"]) == 0
    assert track(["show", "ridge alpha=0.5"]) == 0
    assert "56.383" in capsys.readouterr().out


def test_two_runs_differ_in_what_was_swept(capsys: pytest.CaptureFixture[str]) -> None:
    assert track(["diff", "b8f21ae7", "ec2e0fdb"]) == 1  # as diff(1): they differ

    said = capsys.readouterr().out
    assert "alpha  0.1 -> 0.5" in said
    assert "config    2 of" in said


def test_a_run_of_today_differs_from_one_of_then_in_nothing_that_was_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["model=ridge", "alpha=0.1", "progress=false"]) == 0
    capsys.readouterr()

    track(["diff", "b8f21ae7", "latest"])  # 1 where other packages are installed now

    said = capsys.readouterr().out
    assert "config    same" in said
    assert "data      not known to be the same: its values were fingerprinted in different ways" in said


@same_versions
def test_a_run_reproduces(capsys: pytest.CaptureFixture[str]) -> None:
    assert reproduce(["b8f21ae7"]) == 0
    assert "15 of 15 fold scores identical" in capsys.readouterr().out


@same_versions
def test_a_run_on_a_table_reproduces(capsys: pytest.CaptureFixture[str]) -> None:
    assert reproduce(["c844f432"]) == 0
    assert "15 of 15 fold scores identical" in capsys.readouterr().out


@pytest.mark.heavy
@same_versions
def test_a_sweep_resumes_with_what_was_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-m", "model=ridge", "alpha=0.1,0.5,2", "resume=true", "progress=false"]) == 0

    captured = capsys.readouterr()
    assert "2 of 3 points are done already and are reused" in captured.out + captured.err


@same_versions
def test_a_model_of_then_predicts() -> None:
    import pandas as pd

    table = pd.read_csv("houses.csv", parse_dates=["built"])
    runs = tracking.search_runs(search_all_experiments=True, output_format="list")
    tabular = next(r for r in runs if r.info.run_name == "ridge alpha=1")

    predicted = tracking.load_model(f"runs:/{tabular.info.run_id}/model").predict(table.drop(columns="price"))

    assert abs(predicted - table["price"]).mean() < 15


def test_the_folder_can_be_moved(tmp_path: Path) -> None:
    shutil.move(tmp_path / "runs", tmp_path / "elsewhere")
    tracking.set_tracking_uri(f"sqlite:///{tmp_path}/elsewhere/tracking.db")

    hand = tracking.search_runs(experiment_names=["by hand"], output_format="list")

    assert tracking.artifacts.load_text(f"runs:/{hand[0].info.run_id}/notes.txt") == "a note"
