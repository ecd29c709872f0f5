"""Which scorers fit which models, and the direction of an objective: refused before a fit where they are wrong."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest
from sklearn.metrics import get_scorer_names

from runner.__main__ import main
from runner.errors import ConfigError
from runner.trial.scorers import build_scorer, compares_classes, compares_numbers

OWN = """
from sklearn.metrics import make_scorer, mean_squared_error, r2_score

loss = make_scorer(mean_squared_error, greater_is_better=False)


def mine(estimator, X, y):
    return r2_score(y, estimator.predict(X))


def metric(y_true, y_pred, sample_weight=None):
    return 0.0
"""


@pytest.fixture(autouse=True)
def _own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_scorers.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_scorers", raising=False)


@pytest.mark.parametrize(
    "name", ["r2", "neg_root_mean_squared_error", "d2_absolute_error_score", "neg_mean_gamma_deviance"]
)
def test_a_scorer_of_regression_compares_numbers(name: str) -> None:
    assert (compares_numbers(name), compares_classes(name)) == (True, False)


@pytest.mark.parametrize("name", ["accuracy", "f1", "roc_auc_ovr", "neg_log_loss", "neg_negative_likelihood_ratio"])
def test_a_scorer_of_classification_compares_classes(name: str) -> None:
    assert (compares_numbers(name), compares_classes(name)) == (False, True)


def test_every_scorer_that_scikit_learn_has_is_at_most_one_of_the_two() -> None:
    assert [name for name in get_scorer_names() if compares_numbers(name) and compares_classes(name)] == []
    assert not compares_numbers("adjusted_rand_score")
    assert not compares_classes("adjusted_rand_score")


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            "scoring.objective.metric=r2",
            "scoring.objective.direction=minimize: more is better of r2 (r2). Add scoring.objective.direction=maximize",
        ),
        (
            "scoring.objective.direction=maximize",
            "scoring.objective.direction=maximize: less is better of rmse (neg_root_mean_squared_error). Add scoring",
        ),
        (
            "data=iris model=logistic cv=stratified scoring=classification scoring.objective.metric=log_loss",
            "less is better of log_loss (neg_log_loss). Add scoring.objective.direction=minimize",
        ),
        (
            "+scoring.metrics.m=own_scorers.loss scoring.objective.metric=m",
            "more is better of m (own_scorers.loss). Add scoring.objective.direction=maximize",
        ),
        (
            "+scoring.metrics.m=own_scorers.mine scoring.objective.metric=m",
            "own_scorers.mine is a scorer of your own: is more of it better, or less? Add scoring.objective.direction=",
        ),
        (
            "+scoring.metrics.m=sklearn.metrics.mean_squared_error",
            "Use scoring.metrics.m=neg_mean_squared_error, or write in a module of your own: m = sklearn.metrics.make_",
        ),
        (
            "+scoring.metrics.m=own_scorers.metric",
            "as a metric of (y_true, y_pred) does. Write in a module of your own: m = ",
        ),
    ],
)
@pytest.mark.parametrize("sweep", ["", "-m alpha=1,2 "], ids=["one run", "a sweep"])
def test_a_wrong_objective_or_scorer_is_refused_before_anything_runs(
    command: str, said: str, sweep: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if sweep and "logistic" in command:
        sweep = "-m C=1,2 "

    code = main(shlex.split(sweep + command))

    assert code == 2
    assert said in capsys.readouterr().err
    assert not Path("runs").exists()


@pytest.mark.heavy
@pytest.mark.parametrize(
    "command",
    [
        "scoring.objective.metric=r2 scoring.objective.direction=maximize",
        "+scoring.metrics.m=own_scorers.mine scoring.objective.metric=m scoring.objective.direction=maximize",
        "+scoring.metrics.m=own_scorers.mine scoring.objective.metric=m scoring.objective.direction=minimize",
        "+scoring.metrics.m=own_scorers.loss scoring.objective.metric=m scoring.objective.direction=maximize",
    ],
)
def test_a_direction_that_fits_or_that_only_its_owner_knows_runs(command: str) -> None:
    assert main(["refit=false", *shlex.split(command)]) == 0


def test_a_scorer_is_a_name_or_a_function_of_an_estimator_and_data() -> None:
    assert build_scorer("r2", "r2") == "r2"
    assert build_scorer("m", "own_scorers.mine").__name__ == "mine"
    with pytest.raises(ConfigError, match="give a scikit-learn scorer's name or a dotted path"):
        build_scorer("m", 5)
    with pytest.raises(ConfigError, match="it is no function"):
        build_scorer("m", "own_scorers.__name__")
