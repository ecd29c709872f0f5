"""ray as a cluster: an actor for each worker, so that it is known what a lost one was in."""

from __future__ import annotations

import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import ray
from ray.exceptions import ActorDiedError, RayActorError, RayError, RayTaskError

from runner.engine.cluster import Answer, Failed, Joined, Left, News
from runner.errors import ConfigError, RunnerError


class _Worker:
    """One process of ray, which calls what it is given."""

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function."""
        return function(*arguments)


class RayCluster:
    """Actors of one ray; one that dies is replaced, as often as it takes."""

    def __init__(self, *, size: int, name: str, lasts: bool) -> None:
        self.name = name
        self.lasts = False  # its actors end with the sweep
        self._stays = lasts
        self._made = 0
        self._actors: dict[str, Any] = {}
        self._calls: dict[Any, tuple[str, str]] = {}  # reference of an answer -> call, worker
        self._news: deque[News] = deque()
        for _ in range(size):
            self._start()

    def news(self, timeout: float) -> Sequence[News]:
        """Wait at most `timeout` seconds and return what has happened. Raises RunnerError without ray."""
        try:
            if self._calls and not self._news:
                ray.wait(list(self._calls), num_returns=1, timeout=timeout)
            ended, _ = ray.wait(list(self._calls), num_returns=len(self._calls), timeout=0) if self._calls else ([], [])
            for reference in ended:
                self._take(reference)
        except (RayError, ConnectionError, OSError) as error:
            raise self._gone(error) from error
        found = list(self._news)
        self._news.clear()
        return found

    def call(self, key: str, worker: str, function: Callable[..., Any], *arguments: Any) -> None:
        """Call a function on a worker; the answer is news under this key."""
        if worker not in self._actors:
            return  # that it is gone is news already
        try:
            self._calls[self._actors[worker].call.remote(function, *arguments)] = (key, worker)
        except (RayError, ConnectionError, OSError) as error:
            raise self._gone(error) from error

    def share(self, value: Any, workers: Sequence[str]) -> Any:
        """Put a value into ray's store, from which each machine takes it once."""
        return ray.put(value)

    def cancel(self, calls: Iterable[str]) -> None:
        """Take back calls that have not begun, and want no answer of the others."""
        unwanted = set(calls)
        for reference in [reference for reference, (key, _) in self._calls.items() if key in unwanted]:
            del self._calls[reference]
            with contextlib.suppress(RayError, ValueError, TypeError, OSError):
                ray.cancel(reference)

    def close(self) -> None:
        """End the actors, and ray where it was started for this sweep."""
        for actor in self._actors.values():
            with contextlib.suppress(RayError, ValueError, OSError):
                ray.kill(actor)
        self._actors.clear()
        self._calls.clear()
        if not self._stays:
            ray.shutdown()

    # -------------------------------------------------------------------------------------------
    def _start(self) -> None:
        self._made += 1
        worker = f"actor-{self._made}"
        self._actors[worker] = ray.remote(num_cpus=1, max_restarts=0)(_Worker).remote()
        self._news.append(Joined(worker))

    def _take(self, reference: Any) -> None:
        if reference not in self._calls:
            return  # of a worker whose loss was seen in another answer
        key, worker = self._calls.pop(reference)
        try:
            self._news.append(Answer(key, ray.get(reference)))
        except RayActorError as error:
            self._lose(worker, error)
        except RayTaskError as error:
            self._news.append(Failed(key, error.cause if isinstance(error.cause, BaseException) else error))
        except RayError as error:
            self._news.append(Failed(key, error))

    def _lose(self, worker: str, error: RayActorError) -> None:
        """Tell that a worker is gone, and start another in its place."""
        self._calls = {reference: call for reference, call in self._calls.items() if call[1] != worker}
        if self._actors.pop(worker, None) is None:
            return
        reason = "its process died" if isinstance(error, ActorDiedError) else "it cannot be reached"
        self._news.append(Left(worker, reason))
        self._start()

    def _gone(self, error: Exception) -> RunnerError:
        return RunnerError(
            f"{self.name} is gone ({type(error).__name__}). What had ended is recorded; to run the rest, start it again"
            " and repeat the command with resume=true"
        )


def open_ray(address: str | None, section: Mapping[str, Any], *, size: int, fixed: bool) -> RayCluster:
    """Connect to the ray at `address`, or use the one that the program has started, or start one with `size` workers.

    `section` holds further arguments of `ray.init`. One that runs gives as many workers as it has cores, unless
    `size` is `fixed`. Raises ConfigError.
    """
    lasts = bool(address) or ray.is_initialized()
    quiet = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    if not ray.is_initialized():
        try:
            if address:
                ray.init(address=address, **{**quiet, **section})
            else:
                ray.init(num_cpus=size, **{"include_dashboard": False, **quiet, **section})
        except Exception as error:  # ray raises bare ones, as where its processes are not up in time
            asked = f"engine.address={address}" if address else "engine=ray"
            first = str(error).strip().partition("\n")[0]
            raise ConfigError(f"{asked}: no ray can be had: {first}. Start one: ray start --head") from error
    cores = int(ray.cluster_resources().get("CPU", 1))
    name = f"the ray at {address}" if address else "the ray of this sweep" if not lasts else "the ray of this program"
    return RayCluster(size=size if fixed or not lasts else cores, name=name, lasts=lasts)
