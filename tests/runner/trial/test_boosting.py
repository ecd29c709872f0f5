"""The boosting libraries: early stopping as by hand, threads, categories, parameters; keywords of `fit`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import GroupShuffleSplit, KFold, train_test_split
from sklearn.preprocessing import StandardScaler

import runner
import tracking
from runner.errors import ConfigError
from runner.trial.fitting import Fitting, limit_threads

SPLITTER = KFold(3, shuffle=True, random_state=42)
THREE = ["cv.n_splits=3", "model.n_estimators=200"]


def folds(run: tracking.Run, metric: str) -> list[float]:
    return [point.value for point in tracking.TrackingClient().get_metric_history(run.info.run_id, metric)]


def regressor(library: str) -> Any:
    if library == "xgboost":
        made = pytest.importorskip("xgboost").XGBRegressor(max_depth=6, min_child_weight=1.0, enable_categorical=True)
        return made.set_params(subsample=1.0, colsample_bytree=1.0, reg_lambda=1.0, n_jobs=1)
    if library == "lightgbm":
        return pytest.importorskip("lightgbm").LGBMRegressor(verbosity=-1, n_jobs=1)
    made = pytest.importorskip("catboost").CatBoostRegressor(depth=6, l2_leaf_reg=3.0, verbose=False, thread_count=1)
    return made.set_params(allow_writing_files=False)


def watched(library: str, X: Any, y: Any) -> dict[str, Any]:
    if library == "lightgbm":
        return {"eval_X": X, "eval_y": y}  # for numbers the same as the eval_set that is given
    return {"eval_set": [(X, y)], **({"verbose": False} if library == "xgboost" else {})}


@pytest.mark.heavy
@pytest.mark.parametrize("library", ["xgboost", "lightgbm", "catboost"])
def test_early_stopping_is_what_one_writes_by_hand(library: str) -> None:
    model = regressor(library)
    model.set_params(n_estimators=200, learning_rate=0.1, random_state=42, early_stopping_rounds=5)
    X, y = load_diabetes(return_X_y=True)
    scores, rounds = [], []
    for train, test in SPLITTER.split(X):
        rows, held, of_rows, of_held = train_test_split(X[train], y[train], test_size=0.1, random_state=42)
        scale = StandardScaler().fit(rows)
        fitted = type(model)(**model.get_params())
        fitted.fit(scale.transform(rows), of_rows, **watched(library, scale.transform(held), of_held))
        scores.append(root_mean_squared_error(y[test], fitted.predict(scale.transform(X[test]))))
        best = fitted.best_iteration if library == "xgboost" else fitted.best_iteration_
        rounds.append(float(best + (library != "lightgbm")))

    run = runner.run([f"model={library}", *THREE, "prepare=standard", "early_stopping=5"])

    assert folds(run, "rmse") == scores
    assert folds(run, "boosting_rounds") == rounds
    assert max(rounds) < 200
    assert run.data.params["early_stopping"] == "5"


def test_rows_held_back_are_whole_groups_the_last_in_time_and_in_proportion() -> None:
    class Watching:
        def fit(self, X: Any, y: Any, **options: Any) -> None:
            self.rows, self.held = X.ravel().tolist(), options["eval_set"][0][0].ravel().tolist()

        def set_params(self, **_: Any) -> None:
            pass

    X, groups, y = np.arange(40).reshape(-1, 1), np.repeat(range(8), 5), np.arange(40) % 4
    fitting = Fitting(rounds=3, share=0.25, seed=1)
    by_group = fitting.fit(Watching(), X, y, groups=groups)
    in_time = Fitting(rounds=3, share=0.25, in_time=True).fit(Watching(), X, y)
    by_class = Fitting(rounds=3, share=0.25, classes=True).fit(Watching(), X, y)

    train, held = next(GroupShuffleSplit(1, test_size=0.25, random_state=1).split(X, y, groups))
    assert (by_group.rows, by_group.held) == (train.tolist(), held.tolist())
    assert in_time.held == list(range(30, 40))
    assert sorted(y[by_class.held]) == sorted([0, 1, 2, 3] * 2 + [0, 1]) or len(by_class.held) == 10
    assert set(np.bincount(y[by_class.held])) <= {2, 3}


@pytest.mark.heavy
@pytest.mark.parametrize("library", ["xgboost", "lightgbm", "catboost"])
def test_text_reaches_the_model_as_categories_and_unseen_values_are_taken(library: str, tmp_path: Path) -> None:
    regressor(library)
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"city": draw.choice(["ulm", "bonn", "trier"], 900), "size": draw.normal(size=900)})
    frame["rent"] = frame["size"] + (frame["city"] == "bonn") * 9.0
    frame.loc[::9, "city"] = None
    frame.to_csv("flats.csv", index=False)

    data = ["data=csv", "data.path=flats.csv", "data.target=rent", "data.silence=[leak]"]
    run = runner.run([*data, "prepare=categories", f"model={library}", *THREE, "early_stopping=10"])

    model = tracking.load_model(f"runs:/{run.info.run_id}/model")
    new = pd.DataFrame({"city": ["bonn", "rome", None], "size": [0.0, 0.0, 0.0]})
    assert folds(run, "rmse")[0] < 2.5
    assert model.predict(new)[0] > 6 > model.predict(new)[1]
    assert not (tmp_path / "catboost_info").exists()


@pytest.mark.heavy
@pytest.mark.parametrize("library", ["xgboost", "lightgbm", "catboost"])
def test_threads_per_run_reach_the_library_unless_the_model_says_its_own(library: str) -> None:
    key = "thread_count" if library == "catboost" else "n_jobs"
    asked, own = regressor(library).set_params(**{key: None}), regressor(library).set_params(**{key: 3})

    limit_threads(asked, 2)
    limit_threads(own, 2)

    assert (asked.get_params()[key], own.get_params()[key]) == (2, 3)


@pytest.mark.heavy
def test_a_classifier_stops_early_and_keeps_its_own_labels() -> None:
    pytest.importorskip("lightgbm")
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    frame = X.assign(kind=np.where(y == 1, "benign", "malignant"))
    request = ["model=lightgbm_classifier", "scoring=classification", "cv=stratified", "data.silence=[leak]"]
    run = runner.run([*request, *THREE, "early_stopping=5"], data=frame, target="kind")

    model = tracking.load_model(f"runs:/{run.info.run_id}/model")
    assert set(model.predict(X.head(20))) <= {"benign", "malignant"}
    assert max(folds(run, "boosting_rounds")) < 200
    assert "warnings" not in run.data.tags


@pytest.mark.heavy
def test_keywords_of_fit_reach_it_behind_a_preparation() -> None:
    request = ["model._target_=sklearn.linear_model.SGDRegressor", "~model.alpha", "~model.fit_intercept"]
    request += ["~model.solver", "~alpha", "prepare=standard"]
    plain = runner.run(request)
    begun = runner.run([*request, "+fit_params.intercept_init=[100.0]"])

    assert begun.data.params["fit_params.intercept_init"] == "[100.0]"
    assert folds(begun, "rmse") != folds(plain, "rmse")


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["early_stopping=5"], r"early_stopping=5: it is for models of xgboost, lightgbm, catboost. Leave it out"),
        (["model=gradient_boosting", "early_stopping=5"], r"HistGradientBoostingRegressor has its own: model.early_st"),
        (["+fit_params.weight=1"], r"fit_params.weight=1: fit of Ridge takes no 'weight'. It takes: sample_weight"),
        (["+fit_params.sample_weight=[1]"], r"rows, which differ from fold to fold. Use data.weights=COLUMN"),
    ],
)
def test_what_a_fit_does_not_take_is_refused_before_anything_runs(overrides: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        runner.run(overrides)


def test_a_warning_of_too_few_iterations_names_the_key_to_raise() -> None:
    request = ["data=breast_cancer", "model=logistic", "scoring=classification", "model.max_iter=3"]
    run = runner.run(request)

    assert run.data.tags["warnings"].startswith("ConvergenceWarning: raise model.max_iter=3: lbfgs failed")


@pytest.mark.heavy
def test_svc_has_keys_of_its_own_and_says_how_to_have_probabilities() -> None:
    request = ["data=breast_cancer", "model=logistic,svc", "prepare=standard", "model.class_weight=null,balanced"]
    with pytest.raises(ConfigError, match=r"need probabilities, which SVC does not predict. Use model=svc_calibrated"):
        runner.sweep([*request, "scoring=classification"])

    without = ["~scoring.metrics.roc_auc", "~scoring.metrics.log_loss"]
    runs = runner.sweep([*request, "scoring=classification", *without])
    assert [run.info.run_name for run in runs] == [
        "logistic class_weight=null",
        "logistic class_weight=balanced",
        "svc class_weight=null",
        "svc class_weight=balanced",
    ]
