"""What the store holds, as plain frozen data: Experiment, Run(info, data), Metric, Param, RunStatus.

Field names are MLflow's. Times are milliseconds since the epoch; ids are text.
An entity is a snapshot: it does not change when the store does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class RunStatus(StrEnum):
    """Where a run stands; a member equals its own name as text."""

    RUNNING = "RUNNING"
    SCHEDULED = "SCHEDULED"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"

    @property
    def is_terminated(self) -> bool:
        """Tell whether a run of this status has ended."""
        return self in (RunStatus.FINISHED, RunStatus.FAILED, RunStatus.KILLED)


class LifecycleStage(StrEnum):
    """Whether something is in use or in the trash."""

    ACTIVE = "active"
    DELETED = "deleted"


class ViewType:
    """Which lifecycle stages a search returns; the numbers are MLflow's."""

    ACTIVE_ONLY = 1
    DELETED_ONLY = 2
    ALL = 3


@dataclass(frozen=True, slots=True)
class Metric:
    """One point of a metric's history."""

    key: str
    value: float
    timestamp: int
    step: int = 0
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class Param:
    """One param; the value is text."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class RunTag:
    """One tag; the value is text."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that writes a run: enough to tell later whether it still lives."""

    host: str
    pid: int
    started: str


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What a run is: identity, state and place. `artifact_uri` is absolute at the time of asking."""

    run_id: str
    experiment_id: str
    run_name: str
    user_id: str
    status: str
    start_time: int
    end_time: int | None
    lifecycle_stage: str
    artifact_uri: str


@dataclass(frozen=True, slots=True)
class RunData:
    """What a run recorded: latest metrics, params and tags by key."""

    metrics: dict[str, float] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """One tracked run, as it was when it was read."""

    info: RunInfo
    data: RunData

    def to_dictionary(self) -> dict[str, Any]:
        """Return the run as nested plain dictionaries."""
        info = {name: getattr(self.info, name) for name in RunInfo.__slots__}
        data = {name: dict(getattr(self.data, name)) for name in RunData.__slots__}
        return {"info": info, "data": data}


@dataclass(frozen=True, slots=True)
class Experiment:
    """A named collection of runs. `artifact_location` is absolute at the time of asking."""

    experiment_id: str
    name: str
    artifact_location: str
    lifecycle_stage: str
    creation_time: int
    last_update_time: int
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FileInfo:
    """One entry of an artifact listing; `file_size` in bytes, None for a folder."""

    path: str
    is_dir: bool
    file_size: int | None


__all__ = [
    "Experiment",
    "FileInfo",
    "LifecycleStage",
    "Metric",
    "Owner",
    "Param",
    "Run",
    "RunData",
    "RunInfo",
    "RunStatus",
    "RunTag",
    "ViewType",
]
