"""What one config key does to a metric: all pairs of runs that differ in exactly that key. Pure.

Keys that merely follow another one (`factors.py`) do not count as a difference of their own. When the
class changes (`model._target_`), neither do keys that only one of the two classes has. Runs on
different data (tag `fingerprint.data`) are never paired, unless it is a key of `data` that differs.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from tracking.compare.factors import find_factors, order_of, spell_alike
from tracking.compare.metrics import find_direction
from tracking.compare.statistics import Spread, describe_spread
from tracking.entities import Run
from tracking.records.names import FINGERPRINT_DATA

_MOST_VALUES = 4


@dataclass(frozen=True, slots=True)
class Effect:
    """The change of the metric from one value of a key to another, over `change.count` pairs of runs.

    A value is None where the key is missing. `improved` counts the pairs that got better, None
    where it is not known which way that is.
    """

    key: str
    old: str | None
    new: str | None
    change: Spread
    improved: int | None


def find_effects(runs: Iterable[Run], metric: str, *, every: bool = False) -> list[Effect]:
    """Return the effect of each key on a metric, keys in the order of their strongest mean effect.

    Of keys with more than four values the effects from each value to the next are returned, and
    from the first to the last; with `every`, of all pairs of values. Runs without a finite value of
    the metric are passed over.
    """
    scored = spell_alike(run for run in runs if math.isfinite(run.data.metrics.get(metric, math.nan)))
    factors = find_factors([run.data.params for run in scored])
    direction = find_direction(metric, [run.data.tags for run in scored])
    effects = []
    for key in factors.keys:
        others = [other for other in factors.keys if other != key]
        found = [
            effect
            for old, new in _value_pairs(key, scored, every)
            if (effect := _effect(key, old, new, scored, others, key in factors.classes, metric, direction))
        ]
        effects.append(found)
    effects.sort(key=lambda own: -max((abs(effect.change.mean) for effect in own), default=0.0))
    return [effect for own in effects for effect in own]


def _value_pairs(key: str, runs: Sequence[Run], every: bool) -> list[tuple[str | None, str | None]]:
    values = sorted({run.data.params.get(key) for run in runs}, key=order_of)
    if every or len(values) <= _MOST_VALUES:
        return list(combinations(values, 2))
    return [*pairwise(values), (values[0], values[-1])]


def _effect(
    key: str,
    old: str | None,
    new: str | None,
    runs: Sequence[Run],
    others: Sequence[str],
    is_class: bool,
    metric: str,
    direction: str | None,
) -> Effect | None:
    before = [run for run in runs if run.data.params.get(key) == old]
    after = [run for run in runs if run.data.params.get(key) == new]
    if is_class:
        others = [other for other in others if _in_any(other, before) and _in_any(other, after)]
    cells: dict[Hashable, list[float]] = {}
    for run in before:
        cells.setdefault(_cell(run, key, others), []).append(run.data.metrics[metric])
    changes = [run.data.metrics[metric] - value for run in after for value in cells.get(_cell(run, key, others), ())]
    if not changes:
        return None
    improved = None
    if direction is not None:
        improved = sum(change < 0 if direction == "minimize" else change > 0 for change in changes)
    return Effect(key, old, new, describe_spread(changes), improved)


def _in_any(key: str, runs: Iterable[Run]) -> bool:
    return any(key in run.data.params for run in runs)


def _cell(run: Run, key: str, others: Iterable[str]) -> Hashable:
    """Return what has to be the same in both runs of a pair."""
    data = None if key.startswith("data.") else run.data.tags.get(FINGERPRINT_DATA)
    return (data, *(run.data.params.get(other) for other in others))
