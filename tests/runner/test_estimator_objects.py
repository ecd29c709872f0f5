"""`runner.run([...], model=Pipeline(...))`: an estimator of the program, recorded by its parameters as a config."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.datasets import load_diabetes
from sklearn.ensemble import VotingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.linear_model import Lasso, Ridge
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

import runner
import tracking
from runner.errors import ConfigError
from runner.reproducing.command import main as reproduce
from runner.trial.build import build_node
from runner.trial.written import write_estimator

ESTIMATORS = {
    "plain": Ridge(alpha=0.3),
    "pipeline": make_pipeline(StandardScaler(with_mean=False), SelectKBest(f_regression, k=3), Ridge()),
    "search": GridSearchCV(Ridge(), {"alpha": np.logspace(-2, 2, 3)}, cv=KFold(3, shuffle=True, random_state=1)),
    "columns": ColumnTransformer([("n", MinMaxScaler((0, 2)), make_column_selector(dtype_include=np.number))]),
    "vote": VotingRegressor([("r", Ridge()), ("l", Lasso(alpha=0.1))], weights=[1, 2]),
    "text": make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), FunctionTransformer(np.log1p)),
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_what_is_written_builds_the_same_estimator(name: str) -> None:
    node = write_estimator(ESTIMATORS[name])
    built = build_node(node, "model")

    assert write_estimator(built) == node
    assert type(built) is type(ESTIMATORS[name])
    plain: dict[str, Any] = {k: v for k, v in ESTIMATORS[name].get_params().items() if isinstance(v, int | float | str)}
    assert {key: built.get_params()[key] for key in plain} == plain


def test_a_pipeline_is_swept_by_the_parameters_of_its_steps_and_reproduced(capsys: pytest.CaptureFixture[str]) -> None:
    pipeline = Pipeline([("scale", StandardScaler()), ("ridge", Ridge())])

    runs = runner.sweep(["model.steps.1.1.alpha=0.1,1"], model=pipeline)

    X, y = load_diabetes(return_X_y=True)
    splitter, rmse = KFold(5, shuffle=True, random_state=42), "neg_root_mean_squared_error"
    for run, alpha in zip(runs, (0.1, 1.0), strict=True):
        plain = cross_val_score(pipeline.set_params(ridge__alpha=alpha), X, y, cv=splitter, scoring=rmse)
        scores = tracking.TrackingClient().get_metric_history(run.info.run_id, "rmse")
        assert [point.value for point in scores] == (-plain).tolist()
    assert [run.info.run_name for run in runs] == ["Pipeline alpha=0.1", "Pipeline alpha=1"]
    assert "'alpha': 0.1" in runs[0].data.params["model.steps"]
    assert reproduce([runs[0].info.run_id]) == 0
    assert "15 of 15 fold scores identical" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (FunctionTransformer(lambda X: X), r"model\.func: .*<lambda> has no name in a module"),
        (make_pipeline(FunctionTransformer(lambda X: X), Ridge()), r"model\.steps\.0\.1\.func: "),
        (Ridge, "give an estimator, as model=Ridge"),
        ("ridge", "give an estimator, as model=Ridge"),
    ],
)
def test_what_no_config_can_hold_is_refused_by_its_key(model: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        runner.run(model=model)
