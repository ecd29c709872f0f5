"""From somebody's table to a model in use, typing only what a reader of the README would; each against scikit-learn.

The folds' scores are those of the same pieces in scikit-learn to the last bit, and so are the predictions of the
recorded model, made by `python -m tracking predict` and where this package is not installed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import fbeta_score, make_scorer, root_mean_squared_error
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import tracking
from runner.__main__ import main
from runner.prepare import tabular
from runner.reproducing.held_out import main as score_held_out
from tests.walks.elsewhere import packages_but_this, predict_elsewhere
from tracking.cli.app import main as track

pytestmark = pytest.mark.heavy
RMSE = "neg_root_mean_squared_error"


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packages_but_this(tmp_path_factory.mktemp("packages"))


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def recorded() -> list[tracking.Run]:
    client = tracking.TrackingClient()
    runs = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
    return sorted(runs, key=lambda run: run.info.start_time)


def latest() -> tracking.Run:
    return recorded()[-1]


def folds(run: tracking.Run, metric: str) -> list[float]:
    return [point.value for point in tracking.TrackingClient().get_metric_history(run.info.run_id, metric)]


def use(run: tracking.Run, model: Any, X: pd.DataFrame, y: Any, packages: Path) -> None:
    """Use the model of a run in both ways, on rows as they come; compare with one fitted on all rows by hand."""
    new = X.head(20)
    expected = model.predict(new) if y is None else clone(model).fit(X, y).predict(new)
    assert predict_elsewhere(run, new, packages) == expected.ravel().tolist()
    assert track(["predict", run.info.run_id, "new.csv", "-o", "out.csv"]) == 0
    assert pd.read_csv("out.csv")["prediction"].to_numpy() == pytest.approx(expected.ravel(), rel=1e-6)


def test_mixed_regression_with_groups_and_missing_targets(capsys: pytest.CaptureFixture[str], packages: Path) -> None:
    frame: pd.DataFrame = load_diabetes(as_frame=True, scaled=False).frame
    frame["clinic"] = [f"c{i % 12}" for i in range(len(frame))]
    frame["sex"] = frame["sex"].map({1.0: "f", 2.0: "m"})
    frame.loc[::10, "target"] = np.nan
    frame.loc[::7, "bmi"] = np.nan
    frame.to_csv("patients.csv", index=False)
    data = ["data=csv", "data.path=patients.csv", "data.target=target", "data.groups=clinic", "prepare=tabular"]

    assert main(data) == 2
    assert "data.missing_target=drop" in capsys.readouterr().err
    data += ["data.missing_target=drop", "cv=group", "data.test=0.25"]
    assert main(["-m", *data, "model=ridge", "alpha=0.1,1,10"]) == 0
    assert "note: 45 of 442 rows of patients have no target" in capsys.readouterr().err
    assert score_held_out(["best:ridge-patients"]) == 0

    assert main(["data.test=null", *data[:-1], "alpha=1"]) == 0
    there = frame[frame["target"].notna()].reset_index(drop=True)
    X, y = there.drop(columns=["target", "clinic"]), there["target"].to_numpy()
    model, splitter = make_pipeline(tabular(), Ridge(random_state=42)), GroupKFold(5, shuffle=True, random_state=42)
    plain = cross_val_score(model, X, y, groups=there["clinic"], cv=splitter, scoring=RMSE)
    assert folds(latest(), "rmse") == (-plain).tolist()
    use(latest(), model, X, y, packages)


def test_imbalanced_classification_with_a_scorer_of_its_own(packages: Path) -> None:
    frame: pd.DataFrame = load_breast_cancer(as_frame=True).frame
    frame = pd.concat([frame[frame["target"] == 1], frame[frame["target"] == 0].head(30)], ignore_index=True)
    frame.to_csv("tumours.csv", index=False)

    scorer = ["+scoring.metrics.f2={_target_: sklearn.metrics.fbeta_score, beta: 2, pos_label: 0}"]
    data = ["data=csv", "data.path=tumours.csv", "data.target=target", "prepare=standard", "cv=stratified"]
    model = ["model=logistic", "model.class_weight=balanced", "scoring=imbalanced", "scoring.objective.metric=f2"]
    assert main([*data, *model, *scorer]) == 0

    X, y = frame.drop(columns="target"), frame["target"].to_numpy()
    pipeline = make_pipeline(
        StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000, random_state=42)
    )
    splitter = StratifiedKFold(5, shuffle=True, random_state=42)
    f2 = make_scorer(fbeta_score, beta=2, pos_label=0)
    assert folds(latest(), "f2") == cross_val_score(pipeline, X, y, cv=splitter, scoring=f2).tolist()
    use(latest(), pipeline, X, y, packages)


def test_a_time_series(capsys: pytest.CaptureFixture[str], packages: Path) -> None:
    draw = np.random.default_rng(0)
    days = pd.date_range("2023-01-01", periods=200)
    frame = pd.DataFrame({"day": days, "before": draw.normal(size=200)})
    frame["sold"] = frame["before"] + draw.normal(size=200)
    frame.sample(frac=1, random_state=0).to_csv("sales.csv", index=False)
    data = ["data=csv", "data.path=sales.csv", "data.target=sold", "data.features=[before]", "cv=timeseries"]

    assert main(data) == 0
    assert "Add data.time=COLUMN" not in capsys.readouterr().err  # one column only is not judged
    assert main([*data, "data.time=day"]) == 0

    X, y = frame[["before"]], frame["sold"].to_numpy()
    plain = cross_val_score(Ridge(random_state=42), X, y, cv=TimeSeriesSplit(5), scoring=RMSE)
    assert folds(latest(), "rmse") == (-plain).tolist()
    use(latest(), Ridge(random_state=42), X, y, packages)


def test_a_column_of_text(packages: Path) -> None:
    draw = np.random.default_rng(0)
    words = np.array(["quiet", "central", "garden", "noisy", "new kitchen"])
    chosen = [words[draw.choice(5, 2, replace=False)] for _ in range(120)]
    frame = pd.DataFrame({"note": [" and ".join(pair) for pair in chosen], "size": draw.normal(size=120)})
    frame["rent"] = frame["size"] + frame["note"].str.contains("garden") * 2.0 + draw.normal(size=120) / 9
    frame.to_csv("flats.csv", index=False)

    data = ["data=csv", "data.path=flats.csv", "data.target=rent", "cv=timeseries", "data.silence=[time]"]
    assert main([*data, "prepare=tabular", "prepare.columns={note: text}"]) == 0

    pieces = ColumnTransformer(
        [("size", StandardScaler(), ["size"]), ("note", TfidfVectorizer(max_features=1000), "note")],
        sparse_threshold=0,
    )
    X, y = frame[["note", "size"]], frame["rent"].to_numpy()
    model: Any = make_pipeline(pieces, Ridge(random_state=42))
    plain = cross_val_score(model, X, y, cv=TimeSeriesSplit(5), scoring=RMSE)
    assert folds(latest(), "rmse") == (-plain).tolist()
    use(latest(), model, X, y, packages)


def test_xgboost_with_early_stopping(packages: Path) -> None:
    xgboost = pytest.importorskip("xgboost")
    frame: pd.DataFrame = load_diabetes(as_frame=True, scaled=False).frame
    frame["sex"] = frame["sex"].map({1.0: "f", 2.0: "m"})
    frame.loc[::7, "bmi"] = np.nan
    frame.to_csv("patients.csv", index=False)

    data = ["data=csv", "data.path=patients.csv", "data.target=target", "prepare=tabular"]
    assert main(["-m", *data, "model=xgboost", "early_stopping=10", "model.max_depth=3,6"]) == 0

    X, y = frame.drop(columns="target"), frame["target"].to_numpy()
    prepare = tabular()

    def fit(rows: pd.DataFrame, of_rows: Any) -> Any:
        part, held, of_part, of_held = train_test_split(rows, of_rows, test_size=0.1, random_state=42)
        booster = xgboost.XGBRegressor(
            n_estimators=300,
            learning_rate=0.1,
            max_depth=6,
            min_child_weight=1.0,
            subsample=1.0,
            n_jobs=1,
            colsample_bytree=1.0,
            reg_lambda=1.0,
            enable_categorical=True,
            random_state=42,
            early_stopping_rounds=10,
        )
        front = clone(prepare)
        prepared = front.fit_transform(part, of_part)
        booster.fit(prepared, of_part, eval_set=[(front.transform(held), of_held)], verbose=False)
        return make_pipeline(front, booster)

    scores = [
        root_mean_squared_error(y[test], fit(X.iloc[train], y[train]).predict(X.iloc[test]))
        for train, test in KFold(5, shuffle=True, random_state=42).split(X)
    ]
    assert folds(latest(), "rmse") == scores
    assert max(folds(latest(), "boosting_rounds")) < 300
    use(latest(), fit(X, y), X, None, packages)


def test_a_sweep_over_preparations(packages: Path) -> None:
    frame: pd.DataFrame = load_diabetes(as_frame=True, scaled=False).frame
    frame.to_csv("patients.csv", index=False)
    data = ["data=csv", "data.path=patients.csv", "data.target=target", "cv.n_splits=3"]
    rows = "prepare=none,standard,robust,tabular,[standard,select]"
    assert main(["-m", *data, rows, "prepare.select.k=3,5", "alpha=0.1,1"]) == 0

    runs = recorded()
    assert len(runs) == 12
    assert len({run.data.metrics["rmse_mean"] for run in runs}) > 6
    [selected] = [run for run in runs if run.info.run_name == "ridge prepare=[standard,select] k=5 alpha=1"]
    frame = pd.read_csv("patients.csv")  # laid out as the run had it: sums in another order differ in the last bit
    X, y = frame.drop(columns="target"), frame["target"].to_numpy()
    pipeline = make_pipeline(StandardScaler(), SelectKBest(f_regression, k=5), Ridge(random_state=42))
    plain = cross_val_score(pipeline, X, y, cv=KFold(3, shuffle=True, random_state=42), scoring=RMSE)
    assert folds(selected, "rmse") == (-plain).tolist()
    use(selected, pipeline, X, y, packages)
