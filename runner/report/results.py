"""What of many outcomes the end of a sweep is made of: counts, the best points, the first failures."""

from __future__ import annotations

import heapq
import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.trial.outcome import Outcome

SHOWN = 20  # rows of the table, and of the list of failures


class Results:
    """Keeps what the final table shows, and no more: the best points and the first failures."""

    def __init__(self, *, keep: int = SHOWN, keep_runs: bool = False) -> None:
        self._keep = keep
        self._keep_runs = keep_runs
        self._run_ids: dict[int, str] = {}
        self._best: list[tuple[float, int, Outcome]] = []
        self._order = itertools.count()
        self.failures: list[Outcome] = []
        self.finished = self.reused = self.failed = self.killed = self.warned = 0
        self.first_warned: Outcome | None = None

    def take(self, outcome: Outcome) -> None:
        """Count an outcome that is final."""
        if outcome.will_retry:
            return
        if self._keep_runs:
            self._run_ids[outcome.number] = outcome.run_id
        if outcome.warning is not None:
            self.warned += 1
            self.first_warned = self.first_warned or outcome
        if outcome.ok:
            if outcome.reused:
                self.reused += 1
            else:
                self.finished += 1
            if outcome.objective is not None:
                cost = outcome.objective if outcome.direction == "minimize" else -outcome.objective
                heapq.heappush(self._best, (-cost, -next(self._order), outcome))
                if len(self._best) > self._keep:
                    heapq.heappop(self._best)
            return
        if outcome.status == "FAILED":
            self.failed += 1
        else:
            self.killed += 1
        if len(self.failures) < self._keep:
            self.failures.append(outcome)

    @property
    def ended(self) -> int:
        """How many points came to an end, whatever the end."""
        return self.finished + self.reused + self.failed + self.killed

    @property
    def run_ids(self) -> list[str]:
        """The run of every point, in the order of the points, if they were to be kept."""
        return [self._run_ids[number] for number in sorted(self._run_ids) if self._run_ids[number]]

    @property
    def best(self) -> list[Outcome]:
        """The best points, best first."""
        return [outcome for *_, outcome in sorted(self._best, key=lambda entry: entry[:2], reverse=True)]
