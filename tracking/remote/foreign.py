"""A run as another program recorded it, and what a source of such runs offers."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tracking.entities import Metric, RunStatus
from tracking.remote.names import RUN_ID, SWEEP_RUN


@dataclass(frozen=True, slots=True)
class Listed:
    """That a source has a run, and whether it is one of ours that was pushed there."""

    run_id: str  # the source's
    experiment: str
    status: str
    pushed_as: str | None = None

    @property
    def key(self) -> str:
        """The id that the run has in our stores."""
        return self.pushed_as or self.run_id

    @property
    def has_ended(self) -> bool:
        """Whether the run will not change any more."""
        return RunStatus(self.status).is_terminated()

    @property
    def is_sweep(self) -> bool:
        """Whether it is only the parent run of a sweep, which our stores have no run for."""
        return self.key.startswith(SWEEP_RUN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """A run of another program, whole."""

    listed: Listed
    name: str
    user: str
    start_time: int  # ms
    end_time: int | None  # ms
    tags: Mapping[str, str]
    params: Mapping[str, str]
    points: Sequence[Metric]
    location: str  # of its artifacts, as the source has it
    fill: Callable[[Path], None] = lambda folder: None  # puts its artifacts into a folder
    is_elsewhere: bool = False  # its files cannot be had from here
    blobs: Mapping[str, bytes] = field(default_factory=dict)


class Source(Protocol):
    """Where runs are imported from."""

    def listing(self) -> Sequence[Listed]:
        """Return its runs that are not deleted, cheaply."""
        ...

    def read(self, listed: Sequence[Listed]) -> Sequence[Foreign]:
        """Return these runs, whole."""
        ...


def pushed_as(tags: Mapping[str, str]) -> str | None:
    """Return our id of a run that was pushed, by its tags."""
    return tags.get(RUN_ID)


def value_of(stored: float, *, is_nan: bool = False) -> float:
    """Return the value of a metric: MLflow has NaN as a mark beside 0, and keeps infinity as the largest float."""
    if is_nan:
        return math.nan
    return math.copysign(math.inf, stored) if abs(stored) >= sys.float_info.max else stored
