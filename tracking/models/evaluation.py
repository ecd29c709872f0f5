"""`mlflow.evaluate` for regressors and classifiers: scikit-learn's scores under MLflow's names.

What MLflow adds (plots, SHAP, measures of language models) is not computed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Final

from tracking.active.lifecycle import active_run, current_run, start_run
from tracking.data.dataset import Dataset, NumpyDataset, PandasDataset, as_inputs, from_numpy, from_pandas
from tracking.errors import InvalidType, InvalidValue
from tracking.models.loading import load_model
from tracking.validation import shorten

_KINDS: Final = ("regressor", "classifier")
_CONFIG: Final = ("metric_prefix", "pos_label", "average", "sample_weights")
_WITHOUT_EFFECT: Final = (  # they say how to do what is not done here
    *("log_explainer", "log_model_explainability", "explainability_algorithm", "explainability_nsamples"),
    *("explainability_kernel_link", "max_classes_for_multiclass_roc_pr", "log_metrics_with_dataset_info"),
)


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """What `evaluate` found; `artifacts` and `tables`, which MLflow has too, are always empty."""

    metrics: dict[str, float]
    artifacts: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, Any] = field(default_factory=dict)


def evaluate(
    model: Any = None,
    data: Any = None,
    *,
    model_type: str | None = None,
    targets: Any = None,
    predictions: str | None = None,
    feature_names: list[Any] | None = None,
    evaluators: Any = None,
    evaluator_config: Mapping[str, Any] | None = None,
    **others: Any,
) -> EvaluationResult:
    """Score a model, or predictions that are a column of the data, and record the scores in the active run.

    Without an active run one is started, and ended. `model` is an address, a loaded model or a function of the
    features; `data` a frame, an array or a data set of `tracking.data`; `targets` a column, or values beside an
    array; `model_type` "regressor" or "classifier". Of `evaluator_config` `metric_prefix`, `pos_label`, `average`
    (of several classes, by default "weighted") and `sample_weights` are used.

    Raises InvalidValue for another type of model, and for columns that are not there; InvalidType for keywords whose
    work is not done here (`extra_metrics`, `custom_artifacts`, ...).
    """
    config = _config(evaluator_config, evaluators, others)
    if model_type not in _KINDS:
        raise InvalidValue(f"model_type={model_type!r}: only {' and '.join(_KINDS)} can be evaluated here.")
    if isinstance(model, str | os.PathLike):
        model = load_model(model)
    given = _dataset(data, targets, predictions)
    features, true = _split(given, targets, predictions, feature_names)
    predicted = _predicted(model, features, given, predictions)
    scores = _regression if model_type == "regressor" else _classification
    found = scores(true, predicted, _raw(model), features, config)
    prefix = config.get("metric_prefix") or ""
    metrics = {f"{prefix}{name}": float(value) for name, value in found.items()}
    with nullcontext() if active_run() else start_run():
        run = current_run()
        run.client.log_metrics(run.run_id, metrics)
        run.client.log_inputs(run.run_id, as_inputs([given]))
    return EvaluationResult(metrics)


def _config(given: Mapping[str, Any] | None, evaluators: Any, others: Mapping[str, Any]) -> Mapping[str, Any]:
    if evaluators not in (None, "default", ["default"]):
        raise InvalidValue(f"evaluators={shorten(evaluators)}: there is only 'default' here.")
    for name, value in others.items():
        if value is not None and (name, value) != ("env_manager", "local"):
            raise InvalidType(f"evaluate takes no {name!r} here: compute what it says yourself, and log_metrics.")
    config = dict(given or {})
    config = config["default"] if set(config) == {"default"} else config
    if unknown := [name for name in config if name not in (*_CONFIG, *_WITHOUT_EFFECT)]:
        raise InvalidType(f"evaluator_config takes no {unknown[0]!r}. It takes: {', '.join(_CONFIG)}.")
    return config


# The data -------------------------------------------------------------------------------------------
def _dataset(data: Any, targets: Any, predictions: str | None) -> PandasDataset | NumpyDataset:
    if isinstance(data, PandasDataset | NumpyDataset):
        return data
    if isinstance(data, Dataset) or data is None or isinstance(data, str):
        raise InvalidType(f"evaluate takes a frame, an array or a data set, not {shorten(data)}.")
    if hasattr(data, "iloc"):
        return from_pandas(data, targets=targets if isinstance(targets, str) else None, predictions=predictions)
    import numpy as np

    return from_numpy(np.asarray(data), targets=None if targets is None else np.asarray(targets))


def _split(
    given: PandasDataset | NumpyDataset, targets: Any, predictions: str | None, names: list[Any] | None
) -> tuple[Any, Any]:
    """Return features and true values. Raises InvalidValue where there are no targets."""
    if isinstance(given, NumpyDataset):
        features, true = given.features, targets if given.targets is None else given.targets
    else:
        column = targets if isinstance(targets, str) else given.targets
        true = targets if column is None else given.df[column]
        left_out = [name for name in (column, predictions or given.predictions) if name is not None]
        features = given.df[names] if names else given.df.drop(columns=left_out)
    if true is None:
        raise InvalidValue("evaluate needs the true values: targets='column', or an array of them.")
    return features, true


def _predicted(model: Any, features: Any, given: Dataset, predictions: str | None) -> Any:
    if model is not None:
        predict: Callable[[Any], Any] = model.predict if hasattr(model, "predict") else model
        if not callable(predict):
            raise InvalidType(f"evaluate takes an address, a model or a function, not {shorten(model)}.")
        return predict(features)
    column = predictions or getattr(given, "predictions", None)
    if column is None or not isinstance(given, PandasDataset):
        raise InvalidValue("evaluate needs a model, or a frame with predictions='column'.")
    return given.df[column]


def _raw(model: Any) -> Any:
    """Return the object of the model's own library."""
    return model.get_raw_model() if hasattr(model, "get_raw_model") else model


