"""Which of several points is the simplest: an order for the keys whose meaning is known. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

Direction = Literal["up", "down"]

# The last name of a key -> whether more of it (up) or less of it (down) makes a simpler model.
SIMPLER: dict[str, Direction] = {
    **dict.fromkeys(("alpha", "n_neighbors", "min_samples_leaf", "min_samples_split", "min_impurity_decrease"), "up"),
    **dict.fromkeys(("ccp_alpha", "l2_regularization", "reg_alpha", "reg_lambda", "min_child_samples"), "up"),
    **dict.fromkeys(("C", "gamma", "degree", "max_depth", "max_leaf_nodes", "num_leaves", "max_iter"), "down"),
    **dict.fromkeys(("n_estimators", "iterations", "n_components", "k", "hidden_layer_sizes"), "down"),
}


def find_simplest(
    points: Sequence[Mapping[str, Any]], best: int, alike: Sequence[int], order: Mapping[str, Direction] | None = None
) -> int | None:
    """Return which of the points `alike` is the simplest; `best` itself where none is simpler.

    `points` have the values of the keys that vary. Points are compared with the best one only where they equal it in
    every key that has no order (another model is not simpler by itself). Among several keys with an order, the point
    with the lowest sum of ranks is the simplest; of equals the first of `alike`. None where no key has an order.
    `order` adds to SIMPLER, by a key's whole name or its last part.
    """
    known = {**SIMPLER, **(order or {})}
    keys = list(points[best])
    ordered = {key: direction for key in keys if (direction := known.get(key) or known.get(key.rpartition(".")[2]))}
    if not ordered:
        return None
    others = [key for key in keys if key not in ordered]
    fair = [n for n in alike if all(points[n].get(key) == points[best].get(key) for key in others)]
    ranks = [_ranks([points[n].get(key) for n in fair], direction) for key, direction in ordered.items()]
    sums = {n: sum(some[place] for some in ranks) for place, n in enumerate(fair)}
    simplest = min(fair, key=sums.__getitem__, default=best)
    return simplest if sums.get(simplest, 0) < sums.get(best, 1) else best


def _ranks(values: Sequence[Any], direction: Direction) -> list[int]:
    """Return 0 for the simplest value, 1 for the next, ...; no limit (null) is the least simple of what goes down."""
    sign = 1 if direction == "down" else -1
    sizes = [_size(value) * sign for value in values]
    steps = {size: rank for rank, size in enumerate(sorted(set(sizes)))}
    return [steps[size] for size in sizes]


def _size(value: Any) -> float:
    if isinstance(value, list | tuple):
        return float(sum(map(_size, value)))
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("inf")
