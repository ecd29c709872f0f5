"""Threads of our own that run points in this process: backend=threading. The same verbs as the pool's.

joblib's threads were not used because they cannot be told to end their points, take tasks ahead of a failure
that should stop the sweep, and leave runs open that then read as finished.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import tracking
from runner.engine.process_pool import Death, Ended
from runner.engine.worker import Task
from runner.trial.record import Outcome, Session, record, record_interrupt

SECONDS_TO_NOTICE = 0.5  # how long an interrupted thread may take to end its run


@dataclass(slots=True)
class _Running:
    """What a thread is in."""

    task: Task
    thread: int
    since: float
    run_id: str | None = None


class Crew:
    """A fixed number of threads; those that compute when the sweep ends are interrupted between two steps."""

    def __init__(self, size: int, session: Session) -> None:
        self._size = size
        self._session = session
        self._asked: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._news: queue.SimpleQueue[tuple[Task, Outcome | None]] = queue.SimpleQueue()
        self._running: dict[int, _Running] = {}
        self._lock = threading.Lock()
        self.busy = 0  # tasks that are given out and not ended
        for _ in range(size):
            # Daemons: one that hangs in a library must not keep the program from ending.
            threading.Thread(target=self._serve, name="point", daemon=True).start()

    @property
    def room(self) -> int:
        """How many tasks can begin at once."""
        return self._size - self.busy

    def give(self, task: Task) -> None:
        """Let a thread run a task."""
        self.busy += 1
        self._asked.put(task)

    def events(self, timeout: float) -> Iterator[Ended]:
        """Wait for news at most `timeout` seconds and yield what ended."""
        try:
            while True:
                task, outcome = self._news.get(timeout=timeout)
                self.busy -= 1
                timeout = 0.0
                if outcome is not None:
                    yield Ended(task, outcome)
        except queue.Empty:
            return

    def stop(self, *, grace: float, reason: str) -> Iterator[Ended | Death]:
        """Let running points end for at most `grace` seconds, interrupt the others, and give up those that hang."""
        yield from self._wait(grace)
        with self._lock:
            for running in self._running.values():
                _interrupt(running.thread)
        yield from self._wait(SECONDS_TO_NOTICE)
        with self._lock:
            stuck, self._running = list(self._running.values()), {}
        for running in stuck:
            _let_go(running.run_id)
            yield Death(running.task, running.run_id, reason, time.monotonic() - running.since)
        self.close()

    def close(self) -> None:
        """Let the idle threads end."""
        for _ in range(self._size):
            self._asked.put(None)

    # -------------------------------------------------------------------------------------------
    def _wait(self, seconds: float) -> Iterator[Ended]:
        deadline = time.monotonic() + seconds
        while self.busy and (left := deadline - time.monotonic()) > 0:
            yield from self.events(left)

    def _serve(self) -> None:
        while (task := self._asked.get()) is not None:
            self._news.put((task, self._run(task)))

    def _run(self, task: Task) -> Outcome | None:
        running = _Running(task, threading.get_ident(), time.monotonic())

        def remember(run_id: str) -> None:
            running.run_id = run_id

        with self._lock:
            self._running[task.spec.number] = running
        try:
            outcome = record(task.spec, self._session, attempt=task.attempt, on_start=remember)
            self._leave(task)
        except KeyboardInterrupt:
            self._leave(task)
            if running.run_id is None:
                return None
            return record_interrupt(task.spec, self._session, running.run_id)
        return outcome

    def _leave(self, task: Task) -> None:
        with self._lock:
            self._running.pop(task.spec.number, None)


def _interrupt(thread: int) -> None:
    """Raise KeyboardInterrupt in a thread as soon as it is back from what it computes."""
    import ctypes

    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(KeyboardInterrupt))


def _let_go(run_id: str | None) -> None:
    """Take the run of a thread that hangs off that thread's stack: the program's end would end it."""
    if run_id is not None:
        tracking.release_run(run_id)
