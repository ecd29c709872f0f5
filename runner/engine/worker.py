"""A process that runs points: takes tasks from a pipe, records each, and tells when one starts and ends."""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.trial.outcome import Outcome
    from runner.trial.session import Session
    from runner.trial.spec import Spec

SIGNALS = (signal.SIGINT, signal.SIGTERM)
PRELOAD = ("runner.trial.record", "sklearn.linear_model", "sklearn.pipeline", "sklearn.model_selection")


@dataclass(frozen=True, slots=True)
class Task:
    """A point to run, for the first time or again."""

    spec: Spec
    attempt: int = 1
    alone: bool = False  # with no other in this process


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker has its imports and can begin."""


@dataclass(frozen=True, slots=True)
class Started:
    """The worker begins a point, in the run that it has just started."""

    run_id: str


@dataclass(frozen=True, slots=True)
class Done:
    """The worker ended a point; it is recorded."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class StoreFailed:
    """The worker could not record: no other point could be."""

    error: Exception


Order = tuple[str, object]  # ("import", names), ("session", Session), ("work", list of Task), ("stop", None)


def main(connection: Connection, variables: Mapping[str, str]) -> None:
    """Serve tasks until the pipe closes or a stop is asked for; Ctrl-C is the parent's business."""
    os.setpgid(0, 0)  # who kills this group also kills what an estimator started
    os.environ.update(variables)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    threading.Thread(target=_follow_parent, daemon=True).start()
    _import(PRELOAD)
    with contextlib.suppress(EOFError, ConnectionError):  # the parent is gone: nothing left to do or to tell
        connection.send(Ready())
        _serve(connection)


def _import(names: Sequence[str]) -> None:
    for name in names:
        with contextlib.suppress(Exception):  # the point itself will say what is wrong with it
            importlib.import_module(name)


def _follow_parent() -> None:
    """End this process when its parent has ended, even in the middle of a point: nobody else would."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.killpg(0, signal.SIGKILL)


def _serve(connection: Connection) -> None:
    import tracking

    with contextlib.ExitStack() as until_the_end:
        try:
            _run_tasks(connection, until_the_end)
        except tracking.StoreError as error:
            connection.send(StoreFailed(error))


def _run_tasks(connection: Connection, until_the_end: contextlib.ExitStack) -> None:
    from runner.trial.record import record
    from runner.trial.session import flushed_together

    tasks: deque[Task] = deque()
    session: Session | None = None
    while True:
        while not tasks or connection.poll():
            kind, value = connection.recv()
            if kind == "stop":
                return
            if kind == "import":
                _import(value)
            elif kind == "session":
                session = value
                until_the_end.enter_context(flushed_together(session))
            else:
                tasks.extend(value)
        assert session is not None
        task = tasks.popleft()
        outcome = record(
            task.spec, session, attempt=task.attempt, on_start=lambda run_id: connection.send(Started(run_id))
        )
        connection.send(Done(outcome))
