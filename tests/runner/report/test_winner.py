"""What is said of the best of a sweep at its end, and by `tracking compare`."""

import re

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_predict

import tracking
from runner.__main__ import main as run
from tracking.cli.app import main as track
from tracking.records.predictions import load_predictions
from tracking.stores import shared_store


def swept(capsys: pytest.CaptureFixture[str], *more: str) -> str:
    assert run(["-m", "model=ridge", "alpha=0.01,0.1,0.5", "progress=false", *more]) == 0
    return capsys.readouterr().out


def test_a_sweep_ends_with_the_best_the_honest_score_and_what_is_as_good(capsys: pytest.CaptureFixture[str]) -> None:
    said = swept(capsys)

    assert re.search(
        r"^best        rmse 54\.\d+ ± \d\.\d+  ridge alpha=0\.01 \(the best of 3, over 5 folds\)$", said, re.M
    )
    assert re.search(r"^honest      rmse \d+\.\d+ \[\d+\.\d+ to \d+\.\d+\]  corrected .* \(BBC-CV\)$", said, re.M)
    assert re.search(r"^as good as  \d of 2 others are within chance of it", said, re.M)


def test_compare_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line for line in swept(capsys).splitlines() if line.startswith(("best ", "honest ", "as good as "))]

    assert track(["compare", "--sweep", "latest"]) == 0

    said = capsys.readouterr().out
    assert len(lines) == 3
    assert all(line in said for line in lines)


def test_two_points_are_not_spoken_of(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-m", "model=ridge", "alpha=0.1,0.5", "progress=false"]) == 0

    assert "honest" not in capsys.readouterr().out


def test_without_predictions_the_folds_correct_it(capsys: pytest.CaptureFixture[str]) -> None:
    said = swept(capsys, "keep_predictions=false")

    assert re.search(r"^honest      rmse \S+  corrected .*Tibshirani-Tibshirani: not all points kept", said, re.M)


def test_a_single_fold_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    said = swept(capsys, "cv=holdout")

    assert "honest      not known: rmse has a single fold: nothing tells its spread" in said
    assert "as good as  not known: rmse has a single fold" in said


def test_the_predictions_are_those_of_scikit_learn(capsys: pytest.CaptureFixture[str]) -> None:
    swept(capsys)
    X, y = load_diabetes(return_X_y=True)
    runs = tracking.search_runs(search_all_experiments=True, output_format="list")
    alike = next(r for r in runs if r.data.params["alpha"] == "0.1")

    (kept,) = load_predictions(shared_store(), [alike.info.run_id])

    expected = cross_val_predict(Ridge(0.1, random_state=42), X, y, cv=KFold(5, shuffle=True, random_state=42))
    assert np.allclose(kept.predicted[0], expected[kept.rows], rtol=1e-6)
