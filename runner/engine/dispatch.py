"""Many Specs -> outcomes: here, in threads, in worker processes, on a cluster, or through another joblib backend.

`auto` starts here, measures the first points, and brings in workers when that pays; this process goes on
working until the first of them is ready.
"""

from __future__ import annotations

import contextlib
import itertools
import statistics
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from runner.engine.interrupts import Interrupts
from runner.engine.process_pool import Pool
from runner.engine.sharing import SMALL, DataFolder, data_bytes, share_datasets
from runner.engine.thread_pool import ThreadPool
from runner.engine.worker import Task
from runner.engine.workers import Death, Ended, Workers
from runner.errors import ConfigError, StopPoint
from runner.settings import PROCESS_BACKENDS, Settings
from runner.trial.outcome import Outcome
from runner.trial.record import record, record_death, record_interrupt
from runner.trial.session import Session, flushed_together, forget_shared
from runner.trial.spec import Spec
from runner.trial.threads import release

WORKER_SECONDS = 2.5  # what starting a worker is taken to cost
GRACE_SECONDS = 3.0  # how long running points may take to end after Ctrl-C
MOST_KILLS = 2  # a point that took so many workers along is not tried again
BIG_DATA = 32 * 2**20  # bytes; points on such data are long, so `auto` asks for workers at once


