"""Threads of this process that run points: backend=threading. The same verbs as the process pool's.

A thread cannot be ended. When a sweep stops, its running points get a moment to end; one that does not is recorded
as KILLED and left behind: it computes on until its fit returns or the program ends, and records nothing more.
concurrent.futures and joblib were not used because a program waits for their threads before it ends.

numpy's and Python's global random generators are one for all threads. Points side by side leave them alone; where
they have moved meanwhile, nobody can tell whose draws were whose, and the point runs again, alone and seeded.
"""

from __future__ import annotations

import queue
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from runner.engine.worker import Task
from runner.engine.workers import Death, Ended
from runner.errors import PointFailed, StopPoint
from runner.trial.outcome import Outcome
from runner.trial.record import record
from runner.trial.session import Session

SECONDS_TO_NOTICE = 0.5  # how long a point may take to record what it is just recording
DRAWN = "np.random or random was drawn from, which threads share. This point runs again, alone."


def _random_state() -> tuple[Any, ...]:
    """Return where the global generators of numpy and Python stand."""
    state: Any = np.random.get_state()
    kind, keys, *rest = state
    return kind, keys.tobytes(), *rest, random.getstate()


@dataclass(slots=True)
class _Running:
    """A task that a thread is in."""

    task: Task
    since: float = field(default_factory=time.monotonic)
    random: tuple[Any, ...] = field(default_factory=_random_state)
    run_id: str | None = None
    alone_next: bool = False

    def begin(self, run_id: str) -> None:
        """Take the id of its run."""
        self.run_id = run_id


class ThreadPool:
    """A fixed number of threads, each in one point at a time."""

    def __init__(self, size: int, session: Session) -> None:
        self._size = size
        self._session = session
        self._asked: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._news: queue.SimpleQueue[tuple[_Running, Outcome | BaseException]] = queue.SimpleQueue()
        self._running: dict[int, _Running] = {}
        self._stopped = threading.Event()
        self.busy = 0  # tasks that are given out and not ended
        for _ in range(size):
            # Daemons: one that is left behind must not keep the program from ending.
            threading.Thread(target=self._serve, name="point", daemon=True).start()

    @property
    def room(self) -> int:
        """How many tasks can begin at once; none beside one that runs alone."""
        return 0 if any(running.task.alone for running in self._running.values()) else self._size - self.busy

    def give(self, task: Task) -> None:
        """Let a thread run a task."""
        self.busy += 1
        self._running[task.spec.number] = _Running(task)
        self._asked.put(task)

    def events(self, timeout: float) -> Iterator[Ended]:
        """Wait for news at most `timeout` seconds and yield what ended. Raises what a store raised in a thread."""
        try:
            while True:
                running, result = self._news.get(timeout=timeout)
                self.busy -= 1
                timeout = 0.0
                if isinstance(result, StopPoint):
                    continue  # told by `stop`
                del self._running[running.task.spec.number]
                if isinstance(result, BaseException):
                    raise result
                yield Ended(running.task, result, alone_next=running.alone_next)
        except queue.Empty:
            return

    def stop(self, *, grace: float, reason: str) -> Iterator[Ended | Death]:
        """Let running points end for at most `grace` seconds, and leave behind those that do not."""
        yield from self._wait(grace)
        self._stopped.set()
        yield from self._wait(SECONDS_TO_NOTICE)
        for running in self._running.values():
            yield Death(running.task, running.run_id, reason, time.monotonic() - running.since)

    def close(self) -> None:
        """Let the idle threads end, and the others as soon as they notice."""
        self._stopped.set()
        for _ in range(self._size):
            self._asked.put(None)

    # -------------------------------------------------------------------------------------------
    def _wait(self, seconds: float) -> Iterator[Ended]:
        deadline = time.monotonic() + seconds
        while self.busy and (left := deadline - time.monotonic()) > 0:
            yield from self.events(left)

    def _serve(self) -> None:
        while (task := self._asked.get()) is not None:
            running = self._running[task.spec.number]
            try:
                result: Outcome | BaseException = self._run(running)
            except BaseException as error:  # the driver raises it: a thread that ends would be waited for in vain
                result = error
            self._news.put((running, result))

    def _run(self, running: _Running) -> Outcome:
        task = running.task

        def check() -> None:
            if self._stopped.is_set():
                raise StopPoint
            if not task.alone and _random_state() != running.random:
                running.alone_next = True
                raise PointFailed(DRAWN)

        return record(
            task.spec,
            self._session,
            attempt=task.attempt,
            on_start=running.begin,
            before_recording=check,
            seeds=task.alone,
        )
