"""What a fitted model tells of itself: coefficients or importances by feature name, iterations, a search's choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.pipeline import Pipeline

from runner.trial.fitting import rounds_of
from tracking.records.fitted import write_facts, write_features, write_importances

if TYPE_CHECKING:
    from runner.data.dataset import Dataset

MOST_FEATURES = 10_000  # of more, importances are a table nobody reads


def describe_fitted(model: Any, data: Dataset) -> dict[str, bytes]:
    """Return the blobs of what is known of the final model, without computing anything anew."""
    last, names = _last_step(model, data.feature_names)
    inner = getattr(last, "best_estimator_", last)
    inner = getattr(inner, "regressor_", inner)
    columns = _columns(inner)
    blobs = write_facts(_facts(last, inner))
    if names is not None and names != data.feature_names:
        blobs |= write_features(data.feature_names, names)
    if columns and len(next(iter(columns.values()))) <= MOST_FEATURES:
        count = len(next(iter(columns.values())))
        fitting = names if names is not None and len(names) == count else [f"x{number}" for number in range(count)]
        blobs |= write_importances(fitting, columns)
    return blobs


def _last_step(model: Any, names: tuple[str, ...]) -> tuple[Any, tuple[str, ...] | None]:
    """Return the estimator at the end, and the names of what it is given; None where a step does not tell."""
    if not isinstance(model, Pipeline):
        return model, names
    try:
        after = model[:-1].get_feature_names_out(list(names))
    except Exception:  # a person's own step may raise anything, and need not know names
        return model[-1], None
    return model[-1], tuple(map(str, after))


def _columns(model: Any) -> dict[str, list[float]]:
    """Return coefficients (a column for each class or target) or importances, {} where the model has none."""
    coefficients = getattr(model, "coef_", None)
    if coefficients is not None:
        table = coefficients.toarray() if hasattr(coefficients, "toarray") else np.asarray(coefficients)
        rows = np.atleast_2d(table)
        if rows.ndim != 2 or rows.dtype.kind not in "iuf":
            return {}
        if len(rows) == 1:
            return {"coefficient": rows[0].tolist()}
        labels = getattr(model, "classes_", range(len(rows)))
        labels = labels if len(labels) == len(rows) else range(len(rows))
        return {f"coefficient_{label}": row.tolist() for label, row in zip(labels, rows, strict=True)}
    importances = getattr(model, "feature_importances_", None)
    return {} if importances is None else {"importance": np.asarray(importances, dtype=float).ravel().tolist()}


def _facts(last: Any, inner: Any) -> dict[str, Any]:
    facts = {}
    rounds = getattr(inner, "n_iter_", None)
    if rounds is not None:
        facts["n_iter"] = np.asarray(rounds).tolist()
    elif (rounds := rounds_of(inner)) is not None:
        facts["n_iter"] = rounds
    if isinstance(best := getattr(last, "best_params_", None), dict):
        facts["best_params"] = {
            key: value.item() if isinstance(value, np.generic) else value for key, value in best.items()
        }
    return facts
