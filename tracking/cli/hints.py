"""What may have been meant by a search that asks for names no run has."""

from __future__ import annotations

from collections.abc import Sequence

from tracking.entities import Run
from tracking.records.refs import nearest_names
from tracking.store.conditions import RUNS
from tracking.store.query import named, parse_filter, parse_order
from tracking.store.sqlite import Store

_LOOKED_AT = 200  # runs in which the names of a search are looked for


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
