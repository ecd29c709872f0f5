"""What a run kept beside its metrics, as sections of its page: confusion of classes, residuals, importances. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tracking.pages.run_page import Section
from tracking.records.fitted import Fitted
from tracking.records.predictions import Predictions
from tracking.text.tables import Row, format_number, render_table

_SHOWN = 10  # features of a long list
_MOST_CLASSES = 20  # of a confusion matrix that is shown whole


def kept_sections(predictions: Predictions | None, fitted: Fitted) -> list[Section]:
    """Return the sections of one run; empty ones are the renderer's to drop."""
    sections: list[Section] = [
        ("fitted", {key: _text(value) for key, value in fitted.facts.items()}),
        ("importances", _importances(fitted.importances)),
    ]
    if predictions is not None:
        sections.append(
            ("out of fold", _confusion(predictions) if predictions.classes is not None else _residuals(predictions))
        )
    return sections


def _text(value: Any) -> str:
    return ", ".join(f"{key}={part}" for key, part in value.items()) if isinstance(value, Mapping) else str(value)


def _importances(columns: Mapping[str, Mapping[str, float]]) -> str:
    if not columns:
        return ""
    features = list(next(iter(columns.values())))
    size = {name: max(abs(values[name]) for values in columns.values()) for name in features}
    largest = sorted(features, key=lambda name: -size[name])[:_SHOWN]
    rows: list[Row] = [
        {"feature": name, **{column: format_number(values[name]) for column, values in columns.items()}}
        for name in largest
    ]
    more = f"\n... {len(features) - len(rows)} more features: tracking.importances" if len(features) > len(rows) else ""
    return render_table(rows, ["feature", *columns], format="table", width=None).rstrip() + more


def _confusion(predictions: Predictions) -> Row | str:
    """Return how often each class was predicted as which; rows are true."""
    classes = predictions.classes
    assert classes is not None
    codes = np.searchsorted(classes, predictions.predicted[0])
    right = codes == predictions.codes
    if len(classes) > _MOST_CLASSES:
        return {"right": f"{right.sum()} of {len(right)} predictions", "classes": str(len(classes))}
    counts = np.zeros((len(classes), len(classes)), dtype=int)
    np.add.at(counts, (predictions.codes, codes), 1)
    labels = [str(label) for label in classes]
    rows: list[Row] = [
        {"true \\ predicted": label, **dict(zip(labels, map(int, row), strict=True))}
        for label, row in zip(labels, counts, strict=True)
    ]
    return render_table(rows, ["true \\ predicted", *labels], format="table", width=None).rstrip()


def _residuals(predictions: Predictions) -> Row:
    """Return how far predictions were off, true minus predicted, in the units of the target."""
    residuals = predictions.responses["residual"][0].astype(float)
    size = np.abs(residuals) if residuals.ndim == 1 else np.abs(residuals).max(axis=1)
    worst = np.argsort(-size)[:3]
    parts = np.quantile(residuals, [0.05, 0.5, 0.95])
    return {
        "predictions": f"{len(residuals)} of {len(np.unique(predictions.rows))} rows",
        "true - predicted": "5%, median, 95%: " + ", ".join(format_number(float(part)) for part in parts),
        "farthest off": ", ".join(f"row {predictions.rows[n]} ({format_number(float(size[n]))})" for n in worst),
    }
