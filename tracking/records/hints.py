"""What is meant by a search: bare names of metrics, means and last folds, and names that no run has."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from tracking.entities import Run
from tracking.records.refs import nearest_names
from tracking.store.conditions import RUNS
from tracking.store.query import named, parse_filter, parse_order
from tracking.store.sqlite import Store

_LOOKED_AT = 200  # runs in which the names of a search are looked for

_WORDS = re.compile(r"""'[^']*'|"[^"]*"|`[^`]*`|(?P<word>[^\W\d][\w./-]*)""")
_NO_NAMES = frozenset(("AND", "OR", "NOT", "IN", "IS", "NULL", "LIKE", "ILIKE", "ASC", "DESC"))


def known_metrics(source: Store, chosen: list[str] | None, view_type: int) -> set[str]:
    """Return the metrics of the newest runs of these experiments, of all for None."""
    return _keys(source.search_runs(chosen, view_type=view_type, max_results=_LOOKED_AT), "metric")


def spell_metrics(text: str, metrics: Collection[str]) -> str:
    """Return a filter or order with `rmse` spelled out, the mean over the folds where there is one.

    >>> spell_metrics("rmse < 57 AND params.alpha = 'rmse'", {"rmse", "rmse_mean"})
    "metrics.`rmse_mean` < 57 AND params.alpha = 'rmse'"
    """

    def spell(found: re.Match[str]) -> str:
        word = found["word"] or ""
        if word.upper() in _NO_NAMES or word in RUNS.attributes or word in RUNS.aliases:
            return found[0]
        return f"metrics.`{word}_mean`" if f"{word}_mean" in metrics else found[0]

    return _WORDS.sub(spell, text)


def last_folds(filter: str, order_by: Sequence[str], columns: Sequence[str], metrics: Collection[str]) -> list[str]:
    """Say which names mean the score of the last fold, though there is a mean: MLflow's latest value."""
    asked = {key for kind, key in named(parse_filter(filter, RUNS)) if kind == "metric"}
    asked |= {order.key for order in parse_order(order_by, RUNS) if order.kind == "metric"}
    asked |= {column.removeprefix("metrics.") for column in columns if column.startswith("metrics.")}
    folds = sorted(key for key in asked if key in metrics and f"{key}_mean" in metrics)
    if not folds:
        return []
    means = ", ".join(f"{key} or metrics.{key}_mean" for key in folds)
    names = " and ".join(f"metrics.{key}" for key in folds)
    return [f"{names} {'is' if len(folds) == 1 else 'are'} the last fold's. For the mean over the folds: {means}."]


def unknown_names(
    source: Store, found: Sequence[Run], chosen: list[str] | None, filter: str, order_by: Sequence[str]
) -> list[str]:
    """Say which metrics and params of a search no run has, with the nearest that there are."""
    asked = named(parse_filter(filter, RUNS)) if not found else set()
    asked |= {(order.kind, order.key) for order in parse_order(order_by, RUNS)}
    asked = {(kind, key) for kind, key in asked if kind in ("metric", "param")}
    if not asked or all(key in _keys(found, kind) for kind, key in asked):
        return []
    runs = [*found, *source.search_runs(chosen, max_results=_LOOKED_AT)]
    messages = []
    for kind, key in sorted(asked):
        known = _keys(runs, kind)
        if key not in known:
            nearest = ", ".join(f"{kind}s.{name}" for name in nearest_names(key, sorted(known))) or "none"
            messages.append(f"No run here has {kind}s.{key}. Nearest: {nearest}.")
    return messages


def _keys(runs: Sequence[Run], kind: str) -> set[str]:
    return {key for run in runs for key in (run.data.metrics if kind == "metric" else run.data.params)}
