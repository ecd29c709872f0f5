"""tracking.compare.following: to be described."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tracking.records.values import ABSENT, Change, identity


def _gather_followers(changes: Sequence[Change]) -> list[Change]:
    """Put keys that only repeat a top-level key (`model.alpha: ${alpha}`) into its `also`."""
    leaders = [change for change in changes if "." not in change.key]
    also: dict[str, list[str]] = {change.key: [] for change in leaders}
    kept = []
    for change in changes:
        leader = next((lead for lead in leaders if _follows(change, lead)), None)
        if leader is None:
            kept.append(change)
        else:
            also[leader.key].append(change.key)
    return [replace(change, also=tuple(also.get(change.key, ()))) for change in kept]


def _copies(change: Change, leader: Change) -> bool:
    """Tell whether a key follows a top-level key by its name too: equal values alone may be chance."""
    names = {leader.key, "random_state"} if leader.key == "seed" else {leader.key}
    return change.key.rpartition(".")[2] in names and _follows(change, leader)


def _follows(change: Change, leader: Change) -> bool:
    if "." not in change.key:
        return False
    pairs = [(own, led) for own, led in zip(change.values, leader.values, strict=True) if own is not ABSENT]
    if not all(identity(own) == identity(led) for own, led in pairs):
        return False
    # One equal value may be chance, unless the name is the same too.
    return len({identity(own) for own, _ in pairs}) > 1 or change.key.rpartition(".")[2] == leader.key
