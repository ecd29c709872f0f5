"""A search as runs: every candidate with the scores that scikit-learn itself gives."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import ElasticNetCV, LassoCV, LogisticRegressionCV, Ridge, RidgeCV
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV

import tracking
from tracking.errors import InvalidType, InvalidValue

X, y = load_diabetes(return_X_y=True)
GRID = {"alpha": [0.1, 1.0, 10.0]}


def children(parent: tracking.Run) -> list[tracking.Run]:
    runs = tracking.search_runs(search_all_experiments=True, output_format="list", order_by=["start_time ASC"])
    nested = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    return sorted(nested, key=lambda run: int(run.info.run_name.split()[0]))


def folds(run: tracking.Run, name: str) -> list[float]:
    history = tracking.MlflowClient().get_metric_history(run.info.run_id, name)
    return [point.value for point in sorted(history, key=lambda point: point.step)]


@pytest.mark.parametrize("kind", [GridSearchCV, RandomizedSearchCV])
def test_every_candidate_is_a_run_with_its_fold_scores(kind: Any) -> None:
    more = {"n_iter": 3} if kind is RandomizedSearchCV else {}
    search = kind(Ridge(), GRID, cv=4, scoring=["r2", "neg_mean_absolute_error"], refit="r2", **more).fit(X, y)

    parent = tracking.sklearn.log_search(search)

    results = search.cv_results_
    found = children(parent)
    assert len(found) == 3
    for number, run in enumerate(found):
        assert run.data.params == {"alpha": str(results["params"][number]["alpha"])}
        for name in ("r2", "neg_mean_absolute_error"):
            assert folds(run, name) == [results[f"split{k}_test_{name}"][number] for k in range(4)]
            assert run.data.metrics[f"{name}_mean"] == results[f"mean_test_{name}"][number]
            assert run.data.metrics[f"{name}_std"] == results[f"std_test_{name}"][number]
        assert run.data.metrics["r2_rank"] == results["rank_test_r2"][number]
        assert run.info.status == "FINISHED"
        assert run.data.tags["objective.metric"] == "r2_mean"
    assert parent.data.metrics["best_cv_score"] == search.best_score_
    assert parent.data.params["best_alpha"] == str(search.best_params_["alpha"])
    assert tracking.get_run("best").info.run_id == found[search.best_index_].info.run_id
    assert tracking.active_run() is None


def test_the_active_run_is_the_parent() -> None:
    with tracking.start_run() as run:
        parent = tracking.sklearn.log_search(GridSearchCV(Ridge(), GRID, cv=2).fit(X, y))
        assert tracking.active_run() is run

    assert parent.info.run_id == run.info.run_id
    assert len(children(parent)) == 3


def test_a_halving_search_says_which_round_a_candidate_was_in() -> None:
    search = HalvingGridSearchCV(Ridge(), GRID, cv=3, min_resources=50, random_state=0).fit(X, y)

    found = children(tracking.sklearn.log_search(search))

    assert [run.data.params["iter"] for run in found] == [str(n) for n in search.cv_results_["iter"]]
    assert [run.data.params["n_resources"] for run in found] == [str(n) for n in search.cv_results_["n_resources"]]


def test_a_candidate_whose_fits_failed_is_a_failed_run() -> None:
    search = GridSearchCV(Ridge(), {"alpha": [1.0, "no"]}, cv=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.fit(X, y)

    assert [run.info.status for run in children(tracking.sklearn.log_search(search))] == ["FINISHED", "FAILED"]


def test_lasso_and_elastic_net_have_a_run_for_every_alpha() -> None:
    lasso = LassoCV(alphas=[0.1, 1.0], cv=3).fit(X, y)
    net = ElasticNetCV(l1_ratio=[0.2, 0.8], alphas=[0.01, 0.1, 1.0], cv=3).fit(X, y)

    found = children(tracking.sklearn.log_search(lasso))
    assert [float(run.data.params["alpha"]) for run in found] == lasso.alphas_.tolist()
    assert [folds(run, "mse") for run in found] == lasso.mse_path_.tolist()
    parent = tracking.sklearn.log_search(net)
    found = children(parent)
    assert len(found) == 6
    assert [folds(run, "mse") for run in found] == net.mse_path_.reshape(6, 3).tolist()
    assert [run.data.params["l1_ratio"] for run in found] == ["0.2"] * 3 + ["0.8"] * 3
    assert float(parent.data.params["best_alpha"]) == net.alpha_
    assert float(parent.data.params["best_l1_ratio"]) == net.l1_ratio_


@pytest.mark.parametrize("legacy", [True, False])
@pytest.mark.parametrize("classes", [2, 3])
def test_logistic_regression_has_a_run_for_every_c(legacy: bool, classes: int) -> None:
    flowers, kinds = load_iris(return_X_y=True)
    rows = kinds < classes
    import inspect

    if "use_legacy_attributes" not in inspect.signature(LogisticRegressionCV).parameters:
        pytest.skip("this scikit-learn has one form only")
    search = LogisticRegressionCV(
        Cs=[0.01, 0.1, 1.0], cv=3, l1_ratios=(0.0,), use_legacy_attributes=legacy, scoring="neg_log_loss", max_iter=500
    ).fit(flowers[rows], kinds[rows])

    parent = tracking.sklearn.log_search(search)

    found = children(parent)
    assert [float(run.data.params["C"]) for run in found] == [0.01, 0.1, 1.0]
    plain = GridSearchCV(
        LogisticRegressionCV.__mro__[1](max_iter=500), {"C": [0.01, 0.1, 1.0]}, cv=3, scoring="neg_log_loss"
    ).fit(flowers[rows], kinds[rows])
    for number, run in enumerate(found):
        expected = [plain.cv_results_[f"split{k}_test_score"][number] for k in range(3)]
        np.testing.assert_allclose(folds(run, "score"), expected, rtol=5e-3)  # its path is warm-started
    assert parent.data.params["best_C"] == str(float(np.atleast_1d(search.C_)[0]))


def test_ridge_has_a_run_for_every_alpha_if_it_kept_what_they_gave() -> None:
    kept = RidgeCV(alphas=[0.1, 1.0, 10.0], store_cv_results=True).fit(X, y)

    parent = tracking.sklearn.log_search(kept)

    means = kept.cv_results_.mean(axis=0)
    np.testing.assert_allclose([run.data.metrics["mse_mean"] for run in children(parent)], means, rtol=1e-12)
    assert parent.data.params["best_alpha"] == str(kept.alpha_)
    with pytest.raises(InvalidValue, match="store_cv_results=True"):
        tracking.sklearn.log_search(RidgeCV(alphas=[0.1, 1.0]).fit(X, y))


def test_what_is_no_fitted_search_is_refused() -> None:
    for model in (Ridge().fit(X, y), GridSearchCV(Ridge(), GRID)):
        with pytest.raises(InvalidType, match="not a fitted search"):
            tracking.sklearn.log_search(model)
