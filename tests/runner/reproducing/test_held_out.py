"""`python -m runner.test`: the rows that no selection saw are scored on demand, and who looked is remembered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import train_test_split

import runner
import tracking
from runner.reproducing.held_out import main

CARS = ["data=csv", "data.path=cars.csv", "data.target=y", "cv.n_splits=2"]


@pytest.fixture(autouse=True)
def frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(80, 3)), columns=["a", "b", "c"])
    frame = frame.assign(y=frame["a"] + draw.normal(size=80))
    frame.to_csv("cars.csv", index=False)
    return frame


def test_the_score_is_that_of_scikit_learn_on_the_rows_that_were_held_out(frame: pd.DataFrame) -> None:
    run = runner.run([*CARS, "data.test=0.25"])

    assert main([run.info.run_id]) == 0

    seen, held_out = train_test_split(np.arange(80), test_size=0.25, random_state=0)
    X, seen, held_out = frame[["a", "b", "c"]], np.sort(seen), np.sort(held_out)
    model = Ridge(random_state=42).fit(X.iloc[seen], frame["y"].to_numpy()[seen])
    expected = root_mean_squared_error(frame["y"].to_numpy()[held_out], model.predict(X.iloc[held_out]))
    scored = tracking.get_run(run.info.run_id)
    assert scored.data.metrics["test_rmse"] == expected
    assert scored.data.tags["data.shape"] == "60x3"
    assert scored.data.tags["data.test.shape"] == "20x3"


def test_a_second_look_is_said_and_kept_beside_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    run = runner.run([*CARS, "data.test=0.25"])
    main(["latest"])
    assert "before" not in capsys.readouterr().out

    assert main(["latest"]) == 0

    assert "This run was scored on them once before." in capsys.readouterr().out
    assert len(tracking.TrackingClient().get_metric_history(run.info.run_id, "test_rmse")) == 2


def test_other_runs_that_were_scored_on_these_rows_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    runner.sweep([*CARS, "data.test=0.25", "alpha=0.1,1"])
    main(["ridge alpha=0.1"])
    assert "other run" not in capsys.readouterr().out

    main(["ridge alpha=1"])

    assert "1 other run had been scored on them: ridge alpha=0.1." in capsys.readouterr().out


@pytest.mark.heavy
def test_selection_does_not_depend_on_what_the_held_out_rows_say(frame: pd.DataFrame) -> None:
    run = runner.run([*CARS, "data.test=0.25"])
    _, held_out = train_test_split(np.arange(80), test_size=0.25, random_state=0)
    frame.loc[held_out, "y"] = 1e6
    frame.to_csv("cars.csv", index=False)

    again = runner.run([*CARS, "data.test=0.25"])

    assert again.data.metrics["rmse_mean"] == run.data.metrics["rmse_mean"]
    assert again.data.tags["fingerprint"] == run.data.tags["fingerprint"]


@pytest.mark.parametrize(
    ("more", "message"),
    [([], "data.test is not set"), (["data.test=0.25", "refit=false"], "cannot be scored: no model was recorded")],
)
def test_a_run_without_held_out_rows_or_model_is_refused(
    more: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    runner.run([*CARS, *more])

    assert main(["latest"]) == 2
    assert message in capsys.readouterr().err


def test_data_that_has_changed_is_refused(frame: pd.DataFrame, capsys: pytest.CaptureFixture[str]) -> None:
    runner.run([*CARS, "data.test=0.25"])
    pd.concat([frame, frame]).to_csv("cars.csv", index=False)

    assert main(["latest"]) == 2
    assert "The data has changed since run" in capsys.readouterr().err


@pytest.mark.heavy
def test_keys_of_data_that_are_not_set_are_not_recorded() -> None:
    recorded = runner.run(CARS).data.params
    assert not {"data.test", "data.test_seed", "data.weights", "data.missing_target"} & recorded.keys()
    assert runner.run([*CARS, "data.test=0.25"]).data.params["data.test"] == "0.25"
