"""Workers of a cluster with the verbs of a pool: tasks go to a worker in batches, and come back with their records.

This process is the only one that writes to the store. What a lost worker was given runs again elsewhere, its points
one by one, so that the next death is of one point alone; a point that was there at three deaths has failed.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import tracking
from runner.data.dataset import Dataset
from runner.engine.cluster import Answer, Cluster, Failed, Joined, Left
from runner.engine.remote import Beginning, Begun, Done, NotBegun, begin, end, ingredients, run_tasks, take_data
from runner.engine.sharing import SMALL
from runner.engine.worker import Task
from runner.engine.workers import Death, Ended
from runner.errors import ConfigError, RunnerError
from runner.provenance.code import own_sources
from runner.provenance.ingredients import differences
from runner.trial.identity import asked_fingerprint
from runner.trial.session import Session
from runner.trial.sharing import nbytes
from tracking.parcels import own_tags, put_runs

MOST_DEATHS = 3  # of workers while a point was on them
TARGET_SECONDS = 0.5  # a batch is about so much work
MOST_AT_ONCE = 250  # points in a batch
PATIENCE_SECONDS = 30.0  # how long the first points wait until every worker has said what it is made of
SECONDS_TO_FORGET = 1.0  # how long the end of a sweep waits for workers to forget it
_AHEAD = 2  # batches of a worker: the one that runs, and the next
_FILES = ("csv", "parquet")  # sources that a worker may be able to read itself
_SHOWN = 4  # differences in a message


@dataclass(slots=True)
class Remote:
    """A worker of the cluster and what it was given."""

    worker: str
    process: str = ""
    begun: bool = False  # it has said what it is made of, and has the code
    refused: bool = False  # it is made of something else
    lacking: set[str] = field(default_factory=set)  # data that it has not got yet
    awaiting: set[str] = field(default_factory=set)  # those of them that are on their way
    batches: dict[str, Sequence[Task]] = field(default_factory=dict)  # by call, in order

    @property
    def ready(self) -> bool:
        """Whether it can be given points."""
        return self.begun and not self.refused and not self.lacking

    @property
    def tasks(self) -> list[Task]:
        """What it was given and has not ended."""
        return [task for batch in self.batches.values() for task in batch]


class ClusterPool:
    """The workers of a cluster, as far as this sweep uses them: at most `size`, None for all that come."""

    is_local = False

    def __init__(
        self, cluster: Cluster, *, size: int | None, targets: Iterable[str], mixed: bool, tell: Callable[[str], None]
    ) -> None:
        self._cluster = cluster
        self._size = size
        self._targets = tuple(sorted(targets))
        self._mixed = mixed
        self._tell = tell
        self._sweep = secrets.token_hex(4)
        self._session: Session | None = None
        self._beginning: Beginning | None = None
        self._here: Mapping[str, str] = {}
        self._big: dict[str, Dataset] = {}
        self._sent: dict[str, Any] = {}  # what stands for big data on the cluster
        self._members: dict[str, Remote] = {}
        self._spare: list[str] = []
        self._calls: dict[str, tuple[str, str]] = {}  # call -> worker and what was asked
        self._deaths: Counter[int] = Counter()
        self._number = 0
        self._ends_waiting = 0.0
        self._closed = False
        self._started = False  # every worker that was here had been compared with this process
        self.returned: deque[Task] = deque()

    # The verbs of a pool -----------------------------------------------------------------------
    def begin(self, session: Session) -> None:
        """Take what every worker has to be told."""
        if self._session is not None:
            return
        self._session = session
        big = {key: data for key, data in session.datasets.items() if nbytes(data.X) > SMALL}
        self._big = big
        small = {key: data for key, data in session.datasets.items() if key not in big}
        self._here = ingredients(self._targets, session.threads)
        self._beginning = Beginning(
            sweep=self._sweep,
            session=replace(session, datasets=small, tags={**own_tags(), **session.tags}),
            elsewhere={key: (_findable(key), data.fingerprint) for key, data in big.items()},
            targets=self._targets,
            code=own_sources(*self._targets),
        )
        self._ends_waiting = time.monotonic() + PATIENCE_SECONDS

    @property
    def ready(self) -> bool:
        """Whether any worker can begin."""
        return any(member.ready for member in self._members.values())

    @property
    def busy(self) -> int:
        """How many tasks are given out and not ended."""
        return sum(len(member.tasks) for member in self._members.values())

    def room(self, seconds_per_task: float | None, left: int) -> list[tuple[Remote, int]]:
        """Return the workers that need more tasks, and how many.

        A point whose worker was lost goes to one that has nothing else, and gets no company.
        """
        if not self._started:
            return []
        ready = [member for member in self._members.values() if member.ready]
        if any(self._deaths[task.spec.number] for task in self.returned):
            return [(member, 1) for member in ready if not member.batches]
        count = 1 if seconds_per_task is None else int(TARGET_SECONDS / max(seconds_per_task, 1e-4))
        count = max(1, min(count, left // (2 * _AHEAD * max(1, len(ready))), MOST_AT_ONCE))
        return [(member, count) for member in ready if len(member.batches) < _AHEAD and not self._is_alone(member)]

    def give(self, worker: Remote, tasks: Sequence[Task]) -> None:
        """Queue a batch at a worker."""
        call = self._call(worker, "run", run_tasks, self._sweep, list(tasks), key=_batch_key(tasks))
        worker.batches[call] = list(tasks)

    def events(self, timeout: float) -> Iterator[Ended | Death]:
        """Wait for news at most `timeout` seconds; record what has ended, and yield it.

        Raises ConfigError for a worker that is made of something else, StoreError, and RunnerError where the cluster
        is gone.
        """
        for news in self._cluster.news(timeout):
            match news:
                case Joined():
                    self._spare.append(news.worker)
                case Left():
                    yield from self._lose(news.worker, news.reason)
                case Answer():
                    yield from self._take_answer(news.call, news.value)
                case Failed():
                    self._take_failure(news.call, news.error)
        self._admit()
        self._send_data()
        self._started = self._started or self._may_start()

    def overdue(self, limit: float | None) -> Iterator[Death]:
        """Cut off nothing: no cluster ends a point that it runs. The settings refuse a limit."""
        return iter(())

    def stop(self, *, grace: float, reason: str) -> Iterator[Ended | Death]:
        """Take back what has not begun, and wait for what runs at most `grace` seconds."""
        for member in self._members.values():
            for call in list(member.batches)[1:]:
                self._cluster.cancel([call])
                del member.batches[call], self._calls[call]
        deadline, since = time.monotonic() + grace, time.monotonic()
        while self.busy and (left := deadline - time.monotonic()) > 0:
            yield from self.events(min(0.2, left))
        for member in self._members.values():
            for task in member.tasks[:1]:  # of a batch the first is the only one that has surely begun
                yield Death(task, None, reason, time.monotonic() - since, final=True)
            member.batches.clear()
        self.close()

    def close(self) -> None:
        """Let go of the cluster; its workers forget the sweep. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self._cluster.cancel(list(self._calls))
        self._calls.clear()
        if self._cluster.lasts:
            for member in self._members.values():
                if member.begun:
                    self._call(member, "end", end, self._sweep)
            deadline = time.monotonic() + SECONDS_TO_FORGET
            with contextlib.suppress(RunnerError):
                while self._calls and time.monotonic() < deadline:
                    for news in self._cluster.news(0.1):
                        if isinstance(news, Answer | Failed):
                            self._calls.pop(news.call, None)
        self._members.clear()
        self._cluster.close()

    @property
    def size(self) -> int:
        """How many workers can be given points now."""
        return sum(member.ready for member in self._members.values())

    # Workers come ------------------------------------------------------------------------------
    def _admit(self) -> None:
        """Tell workers of the sweep, as many as it may use."""
        while self._spare and (self._size is None or len(self._members) < self._size):
            worker = self._spare.pop(0)
            if worker not in self._members:
                member = self._members[worker] = Remote(worker)
                self._call(member, "begin", begin, self._beginning)

    def _may_start(self) -> bool:
        """Tell whether every worker that is here is ready; one that keeps silent is waited for so long only."""
        all_ready = all(member.ready for member in self._members.values())
        return self.ready and (all_ready or time.monotonic() > self._ends_waiting)

    def _compare(self, member: Remote, there: Begun) -> None:
        """Refuse a worker whose results might differ; one that comes later is only left out."""
        different = differences(self._here, there.ingredients)
        if not different or self._mixed:
            return
        shown = "; ".join(different[:_SHOWN]) + ("; ..." if len(different) > _SHOWN else "")
        told = f"Worker {there.process} of {self._cluster.name} would not give the same results: {shown}."
        if not self._started:
            raise ConfigError(f"{told} Install the same there, or allow it: engine.mixed=true")
        self._tell(f"{told} It is left out.")
        member.refused = True

    def _send_data(self) -> None:
        """Bring the big datasets to the workers that could not load them, each once."""
        begun = [member for member in self._members.values() if member.begun and not member.refused]
        if not self._started and len(begun) < len(self._members) and time.monotonic() < self._ends_waiting:
            return  # one broadcast for all, rather than one for each
        for key, data in self._big.items():
            lacking = [member for member in begun if key in member.lacking - member.awaiting]
            if lacking and key not in self._sent:
                self._sent[key] = self._cluster.share(data, [member.worker for member in lacking])
            for member in lacking:
                member.awaiting.add(key)
                self._call(member, f"data {key}", take_data, self._sweep, key, self._sent[key])

    # Answers come ------------------------------------------------------------------------------
    def _call(self, member: Remote, what: str, function: Any, *arguments: Any, key: str = "") -> str:
        self._number += 1
        call = f"{what.partition(' ')[0]}-{self._sweep}-{key or member.worker}-{self._number}"
        self._calls[call] = (member.worker, what)
        self._cluster.call(call, member.worker, function, *arguments)
        return call

    def _take_answer(self, call: str, value: Any) -> Iterator[Ended]:
        if call not in self._calls:
            return  # of a worker that was given up
        worker, what = self._calls.pop(call)
        member = self._members[worker]
        if isinstance(value, Begun):
            member.process, member.begun, member.lacking = value.process, True, set(value.lacking)
            self._compare(member, value)
        elif isinstance(value, Done):
            assert self._session is not None
            put_runs(self._session.store, value.parcels)
            for task, outcome in zip(member.batches.pop(call), value.outcomes, strict=True):
                yield Ended(task, outcome)
        elif what.startswith("data "):
            member.lacking.discard(what.removeprefix("data "))
            member.awaiting.discard(what.removeprefix("data "))

    def _take_failure(self, call: str, error: BaseException) -> None:
        if call not in self._calls:
            return
        worker, what = self._calls.pop(call)
        member = self._members[worker]
        if isinstance(error, tracking.TrackingError):
            raise error
        if isinstance(error, NotBegun):  # its process was replaced by another at the same address
            self._give_up(worker)
            self.returned.extend(member.tasks)
            self._spare.append(worker)
        elif what.startswith("data "):
            self._sent.pop(what.removeprefix("data "), None)  # who had it is gone: send it again
            member.awaiting.discard(what.removeprefix("data "))
        else:
            raise RunnerError(f"Worker {worker} of {self._cluster.name}: {type(error).__name__}: {error}") from error

    # Workers go --------------------------------------------------------------------------------
    def _lose(self, worker: str, reason: str) -> Iterator[Death]:
        """Give back what a lost worker was in; nothing of it is recorded, and no answer of it counts any more."""
        self._spare = [other for other in self._spare if other != worker]
        member = self._give_up(worker)
        if member is None:
            return
        for task in member.tasks:
            number = task.spec.number
            self._deaths[number] += 1
            if self._deaths[number] < MOST_DEATHS:
                self.returned.append(task)
            else:
                why = f"{MOST_DEATHS} workers died while it was on them, {member.process or worker} the last: {reason}"
                yield Death(task, None, why, 0.0, final=True)

    def _give_up(self, worker: str) -> Remote | None:
        """Take a worker out, and want no answer of it any more."""
        calls = [call for call, (of, _) in self._calls.items() if of == worker]
        self._cluster.cancel(calls)
        for call in calls:
            del self._calls[call]
        return self._members.pop(worker, None)

    def _is_alone(self, member: Remote) -> bool:
        return any(self._deaths[task.spec.number] for task in member.tasks)


def _batch_key(tasks: Sequence[Task]) -> str:
    """Name a batch by its points, so that what is seen on a cluster's page can be found again."""
    first = tasks[0]
    return f"{first.spec.number}+{len(tasks) - 1}-{asked_fingerprint(first.spec).removeprefix('v1:')[:12]}"


def _findable(key: str) -> Mapping[str, Any]:
    """Return the `data` section of a dataset as another folder of the same machine or file system would read it."""
    config = dict(json.loads(key))
    if config.get("source") not in _FILES:
        return {"source": None}  # nobody but the driver can read it
    for name in ("path", "test"):
        if isinstance(config.get(name), str) and "://" not in config[name]:
            config[name] = str(Path(config[name]).expanduser().absolute())
    return config
