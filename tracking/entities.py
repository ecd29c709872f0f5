"""What the store holds, as plain frozen data: Experiment, Run(info, data), Metric, Param, RunStatus.

Field names are MLflow's. Times are milliseconds since the epoch; ids are text.
An entity is a snapshot: it does not change when the store does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tracking.errors import InvalidValue
from tracking.inputs import Dataset, DatasetInput, InputTag, Pairs, RunInputs, read_inputs

if TYPE_CHECKING:
    import pandas as pd


_MOST_SHOWN = 100  # params and metrics of a run in a notebook


class RunStatus(StrEnum):
    """Where a run stands; a member equals its own name as text. In the order of MLflow's numbers, from 1."""

    RUNNING = "RUNNING"
    SCHEDULED = "SCHEDULED"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"

    def is_terminated(self) -> bool:
        """Tell whether a run of this status has ended; as `RunStatus.is_terminated(status)` too."""
        return RunStatus.to_string(self) in (RunStatus.FINISHED, RunStatus.FAILED, RunStatus.KILLED)

    @staticmethod
    def to_string(status: str | int) -> str:
        """Return the name of a status, given by name or by MLflow's number. Raises InvalidValue."""
        if isinstance(status, int) and 1 <= status <= len(RunStatus):
            return list(RunStatus)[status - 1].value
        return RunStatus.from_string(str(status)).value

    @staticmethod
    def from_string(status: str) -> RunStatus:
        """Return the status of this name. Raises InvalidValue."""
        if status in RunStatus.all_status():
            return RunStatus(status)
        raise InvalidValue(f"Unknown run status {status!r}. Known: {', '.join(RunStatus)}.")

    @staticmethod
    def all_status() -> list[RunStatus]:
        """Return every status."""
        return list(RunStatus)


class LifecycleStage(StrEnum):
    """Whether something is in use or in the trash."""

    ACTIVE = "active"
    DELETED = "deleted"


class ViewType:
    """Which lifecycle stages a search returns; the numbers are MLflow's."""

    ACTIVE_ONLY = 1
    DELETED_ONLY = 2
    ALL = 3
    _NAMES = MappingProxyType({ACTIVE_ONLY: "active_only", DELETED_ONLY: "deleted_only", ALL: "all"})

    @classmethod
    def to_string(cls, view_type: int) -> str:
        """Return the name of a view. Raises InvalidValue."""
        if view_type in cls._NAMES:
            return cls._NAMES[view_type]
        raise InvalidValue(f"Unknown view {view_type!r}. Known: {', '.join(map(str, cls._NAMES))}.")

    @classmethod
    def from_string(cls, view_str: str) -> int:
        """Return the number of a view. Raises InvalidValue."""
        for number, name in cls._NAMES.items():
            if name == view_str:
                return number
        raise InvalidValue(f"Unknown view {view_str!r}. Known: {', '.join(cls._NAMES.values())}.")


def _set_by_key(entity: Any, name: str, values: Any) -> None:
    """Turn what MLflow's constructors take, a list of Metric, Param or tag, into values by key."""
    if not isinstance(values, dict):
        object.__setattr__(entity, name, {item.key: item.value for item in values or ()})


@dataclass(frozen=True, slots=True)
class Metric(Pairs):
    """One point of a metric's history."""

    key: str
    value: float
    timestamp: int
    step: int = 0
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class Param(Pairs):
    """One param; the value is text."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class RunTag(Pairs):
    """One tag; the value is text."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class ExperimentTag(Pairs):
    """One tag of an experiment; the value is text."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Process:
    """The process that writes a run: enough to tell later whether it still lives."""

    host: str
    pid: int
    started: str


@dataclass(frozen=True, slots=True)
class Claim:
    """What came of claiming a piece of work: who had it before, if anybody, and whether it is this process's now."""

    before: Process | None
    mine: bool


@dataclass(frozen=True, slots=True)
class RunInfo(Pairs):
    """What a run is: identity, state and place. `artifact_uri` is absolute at the time of asking."""

    run_id: str
    experiment_id: str
    user_id: str
    status: str
    start_time: int
    end_time: int | None
    lifecycle_stage: str
    artifact_uri: str = ""
    run_name: str = ""


@dataclass(frozen=True, slots=True)
class RunData(Pairs):
    """What a run recorded: latest metrics, params and tags by key."""

    metrics: dict[str, float] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, values in self:
            _set_by_key(self, name, values)


@dataclass(frozen=True, slots=True)
class RunOutputs(Pairs):
    """What a run gave; always empty here, where models are artifacts."""

    model_outputs: list[Any] = field(default_factory=list)


# What reads the frames of a run; `tracking.frames` fills it in, which knows stores, as this module does not.
readers: dict[str, Callable[[Run], pd.DataFrame]] = {}


