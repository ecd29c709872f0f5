"""Pushing runs to an MLflow server: repeatable, resumable, and complete only with the mark that is written last.

The server itself remembers what it has: every run there carries our id of it and, once complete, a digest of its
content. So there is no second record that could be out of date, and any machine may go on where another stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tracking.entities import Run, RunStatus
from tracking.errors import ServerError
from tracking.records.names import MODEL_HISTORY, PARENT_RUN_ID, RUN_NAME
from tracking.remote import models
from tracking.remote.artifacts import put
from tracking.remote.content import Content, batches, dataset_input, read_contents
from tracking.remote.names import PUSHED, RUN_ID
from tracking.remote.rest import Server
from tracking.remote.server_runs import (
    ServerRun,
    create_experiment,
    find_run,
    read_experiments,
    read_pushed,
    require_open,
)
from tracking.remote.sweep_runs import sweep_contents, sweep_key
from tracking.store.sqlite import Store

_AT_ONCE = 100  # runs that are read together


@dataclass(slots=True)
class Pushed:
    """What came of a push, in numbers of runs; sweeps' parent runs are not counted."""

    created: int = 0
    updated: int = 0
    same: int = 0
    deleted: int = 0  # on the server, by somebody: left so
    refused: dict[str, str] = field(default_factory=dict)  # our id -> why

    @property
    def seen(self) -> int:
        """How many runs were looked at."""
        return self.created + self.updated + self.same + self.deleted + len(self.refused)


def push(
    store: Store,
    server: Server,
    runs: Sequence[Run],
    *,
    with_files: bool = True,
    connections: int = 4,
    pushed: Pushed | None = None,
    tell: Callable[[Pushed], None] = lambda pushed: None,
) -> Pushed:
    """Make the server hold these runs, which have ended; what it has already is not sent again.

    `pushed` counts, and `tell` is told after each run. Raises ServerError where none can be pushed; a single run that
    the server refuses is counted instead.
    """
    counts = pushed if pushed is not None else Pushed()
    work = _Push(store, server, runs, with_files)
    pool = ThreadPoolExecutor(connections, thread_name_prefix="push")
    try:
        work.create_parents()
        for some in _chunks(runs):
            for key, outcome, reason in pool.map(work.push, work.read(some)):
                _count(counts, key, outcome, reason)
                tell(counts)
        for content in work.sweeps.values():
            work.push(content)
    except BaseException:
        server.give_up()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    return counts


def _count(counts: Pushed, key: str, outcome: str, reason: str) -> None:
    if outcome == "refused":
        counts.refused[key] = reason
    else:
        setattr(counts, outcome, getattr(counts, outcome) + 1)


def _chunks(runs: Sequence[Run]) -> Iterator[Sequence[Run]]:
    for start in range(0, len(runs), _AT_ONCE):
        yield runs[start : start + _AT_ONCE]


class _Push:
    """One push: what is known of both sides while it goes on."""

    def __init__(self, store: Store, server: Server, runs: Sequence[Run], with_files: bool) -> None:
        self.store, self.server, self.with_files = store, server, with_files
        ids = {run.info.experiment_id for run in runs}
        self.names = {id_: store.get_experiment(id_).name for id_ in ids}
        there = read_experiments(server)
        self.known = read_pushed(server, [e["experiment_id"] for e in there.values()])
        self.experiments = {name: require_open(server, there[name]) for name in self.names.values() if name in there}
        for name in sorted(set(self.names.values()) - self.experiments.keys()):
            self.experiments[name] = create_experiment(server, name)
        self.sweeps = sweep_contents(store, runs, self.names)
        self.parents = _parents(runs, {*self.sweeps, *self.known, *(run.info.run_id for run in runs)})
        self.runs = {run.info.run_id: run for run in runs}

    def read(self, runs: Sequence[Run]) -> Iterator[Content]:
        return read_contents(self.store, runs, self.names, self.parents, with_files=self.with_files)

    def create_parents(self) -> None:
        """Make the runs in which others are nested, so that these can name them; their content comes later."""
        wanted = [key for key in dict.fromkeys(self.parents.values()) if key not in self.known]
        contents = {key: self.sweeps[key] for key in wanted if key in self.sweeps}
        contents |= {content.key: content for content in self.read([self.runs[k] for k in wanted if k in self.runs])}

        def create(content: Content) -> None:
            if content.parent in contents and content.parent not in self.known:
                create(contents[content.parent])
            if content.key not in self.known:
                self.known[content.key] = self._create(content)

        for content in contents.values():
            create(content)

    def push(self, content: Content) -> tuple[str, str, str]:
        """Return our id of the run, the field of `Pushed` that counts it, and why it was refused."""
        before = self.known.get(content.key)
        digest = content.digest()
        if before is not None and (before.is_deleted or before.digest == digest):
            return content.key, "deleted" if before.is_deleted else "same", ""
        try:
            run = before or self._create(content)
            self._send(content, run, resumed=before is not None)
            mark = {"run_id": run.run_id, "key": PUSHED, "value": digest}
            self.server.post("runs/set-tag", mark)
        except ServerError as error:
            if error.status not in (400, 404):
                raise
            return content.key, "refused", str(error)
        return content.key, "updated" if before is not None and before.digest else "created", ""

    def _create(self, content: Content) -> ServerRun:
        experiment = self.experiments[content.experiment]
        body = {
            "experiment_id": experiment,
            "run_name": content.name,
            "user_id": content.user,
            "start_time": content.start_time,
            "tags": [{"key": RUN_ID, "value": content.key}, *self._parent_tag(content)],
        }
        return self.server.create(
            "runs/create",
            body,
            find=lambda: find_run(self.server, experiment, content.key),
            read=lambda answer: ServerRun.of(answer["run"]),
        )

    def _parent_tag(self, content: Content) -> list[dict[str, str]]:
        parent = self.known.get(content.parent)
        return [{"key": PARENT_RUN_ID, "value": parent.run_id}] if parent else []

    def _send(self, content: Content, run: ServerRun, *, resumed: bool) -> None:
        left_out = (RUN_NAME, PARENT_RUN_ID, MODEL_HISTORY)
        tags = {key: value for key, value in content.tags.items() if key not in left_out}
        tags |= {tag["key"]: tag["value"] for tag in self._parent_tag(content)}
        for body in batches(content, tags):
            self.server.post("runs/log-batch", {"run_id": run.run_id, **body})
        plain = models.push_models(self.server, run, content.files, resumed=resumed)
        for file in plain:
            put(self.server, run.artifact_uri, file, file.path)
        if (data := dataset_input(content.tags)) is not None:
            self.server.post("runs/log-inputs", {"run_id": run.run_id, "datasets": [data]})
        ended = {} if content.end_time is None else {"end_time": content.end_time}
        body = {"run_id": run.run_id, "status": content.status, "run_name": content.name, **ended}
        self.server.post("runs/update", body)


def _parents(runs: Iterable[Run], known: Iterable[str]) -> Mapping[str, str]:
    """Return for each nested run the key of what it is nested in: a run that is there too, or its sweep."""
    there = set(known)
    parents = {}
    for run in runs:
        tags = run.data.tags
        if (parent := tags.get(PARENT_RUN_ID) or sweep_key(tags)) in there:
            parents[run.info.run_id] = parent
    return parents


def ended(runs: Iterable[Run]) -> list[Run]:
    """Return the runs that have ended: the others still change."""
    return [run for run in runs if RunStatus(run.info.status).is_terminated()]
