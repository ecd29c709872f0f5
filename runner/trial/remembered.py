"""Results that are remembered for the objects that were asked about last: points of a sweep have the same parts."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from runner.trial.memory import Kept

T = TypeVar("T")

_MOST = 8  # objects


def by_object(function: Callable[[Any], T]) -> Callable[[Any], T]:
    """Let a function of one object, which nobody changes, answer from memory when it is asked about the same again."""
    known: Kept[int, tuple[Any, T]] = Kept(_MOST)  # an object that is kept keeps its number

    @wraps(function)
    def remembered(thing: Any) -> T:
        found = known.get(id(thing))
        if found is None:
            found = known.keep(id(thing), (thing, function(thing)))
        return found[1]

    return remembered
