"""Worker processes of our own: one pipe each, so that a death is known at once, with signal and point.

joblib's own executors were not used because they stop every worker when one dies, and cannot end one point
that takes too long. `loky`, joblib's word for workers that are not forks of this process, are forks of a
clean interpreter that has imported once (`runner/engine/nursery.py`; two are ready in a third of the time of loky's).
`multiprocessing` starts an interpreter for each, for a library that cannot bear even that fork.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import time
import types
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from runner.engine.worker import PRELOAD, Done, Ready, Started, Task, main
from runner.errors import RunnerError
from runner.trial.threads import environment

if TYPE_CHECKING:
    from runner.engine.forkserver import Nursery
    from runner.trial.record import Outcome, Session

TARGET_SECONDS = 0.1  # a worker is given about so much work ahead
MOST_AHEAD = 64


class Worker:
    """One process, its pipe, and the tasks it was given and has not ended, in order."""

    def __init__(self, process: Any, connection: Connection) -> None:
        self.process = process  # of multiprocessing, or the nursery's, which looks the same
        self.connection = connection
        self.tasks: deque[Task] = deque()
        self.ready = False
        self.running_since: float | None = None
        self.run_id: str | None = None  # of the point that is running

    def send(self, kind: str, value: object = None) -> None:
        """Send an order; a worker that is gone is noticed by its sentinel."""
        with contextlib.suppress(OSError):
            self.connection.send((kind, value))

    def bury(self) -> None:
        """End the process, whatever it does, and give its files back."""
        self.process.kill()
        self.process.join()
        self.connection.close()
        self.process.close()

    def describe_death(self) -> str:
        """Return why the process ended, as `worker died, signal 9`."""
        self.process.join()
        code = self.process.exitcode
        if code is None:
            return "worker lost: the process that starts workers died"
        return f"worker died, signal {-code}" if code < 0 else f"worker exited with code {code}"


@dataclass(frozen=True, slots=True)
class Ended:
    """A task that came to its end, whatever the end."""

    task: Task
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Death:
    """A worker that ended unasked: the task it was in, its run, and why."""

    task: Task
    run_id: str | None
    reason: str
    seconds: float


class Pool:
    """A fixed number of workers; a dead one is replaced, its unstarted tasks are given back."""

    def __init__(self, size: int, *, backend: str, threads: int, preload: Sequence[str] = ()) -> None:
        # They stay out of what is shared: importing a person's own modules may start threads.
        self._own_imports = tuple(preload)
        self._environment = environment(threads)
        self._forks = backend == "loky" and os.name == "posix"
        self._nursery: Nursery | None = None
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
        """Wait for news at most `timeout` seconds and yield what ended."""
        sources: dict[Any, Worker] = {worker.connection: worker for worker in self.workers}
        sources |= {worker.process.sentinel: worker for worker in self.workers}
        for worker in dict.fromkeys(sources[source] for source in wait(list(sources), timeout)):
            yield from self._read(worker)
            if not worker.process.is_alive():
                yield from self._read(worker)  # what it sent between the two looks
                yield from self._bury(worker, worker.describe_death())

    def overdue(self, limit: float | None) -> Iterator[Death]:
        """Kill the workers whose point has taken more than `limit` seconds."""
        for worker in list(self.workers):
            since = worker.running_since
            if limit is not None and since is not None and time.monotonic() - since > limit:
                yield from self._bury(worker, f"ran out of time: timeout_per_point={limit:g} s")

    def stop(self, *, grace: float, reason: str) -> Iterator[Ended | Death]:
        """Begin nothing new, wait for running points at most `grace` seconds, and kill the rest."""
        deadline = time.monotonic() + grace
        for worker in self.workers:
            worker.send("stop")
        while (alive := [w for w in self.workers if w.process.is_alive()]) and time.monotonic() < deadline:
            wait(
                [*(w.process.sentinel for w in alive)],
                timeout=min(0.2, max(0.0, deadline - time.monotonic())),
            )
            for worker in self.workers:
                yield from self._read(worker)
        for worker in self.workers:
            yield from self._read(worker)
            if worker.running_since is not None:
                worker.process.kill()
                worker.process.join()
                seconds = time.monotonic() - worker.running_since
                yield Death(worker.tasks[0], worker.run_id, reason, seconds)
        self.close()

    def close(self) -> None:
        """End every worker now; what a running point recorded stays, its run reads as KILLED."""
        for worker in self.workers:
            worker.process.kill()
        for worker in self.workers:
            worker.bury()
        self.workers = []
        if self._nursery is not None:
            self._nursery.close()
            self._nursery = None

    # -------------------------------------------------------------------------------------------
    def _start(self) -> Worker:
        ours, theirs = multiprocessing.Pipe()
        worker = Worker(self._fork(theirs) if self._forks else self._spawn(theirs), ours)
        worker.send("import", self._own_imports)
        if self._session is not None:
            worker.send("session", self._session)
        return worker

    def _fork(self, connection: Connection) -> Any:
        from runner.engine.forkserver import take

        if self._nursery is None or self._nursery.gone:
            self._nursery = take(PRELOAD, self._environment)
        return self._nursery.start(connection)

    def _spawn(self, connection: Connection) -> Any:
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=main, args=(connection,), daemon=True)
        with _environment(self._environment), _hidden_main():
            process.start()
        connection.close()
        return process

    def _read(self, worker: Worker) -> Iterator[Ended]:
        with contextlib.suppress(EOFError, OSError):
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

    def _bury(self, worker: Worker, reason: str) -> Iterator[Death]:
        """Replace a dead worker; the task it had begun is its victim, the others are given back."""
        worker.bury()
        victim: Death | None = None
        if worker.running_since is not None:
            seconds = time.monotonic() - worker.running_since
            victim = Death(worker.tasks.popleft(), worker.run_id, reason, seconds)
        else:
            self._idle_deaths += 1
            if self._idle_deaths > 2 * len(self.workers):
                raise RunnerError(f"Workers do not start: {reason}. Try backend=multiprocessing, or n_jobs=1.")
        self.returned.extendleft(reversed(worker.tasks))
        self.workers[self.workers.index(worker)] = self._start()
        if victim is not None:
            yield victim


@contextlib.contextmanager
def _hidden_main() -> Iterator[None]:
    """Keep multiprocessing from running a person's script again in every worker, as loky does."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set variables for the child that is started inside, where the user has not set them."""
    added = {key: value for key, value in variables.items() if key not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for key in added:
            del os.environ[key]