@dataclass(frozen=True, slots=True)
class Run:
    """One tracked run, as it was when it was read."""

    info: RunInfo
    data: RunData

    def __repr__(self) -> str:
        return f"<Run {self.info.run_id[:8]} {self.info.run_name!r} {self.info.status}>"

    def _repr_html_(self) -> str:
        from tracking.text.html import render_html_table

        title = f"{self.info.run_name} ({self.info.run_id[:8]}), {self.info.status}"
        values: dict[str, object] = {f"metrics.{key}": value for key, value in sorted(self.data.metrics.items())}
        values |= {f"params.{key}": value for key, value in sorted(self.data.params.items())}
        rows = [{"key": key, "value": value} for key, value in list(values.items())[:_MOST_SHOWN]]
        return render_html_table(rows, ["key", "value"], title=title, more=max(len(values) - _MOST_SHOWN, 0))

    @property
    def inputs(self) -> RunInputs:
        """The data sets that the run was given: by the runner, or by `log_input`."""
        return RunInputs(read_inputs(self.data.tags))

    @property
    def outputs(self) -> RunOutputs:
        """Nothing, as MLflow has it for a run without logged models."""
        return RunOutputs()

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        for name in ("info", "data", "inputs", "outputs"):
            yield name, getattr(self, name)

    def predictions(self) -> pd.DataFrame:
        """Return what each row was predicted by a model that had not seen it: see `tracking.predictions`."""
        return readers["predictions"](self)

    def importances(self) -> pd.DataFrame:
        """Return the final model's coefficients or importances by feature: see `tracking.importances`."""
        return readers["importances"](self)

    def to_dictionary(self) -> dict[str, Any]:
        """Return the run as nested plain dictionaries."""
        info = {name: getattr(self.info, name) for name in RunInfo.__slots__}
        data = {name: dict(getattr(self.data, name)) for name in RunData.__slots__}
        return {"info": info, "data": data, "inputs": dict(self.inputs), "outputs": dict(self.outputs)}


@dataclass(frozen=True, slots=True)
class Experiment(Pairs):
    """A named collection of runs. `artifact_location` is absolute at the time of asking."""

    experiment_id: str
    name: str
    artifact_location: str
    lifecycle_stage: str
    tags: dict[str, str] = field(default_factory=dict)
    creation_time: int = 0
    last_update_time: int = 0

    def __post_init__(self) -> None:
        _set_by_key(self, "tags", self.tags)


@dataclass(frozen=True, slots=True)
class ModelVersion(Pairs):
    """One version of a registered model; `source` is the address of its files."""

    name: str
    version: str
    creation_timestamp: int
    last_updated_timestamp: int
    description: str
    source: str
    run_id: str | None
    current_stage: str = "None"
    status: str = "READY"
    tags: dict[str, str] = field(default_factory=dict)
    aliases: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RegisteredModel(Pairs):
    """A name with versions; `aliases` are names of versions, `latest_versions` the newest of every stage."""

    name: str
    creation_timestamp: int
    last_updated_timestamp: int
    description: str
    tags: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    latest_versions: list[ModelVersion] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FileInfo(Pairs):
    """One entry of an artifact listing; `file_size` in bytes, None for a folder."""

    path: str
    is_dir: bool
    file_size: int | None


__all__ = [
    "Dataset",
    "DatasetInput",
    "Experiment",
    "ExperimentTag",
    "FileInfo",
    "InputTag",
    "LifecycleStage",
    "Metric",
    "ModelVersion",
    "Param",
    "Process",
    "RegisteredModel",
    "Run",
    "RunData",
    "RunInfo",
    "RunInputs",
    "RunOutputs",
    "RunStatus",
    "RunTag",
    "ViewType",
]


def duration(info: RunInfo) -> timedelta | None:
    """Return how long the run took, or None where its end is not known; a resumed run has one from before."""
    if info.end_time is None or info.status == RunStatus.RUNNING:
        return None
    return timedelta(milliseconds=info.end_time - info.start_time)


@dataclass(frozen=True, slots=True)
class RunColumns:
    """Many runs by column, for tables: every list has one value a run, all in the same order.

    `info` has the fields of RunInfo by name. A metric that a run lacks is NaN; a param or tag that it
    lacks is None.
    """

    info: dict[str, list[Any]]
    metrics: dict[str, list[float]]
    params: dict[str, list[str | None]]
    tags: dict[str, list[str | None]]

    @property
    def infos(self) -> list[RunInfo]:
        """The runs' infos as entities."""
        return [
            RunInfo(**dict(zip(self.info, values, strict=True))) for values in zip(*self.info.values(), strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that `check` found: what, in a sentence, and whether it was repaired."""

    kind: str
    subject: str
    message: str
    fixed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeRun:
    """A run that ended elsewhere, with all that was recorded of it; `info.experiment_id` is of the store it goes to.

    `fill` is given the folder of its artifacts, to put them there. `process` recorded it on behalf of this store's
    owner; None: it is a stranger's, whom nobody here has to trust.
    """

    run: Run
    points: Sequence[Metric]
    blobs: Mapping[str, bytes] = field(default_factory=dict)
    fill: Callable[[Path], None] = lambda folder: None
    process: Process | None = None


if not TYPE_CHECKING:  # to the type checker a name that is not here is a mistake

    def __getattr__(name):
        from tracking.unavailable import missing

        raise missing(__name__, name)
