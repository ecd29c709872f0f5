"""`prepare=[a,b]`: preparations in a row, each with a section of its own, as a pipeline of scikit-learn has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.feature_selection import SelectKBest, f_classif, f_regression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import runner
import tracking
from runner.__main__ import main
from runner.errors import ConfigError
from runner.reproducing.command import main as reproduce

RMSE = "neg_root_mean_squared_error"
ROW = "prepare=[standard,select]"


def folds(run: tracking.Run, metric: str) -> list[float]:
    return [point.value for point in tracking.TrackingClient().get_metric_history(run.info.run_id, metric)]


def by_hand(k: int) -> list[float]:
    X, y = load_diabetes(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), SelectKBest(f_regression, k=k), Ridge(random_state=42))
    scores = cross_val_score(pipeline, X, y, cv=KFold(5, shuffle=True, random_state=42), scoring=RMSE)
    return (-scores).tolist()


@pytest.mark.heavy
def test_a_row_of_preparations_scores_as_the_pipeline_of_the_same_steps() -> None:
    runs = runner.sweep([ROW, "prepare.select.k=3,5"])

    assert [folds(run, "rmse") for run in runs] == [by_hand(3), by_hand(5)]
    assert [run.info.run_name for run in runs] == ["ridge k=3", "ridge k=5"]
    assert runs[0].data.params["prepare.select.k"] == "3"


@pytest.mark.heavy
def test_for_a_classifier_the_columns_are_selected_by_classes() -> None:
    run = runner.run([ROW, "data=breast_cancer", "model=logistic", "scoring=classification", "cv=stratified"])

    X, y = load_breast_cancer(return_X_y=True)
    model = LogisticRegression(max_iter=1000, random_state=42)
    pipeline = make_pipeline(StandardScaler(), SelectKBest(f_classif, k=10), model)
    splitter = StratifiedKFold(5, shuffle=True, random_state=42)
    assert folds(run, "accuracy") == cross_val_score(pipeline, X, y, cv=splitter).tolist()


@pytest.mark.heavy
def test_rows_are_swept_beside_single_preparations_and_keys_apply_where_they_are() -> None:
    runs = runner.sweep(["prepare=none,[select,standard],[standard,select]", "prepare.select.k=3,5"])

    assert [run.info.run_name for run in runs] == [
        "ridge prepare=none",
        "ridge prepare=[select,standard] k=3",
        "ridge prepare=[select,standard] k=5",
        "ridge prepare=[standard,select] k=3",
        "ridge prepare=[standard,select] k=5",
    ]
    assert len({run.data.tags["fingerprint"] for run in runs}) == 5


@pytest.mark.heavy
def test_a_file_may_choose_a_row_and_set_keys_of_its_steps(tmp_path: Path) -> None:
    (tmp_path / "own" / "experiment").mkdir(parents=True)
    (tmp_path / "own" / "experiment" / "few.yaml").write_text(
        "# @package _global_\ndefaults:\n  - override /prepare: [standard, select]\nprepare:\n  select:\n    k: 4\n"
    )
    run = runner.run(["experiment=few"], config_dir=tmp_path / "own")

    assert folds(run, "rmse") == by_hand(4)


@pytest.mark.heavy
def test_a_run_with_a_row_is_reproduced_and_changed(capsys: pytest.CaptureFixture[str]) -> None:
    runner.run([ROW, "prepare.select.k=3"])

    assert reproduce(["latest"]) == 0
    assert "15 of 15 fold scores identical" in capsys.readouterr().out
    assert reproduce(["latest", "prepare.select.k=5"]) == 0
    newest = tracking.search_runs(search_all_experiments=True, max_results=1, output_format="list")[0]
    assert folds(newest, "rmse") == by_hand(5)


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["prepare.k=3"], "prepare.select.k"),
        (["prepare.select.kk=3"], r"prepare.select.kk=3: select has no parameter 'kk'. Nearest: k"),
        (["prepare.standard.with_mean=7"], r"prepare.standard.with_mean=7: with_mean of StandardScaler must be"),
    ],
)
def test_a_mistake_in_a_row_names_the_key_of_the_step(overrides: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        runner.run([ROW, *overrides])


@pytest.mark.heavy
def test_a_file_that_does_not_say_of_which_step_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own" / "experiment").mkdir(parents=True)
    (tmp_path / "own" / "experiment" / "few.yaml").write_text(
        "# @package _global_\ndefaults:\n  - override /prepare: [standard, select]\nprepare:\n  k: 4\n"
    )
    with pytest.raises(ConfigError, match=r"are several. Say of which: prepare\.select\.k=4"):
        runner.run(["experiment=few"], config_dir=tmp_path / "own")


def test_the_shown_config_has_a_section_for_each_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--cfg", "job", "--package", "prepare", ROW, "prepare.select.k=3"]) == 0

    assert capsys.readouterr().out == (
        "# @package prepare\n"
        "standard:\n  _target_: sklearn.preprocessing.StandardScaler\n"
        "select:\n  _target_: runner.prepare.select\n  k: 3\n"
    )


@pytest.mark.heavy
def test_the_recorded_model_of_a_row_holds_nothing_of_this_package() -> None:
    run = runner.run(["prepare=[tabular,select]"])

    model = tracking.load_model(f"runs:/{run.info.run_id}/model")
    assert model.named_steps["select"].score_func is f_regression
    assert np.isfinite(model.predict(load_diabetes().data[:3])).all()
