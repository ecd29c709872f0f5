"""Runs of a sweep, started in it or reused by it, and how far each sweep came.

The tags are those the runner writes: `sweep.id`, `sweep.point` (from 0), `sweep.points` (planned), `sweep.command`,
and `sweep.reused` (points that were done before). A run that later sweeps reused says so in `sweep.also`, a line for
each: the sweep's id and its point, and in one run of each sweep also what no run of the sweep's own may tell, if
there is none: the number of points, when it started, and its command.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import isnan

from tracking.entities import Run, RunStatus
from tracking.errors import InvalidValue
from tracking.records.names import (
    REPRODUCES_SWEEP,
    SWEEP_ALSO,
    SWEEP_COMMAND,
    SWEEP_ID,
    SWEEP_POINT,
    SWEEP_POINTS,
    SWEEP_PREFIXES,
    SWEEP_REUSED,
)
from tracking.records.ranking import objective
from tracking.text.tables import ShortId, format_number, local_time

_LONGEST_TAG = 8000


@dataclass(frozen=True)
class Sweep:
    """One sweep and its active runs, in the order they were started; a point may have several attempts.

    Runs that it reused are among them, with the tags that they would have if they had been started in it.
    """

    id: str
    runs: tuple[Run, ...]
    started: int  # in milliseconds
    reused_ids: frozenset[str] = frozenset()

    @property
    def title(self) -> str:
        """How a page about it is headed."""
        return f"Sweep {self.id[:8]}"

    @property
    def command(self) -> str:
        """What a person typed, or nothing where that is not recorded."""
        return next((text for run in self.runs if (text := run.data.tags.get(SWEEP_COMMAND))), "")

    @property
    def repeats(self) -> bool:
        """Tell whether this sweep was made to run another one again (`python -m runner.reproduce --sweep`)."""
        return REPRODUCES_SWEEP in self.runs[0].data.tags

    @property
    def own(self) -> list[Run]:
        """The runs that were started in this sweep itself."""
        return [run for run in self.runs if run.info.run_id not in self.reused_ids]

    @cached_property
    def planned(self) -> int:
        """How many points there should be."""
        return max((_number(run, SWEEP_POINTS) for run in self.runs), default=0) or len(self.latest)

    @cached_property
    def reused(self) -> int:
        """How many points had been done before."""
        return max(len(self.reused_ids), *(_number(run, SWEEP_REUSED) for run in self.runs))

    @cached_property
    def latest(self) -> dict[str, Run]:
        """The run that counts for each point: the last finished one, else the last attempt."""
        counting: dict[str, Run] = {}
        for run in self.runs:
            point = run.data.tags.get(SWEEP_POINT, run.info.run_id)
            before = counting.get(point)
            if before is None or before.info.status != RunStatus.FINISHED or _finished(run):
                counting[point] = run
        return counting

    def in_status(self, *statuses: RunStatus) -> list[Run]:
        """Return the runs that count and have one of the statuses."""
        return [run for run in self.latest.values() if run.info.status in statuses]

    @property
    def done(self) -> int:
        """How many points are finished in this sweep itself."""
        return sum(run.info.run_id not in self.reused_ids for run in self.in_status(RunStatus.FINISHED))

    @property
    def failed(self) -> int:
        """How many points failed or were killed in their last attempt."""
        return len(self.in_status(RunStatus.FAILED, RunStatus.KILLED))

    @property
    def missing(self) -> int:
        """How many planned points have no run at all."""
        unknown = self.reused - len(self.reused_ids)  # reused runs that have been deleted since
        return max(self.planned - unknown - len(self.latest), 0)

    @property
    def left(self) -> int:
        """How many points have not ended."""
        return len(self.in_status(RunStatus.RUNNING, RunStatus.SCHEDULED)) + self.missing

    def ranked(self) -> list[Run]:
        """Return the runs that count, best objective first, those without one last."""
        return sorted(self.latest.values(), key=_rank)

    def best(self) -> Run | None:
        """Return the finished run with the best objective, or None where no run has one."""
        return next((run for run in self.ranked()[:1] if _rank(run)[0] == 0), None)

    def row(self) -> dict[str, object]:
        """Return the sweep as a row of plain values."""
        best = self.best()
        metric = "" if best is None else objective(best)[0]
        return {
            "id": ShortId(self.id),
            "started": local_time(self.started),
            "points": self.planned,
            "done": self.done,
            "failed": self.failed,
            "missing": self.missing,
            "running": len(self.in_status(RunStatus.RUNNING, RunStatus.SCHEDULED)),
            "reused": self.reused,
            "best": None if best is None else best.data.metrics[metric],
            "objective": metric or None,
            "best run": None if best is None else ShortId(best.info.run_id),
            "command": self.command,
        }


SWEEP_COLUMNS = (
    *("id", "started", "points", "done", "failed", "missing", "running", "reused"),
    *("best", "command", "objective", "best run"),
)


def group_sweeps(runs: Iterable[Run]) -> list[Sweep]:
    """Return the sweeps of these runs, newest first; runs of no sweep are passed over."""
    own: dict[str, list[Run]] = {}
    reused: dict[str, list[Run]] = {}
    started: dict[str, int] = {}
    for run in sorted(runs, key=lambda run: (run.info.start_time, _number(run, SWEEP_POINT))):
        if sweep_id := run.data.tags.get(SWEEP_ID):
            own.setdefault(sweep_id, []).append(run)
        for reuse in read_reuses(run.data.tags.get(SWEEP_ALSO, "")):
            reused.setdefault(reuse.sweep_id, []).append(reuse.as_member(run))
            if reuse.started:
                started[reuse.sweep_id] = reuse.started
    sweeps = []
    for sweep_id in dict.fromkeys([*own, *reused]):
        members = (*reused.get(sweep_id, ()), *own.get(sweep_id, ()))
        first = own.get(sweep_id, members)[0].info.start_time
        ids = frozenset(run.info.run_id for run in reused.get(sweep_id, ()))
        sweeps.append(Sweep(sweep_id, members, started.get(sweep_id, first), ids))
    return sorted(sweeps, key=lambda sweep: sweep.started, reverse=True)


@dataclass(frozen=True, slots=True)
class Reuse:
    """That a sweep took a run for one of its points; one run of each sweep also carries what describes the sweep."""

    sweep_id: str
    point: int
    points: int = 0
    started: int = 0  # in milliseconds
    command: str = ""

    def noted(self, tags: Mapping[str, str]) -> str:
        """Return the new value of a run's tag `sweep.also`; what is too long forgets the oldest sweeps."""
        described = f" {self.points} {self.started} {' '.join(self.command.split())[:1000]}" if self.points else ""
        lines = [*tags.get(SWEEP_ALSO, "").splitlines(), f"{self.sweep_id} {self.point}{described}"]
        while len(text := "\n".join(lines)) > _LONGEST_TAG:
            del lines[0]
        return text

    def as_member(self, run: Run) -> Run:
        """Return the run with the tags that it would have if the sweep had started it."""
        tags = {key: value for key, value in run.data.tags.items() if not key.startswith(SWEEP_PREFIXES)}
        tags |= {SWEEP_ID: self.sweep_id, SWEEP_POINT: str(self.point)}
        if self.points:
            tags |= {SWEEP_POINTS: str(self.points), SWEEP_COMMAND: self.command}
        return replace(run, data=replace(run.data, tags=tags))


def read_reuses(text: str) -> Iterator[Reuse]:
    """Read a tag `sweep.also`; lines that are none are passed over."""
    for line in text.splitlines():
        words = line.split(" ", 4)
        if len(words) >= 2 and all(word.isdecimal() for word in words[1:4]):
            yield Reuse(words[0], *map(int, words[1:4]), *words[4:])  # type: ignore[arg-type]


def best_text(run: Run) -> str:
    """Return a run's objective and id, as `rmse_mean = 54.1 (a93fa93f)`."""
    metric, _ = objective(run)
    return f"{metric} = {format_number(run.data.metrics[metric])} ({run.info.run_id[:8]})"


def _rank(run: Run) -> tuple[int, float]:
    """Order by objective; only finished runs with a number take part."""
    try:
        metric, direction = objective(run)
    except InvalidValue:
        return (1, 0.0)
    value = run.data.metrics.get(metric)
    if value is None or isnan(value) or not _finished(run):
        return (1, 0.0)
    return (0, -value if direction == "maximize" else value)


def _finished(run: Run) -> bool:
    return run.info.status == RunStatus.FINISHED


def _number(run: Run, tag: str) -> int:
    text = run.data.tags.get(tag, "")
    return int(text) if text.isdecimal() else 0
