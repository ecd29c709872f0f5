"""Scorers with parameters, and the usual sets of metrics by task."""

from __future__ import annotations

from pathlib import Path

import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import fbeta_score, make_scorer, mean_pinball_loss
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score

import runner
import tracking
from runner.errors import ConfigError

CLASSES = ["data=breast_cancer", "model=naive_bayes", "cv=stratified"]
F2 = "+scoring.metrics.f2={_target_: sklearn.metrics.fbeta_score, beta: 2}"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def folds(run: tracking.Run, metric: str) -> list[float]:
    return [point.value for point in tracking.TrackingClient().get_metric_history(run.info.run_id, metric)]


def test_a_metric_with_parameters_scores_as_make_scorer_does() -> None:
    run = runner.run(["data=breast_cancer", "model=logistic", "model.solver=newton-cholesky", "cv=stratified",
                      "scoring=classification", F2])  # fmt: skip

    X, y = load_breast_cancer(return_X_y=True)
    model = LogisticRegression(solver="newton-cholesky", max_iter=1000, random_state=42)
    splitter = StratifiedKFold(5, shuffle=True, random_state=42)
    plain = cross_val_score(model, X, y, cv=splitter, scoring=make_scorer(fbeta_score, beta=2))
    assert folds(run, "f2") == plain.tolist()


def test_a_loss_with_parameters_is_recorded_as_a_positive_number_and_minimized() -> None:
    run = runner.run(["scoring=quantile", "quantile=0.9"])

    X, y = load_diabetes(return_X_y=True)
    loss = make_scorer(mean_pinball_loss, alpha=0.9, greater_is_better=False)
    plain = cross_val_score(Ridge(random_state=42), X, y, cv=KFold(5, shuffle=True, random_state=42), scoring=loss)
    assert folds(run, "pinball") == (-plain).tolist()
    assert run.data.tags["objective.direction"] == "minimize"


@pytest.mark.heavy
def test_it_can_be_the_objective_in_its_own_direction_only() -> None:
    objective = ["scoring=classification", F2, "scoring.objective.metric=f2"]
    assert runner.run([*CLASSES, *objective]).data.tags["objective.metric"] == "f2_mean"

    with pytest.raises(ConfigError, match="more is better of f2"):
        runner.run([*CLASSES, *objective, "scoring.objective.direction=minimize"])
    with pytest.raises(ConfigError, match="less is better of f2"):
        runner.run([*CLASSES, *objective, "+scoring.metrics.f2.greater_is_better=false"])


@pytest.mark.parametrize(
    ("scorer", "message"),
    [
        ("{_target_: sklearn.metrics.fbeta_score, bta: 2}", "fbeta_score has no parameter 'bta'. Nearest: beta"),
        ("{_target_: sklearn.metrics.fbta_score, beta: 2}", "sklearn.metrics has no fbta_score"),
        ("{beta: 2}", "scoring.metrics.f2._target_ is missing"),
        ("{_target_: sklearn.metrics.f1_score, response_method: scores}", "response_method"),
    ],
)
def test_what_is_no_metric_or_none_of_its_parameters_is_refused_before_the_run(scorer: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        runner.run([*CLASSES, "scoring=classification", f"+scoring.metrics.f2={scorer}"])
    assert message in str(error.value)


@pytest.mark.parametrize("scoring", ["imbalanced", "probabilistic"])
@pytest.mark.parametrize("data", ["breast_cancer", "iris"])
def test_the_sets_for_classifiers_work_for_two_and_for_more_classes(scoring: str, data: str) -> None:
    run = runner.run([f"data={data}", "model=naive_bayes", "cv=stratified", f"scoring={scoring}", "cv.n_splits=2"])

    assert run.info.status == "FINISHED"
