"""How many predictions a sweep keeps: all of them while they are small, beyond that those of its best points."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import tracking
from tracking.records.predictions import NAMES, SHARED

if TYPE_CHECKING:
    from runner.trial.outcome import Outcome

LIMIT = 64 * 2**20  # bytes of one sweep
BEST = 200  # points, by the objective over the folds
_SPARE = 100  # points kept beyond the best until it pays to remove some


class Keeping:
    """Is told of every point that ended, and removes the predictions of those that are not among the best.

    Nothing is removed before all together are larger than `limit` bytes.
    """

    def __init__(self, store: str, *, limit: int = LIMIT, best: int = BEST) -> None:
        self._client = tracking.TrackingClient(store)
        self._limit, self._best = limit, best
        self._kept: list[tuple[float, str]] = []  # merit and run, the worst first
        self._bytes = 0
        self.removed = 0

    def take(self, outcome: Outcome) -> None:
        """Count what a point kept."""
        sizes = self._client.list_blobs(outcome.run_id) if outcome.run_id and not outcome.reused else {}
        own = sum(sizes.get(name, 0) for name in NAMES if name != SHARED)
        if not own:
            return
        self._bytes += own
        heapq.heappush(self._kept, (_merit(outcome), outcome.run_id))
        if self._bytes > self._limit and len(self._kept) > self._best + _SPARE:
            self.finish()

    def finish(self) -> None:
        """Remove what is not to be kept."""
        if self._bytes <= self._limit:
            return
        worst = [heapq.heappop(self._kept)[1] for _ in range(len(self._kept) - self._best)]
        for name in NAMES if worst else ():
            self._client.remove_blobs(worst, name)
        self.removed += len(worst)


def _merit(outcome: Outcome) -> float:
    if outcome.objective is None:
        return float("-inf")
    return -outcome.objective if outcome.direction == "minimize" else outcome.objective
