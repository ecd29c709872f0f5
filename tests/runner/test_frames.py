"""A pandas frame of the calling program as the data of runs."""

from pathlib import Path

import pandas as pd
import pytest
from sklearn.datasets import load_diabetes

import runner
from runner.errors import ConfigError, DataError


@pytest.fixture(autouse=True)
def frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    monkeypatch.chdir(tmp_path)
    frame: pd.DataFrame = load_diabetes(as_frame=True).frame
    return frame


@pytest.mark.heavy
def test_a_frame_scores_as_its_file_does(frame: pd.DataFrame) -> None:
    frame.to_csv("d.csv", index=False)
    of_frame = runner.run(["alpha=0.1"], data=frame, target="target")
    of_file = runner.run(["data=csv", "data.path=d.csv", "data.target=target", "alpha=0.1"])

    assert of_frame.data.metrics["rmse_mean"] == of_file.data.metrics["rmse_mean"]
    assert of_frame.data.tags["data.shape"] == "442x10"


@pytest.mark.heavy
def test_a_frame_reaches_worker_processes_and_a_later_change_of_it_does_not(frame: pd.DataFrame) -> None:
    runs = runner.sweep(["alpha=0.1,1", "n_jobs=2", "data.drop=[sex]"], data=frame, target=["target", "bmi"])
    assert [run.info.status for run in runs] == ["FINISHED", "FINISHED"]
    assert runs[0].data.tags["data.target"] == "target, bmi"
    first = runner.run([], data=frame, target="target")
    frame["target"] += 1.0

    assert runner.reproduce(first)
    assert runner.run([], data=frame, target="target").data.tags["fingerprint"] != first.data.tags["fingerprint"]


def test_what_is_no_frame_is_refused() -> None:
    with pytest.raises(ConfigError, match="give a pandas frame"):
        runner.run([], data=[[1, 2]], target="y")
    with pytest.raises(ConfigError, match="give data=frame too"):
        runner.run([], target="y")
    with pytest.raises(DataError, match="this program was given no such frame"):
        runner.run(["data=frame", "data.frame=x", "data.target=y"])
