"""Autolog: fits become runs, and nothing of it stops or changes a fit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import tracking
from tracking.errors import InvalidType

X, y = load_diabetes(return_X_y=True)


@pytest.fixture(autouse=True)
def _watched() -> Iterator[None]:
    tracking.sklearn.autolog()
    yield
    tracking.sklearn.autolog(disable=True)


def runs() -> list[tracking.Run]:
    return tracking.search_runs(search_all_experiments=True, output_format="list", order_by=["start_time ASC"])


def test_a_fit_is_a_run_with_parameters_scores_and_the_model() -> None:
    model = Ridge(alpha=0.5).fit(X, y)

    (run,) = runs()
    assert run.data.params["alpha"] == "0.5"
    assert run.data.metrics["training_mean_squared_error"] == mean_squared_error(y, model.predict(X))
    assert run.data.metrics["training_score"] == model.score(X, y)
    assert run.data.tags["estimator_name"] == "Ridge"
    assert (run.info.status, tracking.active_run()) == ("FINISHED", None)
    np.testing.assert_array_equal(tracking.load_model(run).coef_, model.coef_)
    assert tracking.models.get_model_info(f"runs:/{run.info.run_id}/model").signature is not None


def test_a_fit_in_a_run_is_recorded_in_it() -> None:
    with tracking.start_run() as active:
        LogisticRegression(max_iter=500).fit(X[:60], y[:60] > 140)
        assert tracking.active_run() is active

    (run,) = runs()
    assert run.info.run_id == active.info.run_id
    assert {"training_accuracy_score", "training_f1_score"} <= set(run.data.metrics)


def test_an_estimator_that_inherits_its_fit_is_recorded_and_a_transformer_is_not() -> None:
    RandomForestRegressor(n_estimators=2).fit(X, y)
    StandardScaler().fit(X)

    (run,) = runs()
    assert run.data.tags["estimator_name"] == "RandomForestRegressor"


def test_a_pipeline_is_one_run() -> None:
    make_pipeline(StandardScaler(), LinearRegression()).fit(X, y)

    (run,) = runs()
    assert run.data.params["standardscaler__with_mean"] == "True"


@pytest.mark.parametrize("backend", ["sequential", "threading"])
def test_a_search_is_a_run_with_all_its_candidates(backend: str) -> None:
    import joblib

    with joblib.parallel_config(backend, n_jobs=2):
        search = GridSearchCV(Ridge(), {"alpha": [float(n) for n in range(1, 9)]}, cv=3).fit(X, y)

    parent, *nested = sorted(runs(), key=lambda run: "mlflow.parentRunId" in run.data.tags)
    assert len(nested) == 8
    assert parent.data.metrics["best_cv_score"] == search.best_score_
    assert parent.data.params["best_alpha"] == str(search.best_params_["alpha"])


def test_a_fit_that_fails_raises_as_ever_and_its_run_is_failed() -> None:
    with pytest.raises(ValueError, match="inconsistent"):
        Ridge().fit(X, y[:-1])

    (run,) = runs()
    assert run.info.status == "FAILED"


def test_a_parameter_that_was_logged_with_another_value_is_a_warning_and_the_fit_goes_on() -> None:
    with tracking.start_run():
        Ridge(alpha=1.0).fit(X, y)
        with pytest.warns(UserWarning, match="alpha"):
            assert Ridge(alpha=2.0).fit(X, y).coef_.shape == (10,)


def test_after_disable_nothing_is_recorded_and_a_fit_is_what_it_was() -> None:
    tracking.sklearn.autolog(disable=True)
    Ridge().fit(X, y)

    assert runs() == []
    assert "fit" in vars(Ridge)
    assert not hasattr(Ridge.fit, "__wrapped__") or Ridge.fit.__module__.startswith("sklearn")


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(InvalidType, match="'log_modells'"):
        tracking.autolog(log_modells=True)
