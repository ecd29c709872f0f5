"""Which keys of a config only repeat another one (`model.alpha: ${alpha}`): as recorded, else guessed from values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tracking.records.values import ABSENT, Change, identity

Rows = Mapping[str, tuple[Any, ...]]  # key -> its value in every run, ABSENT where a run has none


def find_followed(rows: Rows, recorded: Sequence[Mapping[str, str] | None]) -> dict[str, str]:
    """Return for each key that repeats another one in all runs that have it, that other key.

    `recorded` is what the composer wrote for each run (`follows` of overrides.yaml); where a run has none, as those of
    older versions and those logged by hand, it is guessed for all.
    """
    known = [own for own in recorded if own is not None]
    if len(known) < len(recorded):
        return guess_followed(rows)
    found = {}
    for key, values in rows.items():
        followed = {_first(key, own) for own, value in zip(known, values, strict=True) if value is not ABSENT}
        if len(followed) == 1 and followed != {key}:
            (found[key],) = followed
    return found


def _first(key: str, follows: Mapping[str, str]) -> str:
    """Return the key at the head of a chain; one that ends in a circle is its own."""
    seen = {key}
    head = key
    while (followed := follows.get(head)) is not None:
        if followed in seen:
            return key
        seen.add(followed)
        head = followed
    return head


def guess_followed(rows: Rows) -> dict[str, str]:
    """Guess from values: a dotted key repeats a top-level one that it equals in every run that has it.

    One common value may be chance unless the name is the same too; several are taken as a repetition.
    """
    tops = [key for key in rows if "." not in key]
    by_places: dict[tuple[int, ...], dict[tuple[Any, ...], dict[str, None]]] = {}
    found = {}
    for key, values in rows.items():
        if "." in key:
            places = tuple(place for place, value in enumerate(values) if value is not ABSENT)
            if places not in by_places:  # made once, so that many keys do not take time by their square
                by_places[places] = _by_values(rows, tops, places)
            own, name = _at(values, places), key.rpartition(".")[2]
            equal = by_places[places].get(own, {})
            if len(set(own)) < 2:
                equal = dict.fromkeys(equal.keys() & {name})
            if equal:
                found[key] = next((t for t in (name, "seed") if t in equal and is_namesake(key, t)), next(iter(equal)))
    return found


def _by_values(rows: Rows, tops: Iterable[str], places: Sequence[int]) -> dict[tuple[Any, ...], dict[str, None]]:
    """Return the top-level keys, in their order, by their values in the runs at these places."""
    found: dict[tuple[Any, ...], dict[str, None]] = {}
    for top in tops:
        found.setdefault(_at(rows[top], places), {})[top] = None
    return found


def _at(values: tuple[Any, ...], places: Iterable[int]) -> tuple[Any, ...]:
    return tuple(identity(values[place]) for place in places)


def is_namesake(key: str, followed: str) -> bool:
    """Tell whether a key is called like the one that it repeats; `random_state` is how scikit-learn calls a seed."""
    return key.rpartition(".")[2] in ({followed, "random_state"} if followed == "seed" else {followed})


def gather_followers(changes: Iterable[Change], followed: Mapping[str, str]) -> list[Change]:
    """Put keys that only repeat another changed key into the `also` of that one."""
    changes = list(changes)
    there = {change.key for change in changes}
    also: dict[str, list[str]] = {}
    kept = []
    for change in changes:
        if (leader := followed.get(change.key)) in there and leader is not None:
            also.setdefault(leader, []).append(change.key)
        else:
            kept.append(change)
    return [replace(change, also=tuple(also.get(change.key, ()))) for change in kept]
