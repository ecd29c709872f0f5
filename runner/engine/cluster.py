"""A cluster as a pool sees it: who is there, and calls of functions on a given worker. dask and ray are behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Joined:
    """A worker that can be called."""

    worker: str


@dataclass(frozen=True, slots=True)
class Left:
    """A worker that is gone; what was called on it gives no answer any more."""

    worker: str
    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call returned."""

    call: str
    value: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """What a call raised, or why it gave no answer."""

    call: str
    error: BaseException


News = Joined | Left | Answer | Failed


class Cluster(Protocol):
    """Workers somewhere, each a process of its own."""

    @property
    def name(self) -> str:
        """What to call it in a sentence."""

    @property
    def lasts(self) -> bool:
        """Whether its workers go on living after the sweep."""

    def news(self, timeout: float) -> Sequence[News]:
        """Wait at most `timeout` seconds and return what has happened. Raises RunnerError where the cluster is gone."""

    def call(self, key: str, worker: str, function: Callable[..., Any], *arguments: Any) -> None:
        """Call a function on a worker; the answer is news under this key. Calls of one worker keep their order."""

    def share(self, value: Any, workers: Sequence[str]) -> Any:
        """Bring a value to workers, once; return what stands for it among the arguments of a call."""

    def cancel(self, calls: Iterable[str]) -> None:
        """Take back calls that have not begun, and want no answer of the others."""

    def close(self) -> None:
        """Let go of the cluster, and end it where it was made for this sweep."""
