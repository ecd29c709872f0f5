"""Out-of-fold predictions: those that the scores were computed from, predicted once, and those of cross_val_predict."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import cross_val_predict

import tracking
from runner.__main__ import main
from runner.data.dataset import load
from runner.trial.build import build
from tracking.records.predictions import Predictions, load_predictions
from tracking.records.yaml_text import parse_yaml

CLASSES = "data=iris scoring=classification cv=stratified"


def run(command: str) -> list[tracking.Run]:
    assert main(shlex.split(command)) == 0
    client = tracking.TrackingClient()
    found = client.search_runs([e.experiment_id for e in client.search_experiments()])
    return sorted(found, key=lambda one: int(one.data.tags.get("sweep.point", 0)))


def score_by(**metrics: str) -> str:
    """Write a choice of scorers, the first the objective, and return the options that take it."""
    Path("own/scoring").mkdir(parents=True)
    lines = [f"  {name}: {scorer}" for name, scorer in metrics.items()]
    direction = "minimize" if next(iter(metrics.values())).startswith("neg_") else "maximize"
    objective = ["objective:", f"  metric: {next(iter(metrics))}", f"  direction: {direction}"]
    Path("own/scoring/mine.yaml").write_text("\n".join(["metrics:", *lines, *objective]) + "\n")
    return "--config-dir own scoring=mine"


def predictions(runs: list[tracking.Run]) -> list[Predictions]:
    return load_predictions(tracking.TrackingClient().store, [one.info.run_id for one in runs])


def again(one: tracking.Run, method: str = "predict") -> tuple[object, object]:
    text = (tracking.TrackingClient().artifact_dir(one.info.run_id) / "config.yaml").read_text()
    config = parse_yaml(text)
    parts, data = build(config), load(config["data"])
    return cross_val_predict(
        parts.estimator, data.X, data.y, cv=parts.splitter, groups=data.groups, method=method
    ), data


@pytest.mark.parametrize(
    "command", ["model=ridge alpha=0.3", "model=knn prepare=standard scoring.metrics.e=neg_max_error"]
)
def test_predictions_of_numbers_are_those_of_cross_val_predict(command: str) -> None:
    [one] = run(command)
    [kept] = predictions([one])
    expected, data = again(one)

    assert sorted(kept.rows) == list(range(442))
    assert np.array_equal(kept.true, data.y[kept.rows])
    assert np.allclose(kept.predicted[0], expected[kept.rows], rtol=0, atol=2e-5)
    assert kept.responses["residual"].dtype == np.float32
    of_first_fold = kept.folds == 0
    rmse = np.sqrt(np.mean(kept.responses["residual"][0][of_first_fold] ** 2))
    history = tracking.TrackingClient().get_metric_history(one.info.run_id, "rmse")
    assert rmse == pytest.approx(history[0].value, rel=1e-6)


def test_a_target_far_from_zero_keeps_its_residuals() -> None:
    rows = [f"{i},{1.7e9 + i % 7}" for i in range(60)]
    Path("far.csv").write_text("\n".join(["x,when", *rows]) + "\n")
    [one] = run("model=linear data=csv data.path=far.csv data.target=when")

    [kept] = predictions([one])

    expected, _ = again(one)
    assert np.allclose(kept.predicted[0] - 1.7e9, expected[kept.rows] - 1.7e9, atol=1e-5)


@pytest.mark.heavy
@pytest.mark.parametrize("data", ["iris", "breast_cancer"])
def test_of_classes_the_labels_and_the_probabilities_are_kept_that_scorers_asked_for(data: str) -> None:
    [one] = run(f"model=logistic prepare=standard {CLASSES} data={data} scoring.metrics.log_loss=neg_log_loss")
    [kept] = predictions([one])
    labels, loaded = again(one)
    probabilities, _ = again(one, "predict_proba")

    assert np.array_equal(kept.predicted[0], labels[kept.rows])
    assert np.array_equal(kept.classes[kept.codes], loaded.y[kept.rows])
    frame = kept.frame(one.info.run_id)
    shown = frame[[f"probability_{label}" for label in kept.classes]].to_numpy()
    assert np.allclose(shown, probabilities[kept.rows], rtol=0, atol=1e-7)
    assert (frame["true"] == frame["predicted"]).mean() == pytest.approx(one.data.metrics["accuracy_mean"], abs=0.01)


def test_without_a_scorer_of_probabilities_none_are_kept() -> None:
    [one] = run(f"model=logistic data=iris prepare=standard {score_by(accuracy='accuracy')}")

    assert set(predictions([one])[0].responses) == {"predict"}


@pytest.mark.heavy
def test_labels_that_are_words_come_back_and_a_class_that_a_fold_lacks_has_no_probability() -> None:
    level = ["rare" if i < 10 and i % 2 else ["low", "high"][i // 5 % 2] for i in range(50)]
    rows = [f"{i},{i // 10},{level[i]}" for i in range(50)]
    Path("words.csv").write_text("\n".join(["x,who,level", *rows]) + "\n")
    scoring = score_by(accuracy="accuracy", top="predicting.top_probability")
    Path("predicting.py").write_text("def top_probability(model, X, y):\n    return model.predict_proba(X).max()\n")
    [one] = run(f"model=naive_bayes data=csv data.path=words.csv data.target=level data.groups=who cv=group {scoring}")

    [kept] = predictions([one])

    frame = kept.frame(one.info.run_id)
    assert set(kept.classes) == {"low", "high", "rare"}
    rare = frame[frame["true"] == "rare"]
    assert list(rare["probability_rare"]) == [0.0] * 5
    assert np.allclose(frame.filter(like="probability_").sum(axis=1), 1.0)


@pytest.mark.heavy
def test_the_points_of_a_sweep_are_one_matrix_and_share_their_rows() -> None:
    runs = run("-m model=ridge alpha=0.1,1,10 cv=repeated cv.n_splits=3 cv.n_repeats=2 refit=false")

    [kept] = predictions(runs)

    assert kept.run_ids == tuple(one.info.run_id for one in runs)
    assert kept.predicted.shape == (3, 884)
    assert len(np.unique(kept.folds)) == 6
    assert np.array_equal(np.bincount(kept.rows), np.full(442, 2))
    assert not np.array_equal(kept.predicted[0], kept.predicted[1])


@pytest.mark.heavy
def test_points_with_other_folds_are_not_mixed() -> None:
    runs = run("-m model=ridge seed=1,2 alpha=0.1,1 refit=false")

    found = predictions(runs)

    assert [len(kept.run_ids) for kept in found] == [2, 2]


@pytest.mark.heavy
def test_groups_are_kept_with_the_rows() -> None:
    rows = [f"{i},{'abcde'[i % 5]},{i / 7}" for i in range(40)]
    Path("grouped.csv").write_text("\n".join(["x,who,y", *rows]) + "\n")

    runs = run("model=ridge data=csv data.path=grouped.csv data.target=y data.groups=who cv=group")

    [kept] = predictions(runs)
    assert [sorted(set(kept.rows[kept.groups == number] % 5)) for number in range(5)] == [[0], [1], [2], [3], [4]]


@pytest.mark.heavy
def test_every_row_is_predicted_once_for_scores_and_predictions_together() -> None:
    Path("counting.py").write_text(
        "from sklearn.linear_model import LogisticRegression\n"
        "class Counting(LogisticRegression):\n"
        "    def predict_proba(self, X):\n"
        "        print('predicts', file=open('calls', 'a'))\n"
        "        return super().predict_proba(X)\n"
    )
    scoring = score_by(loss="neg_log_loss", auc="roc_auc_ovr")
    runs = run(
        "model=logistic model._target_=counting.Counting data=iris prepare=standard cv=stratified cv.n_splits=3"
        f" refit=false {scoring}"
    )

    assert len(Path("calls").read_text().splitlines()) == 3
    assert "predict_proba" in predictions(runs)[0].responses


@pytest.mark.heavy
def test_keep_predictions_false_keeps_none_and_changes_no_score() -> None:
    run("model=ridge refit=false keep_predictions=false")
    newest, first = sorted(run("model=ridge refit=false"), key=lambda one: -one.info.start_time)

    assert predictions([first]) == []
    assert len(predictions([newest])) == 1
    assert first.data.metrics["rmse_mean"] == newest.data.metrics["rmse_mean"]
    assert first.data.tags["fingerprint"] == newest.data.tags["fingerprint"]
