"""Pushing runs to an MLflow server: repeatable, resumable, and complete only with the mark that is written last.

The server itself remembers what it has: every run there carries our id of it and, once complete, a digest of its
content. So there is no second record that could be out of date, and any machine may go on where another stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from tracking.entities import Run, RunStatus
from tracking.errors import InvalidValue, ServerError
from tracking.inputs import read_inputs
from tracking.records.names import PARENT_RUN_ID, RUN_NAME
from tracking.remote import models
from tracking.remote.artifacts import put
from tracking.remote.content import Content, batches, input_body, read_contents
from tracking.remote.names import PUSHED, RUN_ID
from tracking.remote.remembered import Remembered, recall, remember, tags_digest
from tracking.remote.rest import Json, Server
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
    pusher = Pusher(store, server, with_files=with_files, connections=connections, pushed=pushed, tell=tell)
    pusher.push(runs)
    pusher.finish()
    return pusher.pushed


def claim(store: Store, server: Server) -> None:
    """Keep other processes from pushing the same store there, until `release_claims`. Raises InvalidValue if one does.

    Each of two could make a run of its own for the same one of ours.
    """
    if not store.claim(f"push {server.uri}").mine:
        raise InvalidValue(f"Another process is pushing this store to {server.uri}. Wait until it has ended.")


def _count(counts: Pushed, key: str, outcome: str, reason: str) -> None:
    if outcome == "refused":
        counts.refused[key] = reason
    else:
        setattr(counts, outcome, getattr(counts, outcome) + 1)


def _chunks(runs: Sequence[Run]) -> Iterator[Sequence[Run]]:
    for start in range(0, len(runs), _AT_ONCE):
        yield runs[start : start + _AT_ONCE]


class Pusher:
    """Pushes runs of one store to one server, as they come; what the server has is asked once, at the beginning."""

    def __init__(
        self,
        store: Store,
        server: Server,
        *,
        with_files: bool = True,
        connections: int = 4,
        pushed: Pushed | None = None,
        tell: Callable[[Pushed], None] = lambda pushed: None,
    ) -> None:
        self.pushed = pushed if pushed is not None else Pushed()
        self._store, self._server, self._with_files = store, server, with_files
        self._connections, self._tell = connections, tell
        self._names: dict[str, str] = {}  # of experiments, by our ids
        self._experiments: dict[str, Remembered] = recall(store, server.uri)  # the server's, by name
        self._known = read_pushed(server, [entry.id for entry in self._experiments.values()])
        self._there: dict[str, Json] | None = None  # all experiments of the server, where that had to be asked
        if not self._experiments:
            self._ask()  # also where there is nothing to push: a wrong address or password is said
        self._sweeps: dict[str, Content] = {}
        self._first_of_sweep: dict[str, Run] = {}

    def push(self, runs: Sequence[Run]) -> None:
        """Push runs that have ended. Raises ServerError where none can be pushed."""
        for id_ in {run.info.experiment_id for run in runs} - self._names.keys():
            self._names[id_] = self._store.get_experiment(id_).name
        fresh = {key: run for run in runs if (key := sweep_key(run.data.tags)) and key not in self._sweeps}
        self._first_of_sweep |= {key: run for key, run in fresh.items() if key not in self._first_of_sweep}
        self._sweeps |= sweep_contents(self._store, list(fresh.values()))
        self._prepare_experiments(runs)
        parents = _parents(runs, {*self._sweeps, *self._known, *(run.info.run_id for run in runs)})
        self._create_parents(runs, parents)
        for some in _chunks(runs):
            self._push_all(list(self._read(some, parents)), counted=True)

    def finish(self) -> None:
        """Push what is told of the sweeps themselves, as they are by now."""
        first = list(self._first_of_sweep.values())
        self._push_all(list(sweep_contents(self._store, first).values()), counted=False)

    def _push_all(self, contents: Sequence[Content], *, counted: bool) -> None:
        pool = ThreadPoolExecutor(self._connections, thread_name_prefix="push")
        try:
            for key, outcome, reason in pool.map(self._push, contents):
                if counted:
                    _count(self.pushed, key, outcome, reason)
                    self._tell(self.pushed)
        except BaseException:
            self._server.give_up()
            raise
        finally:
            pool.shutdown(cancel_futures=True)

    def _prepare_experiments(self, runs: Sequence[Run]) -> None:
        """Make sure of the experiments of runs that are not there yet, and of the tags of all."""
        names = {self._names[run.info.experiment_id] for run in runs}
        ours = {name: self._tags(name) for name in {*names, *(sweep.experiment for sweep in self._sweeps.values())}}
        keys = {*(run.info.run_id for run in runs), *self._sweeps}
        there = all(key in self._known and not self._known[key].is_deleted for key in keys)
        if there and all(self._is_remembered(name, tags) for name, tags in ours.items()):
            return
        if self._there is None:
            self._ask()
        for name, tags in ours.items():
            if not self._is_remembered(name, tags):
                self._experiments[name] = self._prepared(name, tags)
        remember(self._store, self._server.uri, self._experiments)

    def _tags(self, name: str) -> Mapping[str, str]:
        found = self._store.get_experiment_by_name(name)
        return {} if found is None else found.tags

    def _is_remembered(self, name: str, tags: Mapping[str, str]) -> bool:
        return name in self._experiments and self._experiments[name].tags == tags_digest(tags)

    def _ask(self) -> None:
        """Ask the server for all its experiments, and for what was pushed to any of them."""
        self._there = read_experiments(self._server)
        ids = [entry["experiment_id"] for entry in self._there.values()]
        self._known |= read_pushed(self._server, ids)
        open_ids = {e["experiment_id"] for e in self._there.values() if e.get("lifecycle_stage") != "deleted"}
        self._experiments = {name: entry for name, entry in self._experiments.items() if entry.id in open_ids}

    def _prepared(self, name: str, tags: Mapping[str, str]) -> Remembered:
        there = (self._there or {}).get(name)
        id_ = require_open(self._server, there) if there else create_experiment(self._server, name)
        set_there = {tag["key"]: tag["value"] for tag in (there or {}).get("tags", ())}
        for key, value in tags.items():
            if set_there.get(key) != value:
                body = {"experiment_id": id_, "key": key, "value": value}
                self._server.post("experiments/set-experiment-tag", body)
        return Remembered(id_, tags_digest(tags))

    def _read(self, runs: Sequence[Run], parents: Mapping[str, str]) -> Iterator[Content]:
        return read_contents(self._store, runs, self._names, parents, with_files=self._with_files)

    def _create_parents(self, runs: Sequence[Run], parents: Mapping[str, str]) -> None:
        """Make the runs in which others are nested, so that these can name them; their content comes later."""
        wanted = {key for key in parents.values() if key not in self._known}
        contents = {key: self._sweeps[key] for key in wanted if key in self._sweeps}
        own = [run for run in runs if run.info.run_id in wanted]
        contents |= {content.key: content for content in self._read(own, parents)}

        def create(content: Content) -> None:
            if content.parent in contents and content.parent not in self._known:
                create(contents[content.parent])
            if content.key not in self._known:
                self._known[content.key] = self._create(content)

        for content in contents.values():
            create(content)

    def _push(self, content: Content) -> tuple[str, str, str]:
        """Return our id of the run, the field of `Pushed` that counts it, and why it was refused."""
        before = self._known.get(content.key)
        digest = content.digest()
        if before is not None and (before.is_deleted or before.digest == digest):
            return content.key, "deleted" if before.is_deleted else "same", ""
        try:
            run = before or self._create(content)
            self._send(content, run, resumed=before is not None)
            mark = {"run_id": run.run_id, "key": PUSHED, "value": digest}
            self._server.post("runs/set-tag", mark)
            self._known[content.key] = replace(run, digest=digest)
        except ServerError as error:
            if error.status not in (400, 404):
                raise
            return content.key, "refused", str(error)
        return content.key, "updated" if before is not None and before.digest else "created", ""

    def _create(self, content: Content) -> ServerRun:
        experiment = self._experiments[content.experiment].id
        body = {
            "experiment_id": experiment,
            "run_name": content.name,
            "user_id": content.user,
            "start_time": content.start_time,
            "tags": [{"key": RUN_ID, "value": content.key}, *self._parent_tag(content)],
        }
        return self._server.create(
            "runs/create",
            body,
            find=lambda: find_run(self._server, experiment, content.key),
            read=lambda answer: ServerRun.of(answer["run"]),
        )

    def _parent_tag(self, content: Content) -> list[dict[str, str]]:
        parent = self._known.get(content.parent)
        return [{"key": PARENT_RUN_ID, "value": parent.run_id}] if parent else []

    def _send(self, content: Content, run: ServerRun, *, resumed: bool) -> None:
        left_out = (RUN_NAME, PARENT_RUN_ID)
        tags = {key: value for key, value in content.tags.items() if key not in left_out}
        tags |= {tag["key"]: tag["value"] for tag in self._parent_tag(content)}
        for body in batches(content, tags):
            self._server.post("runs/log-batch", {"run_id": run.run_id, **body})
        plain = models.push_models(self._server, run, content.files, resumed=resumed)
        for file in plain:
            put(self._server, run.artifact_uri, file, file.path)
        if inputs := read_inputs(content.tags):
            self._server.post("runs/log-inputs", {"run_id": run.run_id, "datasets": list(map(input_body, inputs))})
        ended = {} if content.end_time is None else {"end_time": content.end_time}
        body = {"run_id": run.run_id, "status": content.status, "run_name": content.name, **ended}
        self._server.post("runs/update", body)


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
