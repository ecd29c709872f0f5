"""What one config key does to a metric: all pairs of runs that differ in exactly that key. Pure.

Keys that merely follow another one (`factors.py`) do not count as a difference of their own. When the
class changes (`model._target_`), neither do keys that only one of the two classes has. Runs on
different data (tag `fingerprint.data`) are never paired, unless it is a key of `data` that differs.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, combinations, pairwise

from tracking.compare.factors import find_factors, order_of, spell_alike
from tracking.compare.metrics import find_direction
from tracking.compare.statistics import Spread, describe_spread
from tracking.entities import Run
from tracking.records.names import FINGERPRINT_DATA

_MOST_VALUES = 4
LONG_AXIS = 8  # of more numbers the trend is told instead of each step


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


@dataclass(frozen=True, slots=True)
class Trend:
    """How a metric goes along a key with many numeric values, over the runs that differ in that key alone.

    `profile` is for each value, in order, the change of the metric since the first: the mean changes from each value
    to the next, summed up. A step below 1 % of the whole range counts as level.
    """

    key: str
    values: tuple[str, ...]
    profile: tuple[float, ...]
    direction: str | None

    @property
    def best(self) -> int:
        """The place of the best value; of the lowest where it is not known which way is better."""
        choose = max if self.direction == "maximize" else min
        return self.profile.index(choose(self.profile))

    @property
    def region(self) -> tuple[int, int]:
        """The first and last place around the best that lie within 5 % of the whole range of it."""
        near = [abs(value - self.profile[self.best]) <= 0.05 * self._range for value in self.profile]
        first = last = self.best
        while first > 0 and near[first - 1]:
            first -= 1
        while last < len(near) - 1 and near[last + 1]:
            last += 1
        return first, last

    @property
    def turns(self) -> list[int]:
        """The places where it turns from rising to falling or back; [] where it is monotone."""
        moves = [(place, step > 0) for place, step in enumerate(self._steps) if abs(step) > 0.01 * self._range]
        return [place for (_, before), (place, after) in pairwise(moves) if before != after]

    @property
    def rises_first(self) -> bool | None:
        """Whether it begins by rising; None where it is level throughout."""
        return next((step > 0 for step in self._steps if abs(step) > 0.01 * self._range), None)

    @property
    def _steps(self) -> list[float]:
        return [after - before for before, after in pairwise(self.profile)]

    @property
    def _range(self) -> float:
        return max(self.profile) - min(self.profile)


def find_effects(runs: Iterable[Run], metric: str, *, every: bool = False) -> list[Effect]:
    """Return the effect of each key on a metric, keys in the order of their strongest mean effect.

    Of keys with more than four values the effects from each value to the next are returned, and from the first to
    the last; of a number with more than eight, what `find_trends` sums up, those between the first, the best and the
    last. With `every`, of all pairs of values. Runs without a finite value of the metric are passed over.
    """
    keys = _compare_by_key(runs, metric)
    effects = [[effect for pair in _value_pairs(key, every) if (effect := key.effect(*pair))] for key in keys]
    effects.sort(key=lambda own: -max((abs(effect.change.mean) for effect in own), default=0.0))
    return [effect for own in effects for effect in own]


def find_trends(runs: Iterable[Run], metric: str) -> list[Trend]:
    """Return how a metric goes along each number with more than eight values, all else equal."""
    return [trend for key in _compare_by_key(runs, metric) if (trend := _trend(key)) is not None]


def _compare_by_key(runs: Iterable[Run], metric: str) -> list[_Key]:
    scored = spell_alike(run for run in runs if math.isfinite(run.data.metrics.get(metric, math.nan)))
    factors = find_factors([run.data.params for run in scored])
    direction = find_direction(metric, [run.data.tags for run in scored])
    return [
        _Key(
            key,
            scored,
            tuple(other for other in factors.keys if other != key),
            key in factors.classes,
            metric,
            direction,
        )
        for key in factors.keys
    ]


def _value_pairs(key: _Key, every: bool) -> list[tuple[str | None, str | None]]:
    values = key.values
    if every or len(values) <= _MOST_VALUES:
        return list(combinations(values, 2))
    if (trend := _trend(key)) is not None:
        telling = dict.fromkeys([values[0], trend.values[trend.best], values[-1]])
        return list(combinations(telling, 2))
    return [*pairwise(values), (values[0], values[-1])]


def _trend(key: _Key) -> Trend | None:
    """Return the trend along a long axis of numbers; None where there is none, or a step that no pair of runs shows."""
    if len(key.values) <= LONG_AXIS or not all(map(_is_number, key.values)):
        return None
    steps = [key.effect(old, new) for old, new in pairwise(key.values)]
    if None in steps:
        return None
    profile = accumulate((step.change.mean for step in steps if step), initial=0.0)
    return Trend(key.name, tuple(map(str, key.values)), tuple(profile), key.direction)


def _is_number(text: str | None) -> bool:
    return order_of(text)[0] == 1 and math.isfinite(order_of(text)[1])


@dataclass(frozen=True)
class _Key:
    """A key, the runs that have the metric, and the other keys, which have to be the same in both runs of a pair."""

    name: str
    runs: Sequence[Run]
    others: tuple[str, ...]
    is_class: bool
    metric: str
    direction: str | None

    @cached_property
    def values(self) -> list[str | None]:
        """The values of the key in order, None where it is missing."""
        return sorted({run.data.params.get(self.name) for run in self.runs}, key=order_of)

    @cached_property
    def cells(self) -> dict[Hashable, dict[str | None, list[float]]]:
        """The scores by what has to be the same, and then by the value of the key."""
        return self._cells(self.runs, self.others)

    def effect(self, old: str | None, new: str | None) -> Effect | None:
        """Return the change from one value to another over all pairs of runs; None where there is no pair."""
        cells = self._cells_of_classes(old, new) if self.is_class else self.cells
        changes = [
            after - before
            for scores in cells.values()
            for after in scores.get(new, ())
            for before in scores.get(old, ())
        ]
        if not changes:
            return None
        improved = None
        if self.direction is not None:
            improved = sum(change < 0 if self.direction == "minimize" else change > 0 for change in changes)
        return Effect(self.name, old, new, describe_spread(changes), improved)

    def _cells_of_classes(self, old: str | None, new: str | None) -> dict[Hashable, dict[str | None, list[float]]]:
        """Return the cells of two classes: keys that only one of them has need not be the same."""
        both = [[run for run in self.runs if run.data.params.get(self.name) == value] for value in (old, new)]
        others = tuple(key for key in self.others if all(_in_any(key, runs) for runs in both))
        return self._cells([run for runs in both for run in runs], others)

    def _cells(self, runs: Sequence[Run], others: tuple[str, ...]) -> dict[Hashable, dict[str | None, list[float]]]:
        cells: dict[Hashable, dict[str | None, list[float]]] = {}
        for run in runs:
            scores = cells.setdefault(_cell(run, self.name, others), {})
            scores.setdefault(run.data.params.get(self.name), []).append(run.data.metrics[self.metric])
        return cells


def _in_any(key: str, runs: Iterable[Run]) -> bool:
    return any(key in run.data.params for run in runs)


def _cell(run: Run, key: str, others: Iterable[str]) -> Hashable:
    """Return what has to be the same in both runs of a pair."""
    data = None if key.startswith("data.") else run.data.tags.get(FINGERPRINT_DATA)
    return (data, *(run.data.params.get(other) for other in others))
