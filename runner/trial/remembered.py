"""Results that are remembered for the objects that were asked about last: points of a sweep have the same parts."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

T = TypeVar("T")

_MOST = 8  # objects


def by_object(function: Callable[[Any], T]) -> Callable[[Any], T]:
    """Let a function of one object, which nobody changes, answer from memory when it is asked about the same again."""
    known: dict[int, tuple[Any, T]] = {}  # an object that is kept keeps its number

    @wraps(function)
    def remembered(thing: Any) -> T:
        found = known.get(id(thing))
        if found is None:
            found = (thing, function(thing))
            if len(known) >= _MOST:
                known.clear()
            known[id(thing)] = found
        return found[1]

    return remembered
