"""What a process keeps from one point to the next, to save time only: each module says here how it forgets.

Datasets are kept by `runner.data`, what a run is made with by `runner.provenance`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_forgetting: list[Callable[[], object]] = []


def on_reset(forget: Callable[[], object]) -> None:
    """Have `reset` call this too."""
    _forgetting.append(forget)


def reset() -> None:
    """Forget everything, as in a new process."""
    for forget in _forgetting:
        forget()


class Kept(Generic[K, V]):
    """At most so many results, by what they are made of. Points in threads use it at the same time.

    So a result is asked for in one look: another thread may take out what was there a moment ago.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[K, V] = {}
        on_reset(self._known.clear)

    def get(self, key: K) -> V | None:
        """Return what is kept for a key, None for nothing."""
        return self._known.get(key)

    def keep(self, key: K, value: V) -> V:
        """Keep a value and return it; where there are as many as may be, the others go."""
        if len(self._known) >= self._most:
            self._known.clear()
        self._known[key] = value
        return value
