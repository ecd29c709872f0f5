"""From somebody's table to a chosen model, typing only what a reader of the README would; each against scikit-learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import fbeta_score, make_scorer
from sklearn.model_selection import GroupKFold, StratifiedKFold, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import tracking
from runner.__main__ import main
from runner.prepare import tabular
from runner.reproducing.held_out import main as score_held_out

RMSE = "neg_root_mean_squared_error"


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


def test_mixed_regression_with_groups_and_missing_targets(capsys: pytest.CaptureFixture[str]) -> None:
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


def test_imbalanced_classification_with_a_scorer_of_its_own() -> None:
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


def test_a_time_series(capsys: pytest.CaptureFixture[str]) -> None:
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


def test_a_column_of_text() -> None:
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


def test_a_sweep_over_preparations() -> None:
    assert main(["-m", "prepare=none,standard,robust,tabular", "alpha=0.1,1", "cv.n_splits=3"]) == 0

    runs = recorded()
    assert len(runs) == 8
    assert len({run.data.metrics["rmse_mean"] for run in runs}) > 4