# The scores -----------------------------------------------------------------------------------------
Scores = dict[str, Any]


def _regression(true: Any, predicted: Any, model: Any, features: Any, config: Mapping[str, Any]) -> Scores:
    import numpy as np
    from sklearn import metrics

    weights = config.get("sample_weights")
    squared = metrics.mean_squared_error(true, predicted, sample_weight=weights)
    return {
        **_own_score(model, features, true, weights),
        "example_count": len(true),
        "mean_absolute_error": metrics.mean_absolute_error(true, predicted, sample_weight=weights),
        "mean_squared_error": squared,
        "root_mean_squared_error": squared**0.5,
        "sum_on_target": np.sum(np.asarray(true)),
        "mean_on_target": np.mean(np.asarray(true)),
        "r2_score": metrics.r2_score(true, predicted, sample_weight=weights),
        "max_error": metrics.max_error(true, predicted),
        "mean_absolute_percentage_error": metrics.mean_absolute_percentage_error(
            true, predicted, sample_weight=weights
        ),
    }


def _classification(true: Any, predicted: Any, model: Any, features: Any, config: Mapping[str, Any]) -> Scores:
    import numpy as np
    from sklearn import metrics

    weights = config.get("sample_weights")
    labels = np.unique(np.asarray(true))
    if len(labels) == 2:
        positive = _positive(labels.tolist(), config.get("pos_label"))
        labels = np.array([next(label for label in labels.tolist() if label != positive), positive])
        matrix = metrics.confusion_matrix(true, predicted, labels=labels, sample_weight=weights).ravel()
        counts = dict(
            zip(("true_negatives", "false_positives", "false_negatives", "true_positives"), matrix, strict=True)
        )
        how = {"average": "binary", "pos_label": positive}
    else:
        counts, how = {}, {"average": config.get("average") or "weighted"}
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        true, predicted, zero_division=0, sample_weight=weights, **how
    )
    return {
        **_own_score(model, features, true, weights),
        **counts,
        "example_count": len(true),
        "accuracy_score": metrics.accuracy_score(true, predicted, sample_weight=weights),
        "recall_score": recall,
        "precision_score": precision,
        "f1_score": f1,
        **_of_probabilities(true, labels, model, features, config),
    }


def _positive(labels: list[Any], asked: Any) -> Any:
    if asked is None and set(labels) <= {0, 1, -1}:
        asked = 1
    if asked not in labels:
        shown = " and ".join(map(repr, labels))
        raise InvalidValue(f"Which of {shown} is the positive label? evaluator_config={{'pos_label': {labels[1]!r}}}")
    return asked


def _of_probabilities(true: Any, labels: Any, model: Any, features: Any, config: Mapping[str, Any]) -> Scores:
    """Return the scores of a model that gives probabilities of these classes; {} for any other."""
    classes = list(getattr(model, "classes_", ()))
    if not hasattr(model, "predict_proba") or any(label not in classes for label in labels):
        return {}
    import numpy as np
    from sklearn import metrics

    weights = config.get("sample_weights")
    given = model.predict_proba(features)
    loss = {"log_loss": metrics.log_loss(true, given, labels=classes, sample_weight=weights)}
    if len(labels) > 2:
        average = config.get("average") or "weighted"
        chosen = given[:, [classes.index(label) for label in labels.tolist()]]
        if len(labels) < len(classes):
            return loss  # the areas are of all classes
        area = metrics.roc_auc_score(true, chosen, sample_weight=weights, average=average, multi_class="ovr")
        return {**loss, "roc_auc": area}
    hit, chance = np.asarray(true) == labels[1], given[:, classes.index(labels[1])]
    return {
        **loss,
        "roc_auc": metrics.roc_auc_score(hit, chance, sample_weight=weights),
        "precision_recall_auc": metrics.average_precision_score(hit, chance, sample_weight=weights),
    }


def _own_score(model: Any, features: Any, true: Any, weights: Any) -> Scores:
    """Return what the model's own `score` says, as MLflow does for scikit-learn's."""
    if not hasattr(model, "score"):
        return {}
    return {"score": model.score(features, true) if weights is None else model.score(features, true, weights)}
