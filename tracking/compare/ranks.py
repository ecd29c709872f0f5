"""Methods compared over many data sets by their ranks. Pure.

Scores on different data say nothing about each other, ranks do: Demsar, "Statistical comparisons of classifiers over
multiple data sets", Journal of Machine Learning Research 7 (2006), pages 1-30. Friedman's test asks whether any method
differs; by Nemenyi's two differ where their mean ranks are further apart than the critical difference.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from tracking.compare.factors import find_factors, short_key, short_value
from tracking.entities import Run, RunStatus
from tracking.records.names import FINGERPRINT_DATA
from tracking.records.ranking import objectives

FEWEST_DATA, FEWEST_METHODS = 5, 3
LEVEL = 0.05
_REPEATS = "seed"  # and what follows it

Method = tuple[tuple[str, str | None], ...]  # keys that vary and their values


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks:
    """Mean ranks of methods over `data` data sets, the best first; `p_value` is that of Friedman's test.

    `groups` are the widest runs of neighbours that are closer than the critical difference, as first and last place.
    `left_out` counts methods that lack a score on one of the data sets.
    """

    metric: str
    data: int
    methods: tuple[str, ...]
    ranks: tuple[float, ...]
    p_value: float
    critical: float
    groups: tuple[tuple[int, int], ...]
    left_out: int


def rank_methods(runs: Sequence[Run], metric: str, direction: str) -> Ranks | None:
    """Rank what varies beside the data by an objective; None for fewer than five data sets or three methods.

    A method's score on a data set is the mean of its runs there, over repeats.
    """
    scored = [run for run in runs if (metric, direction) in objectives(run) and _is_scored(run, metric)]
    datasets = list(dict.fromkeys(run.data.tags[FINGERPRINT_DATA] for run in scored))
    if len(datasets) < FEWEST_DATA:
        return None
    keys = [key for key in find_factors([_params(run) for run in scored]).keys if key != _REPEATS]
    scores: dict[Method, dict[str, list[float]]] = {}
    for run in scored:
        method = tuple((key, run.data.params.get(key)) for key in keys)
        own = scores.setdefault(method, {})
        own.setdefault(run.data.tags[FINGERPRINT_DATA], []).append(run.data.metrics[metric])
    whole = {method: own for method, own in scores.items() if len(own) == len(datasets)}
    if len(whole) < FEWEST_METHODS:
        return None
    table = [[fmean(own[name]) for name in datasets] for own in whole.values()]
    ranks, p_value, critical = friedman_nemenyi(table, more_is_better=direction == "maximize")
    order = sorted(range(len(ranks)), key=ranks.__getitem__)
    names = [_name(method) for method in whole]
    return Ranks(
        metric=metric.removesuffix("_mean"),
        data=len(datasets),
        methods=tuple(names[place] for place in order),
        ranks=tuple(ranks[place] for place in order),
        p_value=p_value,
        critical=critical,
        groups=find_groups([ranks[place] for place in order], critical),
        left_out=len(scores) - len(whole),
    )


def _is_scored(run: Run, metric: str) -> bool:
    finished = run.info.status == RunStatus.FINISHED and FINGERPRINT_DATA in run.data.tags
    return finished and math.isfinite(run.data.metrics.get(metric, math.nan))


def _params(run: Run) -> Mapping[str, str]:
    return {key: value for key, value in run.data.params.items() if not key.startswith("data.")}


def _name(method: Method) -> str:
    parts = [(short_key(key), short_value(key, value)) for key, value in method if value is not None]
    return " ".join(value if key == "model" else f"{key}={value}" for key, value in parts)


def friedman_nemenyi(table: Sequence[Sequence[float]], *, more_is_better: bool) -> tuple[list[float], float, float]:
    """Return the mean ranks, Friedman's p value and Nemenyi's critical difference of scores, methods x data sets."""
    import numpy as np
    from scipy import stats

    scores: Any = np.array(table, dtype=float)
    ranks = stats.rankdata(-scores if more_is_better else scores, axis=0).mean(axis=1)
    methods, data = scores.shape
    tied = bool((scores == scores[0]).all())
    p_value = 1.0 if tied else float(stats.friedmanchisquare(*scores).pvalue)
    quantile = float(stats.studentized_range.ppf(1 - LEVEL, methods, np.inf)) / math.sqrt(2)
    return ranks.tolist(), p_value, quantile * math.sqrt(methods * (methods + 1) / (6 * data))


def find_groups(ranks: Sequence[float], critical: float) -> tuple[tuple[int, int], ...]:
    """Return the widest stretches of sorted ranks that lie within the critical difference, of two methods or more."""
    found: list[tuple[int, int]] = []
    for first, rank in enumerate(ranks):
        last = max(place for place, other in enumerate(ranks) if other - rank < critical)
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return tuple(found)
