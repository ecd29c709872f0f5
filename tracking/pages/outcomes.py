"""What a run predicted for rows it had not seen, as figures: confusion, ROC, precision and recall, residuals. Pure.

All folds are pooled, which the captions say: an area under a pooled curve is not the mean of those of the folds.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tracking.pages.charts import SCHEMA, Spec
from tracking.pages.figures import Choice, Drawn
from tracking.records.predictions import Predictions
from tracking.text.formatting import format_number

MOST_DOTS = 2000
_MOST_CLASSES = 30
_MOST_CURVES = 10
_CURVE_POINTS = 200
_DOT: Spec = {"type": "circle", "size": 24, "opacity": 0.45}
_POOLED = "out of fold, all folds pooled"


def add_outcomes(drawn: Drawn, predictions: Predictions | None) -> None:
    """Add the figures that the predictions of one run allow: none for several targets or very many classes."""
    if predictions is None or predictions.true.ndim > 1:
        return
    if predictions.classes is None:
        _add_residuals(drawn, predictions)
    elif len(predictions.classes) <= _MOST_CLASSES:
        _add_confusion(drawn, predictions)
        _add_curves(drawn, predictions)


# Classification ----------------------------------------------------------------------------------
def _add_confusion(drawn: Drawn, predictions: Predictions) -> None:
    counts = confusion_counts(predictions)
    classes: Any = predictions.classes
    labels = [str(label) for label in classes]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    cells = [(row, column) for row in range(len(labels)) for column in range(len(labels))]
    drawn.datasets["confusion"] = {
        "true": [labels[row] for row, _ in cells],
        "predicted": [labels[column] for _, column in cells],
        "count": [int(counts[cell]) for cell in cells],
        "share": [round(float(shares[cell]), 4) for cell in cells],
    }
    right = int(np.trace(counts))
    caption = (
        f"{right} of {counts.sum()} predictions are right, {_POOLED}. A number counts predictions, the colour is its"
        " share of the true class."
    )
    drawn.figures["confusion"] = [Choice("confusion", caption, _confusion_chart(len(labels)))]


def confusion_counts(predictions: Predictions) -> Any:
    """Return how many predictions there are for each pair of classes: true x predicted."""
    size = len(predictions.classes)  # type: ignore[arg-type]
    predicted = np.searchsorted(predictions.classes, predictions.predicted[0])  # type: ignore[arg-type]
    return np.bincount(predictions.codes * size + predicted, minlength=size * size).reshape(size, size)


def _confusion_chart(classes: int) -> Spec:
    x = {"field": "predicted", "type": "nominal", "sort": None, "axis": {"labelAngle": 0 if classes < 6 else -40}}
    y = {"field": "true", "type": "nominal", "sort": None}
    colour = {"field": "share", "type": "quantitative", "title": "share of the class", "legend": {"format": ".0%"}}
    dark = {"condition": {"test": "datum.share > 0.5", "value": "#ffffff"}, "value": "#1d2430"}
    blues = {"scheme": "blues", "domain": [0, 1]}
    text = {
        "mark": {"type": "text", "fontSize": 12},
        "encoding": {"x": x, "y": y, "text": {"field": "count"}, "color": dark},
    }
    cells = {"mark": "rect", "encoding": {"x": x, "y": y, "color": {**colour, "scale": blues}}}
    return _chart("confusion", {"layer": [cells, text], "height": min(60 + 44 * classes, 520)})


def _add_curves(drawn: Drawn, predictions: Predictions) -> None:
    scores = _class_scores(predictions)
    curves = {
        "roc": ("ROC", roc_curve, "false positives", "true positives", "area"),
        "recall": ("precision and recall", recall_curve, "recall", "precision", "average precision"),
    }
    for name, (title, curve, across, up, measure) in curves.items():
        columns: dict[str, list[Any]] = {"x": [], "y": [], "class": []}
        for label, (positive, values) in scores.items():
            xs, ys, area = curve(positive, values)
            kept = np.unique(np.linspace(0, len(xs) - 1, _CURVE_POINTS).astype(int))
            columns["x"] += [round(float(x), 4) for x in xs[kept]]
            columns["y"] += [round(float(y), 4) for y in ys[kept]]
            columns["class"] += [f"{label}: {measure} {format_number(area, digits=3)}"] * len(kept)
        if columns["x"]:
            drawn.datasets[name] = columns
            caption = f"{title.capitalize() if title != 'ROC' else title}, {_POOLED}; each class against the others."
            drawn.figures[name] = [Choice(name, caption, _curve_chart(name, across, up))]


def _class_scores(predictions: Predictions) -> dict[str, tuple[Any, Any]]:
    """Return for each class whether a row is of it, and how much it was taken to be; of two classes the second."""
    name = next((name for name in ("predict_proba", "decision_function") if name in predictions.responses), None)
    if name is None:
        return {}
    values, labels, codes = predictions.responses[name][0], predictions.classes, predictions.codes
    by_class = {1: values} if values.ndim == 1 else dict(enumerate(values.T))
    found = {str(labels[code]): (codes == code, each) for code, each in by_class.items()}  # type: ignore[index]
    return {label: pair for label, pair in list(found.items())[:_MOST_CURVES] if 0 < pair[0].sum() < len(codes)}


def roc_curve(positive: Any, values: Any) -> tuple[Any, Any, float]:
    """Return false and true positive rates from the strictest threshold to none, and the area under them."""
    hits, misses = _cumulated(positive, values)
    xs, ys = np.append(0, misses) / misses[-1], np.append(0, hits) / hits[-1]
    return xs, ys, float(np.trapezoid(ys, xs))


def recall_curve(positive: Any, values: Any) -> tuple[Any, Any, float]:
    """Return recall and precision from the strictest threshold to none, and the average precision."""
    hits, misses = _cumulated(positive, values)
    recall, precision = hits / hits[-1], hits / (hits + misses)
    average = float(np.sum(np.diff(np.append(0, recall)) * precision))
    return np.append(0, recall), np.append(precision[:1], precision), average


def _cumulated(positive: Any, values: Any) -> tuple[Any, Any]:
    """Return how many of the class, and how many others, are at or above each distinct value, largest first."""
    order = np.argsort(-values, kind="stable")
    last = np.append(np.flatnonzero(np.diff(values[order])), len(order) - 1)
    hits = np.cumsum(positive[order])[last]
    return hits, last + 1 - hits


def _curve_chart(name: str, across: str, up: str) -> Spec:
    scale = {"domain": [0, 1]}
    encoding = {
        "x": {"field": "x", "type": "quantitative", "title": across, "scale": scale},
        "y": {"field": "y", "type": "quantitative", "title": up, "scale": scale},
        "order": {"field": "no"},
        "color": {
            "field": "class",
            "type": "nominal",
            "title": None,
            "legend": {"orient": "bottom", "columns": 2, "labelLimit": 240},
        },
    }
    return _chart(name, {"mark": {"type": "line", "strokeWidth": 1.8}, "encoding": encoding, "height": 320})


# Regression --------------------------------------------------------------------------------------
def _add_residuals(drawn: Drawn, predictions: Predictions) -> None:
    true, predicted = np.asarray(predictions.true, dtype=float), predictions.predicted[0]
    finite = np.flatnonzero(np.isfinite(true) & np.isfinite(predicted))
    if not len(finite):
        return
    step = -(-len(finite) // MOST_DOTS)
    kept = finite[::step]
    columns = {"true": true[kept], "predicted": predicted[kept], "residual": true[kept] - predicted[kept]}
    drawn.datasets["residuals"] = {
        name: [float(f"{value:.5g}") for value in values] for name, values in columns.items()
    }
    drawn.datasets["residuals"]["fold"] = [int(fold) for fold in predictions.folds[kept]]
    some = "Each dot is a row" if step == 1 else f"One row in {step} is shown"
    ends = [
        float(min(columns["true"].min(), columns["predicted"].min())),
        float(max(columns["true"].max(), columns["predicted"].max())),
    ]
    drawn.figures["predicted"] = [
        Choice("predicted", f"{some}, {_POOLED}; on the line it would be right.", _diagonal(ends))
    ]
    caption = f"{some}, {_POOLED}. Above the line too little was predicted, below it too much."
    drawn.figures["residual"] = [Choice("residual", caption, _residual_chart())]


def _diagonal(ends: list[float]) -> Spec:
    rows = [{"true": end, "predicted": end} for end in ends]
    line = {
        "data": {"values": rows},
        "mark": {"type": "line", "strokeDash": [4, 3], "color": "#7b8794"},
        "encoding": {"x": _number("true"), "y": _number("predicted")},
    }
    dots = {"mark": _DOT, "encoding": {"x": _number("true"), "y": _number("predicted"), "tooltip": _tips()}}
    return _chart("residuals", {"layer": [dots, line], "height": 320})


def _residual_chart() -> Spec:
    zero = {"mark": {"type": "rule", "strokeDash": [4, 3], "color": "#7b8794"}, "encoding": {"y": {"datum": 0}}}
    residual = {**_number("residual"), "title": "true minus predicted"}
    dots = {"mark": _DOT, "encoding": {"x": _number("predicted"), "y": residual, "tooltip": _tips()}}
    return _chart("residuals", {"layer": [dots, zero], "height": 320})


def _number(name: str) -> Spec:
    return {"field": name, "type": "quantitative", "title": name, "scale": {"zero": False}}


def _tips() -> list[Spec]:
    return [{"field": name, "type": "quantitative"} for name in ("true", "predicted", "residual", "fold")]


def _chart(data: str, content: Spec) -> Spec:
    return {"$schema": SCHEMA, "data": {"name": data}, "width": "container", **content}
