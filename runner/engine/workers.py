"""What the dispatcher asks of those who run points for it: processes of this machine, or workers of a cluster."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from runner.engine.worker import Task

if TYPE_CHECKING:
    from runner.trial.outcome import Outcome
    from runner.trial.session import Session


@dataclass(frozen=True, slots=True)
class Ended:
    """A task that came to its end, whatever the end."""

    task: Task
    outcome: Outcome
    alone_next: bool = False  # it has to run again, alone


@dataclass(frozen=True, slots=True)
class Death:
    """A task that was cut off: the run it was in, and why."""

    task: Task
    run_id: str | None
    reason: str
    seconds: float
    final: bool = False  # it is not to be tried again


class Member(Protocol):
    """One worker: an address to give tasks to."""

    @property
    def tasks(self) -> Sequence[Task]:
        """What it was given and has not ended."""


class Workers(Protocol):
    """Workers that come and go; tasks are given to one of them and end, or are cut off with it."""

    is_local: bool  # they are processes of this machine, which can map a file
    returned: deque[Task]  # given back by workers that are gone, to be given out first

    def begin(self, session: Session) -> None:
        """Tell every worker what all points share."""

    @property
    def ready(self) -> bool:
        """Whether any worker can begin."""

    @property
    def busy(self) -> int:
        """How many tasks are given out and not ended."""

    def room(self, seconds_per_task: float | None, left: int) -> Sequence[tuple[Any, int]]:
        """Return the workers that need more tasks, and how many."""

    def give(self, worker: Any, tasks: Sequence[Task]) -> None:
        """Queue tasks at a worker."""

    def events(self, timeout: float) -> Iterator[Ended | Death]:
        """Wait for news at most `timeout` seconds and yield what ended."""

    def overdue(self, limit: float | None) -> Iterator[Death]:
        """Cut off the points that have taken more than `limit` seconds."""

    def stop(self, *, grace: float, reason: str) -> Iterator[Ended | Death]:
        """Begin nothing new, wait for running points at most `grace` seconds, and cut off the rest."""

    def close(self) -> None:
        """Let go of every worker now."""