class Engine:
    """Runs the points of one sweep; after the last outcome, `interrupted` and `stopped` say how it ended.

    `interrupted` is the number of the signal that did it, 0 without one. `deaths` are points, by number, that have
    ended their process before: where there are such, none runs in this process. A `pool` that is given is used.
    """

    def __init__(
        self,
        specs: Iterable[Spec],
        settings: Settings,
        session: Session,
        *,
        total: int,
        pool: Workers | None = None,
        deaths: Mapping[int, int] | None = None,
    ) -> None:
        self._specs = iter(specs)
        self._settings = settings
        self._session = session
        self._left = total
        self._pool = pool
        self._folder: DataFolder | None = None
        self._again: deque[Task] = deque()
        self._seconds: deque[float] = deque(maxlen=25)
        self._met: set[str] = set()  # experiments of which a point has ended
        self._drawing: set[str] = set()  # experiments whose points run alone, as they share random generators
        # Asked for again, a point gets one more try, whatever happened before; if it kills that worker too, no other.
        self._kills = Counter({number: min(times, MOST_KILLS - 1) for number, times in (deaths or {}).items()})
        self.interrupted = 0
        self.stopped = False  # by fail_fast

    def run(self) -> Iterator[Outcome]:
        """Yield the outcome of every attempt as it ends.

        An interrupt ends the running points and the iteration; `interrupted` tells.
        """
        with Interrupts() as interrupts, flushed_together(self._session):
            try:
                yield from self._way()(interrupts)
            finally:
                self.interrupted = interrupts.signal
                if self._pool is not None:
                    self._pool.close()
                if self._folder is not None:
                    self._folder.close()
                release()
                forget_shared()

    # -------------------------------------------------------------------------------------------
    @property
    def _size(self) -> int:
        """How many points side by side at most."""
        return 1 if self._settings.backend == "sequential" else self._settings.size

    def _way(self) -> Callable[[Interrupts], Iterator[Outcome]]:
        """Return how the points are run."""
        backend = self._settings.backend
        if self._pool is not None:
            return self._run_pool
        if self._kills and backend in ("threading", "sequential"):
            return self._run_pool
        if backend not in PROCESS_BACKENDS and self._size > 1:
            return self._run_threads if backend == "threading" else self._run_joblib
        return self._run_pool if self._needs_workers() else self._run_here

    def _next(self) -> Task | None:
        """Return what to run next: what a dead worker gave back, what is tried again, then what is new."""
        if self.stopped:
            return None
        for waiting in (self._pool.returned if self._pool else deque(), self._again):
            if waiting:
                return waiting.popleft()
        spec = next(self._specs, None)
        return None if spec is None else Task(spec)

    def _next_few(self, count: int, *, alone: bool) -> list[Task]:
        """Return what to run next on a worker; behind another task only models that are known to be quick."""
        tasks: list[Task] = []
        while len(tasks) < count and (task := self._next()) is not None:
            if task.spec.experiment not in self._met and (tasks or not alone):
                self._again.appendleft(task)
                break
            tasks.append(task)
        return tasks

    def _needs_workers(self) -> bool:
        settings = self._settings
        if settings.timeout_per_point is not None or self._kills:
            return True  # only another process can be ended when its time is up, and only that can die alone
        several = min(self._size, self._left) > 1
        return several and (settings.n_jobs != "auto" or data_bytes(self._session) > BIG_DATA)

    def _workers_pay(self) -> bool:
        several = min(self._size, self._left)
        if self._pool is not None or self._settings.n_jobs != "auto" or several < 2:
            return False
        alone = self._left * statistics.fmean(self._seconds)
        return WORKER_SECONDS + alone / several < 0.8 * alone

    def _run_here(self, interrupts: Interrupts) -> Iterator[Outcome]:
        while not interrupts.requested and (task := self._next()) is not None:
            begun: list[str] = []
            try:
                with interrupts.raising():
                    outcome = record(task.spec, self._session, attempt=task.attempt, on_start=begun.append)
            except StopPoint:
                if begun:
                    yield self._settle(task, record_interrupt(task.spec, self._session, begun[0]))
                break
            yield self._settle(task, outcome)
            if self._workers_pay():
                self._pool = self._new_pool()
                self._pool.begin(self._shared())
            if self._pool is not None:
                list(self._pool.events(0))
                if self._pool.ready:
                    yield from self._run_pool(interrupts)
                    return

    def _new_pool(self) -> Pool:
        settings = self._settings
        size = max(1, min(self._size, self._left))
        backend = settings.backend if settings.backend in PROCESS_BACKENDS else PROCESS_BACKENDS[0]
        return Pool(size, backend=backend, threads=settings.threads_per_run)

    def _shared(self) -> Session:
        """Return the session for other processes: big data lies in files that they map."""
        if data_bytes(self._session) <= SMALL:
            return self._session
        self._folder = self._folder or DataFolder()
        return share_datasets(self._session, self._folder.path)

    def _run_pool(self, interrupts: Interrupts) -> Iterator[Outcome]:
        pool = self._pool = self._pool or self._new_pool()
        pool.begin(self._shared() if pool.is_local else self._session)
        while not (interrupts.requested or self.stopped):
            pace = max(self._seconds) if self._seconds else None
            for worker, count in pool.room(pace, self._left - pool.busy):
                if tasks := self._next_few(count, alone=not worker.tasks):
                    pool.give(worker, tasks)
            if not pool.busy and not self._waits(pool):
                return
            for event in itertools.chain(pool.events(0.2), pool.overdue(self._settings.timeout_per_point)):
                yield self._settle_event(event)
        yield from self._stop(pool, interrupts)

    def _waits(self, pool: Workers) -> bool:
        """Tell whether a task is left, though no worker took it: none is there yet, or none any more."""
        if pool.returned or self._again:
            return True
        if (task := self._next()) is None:
            return False
        self._again.append(task)
        return True

    def _run_threads(self, interrupts: Interrupts) -> Iterator[Outcome]:
        # Warnings and random generators are one for all threads: nobody could tell whose a shared fit's were.
        session = replace(self._session, share_bytes=0)
        with contextlib.closing(ThreadPool(min(self._size, self._left), session)) as pool:
            while not (interrupts.requested or self.stopped):
                while pool.room and (task := self._next_for_thread(pool)) is not None:
                    pool.give(task)
                if not pool.busy:
                    return
                for event in pool.events(0.2):
                    yield self._settle_event(event)
            yield from self._stop(pool, interrupts)

    def _next_for_thread(self, pool: ThreadPool) -> Task | None:
        """Return what to run next in a thread; a point that runs alone waits until no other does."""
        task = self._next()
        if task is not None and (task.alone or task.spec.experiment in self._drawing):
            task = replace(task, alone=True)
            if pool.busy:
                self._again.appendleft(task)
                return None
        return task

    def _stop(self, helpers: Workers | ThreadPool, interrupts: Interrupts) -> Iterator[Outcome]:
        reason = "interrupted" if interrupts.requested else "stopped by fail_fast"
        for event in helpers.stop(grace=0.0 if interrupts.requested > 1 else GRACE_SECONDS, reason=reason):
            yield self._settle_event(event, status="KILLED")

    def _settle_event(self, event: Ended | Death, *, status: str = "FAILED") -> Outcome:
        if isinstance(event, Ended):
            if event.alone_next:
                self._drawing.add(event.outcome.experiment)
                self._again.append(replace(event.task, alone=True))
                return replace(event.outcome, will_retry=True)
            return self._settle(event.task, event.outcome)
        task = event.task
        self._kills[task.spec.number] += MOST_KILLS if event.final else 1
        outcome = record_death(
            task.spec,
            self._session,
            event.reason,
            run_id=event.run_id,
            status=status,
            attempt=task.attempt,
            seconds=event.seconds,
        )
        return self._settle(task, outcome)

    def _settle(self, task: Task, outcome: Outcome) -> Outcome:
        """Count an ended attempt, and decide whether the point is tried again."""
        self._seconds.append(outcome.seconds)
        self._met.add(outcome.experiment)
        if (
            outcome.status == "FAILED"
            and task.attempt <= self._settings.retries
            and self._kills[task.spec.number] < MOST_KILLS
        ):
            self._again.append(replace(task, attempt=task.attempt + 1))
            return replace(outcome, will_retry=True)
        self._left -= 1
        if outcome.status == "FAILED" and self._settings.fail_fast:
            self.stopped = True
        return outcome

    def _run_joblib(self, interrupts: Interrupts) -> Iterator[Outcome]:
        """Let a backend of joblib (dask, ray) run the points; each records its own run."""
        from joblib import Parallel, delayed, parallel_config

        settings = self._settings
        ahead = "n_jobs" if settings.fail_fast else "2*n_jobs"  # what was given out cannot be taken back
        while not (self.stopped or interrupts.requested) and (first := self._next()) is not None:
            tasks = itertools.chain([first], iter(self._next, None))
            try:
                config = parallel_config(settings.backend, n_jobs=settings.size)
            except ValueError as error:  # as dask without a Client
                needs = str(error).strip().partition("\n")[0].rstrip(":. ")
                raise ConfigError(f"backend={settings.backend}: {needs}. Or use backend=loky.") from error
            with config:
                parallel = Parallel(return_as="generator_unordered", pre_dispatch=ahead)
                ended = parallel(delayed(_record_task)(task, self._session) for task in tasks)
                while (pair := _next_of(ended, interrupts)) is not None:
                    yield self._settle(*pair)


def _next_of(ended: Iterator[tuple[Task, Outcome]], interrupts: Interrupts) -> tuple[Task, Outcome] | None:
    """Return what ended next; None after the last one, and after an interrupt."""
    try:
        with interrupts.raising():
            return None if interrupts.requested else next(ended, None)
    except StopPoint:
        return None


def _record_task(task: Task, session: Session) -> tuple[Task, Outcome]:
    return task, record(task.spec, session, attempt=task.attempt)
