"""What is said of the best of a sweep at its end, and by `tracking compare`."""

import re
from pathlib import Path

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


@pytest.mark.heavy
def test_compare_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line for line in swept(capsys).splitlines() if line.startswith(("best ", "honest ", "as good as "))]

    assert track(["compare", "--sweep", "latest"]) == 0

    said = capsys.readouterr().out
    assert len(lines) == 3
    assert all(line in said for line in lines)


@pytest.mark.heavy
def test_two_points_are_not_spoken_of(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-m", "model=ridge", "alpha=0.1,0.5", "progress=false"]) == 0

    assert "honest" not in capsys.readouterr().out


@pytest.mark.heavy
def test_without_predictions_the_folds_correct_it(capsys: pytest.CaptureFixture[str]) -> None:
    said = swept(capsys, "keep_predictions=false")

    assert re.search(r"^honest      rmse \S+  corrected .*Tibshirani-Tibshirani: not all points kept", said, re.M)


@pytest.mark.heavy
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


@pytest.mark.heavy
def test_the_order_of_a_key_of_ones_own_is_given_by_the_config(capsys: pytest.CaptureFixture[str]) -> None:
    turned = swept(capsys, "scoring.simpler.alpha=down")
    (newest,) = tracking.search_runs(search_all_experiments=True, output_format="list", max_results=1)

    assert "the simplest within one standard error: ridge alpha=0.1" in swept(capsys)
    assert "the simplest within" not in turned  # the best has the least alpha already
    assert newest.data.params["scoring.simpler.alpha"] == "down"


@pytest.mark.heavy
def test_which_key_is_simpler_is_no_part_of_what_was_computed(capsys: pytest.CaptureFixture[str]) -> None:
    swept(capsys)

    assert "3 reused" in swept(capsys, "scoring.simpler.alpha=down", "resume=true")


@pytest.mark.heavy
def test_another_word_than_up_or_down_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-m", "model=ridge", "alpha=0.1,1", "scoring.simpler.alpha=sideways"]) == 2

    assert "scoring.simpler.alpha=sideways: which way makes a simpler model, up or down?" in capsys.readouterr().err


@pytest.mark.heavy
def test_an_area_under_the_curve_is_corrected_by_the_bootstrap_too(capsys: pytest.CaptureFixture[str]) -> None:
    asked = "data=breast_cancer model=logistic scoring=classification cv=stratified scoring.objective.metric=roc_auc"
    assert run(["-m", *asked.split(), "C=0.01,0.1,1", "prepare=standard", "refit=false", "progress=false"]) == 0

    said = out(capsys)
    assert re.search(r"^honest      roc_auc 0\.99\d+ \[0\.\d+ to 1\]  corrected .* \(BBC-CV\)$", said, re.M)


def out(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


@pytest.mark.heavy
def test_repeated_splits_are_corrected_and_rows_in_time_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert re.search(r"^honest .*\(BBC-CV\)$", swept(capsys, "cv=repeated", "cv.n_repeats=2", "refit=false"), re.M)

    in_time = swept(capsys, "cv=timeseries", "refit=false")

    assert "honest      not known: rows in time cannot be drawn again in any order" in in_time
    assert re.search(r"^as good as  (\d of 2|no other)", in_time, re.M)


@pytest.mark.heavy
def test_a_point_that_failed_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    Path("fails.py").write_text(
        "from sklearn.linear_model import Ridge\n"
        "class Fails(Ridge):\n"
        "    def fit(self, X, y):\n"
        "        if self.alpha == 7:\n"
        "            raise ValueError('no')\n"
        "        return super().fit(X, y)\n"
    )

    assert run(["-m", "model=ridge", "model._target_=fails.Fails", "alpha=0.1,0.2,0.3,7", "progress=false"]) == 1

    assert re.search(
        r"^best .*\(the best of 3, over 5 folds; not ranked with it: 1 did not finish\)$", out(capsys), re.M
    )


@pytest.mark.heavy
def test_a_sweep_over_five_data_sets_ranks_the_models_over_them(capsys: pytest.CaptureFixture[str]) -> None:
    asked = "model=ridge,lasso,dummy data=synthetic_regression data.random_state=1,2,3,4,5 data.n_samples=40"
    assert run(["-m", *asked.split(), "cv.n_splits=2", "refit=false", "progress=false"]) == 0

    said = out(capsys)
    assert "mean ranks of rmse over 5 data sets: they differ (Friedman, p = " in said
    assert re.search(r"^  3\.00 .*DummyRegressor$", said, re.M)
    assert track(["report"]) == 0
    assert "mean ranks of rmse over 5 data sets" in Path("report.html").read_text(encoding="utf-8")
