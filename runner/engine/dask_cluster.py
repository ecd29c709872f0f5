"""dask.distributed as a cluster: one that runs at an address, one that is made for the sweep, or the caller's own.

Calls are pinned to a worker, so that it is known what a lost worker was in; the scheduler's own retries and its
stealing of tasks between workers are not used. joblib's backend for dask was not used either: it names tasks at
random, scatters the data again for each call, and has one task for every point.
"""

from __future__ import annotations

import contextlib
import logging
import queue
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import distributed

from runner.engine.cluster import Answer, Failed, Joined, Left, News
from runner.engine.processes import main_not_run_again
from runner.errors import ConfigError, RunnerError
from runner.trial.build import build_node

_CONNECT_SECONDS = 10
_CLOSE_SECONDS = 5


class DaskCluster:
    """The workers of one scheduler."""

    def __init__(self, client: Any, until_the_end: contextlib.ExitStack, *, name: str, lasts: bool):
        self.name = name
        self.lasts = lasts
        self._client = client
        self._until_the_end = until_the_end
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self._futures: dict[str, Any] = {}
        client.subscribe_topic("all", self._hear)  # first: who comes between the two lines is told twice
        for worker in client.scheduler_info(n_workers=-1)["workers"]:
            self._news.put(Joined(worker))

    def news(self, timeout: float) -> Sequence[News]:
        """Wait at most `timeout` seconds and return what has happened. Raises RunnerError without the scheduler."""
        found: list[News] = []
        with contextlib.suppress(queue.Empty):
            found.append(self._news.get(timeout=timeout))
            while True:
                found.append(self._news.get_nowait())
        if self._client.status != "running":
            raise RunnerError(
                f"{self.name} is gone. What had ended is recorded; to run the rest, start a scheduler and repeat the"
                " command with resume=true"
            )
        return found

    def call(self, key: str, worker: str, function: Callable[..., Any], *arguments: Any) -> None:
        """Call a function on a worker; the answer is news under this key."""
        future = self._client.submit(
            function, *arguments, key=key, workers=[worker], allow_other_workers=False, pure=False
        )
        self._futures[key] = future
        future.add_done_callback(self._take)

    def share(self, value: Any, workers: Sequence[str]) -> Any:
        """Bring a value to a worker; the others fetch it from there, or from each other, for the call that takes it.

        Not by dask's broadcast: that tells the topic "all" of it with objects that cannot be sent, and the scheduler
        then drops this client (distributed 2026.8.0).
        """
        first = workers[:1]
        try:
            return self._client.scatter(value, workers=first, direct=True, hash=False)
        except (OSError, TimeoutError):  # the workers cannot be reached from here, only the scheduler can
            return self._client.scatter(value, workers=first, direct=False, hash=False)

    def cancel(self, calls: Iterable[str]) -> None:
        """Take back calls that have not begun, and want no answer of the others."""
        futures = [self._futures.pop(call) for call in calls if call in self._futures]
        if futures and self._client.status == "running":
            self._client.cancel(futures, force=True)

    def close(self) -> None:
        """Let go of the scheduler, and end it where it was made for this sweep."""
        with contextlib.suppress(ValueError):
            self._client.unsubscribe_topic("all")
        self._futures.clear()
        self._until_the_end.close()

    # Called in dask's threads ------------------------------------------------------------------
    def _hear(self, event: tuple[float, Mapping[str, Any]]) -> None:
        said = event[1]
        match said.get("action"):
            case "add-worker":
                self._news.put(Joined(said["worker"]))
            case "remove-worker":
                self._news.put(Left(said["worker"], "it left" if said.get("expected") else "it is gone"))

    def _take(self, future: Any) -> None:
        try:
            value = future.result()
        except BaseException as error:  # what the function raised, or that it was cancelled
            self._news.put(Failed(future.key, error))
        else:
            self._news.put(Answer(future.key, value))
        self._futures.pop(future.key, None)


def open_dask(address: str | None, section: Mapping[str, Any], *, size: int) -> DaskCluster:
    """Connect to the scheduler at `address`, or make the cluster that `section` describes.

    With neither the client that the program has made before is used, and without one a LocalCluster is made.

    Raises ConfigError.
    """
    with contextlib.ExitStack() as stack:
        lasts = True
        if address:
            client = stack.enter_context(_connected(address))
            name = f"the dask scheduler at {address}"
        elif not section and (found := _callers()) is not None:
            client, name = found, f"the dask scheduler at {found.scheduler.address}"
        else:
            cluster = stack.enter_context(_made(section, size))
            client = stack.enter_context(distributed.Client(cluster, set_as_default=False))
            name, lasts = f"the dask cluster {type(cluster).__name__}", False
        return DaskCluster(client, stack.pop_all(), name=name, lasts=lasts)


def _callers() -> Any:
    """Return the client that the program has made before, as version 0.1.0 asked for."""
    try:
        return distributed.default_client()
    except ValueError:
        return None


def _connected(address: str) -> Any:
    try:
        return distributed.Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(
            f"engine.address={address}: no dask scheduler answers there ({error}). Start one: dask scheduler"
        ) from error


@contextlib.contextmanager
def _made(section: Mapping[str, Any] | None, size: int) -> Any:
    """Make a cluster for the sweep; what its own processes log is not about the sweep."""
    asked = dict(section or {"_target_": "distributed.LocalCluster"})
    if str(asked.get("_target_")).rpartition(".")[2] == "LocalCluster":
        asked = {"n_workers": size, "threads_per_worker": 1, "dashboard_address": None, **asked}
    logger = logging.getLogger("distributed")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with main_not_run_again(), build_node(asked, "engine.cluster") as cluster:
            yield cluster
    finally:
        logger.setLevel(before)
