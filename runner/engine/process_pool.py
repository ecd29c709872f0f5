"""Worker processes with one pipe each, so that a death is known at once, with signal and point.

joblib's own executors were not used because they stop every worker when one dies, and cannot end one point
that takes too long.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Iterator, Sequence
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from runner.engine.processes import Worker
from runner.engine.worker import Done, Ready, Started, StoreFailed, Task
from runner.engine.workers import Death, Ended
from runner.errors import RunnerError

if TYPE_CHECKING:
    from runner.trial.session import Session

TARGET_SECONDS = 0.1  # a worker is given about so much work ahead
MOST_AHEAD = 64


class Pool:
    """A fixed number of workers; a dead one is replaced, its unstarted tasks are given back."""

    is_local = True

    def __init__(self, size: int, *, backend: str, threads: int, preload: Sequence[str] = ()) -> None:
        # They stay out of what is shared: importing a person's own modules may start threads.
        self._own_imports = tuple(preload)
        self._backend = backend
        self._threads = threads
        self._session: Session | None = None
        self._idle_deaths = 0
        self.returned: deque[Task] = deque()  # given back by dead workers, to be given out first
        self.workers = [self._start() for _ in range(size)]

    def begin(self, session: Session) -> None:
        """Tell every worker what all points share."""
        if self._session is None:
            self._session = session
            for worker in self.workers:
                worker.send("session", session)

    @property
    def ready(self) -> bool:
        """Whether any worker can begin."""
        return any(worker.ready for worker in self.workers)

    @property
    def busy(self) -> int:
        """How many tasks are given out and not ended."""
        return sum(len(worker.tasks) for worker in self.workers)

    def room(self, seconds_per_task: float | None, left: int) -> list[tuple[Worker, int]]:
        """Return the workers that need more tasks, and how many.

        Short tasks are given ahead, so that no worker waits for this process; long ones are not, and towards
        the end (`left` tasks not given yet) fewer are, so that all workers end together.
        """
        ahead = 0 if seconds_per_task is None else int(TARGET_SECONDS / max(seconds_per_task, 1e-4))
        ahead = min(ahead, max(0, left // (2 * len(self.workers))), MOST_AHEAD)
        wanted = [(worker, ahead + 1 - len(worker.tasks)) for worker in self.workers]
        return [(worker, count) for worker, count in wanted if count > ahead // 2]

    def give(self, worker: Worker, tasks: Sequence[Task]) -> None:
        """Queue tasks at a worker."""
        worker.tasks.extend(tasks)
        worker.send("work", list(tasks))

    def events(self, timeout: float) -> Iterator[Ended | Death]:
        """Wait for news at most `timeout` seconds and yield what ended. Raises what a store raised in a worker."""
        sources: dict[Any, Worker] = {source: worker for worker in self.workers for source in worker.sources}
        for worker in dict.fromkeys(sources[source] for source in wait(list(sources), timeout)):
            yield from self._read(worker)
            if worker.is_dead:
                yield from self._read(worker)  # what it sent between the two looks
                yield from self._replace(worker, worker.describe_death())

    def overdue(self, limit: float | None) -> Iterator[Death]:
        """Kill the workers whose point has taken more than `limit` seconds."""
        for worker in list(self.workers):
            since = worker.running_since
            if limit is not None and since is not None and time.monotonic() - since > limit:
                yield from self._replace(worker, f"ran out of time: timeout_per_point={limit:g} s")

    def stop(self, *, grace: float, reason: str) -> Iterator[Ended | Death]:
        """Begin nothing new, wait for running points at most `grace` seconds, and kill the rest."""
        deadline = time.monotonic() + grace
        for worker in self.workers:
            worker.send("stop")
        while (working := self._working()) and (left := deadline - time.monotonic()) > 0:
            wait([source for worker in working for source in worker.sources], min(0.2, left))
            for worker in working:
                yield from self._read(worker)
        for worker in self.workers:
            yield from self._read(worker)
            if worker.running_since is not None:
                worker.kill()
                yield Death(worker.tasks[0], worker.run_id, reason, time.monotonic() - worker.running_since)
        self.close()

    def close(self) -> None:
        """End every worker now; what a running point recorded stays, its run reads as KILLED."""
        for worker in self.workers:
            worker.kill()
        for worker in self.workers:
            worker.close()
        self.workers = []

    # -------------------------------------------------------------------------------------------
    def _start(self) -> Worker:
        worker = Worker(backend=self._backend, threads=self._threads)
        worker.send("import", self._own_imports)
        if self._session is not None:
            worker.send("session", self._session)
        return worker

    def _working(self) -> list[Worker]:
        """Return the workers that may be in the middle of a point."""
        return [worker for worker in self.workers if worker.ready and worker.tasks and not worker.is_dead]

    def _read(self, worker: Worker) -> Iterator[Ended]:
        with contextlib.suppress(EOFError, ConnectionError):
            while worker.connection.poll():
                message = worker.connection.recv()
                if isinstance(message, Ready):
                    worker.ready = True
                elif isinstance(message, Started):
                    worker.running_since = time.monotonic()
                    worker.run_id = message.run_id
                elif isinstance(message, Done):
                    worker.running_since = worker.run_id = None
                    yield Ended(worker.tasks.popleft(), message.outcome)
                elif isinstance(message, StoreFailed):
                    raise message.error

    def _replace(self, worker: Worker, reason: str) -> Iterator[Death]:
        """Put a new worker where one died; the task it had begun is cut off, the others are given back."""
        worker.close()
        self.workers.remove(worker)
        cut_off: Death | None = None
        if worker.running_since is not None:
            seconds = time.monotonic() - worker.running_since
            cut_off = Death(worker.tasks.popleft(), worker.run_id, reason, seconds)
        else:
            self._idle_deaths += 1
            if self._idle_deaths > 2 * (len(self.workers) + 1):
                raise RunnerError(f"Workers do not start: {reason}. Try backend=multiprocessing, or n_jobs=1.")
        self.returned.extendleft(reversed(worker.tasks))
        self.workers.append(self._start())
        if cut_off is not None:
            yield cut_off
