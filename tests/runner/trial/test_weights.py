"""Weights of rows reach fits and scores as scikit-learn's own metadata routing hands them on."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

import runner
from runner.data.dataset import load
from runner.errors import ModelError
from runner.trial.evaluate import evaluate, fit_final, split
from runner.trial.weights import request_weights

SCORERS = {"rmse": "neg_root_mean_squared_error", "r2": "r2", "worst": "neg_max_error"}


@pytest.fixture
def data(tmp_path: Path) -> Any:
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    X.assign(y=y, w=np.arange(len(y)) % 5).to_csv(tmp_path / "d.csv", index=False)
    return load({"source": "csv", "path": str(tmp_path / "d.csv"), "target": "y", "weights": "w"})


def test_scores_are_those_of_scikit_learn_with_routed_weights_to_the_last_bit(data: Any) -> None:
    pipeline = Pipeline([("prepare", StandardScaler()), ("model", Ridge())])
    splitter = KFold(5, shuffle=True, random_state=42)
    folds = list(evaluate(pipeline, data, split(data, splitter, key="w"), SCORERS, seed=42))

    with sklearn.config_context(enable_metadata_routing=True):
        asking = clone(pipeline)
        asking.named_steps["prepare"].set_fit_request(sample_weight=False)
        asking.named_steps["model"].set_fit_request(sample_weight=True)
        scorers = {name: get_scorer(SCORERS[name]).set_score_request(sample_weight=True) for name in ("rmse", "r2")}
        plain = cross_validate(
            asking, data.X, data.y, cv=splitter, params={"sample_weight": data.weights},
            scoring={**scorers, "worst": SCORERS["worst"]},
        )  # fmt: skip

    assert [fold.scores["rmse"] for fold in folds] == (-plain["test_rmse"]).tolist()
    assert [fold.scores["r2"] for fold in folds] == plain["test_r2"].tolist()
    assert [fold.scores["worst"] for fold in folds] == (-plain["test_worst"]).tolist()


def test_the_final_model_is_fitted_with_weights(data: Any) -> None:
    model = fit_final(Ridge(), data, split(data, KFold(5), key="final"))

    assert np.array_equal(model.coef_, Ridge().fit(data.X, data.y, data.weights).coef_)
    assert not np.array_equal(model.coef_, Ridge().fit(data.X, data.y).coef_)


def test_a_search_inside_is_given_weights_too(data: Any) -> None:
    search = GridSearchCV(Ridge(), {"alpha": [0.1, 10.0]}, scoring="neg_mean_squared_error")
    model = fit_final(search, data, split(data, KFold(5), key="search"))

    chosen = Ridge(**model.best_params_).fit(data.X, data.y, data.weights)
    assert np.array_equal(model.best_estimator_.coef_, chosen.coef_)


def test_a_model_without_weights_is_refused() -> None:
    with pytest.raises(ModelError, match=r"data\.weights: KNeighborsRegressor takes no weights"):
        request_weights(Pipeline([("prepare", StandardScaler()), ("model", KNeighborsRegressor())]))


@pytest.mark.heavy
def test_a_weighted_run_says_which_metrics_count_every_row_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from runner.__main__ import main

    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"x": draw.normal(size=60), "w": np.arange(60), "y": draw.normal(size=60)})
    frame.to_csv("t.csv", index=False)
    typed = ["data=csv", "data.path=t.csv", "data.target=y", "data.weights=w", "scoring.metrics.worst=neg_max_error"]

    assert main(typed) == 0
    err = capsys.readouterr().err
    assert "note: scoring.metrics.worst=neg_max_error: it takes no weights, and counts every row alike" in err
    assert "rmse=" not in err
    assert runner.run(typed).info.status == "FINISHED"
