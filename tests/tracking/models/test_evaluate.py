"""`evaluate`: the scores and names of MLflow 3.17.2, recorded in the run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import Ridge
from sklearn.naive_bayes import GaussianNB

import tracking
from tracking.errors import InvalidType, InvalidValue

# What mlflow.models.evaluate of MLflow 3.17.2 gave, with scikit-learn 1.9.1.
REGRESSOR = {
    "score": 0.45123062774361744,
    "example_count": 442.0,
    "mean_absolute_error": 47.607358377334876,
    "mean_squared_error": 3254.1392124301146,
    "root_mean_squared_error": 57.045062997862615,
    "sum_on_target": 67243.0,
    "mean_on_target": 152.13348416289594,
    "r2_score": 0.45123062774361744,
    "max_error": 158.58638716542598,
    "mean_absolute_percentage_error": 0.4375677066186361,
}
BINARY = {
    "score": 0.9420035149384886,
    **{"true_negatives": 189.0, "false_positives": 23.0, "false_negatives": 10.0, "true_positives": 347.0},
    "example_count": 569.0,
    "accuracy_score": 0.9420035149384886,
    "recall_score": 0.9719887955182073,
    "precision_score": 0.9378378378378378,
    "f1_score": 0.9546079779917469,
    "log_loss": 0.52040811078969,
    "roc_auc": 0.9890333491887321,
    "precision_recall_auc": 0.9934209926136628,
}
MULTICLASS = {
    "score": 0.96,
    "example_count": 150.0,
    **{"accuracy_score": 0.96, "recall_score": 0.96, "precision_score": 0.96, "f1_score": 0.96},
    "log_loss": 0.1112488207471831,
    "roc_auc": 0.9949333333333334,
}
OF_PROBABILITIES = {"score", "log_loss", "roc_auc", "precision_recall_auc"}


@pytest.fixture
def diabetes() -> pd.DataFrame:
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    return X.assign(t=y)


def fitted(kind: str) -> tuple[Any, pd.DataFrame]:
    load, model = {
        "regressor": (load_diabetes, Ridge()),
        "binary": (load_breast_cancer, GaussianNB()),
        "multiclass": (load_iris, GaussianNB()),
    }[kind]
    X, y = load(return_X_y=True, as_frame=True)
    return model.fit(X, y), X.assign(t=y)


@pytest.mark.parametrize(
    ("kind", "expected"), [("regressor", REGRESSOR), ("binary", BINARY), ("multiclass", MULTICLASS)]
)
def test_the_scores_are_those_of_mlflow_and_are_in_the_run(kind: str, expected: dict[str, float]) -> None:
    model, data = fitted(kind)
    model_type = kind if kind == "regressor" else "classifier"
    with tracking.start_run() as run:
        info = tracking.log_model(model)
        result = tracking.evaluate(info.model_uri, data, targets="t", model_type=model_type, evaluators="default")

    assert result.metrics == pytest.approx(expected, rel=1e-6)
    recorded = tracking.get_run(run.info.run_id)
    assert recorded.data.metrics == result.metrics
    assert [given.dataset.profile for given in recorded.inputs.dataset_inputs] == [
        f'{{"num_rows": {len(data)}, "num_elements": {data.size}}}'
    ]


def test_a_function_an_array_and_a_column_of_predictions_are_scored_too() -> None:
    model, data = fitted("binary")
    X, y = data.drop(columns="t"), data["t"]
    plain = {name: value for name, value in BINARY.items() if name not in OF_PROBABILITIES}

    by_function = tracking.evaluate(model.predict, data, targets="t", model_type="classifier")
    by_column = tracking.models.evaluate(
        data=data.assign(p=model.predict(X)), targets="t", predictions="p", model_type="classifier"
    )
    by_array = tracking.evaluate(
        lambda rows: model.predict(pd.DataFrame(rows, columns=X.columns)),
        X.to_numpy(),
        targets=y.to_numpy(),
        model_type="classifier",
    )

    for result in (by_function, by_column, by_array):
        assert result.metrics == pytest.approx(plain, rel=1e-6)
    assert tracking.active_run() is None


def test_a_data_set_brings_its_targets_and_a_prefix_names_the_scores(diabetes: pd.DataFrame) -> None:
    model = Ridge().fit(diabetes.drop(columns="t"), diabetes["t"])
    dataset = tracking.data.from_pandas(diabetes, targets="t", name="diabetes")

    result = tracking.evaluate(
        tracking.pyfunc.load_model(logged(model)),
        dataset,
        model_type="regressor",
        evaluator_config={"metric_prefix": "test_", "log_model_explainability": False},
    )

    assert result.metrics == pytest.approx({f"test_{name}": value for name, value in REGRESSOR.items()}, rel=1e-6)


def logged(model: Any) -> str:
    with tracking.start_run():
        return tracking.log_model(model).model_uri


def test_labels_that_are_words_need_to_say_which_is_the_positive_one() -> None:
    data = pd.DataFrame({"t": ["no", "yes", "yes", "no"], "p": ["no", "yes", "no", "no"]})
    given: dict[str, Any] = {"data": data, "targets": "t", "predictions": "p", "model_type": "classifier"}

    with pytest.raises(InvalidValue, match="Which of 'no' and 'yes' is the positive label"):
        tracking.evaluate(**given)

    metrics = tracking.evaluate(**given, evaluator_config={"pos_label": "yes"}).metrics
    assert (metrics["true_positives"], metrics["recall_score"], metrics["precision_score"]) == (1.0, 0.5, 1.0)


@pytest.mark.parametrize(
    ("keywords", "error", "said"),
    [
        ({"model_type": "text"}, InvalidValue, "only regressor and classifier"),
        ({"targets": None}, InvalidValue, "needs the true values"),
        ({"targets": "y"}, InvalidValue, "It has: a, t"),
        ({"model": None}, InvalidValue, "needs a model, or a frame with predictions"),
        ({"model": 3}, InvalidType, "an address, a model or a function"),
        ({"extra_metrics": [len]}, InvalidType, "takes no 'extra_metrics' here"),
        ({"evaluator_config": {"colour": 1}}, InvalidType, "takes no 'colour'"),
        ({"evaluators": "mine"}, InvalidValue, "only 'default'"),
        ({"data": "rows.csv"}, InvalidType, "a frame, an array or a data set"),
    ],
)
def test_what_cannot_be_evaluated_is_one_sentence(keywords: dict[str, Any], error: type[Exception], said: str) -> None:
    data = pd.DataFrame({"a": [1.0, 2.0], "t": [1.0, 2.0]})
    given = {"model": np.ravel, "data": data, "targets": "t", "model_type": "regressor"} | keywords

    with pytest.raises(error, match=said):
        tracking.evaluate(**given)
